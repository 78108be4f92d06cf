//! Which exit code and advice the errors of the journal, the locks and the state database lead to.

use crate::journal::{JournalError, LockError, StateError};
use crate::postgres::DatabaseError;

use super::exit::{Cause, Exit, Failure};

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::from_error(Exit::NotFinished, "state", &error)
            .or_hint("name another state directory with --state-dir, or make room there")
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held { .. } | LockError::Shared { .. } => {
                Self::from_error(Exit::Locked, "locked", &error)
            }
            LockError::State(error) => error.into(),
        }
    }
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        match &error {
            DatabaseError::Held(_) => Self::from_error(Exit::Locked, "locked", &error)
                .hint("wait until it is finished, or stop it"),
            DatabaseError::Lost(_) => lease_lost(&error),
            DatabaseError::Url(_)
            | DatabaseError::SecretFile { .. }
            | DatabaseError::NoServiceFile
            | DatabaseError::NoService { .. }
            | DatabaseError::Certificates(_)
            | DatabaseError::Newer { .. }
            | DatabaseError::NotMigrated => Self::from_error(Exit::Usage, "state", &error),
            DatabaseError::Connect { .. } | DatabaseError::TimedOut(_) => {
                Self::from_error(Exit::NotFinished, "state", &error)
                    .hint("check that the database runs and can be reached from here")
            }
            DatabaseError::Query(_)
            | DatabaseError::File(_)
            | DatabaseError::State(_)
            | DatabaseError::Name(_)
            | DatabaseError::Runtime(_) => Self::from_error(Exit::NotFinished, "state", &error),
        }
    }
}

impl From<&JournalError> for Failure {
    fn from(error: &JournalError) -> Self {
        if let Some(failure) = database_failure(error) {
            return failure;
        }
        let failure = Self::from_error(Exit::NotFinished, "journal", error);
        match error.storage_problem() {
            Some(problem) => failure.hint(problem.advice()),
            None => failure,
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::from(&error)
    }
}

/// Another process works on the account by now.
fn lease_lost(error: &DatabaseError) -> Failure {
    Failure::from_error(Exit::Locked, "lease_lost", error)
        .hint("that run continues; nothing more was sent by this one")
}

/// Returns the failure of the state database that caused the error, if one did.
pub(super) fn database_failure(error: &Cause) -> Option<Failure> {
    let cause = database_cause(error)?;
    Some(match cause {
        DatabaseError::Lost(_) => lease_lost(cause),
        _ => Failure::from_error(Exit::NotFinished, "state", error),
    })
}

/// Returns the error of the state database in a chain of errors.
fn database_cause<'a>(error: &'a Cause) -> Option<&'a DatabaseError> {
    let mut cause: Option<&'a Cause> = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        let inner = io.and_then(|io| io.get_ref()?.downcast_ref::<DatabaseError>());
        if let Some(found) = inner.or_else(|| error.downcast_ref::<DatabaseError>()) {
            return Some(found);
        }
        // The source of a shared error is behind its pointer.
        let shared = error.downcast_ref::<std::sync::Arc<std::io::Error>>();
        cause = match shared {
            Some(shared) => Some(&**shared),
            None => error.source(),
        };
    }
    None
}
