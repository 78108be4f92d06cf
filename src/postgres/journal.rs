//! The copy of a run's journal in the database. A record counts as written only once it is there, so that another
//! machine can continue the run; and it gets there only while the account's lease is this process's.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::types::ToSql;

use super::DatabaseError;
use super::connection::Database;
use super::lease::Lease;
use crate::journal::JournalCopy;

/// How long to wait between two attempts while the database cannot be reached.
const RETRY: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct DatabaseJournal {
    pub(super) database: Arc<Database>,
    pub(super) lease: Arc<Lease>,
    pub(super) account: String,
    pub(super) run: String,
    /// How long to wait for a database that cannot be reached.
    pub(super) max_outage: Duration,
}

impl JournalCopy for DatabaseJournal {
    fn append(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let position = i64::try_from(position).map_err(io::Error::other)?;
        self.run_statement(APPEND, &[&self.run, &position, &bytes])
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let len = i64::try_from(len).map_err(io::Error::other)?;
        self.run_statement(TRUNCATE, &[&self.run, &len])
    }
}

impl DatabaseJournal {
    /// Runs a statement that returns whether the lease was still this process's, again and again while the database
    /// cannot be reached. Called by the thread of the journal, never by a task.
    fn run_statement(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> io::Result<()> {
        let fence = self.lease.fence();
        let mut all: Vec<&(dyn ToSql + Sync)> = vec![&self.account, &fence];
        all.extend_from_slice(parameters);
        let began = Instant::now();
        let mut is_waiting = false;
        loop {
            let done = self.database.handle().block_on(async {
                let row = self.database.query_one(statement, &all).await?;
                match row.try_get(0)? {
                    true => Ok(()),
                    false => Err(self.lease.lose().await),
                }
            });
            let error: DatabaseError = match done {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if !error.is_passing() || began.elapsed() >= self.max_outage {
                return Err(io::Error::other(error));
            }
            if !is_waiting {
                is_waiting = true;
                tracing::warn!(%error, "waiting for the state database; nothing is sent meanwhile");
            }
            std::thread::sleep(RETRY);
        }
    }
}

/// Locks the account's row, so that no other process can take the lease before the record is there. A record that is
/// there already came with an attempt whose answer was lost.
const APPEND: &str = "
    with own as (select id from hcsync_accounts where id = $1 and fence = $2 for key share),
    inserted as (
        insert into hcsync_journals (run, position, content)
        select $3, $4, $5 from own
        on conflict (run, position) do nothing
    )
    select exists (select from own)";

/// A piece that was stored whole, before the run had a copy, may go on beyond the last whole record.
const TRUNCATE: &str = "
    with own as (select id from hcsync_accounts where id = $1 and fence = $2 for key share),
    deleted as (
        delete from hcsync_journals where run = $3 and position >= $4 and exists (select from own)
    ),
    cut as (
        update hcsync_journals set content = substring(content for ($4 - position)::integer)
        where run = $3 and position < $4 and position + length(content) > $4 and exists (select from own)
    )
    select exists (select from own)";
