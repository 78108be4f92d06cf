//! Signals: the first stops the intake and lets requests in flight finish, the second abandons them, the third ends
//! the process.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::helpcrunch::StopTokens;
use crate::platform::{StopSignal, StopSignals};

use super::console::Console;
use super::exit::Exit;

/// How long after the first signal requests in flight are abandoned. After SIGTERM the process ends within 20 s.
const GRACE: Duration = Duration::from_secs(12);
/// How long after that a process that got SIGTERM ends, whatever it does; a run can be resumed from any point.
const LAST_GRACE: Duration = Duration::from_secs(6);

/// The signals that the process received.
#[derive(Debug, Clone, Default)]
pub(super) struct Stopping {
    pub(super) stops: StopTokens,
    first: Arc<Mutex<Option<StopSignal>>>,
}

impl Stopping {
    /// Listens for signals until the process ends.
    pub(super) fn listen(console: &Console) -> std::io::Result<Self> {
        let stopping = Self::default();
        let mut signals = StopSignals::listen()?;
        let (received, console) = (stopping.clone(), console.clone());
        tokio::spawn(async move {
            let first = signals.next().await;
            *received
                .first
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(first);
            received.stops.soft.cancel();
            console.say("finishing requests in flight; press Ctrl-C again to abandon them");
            tokio::select! {
                _ = signals.next() => {}
                () = tokio::time::sleep(GRACE) => {}
            }
            received.stops.hard.cancel();
            // A blocking read, as of a pipe without a writer, cannot be abandoned, and would delay the end for ever.
            let is_patient = first == StopSignal::Interrupt;
            tokio::select! {
                _ = signals.next() => {}
                () = tokio::time::sleep(LAST_GRACE), if !is_patient => {}
            }
            std::process::exit(i32::from(received.exit().code()));
        });
        Ok(stopping)
    }

    /// Runs a call that may block for long, such as one that reads from a terminal or pipe, on a thread of its own.
    /// Returns `None` if a signal comes first; the thread is left behind then.
    pub(super) async fn unless_stopped<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        // SendOutcome fails only after a signal.
        thread::spawn(move || sender.send(call()));
        tokio::select! {
            biased;
            () = self.stops.soft.cancelled() => None,
            answer = receiver => answer.ok(),
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
