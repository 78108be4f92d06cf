//! Sends a run's plan and reports what came of it: the part that `sync`, `apply` and `resume` share.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::config::Settings;
use crate::domain::RemoteCustomer;
use crate::helpcrunch::WriteClient;
use crate::journal::{
    Begin, Entry, JOURNAL_VERSION, JournalError, JournalWriter, Recovered, RunDir, RunMeta,
    RunState,
};
use crate::outcome::{CREATED_TWICE, RowStatus};
use crate::platform::open_file;
use crate::probe::Findings;
use crate::remote::ReadTimes;
use crate::report::{Ending, Stop, plural, render_ending, write_ending};
use crate::run::batch::{BatchMemory, Batches, Notices, take_up};
use crate::run::executor::{Executor, ExecutorError, ExecutorSettings, MOST_SETTLING, Sending};
use crate::run::freshness::{Freshness, Refresher};
use crate::run::jobs::Jobs;
use crate::run::lane::LaneContext;
use crate::run::memory::Rewrite;
use crate::run::settle::Settler;

use super::account::note_sent;
use super::attached::Attached;
use super::claiming::claim_account;
use super::exit::{Cause, Exit, Failure};
use super::planning::budget_rules;
use super::probed::{AccountLessons, settle, write_rules};
use super::progress::SendingShown;
use super::remembered::{learn, remember};
use super::reports::{ReportOf, Wanted, Written};
use super::session::{Session, state_failure};
use super::snapshot::Snapshot;
use super::twins::note_twins;

/// What to send, and under which rules.
#[derive(Debug)]
pub(super) struct Order<'a> {
    pub(super) settings: &'a Settings,
    pub(super) at: &'a Attached,
    pub(super) refresher: &'a Refresher,
    /// Column of each attribute, for messages.
    pub(super) columns: BTreeMap<String, String>,
    /// When the customers were read that the plan stands on.
    pub(super) read_at: Option<ReadTimes>,
    /// Is told of every answer.
    pub(super) snapshot: Snapshot,
    pub(super) recovered: Option<&'a Recovered>,
    /// How the account's API is known to behave.
    pub(super) probed: &'a Findings,
    pub(super) digest: String,
    /// A customer of the account, if one was read.
    pub(super) witness: Option<&'a RemoteCustomer>,
    /// Rows that the plan writes, and the seconds that they are thought to take.
    pub(super) lanes: u64,
    pub(super) seconds: f64,
}

/// Sends the plan of a run; what came of it is in the journal.
pub(super) async fn send(
    session: &Session,
    dir: &RunDir,
    meta: &mut RunMeta,
    order: Order<'_>,
) -> Result<Sent, Failure> {
    if order.lanes > 0 {
        claim_account(order.at, order.witness).await?;
    }
    meta.state = RunState::Applying;
    dir.write_meta(meta).map_err(|e| state_failure(&e))?;
    if order.recovered.is_none() && !meta.dry_run {
        note_sent(
            &order.at.account,
            &order.digest,
            meta.run_id.as_str(),
            session.clock.rfc3339(),
        )?;
    }
    let journal = open_journal(session, dir, meta, &order)
        .await
        .map_err(|e| journal_failure(&e))?;
    let lessons = Arc::new(AccountLessons::of(&order.at.account, session.clock));
    let upkeep = order.snapshot.begin(&dir.plan());
    let client = WriteClient::new(upkeep.observed(order.at.client.clone()));
    let memory = Arc::clone(&lessons) as Arc<dyn BatchMemory>;
    let context = Arc::new(LaneContext {
        client,
        journal,
        clock: session.clock,
        settler: Settler {
            settle: settle(order.settings, order.probed),
        },
        rules: write_rules(order.settings, order.probed),
        recheck_after: order.settings.remote.recheck_after,
        batches: Batches::new(Some(memory)),
        columns: order.columns,
        rewrites: Mutex::default(),
        lessons: Mutex::default(),
        settling: Semaphore::new(MOST_SETTLING),
    });
    let notices = notices(session, &context, order.recovered).await?;
    let settings = ExecutorSettings {
        concurrency: usize::from(order.settings.limits.concurrency),
        together: budget_rules(order.settings, false, order.probed).together(),
        read_at: order.read_at,
        max_failures: order.settings.safety.max_failures,
        notices,
    };
    let shown = SendingShown::new(&session.console, order.lanes, order.seconds);
    let stop = session.stopping.stops.soft.child_token();
    let executor = Executor::new(
        Arc::clone(&context),
        order.refresher,
        settings,
        stop,
        &shown,
    );
    let anew = order.refresher.freshness == Freshness::PlanAnew;
    let jobs = jobs(dir, anew, order.recovered)?;
    let sending = executor.run(jobs).await;
    upkeep.end();
    shown.finish();
    let rewrites = std::mem::take(
        &mut *context
            .rewrites
            .lock()
            .unwrap_or_else(PoisonError::into_inner),
    );
    if !meta.dry_run {
        let seen = context.lessons.lock();
        lessons.learn_creates(&seen.unwrap_or_else(PoisonError::into_inner));
    }
    Ok(Sent {
        sending,
        rewrites,
        context,
    })
}

