use std::io;

/// A request from outside to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT, or Ctrl-C on Windows.
    Interrupt,
    /// SIGTERM; on Windows the console or the session is closing.
    Terminate,
}

/// Requests to stop, one after another. While it lives, none of them ends the process by itself.
#[derive(Debug)]
pub struct StopSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    #[cfg(windows)]
    terminate: tokio::signal::windows::CtrlClose,
}

impl StopSignals {
    /// Starts to listen; needs a running runtime.
    ///
    /// # Errors
    /// Where the system takes no handler.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Starts to listen; needs a running runtime.
    ///
    /// # Errors
    /// Where the system takes no handler.
    #[cfg(windows)]
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: tokio::signal::windows::ctrl_c()?,
            terminate: tokio::signal::windows::ctrl_close()?,
        })
    }

    /// Waits for the next one. Nothing is lost where the future is dropped.
    pub async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn send(signal: &str) {
        let pid = std::process::id().to_string();
        let sent = std::process::Command::new("kill")
            .args([signal, &pid])
            .status();
        assert!(sent.unwrap().success());
    }

    #[tokio::test]
    async fn signals_are_told_and_do_not_end_the_process() {
        let mut signals = StopSignals::listen().unwrap();
        send("-TERM");
        assert_eq!(signals.next().await, StopSignal::Terminate);
        send("-INT");
        assert_eq!(signals.next().await, StopSignal::Interrupt);
    }
}
