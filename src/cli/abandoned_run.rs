//! Closes one interrupted run: settles what it left in doubt, writes its results, and updates its summary.

use std::collections::BTreeMap;
use std::io::BufReader;

use tokio::task::JoinSet;

use crate::domain::{RowNumber, RunId};
use crate::helpcrunch::WriteClient;
use crate::journal::{
    FinishedRow, JournalRecord, JournalWriter, Recovered, RowProgress, RunDir, RunMeta, Settled,
    recover_file,
};
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::plan::Lane;
use crate::plan::codec::{LaneReader, replan};
use crate::platform;
use crate::report::plural;
use crate::run::batch::{BatchMemory as _, RowAlert, open_watch, settle_watch, watch_closed};
use crate::run::in_doubt::{created, is_unsettled, settle_writes};
use crate::run::settle::{CreateInDoubt, Settlement, Settler};

use super::abandoned_results::{close_summary, write_results};

use super::abandoned_runs::{AbandonedRuns, CloseError, wait, with_flushing};
use super::exit::Failure;
use super::sending::doubts_message;

pub(super) struct AbandonedRun<'a> {
    pub(super) runs: &'a AbandonedRuns<'a>,
    pub(super) dir: &'a RunDir,
    pub(super) meta: &'a RunMeta,
}