/// Takes up what an earlier process of the run left in doubt.
async fn notices(
    session: &Session,
    context: &LaneContext,
    recovered: Option<&Recovered>,
) -> Result<Notices, Failure> {
    let Some(recovered) = recovered else {
        return Ok(Notices::new());
    };
    let doubts = recovered.in_doubt().count();
    if doubts > 0 {
        let told = doubts_told(doubts, context.settler.settle);
        session.console.say(&told);
    }
    take_up(context, recovered)
        .await
        .map_err(|e| journal_failure(&e))
}

type RunJobs<'a> = Jobs<'a, BufReader<File>, BufReader<File>>;

/// The lanes of the run's plan, with their rows where they may be planned anew.
fn jobs<'a>(
    dir: &RunDir,
    anew: bool,
    recovered: Option<&'a Recovered>,
) -> Result<RunJobs<'a>, Failure> {
    let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "state", e);
    let open = |path: PathBuf| open_file(&path).map(|f| BufReader::with_capacity(1 << 18, f));
    let plan = open(dir.plan()).map_err(|e| failed(&e))?;
    let rows = anew.then(|| open(dir.rows())).transpose();
    Jobs::new(plan, rows.map_err(|e| failed(&e))?, recovered).map_err(|e| failed(&e))
}

/// What takes its time when a run that was interrupted is taken up or closed.
pub(super) fn doubts_told(creates: usize, settle: Duration) -> String {
    format!(
        "{} had no answer when the run was interrupted: looking for what came of it, for up to {} s",
        plural(creates as u64, "create", "creates"),
        settle.as_secs()
    )
}

/// What came of the sending, with the journal still open.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) sending: Sending,
    pub(super) rewrites: Vec<Rewrite>,
    context: Arc<LaneContext>,
}

async fn open_journal(
    session: &Session,
    dir: &RunDir,
    meta: &RunMeta,
    order: &Order<'_>,
) -> Result<JournalWriter, JournalError> {
    match order.recovered {
        Some(recovered) => {
            let journal = JournalWriter::resume(&dir.journal(), recovered)?;
            journal
                .append(&Entry::Resumed {
                    at: session.clock.rfc3339(),
                })
                .await?;
            Ok(journal)
        }
        None => JournalWriter::create(
            &dir.journal(),
            Begin {
                version: JOURNAL_VERSION,
                run_id: meta.run_id.clone(),
                account: meta
                    .account
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                plan_digest: order.digest.clone(),
            },
        ),
    }
}

pub(super) fn journal_failure(error: &JournalError) -> Failure {
    let failure = Failure::from_error(Exit::NotFinished, "journal", error);
    match error.storage_problem() {
        Some(problem) => failure.hint(problem.advice()),
        None => failure,
    }
}

/// What the end of a run is told with.
#[derive(Debug)]
pub(super) struct EndOf<'a> {
    pub(super) report: ReportOf<'a>,
    pub(super) wanted: &'a Wanted,
    pub(super) settings: &'a Settings,
    pub(super) at: &'a Attached,
    /// A customer of the account, by which it will be known again.
    pub(super) witness: Option<&'a RemoteCustomer>,
    /// The command that goes on with this run, if it can be.
    pub(super) resume: Option<String>,
}

