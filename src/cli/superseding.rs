//! What a new sync does with interrupted runs of its account: it settles their creates in doubt, writes their results,
//! and supersedes them.

use std::time::Duration;

use crate::config::Settings;
use crate::domain::RunId;
use crate::journal::{RunDir, RunMeta, RunState, StateError};
use crate::platform::flush_disk;
use crate::run::learning::{LearningError, learn, learn_all};

use super::abandoned_run::{AbandonedRun, has_results};
use super::abandoned_runs::{
    AbandonedRuns, CloseError, unsearchable_for, wait_until_searchable, with_flushing,
};
use super::account_findings::{AccountLessons, settle_time};
use super::account_memory::new_salt;
use super::account_session::{AccountKnowledge, AccountSession};
use super::exit::{Failure, OrFail as _};
use super::leftover_probe::clean_up;
use super::session::Session;

/// If there are more interrupted runs than this, they are reported together, and their files are flushed together.
const MAX_LISTED: usize = 5;

/// Closes the interrupted runs of an account: the new run, `by`, takes their place. `settle` is how long search may lag.
async fn supersede_interrupted(
    session: &Session,
    account: &AccountSession,
    settle: Duration,
    by: &RunId,
) -> Result<(), Failure> {
    let left = AbandonedRuns {
        session,
        state: &account.state,
        account: &account.target.account,
        client: &account.client,
        settle,
        lessons: &AccountLessons::of(&account.dir, session.clock),
    };
    left.supersede(by).await
}

impl AccountSession {
    /// Loads what is known about the account for a run that makes a plan. If the run can write, it first closes what
    /// interrupted runs and probes left.
    pub(super) async fn settled_knowledge(
        &self,
        session: &Session,
        settings: &Settings,
        meta: &RunMeta,
    ) -> Result<AccountKnowledge, Failure> {
        let mut knowledge = self.load_knowledge(session)?;
        if !meta.dry_run {
            let settle = settle_time(settings, &knowledge.findings);
            supersede_interrupted(session, self, settle, &meta.run_id).await?;
            clean_up(session, settings, self, &knowledge.findings).await;
            // Settling may have found out more about the API.
            knowledge.findings = self.findings(session);
        }
        self.add_recent_keys(session, settings, &mut knowledge)?;
        Ok(knowledge)
    }
}

impl AbandonedRuns<'_> {
    /// Settles and closes every unfinished run of the account except the new one, `by`. A run whose files are damaged is
    /// closed too: a new run is never refused because of an old one.
    async fn supersede(&self, by: &RunId) -> Result<(), Failure> {
        let mut unfinished = self.state.open_runs(Some(self.account))?;
        let is_many = unfinished.len() > MAX_LISTED;
        unfinished.retain(|(_, meta)| meta.run_id != *by);
        let (mut closed, mut damaged) = (Vec::new(), Vec::new());
        for (dir, meta) in unfinished {
            let run = AbandonedRun {
                runs: self,
                dir: &dir,
                meta: &meta,
            };
            match run.close(by, is_many).await {
                Ok(()) => closed.push((dir, meta)),
                Err(CloseError::Stop(failure)) => return Err(failure),
                Err(CloseError::Damaged(why)) => {
                    self.leave_damaged(&dir, &meta, &why).await?;
                    damaged.push((dir, meta));
                }
            }
        }
        self.report_closed(&closed);
        for (dir, meta, why) in self.learn(&closed)? {
            self.leave_damaged(dir, meta, &why).await?;
        }
        closed.append(&mut damaged);
        self.mark_superseded(closed, by, is_many)?;
        self.wait_for_unreadable().await
    }

    /// Adds what the runs wrote to the account's memory. Returns the runs whose files are damaged.
    fn learn<'r>(
        &self,
        closed: &'r [(RunDir, RunMeta)],
    ) -> Result<Vec<(&'r RunDir, &'r RunMeta, String)>, Failure> {
        let written = self.state.account(self.account).written();
        let runs = closed.iter().filter(|(dir, _)| has_results(dir));
        let runs: Vec<_> = runs.map(|(dir, meta)| (dir, &meta.run_id)).collect();
        if learn_all(&runs, &written, new_salt()).is_ok() {
            return Ok(Vec::new());
        }
        // A run is damaged: learn from the others one by one.
        let mut damaged = Vec::new();
        for (dir, meta) in closed.iter().filter(|(dir, _)| has_results(dir)) {
            let Err(error) = learn(dir, &meta.run_id, true, &written, new_salt()) else {
                continue;
            };
            let error = match error {
                // This is about the account's memory, and not about the run.
                LearningError::Written(error) => return Err(error).or_not_finished("state"),
                error => CloseError::from(error),
            };
            match error {
                CloseError::Stop(failure) => return Err(failure),
                CloseError::Damaged(why) => damaged.push((dir, meta, why)),
            }
        }
        Ok(damaged)
    }

    /// Marks the runs as superseded, after all their other files are on disk. If a mark is lost, the next sync closes the
    /// run again.
    fn mark_superseded(
        &self,
        closed: Vec<(RunDir, RunMeta)>,
        by: &RunId,
        is_many: bool,
    ) -> Result<(), Failure> {
        let flush = || match is_many {
            true => flush_disk(&self.state.runs()).map_err(|e| StateError::from(e).into()),
            false => Ok(()),
        };
        flush()?;
        let ended_at = self.session.clock.rfc3339();
        with_flushing(is_many, || {
            closed.into_iter().try_for_each(|(dir, mut meta)| {
                meta.state = RunState::Superseded { by: by.clone() };
                meta.ended_at = Some(ended_at.clone());
                dir.write_meta(&meta)
            })
        })?;
        flush()
    }

    fn report_closed(&self, closed: &[(RunDir, RunMeta)]) {
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

    /// Warns of a damaged run, and waits until search shows what it may have created, so that the new run finds it.
    async fn leave_damaged(&self, dir: &RunDir, meta: &RunMeta, why: &str) -> Result<(), Failure> {
        self.session.console.warn(&format!(
            "run {} was interrupted, and it is unknown what it sent ({why}). This run takes its place and reads \
             all customers that it writes to; the files of the interrupted run stay in {}",
            meta.run_id,
            dir.path().display()
        ));
        let last_written = [dir.journal(), dir.meta()];
        match last_written.iter().find(|file| file.exists()) {
            Some(file) => wait_until_searchable(self.session, file, self.settle).await,
            None => Ok(()),
        }
    }

    /// Waits for runs whose account cannot be read: they may have written to this one.
    async fn wait_for_unreadable(&self) -> Result<(), Failure> {
        let runs = self.state.list_runs()?;
        for run in runs.into_iter().filter(|run| run.meta.is_err()) {
            if !unsearchable_for(&run.dir.journal(), self.settle).is_zero() {
                self.session.console.warn(&format!(
                    "run {} cannot be read, so it is unknown what it sent; its files stay in {}",
                    run.name,
                    run.dir.path().display()
                ));
                wait_until_searchable(self.session, &run.dir.journal(), self.settle).await?;
            }
        }
        Ok(())
    }
}