impl AbandonedRun<'_> {
    /// Settles the run and writes its results. `by` is the run that supersedes it.
    pub(super) async fn close(&self, by: &RunId, is_many: bool) -> Result<(), CloseError> {
        if self.dir.journal().exists() {
            self.settle().await?;
        } else if self.meta.is_approved() {
            return Err(CloseError::Damaged("its journal is missing".to_owned()));
        }
        if !has_results(self.dir) {
            return Ok(());
        }
        with_flushing(is_many, || {
            let results = write_results(self.dir, self.meta)?;
            let ended_at = self.runs.session.clock.rfc3339();
            close_summary(self.dir, self.meta, &results, ended_at, by)
        })
    }

    /// Each step may write to the journal, which the next one has to read again then.
    async fn settle(&self) -> Result<(), CloseError> {
        let recover = || recover_file(&self.dir.journal());
        let mut recovered = recover()?;
        if self.settle_creates(&recovered).await? {
            recovered = recover()?;
        }
        if self.settle_batch(&recovered).await? {
            recovered = recover()?;
        }
        self.settle_writes(&recovered).await
    }

    /// Finds out which creates in doubt took effect. Returns whether the journal was written.
    async fn settle_creates(&self, recovered: &Recovered) -> Result<bool, CloseError> {
        let lanes = self.lanes_of(recovered.in_doubt().collect())?;
        if lanes.is_empty() {
            return Ok(false);
        }
        let settle = self.runs.settle;
        self.runs.say(&doubts_message(lanes.len(), settle));
        let journal = self.journal(recovered)?;
        // All at the same time: each takes as long as search may lag.
        let mut settling = JoinSet::new();
        for (lane, _) in lanes {
            let client = self.runs.client.clone();
            settling.spawn(async move {
                let sought = CreateInDoubt::of_lane(&lane);
                let settlement = Settler { settle }.settle(&client, &sought).await;
                (settlement, lane)
            });
        }
        while let Some(settled) = settling.join_next().await {
            let (settlement, lane) = settled?;
            let at = self.runs.session.clock.rfc3339();
            let entries = settled_entries(settlement, &lane, at);
            for entry in entries.ok_or_else(|| self.stopped())? {
                journal.append(&entry).await?;
            }
        }
        journal.close().await?;
        Ok(true)
    }

    /// Finds out, by reading their customers, whether patches, tags and untags in flight took effect.
    async fn settle_writes(&self, recovered: &Recovered) -> Result<(), CloseError> {
        let unfinished = recovered.unfinished.iter();
        let mut lanes = self.lanes_of(unfinished.map(|(row, p)| (*row, p)).collect())?;
        lanes.retain(|(lane, progress)| is_unsettled(lane, progress));
        if lanes.is_empty() {
            return Ok(());
        }
        self.runs.say(&format!(
            "reading the customers of {} whose changes were in flight when the run was interrupted",
            plural(lanes.len() as u64, "row", "rows")
        ));
        let Ok(entries) = settle_writes(self.runs.client, lanes).await else {
            return Err(self.stopped().into());
        };
        let journal = self.journal(recovered)?;
        for entry in entries {
            journal.append_unsynced(&entry)?;
        }
        Ok(journal.close().await?)
    }

    /// Restores values that the run's first batch removed, if the run could not check that. Returns whether the journal
    /// was written.
    async fn settle_batch(&self, recovered: &Recovered) -> Result<bool, CloseError> {
        let open = open_watch(recovered);
        if open.is_empty() {
            return Ok(false);
        }
        let AbandonedRuns {
            session,
            client,
            lessons,
            ..
        } = self.runs;
        let on_loss = |lost| lessons.update_lost(lost);
        let writer = WriteClient::new((*client).clone());
        let settled = settle_watch(&writer, &open, &on_loss).await;
        for notice in settled.alerts.values() {
            let (RowAlert::Warning(issue) | RowAlert::Failure(issue)) = notice;
            session.console.warn(&issue.message);
        }
        if let Some(failure) = session.gate_failure(client) {
            return Err(failure.into());
        }
        if !settled.alerts.is_empty() {
            // Search may not find a restored e-mail address yet: the new run would create its customer again.
            wait(session, self.runs.settle).await?;
        }
        if settled.is_complete {
            let journal = self.journal(recovered)?;
            journal.append(&watch_closed()).await?;
            journal.close().await?;
        }
        Ok(settled.is_complete)
    }

    fn journal(&self, recovered: &Recovered) -> Result<JournalWriter, CloseError> {
        let copy = self.runs.session.journal_copy(&self.meta.run_id);
        Ok(JournalWriter::resume(&self.dir.journal(), recovered, copy)?)
    }

    fn stopped(&self) -> Failure {
        let gate = self.runs.session.gate_failure(self.runs.client);
        gate.unwrap_or_else(|| self.runs.session.signal_failure())
    }

    /// The lanes of these rows, as they were planned last.
    fn lanes_of(
        &self,
        rows: BTreeMap<RowNumber, &RowProgress>,
    ) -> Result<Vec<(Lane, RowProgress)>, CloseError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let plan = platform::open_file(&self.dir.plan())?;
        let mut lanes = Vec::new();
        for planned in LaneReader::new(BufReader::new(plan))? {
            let mut lane = planned?.lane;
            let Some(progress) = rows.get(&lane.row).copied() else {
                continue;
            };
            if let Some(replanned) = &progress.replanned {
                replan(&mut lane, replanned).map_err(CloseError::Damaged)?;
            }
            lanes.push((lane, progress.clone()));
        }
        match lanes.len() < rows.len() {
            true => Err(CloseError::Damaged(
                "its plan lacks rows that it sent".to_owned(),
            )),
            false => Ok(lanes),
        }
    }
}

pub(super) fn has_results(dir: &RunDir) -> bool {
    dir.plan().exists() && dir.rows().exists()
}

/// The journal entries for a create that was settled, or `None` if settling was stopped.
fn settled_entries(settlement: Settlement, lane: &Lane, at: String) -> Option<Vec<JournalRecord>> {
    let row = lane.row;
    let settled = |found| JournalRecord::Settled(Settled { row, found, at });
    Some(match settlement {
        Settlement::Found(customer) => {
            let created = created(lane, &customer);
            let settled = settled(Some(customer.id));
            std::iter::once(settled).chain(created).collect()
        }
        Settlement::NotCreated => vec![settled(None)],
        Settlement::Doubt(issue) => {
            let in_doubt = |op| OperationResult {
                status: OperationStatus::InDoubt,
                ..OperationResult::planned(op)
            };
            vec![JournalRecord::Row(FinishedRow {
                row,
                status: RowStatus::InDoubt,
                customer_id: None,
                operations: lane.operations.iter().map(in_doubt).collect(),
                error: Some(issue),
                warnings: Vec::new(),
            })]
        }
        Settlement::Stopped => return None,
    })
}
