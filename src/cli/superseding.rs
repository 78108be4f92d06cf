//! What a new sync does with runs of its account that were interrupted: their creates in doubt are settled, their
//! results written, and the new run takes their place.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::domain::{RowNumber, RunId};
use crate::helpcrunch::{ReadClient, WriteClient};
use crate::journal::{
    AccountId, Entry, FinishedRow, JournalWriter, Recovered, RowProgress, RunDir, RunMeta,
    RunState, Settled, StateDir, recover_file,
};
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::plan::Lane;
use crate::plan::codec::{LaneReader, replan, verify};
use crate::platform::{self, flush_disk, flushed_later};
use crate::report::{Stop, Summary, plural, write_summary};
use crate::run::batch::{BatchMemory, Notice, open_watch, settle_watch, watch_closed};
use crate::run::in_doubt::{created, is_unsettled, settle_writes};
use crate::run::learning::{LearningError, learn, learn_all};
use crate::run::settle::{Settlement, Settler, Sought};

use super::exit::{Cause, Exit, Failure};
use super::kept::KeptSettings;
use super::probed::AccountLessons;
use super::remembered::new_salt;
use super::reports::{ReportOf, Wanted, Written, rows_of};
use super::sending::doubts_told;
use super::session::{Session, state_failure};

/// What is needed to close the runs that others left.
pub(super) struct Left<'a> {
    pub(super) session: &'a Session,
    pub(super) state: &'a StateDir,
    pub(super) account: &'a AccountId,
    pub(super) client: &'a ReadClient,
    pub(super) settle: Duration,
    pub(super) lessons: &'a AccountLessons,
}

/// Why a run could not be closed as it should be.
enum Trouble {
    /// This process has to end.
    Stop(Failure),
    /// The run's own files do not tell what it did, or what came of it cannot be written there.
    Damaged(String),
}

/// A disk that is full or failing is no damage of the run, and stands in the way of a new one too.
fn damaged(error: &Cause) -> Trouble {
    let failure = Failure::from_error(Exit::NotFinished, "state", error);
    match failure.hint {
        Some(_) => Trouble::Stop(failure),
        None => Trouble::Damaged(failure.message),
    }
}

/// What the account remembers is not the run's.
fn unlearned(error: &LearningError) -> Trouble {
    match error {
        LearningError::Written(error) => {
            Trouble::Stop(Failure::from_error(Exit::NotFinished, "state", error))
        }
        other => damaged(other),
    }
}

/// More interrupted runs than this are reported together, and their files flushed together.
const MAX_LISTED: usize = 5;

/// Flushes each file that the work writes, or with many runs none: [`flush_disk`] follows.
fn written<T>(is_many: bool, work: impl FnOnce() -> T) -> T {
    match is_many {
        true => flushed_later(work),
        false => work(),
    }
}

