//! What survives a crash: the journal of a run (intent on disk before the send, outcome after it), its recovery,
//! the folders of runs and accounts, the account's lock. It never sees HTTP or a terminal, and decides nothing
//! about rows: it keeps what the runner tells it and says it again.

mod account;
mod claim;
mod document;
mod entry;
mod file;
mod finished;
mod frame;
mod lock;
mod log;
mod progress;
mod queue;
mod recovery;
mod run_dir;
mod runs;
mod simulated;
mod state_dir;
mod writer;
mod written_store;

pub use account::{AccountDir, AccountId, AccountMeta, KnownCustomer};
pub use claim::{Claim, OtherAccounts, OtherRun};
pub use document::StateError;
pub use entry::{
    Begin, Entry, Fact, FinishedRow, Intent, JOURNAL_VERSION, Kept, Outcome, Replanned, Settled,
};
pub use file::{DiskFile, JournalFile};
pub use finished::FinishedRows;
pub use lock::{AccountLock, Holder, LockError};
pub use log::JournalError;
pub use progress::RowProgress;
pub use recovery::{Recovered, RecoveryError, RowState, TornTail, recover, recover_file};
pub use run_dir::{InputMeta, NewRun, RunDir, RunMeta, RunState};
pub use runs::{ListedRun, Pruned};
pub use simulated::{Fault, SimulatedFile};
pub use state_dir::StateDir;
pub use writer::JournalWriter;
pub use written_store::{
    WrittenError, WrittenReader, WrittenUpdate, WrittenUpdates, update_written,
};
