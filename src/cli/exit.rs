//! Exit codes, and the failures that lead to them.

use std::fmt;

use super::diagnostics::Snippet;

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
    /// Where in the config the blame lies, as paths of keys, the most exact first.
    pub(super) blames: Vec<String>,
    /// The lines of the config file around what is to blame.
    pub(super) snippet: Option<Box<Snippet>>,
}

impl Failure {
    pub(super) fn new(exit: Exit, reason: &'static str, message: impl fmt::Display) -> Self {
        Self {
            exit,
            reason,
            message: message.to_string(),
            hint: None,
            next_command: None,
            blames: Vec::new(),
            snippet: None,
        }
    }

    /// Usage, config, no key, unreadable input, a bad plan file: nothing was sent.
    pub(super) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// An error with all its sources, as one line.
    pub(super) fn from_error(
        exit: Exit,
        reason: &'static str,
        error: &dyn std::error::Error,
    ) -> Self {
        Self::new(exit, reason, chain(error))
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The messages of an error and its sources, each told once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
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
