//! What happened in simulations, so that a test can tell whether it saw what it is for.

use std::collections::BTreeMap;

use hcsync::outcome::{OperationStatus, RowStatus};
use hcsync::run::batch::open_watch;
use hcsync::sandbox::{Endpoint, LoggedRequest};

use crate::world::{Ended, RunOutcome, World};

/// Counts by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Happened(BTreeMap<&'static str, u64>);

/// What a few hundred seeds have to see.
const EXPECTED: [&str; 17] = [
    "crashed",
    "stopped",
    "finished",
    "row created",
    "row updated",
    "row unchanged",
    "row rejected",
    "row failed",
    "create settled: found",
    "create settled: not made",
    "create in doubt at a crash",
    "row planned anew",
    "torn record",
    "mend",
    "rate limited",
    "agent's edit",
    "fault",
];

impl Happened {
    fn count(&mut self, name: &'static str, times: usize) {
        *self.0.entry(name).or_default() += times as u64;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (name, times) in &other.0 {
            *self.0.entry(name).or_default() += times;
        }
    }

    /// What should have happened and did not.
    pub(crate) fn never(&self) -> Vec<&'static str> {
        self.never_of(&EXPECTED)
    }

    pub(crate) fn never_of(&self, expected: &[&'static str]) -> Vec<&'static str> {
        let never = |name: &&str| self.0.get(*name).is_none_or(|times| *times == 0);
        expected.iter().copied().filter(never).collect()
    }

    /// How a process ended.
    pub(crate) fn process(&mut self, outcome: &RunOutcome) {
        self.count(
            match outcome.ended {
                Ended::Finished => "finished",
                Ended::Crashed => "crashed",
                Ended::Stopped(_) => "stopped",
                Ended::TooManyFailures => "too many failures",
                Ended::Failed(_) => "could not go on",
            },
            1,
        );
    }

    /// What the end of a case tells of its course.
    pub(crate) fn world(&mut self, world: &World, outcome: &RunOutcome) {
        for result in &outcome.results {
            self.count(
                match result.status {
                    RowStatus::Created => "row created",
                    RowStatus::Updated => "row updated",
                    RowStatus::Unchanged => "row unchanged",
                    RowStatus::Rejected => "row rejected",
                    RowStatus::Skipped => "row skipped",
                    RowStatus::Failed => "row failed",
                    RowStatus::InDoubt => "row in doubt",
                    RowStatus::Pending | RowStatus::WouldCreate | RowStatus::WouldUpdate => {
                        "row pending"
                    }
                },
                1,
            );
            let done = |op: &&hcsync::outcome::OperationResult| op.status == OperationStatus::Done;
            let ops = result.operations.iter().filter(done).count();
            let creates = result.status == RowStatus::Created;
            self.count("mend", usize::from(creates && ops > 1));
        }
        let requests = world.requests();
        let journal = world.journal().unwrap_or_default();
        let journal = String::from_utf8_lossy(&journal);
        let records = |text: &str| journal.matches(text).count();
        self.count("create settled: not made", records("\"found\":null"));
        self.count(
            "create settled: found",
            records("\"kind\":\"settled\"") - records("\"found\":null"),
        );
        let batches = requests.iter().filter(|r| r.endpoint == Endpoint::Batch);
        let taken = |r: &&LoggedRequest| matches!(r.status, Some(200..=299));
        self.count("batch taken", batches.clone().filter(taken).count());
        let refused = |r: &&LoggedRequest| r.status == Some(400) || r.status == Some(404);
        self.count("batch refused", batches.clone().filter(refused).count());
        self.count(
            "batch with a fault",
            batches.filter(|r| r.fault.is_some()).count(),
        );
        self.count("update that lost", usize::from(world.update_lost()));
        let warned = |row: &&hcsync::outcome::RowResult| !row.warnings.is_empty();
        self.count(
            "row with a warning",
            outcome.results.iter().filter(warned).count(),
        );
        self.count("row planned anew", records("\"kind\":\"replanned\""));
        let creates = requests
            .iter()
            .filter(|r| r.endpoint == Endpoint::Create && r.fault.is_some());
        self.count("create with a fault", creates.count());
        self.count(
            "rate limited",
            requests.iter().filter(|r| r.status == Some(429)).count(),
        );
        self.count(
            "fault",
            requests.iter().filter(|r| r.fault.is_some()).count(),
        );
        self.count(
            "agent's edit",
            requests.iter().map(|r| r.agent_edits.len()).sum(),
        );
    }

    /// What a process finds that goes on after another.
    pub(crate) fn found(&mut self, world: &World) {
        let Some(recovered) = world.recovered() else {
            return;
        };
        let is_open = !open_watch(&recovered).is_empty();
        self.count("batch not looked at at a crash", usize::from(is_open));
        self.count("create in doubt at a crash", recovered.in_doubt().count());
        self.count("torn record", usize::from(recovered.torn.is_some()));
    }
}
