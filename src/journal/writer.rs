use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::copy::CopiedFile;
use super::frame::{self, Frame};
use super::log::{Log, Poison, body};
use super::queue::Queue;
use super::{Begin, DiskFile, JournalCopy, JournalError, JournalFile, JournalRecord, Recovered};
use crate::platform::{self, FileAction, FileError};

/// Appends to a run's journal, from many tasks at a time; shared by reference or in an `Arc`.
///
/// Records go to the file in the order of the appends. Those that have to be on disk and arrive during a sync share the
/// next one. After the first fault every append fails with that same fault: the run must start nothing more.
///
/// If an append is dropped while it waits, its record may be written nevertheless.
#[derive(Debug)]
pub struct JournalWriter {
    poison: Poison,
    queue: Arc<Queue>,
    /// The thread that syncs, until the journal is closed.
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Without a thread: each append syncs by itself. For [`testing`](super::testing).
    is_inline: bool,
    /// Without a thread: records of groups are left to another one's sync.
    pub(super) is_lazy: bool,
    /// Whether what survives this process has to be in a copy, too.
    is_copied: bool,
}

impl JournalWriter {
    /// Starts the journal of a new run at `path`. The file appears with its first record in it, or not at all. With a `copy`,
    /// a later record counts as on disk once that has it too; the caller copies the first one.
    ///
    /// # Errors
    /// The file exists already or cannot be created, or the copy cannot.
    pub fn create(
        path: &Path,
        begin: Begin,
        copy: Option<Arc<dyn JournalCopy>>,
    ) -> Result<Self, JournalError> {
        let first = first_line(begin)?;
        if path.symlink_metadata().is_ok() {
            let taken = std::io::ErrorKind::AlreadyExists.into();
            return Err(FileError::new(FileAction::Create, path, taken).into());
        }
        platform::write_whole(path, &first)?;
        let (file, len) = (open(path)?, first.len() as u64);
        match copy {
            Some(copy) => Self::copied(CopiedFile::new(file, copy, len), path, len),
            None => Self::threaded(file, path, len),
        }
    }

    /// Continues a journal, after truncating it to its last whole record.
    ///
    /// # Errors
    /// The file or its copy cannot be opened or truncated.
    pub fn resume(
        path: &Path,
        recovered: &Recovered,
        copy: Option<Arc<dyn JournalCopy>>,
    ) -> Result<Self, JournalError> {
        let (file, len) = (open(path)?, recovered.valid_len);
        match copy {
            Some(copy) => {
                let file = CopiedFile::new(file, copy, len);
                truncate(&file, path, recovered)?;
                Self::copied(file, path, len)
            }
            None => {
                truncate(&file, path, recovered)?;
                Self::threaded(file, path, len)
            }
        }
    }

    fn copied(file: CopiedFile, path: &Path, len: u64) -> Result<Self, JournalError> {
        let mut writer = Self::threaded(file, path, len)?;
        writer.is_copied = true;
        Ok(writer)
    }

    pub(super) fn inline(file: impl JournalFile, path: &Path, len: u64) -> Self {
        let log = Log::new(Arc::new(file), path, len);
        Self {
            poison: log.poison(),
            queue: Arc::new(Queue::new(log)),
            thread: Mutex::new(None),
            is_inline: true,
            is_lazy: false,
            is_copied: false,
        }
    }

    pub(super) fn threaded(
        file: impl JournalFile,
        path: &Path,
        len: u64,
    ) -> Result<Self, JournalError> {
        let log = Log::new(Arc::new(file), path, len);
        let poison = log.poison();
        let queue = Arc::new(Queue::new(log));
        let served = ThreadQueue(Arc::clone(&queue));
        let thread = std::thread::Builder::new().name(String::from("journal"));
        let thread = thread
            .spawn(move || served.0.serve())
            .map_err(|error| JournalError::Thread(Arc::new(error)))?;
        Ok(Self {
            poison,
            queue,
            thread: Mutex::new(Some(thread)),
            is_inline: false,
            is_lazy: false,
            is_copied: false,
        })
    }

