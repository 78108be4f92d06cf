//! From rows that were read and a reading of the remote side to a plan: which customer each row means, which row
//! speaks for a customer, and what differs.

use std::io::{self, Write};

use crate::domain::{
    CustomerId, Field, Issue, IssueKind, Known, RemoteCustomer, RowKey, RowNumber,
};
use crate::journal::{WrittenError, WrittenReader};
use crate::plan::budget::Budget;
use crate::plan::codec::{LanePlace, PlanWriter};
use crate::plan::diff::{Against, create, diff};
use crate::plan::matching::{Claims, Match, Matcher, RemoteLookup, Target};
use crate::plan::previewer::{Place, Previewer};
use crate::plan::{Duplicates, Lane, MatchSettings, Operation, Ownership, SyncMode};
use crate::remote::{Reading, ReadingError};

use super::memory::Memory;
use super::rows::{RowHead, RowRecord, Verdict, write_row};

/// Everything of the config that decides what a row means.
#[derive(Debug, Clone)]
pub struct PlanRules {
    pub matching: MatchSettings,
    pub duplicates: Duplicates,
    pub mode: SyncMode,
    pub ownership: Ownership,
}

/// Why a plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanningError {
    #[error(transparent)]
    Reading(#[from] ReadingError),
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

/// Decides for each row, in order, which customer it means and whether it speaks for it.
#[derive(Debug)]
pub struct Decider<'a> {
    ground: Ground<'a>,
    rules: &'a PlanRules,
    matcher: Matcher<'a, Reading>,
    /// Whether "not found" by e-mail address means that there is none.
    absence_counts: bool,
    reading: &'a Reading,
    claims: Claims,
    decisions: Vec<Decision>,
}

impl<'a> Decider<'a> {
    #[must_use]
    pub fn new(ground: Ground<'a>, absence_counts: bool) -> Self {
        let (rules, reading) = (ground.rules, ground.reading);
        let matcher = Matcher::new(&rules.matching, reading);
        Self {
            ground,
            rules,
            matcher,
            absence_counts,
            reading,
            claims: Claims::default(),
            decisions: Vec::new(),
        }
    }

    /// Takes the next row in.
    ///
    /// # Errors
    /// When the reading cannot be consulted.
    pub fn row(&mut self, record: &RowHead) -> Result<(), PlanningError> {
        let decision = self.decide(record)?;
        self.decisions.push(decision);
        Ok(())
    }

    fn decide(&mut self, record: &RowHead) -> Result<Decision, PlanningError> {
        if record.verdict == Verdict::Rejected {
            return Ok(Decision::Bad);
        }
        let (target, decision) = match self.matcher.find(&record.key)? {
            Match::Rejected(issue) => return Ok(Decision::Rejected(Box::new(issue))),
            Match::SkippedAmbiguous => return Ok(Decision::Skipped),
            Match::Found(Target::Remote(id)) => (Target::Remote(id), Decision::Existing(id)),
            Match::Found(new @ Target::New(_)) => (new, Decision::New),
            Match::Nobody if self.absence_is_doubtful(record)? => {
                return Ok(Decision::Rejected(Box::new(doubtful())));
            }
            Match::Nobody => (Target::New(self.matcher.create(&record.key)), Decision::New),
        };
        match self.claims.claim(target, record.row) {
            None => {
                self.give(target, record)?;
                Ok(decision)
            }
            Some(earlier) => self.duplicate(record, target, earlier, decision),
        }
    }

    fn duplicate(
        &mut self,
        record: &RowHead,
        target: Target,
        earlier: RowNumber,
        decision: Decision,
    ) -> Result<Decision, PlanningError> {
        Ok(match self.rules.duplicates {
            Duplicates::Reject => Decision::Rejected(Box::new(duplicate(earlier))),
            Duplicates::First => Decision::Skipped,
            Duplicates::Last => {
                self.give(target, record)?;
                self.claims.replace(target, record.row);
                if let Some(slot) = self.decisions.get_mut(earlier.index()) {
                    *slot = Decision::Skipped;
                }
                decision
            }
        })
    }

