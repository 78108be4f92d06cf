use std::fmt;

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Json;

use super::DatabaseError;
use super::connection::Database;

/// The process that holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseHolder {
    pub host: String,
    pub pid: u32,
    /// RFC 3339, UTC.
    pub since: String,
    pub command: String,
    /// How long a request of this process may still have an effect after the lease ended, in seconds.
    pub in_flight_s: u64,
}

impl fmt::Display for LeaseHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "process {} on {} (hcsync {}, since {})",
            self.pid, self.host, self.command, self.since
        )
    }
}

/// The process that holds an account's lease; `None` if it is free.
pub(super) async fn read_holder(
    database: &Database,
    account: &str,
) -> Result<Option<LeaseHolder>, DatabaseError> {
    let found = database.query_opt(HOLDER, &[&account]).await?;
    let holder = found.map(|row| row.try_get::<_, Option<Json<LeaseHolder>>>(0));
    Ok(holder.transpose()?.flatten().map(|Json(holder)| holder))
}

const HOLDER: &str = "
    select holder from hcsync_accounts where id = $1 and expires_at > clock_timestamp()";
