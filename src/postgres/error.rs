use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::error::SqlState;

use super::holder::LeaseHolder;
use crate::journal::StateError;
use crate::platform::FileError;

/// Errors of the state database. No message holds a password.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("the URL of the state database cannot be used: {0}")]
    Url(String),
    #[error("`{}` cannot be read", path.display())]
    SecretFile { path: PathBuf, source: io::Error },
    #[error(
        "the URL of the state database names a service, and there is no service file (PGSERVICEFILE, ~/.pg_service.conf)"
    )]
    NoServiceFile,
    #[error("the service file has no section [{service}]")]
    NoService { service: String },
    #[error("the certificates for the state database cannot be used: {0}")]
    Certificates(String),
    #[error("the state database {shown} cannot be reached")]
    Connect {
        shown: String,
        source: tokio_postgres::Error,
    },
    #[error("the state database refused a statement")]
    Query(#[from] tokio_postgres::Error),
    #[error("the state database did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error(
        "the state database was set up by a newer version of hcsync (its schema is {found}, this one knows {known}); use that version"
    )]
    Newer { found: i32, known: i32 },
    #[error(
        "the state database has no tables of this version of hcsync, and this user may not create them: run `hcsync state migrate` as a user who may"
    )]
    NotMigrated,
    /// The account belongs to another process.
    #[error("another run is working on this account: {0}")]
    Held(Box<LeaseHolder>),
    #[error("the lease of this account was lost{}", by(.0.as_deref()))]
    Lost(Option<Box<LeaseHolder>>),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the state database holds a run or file with an impossible name: `{0}`")]
    Name(String),
    #[error("the thread for the state database could not be started")]
    Runtime(#[source] io::Error),
}

fn by(holder: Option<&LeaseHolder>) -> String {
    holder.map_or_else(String::new, |holder| format!(" to {holder}"))
}

impl DatabaseError {
    /// Whether the same statement may succeed later: the database restarts or cannot be reached for now.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::TimedOut(_) => true,
            Self::Connect { source, .. } | Self::Query(source) => is_passing(source),
            _ => false,
        }
    }
}

fn is_passing(error: &tokio_postgres::Error) -> bool {
    let Some(database) = error.as_db_error() else {
        // Without an answer of the database, the connection failed or an answer could not be read; only the first may pass.
        // A connection that never works (host name, certificate) is noticed at the start, before anything waits.
        let source = std::error::Error::source(error);
        return error.is_closed() || source.is_some_and(|source| source.is::<io::Error>());
    };
    let code = database.code();
    [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ]
    .contains(code)
        || code.code().starts_with("08")
}
