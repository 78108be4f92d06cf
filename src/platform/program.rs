use std::io;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::system;

/// How long a program has to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(2);
/// Between two looks whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// A program whose output is read. It is ended when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    is_separate: bool,
}

impl Program {
    /// Starts a program with nothing on its standard input. Without a terminal it gets a process group of its own, so that
    /// whatever it starts ends with it. At a terminal it stays in the group of this process: it may ask for a password there,
    /// and Ctrl-C reaches the whole group.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(command: Command, has_terminal: bool) -> io::Result<Self> {
        Self::start_with(command, has_terminal, Stdio::null())
    }

    /// The same with something on its standard input.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_with(mut command: Command, has_terminal: bool, stdin: Stdio) -> io::Result<Self> {
        command.stdin(stdin);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if !has_terminal {
            system::separate(&mut command);
        }
        Ok(Self {
            child: command.spawn()?,
            is_separate: !has_terminal,
        })
    }

    /// Standard output and error, the first time.
    pub fn take_streams(&mut self) -> Option<(ChildStdout, ChildStderr)> {
        Some((self.child.stdout.take()?, self.child.stderr.take()?))
    }

    /// Waits for the end of the program.
    ///
    /// # Errors
    /// The system refuses to report it.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Whether the program has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        system::ask_to_end(&self.child, self.is_separate);
        let deadline = Instant::now() + GRACE;
        while !self.has_ended() && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
        if self.is_separate {
            system::kill_rest(&self.child);
        }
        // Fails if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
