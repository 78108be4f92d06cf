//! From rows that were decided and a reading of the remote side to a plan: what differs.

use std::io::{self, Read, Seek, Write};

use crate::domain::{CustomerId, Issue, IssueKind, Known, RemoteCustomer, RowKey, RowNumber};
use crate::journal::{WrittenError, WrittenReader};
use crate::mapping::decide_types;
use crate::plan::budget::Budget;
use crate::plan::codec::{LanePlace, PlanWriter};
use crate::plan::diff::{Against, create, diff};
use crate::plan::matching::RemoteLookup;
use crate::plan::previewer::{Place, Previewer};
use crate::plan::{Duplicates, Lane, MatchSettings, Operation, Ownership, SyncMode};
use crate::remote::{Reading, ReadingError};

use super::ambiguity::AmbiguityError;
use super::freshness::RefreshRules;
use super::memory::Memory;
use super::merging::{Carried, Merges};
use super::rows::{RowRecord, RowWriter, Verdict};

/// Everything of the config that decides what a row means.
#[derive(Debug, Clone)]
pub struct PlanRules {
    pub matching: MatchSettings,
    pub duplicates: Duplicates,
    pub mode: SyncMode,
    pub ownership: Ownership,
}

impl PlanRules {
    /// By which single rows are planned anew.
    #[must_use]
    pub fn refresh_rules(&self, creates_are_limited: bool) -> RefreshRules {
        RefreshRules {
            matching: self.matching.clone(),
            ownership: self.ownership.clone(),
            mode: self.mode,
            creates_are_limited,
        }
    }
}

/// Why a plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanningError {
    #[error(transparent)]
    Reading(#[from] ReadingError),
    #[error(transparent)]
    Ambiguity(#[from] AmbiguityError),
    #[error(transparent)]
    Written(#[from] WrittenError),
    #[error("the run's files cannot be written")]
    Io(#[from] io::Error),
}

/// What becomes of a row, decided before anything is compared. Small, since there is one for each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Its record already says why it is rejected.
    Bad,
    Rejected(Box<Issue>),
    Skipped,
    Existing(CustomerId),
    New,
    /// The user decided that it is none of those that have its e-mail address: it is looked for by its userId alone.
    Apart,
    /// Into this earlier row of the same customer.
    Merged(RowNumber),
}

/// What rows are planned against.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    pub rules: &'a PlanRules,
    pub reading: &'a Reading,
    pub memory: &'a Memory,
    /// What was last written to the customers.
    pub written: &'a WrittenReader,
}

/// Existing customers of whom the reading leaves out tags or properties that are managed here.
///
/// # Errors
/// When the reading cannot be consulted.
pub fn silent(decisions: &[Decision], reading: &Reading) -> Result<Vec<CustomerId>, PlanningError> {
    let mut ids = Vec::new();
    if !reading.is_silent() {
        return Ok(ids);
    }
    for decision in decisions {
        if let Decision::Existing(id) = decision {
            let silent =
                |c: &RemoteCustomer| c.tags == Known::Unknown || c.custom_data == Known::Unknown;
            if reading.customer(*id)?.as_ref().is_some_and(silent) {
                ids.push(*id);
            }
        }
    }
    Ok(ids)
}

/// Where a plan goes while it is made.
#[derive(Debug)]
pub struct Sinks<B: Write, R: Write> {
    pub plan: PlanWriter<B>,
    pub rows: RowWriter<R>,
    pub previewer: Previewer,
    pub budget: Budget,
}

/// Compares rows with their customers and writes the plan.
#[derive(Debug)]
pub struct Planner<'a, B: Write, R: Write> {
    ground: Ground<'a>,
    rules: &'a PlanRules,
    /// The inputs as the user named them.
    sources: &'a [String],
    merges: Merges,
    pub sinks: Sinks<B, R>,
}

impl<'a, B: Read + Write + Seek, R: Write> Planner<'a, B, R> {
    pub fn new(ground: Ground<'a>, sources: &'a [String], sinks: Sinks<B, R>) -> Self {
        Self {
            ground,
            rules: ground.rules,
            sources,
            merges: Merges::default(),
            sinks,
        }
    }

    /// With the rows that are to be merged into others.
    #[must_use]
    pub fn with_merges(mut self, merges: Merges) -> Self {
        self.merges = merges;
        self
    }

