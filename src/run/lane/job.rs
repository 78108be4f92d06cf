use crate::domain::{CustomerId, DesiredCustomer, RemoteCustomer};
use crate::journal::RowProgress;
use crate::plan::Lane;
use crate::run::batch::{BatchShare, RowAlert};
use crate::run::field_refusals::LeftOut;

use super::ReadFreshness;

/// One customer's work.
#[derive(Debug, Clone)]
pub struct LaneJob {
    pub lane: Lane,
    /// What the row wants, if it may be replanned.
    pub desired: Option<DesiredCustomer>,
    /// The customer as the last answer showed it, if it was read since the plan.
    pub before: Option<RemoteCustomer>,
    /// How far the lane came before the run was interrupted.
    pub progress: RowProgress,
    /// What a batch brought for the first operation, if one was tried.
    pub batch_share: Option<BatchShare>,
    /// What is to be reported of the row besides its operations.
    pub alert: Option<RowAlert>,
    /// The age of the reading that its next write relies on.
    pub freshness: ReadFreshness,
    /// The customer that has the row's userId, if a write was refused because of it.
    pub user_id_holder: Option<CustomerId>,
    /// What was left out of the lane's operations because the API refuses it for all rows.
    pub(in crate::run) left_out: Option<LeftOut>,
}

impl LaneJob {
    /// A lane of which nothing was sent.
    pub fn new(lane: Lane, desired: Option<DesiredCustomer>) -> Self {
        Self {
            lane,
            desired,
            before: None,
            progress: RowProgress::default(),
            batch_share: None,
            alert: None,
            freshness: ReadFreshness::default(),
            user_id_holder: None,
            left_out: None,
        }
    }
}
