//! How a session ends: exit code, summary, page, and those who are called.

use std::path::Path;

use crate::journal::RunDir;
use crate::platform::AtomicFile;
use crate::report::write_summary;

use super::commands::run_page::{ShownRun, write_run_page};
use super::commands::runs::prune_old;
use super::diagnostics::at_config;
use super::exit::{Exit, Failure, OrFail as _};
use super::publishing::publish;
use super::session::Session;

impl Session {
    /// Ends the command: reports a failure, writes the summary, calls those who are to be called, and returns the exit code.
    pub(super) async fn finish(mut self, ended: Result<Exit, Failure>) -> Exit {
        let ended = match ended {
            Ok(Exit::Done | Exit::Changes) if self.console.lost_output() => Err(Failure::new(
                Exit::NotFinished,
                "output",
                "standard output cannot be written",
            )),
            ended => ended,
        };
        let exit = match ended {
            Ok(exit) => {
                self.console.say_why(exit, self.why(exit));
                exit
            }
            Err(failure) => self.fail(failure),
        };
        self.close_summary(exit);
        let removed = match (&self.run, &self.keep) {
            (Some(run), Some(keep)) => prune_old(run, keep),
            _ => Vec::new(),
        };
        let mut code = exit;
        for path in self.summary_files() {
            if let Err(failure) = self.write_summary(&path) {
                // An output file that cannot be written was reported before the work began.
                if !self.is_stopped_for("output") {
                    self.console.fail(&failure);
                }
                if code == Exit::Done {
                    code = failure.exit;
                }
            }
        }
        code = self.write_page(code);
        code = self.publish(code).await;
        if let Err(failure) = self.end_shared_state(&removed).await
            && !self.is_stopped_for("lease_lost")
        {
            self.console.fail(&failure);
            if code == Exit::Done {
                code = failure.exit;
            }
        }
        if let Some(after_run) = self.after_run.take() {
            after_run.end(&self.summary, &self.console).await;
        }
        code
    }

    /// Reports a failure and notes it in the summary, unless that has a reason already.
    fn fail(&mut self, failure: Failure) -> Exit {
        let failure = at_config(failure, self.document.as_ref());
        self.console.fail(&failure);
        self.summary.stop.get_or_insert_with(|| failure.stop());
        failure.exit
    }

    fn is_stopped_for(&self, reason: &str) -> bool {
        let stop = self.summary.stop.as_ref();
        stop.is_some_and(|stop| stop.reason == reason)
    }

    /// The run, as a page shows it.
    fn shown<'a>(&'a self, run: &'a RunDir) -> ShownRun<'a> {
        ShownRun {
            dir: run,
            summary: &self.summary,
            customer_url: self.customer_url.as_deref(),
            view: self.console.view(),
        }
    }

    /// Writes the page of `--report`. Returns the exit code that the command then has.
    fn write_page(&self, code: Exit) -> Exit {
        let (Some(path), Some(run)) = (&self.page.report, &self.run) else {
            return code;
        };
        match write_run_page(&self.page, &self.shown(run)) {
            Ok(true) => self
                .console
                .say(&format!("report written: {}", path.display())),
            Ok(false) => self
                .console
                .warn("there is no report: the run ended before it had a plan"),
            Err(failure) => {
                self.console.fail(&failure);
                if code == Exit::Done {
                    return failure.exit;
                }
            }
        }
        code
    }

    /// Copies the files of the run to where `--out-dir` says. Returns the exit code that the command then has.
    async fn publish(&self, code: Exit) -> Exit {
        let (Some(out_dir), Some(run)) = (&self.out_dir, &self.run) else {
            return code;
        };
        match publish(out_dir, &self.shown(run), self.page.report_values).await {
            Ok(place) => {
                self.console.say(&format!("files of the run: {place}"));
                code
            }
            Err(failure) => {
                self.console.fail(&failure);
                match code {
                    Exit::Done | Exit::RowProblems | Exit::Changes => failure.exit,
                    code => code,
                }
            }
        }
    }

    fn write_summary(&self, path: &Path) -> Result<(), Failure> {
        let mut file = AtomicFile::create_output(path).or_not_finished("output")?;
        write_summary(&mut file, &self.summary).or_not_finished("output")?;
        file.commit().or_not_finished("output")
    }
}
