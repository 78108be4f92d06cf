//! How every command with a session starts and ends: output files are checked against inputs, a panic becomes a
//! failure, and a summary is written in any case.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::task::Poll;

use super::args::{PageArgs, ReportArgs};
use super::console::Console;
use super::exit::{Exit, Failure};
use super::overlap::{FilesInUse, Overlap};
use super::session::Session;

/// A command that has not started its session yet.
pub(super) struct CommandRunner {
    command: &'static str,
    console: Console,
    overlap: Result<(), Overlap>,
    summary: Option<PathBuf>,
    page: PageArgs,
}

impl CommandRunner {
    pub(super) fn new(command: &'static str, console: Console) -> Self {
        Self {
            command,
            console,
            overlap: Ok(()),
            summary: None,
            page: PageArgs::default(),
        }
    }

    /// Refuses to start if an output file is also an input or another output.
    pub(super) fn check_overlap(mut self, overlap: Result<(), Overlap>) -> Self {
        self.overlap = overlap;
        self
    }

    /// Writes the reports of a run. They are checked for overlap with the command's other files.
    pub(super) fn reports(
        mut self,
        files: Result<FilesInUse, Overlap>,
        report: &ReportArgs,
    ) -> Self {
        self.page = report.page.clone();
        self.overlap = files.and_then(|files| files.reports(report));
        self.summary = Overlap::summary_file(self.overlap.as_ref().copied(), report);
        self
    }

    /// Does the command's work in a session, and returns its exit code.
    pub(super) async fn run(
        self,
        work: impl AsyncFnOnce(&mut Session) -> Result<Exit, Failure>,
    ) -> Exit {
        let mut session =
            match Session::start(self.command, self.console.clone(), self.summary, self.page) {
                Ok(session) => session,
                Err(failure) => {
                    self.console.fail(&failure);
                    return failure.exit;
                }
            };
        let ended = match self.overlap {
            Ok(()) => catch_panics(work(&mut session)).await,
            Err(overlap) => Err(overlap.into()),
        };
        session.finish(ended).await
    }
}

/// Runs a command; a panic becomes a failure.
async fn catch_panics(
    command: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let mut command = Box::pin(command);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| command.as_mut().poll(context))) {
            Ok(poll) => poll,
            Err(_) => Poll::Ready(Err(panic_failure())),
        },
    )
    .await
}

fn panic_failure() -> Failure {
    let message = "a bug in hcsync ended the command";
    Failure::new(Exit::NotFinished, "internal", message).hint(
        "please report it, with what is printed above; `hcsync runs` shows whether a run can be resumed",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure() {
        let ended = catch_panics(async {
            tokio::task::yield_now().await;
            let exits: [Exit; 0] = [];
            Ok(*exits.first().expect("a panic on purpose"))
        })
        .await;
        let failure = ended.unwrap_err();
        assert_eq!(
            (failure.exit, failure.reason),
            (Exit::NotFinished, "internal")
        );
        assert!(catch_panics(async { Ok(Exit::Done) }).await.is_ok());
    }
}
