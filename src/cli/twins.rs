//! Finds customers that a run created and that exist twice afterwards.

use crate::helpcrunch::ReadClient;
use crate::journal::{FinishedRow, JournalRecord, JournalWriter, RunDir, recover_file};
use crate::run::twins::find_twins;

use super::exit::{Failure, OrFail as _, chain};
use super::session::Session;

/// Records in the journal which customers of the run exist twice. A failure is only warned of.
pub(super) async fn note_twins(session: &Session, dir: &RunDir, client: &ReadClient) {
    let noted = match find_twins(dir, client).await {
        Ok(twins) if twins.is_empty() => Ok(()),
        Ok(twins) => append_rows(session, dir, twins)
            .await
            .map_err(|error| error.message),
        Err(error) => Err(chain(&error)),
    };
    if let Err(why) = noted {
        session.console.warn(&format!(
            "could not check whether created customers exist twice: {why}"
        ));
    }
}

async fn append_rows(
    session: &Session,
    dir: &RunDir,
    rows: Vec<FinishedRow>,
) -> Result<(), Failure> {
    let path = dir.journal();
    let recovered = recover_file(&path).or_not_finished("journal")?;
    let copy = session.journal_copy(&dir.read_meta()?.run_id);
    let journal = JournalWriter::resume(&path, &recovered, copy)?;
    for row in rows {
        let added = journal.append(&JournalRecord::Row(row)).await;
        added?;
    }
    Ok(journal.close().await?)
}
