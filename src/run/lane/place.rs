//! A lane's place among those that may send at one time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Whether a lane may send.
#[derive(Debug)]
pub enum Place {
    Held(OwnedSemaphorePermit),
    /// Taken when the first request is due; not any more once the run is to stop.
    Later(Arc<Semaphore>, CancellationToken),
    /// It was given up for good, and others do not wait for this lane.
    GivenUp,
}

impl Place {
    /// Waits for a place, where none is held. False where the run stops first.
    pub(super) async fn take(&mut self) -> bool {
        let Self::Later(permits, stop) = self else {
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

    pub(super) fn give_up(&mut self) {
        *self = Self::GivenUp;
    }
}
