//! Refreshes the local copy of runs from the database.

use std::collections::HashSet;
use std::time::Duration;

use tokio_postgres::{Client, GenericClient, IsolationLevel, Transaction};

use super::DatabaseError;
use super::account::account_owner;
use super::connection::Database;
use super::files::{check_name, first_part, pull_folder};
use super::stored_runs::{JOURNAL, MARK, run_owner, stored_facts};
use crate::journal::{AccountId, StateDir, lock_holder};
use crate::platform::{self, FileLock};

/// How much of a run is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// `run.json` and `summary.json`, for lists.
    Facts,
    Whole,
}

/// Which runs are pulled whole, beside those that are not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PulledRuns<'a> {
    /// None: the command lists runs.
    Facts,
    /// Those whose id begins with this.
    StartingWith(&'a str),
    /// All: the command reads every run.
    All,
}

/// Makes the local copy of all accounts' runs what the database has, for commands that look at them. An account that a
/// process of this machine works on is left alone: its copy is the newer one.
///
/// # Errors
/// The database fails, or the folder cannot be written.
pub async fn pull_all_runs(
    database: &Database,
    state: &StateDir,
    runs: PulledRuns<'_>,
) -> Result<(), DatabaseError> {
    let mut client = database.new_client().await?;
    let _one_at_a_time = lock_copy(state).await?;
    let client = snapshot(&mut client).await?;
    let select = "select id from hcsync_accounts order by id";
    for row in client.query(select, &[]).await? {
        let id: String = row.try_get(0)?;
        check_name(&id)?;
        let account = AccountId::from_text(&id);
        let dir = state.account(&account);
        if lock_holder(&dir)?.is_some() {
            continue;
        }
        pull_folder(&client, &account_owner(&id), dir.path(), |name| {
            matches!(name, "account.json" | "probe.json")
        })
        .await?;
        pull_runs(&client, state, &id, runs).await?;
    }
    Ok(())
}

/// Reads the database as of one moment.
pub(super) async fn snapshot(client: &mut Client) -> Result<Transaction<'_>, DatabaseError> {
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true);
    Ok(transaction.start().await?)
}

/// Of two processes that refresh the local copy, the second waits.
pub(super) async fn lock_copy(state: &StateDir) -> Result<FileLock, DatabaseError> {
    platform::create_folder(state.path())?;
    let path = state.path().join("copy.lock");
    loop {
        if let Some(lock) = FileLock::try_acquire(&path)? {
            return Ok(lock);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(super) async fn pull_runs(
    client: &impl GenericClient,
    state: &StateDir,
    account: &str,
    runs: PulledRuns<'_>,
) -> Result<(), DatabaseError> {
    let whole = match runs {
        PulledRuns::Facts => None,
        PulledRuns::StartingWith(id) => Some(id),
        PulledRuns::All => Some(""),
    };
    let mut known = HashSet::new();
    for row in client.query(RUNS, &[&account, &whole]).await? {
        let id: String = row.try_get(0)?;
        check_name(&id)?;
        known.insert(id.clone());
        let facts = state.runs().join(&id).join("run.json");
        let depth = match row.try_get(1)? {
            true => Depth::Whole,
            false => Depth::Facts,
        };
        let is_same = stored_facts(client, &run_owner(&id)).await? == first_part(&facts)?;
        // The journal of an open run may be longer than the local one although its facts are the same.
        if !is_same || depth == Depth::Whole {
            pull_run(client, state, &id, depth).await?;
        }
    }
    remove_unknown(state, account, &known)
}

/// Removes the copies of runs that were in the database and were removed there. Without that, the next push would bring
/// them back.
fn remove_unknown(
    state: &StateDir,
    account: &str,
    known: &HashSet<String>,
) -> Result<(), DatabaseError> {
    for run in state.list_runs()? {
        let of = run
            .meta
            .as_ref()
            .ok()
            .and_then(|meta| meta.account.as_ref());
        let is_ours = of.is_some_and(|id| id.as_str() == account);
        if is_ours && !known.contains(&run.name) && run.dir.path().join(MARK).exists() {
            state.discard_run(&run)?;
        }
    }
    Ok(())
}

async fn pull_run(
    client: &impl GenericClient,
    state: &StateDir,
    id: &str,
    depth: Depth,
) -> Result<(), DatabaseError> {
    platform::create_folder(&state.runs())?;
    let folder = state.runs().join(id);
    let owner = run_owner(id);
    let select = "select content from hcsync_journals where run = $1 order by position";
    let journal = client.query(select, &[&id]).await?;
    let is_open = !journal.is_empty();
    pull_folder(client, &owner, &folder, |name| match depth {
        Depth::Facts => matches!(name, "run.json" | "summary.json"),
        Depth::Whole => name != JOURNAL || !is_open,
    })
    .await?;
    platform::write_whole(&folder.join(MARK), b"")?;
    if depth == Depth::Whole && is_open {
        let mut content = Vec::new();
        for row in journal {
            content.extend(row.try_get::<_, Vec<u8>>(0)?);
        }
        let path = folder.join(JOURNAL);
        // Its time says how long search may still lag behind it.
        if platform::read_file(&path)?.as_ref() != Some(&content) {
            platform::write_whole(&path, &content)?;
        }
    }
    Ok(())
}

/// The runs of an account, and whether all of each is pulled: of those that are not over, and of those that ended lately,
/// whose keys search may not find yet.
const RUNS: &str = "
    select id, coalesce(starts_with(id, $2::text), false) or (facts->>'dry_run')::bool is not true
        and (not (facts->'state' ? 'finished' or facts->'state' ? 'superseded')
             or updated_at > now() - interval '15 minutes')
    from hcsync_runs where account = $1";
