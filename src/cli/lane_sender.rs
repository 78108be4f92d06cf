//! Runs the lanes of a plan, or some of them.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::domain::RowNumber;
use crate::journal::{Recovered, RunDir};
use crate::platform::open_file;
use crate::run::executor::{Executor, ExecutorSettings, SendOutcome};
use crate::run::freshness::{RefreshMode, Refresher};
use crate::run::jobs::Jobs;
use crate::run::lane::LaneContext;

use super::exit::{Failure, OrFail as _};
use super::planned_run::PlannedRun;
use super::progress::SendingProgress;

/// Sends the lanes of a run, or some of them.
pub(super) struct LaneSender<'a> {
    pub(super) run: &'a PlannedRun<'a>,
    pub(super) context: &'a Arc<LaneContext>,
    pub(super) refresher: &'a Refresher,
    /// The state of the run's journal, if the run is resumed.
    pub(super) recovered: Option<&'a Recovered>,
    pub(super) settings: ExecutorSettings,
    pub(super) stop: CancellationToken,
    pub(super) progress: &'a SendingProgress,
}

impl LaneSender<'_> {
    /// Sends the lanes of the rows for which this holds. `failed`: rows that failed before, which the outcome counts, too.
    pub(super) async fn send(
        &self,
        failed: u64,
        is_wanted: impl Fn(RowNumber) -> bool,
    ) -> Result<SendOutcome, Failure> {
        let executor = Executor::new(
            Arc::clone(self.context),
            self.refresher,
            ExecutorSettings {
                failed,
                ..self.settings.clone()
            },
            self.stop.child_token(),
            self.progress,
        );
        let can_replan = self.refresher.mode == RefreshMode::Replan;
        let jobs = jobs(self.run.report.dir, can_replan, self.recovered)?;
        let jobs = jobs.filter(|job| job.as_ref().map_or(true, |job| is_wanted(job.lane.row)));
        Ok(executor.run(jobs).await)
    }
}

type RunJobs<'a> = Jobs<'a, BufReader<File>, BufReader<File>>;

/// The lanes of the run's plan, with their rows if they may be planned again.
fn jobs<'a>(
    dir: &RunDir,
    with_rows: bool,
    recovered: Option<&'a Recovered>,
) -> Result<RunJobs<'a>, Failure> {
    let open = |path: PathBuf| open_file(&path).map(|f| BufReader::with_capacity(1 << 18, f));
    let plan = open(dir.plan()).or_not_finished("state")?;
    let rows = with_rows.then(|| open(dir.rows())).transpose();
    Jobs::new(plan, rows.or_not_finished("state")?, recovered).or_not_finished("state")
}
