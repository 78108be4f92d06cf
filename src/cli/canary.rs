//! Sends the canary of a run, and the rest if nothing changed that the plan does not name.

use std::fs::File;
use std::io::BufReader;

use crate::helpcrunch::CallError;
use crate::plan::codec::LaneReader;
use crate::platform::open_file;
use crate::report::plural;
use crate::run::canary::{Canary, CanaryError};
use crate::run::executor::SendOutcome;
use crate::run::unnamed::{UnnamedChange, unnamed_record};

use super::exit::{Exit, Failure, OrFail as _};
use super::lane_sender::LaneSender;

/// Customers that the message of a failed canary names.
const MAX_LISTED: usize = 10;

/// What is sent first, and what follows.
#[derive(Debug, Clone, Copy)]
pub(super) struct CanaryPlan {
    pub(super) size: usize,
    /// Whether the rest waits for a resume.
    pub(super) pauses: bool,
    /// Lanes of the whole plan.
    pub(super) lanes: u64,
}

/// Sends the canary, compares its customers, and sends the rest unless the run is to end here. Returns also why it does.
pub(super) async fn send_with_canary(
    lanes: &LaneSender<'_>,
    plan: CanaryPlan,
) -> Result<(SendOutcome, Option<Failure>), Failure> {
    let client = &lanes.context.client;
    let mut canary = Canary::choose(plan_lanes(lanes)?, plan.size).or_not_finished("state")?;
    if canary.is_empty() {
        return Ok((SendOutcome::default(), None));
    }
    let rest = plan.lanes.saturating_sub(canary.len() as u64);
    if let Err(error) = canary.read_before(client).await {
        return Ok(unread(lanes, SendOutcome::default(), plan.lanes, &error));
    }
    let first = lanes.send(0, |row| canary.has(row)).await?;
    if first.pending > 0 || first.error.is_some() || first.too_many_failures {
        return Ok((with_rest(first, rest), None));
    }
    let changes = match canary.compare(client, lanes.run.report.dir).await {
        Ok(changes) => changes,
        Err(CanaryError::Call(error)) => return Ok(unread(lanes, first, rest, &error)),
        Err(error) => return Err(error).or_not_finished("state"),
    };
    if !changes.is_empty() {
        let record = unnamed_record(&changes);
        lanes.context.journal.append(&record).await?;
        let failure = changed(&changes, canary.len(), lanes.run.resume);
        return Ok((with_rest(first, rest), Some(failure)));
    }
    if plan.pauses && rest > 0 {
        let failure = paused(canary.len(), lanes.run.resume);
        return Ok((with_rest(first, rest), Some(failure)));
    }
    let rest = lanes.send(first.failed, |row| !canary.has(row)).await?;
    Ok((rest, None))
}

fn plan_lanes(lanes: &LaneSender<'_>) -> Result<LaneReader<BufReader<File>>, Failure> {
    let plan = open_file(&lanes.run.report.dir.plan()).or_not_finished("state")?;
    LaneReader::new(BufReader::with_capacity(1 << 18, plan)).or_not_finished("state")
}

/// Counts the rest of the plan as not reached.
fn with_rest(sent: SendOutcome, rest: u64) -> SendOutcome {
    SendOutcome {
        pending: sent.pending + rest,
        ..sent
    }
}

/// The end of a run whose canary cannot be read. A closed gate says why by itself.
fn unread(
    lanes: &LaneSender<'_>,
    sent: SendOutcome,
    rest: u64,
    error: &CallError,
) -> (SendOutcome, Option<Failure>) {
    let failure = error.stop().is_none().then(|| {
        let failure = Failure::from_error(Exit::NotFinished, "canary", error);
        failure.or_next(lanes.run.resume)
    });
    (with_rest(sent, rest), failure)
}

fn changed(changes: &[UnnamedChange], sent: usize, resume: Option<&str>) -> Failure {
    let listed = changes.iter().take(MAX_LISTED).map(|change| {
        let (customer, row) = (change.customer, change.row);
        format!(
            "customer {customer} (row {row}): {}",
            change.names.join(", ")
        )
    });
    let mut listed: Vec<String> = listed.collect();
    let others = changes.len().saturating_sub(MAX_LISTED) as u64;
    if others > 0 {
        listed.push(plural(others, "more customer", "more customers"));
    }
    let message = format!(
        "the canary stops the run after {}: something changed that the plan does not name, by HelpCrunch or by an agent. {}. The rest \
         was not sent; an undo takes the canary back and restores what was cleared",
        plural(sent as u64, "customer", "customers"),
        listed.join("; ")
    );
    let failure = Failure::new(Exit::NotFinished, "canary", message);
    let undo = resume.map(|resume| resume.replacen("hcsync resume", "hcsync undo", 1));
    failure.or_next(undo.as_deref())
}

fn paused(sent: usize, resume: Option<&str>) -> Failure {
    let customers = plural(sent as u64, "customer", "customers");
    let message = format!(
        "the canary of {customers} was sent, and nothing changed that the plan does not name. The rest waits"
    );
    Failure::new(Exit::Budget, "canary_pause", message).or_next(resume)
}
