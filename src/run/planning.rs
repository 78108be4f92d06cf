//! From rows that were decided and a reading of the remote side to a plan: what differs.

mod limits;
mod sinks;

use std::io::{self, Read, Seek, Write};

use crate::domain::{CustomerId, Issue, IssueKind, RemoteCustomer, RowNumber};
use crate::mapping::decide_types;
use crate::plan::diff::{DiffBaseline, create, diff};
use crate::plan::field_limits::FieldLimits;
use crate::plan::matching::RemoteLookup;
use crate::plan::{Operation, SyncMode};

pub use super::decision::{
    Decision, Ground, MissingRules, PlanRules, PlanningError, incomplete_customers,
};
use super::merging::{Merges, PlannedCarrier};
use super::passes::ProvedRow;
use super::rows::{RowRecord, Verdict};

use limits::known_limits;
pub use sinks::Sinks;
use sinks::place;

/// Compares rows with their customers and writes the plan.
#[derive(Debug)]
pub struct Planner<'a, B: Write, R: Write> {
    ground: Ground<'a>,
    rules: &'a PlanRules,
    /// The inputs as the user named them.
    sources: &'a [String],
    merges: Merges,
    /// What the account is known to refuse.
    limits: FieldLimits,
    pub sinks: Sinks<B, R>,
}

impl<'a, B: Read + Write + Seek, R: Write> Planner<'a, B, R> {
    pub fn new(ground: Ground<'a>, sources: &'a [String], sinks: Sinks<B, R>) -> Self {
        Self {
            ground,
            rules: ground.rules,
            sources,
            merges: Merges::default(),
            limits: known_limits(ground),
            sinks,
        }
    }

    /// With the rows that are to be merged into others.
    #[must_use]
    pub fn with_merges(mut self, merges: Merges) -> Self {
        self.merges = merges;
        self
    }

    /// Plans the next row as it was decided. `compared`: the customer that its keys find, if it was read already.
    ///
    /// # Errors
    /// When the reading cannot be consulted or a sink cannot be written.
    pub fn row(
        &mut self,
        mut record: RowRecord,
        decision: Decision,
        compared: Option<Box<RemoteCustomer>>,
    ) -> Result<(), PlanningError> {
        self.sinks.previewer.count_row();
        let is_apart = decision == Decision::Apart;
        self.merges.merge_into(&mut record)?;
        let operations = match decision {
            Decision::Bad => self.reject(&mut record, None),
            Decision::Rejected(issue) => self.reject(&mut record, Some(*issue)),
            Decision::Skipped => {
                self.sinks.previewer.count_left_out();
                self.skip(&mut record)
            }
            Decision::New | Decision::Apart => self.new_customer(&mut record),
            Decision::Existing(id) => {
                let compared = compared.filter(|customer| customer.id == id);
                self.existing(&mut record, id, compared)?
            }
            Decision::Merged(first) => self.merged(&mut record, first),
        };
        let operations = self.without_refused(&mut record, operations);
        self.merges.record_planned(&record);
        let mut planned = None;
        if operations.is_empty() {
            if record.verdict != Verdict::Rejected {
                record.desired = None;
            }
            if !matches!(record.verdict, Verdict::Rejected | Verdict::Merged) {
                record.raw = None;
            }
        } else {
            let mut key = record.key.clone();
            if is_apart {
                // By its e-mail address others would be found before it is sent, and after it.
                key.email = None;
            }
            self.sinks
                .add_lane(self.sources, &record, key.clone(), operations)?;
            planned = Some(key);
        }
        self.sinks.rows.write(&record, planned.as_ref())?;
        Ok(())
    }

    /// Plans a row that is proved to be as its customer is.
    ///
    /// # Errors
    /// When a sink cannot be written.
    pub(super) fn proved(&mut self, proved: &ProvedRow) -> io::Result<()> {
        let previewer = &mut self.sinks.previewer;
        previewer.count_row();
        previewer.count_matched();
        let is_skipped = self.rules.mode == SyncMode::Create;
        match is_skipped {
            true => previewer.count_skipped(),
            false => previewer.count_unchanged(),
        }
        let rows = &mut self.sinks.rows;
        let Some(mut record) = proved.unchanged_record() else {
            return rows.count_only(proved.row(), true, is_skipped);
        };
        if is_skipped {
            record.verdict = Verdict::Skipped;
        }
        rows.write(&record, None)
    }