    /// Appends a record and returns once it is on disk.
    ///
    /// # Errors
    /// The record is not on disk, or not for certain.
    pub async fn append(&self, entry: &JournalRecord) -> Result<(), JournalError> {
        let body = body(entry)?;
        if self.is_inline {
            self.queue.append(&body, None)?;
            return self.queue.sync();
        }
        let (done, answer) = oneshot::channel();
        self.queue.append(&body, Some(done))?;
        answer.await.unwrap_or(Err(JournalError::Closed))
    }

    /// Appends a record and returns once another process can read it after the death of this one: on this machine, or on
    /// another one if the journal has a copy.
    ///
    /// # Errors
    /// As [`append`](Self::append) and [`append_unsynced`](Self::append_unsynced).
    pub async fn append_for_successor(&self, entry: &JournalRecord) -> Result<(), JournalError> {
        match self.is_copied {
            true => self.append(entry).await,
            false => self.append_unsynced(entry),
        }
    }

    /// Appends a record and returns once the operating system has it: it survives the death of the process, but maybe
    /// not a power cut. The next sync flushes it to the disk.
    ///
    /// # Errors
    /// The file refuses it, or the journal failed before.
    pub fn append_unsynced(&self, entry: &JournalRecord) -> Result<(), JournalError> {
        self.queue.append(&body(entry)?, None)
    }

    /// As [`append_for_successor`](Self::append_for_successor), but the record is on disk 50 ms later, or when the sync ends
    /// that was under way. A power cut takes back at most 1,024 such records and one for each task that waits.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub async fn append_grouped(&self, entry: &JournalRecord) -> Result<(), JournalError> {
        if self.is_copied {
            return self.append(entry).await;
        }
        let is_full = self.queue.append_grouped(&body(entry)?)?;
        match (self.is_inline, is_full) {
            (true, _) if !self.is_lazy => return self.queue.sync(),
            (true, _) | (false, false) => return Ok(()),
            (false, true) => {}
        }
        let (done, answer) = oneshot::channel();
        self.queue.await_sync(done);
        answer.await.unwrap_or(Err(JournalError::Closed))
    }

    /// The fault that ended the journal, if one did.
    #[must_use]
    pub fn fault(&self) -> Option<JournalError> {
        self.poison.get().cloned()
    }

    /// Flushes everything to the disk and ends the journal; later appends fail with [`JournalError::Closed`].
    ///
    /// # Errors
    /// The journal's fault, if it has one: then not everything is on disk.
    pub async fn close(&self) -> Result<(), JournalError> {
        let (done, answer) = oneshot::channel();
        self.queue.close(Some(done))?;
        if self.is_inline {
            return self.queue.sync();
        }
        let committed = answer.await.unwrap_or(Err(JournalError::Closed));
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // The thread has answered and has next to nothing left to do, so this hardly blocks.
        thread.map(JoinHandle::join);
        committed
    }
}

pub(super) fn first_line(begin: Begin) -> Result<Vec<u8>, JournalError> {
    let mut line = Vec::new();
    let body = body(&JournalRecord::Begin(begin))?;
    frame::encode(
        Frame {
            synced: 0,
            body: &body,
        },
        &mut line,
    );
    Ok(line)
}

fn open(path: &Path) -> Result<DiskFile, JournalError> {
    let file = platform::open_or_create_file(path)?;
    let opened = DiskFile::at_end(file);
    Ok(opened.map_err(|source| FileError::new(FileAction::Open, path, source))?)
}

/// Drops what follows the last whole record.
pub(super) fn truncate(
    file: &impl JournalFile,
    path: &Path,
    recovered: &Recovered,
) -> Result<(), JournalError> {
    let truncated = file.truncate(recovered.valid_len);
    Ok(truncated.map_err(|source| FileError::new(FileAction::Write, path, source))?)
}

