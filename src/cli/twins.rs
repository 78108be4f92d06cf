//! After a run that created customers: who of them is there twice.

use crate::helpcrunch::ReadClient;
use crate::journal::{Entry, FinishedRow, JournalWriter, RunDir, recover_file};
use crate::run::twins::find_twins;

use super::exit::{Exit, Failure, chain};
use super::sending::journal_failure;
use super::session::Session;

/// Notes in the journal who of those that the run created is there twice. What was created stays created if that cannot
/// be found out.
pub(super) async fn note_twins(session: &Session, dir: &RunDir, client: &ReadClient) {
    let noted = match find_twins(dir, client).await {
        Ok(twins) if twins.is_empty() => Ok(()),
        Ok(twins) => append_rows(dir, twins).await.map_err(|error| error.message),
        Err(error) => Err(chain(&error)),
    };
    if let Err(why) = noted {
        session.console.warn(&format!(
            "whether customers that were created are there twice could not be checked: {why}"
        ));
    }
}

async fn append_rows(dir: &RunDir, rows: Vec<FinishedRow>) -> Result<(), Failure> {
    let path = dir.journal();
    let recovered =
        recover_file(&path).map_err(|e| Failure::from_error(Exit::NotFinished, "journal", &e))?;
    let journal = JournalWriter::resume(&path, &recovered).map_err(|e| journal_failure(&e))?;
    for row in rows {
        let added = journal.append(&Entry::Row(row)).await;
        added.map_err(|e| journal_failure(&e))?;
    }
    journal.close().await.map_err(|e| journal_failure(&e))
}
