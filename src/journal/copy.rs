use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::{DiskFile, JournalFile};

/// A copy of a journal on another machine. The thread that syncs the journal calls it, and may be kept waiting.
pub trait JournalCopy: fmt::Debug + Send + Sync + 'static {
    /// Adds bytes that begin at `position` in the journal. After this the copy survives the loss of this machine.
    ///
    /// # Errors
    /// The copy cannot be written, or is another process's by now.
    fn append(&self, position: u64, bytes: &[u8]) -> io::Result<()>;

    /// Removes what follows the first `len` bytes.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    fn truncate(&self, len: u64) -> io::Result<()>;
}

/// A journal on disk that counts as synced once its copy has the same bytes.
#[derive(Debug)]
pub(super) struct CopiedFile {
    disk: DiskFile,
    copy: Arc<dyn JournalCopy>,
    uncopied: Mutex<Uncopied>,
}

/// What the copy lacks. It is written by the thread that syncs, since that may wait.
#[derive(Debug, Default)]
struct Uncopied {
    /// The copy may hold bytes beyond these.
    truncated_to: Option<u64>,
    /// Where `bytes` begin.
    position: u64,
    bytes: Vec<u8>,
}

impl CopiedFile {
    /// `len`: how much of the file is in the copy already.
    pub(super) fn new(disk: DiskFile, copy: Arc<dyn JournalCopy>, len: u64) -> Self {
        let uncopied = Uncopied {
            position: len,
            ..Uncopied::default()
        };
        Self {
            disk,
            copy,
            uncopied: Mutex::new(uncopied),
        }
    }

    fn uncopied(&self) -> std::sync::MutexGuard<'_, Uncopied> {
        self.uncopied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the copy lacks, so that other tasks can append meanwhile.
    fn take_uncopied(&self) -> Uncopied {
        let mut uncopied = self.uncopied();
        let position = uncopied.position + uncopied.bytes.len() as u64;
        let rest = Uncopied {
            position,
            ..Uncopied::default()
        };
        std::mem::replace(&mut uncopied, rest)
    }
}

impl JournalFile for CopiedFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.disk.append(bytes)?;
        self.uncopied().bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.sync()?;
        // Only one sync runs at a time. What cannot be copied ends the journal, so it need not be kept for another try.
        let uncopied = self.take_uncopied();
        if let Some(len) = uncopied.truncated_to {
            self.copy.truncate(len)?;
        }
        match uncopied.bytes.is_empty() {
            true => Ok(()),
            false => self.copy.append(uncopied.position, &uncopied.bytes),
        }
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.disk.truncate(len)?;
        *self.uncopied() = Uncopied {
            truncated_to: Some(len),
            position: len,
            bytes: Vec::new(),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RunId;
    use crate::journal::{Begin, JOURNAL_VERSION, JournalRecord, JournalWriter, recover_file};

    /// A copy in memory; it refuses what does not begin where it ends.
    #[derive(Debug, Default)]
    struct Memory(Mutex<Vec<u8>>);

    impl JournalCopy for Memory {
        fn append(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
            let mut copy = self.0.lock().unwrap();
            assert_eq!(position, copy.len() as u64);
            copy.extend_from_slice(bytes);
            Ok(())
        }

        fn truncate(&self, len: u64) -> io::Result<()> {
            self.0
                .lock()
                .unwrap()
                .truncate(usize::try_from(len).unwrap());
            Ok(())
        }
    }

    fn begin() -> Begin {
        Begin {
            version: JOURNAL_VERSION,
            run_id: RunId::new("r1").unwrap(),
            account: String::from("a"),
            plan_digest: String::from("d"),
        }
    }

    fn record(at: &str) -> JournalRecord {
        JournalRecord::Resumed { at: at.to_owned() }
    }

    #[tokio::test]
    async fn the_copy_holds_what_was_synced_and_is_cut_where_the_file_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let copy = Arc::new(Memory::default());
        let shared = || Some(Arc::clone(&copy) as Arc<dyn JournalCopy>);
        let writer = JournalWriter::create(&path, begin(), shared()).unwrap();
        // The caller copies the first record.
        let first = std::fs::read(&path).unwrap();
        copy.append(0, &first).unwrap();
        writer.append_unsynced(&record("a")).unwrap();
        assert_eq!(*copy.0.lock().unwrap(), first, "not before it is synced");
        writer.append_for_successor(&record("b")).await.unwrap();
        let two = std::fs::read(&path).unwrap();
        assert_eq!(*copy.0.lock().unwrap(), two);
        writer.close().await.unwrap();

        // A torn record, here and there.
        std::fs::write(&path, [&two[..], &two[..30]].concat()).unwrap();
        copy.append(two.len() as u64, &two[..30]).unwrap();
        let recovered = recover_file(&path).unwrap();
        let writer = JournalWriter::resume(&path, &recovered, shared()).unwrap();
        writer.append(&record("c")).await.unwrap();
        writer.close().await.unwrap();
        let all = std::fs::read(&path).unwrap();
        assert!(all.starts_with(&two) && all.len() > two.len());
        assert_eq!(*copy.0.lock().unwrap(), all);
    }

    /// A copy that is another process's by now.
    #[derive(Debug)]
    struct Lost;

    impl JournalCopy for Lost {
        fn append(&self, _: u64, _: &[u8]) -> io::Result<()> {
            Err(io::Error::other("lost"))
        }

        fn truncate(&self, _: u64) -> io::Result<()> {
            Err(io::Error::other("lost"))
        }
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_copied_ends_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let copy = Some(Arc::new(Lost) as Arc<dyn JournalCopy>);
        let writer = JournalWriter::create(&path, begin(), copy).unwrap();
        writer.append_for_successor(&record("a")).await.unwrap_err();
        writer.append_unsynced(&record("b")).unwrap_err();
    }
}
