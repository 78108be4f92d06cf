//! Signals: the first stops the intake and lets end what is in flight, the second drops it, the third ends the
//! process.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::helpcrunch::Stops;
use crate::platform::{StopSignal, StopSignals};

use super::console::Console;
use super::exit::Exit;

/// After SIGTERM the process ends within 20 s (contract): what is in flight is dropped so long before.
const GRACE: Duration = Duration::from_secs(12);
/// And so long after that the process ends whatever it is at; a run can be resumed from any moment.
const LAST_GRACE: Duration = Duration::from_secs(6);

/// Which signal came first.
#[derive(Debug, Clone, Default)]
pub(super) struct Stopping {
    pub(super) stops: Stops,
    first: Arc<Mutex<Option<StopSignal>>>,
}

impl Stopping {
    /// Listens until the process ends.
    ///
    /// # Errors
    /// Where the system takes no handler.
    pub(super) fn listen(console: &Console) -> std::io::Result<Self> {
        let stopping = Self::default();
        let mut signals = StopSignals::listen()?;
        let (heard, console) = (stopping.clone(), console.clone());
        tokio::spawn(async move {
            let first = signals.next().await;
            *heard.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
            heard.stops.soft.cancel();
            console.say("stopping: what is in flight ends first (again: drop it)");
            tokio::select! {
                _ = signals.next() => {}
                () = tokio::time::sleep(GRACE) => {}
            }
            heard.stops.hard.cancel();
            // What cannot be dropped, such as the reading of a pipe that nobody writes, would hold the end up.
            let is_patient = first == StopSignal::Interrupt;
            tokio::select! {
                _ = signals.next() => {}
                () = tokio::time::sleep(LAST_GRACE), if !is_patient => {}
            }
            std::process::exit(i32::from(heard.exit().code()));
        });
        Ok(stopping)
    }

    /// What a call gives that may wait for somebody, such as a person or a pipe; nothing where a signal comes first. It
    /// runs on a thread of its own, which nobody waits for then.
    pub(super) async fn unless_stopped<T: Send + 'static>(
        &self,
        waiting: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = oneshot::channel();
        // Only after a signal is nobody left to tell.
        thread::spawn(move || tell.send(waiting()));
        tokio::select! {
            biased;
            () = self.stops.soft.cancelled() => None,
            answer = told => answer.ok(),
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stops.soft.is_cancelled()
    }

    /// The exit code of a run that a signal stopped.
    pub(super) fn exit(&self) -> Exit {
        match *self.first.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(StopSignal::Terminate) => Exit::Terminated,
            Some(StopSignal::Interrupt) | None => Exit::Interrupted,
        }
    }
}
