//! Exit codes, and the failures that lead to them.

use std::fmt;

use super::diagnostics::Blame;
use crate::platform::StorageProblem;

/// An error of any kind, whose sources can be looked into.
pub(super) type Cause = dyn std::error::Error + 'static;

/// How the process ends; the numbers are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done,
    NotFinished,
    Usage,
    RowProblems,
    Refused,
    Locked,
    Changes,
    Budget,
    Interrupted,
    Terminated,
}

impl Exit {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NotFinished => 1,
            Self::Usage => 2,
            Self::RowProblems => 3,
            Self::Refused => 4,
            Self::Locked => 5,
            Self::Changes => 6,
            Self::Budget => 7,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// Why a command ends before its end: what is wrong and what to do next, without any value of a customer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    /// Machine-readable: the `reason` of a summary's `stop`.
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// What to do next, where the message does not say.
    pub(super) hint: Option<String>,
    /// The exact command that goes on from here.
    pub(super) next_command: Option<String>,
    /// What in the config is to blame, where something there is.
    pub(super) blame: Option<Box<Blame>>,
}

impl Failure {
    pub(super) fn new(exit: Exit, reason: &'static str, message: impl fmt::Display) -> Self {
        Self {
            exit,
            reason,
            message: message.to_string(),
            hint: None,
            next_command: None,
            blame: None,
        }
    }

    /// Usage, config, no key, unreadable input, a bad plan file: nothing was sent.
    pub(super) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// A file that is to be written, and must not or cannot be: nothing was sent.
    pub(super) fn output(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, "output", message)
    }

    /// An error with all its sources, as one line.
    pub(super) fn from_error(exit: Exit, reason: &'static str, error: &Cause) -> Self {
        let failure = Self::new(exit, reason, chain(error));
        match storage_cause(error) {
            // Whatever was to be read or written is not to blame.
            Some(problem @ StorageProblem::TooManyFiles) => Self {
                exit: Exit::NotFinished,
                ..failure.hint(problem.advice())
            },
            Some(problem) => failure.hint(problem.advice()),
            None => failure,
        }
    }

    /// With the command that goes on, where none is named yet.
    pub(super) fn or_next(mut self, command: &str) -> Self {
        self.next_command.get_or_insert_with(|| command.to_owned());
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A disk that is full, read-only or failing, where that is what an error comes from.
fn storage_cause(error: &Cause) -> Option<StorageProblem> {
    let mut cause: Option<&Cause> = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        // An I/O error that wraps another keeps it to itself and not as its source.
        let inner = io
            .and_then(std::io::Error::get_ref)
            .and_then(|e| storage_cause(e));
        let problem = io.and_then(crate::platform::storage_problem);
        if let Some(problem) = inner.or(problem) {
            return Some(problem);
        }
        cause = error.source();
    }
    None
}

/// The messages of an error and its sources, each told once.
pub(super) fn chain(error: &Cause) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        source = cause.source();
    }
    text
}
