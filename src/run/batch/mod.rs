//! Batch update: the patches of several customers in one request, where the account's probe has shown that it leaves
//! unchanged what it does not name. A run's first batch is watched, and so is its first PATCH that relies on the probe.

mod exchange;
mod loss;
mod reading;
mod restore;
mod sending;
mod state;
mod watch;
mod watched_batch;
mod watched_patch;
mod whole_batch;

pub use loss::Loss;
pub(super) use reading::read_customers;
pub(super) use sending::send;
pub(super) use state::VerifiedScopes;
pub use state::{BatchMemory, Batches};
pub use watch::{
    RowAlerts, WatchSettled, WatchedUpdate, open_watch, resume_watch, settle_watch, watch_closed,
};
pub(super) use watched_patch::WatchedPatch;

use crate::domain::{Issue, RemoteCustomer};
use crate::helpcrunch::CallError;

/// What batches brought for one lane.
#[derive(Debug, Clone, Default)]
pub struct BatchShare {
    /// Exchanges that carried the lane's patch.
    pub attempts: u32,
    pub http_status: Option<u16>,
    /// An exchange got no usable answer and may have taken effect.
    pub in_doubt: bool,
    /// The customer as it is now, or why that is not known; `None` if the batch was refused, so that the patch is sent
    /// alone.
    pub result: Option<Result<RemoteCustomer, CallError>>,
    /// Whether the lane's tags were sent along.
    pub carried_tags: bool,
}

/// What is to be reported of a row besides the results of its operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowAlert {
    /// Something was lost and was written back.
    Warning(Issue),
    /// Something was lost and could not be written back.
    Failure(Issue),
}