/// The syncing thread's end of the queue. However the thread ends, no task is left waiting.
struct ThreadQueue(Arc<Queue>);

impl Drop for ThreadQueue {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Drop for JournalWriter {
    /// Without a `close` the thread still syncs what was appended, and ends by itself.
    fn drop(&mut self) {
        drop(self.queue.close(None));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc as sync;

    use super::*;
    use crate::domain::{RowNumber, RunId};
    use crate::journal::queue::MAX_UNSYNCED;
    use crate::journal::testing::{FileFault, SimulatedFile, create_writer, lazily, resume_writer};
    use crate::journal::{Intent, recover, recover_file};
    use crate::plan::OperationKind;
    use crate::platform::StorageProblem;

    fn begin() -> Begin {
        Begin {
            version: crate::journal::JOURNAL_VERSION,
            run_id: RunId::new("r1").unwrap(),
            account: String::from("acc"),
            plan_digest: String::from("d"),
        }
    }

    fn intent(row: u64) -> JournalRecord {
        JournalRecord::Intent(Intent {
            row: RowNumber(row),
            op: OperationKind::Create,
            at: String::from("2026-11-20T03:12:44Z"),
        })
    }

    fn rows(bytes: &[u8]) -> usize {
        recover(bytes, Path::new("journal.jsonl"))
            .unwrap()
            .unfinished
            .len()
    }

    /// A file whose syncs wait for a signal.
    #[derive(Debug)]
    struct Gated {
        file: SimulatedFile,
        entered: sync::Sender<()>,
        go: Mutex<sync::Receiver<()>>,
    }

    impl JournalFile for Gated {
        fn append(&self, bytes: &[u8]) -> io::Result<()> {
            self.file.append(bytes)
        }
        fn sync(&self) -> io::Result<()> {
            let _ = self.entered.send(());
            self.go.lock().unwrap().recv().map_err(io::Error::other)?;
            self.file.sync()
        }
        fn truncate(&self, len: u64) -> io::Result<()> {
            self.file.truncate(len)
        }
    }

    /// A writer to the file, which says when a sync begins and waits until it may go on.
    fn gated(file: &SimulatedFile) -> (Arc<JournalWriter>, sync::Receiver<()>, sync::Sender<()>) {
        let first = first_line(begin()).unwrap();
        file.append(&first).unwrap();
        file.sync().unwrap();
        let (entered, has_entered) = sync::channel();
        let (go, may_go) = sync::channel();
        let gated = Gated {
            file: file.clone(),
            entered,
            go: Mutex::new(may_go),
        };
        let writer = JournalWriter::threaded(gated, Path::new("j"), first.len() as u64).unwrap();
        (Arc::new(writer), has_entered, go)
    }

    #[tokio::test]
    async fn appends_that_arrive_during_a_sync_share_the_next() {
        let file = SimulatedFile::new();
        let (writer, has_entered, go) = gated(&file);
        let mut appends = tokio::task::JoinSet::new();
        let spawn = |appends: &mut tokio::task::JoinSet<_>, row| {
            let writer = Arc::clone(&writer);
            appends.spawn(async move { writer.append(&intent(row)).await });
        };
        spawn(&mut appends, 1);
        while has_entered.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        for row in 2..=65 {
            spawn(&mut appends, row);
        }
        // Once 64 places are taken, all of them wait for the second sync.
        while writer.queue.waiting() < 64 {
            tokio::task::yield_now().await;
        }
        assert_eq!(file.syncs(), 1);
        go.send(()).unwrap();
        go.send(()).unwrap();
        while let Some(done) = appends.join_next().await {
            done.unwrap().unwrap();
        }
        assert_eq!(file.syncs(), 3);
        assert_eq!(rows(&file.synced_bytes()), 65);
        writer.close().await.unwrap();
        assert!(matches!(
            writer.append(&intent(1)).await,
            Err(JournalError::Closed)
        ));
        assert!(matches!(
            writer.append_unsynced(&intent(1)),
            Err(JournalError::Closed)
        ));
    }

    #[tokio::test]
    async fn records_of_a_group_wait_for_the_disk_only_when_too_many_are_not_there() {
        let file = SimulatedFile::new();
        let (writer, has_entered, go) = gated(&file);
        for row in 1..MAX_UNSYNCED as u64 {
            writer.append_grouped(&intent(row)).await.unwrap();
        }
        // The sync began by itself, and nothing of it has ended.
        has_entered.recv().unwrap();
        assert_eq!(
            (rows(&file.bytes()), rows(&file.synced_bytes())),
            (MAX_UNSYNCED - 1, 0)
        );
        let waiting = tokio::spawn({
            let writer = Arc::clone(&writer);
            async move { writer.append_grouped(&intent(MAX_UNSYNCED as u64)).await }
        });
        while writer.queue.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(!waiting.is_finished());
        drop(go);
        drop(has_entered);
        assert!(waiting.await.unwrap().is_err());
        assert!(writer.append_grouped(&intent(1)).await.is_err());
    }

    #[tokio::test]
    async fn a_power_cut_takes_back_the_end_of_a_group_and_nothing_before_it() {
        let file = SimulatedFile::new();
        let writer = lazily(create_writer(file.clone(), begin()).unwrap());
        writer.append_grouped(&intent(1)).await.unwrap();
        writer.append(&intent(2)).await.unwrap();
        for row in 3..=10 {
            writer.append_grouped(&intent(row)).await.unwrap();
        }
        let unsynced = file.bytes().len() - file.synced_bytes().len();
        let left: Vec<usize> = (0..=unsynced)
            .map(|kept| rows(&file.crash(kept).bytes()))
            .collect();
        assert!(left.is_sorted() && left.first() == Some(&2) && left.last() == Some(&10));
        writer.close().await.unwrap();
        assert_eq!(rows(&file.synced_bytes()), 10);
    }

    #[tokio::test]
    async fn a_journal_on_disk_is_resumed_after_a_torn_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let writer = JournalWriter::create(&path, begin(), None).unwrap();
        writer.append(&intent(1)).await.unwrap();
        writer.append_unsynced(&intent(2)).unwrap();
        writer.close().await.unwrap();
        assert!(JournalWriter::create(&path, begin(), None).is_err());

        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], &whole[..40]].concat()).unwrap();
        let recovered = recover_file(&path).unwrap();
        assert_eq!(recovered.torn.unwrap().bytes, 40);
        let writer = JournalWriter::resume(&path, &recovered, None).unwrap();
        writer.append(&intent(3)).await.unwrap();
        writer.close().await.unwrap();
        let recovered = recover_file(&path).unwrap();
        assert_eq!((recovered.torn, recovered.unfinished.len()), (None, 3));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn every_later_call_fails_with_the_first_fault() {
        let file = SimulatedFile::new();
        let writer = create_writer(file.clone(), begin()).unwrap();
        writer.append(&intent(1)).await.unwrap();
        file.inject(FileFault::Sync(io::ErrorKind::StorageFull));
        let first = writer.append(&intent(2)).await.unwrap_err();
        assert_eq!(first.storage_problem(), Some(StorageProblem::Full));
        assert!(first.to_string().contains("free some space"), "{first}");
        // The file would take more by now; the journal must not believe it.
        for fault in [
            writer.append(&intent(3)).await.unwrap_err(),
            writer.append_unsynced(&intent(4)).unwrap_err(),
            writer.close().await.unwrap_err(),
        ] {
            assert_eq!(fault.to_string(), first.to_string());
        }
        assert_eq!(rows(&file.synced_bytes()), 1);
    }

    #[tokio::test]
    async fn a_fault_of_the_thread_fails_every_append() {
        let file = SimulatedFile::new();
        file.inject(FileFault::Append(io::ErrorKind::ReadOnlyFilesystem));
        let writer = JournalWriter::threaded(file, Path::new("j"), 0).unwrap();
        let first = writer.append(&intent(1)).await.unwrap_err();
        assert_eq!(first.storage_problem(), Some(StorageProblem::ReadOnly));
        assert_eq!(writer.fault().unwrap().to_string(), first.to_string());
        writer.append_unsynced(&intent(2)).unwrap_err();
        writer.close().await.unwrap_err();
    }

    /// A file that takes the writing thread down with it.
    #[derive(Debug)]
    struct Panicking;

    impl JournalFile for Panicking {
        fn append(&self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn sync(&self) -> io::Result<()> {
            panic!("on purpose")
        }
        fn truncate(&self, _: u64) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn no_task_waits_for_a_thread_that_is_gone() {
        let writer = JournalWriter::threaded(Panicking, Path::new("j"), 0).unwrap();
        for _ in 0..2 {
            let gone = writer.append(&intent(1)).await;
            assert!(matches!(gone, Err(JournalError::Closed)), "{gone:?}");
        }
        let gone = writer.close().await;
        assert!(matches!(gone, Err(JournalError::Closed)), "{gone:?}");
    }

    #[tokio::test]
    async fn a_writer_that_is_dropped_syncs_what_it_has() {
        let file = SimulatedFile::new();
        let to = file.clone();
        to.append(&first_line(begin()).unwrap()).unwrap();
        let writer =
            JournalWriter::threaded(to, Path::new("j"), file.bytes().len() as u64).unwrap();
        writer.append_unsynced(&intent(1)).unwrap();
        writer.append_unsynced(&intent(2)).unwrap();
        let thread = writer.thread.lock().unwrap().take().unwrap();
        drop(writer);
        thread.join().unwrap();
        assert_eq!(rows(&file.synced_bytes()), 2);
    }

    #[tokio::test]
    async fn a_disk_that_fills_up_at_any_byte_loses_nothing_that_was_promised() {
        for full_at in 200..700 {
            let file = SimulatedFile::new();
            let writer = create_writer(file.clone(), begin()).unwrap();
            file.inject(FileFault::FullAt(full_at));
            let mut promised = 0;
            for row in 1..=5 {
                promised += usize::from(writer.append(&intent(row)).await.is_ok());
            }
            assert_eq!(rows(&file.bytes()), promised, "{full_at}");
        }
    }

    #[tokio::test]
    async fn a_crash_at_any_byte_keeps_what_was_promised() {
        let file = SimulatedFile::new();
        let writer = create_writer(file.clone(), begin()).unwrap();
        writer.append(&intent(1)).await.unwrap();
        writer.append_unsynced(&intent(2)).unwrap();
        writer.append_unsynced(&intent(3)).unwrap();
        let loose = file.bytes().len() - file.synced_bytes().len();
        for kept in 0..=loose {
            let after = file.crash(kept);
            let recovered = recover(&after.bytes()[..], Path::new("j")).unwrap();
            assert!(recovered.unfinished.contains_key(&RowNumber(1)));
            let writer = resume_writer(after.clone(), &recovered).unwrap();
            writer.append(&intent(9)).await.unwrap();
            let again = recover(&after.synced_bytes()[..], Path::new("j")).unwrap();
            assert_eq!(again.unfinished.len(), recovered.unfinished.len() + 1);
            assert_eq!(again.torn, None);
        }
    }

    #[tokio::test]
    async fn unsynced_records_are_on_disk_after_the_close() {
        let file = SimulatedFile::new();
        let writer = create_writer(file.clone(), begin()).unwrap();
        writer.append_unsynced(&intent(1)).unwrap();
        assert_eq!(rows(&file.synced_bytes()), 0);
        writer.close().await.unwrap();
        assert_eq!(rows(&file.synced_bytes()), 1);
    }
}