/// Closes the journal, counts the results, writes the reports and what is remembered, and tells the end, also if some of
/// that fails. Gives the exit code.
pub(super) async fn end(
    session: &mut Session,
    meta: &mut RunMeta,
    sent: Sent,
    end: EndOf<'_>,
) -> Result<Exit, Failure> {
    let stopped = stopped(session, &sent.sending, &end);
    let closed = close_journal(session, &sent.context.journal, stopped.as_ref()).await;
    if stopped.is_none() && session.summary.planned.create > 0 {
        note_twins(session, end.report.dir, &end.at.client).await;
    }
    session.count_requests(&end.at.client, end.settings);
    let (written, unwritten) = write_reports(&end);
    let stopped = stopped.or_else(|| forgotten(&written));
    let kept = match unwritten {
        Some(failure) => Err(failure),
        None => keep(
            session,
            meta,
            &sent.rewrites,
            &end,
            (&written, stopped.as_ref()),
        ),
    };
    let broken = kept.and(closed.map_err(|e| journal_failure(&e))).err();
    let failure = match (stopped, broken) {
        (None, None) => {
            let exit = finished_exit(end.settings, session, &written);
            tell_end(session, exit, &written);
            return Ok(exit);
        }
        (Some(stopped), None) => {
            session.summary.stop = Some(stop_of(&stopped));
            tell_end(session, stopped.exit, &written);
            return Ok(stopped.exit);
        }
        (Some(stopped), Some(broken)) => {
            session.console.warn(&broken.message);
            stopped
        }
        (None, Some(broken)) => match &end.resume {
            Some(command) => broken.or_next(command),
            None => broken,
        },
    };
    session.summary.stop = Some(stop_of(&failure));
    tell_end(session, failure.exit, &written);
    Err(failure)
}

fn stop_of(failure: &Failure) -> Stop {
    Stop {
        reason: failure.reason.to_owned(),
        message: failure.message.clone(),
        next_command: failure.next_command.clone(),
    }
}

async fn close_journal(
    session: &Session,
    journal: &JournalWriter,
    stopped: Option<&Failure>,
) -> Result<(), JournalError> {
    if let Some(stop) = stopped {
        let (at, reason) = (session.clock.rfc3339(), stop.reason.to_owned());
        // A journal that failed has reported so already, and results are derived from what it holds.
        let _ = journal.append(&Entry::Stopped { at, reason }).await;
    }
    journal.close().await
}

/// Writes the reports, and counts the results in any case.
fn write_reports(end: &EndOf<'_>) -> (Written, Option<Failure>) {
    match end.report.write(end.wanted) {
        Ok(written) => (written, None),
        Err(error) => {
            let written = Written {
                tally: end.report.tally().unwrap_or_default(),
                files: Vec::new(),
            };
            let failure = Failure::from_error(Exit::NotFinished, "reports", &error);
            (written, Some(failure))
        }
    }
}

/// Keeps what the account remembers, and the run's own state: if something cannot be kept, the run can be resumed.
fn keep(
    session: &Session,
    meta: &mut RunMeta,
    rewrites: &[Rewrite],
    end: &EndOf<'_>,
    (written, stopped): (&Written, Option<&Failure>),
) -> Result<(), Failure> {
    let is_over = stopped.is_none();
    let remembered = remember(end, rewrites, is_over);
    let learned = end.at.lasting().map_or(Ok(()), |account| {
        learn(end.report.dir, meta, account, is_over)
    });
    let kept = remembered.and(learned);
    let exit = match (&kept, stopped) {
        (_, Some(stop)) => stop.exit,
        (Err(failure), None) => failure.exit,
        (Ok(()), None) => finished_exit(end.settings, session, written),
    };
    meta.state = match is_over && kept.is_ok() {
        true => RunState::Finished,
        false => RunState::Stopped,
    };
    meta.ended_at = Some(session.clock.rfc3339());
    meta.exit_code = Some(exit.code());
    meta.counts = serde_json::to_value(written.tally.counts()).unwrap_or_default();
    let noted = end.report.dir.write_meta(meta);
    kept.and(noted.map_err(|e| state_failure(&e)))
}

