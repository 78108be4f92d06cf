use std::io::{BufReader, Write};
use std::path::Path;

use super::frame::{self, Frame};
use super::lines::JournalLines;
use super::log::body;
use super::{JournalError, JournalRecord, RecoveryError};
use crate::platform::{self, AtomicFile};

/// Why a journal cannot be rewritten. It stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    #[error(transparent)]
    Read(#[from] RecoveryError),
    #[error(transparent)]
    Write(#[from] JournalError),
}

/// Passes each record of a journal to `visit`, with its text, up to the last whole one.
///
/// # Errors
/// The journal cannot be read.
pub fn visit_records(
    path: &Path,
    mut visit: impl FnMut(&JournalRecord, &[u8]),
) -> Result<(), RecoveryError> {
    let file = BufReader::with_capacity(1 << 18, platform::open_file(path)?);
    let mut lines = JournalLines::new(file, path);
    while lines.next()? {
        let Some(record) = lines.record()? else { break };
        visit(&record, &lines.line);
    }
    Ok(())
}

/// Replaces each record of the journal of a run that is over by what `change` returns for it. Everything is on disk
/// afterwards.
///
/// # Errors
/// The journal cannot be read or written.
pub fn rewrite_journal(
    path: &Path,
    mut change: impl FnMut(JournalRecord) -> Option<JournalRecord>,
) -> Result<(), RewriteError> {
    let file = platform::open_file(path).map_err(RecoveryError::from)?;
    let mut lines = JournalLines::new(BufReader::with_capacity(1 << 18, file), path);
    let mut new = AtomicFile::create(path).map_err(JournalError::from)?;
    let mut line = Vec::new();
    let mut written = 0;
    while lines.next()? {
        let Some(record) = lines.record()? else { break };
        let Some(record) = change(record) else {
            continue;
        };
        line.clear();
        let body = body(&record)?;
        // All of the new file is on disk before it takes the old one's place.
        let frame = Frame {
            synced: written,
            body: &body,
        };
        frame::encode(frame, &mut line);
        written += line.len() as u64;
        let appended = new.write_all(&line);
        appended.map_err(|error| JournalError::from(new.write_error(error)))?;
    }
    new.commit().map_err(JournalError::from)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RowNumber, RunId};
    use crate::journal::{Begin, JOURNAL_VERSION, Settled, recover_file};

    fn settled(row: u64) -> JournalRecord {
        JournalRecord::Settled(Settled {
            row: RowNumber(row),
            found: None,
            at: "2026-11-20T03:12:44Z".into(),
        })
    }

    #[test]
    fn records_are_left_out_and_the_rest_can_be_recovered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let begin = JournalRecord::Begin(Begin {
            version: JOURNAL_VERSION,
            run_id: RunId::new("r1").unwrap(),
            account: "a".into(),
            plan_digest: "00".into(),
        });
        let mut bytes = Vec::new();
        for record in [&begin, &settled(1), &settled(2), &settled(3)] {
            let body = body(record).unwrap();
            let synced = 0;
            frame::encode(
                Frame {
                    synced,
                    body: &body,
                },
                &mut bytes,
            );
        }
        // A line that a crash cut.
        bytes.extend_from_slice(b"{\"c\":\"");
        std::fs::write(&path, bytes).unwrap();

        let is_kept = |record: &JournalRecord| record.row() != Some(RowNumber(2));
        rewrite_journal(&path, |record| is_kept(&record).then_some(record)).unwrap();
        let mut records = Vec::new();
        visit_records(&path, |record, _| records.push(record.clone())).unwrap();
        assert_eq!(records, [begin, settled(1), settled(3)]);
        assert!(recover_file(&path).unwrap().torn.is_none());
    }
}
