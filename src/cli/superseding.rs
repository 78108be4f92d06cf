//! What a new sync does with runs of its account that were interrupted: their creates in doubt are settled, their
//! results written, and the new run takes their place.

use std::fs::File;
use std::io::BufReader;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::domain::RunId;
use crate::helpcrunch::{ReadClient, WriteClient};
use crate::journal::{
    AccountId, Entry, FinishedRow, JournalWriter, Recovered, RunDir, RunMeta, RunState, Settled,
    StateDir, recover_file,
};
use crate::outcome::{OperationResult, OperationStatus, RowStatus};
use crate::plan::Lane;
use crate::plan::codec::LaneReader;
use crate::run::batch::{BatchMemory, Notice, open_watch, settle_watch, watch_closed};
use crate::run::settle::{Settlement, Settler, Sought};

use super::exit::{Cause, Exit, Failure};
use super::planning::KeptSettings;
use super::probed::AccountLessons;
use super::reports::{ReportOf, Wanted};
use super::sending::{doubts_told, learn};
use super::session::{Session, state_failure};

/// Settles and closes every unfinished run of the account but the new one.
pub(super) async fn supersede(
    session: &Session,
    state: &StateDir,
    account: &AccountId,
    by: &RunId,
    client: &ReadClient,
    settle: Duration,
    lessons: &AccountLessons,
) -> Result<(), Failure> {
    let unfinished = state
        .open_runs(Some(account))
        .map_err(|e| state_failure(&e))?;
    for (dir, mut meta) in unfinished {
        if meta.run_id == *by {
            continue;
        }
        if dir.journal().exists() {
            let settler = Settler { settle };
            settle_doubts(session, &dir, client, &settler).await?;
            settle_batch(session, &dir, client, lessons, settle).await?;
        }
        if dir.plan().exists() && dir.rows().exists() {
            write_results(&dir, &meta)?;
            learn(&dir, &meta, &state.account(account), true)?;
        }
        session.console.say(&format!(
            "run {} was interrupted; this one takes its place (its results: {})",
            meta.run_id,
            dir.path().display()
        ));
        meta.state = RunState::Superseded { by: by.clone() };
        meta.ended_at = Some(session.clock.rfc3339());
        dir.write_meta(&meta).map_err(|e| state_failure(&e))?;
    }
    Ok(())
}

async fn settle_doubts(
    session: &Session,
    dir: &RunDir,
    client: &ReadClient,
    settler: &Settler,
) -> Result<(), Failure> {
    let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "journal", e);
    let recovered = recover_file(&dir.journal()).map_err(|e| failed(&e))?;
    let lanes = lanes_in_doubt(dir, &recovered)?;
    if lanes.is_empty() {
        return Ok(());
    }
    session
        .console
        .say(&doubts_told(lanes.len(), settler.settle));
    let journal = JournalWriter::resume(&dir.journal(), &recovered).map_err(|e| failed(&e))?;
    // All at a time: each takes as long as search may lag.
    let mut settling = JoinSet::new();
    for lane in lanes {
        let (client, settler) = (client.clone(), settler.clone());
        settling.spawn(async move {
            let settlement = settler.settle(&client, &Sought::of_lane(&lane)).await;
            (settlement, lane)
        });
    }
    while let Some(settled) = settling.join_next().await {
        let (settlement, lane) = settled.map_err(|e| failed(&e))?;
        let (row, at) = (lane.row, session.clock.rfc3339());
        let entries = match settlement {
            Settlement::Found(customer) => {
                let found = Some(customer.id);
                let created = finished(&lane, RowStatus::Created, OperationStatus::Done);
                vec![
                    Entry::Settled(Settled { row, found, at }),
                    Entry::Row(FinishedRow {
                        customer_id: found,
                        ..created
                    }),
                ]
            }
            Settlement::NotMade => vec![Entry::Settled(Settled {
                row,
                found: None,
                at,
            })],
            Settlement::Doubt(issue) => {
                let in_doubt = finished(&lane, RowStatus::InDoubt, OperationStatus::InDoubt);
                vec![Entry::Row(FinishedRow {
                    error: Some(issue),
                    ..in_doubt
                })]
            }
            Settlement::Stopped => {
                let stopped =
                    || Failure::new(session.stopping.exit(), "signal", "the run was stopped");
                return Err(session.gate_failure(client).unwrap_or_else(stopped));
            }
        };
        for entry in entries {
            journal.append(&entry).await.map_err(|e| failed(&e))?;
        }
    }
    journal.close().await.map_err(|e| failed(&e))
}

/// What the run's first batch took away is written back, where it was interrupted before it could look.
async fn settle_batch(
    session: &Session,
    dir: &RunDir,
    client: &ReadClient,
    lessons: &AccountLessons,
    settle: Duration,
) -> Result<(), Failure> {
    let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "journal", e);
    let recovered = recover_file(&dir.journal()).map_err(|e| failed(&e))?;
    let open = open_watch(&recovered);
    if open.is_empty() {
        return Ok(());
    }
    let on_loss = |lost| lessons.update_lost(lost);
    let writer = WriteClient::new(client.clone());
    let settled = settle_watch(&writer, &open, &on_loss).await;
    for notice in settled.notices.values() {
        let (Notice::Warning(issue) | Notice::Failure(issue)) = notice;
        session.console.say(&format!("warning: {}", issue.message));
    }
    if let Some(failure) = session.gate_failure(client) {
        return Err(failure);
    }
    if !settled.notices.is_empty() {
        // Who was just given back an e-mail address is not to be created again for not being found by it yet.
        tokio::time::sleep(settle).await;
    }
    if settled.is_whole {
        let journal = JournalWriter::resume(&dir.journal(), &recovered).map_err(|e| failed(&e))?;
        journal
            .append(&watch_closed())
            .await
            .map_err(|e| failed(&e))?;
        journal.close().await.map_err(|e| failed(&e))?;
    }
    Ok(())
}

fn finished(lane: &Lane, status: RowStatus, operation: OperationStatus) -> FinishedRow {
    let result = |op| OperationResult {
        status: operation,
        ..OperationResult::planned(op)
    };
    FinishedRow {
        row: lane.row,
        status,
        customer_id: None,
        operations: lane.operations.iter().map(result).collect(),
        error: None,
        warnings: Vec::new(),
    }
}

fn lanes_in_doubt(dir: &RunDir, recovered: &Recovered) -> Result<Vec<Lane>, Failure> {
    let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "state", e);
    let rows: Vec<_> = recovered.in_doubt().map(|(row, _)| row).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let plan = File::open(dir.plan()).map_err(|e| failed(&e))?;
    let mut lanes = Vec::new();
    for planned in LaneReader::new(BufReader::new(plan)).map_err(|e| failed(&e))? {
        let lane = planned.map_err(|e| failed(&e))?.lane;
        if rows.contains(&lane.row) {
            lanes.push(lane);
        }
    }
    Ok(lanes)
}

/// The results of a run that will not go on: rows that were not reached are pending.
fn write_results(dir: &RunDir, meta: &RunMeta) -> Result<(), Failure> {
    let kept: KeptSettings = serde_json::from_value(meta.config.clone()).unwrap_or_default();
    let sources: Vec<String> = meta.inputs.iter().map(|input| input.path.clone()).collect();
    let report = ReportOf {
        dir,
        sources: &sources,
        dialects: &kept.dialects,
        dry_run: false,
    };
    let written = report.write(&Wanted::default());
    written
        .map(drop)
        .map_err(|e| Failure::from_error(Exit::NotFinished, "reports", &e))
}