    fn reject(&mut self, record: &mut RowRecord, issue: Option<Issue>) -> Vec<Operation> {
        record.verdict = Verdict::Rejected;
        if issue.is_some() {
            record.error = issue;
        }
        let place = place(self.sources, record);
        self.sinks.previewer.add_rejected(record.problems(), place);
        Vec::new()
    }

    fn skip(&mut self, record: &mut RowRecord) -> Vec<Operation> {
        record.verdict = Verdict::Skipped;
        self.sinks.previewer.count_skipped();
        Vec::new()
    }

    /// What the row wants is in an earlier row already, whose fate it shares.
    fn merged(&mut self, record: &mut RowRecord, first: RowNumber) -> Vec<Operation> {
        record.merged_into = Some(first);
        let carrier = self.merges.carrier(first).cloned();
        let Some(PlannedCarrier {
            verdict,
            customer_id,
            error,
        }) = carrier
        else {
            return self.skip(record);
        };
        record.customer_id = customer_id;
        if let (Verdict::Rejected, Some(error)) = (verdict, error) {
            let message = format!("row {first}, into which it was merged: {}", error.message);
            return self.reject(record, Some(Issue { message, ..error }));
        }
        self.sinks.previewer.count_merged();
        record.verdict = Verdict::Skipped;
        if matches!(verdict, Verdict::Create | Verdict::Update) {
            record.verdict = Verdict::Merged;
        }
        Vec::new()
    }

    fn new_customer(&mut self, record: &mut RowRecord) -> Vec<Operation> {
        if self.rules.mode == SyncMode::Update {
            return self.skip(record);
        }
        record.verdict = Verdict::Create;
        self.decide_types(record, None);
        record
            .desired
            .as_ref()
            .map(|desired| vec![Operation::Create(create(desired, &self.rules.ownership))])
            .unwrap_or_default()
    }

    fn existing(
        &mut self,
        record: &mut RowRecord,
        id: CustomerId,
        compared: Option<Box<RemoteCustomer>>,
    ) -> Result<Vec<Operation>, PlanningError> {
        record.customer_id = Some(id);
        self.sinks.previewer.count_matched();
        if self.rules.mode == SyncMode::Create {
            return Ok(self.skip(record));
        }
        let remote = match compared {
            Some(customer) => Some(*customer),
            None => self.ground.reading.customer(id)?,
        };
        self.decide_types(record, remote.as_ref());
        let (Some(desired), Some(remote)) = (&record.desired, remote) else {
            return Ok(Vec::new());
        };
        let against = DiffBaseline {
            remote: &remote,
            written: &self.ground.written.customer(id)?,
            ownership: &self.rules.ownership,
        };
        let mut diff = diff(desired, against);
        if diff.unknown {
            return Ok(self.reject(record, Some(untold())));
        }
        self.sinks.previewer.count_left(&diff);
        record
            .warnings
            .extend(self.ground.memory.drop_overridden(id, &mut diff));
        record.left.append(&mut diff.left);
        let operations = diff.operations();
        if operations.is_empty() {
            return Ok(self.unchanged(record));
        }
        record.verdict = Verdict::Update;
        Ok(operations)
    }

    fn unchanged(&mut self, record: &mut RowRecord) -> Vec<Operation> {
        record.verdict = Verdict::Unchanged;
        self.sinks.previewer.count_unchanged();
        Vec::new()
    }

    /// What a row left open gets the type that its property has. The row then keeps it, for whoever plans it again.
    fn decide_types(&self, record: &mut RowRecord, remote: Option<&RemoteCustomer>) {
        let names = self.ground.reading.names();
        if let Some(desired) = &mut record.desired {
            decide_types(desired, |property| names.kind_of(property), remote);
        }
    }
}

fn untold() -> Issue {
    Issue::new(
        IssueKind::Api,
        "untold",
        "HelpCrunch does not say which tags or custom data this customer has",
    )
    .hint("nothing was sent for it, since what it has might be lost; `hcsync probe` finds out what HelpCrunch leaves out")
}
