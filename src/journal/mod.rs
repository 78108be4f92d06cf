//! What survives a crash: the journal of a run (intent on disk before the send, outcome after it), its recovery, the
//! folders of runs and accounts, the account's lock. It never sees HTTP or a terminal, and decides nothing about rows: it
//! stores what the runner passes to it, and returns it.

mod account;
mod claim;
mod copy;
mod document;
mod entry;
mod file;
mod finished;
mod frame;
mod lines;
mod lock;
mod log;
mod pace_file;
mod progress;
mod queue;
mod recovered;
mod recovery;
mod recovery_error;
mod rewriting;
mod run_dir;
mod runs;
mod state_dir;
pub mod testing;
mod tracked;
mod writer;
mod written;

pub use account::{AccountDir, AccountId, AccountMeta, KnownCustomer};
pub use claim::{Claim, OtherAccounts, OtherRun};
pub use copy::JournalCopy;
pub use document::StateError;
pub use entry::{
    Begin, Fact, FinishedRow, Intent, JOURNAL_VERSION, JournalRecord, KeptValues, Outcome,
    Replanned, Settled,
};
pub use file::{DiskFile, JournalFile};
pub use finished::FinishedRows;
pub use lock::{AccountLock, LockError, LockHolder, holder as lock_holder};
pub use log::JournalError;
pub use pace_file::PaceFile;
pub use progress::RowProgress;
pub use recovered::{Recovered, RowState, TornTail};
pub use recovery::{recover, recover_file};
pub use recovery_error::RecoveryError;
pub use rewriting::{RewriteError, rewrite_journal, visit_records};
pub use run_dir::{InputMeta, NewRun, RunDir, RunMeta, RunState};
pub use runs::{ListedRun, Pruned};
pub use state_dir::StateDir;
pub use tracked::{Tracked, TrackedError};
pub use writer::JournalWriter;
pub use written::{WrittenError, WrittenReader, WrittenUpdate, WrittenUpdates, update_written};
