use std::io;

/// A request from outside to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT, or Ctrl-C on Windows.
    Interrupt,
    /// SIGTERM, or SIGHUP: the terminal was closed or its connection lost. On Windows the console or the session is closing.
    Terminate,
}

/// A file would exceed the process's size limit; the number is the same on Linux (but for MIPS) and macOS.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

/// Receives requests to stop. While it lives, none of them ends the process by itself.
#[derive(Debug)]
pub struct StopSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// `None` under `nohup`.
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    #[cfg(windows)]
    terminate: tokio::signal::windows::CtrlClose,
}

impl StopSignals {
    /// Starts to listen; needs a running runtime.
    ///
    /// # Errors
    /// The system accepts no handler.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        // With a handler, a write beyond the file size limit is an error and does not end the process. The handler
        // outlives the dropped stream.
        drop(signal(SignalKind::from_raw(SIGXFSZ))?);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: match super::system::ignores_hangup() {
                true => None,
                false => Some(signal(SignalKind::hangup())?),
            },
        })
    }

    /// Starts to listen; needs a running runtime.
    ///
    /// # Errors
    /// The system accepts no handler.
    #[cfg(windows)]
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: tokio::signal::windows::ctrl_c()?,
            terminate: tokio::signal::windows::ctrl_close()?,
        })
    }

    /// Waits for the next one. Dropping the future loses none.
    #[cfg(unix)]
    pub async fn next(&mut self) -> StopSignal {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = hangup => StopSignal::Terminate,
        }
    }

    /// Waits for the next one. Dropping the future loses none.
    #[cfg(windows)]
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
    async fn signals_are_received_and_do_not_end_the_process() {
        let mut signals = StopSignals::listen().unwrap();
        send("-TERM");
        assert_eq!(signals.next().await, StopSignal::Terminate);
        // Tests may run under `nohup` themselves.
        if !crate::platform::system::ignores_hangup() {
            send("-HUP");
            assert_eq!(signals.next().await, StopSignal::Terminate);
        }
        send("-INT");
        assert_eq!(signals.next().await, StopSignal::Interrupt);
    }
}