/// Rows that were all sent, and of which the journal does not tell.
fn forgotten(written: &Written) -> Option<Failure> {
    let rows = written.tally.counts().get(RowStatus::Pending);
    (rows > 0).then(|| {
        let message = format!(
            "what became of {} is not known: the run's journal was changed or removed while it was written",
            plural(rows, "row", "rows")
        );
        Failure::new(Exit::NotFinished, "journal", message)
            .hint("sync again: it reads the customers anew, and makes nobody twice")
    })
}

/// Why the run stopped before its end; nothing where it came to its end.
fn stopped(session: &Session, sending: &Sending, end: &EndOf<'_>) -> Option<Failure> {
    let mut failure = match &sending.error {
        Some(ExecutorError::Journal(error)) => journal_failure(error),
        Some(error @ (ExecutorError::Refresh(_) | ExecutorError::Plan(_))) => {
            Failure::from_error(Exit::NotFinished, "not_finished", error)
        }
        None => {
            let gate = session.gate_failure(&end.at.client);
            if gate.is_none() && sending.too_many_failures {
                let most = end.settings.safety.max_failures;
                let message =
                    format!("{most} rows failed, which is as many as safety.max_failures allows");
                Failure::new(Exit::NotFinished, "max_failures", message)
            } else if sending.pending > 0 {
                let signal =
                    || Failure::new(session.stopping.exit(), "signal", "the run was stopped");
                gate.unwrap_or_else(signal)
            } else {
                return None;
            }
        }
    };
    failure.next_command.clone_from(&end.resume);
    Some(failure)
}

/// Rows that may be bad without harm are in the config; a row in doubt never is.
pub(super) fn finished_exit(settings: &Settings, session: &Session, written: &Written) -> Exit {
    let counts = written.tally.counts();
    let bad = counts.get(RowStatus::Rejected) + counts.get(RowStatus::Failed);
    let tolerated = settings
        .safety
        .tolerated_rows
        .allows(bad, session.summary.input.rows);
    let errors = written.tally.errors();
    let has_twins = errors.iter().any(|e| e.cause.code == CREATED_TWICE);
    if has_twins || counts.get(RowStatus::InDoubt) > 0 || (bad > 0 && !tolerated) {
        Exit::RowProblems
    } else {
        Exit::Done
    }
}

/// Rows that all fail in one and the same way are one problem and not many.
fn mapping_problem(written: &Written) -> Option<String> {
    let counts = written.tally.counts();
    let errors = written.tally.errors();
    let failures: Vec<_> = errors
        .iter()
        .filter(|e| e.http_status == Some(400))
        .collect();
    let [one] = failures.as_slice() else {
        return None;
    };
    let all = one.cause.count == counts.failed && counts.created + counts.updated == 0;
    (all && counts.failed >= ONE_PROBLEM).then(|| {
        format!(
            "all {} rows that were sent were refused in the same way ({}): look at the mapping of that field, not at the rows",
            counts.failed, one.cause.code
        )
    })
}

/// From so many rows on that fail alike.
const ONE_PROBLEM: u64 = 3;

/// Tells the end of a run on standard output, with its figures in the summary.
pub(super) fn tell_end(session: &mut Session, exit: Exit, written: &Written) {
    session.summary.results = written.tally.counts();
    session.summary.errors = written.tally.error_entries();
    session.close_summary(exit);
    let mut files = written.files.clone();
    for path in session.summary_files().iter().take(1) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        files.push(crate::report::NamedPath {
            name: "summary".into(),
            path: path.display().to_string(),
        });
    }
    let (errors, warnings) = (written.tally.errors(), written.tally.warnings());
    let notes: Vec<String> = mapping_problem(written).into_iter().collect();
    let ending = Ending {
        summary: &session.summary,
        errors: &errors,
        warnings: &warnings,
        notes: &notes,
        explain: session.explanation.as_ref(),
        preview: session.preview.as_ref(),
        files: &files,
    };
    let console = &session.console;
    if console.is_json() {
        let mut json = Vec::new();
        if write_ending(&mut json, &ending).is_ok() {
            console.print(&String::from_utf8_lossy(&json));
        }
    } else {
        console.print(&render_ending(&ending, console.view()));
    }
}
