//! Sends the plan of a run and ends it: results, reports, account memory, and the exit code.

use crate::config::Settings;
use crate::journal::{JournalError, JournalRecord, JournalWriter, RunMeta, RunState};
use crate::outcome::{CREATED_TWICE, RowStatus};
use crate::report::{Tally, plural};
use crate::run::executor::{ExecutorError, SendOutcome};
use crate::run::memory::ServerOverride;

use super::account::update_account_meta;
use super::account_memory::{learn_written, save_rewrites};
use super::end_report::report_end;
use super::exit::{Exit, Failure};
use super::planned_run::PlannedRun;
use super::reports::Written;
use super::sending::{SendRequest, Sent, send};
use super::session::Session;
use super::tracking::end_tracking;
use super::twins::note_twins;

/// Sends the plan of a run, and ends the run.
pub(super) async fn send_and_end(
    session: &mut Session,
    meta: &mut RunMeta,
    run: PlannedRun<'_>,
    request: SendRequest<'_>,
) -> Result<Exit, Failure> {
    let sent = send(session, meta, &run, request).await;
    run.account.save_learned();
    let ended = match sent {
        Ok(sent) => end_run(session, meta, sent, &run).await,
        Err(failure) => Err(failure),
    };
    ended.map_err(|failure| failure.or_next(run.resume))
}

/// Ends a run: closes the journal, writes the reports, saves the account's memory, and prints the result. Each step is
/// taken even if one before it failed.
async fn end_run(
    session: &mut Session,
    meta: &mut RunMeta,
    mut sent: Sent,
    run: &PlannedRun<'_>,
) -> Result<Exit, Failure> {
    let stop = sent.canary.take();
    let stop = stop.or_else(|| stop_failure(session, &sent.sending, run));
    let closed = close_journal(session, sent.journal(), stop.as_ref()).await;
    if stop.is_none() && session.summary.planned.create > 0 {
        note_twins(session, run.report.dir, &run.account.client).await;
    }
    session.count_requests(&run.account.client, run.settings);
    let (written, unwritten) = write_reports(run);
    let stop = stop.or_else(|| missing_outcomes(&written.tally));
    let saved = match unwritten {
        Some(failure) => Err(failure),
        None => save_state(
            session,
            meta,
            &sent.rewrites,
            run,
            (&written, stop.as_ref()),
        ),
    };
    let error = saved.and(closed.map_err(Failure::from)).err();
    let (exit, failure) = match (stop, error) {
        (None, None) => {
            let exit = finished_exit(run.settings, session, &written.tally);
            report_end(session, exit, &written);
            return Ok(exit);
        }
        // A stop is reported as the end of the run, and not as an error of the command.
        (Some(stop), None) => {
            session.summary.stop = Some(stop.stop());
            report_end(session, stop.exit, &written);
            return Ok(stop.exit);
        }
        (Some(stop), Some(error)) => {
            session.console.warn(&error.message);
            (stop.exit, stop)
        }
        (None, Some(error)) => (error.exit, error.or_next(run.resume)),
    };
    session.summary.stop = Some(failure.stop());
    report_end(session, exit, &written);
    Err(failure)
}

async fn close_journal(
    session: &Session,
    journal: &JournalWriter,
    stop: Option<&Failure>,
) -> Result<(), JournalError> {
    if let Some(stop) = stop {
        let (at, reason) = (session.clock.rfc3339(), stop.reason.to_owned());
        // `close` reports the error of a failed journal, and the results are derived from what it contains.
        let _ = journal.append(&JournalRecord::Stopped { at, reason }).await;
    }
    journal.close().await
}

/// Writes the reports. If that fails, the results are still counted.
fn write_reports(run: &PlannedRun<'_>) -> (Written, Option<Failure>) {
    match run.report.write(run.paths) {
        Ok(written) => (written, None),
        Err(error) => {
            let written = Written {
                tally: run.report.tally().unwrap_or_default(),
                files: Vec::new(),
            };
            let failure = Failure::from_error(Exit::NotFinished, "reports", &error);
            (written, Some(failure))
        }
    }
}