    /// Plans the next row as it was decided.
    ///
    /// # Errors
    /// When the reading cannot be consulted or a sink cannot be written.
    pub fn row(&mut self, mut record: RowRecord, decision: Decision) -> Result<(), PlanningError> {
        self.sinks.previewer.row();
        let is_apart = decision == Decision::Apart;
        self.merges.merge_into(&mut record)?;
        let operations = match decision {
            Decision::Bad => self.reject(&mut record, None),
            Decision::Rejected(issue) => self.reject(&mut record, Some(*issue)),
            Decision::Skipped => {
                self.sinks.previewer.left_out();
                self.skip(&mut record)
            }
            Decision::New | Decision::Apart => self.new_customer(&mut record),
            Decision::Existing(id) => self.existing(&mut record, id)?,
            Decision::Merged(first) => self.merged(&mut record, first),
        };
        self.merges.planned(&record);
        let mut planned = None;
        if operations.is_empty() {
            record.desired = None;
            if !matches!(record.verdict, Verdict::Rejected | Verdict::Merged) {
                record.raw = None;
            }
        } else {
            let mut key = record.key.clone();
            if is_apart {
                // By its e-mail address others would be found before it is sent, and after it.
                key.email = None;
            }
            self.lane(&record, key.clone(), operations)?;
            planned = Some(key);
        }
        self.sinks.rows.write(&record, planned.as_ref())?;
        Ok(())
    }

    fn reject(&mut self, record: &mut RowRecord, issue: Option<Issue>) -> Vec<Operation> {
        record.verdict = Verdict::Rejected;
        if issue.is_some() {
            record.error = issue;
        }
        let place = place(self.sources, record);
        self.sinks.previewer.rejected(record.problems(), place);
        Vec::new()
    }

    fn skip(&mut self, record: &mut RowRecord) -> Vec<Operation> {
        record.verdict = Verdict::Skipped;
        self.sinks.previewer.skipped();
        Vec::new()
    }

    /// What the row wants is in an earlier row already, whose fate it shares.
    fn merged(&mut self, record: &mut RowRecord, first: RowNumber) -> Vec<Operation> {
        record.merged_into = Some(first);
        let carried = self.merges.carried(first).cloned();
        let Some(Carried {
            verdict,
            customer_id,
            error,
        }) = carried
        else {
            return self.skip(record);
        };
        record.customer_id = customer_id;
        if let (Verdict::Rejected, Some(error)) = (verdict, error) {
            let message = format!("row {first}, into which it was merged: {}", error.message);
            return self.reject(record, Some(Issue { message, ..error }));
        }
        self.sinks.previewer.merged();
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
    ) -> Result<Vec<Operation>, PlanningError> {
        record.customer_id = Some(id);
        self.sinks.previewer.matched();
        if self.rules.mode == SyncMode::Create {
            return Ok(self.skip(record));
        }
        let print = record.fingerprint;
        if print.is_some_and(|print| self.ground.reading.proves(id, print)) {
            return Ok(self.unchanged(record));
        }
        let remote = self.ground.reading.customer(id)?;
        self.decide_types(record, remote.as_ref());
        let (Some(desired), Some(remote)) = (&record.desired, remote) else {
            return Ok(Vec::new());
        };
        let against = Against {
            remote: &remote,
            written: &self.ground.written.customer(id)?,
            ownership: &self.rules.ownership,
        };
        let mut diff = diff(desired, against);
        if diff.unknown {
            return Ok(self.reject(record, Some(untold())));
        }
        self.sinks.previewer.kept_true(diff.kept_true);
        self.sinks.previewer.kept_edited(&diff.kept_edited);
        record
            .warnings
            .extend(self.ground.memory.drop_rewritten(id, &mut diff));
        let operations = diff.operations();
        if operations.is_empty() {
            return Ok(self.unchanged(record));
        }
        record.verdict = Verdict::Update;
        Ok(operations)
    }

    fn unchanged(&mut self, record: &mut RowRecord) -> Vec<Operation> {
        record.verdict = Verdict::Unchanged;
        self.sinks.previewer.unchanged();
        Vec::new()
    }

    /// What a row left open gets the type that its property has. The row then keeps it, for whoever plans it again.
    fn decide_types(&self, record: &mut RowRecord, remote: Option<&RemoteCustomer>) {
        let names = self.ground.reading.names();
        if let Some(desired) = &mut record.desired {
            decide_types(desired, |property| names.kind_of(property), remote);
        }
    }

    fn lane(
        &mut self,
        record: &RowRecord,
        key: RowKey,
        operations: Vec<Operation>,
    ) -> Result<(), PlanningError> {
        let lane = Lane {
            row: record.row,
            key,
            customer: record.customer_id,
            operations,
        };
        self.sinks
            .previewer
            .lane(&lane, place(self.sources, record));
        self.sinks.budget.add(&lane);
        self.sinks.plan.lane(
            &lane,
            LanePlace {
                source: record.source,
                line: record.line,
            },
        )?;
        Ok(())
    }
}

fn untold() -> Issue {
    Issue::new(
        IssueKind::Api,
        "untold",
        "HelpCrunch does not say which tags or custom data this customer has",
    )
    .hint("nothing was sent for it, since what it has might be lost")
}

fn place<'a>(sources: &'a [String], record: &RowRecord) -> Place<'a> {
    let source = sources
        .get(usize::from(record.source))
        .map_or("", String::as_str);
    Place {
        row: record.row,
        source,
        line: record.line,
    }
}