impl Left<'_> {
    /// Settles and closes every unfinished run of the account but the new one. A run of which the files are damaged is
    /// closed too, since a new run never refuses because of another (contract).
    pub(super) async fn supersede(&self, by: &RunId) -> Result<(), Failure> {
        let unfinished = self
            .state
            .open_runs(Some(self.account))
            .map_err(|e| state_failure(&e))?;
        let is_many = unfinished.len() > MAX_LISTED;
        let mut closed = Vec::new();
        let mut left = Vec::new();
        for (dir, meta) in unfinished {
            if meta.run_id == *by {
                continue;
            }
            match self.close(&dir, &meta, by, is_many).await {
                Ok(()) => closed.push((dir, meta)),
                Err(Trouble::Stop(failure)) => return Err(failure),
                Err(Trouble::Damaged(why)) => {
                    self.leave(&dir, &meta, &why).await?;
                    left.push((dir, meta));
                }
            }
        }
        self.say_closed(&closed);
        for (dir, meta, why) in self.learn(&closed)? {
            self.leave(dir, meta, &why).await?;
        }
        closed.append(&mut left);
        self.mark(closed, by, is_many)?;
        self.wait_for_unreadable().await
    }

    /// Learns what the runs wrote, and returns those whose files are damaged.
    fn learn<'r>(
        &self,
        closed: &'r [(RunDir, RunMeta)],
    ) -> Result<Vec<(&'r RunDir, &'r RunMeta, String)>, Failure> {
        let written = self.state.account(self.account).written();
        let runs = closed.iter().filter(|(dir, _)| has_results(dir));
        let runs: Vec<_> = runs.map(|(dir, meta)| (dir, &meta.run_id)).collect();
        // One damaged run among many is no reason to forget the others.
        if learn_all(&runs, &written, new_salt()).is_ok() {
            return Ok(Vec::new());
        }
        let mut damaged = Vec::new();
        for (dir, meta) in closed.iter().filter(|(dir, _)| has_results(dir)) {
            let learned = learn(dir, &meta.run_id, true, &written, new_salt());
            match learned.map_err(|e| unlearned(&e)) {
                Ok(()) => {}
                Err(Trouble::Stop(failure)) => return Err(failure),
                Err(Trouble::Damaged(why)) => damaged.push((dir, meta, why)),
            }
        }
        Ok(damaged)
    }

    /// Marks the runs as superseded, once everything else of them is on the disk. The next sync does it again if a mark is
    /// lost.
    fn mark(
        &self,
        closed: Vec<(RunDir, RunMeta)>,
        by: &RunId,
        is_many: bool,
    ) -> Result<(), Failure> {
        let flush = || match is_many {
            true => flush_disk(&self.state.runs()).map_err(|e| state_failure(&e.into())),
            false => Ok(()),
        };
        flush()?;
        let ended_at = self.session.clock.rfc3339();
        let marked = written(is_many, || {
            closed.into_iter().try_for_each(|(dir, mut meta)| {
                meta.state = RunState::Superseded { by: by.clone() };
                meta.ended_at = Some(ended_at.clone());
                dir.write_meta(&meta)
            })
        });
        marked.map_err(|e| state_failure(&e))?;
        flush()
    }

    /// Few runs get a line each, many one line together.
    fn say_closed(&self, closed: &[(RunDir, RunMeta)]) {
        if closed.len() > MAX_LISTED {
            return self.say(&format!(
                "{} runs were interrupted; this one takes their place (`hcsync runs` lists them; their results: {})",
                closed.len(),
                self.state.runs().display()
            ));
        }
        for (dir, meta) in closed {
            let id = &meta.run_id;
            match dir.plan().exists() {
                true => self.say(&format!(
                    "run {id} was interrupted; this one takes its place (its results: {})",
                    self.state.runs().join(id.as_str()).display()
                )),
                false => self.say(&format!(
                    "run {id} was interrupted before it sent anything; this one takes its place"
                )),
            }
        }
    }

    /// A run of which not even the account can be read may have been this one's.
    async fn wait_for_unreadable(&self) -> Result<(), Failure> {
        let runs = self.state.list_runs().map_err(|e| state_failure(&e))?;
        for run in runs.into_iter().filter(|run| run.meta.is_err()) {
            if !unseen_for(&run.dir.journal(), self.settle).is_zero() {
                self.session.console.warn(&format!(
                    "run {} cannot be read, so that what it sent is not known; its files are kept in {}",
                    run.name,
                    run.dir.path().display()
                ));
                wait_out(self.session, &run.dir.journal(), self.settle).await?;
            }
        }
        Ok(())
    }

    fn say(&self, message: &str) {
        self.session.console.say(message);
    }

    async fn close(
        &self,
        dir: &RunDir,
        meta: &RunMeta,
        by: &RunId,
        is_many: bool,
    ) -> Result<(), Trouble> {
        if dir.journal().exists() {
            let recover = || recover_file(&dir.journal()).map_err(|e| damaged(&e));
            let mut recovered = recover()?;
            if self.settle_doubts(dir, &recovered).await? {
                recovered = recover()?;
            }
            if self.settle_batch(dir, &recovered).await? {
                recovered = recover()?;
            }
            self.settle_writes(dir, &recovered).await?;
        } else if meta.has_agreement() {
            return Err(Trouble::Damaged("its journal is gone".to_owned()));
        }
        if !has_results(dir) {
            return Ok(());
        }
        written(is_many, || {
            let results = write_results(dir, meta)?;
            close_summary(self.session, dir, meta, &results, by)
        })
    }

    /// Nobody can tell what such a run sent last. It is waited until search would find whom it may have created: the
    /// reading that follows then knows them.
    async fn leave(&self, dir: &RunDir, meta: &RunMeta, why: &str) -> Result<(), Failure> {
        self.session.console.warn(&format!(
            "run {} was interrupted, and what it sent cannot be told ({why}). This run takes its place and reads \
             all customers that it writes to; the files are kept in {}",
            meta.run_id,
            dir.path().display()
        ));
        let last = [dir.journal(), dir.meta()];
        match last.iter().find(|file| file.exists()) {
            Some(file) => wait_out(self.session, file, self.settle).await,
            None => Ok(()),
        }
    }

    fn stopped(&self) -> Failure {
        let gate = self.session.gate_failure(self.client);
        gate.unwrap_or_else(|| stopped(self.session))
    }

    /// Returns whether the journal was written.
    async fn settle_doubts(&self, dir: &RunDir, recovered: &Recovered) -> Result<bool, Trouble> {
        let lanes = lanes_of(dir, recovered.in_doubt().collect())?;
        if lanes.is_empty() {
            return Ok(false);
        }
        self.say(&doubts_told(lanes.len(), self.settle));
        let journal = JournalWriter::resume(&dir.journal(), recovered).map_err(|e| damaged(&e))?;
        // All at a time: each takes as long as search may lag.
        let mut settling = JoinSet::new();
        for (lane, _) in lanes {
            let settler = Settler {
                settle: self.settle,
            };
            let client = self.client.clone();
            settling.spawn(async move {
                let settlement = settler.settle(&client, &Sought::of_lane(&lane)).await;
                (settlement, lane)
            });
        }
        while let Some(settled) = settling.join_next().await {
            let (settlement, lane) = settled.map_err(|e| damaged(&e))?;
            let at = self.session.clock.rfc3339();
            let Some(entries) = entries(settlement, &lane, at) else {
                return Err(Trouble::Stop(self.stopped()));
            };
            for entry in entries {
                journal.append(&entry).await.map_err(|e| damaged(&e))?;
            }
        }
        journal.close().await.map_err(|e| damaged(&e))?;
        Ok(true)
    }

    /// Whether patches, tags and untags took effect that were under way is seen by their customers.
    async fn settle_writes(&self, dir: &RunDir, recovered: &Recovered) -> Result<(), Trouble> {
        let unfinished = recovered.unfinished.iter();
        let mut lanes = lanes_of(dir, unfinished.map(|(row, p)| (*row, p)).collect())?;
        lanes.retain(|(lane, progress)| is_unsettled(lane, progress));
        if lanes.is_empty() {
            return Ok(());
        }
        self.say(&format!(
            "the customers of {} are read, whose changes were under way when the run was interrupted",
            plural(lanes.len() as u64, "row", "rows")
        ));
        let Ok(entries) = settle_writes(self.client, lanes).await else {
            return Err(Trouble::Stop(self.stopped()));
        };
        let journal = JournalWriter::resume(&dir.journal(), recovered).map_err(|e| damaged(&e))?;
        for entry in entries {
            journal.append_unsynced(&entry).map_err(|e| damaged(&e))?;
        }
        journal.close().await.map_err(|e| damaged(&e))
    }

    /// What the run's first batch took away is written back, where it was interrupted before it could look.
    async fn settle_batch(&self, dir: &RunDir, recovered: &Recovered) -> Result<bool, Trouble> {
        let open = open_watch(recovered);
        if open.is_empty() {
            return Ok(false);
        }
        let on_loss = |lost| self.lessons.update_lost(lost);
        let writer = WriteClient::new(self.client.clone());
        let settled = settle_watch(&writer, &open, &on_loss).await;
        for notice in settled.notices.values() {
            let (Notice::Warning(issue) | Notice::Failure(issue)) = notice;
            self.session.console.warn(&issue.message);
        }
        if let Some(failure) = self.session.gate_failure(self.client) {
            return Err(Trouble::Stop(failure));
        }
        if !settled.notices.is_empty() {
            // Who was just given back an e-mail address is not to be created again for not being found by it yet.
            wait(self.session, self.settle)
                .await
                .map_err(Trouble::Stop)?;
        }
        if settled.is_whole {
            let journal =
                JournalWriter::resume(&dir.journal(), recovered).map_err(|e| damaged(&e))?;
            let closed = journal.append(&watch_closed()).await;
            closed.map_err(|e| damaged(&e))?;
            journal.close().await.map_err(|e| damaged(&e))?;
        }
        Ok(settled.is_whole)
    }
}

