//! A lane's slot among those that may send at one time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Whether a lane may send.
#[derive(Debug)]
pub enum SendSlot {
    Held(OwnedSemaphorePermit),
    /// Acquired when the first request is due, unless the run is to stop by then.
    OnDemand(Arc<Semaphore>, CancellationToken),
    /// Given up for good; the lane may send without counting against the limit.
    Released,
}

impl SendSlot {
    /// Waits for a slot unless one is held. Returns false if the run stops first.
    pub(super) async fn acquire(&mut self) -> bool {
        let Self::OnDemand(permits, stop) = self else {
            return true;
        };
        let permit = tokio::select! {
            biased;
            () = stop.cancelled() => return false,
            permit = Arc::clone(permits).acquire_owned() => permit,
        };
        match permit {
            Ok(permit) => {
                *self = Self::Held(permit);
                true
            }
            Err(_) => false,
        }
    }

    pub(super) fn release(&mut self) {
        *self = Self::Released;
    }
}
