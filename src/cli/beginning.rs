//! How every command with a session begins and ends: its files are apart from each other, a fault of this program is a failure
//! like any other, and there is a summary of all of it.

use std::path::PathBuf;

use super::args::ReportArgs;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::faults::guarded;
use super::overlap::{FilesInUse, Overlap};
use super::session::Session;

/// A command before it has a session.
pub(super) struct Beginning {
    command: &'static str,
    console: Console,
    apart: Result<(), Overlap>,
    summary: Option<PathBuf>,
}

impl Beginning {
    pub(super) fn new(command: &'static str, console: Console) -> Self {
        Self {
            command,
            console,
            apart: Ok(()),
            summary: None,
        }
    }

    /// A command that writes files, none of which may be another one of them or one that it reads.
    pub(super) fn apart(mut self, apart: Result<(), Overlap>) -> Self {
        self.apart = apart;
        self
    }

    /// A command with the reports of a run, beside its other files.
    pub(super) fn reports(
        mut self,
        files: Result<FilesInUse, Overlap>,
        report: &ReportArgs,
    ) -> Self {
        self.apart = files.and_then(|files| files.reports(report));
        self.summary = Overlap::summary_file(self.apart.as_ref().copied(), report);
        self
    }

    /// Does the command's work in a session, and gives its exit code.
    pub(super) async fn run(
        self,
        work: impl AsyncFnOnce(&mut Session) -> Result<Exit, Failure>,
    ) -> Exit {
        let mut session = match Session::start(self.command, self.console.clone(), self.summary) {
            Ok(session) => session,
            Err(failure) => {
                self.console.fail(&failure);
                return failure.exit;
            }
        };
        let ended = match self.apart {
            Ok(()) => guarded(work(&mut session)).await,
            Err(overlap) => Err(overlap.into()),
        };
        session.finish(ended)
    }
}
