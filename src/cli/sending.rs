//! Sends a run's plan: the part that `sync`, `apply` and `resume` share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::helpcrunch::WriteClient;
use crate::journal::{
    Begin, JOURNAL_VERSION, JournalError, JournalRecord, JournalWriter, Recovered, RunDir, RunMeta,
    RunState,
};
use crate::probe::Findings;
use crate::remote::ReadTimes;
use crate::report::plural;
use crate::run::batch::{Batches, RowAlerts, resume_watch};
use crate::run::executor::{ExecutorSettings, MAX_SETTLING, SendOutcome};
use crate::run::field_refusals::FieldRefusals;
use crate::run::freshness::Refresher;
use crate::run::lane::LaneContext;
use crate::run::memory::ServerOverride;
use crate::run::settle::Settler;

use super::account_claim::claim_account;
use super::account_findings::{AccountLessons, settle_time, write_rules};
use super::args::CanaryArgs;
use super::canary::{CanaryPlan, send_with_canary};
use super::exit::Failure;
use super::lane_sender::LaneSender;
use super::planned_run::PlannedRun;
use super::progress::SendingProgress;
use super::sent_plans::record_sent_plan;
use super::session::Session;
use super::snapshot::AccountSnapshot;
use super::source_settings::budget_rules;

/// What to send, and by which rules.
#[derive(Debug)]
pub(super) struct SendRequest<'a> {
    pub(super) refresher: &'a Refresher,
    /// Column of each attribute, for messages.
    pub(super) columns: BTreeMap<String, String>,
    /// When the customers of the plan were read, or `None` to read each again.
    pub(super) read_at: Option<ReadTimes>,
    pub(super) snapshot: AccountSnapshot,
    /// The state of the run's journal, if the run is resumed.
    pub(super) recovered: Option<&'a Recovered>,
    /// How the account's API is known to behave.
    pub(super) findings: &'a Findings,
    pub(super) digest: String,
    /// Number of rows that the plan still writes.
    pub(super) lanes: u64,
    /// Estimated time for them.
    pub(super) seconds: f64,
    /// What is sent first, if it is to be compared before the rest.
    pub(super) canary: CanaryArgs,
}

/// How sending ended. The journal has the outcomes, and is still open.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) sending: SendOutcome,
    pub(super) rewrites: Vec<ServerOverride>,
    /// Why the run ends after its canary.
    pub(super) canary: Option<Failure>,
    context: Arc<LaneContext>,
}

impl Sent {
    pub(super) fn journal(&self) -> &JournalWriter {
        &self.context.journal
    }
}

