//! Runs in the database: stored, removed, and what is known of them.

use std::path::PathBuf;

use tokio_postgres::types::Json;
use tokio_postgres::{GenericClient, Transaction};

use super::DatabaseError;
use super::connection::Database;
use super::files::push_folder;
use crate::domain::RunId;
use crate::journal::{RunDir, RunMeta};
use crate::platform;

/// Marks the folder of a run that is in the database, too.
pub(super) const MARK: &str = ".in-database";

/// The journal of an open run has a table of its own; that of a run that is over is one of its files.
pub(super) const JOURNAL: &str = "journal.jsonl";

/// Stores the files of a run that changed.
pub(super) async fn push_run(
    transaction: &Transaction<'_>,
    dir: &RunDir,
    account: &str,
    meta: &RunMeta,
) -> Result<(), DatabaseError> {
    let (id, is_over) = (meta.run_id.as_str(), meta.state.is_over());
    let read = |path: PathBuf| -> Result<Option<Json<serde_json::Value>>, DatabaseError> {
        let text = platform::read_file(&path)?;
        Ok(text
            .and_then(|text| serde_json::from_slice(&text).ok())
            .map(Json))
    };
    let facts = read(dir.path().join("run.json"))?;
    let summary = read(dir.summary())?;
    transaction
        .execute(PUT_RUN, &[&id, &account, &facts, &summary])
        .await?;
    platform::write_whole(&dir.path().join(MARK), b"")?;
    let owner = run_owner(id);
    push_folder(transaction, &owner, dir.path(), |name| {
        is_over || name != JOURNAL
    })
    .await?;
    match is_over {
        true => {
            let delete = "delete from hcsync_journals where run = $1";
            transaction.execute(delete, &[&id]).await?;
        }
        // From here on each record is copied as it is written.
        false => {
            if let Some(journal) = platform::read_file(&dir.journal())? {
                transaction.execute(BEGIN_JOURNAL, &[&id, &journal]).await?;
            }
        }
    }
    Ok(())
}

/// Removes runs that are over and were removed from a state folder.
///
/// # Errors
/// The database fails.
pub async fn remove_runs(database: &Database, runs: &[RunId]) -> Result<(), DatabaseError> {
    let mut client = database.new_client().await?;
    let transaction = client.transaction().await?;
    delete_runs(&transaction, None, runs).await?;
    Ok(transaction.commit().await?)
}

/// `account`: runs of others stay.
pub(super) async fn delete_runs(
    transaction: &Transaction<'_>,
    account: Option<&str>,
    runs: &[RunId],
) -> Result<(), DatabaseError> {
    for run in runs {
        let id = run.as_str();
        let facts = "delete from hcsync_runs where id = $1 and ($2::text is null or account = $2)";
        if transaction.execute(facts, &[&id, &account]).await? > 0 {
            let files = "delete from hcsync_files where owner = $1";
            transaction.execute(files, &[&run_owner(id)]).await?;
        }
    }
    Ok(())
}

/// The hash of a run's `run.json`.
pub(super) async fn stored_facts(
    client: &impl GenericClient,
    owner: &str,
) -> Result<Option<Vec<u8>>, DatabaseError> {
    let select =
        "select sha256 from hcsync_files where owner = $1 and name = 'run.json' and part = 0";
    let row = client.query_opt(select, &[&owner]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) fn run_owner(id: &str) -> String {
    format!("run/{id}")
}

const BEGIN_JOURNAL: &str = "
    insert into hcsync_journals (run, position, content)
    select $1, 0, $2 where not exists (select from hcsync_journals where run = $1)";

const PUT_RUN: &str = "
    insert into hcsync_runs (id, account, facts, summary) values ($1, $2, $3, $4)
    on conflict (id) do update
    set facts = excluded.facts, summary = excluded.summary, updated_at = now()";