fn has_results(dir: &RunDir) -> bool {
    dir.plan().exists() && dir.rows().exists()
}

/// For how long search may still not show what was written when this file was written last.
fn unseen_for(file: &Path, settle: Duration) -> Duration {
    let written = fs::metadata(file).and_then(|found| found.modified());
    let age = written.ok().map(|at| at.elapsed().unwrap_or_default());
    age.map_or(Duration::ZERO, |age| settle.saturating_sub(age))
}

/// Waits until search would find whom a run may have created that nobody can tell of; a signal ends that.
pub(super) async fn wait_out(
    session: &Session,
    file: &Path,
    settle: Duration,
) -> Result<(), Failure> {
    let wait = unseen_for(file, settle);
    if wait.is_zero() {
        return Ok(());
    }
    session.console.say(&format!(
        "waiting {} s, until search finds whom it may have created",
        wait.as_secs().max(1)
    ));
    self::wait(session, wait).await
}

/// Waits, unless a signal comes.
async fn wait(session: &Session, time: Duration) -> Result<(), Failure> {
    tokio::select! {
        biased;
        () = session.stopping.stops.soft.cancelled() => Err(stopped(session)),
        () = tokio::time::sleep(time) => Ok(()),
    }
}

fn stopped(session: &Session) -> Failure {
    Failure::new(session.stopping.exit(), "signal", "the run was stopped")
}

