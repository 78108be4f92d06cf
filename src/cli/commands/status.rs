//! `hcsync status`: each account's last run and success, a run under way, and what can be resumed.

use std::time::SystemTime;

use crate::cli::args::{StateArgs, StatusArgs};
use crate::cli::connection::sandbox_account;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::run_status::LockHolders;
use crate::cli::shared_state::{refreshed_state_dir, state_config_of};
use crate::journal::{AccountDir, AccountId, ListedRun, StateDir, recover_file};
use crate::pace::Clock;
use crate::postgres::PulledRuns;
use crate::probe::ProbeStore;
use crate::remote::SnapshotFiles;
use crate::report::{
    AccountStatus, RunEntry, RunStatus, RunningStatus, SnapshotStatus, StatusReport, render_status,
    status_headline, write_status,
};

use super::run_to_resume::lane_count;
use super::runs::entry;

pub(in crate::cli) async fn run(args: &StatusArgs) -> Exit {
    let console = Console::from(&args.console);
    console.exit_code(status(args, &console).await.map(|()| Exit::Done))
}

async fn status(args: &StatusArgs, console: &Console) -> Result<(), Failure> {
    let config = state_config_of(&args.state)?;
    let state_dir = args.state.state_dir.as_deref();
    let state = refreshed_state_dir(state_dir, &config, PulledRuns::Facts).await?;
    let now = Clock::start(SystemTime::now());
    let looked_at = StateFolder {
        runs: state.list_runs()?,
        holders: LockHolders::find(&state)?.with_leases(&config).await?,
        now,
        args: &args.state,
        state,
    };
    let accounts = looked_at.state.list_accounts()?;
    // The in-process sandbox ends with each process.
    let lasting = accounts.iter().filter(|id| **id != sandbox_account());
    let accounts = lasting.map(|id| looked_at.account(id));
    let report = StatusReport {
        folder: looked_at.state.path().display().to_string(),
        now: now.rfc3339(),
        accounts: accounts.collect::<Result<_, _>>()?,
    };
    console.print_result(
        |out| write_status(out, &report),
        || status_headline(&report),
        |view| render_status(&report, view),
    );
    Ok(())
}

/// What is in the state directory.
struct StateFolder<'a> {
    state: StateDir,
    args: &'a StateArgs,
    runs: Vec<ListedRun>,
    holders: LockHolders,
    now: Clock,
}

impl StateFolder<'_> {
    fn account(&self, id: &AccountId) -> Result<AccountStatus, Failure> {
        let dir = self.state.account(id);
        let runs = self.runs_of(id);
        let with = |status| {
            let mut runs = runs.iter();
            runs.find(move |(_, run)| run.status == Some(status))
        };
        let is_success =
            |run: &&RunEntry| run.status == Some(RunStatus::Applied) && run.exit_code == Some(0);
        let entries = || runs.iter().map(|(_, run)| run);
        let base_url = runs.first().and_then(|(run, _)| {
            let meta = run.meta.as_ref().ok();
            meta.map(|meta| meta.base_url.clone())
        });
        Ok(AccountStatus {
            account: dir.read()?.and_then(|meta| meta.name),
            account_id: id.to_string(),
            base_url,
            last_run: entries().find(|run| !run.dry_run).cloned(),
            last_success: entries().find(is_success).cloned(),
            running: self.running(id, with(RunStatus::Running).map(|(run, _)| *run)),
            interrupted: entries()
                .filter(|run| run.status == Some(RunStatus::Interrupted))
                .cloned()
                .collect(),
            snapshot: self.snapshot(id, &dir),
            probed_at: ProbeStore::of(&dir)
                .read()
                .ok()
                .flatten()
                .and_then(|knowledge| knowledge.probed_at),
        })
    }

    /// The account's runs that can be read, newest first.
    fn runs_of(&self, id: &AccountId) -> Vec<(&ListedRun, RunEntry)> {
        let is_ours = |run: &&ListedRun| {
            let meta = run.meta.as_ref().ok();
            meta.is_some_and(|meta| meta.account.as_ref() == Some(id))
        };
        let ours = self.runs.iter().filter(is_ours);
        ours.map(|run| (run, entry(run, &self.holders, self.args)))
            .collect()
    }

    fn running(&self, id: &AccountId, run: Option<&ListedRun>) -> Option<RunningStatus> {
        let holder = self.holders.of(id)?;
        let journal = run.and_then(|run| recover_file(&run.dir.journal()).ok());
        let done = journal.map(|journal| journal.finished_rows() as u64);
        let of = run.filter(|_| done.is_some());
        let of = of.and_then(|run| lane_count(&run.dir).ok());
        Some(RunningStatus {
            pid: holder.pid,
            host: holder.host.clone(),
            since: holder.started_at.clone(),
            run_id: run.map(|run| run.name.clone()),
            done,
            of,
            seconds_left: self.seconds_left(&holder.started_at, done.zip(of)),
        })
    }

    /// From the rate since the process began, which for a resumed run is too high at first.
    #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
    fn seconds_left(&self, since: &str, progress: Option<(u64, u64)>) -> Option<f64> {
        let (done, of) = progress.filter(|(done, _)| *done > 0)?;
        let since: jiff::Timestamp = since.parse().ok()?;
        let seconds = self.now.wall().duration_since(since).as_secs_f64();
        Some((seconds * of.saturating_sub(done) as f64 / done as f64).max(0.0))
    }

    /// Leaves the snapshot alone while a run may need it.
    fn snapshot(&self, id: &AccountId, dir: &AccountDir) -> Option<SnapshotStatus> {
        if self.holders.of(id).is_some() {
            return None;
        }
        let mut files = SnapshotFiles::claim(dir.path()).ok().flatten()?;
        let facts = files.open().ok().flatten()?.facts();
        Some(SnapshotStatus {
            as_of: Clock::format(facts.as_of),
            customers: facts.customers,
        })
    }
}