    /// The row speaks for this customer: its keys are the customer's from here on, as far as they are written.
    fn give(&mut self, target: Target, record: &RowHead) -> Result<(), PlanningError> {
        let mut key = RowKey {
            id: None,
            ..record.key.clone()
        };
        if let Target::Remote(id) = target {
            let rules = &self.rules.ownership;
            let may_keep = [Field::UserId, Field::Email].map(|field| !rules.field(field).is_firm());
            let known = if may_keep.contains(&true) {
                let customer = self.reading.customer(id)?;
                customer.map(|c| Ok::<_, PlanningError>((c, self.ground.written.customer(id)?)))
            } else {
                None
            };
            let known = known.transpose()?;
            let kept = |field| {
                known.as_ref().is_some_and(|(customer, written)| {
                    !rules.may_write(field, customer.value(field), written)
                })
            };
            let skipped = self.rules.mode == SyncMode::Create;
            if skipped || kept(Field::UserId) {
                key.user_id = None;
            }
            if skipped || kept(Field::Email) {
                key.email = None;
            }
        }
        Ok(self.matcher.give(target, &key)?)
    }

    fn absence_is_doubtful(&self, record: &RowHead) -> Result<bool, PlanningError> {
        let Some(email) = &record.key.email else {
            return Ok(false);
        };
        Ok(!self.absence_counts && self.reading.by_email(email)?.is_empty())
    }

    /// The decisions in the order of the rows.
    #[must_use]
    pub fn finish(self) -> Vec<Decision> {
        self.decisions
    }
}

fn duplicate(earlier: RowNumber) -> Issue {
    Issue::matching("duplicate", "an earlier row is for the same customer").hint(format!(
        "the first such row is row {earlier}; keep one of them, or set rows.duplicates"
    ))
}

fn doubtful() -> Issue {
    let message = "search does not ignore the case of e-mail addresses, so not finding one does not mean that there is none";
    Issue::matching("email_case", message).hint("set remote.strategy = \"list\" or \"auto\"")
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
pub struct Sinks<P, R> {
    pub plan: PlanWriter<P>,
    pub rows: R,
    pub previewer: Previewer,
    pub budget: Budget,
}

/// Compares rows with their customers and writes the plan.
#[derive(Debug)]
pub struct Planner<'a, P, R> {
    ground: Ground<'a>,
    rules: &'a PlanRules,
    /// The inputs as the user named them.
    sources: &'a [String],
    pub sinks: Sinks<P, R>,
}

impl<'a, P: Write, R: Write> Planner<'a, P, R> {
    pub fn new(ground: Ground<'a>, sources: &'a [String], sinks: Sinks<P, R>) -> Self {
        Self {
            ground,
            rules: ground.rules,
            sources,
            sinks,
        }
    }

    /// Plans the next row as it was decided.
    ///
    /// # Errors
    /// When the reading cannot be consulted or a sink cannot be written.
    pub fn row(&mut self, mut record: RowRecord, decision: Decision) -> Result<(), PlanningError> {
        self.sinks.previewer.row();
        let operations = match decision {
            Decision::Bad => self.reject(&mut record, None),
            Decision::Rejected(issue) => self.reject(&mut record, Some(*issue)),
            Decision::Skipped => self.skip(&mut record),
            Decision::New => self.new_customer(&mut record),
            Decision::Existing(id) => self.existing(&mut record, id)?,
        };
        if operations.is_empty() {
            record.desired = None;
            if record.verdict != Verdict::Rejected {
                record.raw = None;
            }
        } else {
            self.lane(&record, operations)?;
        }
        write_row(&mut self.sinks.rows, &record)?;
        Ok(())
    }

    fn reject(&mut self, record: &mut RowRecord, issue: Option<Issue>) -> Vec<Operation> {
        record.verdict = Verdict::Rejected;
        if issue.is_some() {
            record.error = issue;
        }
        let place = place(self.sources, record);
        if let Some(issue) = &record.error {
            self.sinks.previewer.rejected(issue, place);
        }
        Vec::new()
    }

    fn skip(&mut self, record: &mut RowRecord) -> Vec<Operation> {
        record.verdict = Verdict::Skipped;
        self.sinks.previewer.skipped();
        Vec::new()
    }

    fn new_customer(&mut self, record: &mut RowRecord) -> Vec<Operation> {
        if self.rules.mode == SyncMode::Update {
            return self.skip(record);
        }
        record.verdict = Verdict::Create;
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
        let remote = self.ground.reading.customer(id)?;
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
            record.verdict = Verdict::Unchanged;
            self.sinks.previewer.unchanged();
        } else {
            record.verdict = Verdict::Update;
        }
        Ok(operations)
    }

    fn lane(
        &mut self,
        record: &RowRecord,
        operations: Vec<Operation>,
    ) -> Result<(), PlanningError> {
        let lane = Lane {
            row: record.row,
            key: record.key.clone(),
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