/// Saves the account's memory and the run's state. If something cannot be saved, the run can be resumed.
fn save_state(
    session: &Session,
    meta: &mut RunMeta,
    rewrites: &[ServerOverride],
    run: &PlannedRun<'_>,
    (written, stop): (&Written, Option<&Failure>),
) -> Result<(), Failure> {
    let is_over = stop.is_none();
    let saved = save_memory(meta, rewrites, run, is_over);
    let exit = match (&saved, stop) {
        (_, Some(stop)) => stop.exit,
        (Err(failure), None) => failure.exit,
        (Ok(()), None) => finished_exit(run.settings, session, &written.tally),
    };
    meta.state = match is_over && saved.is_ok() {
        true => RunState::Finished,
        false => RunState::Stopped,
    };
    meta.ended_at = Some(session.clock.rfc3339());
    meta.exit_code = Some(exit.code());
    meta.counts = serde_json::to_value(written.tally.counts()).unwrap_or_default();
    let recorded = run.report.dir.write_meta(meta);
    saved.and(recorded.map_err(Failure::from))
}

fn save_memory(
    meta: &RunMeta,
    rewrites: &[ServerOverride],
    run: &PlannedRun<'_>,
    is_over: bool,
) -> Result<(), Failure> {
    let Some(account) = run.account.lasting_dir() else {
        return Ok(());
    };
    let name = run.settings.api.account.as_deref();
    let remembered = save_rewrites(account, rewrites).and_then(|()| {
        update_account_meta(account, &run.account.target, name, run.witness, is_over)
    });
    // What was written is learned even if the rest could not be saved.
    let learned = learn_written(run.report.dir, meta, account, is_over);
    let tracked = match is_over {
        true => end_tracking(run.report.dir, account),
        false => Ok(()),
    };
    remembered.and(learned).and(tracked)
}

/// The failure for rows that were all sent, but have no outcome in the journal.
fn missing_outcomes(tally: &Tally) -> Option<Failure> {
    let rows = tally.count(RowStatus::Pending);
    (rows > 0).then(|| {
        let message = format!(
            "the outcome of {} is unknown: the run's journal was changed or removed while it was written",
            plural(rows, "row", "rows")
        );
        Failure::new(Exit::NotFinished, "journal", message)
            .hint("sync again: it reads the customers again and creates none of them twice")
    })
}

/// Returns why the run stopped before its end, or `None` if it reached its end.
fn stop_failure(session: &Session, sending: &SendOutcome, run: &PlannedRun<'_>) -> Option<Failure> {
    let gate = || session.gate_failure(&run.account.client);
    let failure = match &sending.error {
        Some(ExecutorError::Journal(error)) => Failure::from(error),
        Some(error @ (ExecutorError::Refresh(_) | ExecutorError::Plan(_))) => {
            Failure::from_error(Exit::NotFinished, "not_finished", error)
        }
        None => match gate() {
            None if sending.too_many_failures => {
                let max = run.settings.safety.max_failures;
                let message = format!("{max} rows failed, the limit of safety.max_failures");
                Failure::new(Exit::NotFinished, "max_failures", message)
            }
            gate if sending.pending > 0 => gate.unwrap_or_else(|| session.signal_failure()),
            _ => return None,
        },
    };
    Some(failure.or_next(run.resume))
}

/// The exit code of a run that reached its end. `safety.tolerated_rows` allows some bad rows, but none in doubt.
pub(super) fn finished_exit(settings: &Settings, session: &Session, tally: &Tally) -> Exit {
    let bad = tally.count(RowStatus::Rejected) + tally.count(RowStatus::Failed);
    let rows = session.summary.input.rows;
    let is_tolerated = bad == 0 || settings.safety.tolerated_rows.allows(bad, rows);
    let has_twins = tally.errors().iter().any(|e| e.cause.code == CREATED_TWICE);
    if has_twins || tally.count(RowStatus::InDoubt) > 0 || !is_tolerated {
        Exit::RowProblems
    } else {
        Exit::Done
    }
}
