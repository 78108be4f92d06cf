//! What is kept of a reading for later runs.

use jiff::Timestamp;

use crate::domain::RemoteCustomer;
use crate::plan::matching::RemoteLookup;
use crate::remote::{ReadMethod, Reading, RemoteSide, SnapshotError, SnapshotFiles};
use crate::run::planning::PlanningError;

/// Keeps what was read for the runs to come: a complete reading as the new snapshot, single customers in the one that
/// is there. That it cannot be kept is no failure of this run.
pub(super) fn keep(snapshot: &mut SnapshotFiles, side: &RemoteSide, began: Timestamp) {
    let kept = match side.method {
        way if way == ReadMethod::List.name() => snapshot.replace(began, &side.reading),
        _ => keep_fresh(snapshot, side),
    };
    if let Err(error) = kept {
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::warn!(error, "what was read could not be kept for the next run");
    }
}

fn keep_fresh(snapshot: &mut SnapshotFiles, side: &RemoteSide) -> Result<(), SnapshotError> {
    let customers = side.fresh.iter().map(|id| side.reading.customer(*id));
    let customers: Vec<RemoteCustomer> = customers
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?;
    match snapshot.open() {
        Ok(Some(store)) => store.update(&customers),
        // An unusable snapshot was reported when it was opened for reading.
        Ok(None) | Err(_) => Ok(()),
    }
}

/// The first customer of the reading that has a userId or an e-mail address.
pub(super) fn witness(reading: &Reading) -> Result<Option<RemoteCustomer>, PlanningError> {
    for id in reading.lowest_ids(MAX_WITNESSES)? {
        let has_key = |c: &RemoteCustomer| c.user_id().is_some() || c.email().is_some();
        if let Some(customer) = reading.customer(id)?.filter(has_key) {
            return Ok(Some(customer));
        }
    }
    Ok(None)
}

/// Customers that are looked at.
const MAX_WITNESSES: usize = 100;
