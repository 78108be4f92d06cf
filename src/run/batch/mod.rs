//! Batch update: the patches of several customers in one request, where the account's probe has shown that it leaves
//! alone what it does not name. A run's first one is watched, and so is its first PATCH that goes by what the probe
//! has shown of PATCH.

mod alone;
mod loss;
mod reading;
mod restoring;
mod sending;
mod state;
mod watch;

pub(super) use alone::patch_watched;
pub use loss::{Loss, LostKinds};
pub(in crate::run) use reading::{read as read_all, tells_all};
pub(super) use sending::send;
use state::Proven;
pub use state::{BatchMemory, Batches};
pub use watch::{Notices, WatchSettled, Watched, open_watch, settle_watch, take_up, watch_closed};

use crate::domain::{Issue, RemoteCustomer};
use crate::helpcrunch::CallError;

/// What a batch brought one lane.
#[derive(Debug, Clone, Default)]
pub struct Batched {
    /// Exchanges that carried the lane's patch.
    pub attempts: u32,
    pub http_status: Option<u16>,
    /// An exchange got no usable answer, and may have taken effect.
    pub in_doubt: bool,
    /// The customer as it is now, or why that is not known; nothing where the batch was refused, so that the patch
    /// goes alone.
    pub result: Option<Result<RemoteCustomer, CallError>>,
    /// Whether the lane's tags went along.
    pub carried_tags: bool,
}

/// What is to be told of a row beside the results of its operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Something was lost and is there again.
    Warning(Issue),
    /// Something was lost and could not be written back.
    Failure(Issue),
}
