//! Ends of runs that send nothing: since they were not to, since their plan is not let pass, or since they never came to
//! one.

use crate::config::Settings;
use crate::journal::{RunDir, RunMeta, RunState};
use crate::plan::safety::Refusal;
use crate::report::Stop;

use super::exit::{Exit, Failure};
use super::reports::{ReportOf, Wanted};
use super::sending::{finished_exit, tell_end};
use super::session::{Session, state_failure};

/// The failure that a refused plan ends with; nothing where it is safe.
pub(super) fn refused(refusals: &[Refusal]) -> Option<Failure> {
    if refusals.is_empty() {
        return None;
    }
    let messages: Vec<_> = refusals.iter().map(|r| r.message.clone()).collect();
    let options: Vec<_> = refusals.iter().map(|r| r.option.clone()).collect();
    let message = format!(
        "the plan was refused, and nothing was sent: {}",
        messages.join("; ")
    );
    let hint = format!(
        "if this is what you want, lift it for this plan with {}",
        options.join(" ")
    );
    Some(Failure::new(Exit::Refused, "safety", message).hint(hint))
}

/// A run that sends nothing because it was not to.
pub(super) struct DryEnd<'a> {
    pub(super) report: ReportOf<'a>,
    pub(super) wanted: &'a Wanted,
    pub(super) settings: &'a Settings,
    /// Whether that there is something to do is told by the exit code.
    pub(super) tells_changes: bool,
}

impl DryEnd<'_> {
    pub(super) fn finish(self, session: &mut Session, meta: &mut RunMeta) -> Result<Exit, Failure> {
        let written = self
            .report
            .write(self.wanted)
            .map_err(|e| Failure::from_error(Exit::NotFinished, "reports", &e))?;
        let changes = self.tells_changes && session.summary.planned.has_changes();
        let exit = match finished_exit(self.settings, session, &written) {
            Exit::Done if changes => Exit::Changes,
            exit => exit,
        };
        session.summary.results = written.tally.counts();
        session.summary.errors = written.tally.error_entries();
        meta.state = RunState::Finished;
        meta.ended_at = Some(session.clock.rfc3339());
        meta.exit_code = Some(exit.code());
        self.report
            .dir
            .write_meta(meta)
            .map_err(|e| state_failure(&e))?;
        Ok(exit)
    }
}

/// The end of a run whose plan is not sent: its rows are pending. It is over, but for a signal at the question.
pub(super) fn finish_unsent(
    session: &mut Session,
    meta: &mut RunMeta,
    report: &ReportOf<'_>,
    wanted: &Wanted,
    failure: &Failure,
) -> Result<(), Failure> {
    let written = report
        .write(wanted)
        .map_err(|e| Failure::from_error(Exit::NotFinished, "reports", &e))?;
    if failure.reason != "signal" {
        meta.state = RunState::Finished;
        meta.ended_at = Some(session.clock.rfc3339());
        meta.exit_code = Some(failure.exit.code());
        report.dir.write_meta(meta).map_err(|e| state_failure(&e))?;
        session.summary.stop = Some(Stop {
            reason: failure.reason.to_owned(),
            message: failure.message.clone(),
            next_command: None,
        });
    }
    if session.console.is_json() {
        tell_end(session, failure.exit, &written);
    } else {
        session.summary.results = written.tally.counts();
        session.summary.errors = written.tally.error_entries();
    }
    Ok(())
}

/// A run that came to no end of its own: what goes on with it, or, where its input was at fault, that it is over.
pub(super) fn unfinished(
    session: &Session,
    dir: &RunDir,
    meta: &mut RunMeta,
    resume: &Option<String>,
    mut failure: Failure,
) -> Failure {
    if meta.state.is_over() {
        return failure;
    }
    if failure.exit == Exit::Usage {
        meta.state = RunState::Finished;
    } else if failure.next_command.is_none() {
        failure.next_command.clone_from(resume);
    }
    meta.ended_at = Some(session.clock.rfc3339());
    meta.exit_code = Some(failure.exit.code());
    if let Err(error) = dir.write_meta(meta) {
        tracing::warn!(%error, "the end of the run could not be noted");
    }
    failure
}