/// What a journal is to hold of a create that was settled; nothing where that was broken off.
fn entries(settlement: Settlement, lane: &Lane, at: String) -> Option<Vec<Entry>> {
    let row = lane.row;
    Some(match settlement {
        Settlement::Found(customer) => {
            let found = Some(customer.id);
            let settled = Entry::Settled(Settled { row, found, at });
            let created = created(lane, &customer);
            std::iter::once(settled).chain(created).collect()
        }
        Settlement::NotMade => vec![Entry::Settled(Settled {
            row,
            found: None,
            at,
        })],
        Settlement::Doubt(issue) => {
            let result = |op| OperationResult {
                status: OperationStatus::InDoubt,
                ..OperationResult::planned(op)
            };
            vec![Entry::Row(FinishedRow {
                row,
                status: RowStatus::InDoubt,
                customer_id: None,
                operations: lane.operations.iter().map(result).collect(),
                error: Some(issue),
                warnings: Vec::new(),
            })]
        }
        Settlement::Stopped => return None,
    })
}

/// The lanes of these rows, as they were planned last.
fn lanes_of(
    dir: &RunDir,
    rows: BTreeMap<RowNumber, &RowProgress>,
) -> Result<Vec<(Lane, RowProgress)>, Trouble> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let plan = platform::open_file(&dir.plan()).map_err(|e| damaged(&e))?;
    let mut lanes = Vec::new();
    for planned in LaneReader::new(BufReader::new(plan)).map_err(|e| damaged(&e))? {
        let mut lane = planned.map_err(|e| damaged(&e))?.lane;
        let Some(progress) = rows.get(&lane.row).copied() else {
            continue;
        };
        if let Some(anew) = &progress.replanned {
            replan(&mut lane, anew).map_err(Trouble::Damaged)?;
        }
        lanes.push((lane, progress.clone()));
    }
    if lanes.len() < rows.len() {
        return Err(Trouble::Damaged(
            "its plan lacks rows that it sent".to_owned(),
        ));
    }
    Ok(lanes)
}

/// The results of a run that will not go on: rows that were not reached are pending.
fn write_results(dir: &RunDir, meta: &RunMeta) -> Result<Written, Trouble> {
    let kept: KeptSettings = serde_json::from_value(meta.config.clone()).unwrap_or_default();
    let sources: Vec<String> = meta.inputs.iter().map(|input| input.path.clone()).collect();
    let report = ReportOf {
        dir,
        sources: &sources,
        dialects: &kept.dialects,
        dry_run: false,
        rows: rows_of(meta),
        all_rows: None,
    };
    report.write(&Wanted::default()).map_err(|e| damaged(&e))
}

/// Brings the summary of such a run up to date, or makes the one that it did not come to write.
fn close_summary(
    session: &Session,
    dir: &RunDir,
    meta: &RunMeta,
    written: &Written,
    by: &RunId,
) -> Result<(), Trouble> {
    let before = platform::read_file(&dir.summary()).map_err(|e| damaged(&e))?;
    let before = before.and_then(|text| serde_json::from_slice::<Summary>(&text).ok());
    let mut summary = before.unwrap_or_else(|| Summary {
        run_id: Some(meta.run_id.clone()),
        command: meta.command.clone(),
        started_at: meta.created_at.clone(),
        exit_code: Exit::NotFinished.code(),
        plan_digest: meta.plan_digest.clone(),
        ..Summary::default()
    });
    if let Ok(plan) = platform::open_file(&dir.plan())
        && let Ok(plan) = verify(BufReader::new(plan))
    {
        summary.planned = plan.end.counts;
        summary.remote = plan.header.remote;
    }
    summary.results = written.tally.counts();
    summary.errors = written.tally.error_entries();
    summary.input.rows = summary.results.total();
    summary.finished_at = session.clock.rfc3339();
    summary.stop = Some(Stop {
        reason: "superseded".to_owned(),
        message: format!("run {by} took its place"),
        next_command: None,
    });
    let mut text = Vec::new();
    write_summary(&mut text, &summary).map_err(|e| damaged(&e))?;
    platform::write_whole(&dir.summary(), &text).map_err(|e| damaged(&e))
}
