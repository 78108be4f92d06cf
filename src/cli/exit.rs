//! Exit codes, and the failures that lead to them.

use std::error::Error;
use std::fmt;

use crate::platform::{StorageProblem, storage_problem};
use crate::report::Stop;

use super::snippet::Blame;

/// An error of any type, whose sources can be searched.
pub(super) type Cause = dyn Error + 'static;

/// How the process ends. docs/reference/exit-codes.md lists the codes.
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

/// Why a command failed and what to do next. Holds no value of a customer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    /// Machine-readable: the `reason` of a summary's `stop`.
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// What to do next, unless the message says it.
    pub(super) hint: Option<String>,
    /// The exact command that continues from here.
    pub(super) next_command: Option<String>,
    /// The part of the config that caused the failure, if one did.
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

    /// Wrong usage or config, no key, unreadable input, or a bad plan file: nothing was sent.
    pub(super) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// An output file that must not or cannot be written: nothing was sent.
    pub(super) fn output(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, "output", message)
    }

    /// A failure whose message is the error with all its sources, on one line.
    pub(super) fn from_error(exit: Exit, reason: &'static str, error: &Cause) -> Self {
        let failure = Self::new(exit, reason, chain(error));
        match storage_cause(error) {
            // The limit of open files has nothing to do with the file that could not be opened.
            Some(problem @ StorageProblem::TooManyFiles) => Self {
                exit: Exit::NotFinished,
                ..failure.hint(problem.advice())
            },
            Some(problem) => failure.hint(problem.advice()),
            None => failure,
        }
    }

    /// Adds the command that continues from here, unless the failure names one already.
    pub(super) fn or_next(mut self, command: Option<&str>) -> Self {
        // Another process continues the run.
        let command = command.filter(|_| self.reason != "lease_lost");
        let command = command.map(ToOwned::to_owned);
        self.next_command = self.next_command.or(command);
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether the user chose this end when asked.
    pub(super) fn is_users_choice(&self) -> bool {
        matches!(self.reason, "declined" | "saved")
    }

    /// The failure as the `stop` of a summary.
    pub(super) fn stop(&self) -> Stop {
        Stop {
            reason: self.reason.to_owned(),
            message: self.message.clone(),
            next_command: self.next_command.clone(),
        }
    }

    /// Adds a hint, unless the failure has one already.
    pub(super) fn or_hint(self, hint: &str) -> Self {
        match self.hint {
            Some(_) => self,
            None => self.hint(hint),
        }
    }
}

/// Turns the error of a result into a [`Failure`] with this `reason`.
pub(super) trait OrFail<T> {
    fn or_not_finished(self, reason: &'static str) -> Result<T, Failure>;
    fn or_usage(self, reason: &'static str) -> Result<T, Failure>;
}

impl<T, E: Error + 'static> OrFail<T> for Result<T, E> {
    fn or_not_finished(self, reason: &'static str) -> Result<T, Failure> {
        self.map_err(|error| Failure::from_error(Exit::NotFinished, reason, &error))
    }

    fn or_usage(self, reason: &'static str) -> Result<T, Failure> {
        self.map_err(|error| Failure::from_error(Exit::Usage, reason, &error))
    }
}

/// Returns the problem with the disk (full, read-only, failing) that caused the error, if one did.
fn storage_cause(error: &Cause) -> Option<StorageProblem> {
    let mut cause: Option<&Cause> = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        // `source` of an I/O error that wraps another error skips the wrapped one.
        let inner = io
            .and_then(std::io::Error::get_ref)
            .and_then(|e| storage_cause(e));
        if let Some(problem) = inner.or(io.and_then(storage_problem)) {
            return Some(problem);
        }
        cause = error.source();
    }
    None
}

/// The messages of an error and its sources, without those that an earlier message contains.
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