/// Sends the plan of a run. The outcomes are in its journal.
pub(super) async fn send(
    session: &Session,
    meta: &mut RunMeta,
    run: &PlannedRun<'_>,
    mut request: SendRequest<'_>,
) -> Result<Sent, Failure> {
    let (dir, account) = (run.report.dir, run.account);
    if request.lanes > 0 {
        claim_account(account, run.witness).await?;
    }
    meta.state = RunState::Applying;
    dir.write_meta(meta)?;
    if request.recovered.is_none() && !meta.dry_run {
        let now = session.clock.rfc3339();
        record_sent_plan(&account.dir, &request.digest, meta.run_id.as_str(), now)?;
    }
    let journal = open_journal(session, dir, meta, &request).await?;
    // Another machine can resume the run from here on.
    session.push_state().await?;
    let snapshot = std::mem::take(&mut request.snapshot).begin(&dir.plan());
    let client = WriteClient::new(snapshot.observed(account.client.clone()));
    let lessons = Arc::new(AccountLessons::of(&account.dir, session.clock));
    let memory = Arc::<AccountLessons>::clone(&lessons);
    let settings = run.settings;
    let context = Arc::new(LaneContext {
        client,
        journal,
        clock: session.clock,
        settler: Settler {
            settle: settle_time(settings, request.findings),
        },
        rules: write_rules(settings, request.findings),
        recheck_after: settings.remote.recheck_after,
        batches: Batches::new(Some(memory)),
        columns: std::mem::take(&mut request.columns),
        overrides: Mutex::default(),
        lessons: Mutex::default(),
        refusals: FieldRefusals::except(settings.run.force_fields.clone()),
        settling: Semaphore::new(MAX_SETTLING),
    });
    let (sending, canary) = run_lanes(session, run, &context, &request).await?;
    snapshot.end();
    let rewrites = std::mem::take(&mut *lock(&context.overrides));
    if !meta.dry_run {
        lessons.learn_creates(&lock(&context.lessons));
        lessons.learn_limits(&context.refusals.lessons());
    }
    Ok(Sent {
        sending,
        rewrites,
        canary,
        context,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Settles what an earlier process left in doubt, then runs all lanes with a progress bar, those of the canary first. Returns
/// also why the run ends after its canary.
async fn run_lanes(
    session: &Session,
    run: &PlannedRun<'_>,
    context: &Arc<LaneContext>,
    request: &SendRequest<'_>,
) -> Result<(SendOutcome, Option<Failure>), Failure> {
    let settings = run.settings;
    let notices = match request.recovered {
        Some(recovered) => settle_doubts(session, context, recovered).await?,
        None => RowAlerts::new(),
    };
    let executor_settings = ExecutorSettings {
        concurrency: usize::from(settings.limits.concurrency),
        together: budget_rules(settings, false, request.findings).reread_window(),
        read_at: request.read_at.clone(),
        max_failures: settings.safety.max_failures,
        failed: 0,
        alerts: notices,
    };
    let progress = SendingProgress::new(&session.console, request.lanes, request.seconds);
    let lanes = LaneSender {
        run,
        context,
        refresher: request.refresher,
        recovered: request.recovered,
        settings: executor_settings,
        stop: session.stopping.stops.soft.clone(),
        progress: &progress,
    };
    let sent = match request.canary.canary {
        // A resumed run had its canary.
        Some(size) if request.recovered.is_none() => {
            let canary = CanaryPlan {
                size: size as usize,
                pauses: request.canary.pause,
                lanes: request.lanes,
            };
            send_with_canary(&lanes, canary).await
        }
        _ => lanes.send(0, |_| true).await.map(|sending| (sending, None)),
    };
    progress.finish();
    sent
}

async fn settle_doubts(
    session: &Session,
    context: &LaneContext,
    recovered: &Recovered,
) -> Result<RowAlerts, Failure> {
    let doubts = recovered.in_doubt().count();
    if doubts > 0 {
        let settle = context.settler.settle;
        session.console.say(&doubts_message(doubts, settle));
    }
    Ok(resume_watch(context, recovered).await?)
}

/// The message before creates in doubt are looked for, which takes up to the settle time.
pub(super) fn doubts_message(creates: usize, settle: Duration) -> String {
    format!(
        "{} had no response when the run was interrupted: checking whether they took effect, for up to {} s",
        plural(creates as u64, "create", "creates"),
        settle.as_secs()
    )
}

async fn open_journal(
    session: &Session,
    dir: &RunDir,
    meta: &RunMeta,
    request: &SendRequest<'_>,
) -> Result<JournalWriter, JournalError> {
    if let Some(recovered) = request.recovered {
        let copy = session.journal_copy(&meta.run_id);
        let journal = JournalWriter::resume(&dir.journal(), recovered, copy)?;
        let at = session.clock.rfc3339();
        journal.append(&JournalRecord::Resumed { at }).await?;
        return Ok(journal);
    }
    let account = meta.account.as_ref().map(ToString::to_string);
    JournalWriter::create(
        &dir.journal(),
        Begin {
            version: JOURNAL_VERSION,
            run_id: meta.run_id.clone(),
            account: account.unwrap_or_default(),
            plan_digest: request.digest.clone(),
        },
        session.journal_copy(&meta.run_id),
    )
}
