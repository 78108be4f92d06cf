//! How runs end that send nothing: dry runs, runs whose plan is refused, and runs that fail before.

use crate::config::Settings;
use crate::journal::{RunDir, RunMeta, RunState};
use crate::plan::Cause;
use crate::plan::safety::{MAX_REJECTED_PERCENT, Refusal};
use crate::report::{plural, what_to_do};

use super::end_report::report_end;
use super::exit::{Exit, Failure, OrFail as _};
use super::reports::{ReportPaths, RunReport};
use super::run_end::finished_exit;
use super::session::Session;

/// Refuses a plan that exceeds safety limits.
pub(super) fn refuse_unsafe(refusals: &[Refusal], rejected: &[Cause]) -> Result<(), Failure> {
    if refusals.is_empty() {
        return Ok(());
    }
    let mut messages: Vec<_> = refusals.iter().map(|r| r.message.clone()).collect();
    let options: Vec<_> = refusals.iter().map(|r| r.option.clone()).collect();
    let mut hint = format!(
        "if this is what you want, lift the limit for this plan with {}",
        options.join(" ")
    );
    let is_for_rejected = |refusal: &Refusal| refusal.limit == MAX_REJECTED_PERCENT;
    if let (true, Some(cause)) = (refusals.iter().any(is_for_rejected), rejected.first()) {
        let rows = plural(cause.count, "row", "rows");
        messages.push(format!("{rows}: {}", cause.message));
        let advice = what_to_do(cause, None).trim_end_matches('.');
        hint = format!("{advice}; or, {hint}");
    }
    let message = format!(
        "the plan was refused, and nothing was sent: {}",
        messages.join("; ")
    );
    Err(Failure::new(Exit::Refused, "safety", message).hint(hint))
}

/// The end of a run that plans only.
pub(super) struct DryRunEnd<'a> {
    pub(super) report: RunReport<'a>,
    pub(super) paths: &'a ReportPaths,
    pub(super) settings: &'a Settings,
    /// Whether changes in the plan have an exit code of their own.
    pub(super) detailed_exit_code: bool,
}

impl DryRunEnd<'_> {
    pub(super) fn finish(self, session: &mut Session, meta: &mut RunMeta) -> Result<Exit, Failure> {
        let written = self.report.write(self.paths).or_not_finished("reports")?;
        let changes = self.detailed_exit_code && session.summary.planned.has_changes();
        let exit = match finished_exit(self.settings, session, &written.tally) {
            Exit::Done if changes => Exit::Changes,
            exit => exit,
        };
        session.set_results(&written.tally);
        session.note_attention(&written.tally, &written.files);
        finish_meta(session, meta, exit);
        self.report.dir.write_meta(meta)?;
        Ok(exit)
    }
}

/// Ends a run whose plan is refused or declined: its rows are pending. It stays open only if a signal ended the question.
pub(super) fn end_unsent(
    session: &mut Session,
    meta: &mut RunMeta,
    report: &RunReport<'_>,
    paths: &ReportPaths,
    failure: &Failure,
) -> Result<(), Failure> {
    let written = report.write(paths).or_not_finished("reports")?;
    if failure.reason != "signal" {
        finish_meta(session, meta, failure.exit);
        report.dir.write_meta(meta)?;
        session.summary.stop = Some(failure.stop());
    }
    if session.console.is_json() {
        report_end(session, failure.exit, &written);
    } else {
        session.set_results(&written.tally);
    }
    Ok(())
}

fn finish_meta(session: &Session, meta: &mut RunMeta, exit: Exit) {
    meta.state = RunState::Finished;
    meta.ended_at = Some(session.clock.rfc3339());
    meta.exit_code = Some(exit.code());
}

/// Records that a run failed before it ended. It can be resumed with the command `resume`, unless its input was at fault.
pub(super) fn note_unfinished(
    session: &Session,
    dir: &RunDir,
    meta: &mut RunMeta,
    resume: Option<&str>,
    mut failure: Failure,
) -> Failure {
    if meta.state.is_over() {
        return failure;
    }
    if failure.exit == Exit::Usage {
        meta.state = RunState::Finished;
    } else {
        failure = failure.or_next(resume);
    }
    meta.ended_at = Some(session.clock.rfc3339());
    meta.exit_code = Some(failure.exit.code());
    if let Err(error) = dir.write_meta(meta) {
        tracing::warn!(%error, "the end of the run could not be recorded");
    }
    failure
}
