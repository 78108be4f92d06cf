//! From rows that were read and a reading of the remote side to a plan: which customer each row means, which row
//! speaks for a customer, and what differs.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::domain::{
    CustomerId, Field, Issue, IssueKind, Known, Overwrite, RemoteCustomer, RowKey, RowNumber,
};
use crate::plan::budget::Budget;
use crate::plan::codec::{LanePlace, PlanWriter};
use crate::plan::diff::{create, diff};
use crate::plan::matching::{Ambiguity, Claims, Match, Matcher, RemoteLookup, Target};
use crate::plan::previewer::{Place, Previewer};
use crate::plan::{Duplicates, Lane, MatchSettings, OnAmbiguous, Operation, Ownership, SyncMode};
use crate::remote::{Reading, ReadingError};

use super::ambiguity::{AmbiguityError, AmbiguousFile, Deciding, Resolved};
use super::decisions::Decisions;
use super::memory::Memory;
use super::merging::{Carried, Merges};
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
    Ambiguity(#[from] AmbiguityError),
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

/// Decides for each row, in order, which customer it means and whether it speaks for it.
#[derive(Debug)]
pub struct Decider<'a> {
    rules: &'a PlanRules,
    matcher: Matcher<'a, Reading>,
    /// Whether "not found" by e-mail address means that there is none.
    absence_counts: bool,
    reading: &'a Reading,
    claims: Claims,
    /// Where rows are merged: the keys that rows so far spoke of, for each customer.
    spoken: HashMap<Target, SpokenKeys>,
    ambiguous: AmbiguousFile<'a>,
    deciding: Deciding<'a>,
    decisions: Vec<Decision>,
}

/// What the user has a part in when rows are ambiguous.
#[derive(Debug)]
pub struct Asked<'a> {
    /// What was decided before.
    pub decisions: &'a Decisions,
    /// Where undecided rows are written, if there are any.
    pub file: PathBuf,
    /// The inputs as the user named them.
    pub sources: &'a [String],
}

/// All rows, decided.
#[derive(Debug)]
pub struct DecidedRows {
    /// In the order of the rows.
    pub decisions: Vec<Decision>,
    /// What the preview is to say.
    pub notes: Vec<String>,
}

/// Which match keys rows gave a value: the first of each holds.
#[derive(Debug, Clone, Copy, Default)]
struct SpokenKeys {
    user_id: bool,
    email: bool,
}

impl<'a> Decider<'a> {
    #[must_use]
    pub fn new(
        rules: &'a PlanRules,
        reading: &'a Reading,
        absence_counts: bool,
        asked: Asked<'a>,
    ) -> Self {
        let matcher = Matcher::new(&rules.matching, reading);
        Self {
            rules,
            matcher,
            absence_counts,
            reading,
            claims: Claims::default(),
            spoken: HashMap::new(),
            ambiguous: AmbiguousFile::new(asked.file, asked.sources),
            deciding: Deciding::new(asked.decisions),
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
        let found = match self.matcher.find(&record.key)? {
            Match::Ambiguous(ambiguity) => match self.resolve(record, &ambiguity)? {
                Ok(found) => found,
                Err(Decision::Apart) => return self.apart(record),
                Err(decision) => return Ok(decision),
            },
            found => {
                self.deciding.found(&record.key, &found);
                found
            }
        };
        let (target, decision) = match found {
            Match::Rejected(issue) => return Ok(Decision::Rejected(Box::new(issue))),
            Match::Ambiguous(ambiguity) => {
                return Ok(Decision::Rejected(Box::new(ambiguity.issue())));
            }
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

    /// What becomes of an ambiguous row: what the user decided, or else what the config says.
    fn resolve(
        &mut self,
        record: &RowHead,
        ambiguity: &Ambiguity,
    ) -> Result<Result<Match, Decision>, PlanningError> {
        Ok(match self.deciding.resolve(&record.key, ambiguity) {
            Some(Resolved::Customer(target)) => Ok(self.matcher.decided(&record.key, target)?),
            Some(Resolved::Apart) => Err(Decision::Apart),
            Some(Resolved::Skipped) => Err(Decision::Skipped),
            Some(Resolved::Rejected(issue)) => {
                self.ambiguous.write(record, ambiguity, self.reading)?;
                Err(Decision::Rejected(Box::new(issue)))
            }
            None => {
                self.ambiguous.write(record, ambiguity, self.reading)?;
                Err(match self.rules.matching.on_ambiguous {
                    OnAmbiguous::Skip => Decision::Skipped,
                    _ => Decision::Rejected(Box::new(ambiguity.issue())),
                })
            }
        })
    }

    fn apart(&mut self, record: &RowHead) -> Result<Decision, PlanningError> {
        let target = Target::New(self.matcher.create(&record.key));
        self.claims.claim(target, record.row);
        self.give(target, record)?;
        Ok(Decision::Apart)
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
            Duplicates::Merge => {
                self.give_also(target, record)?;
                Decision::Merged(earlier)
            }
        })
    }

    /// The row speaks for this customer: its keys are the customer's from here on, as far as they are written.
    fn give(&mut self, target: Target, record: &RowHead) -> Result<(), PlanningError> {
        let key = self.written_key(target, record)?;
        if self.rules.duplicates == Duplicates::Merge {
            self.spoken.insert(target, SpokenKeys::default());
            self.speak(target, &record.key);
        }
        Ok(self.matcher.give(target, &key)?)
    }

    /// The row is merged into an earlier one: the customer gets of its keys those that no row spoke of before.
    fn give_also(&mut self, target: Target, record: &RowHead) -> Result<(), PlanningError> {
        let mut key = self.written_key(target, record)?;
        let spoken = self.speak(target, &record.key);
        key.user_id = key.user_id.filter(|_| !spoken.user_id);
        key.email = key.email.filter(|_| !spoken.email);
        Ok(self.matcher.give_also(target, &key)?)
    }

    /// Which keys had been spoken of before this one was.
    fn speak(&mut self, target: Target, key: &RowKey) -> SpokenKeys {
        let spoken = self.spoken.entry(target).or_default();
        let before = *spoken;
        spoken.user_id |= key.user_id.is_some();
        spoken.email |= key.email.is_some();
        before
    }

    /// The keys that the row writes to its customer.
    fn written_key(&self, target: Target, record: &RowHead) -> Result<RowKey, PlanningError> {
        let mut key = RowKey {
            id: None,
            ..record.key.clone()
        };
        if let Target::Remote(id) = target {
            let keeps = |field| {
                let overwrite = self.rules.ownership.field(field);
                matches!(overwrite, Overwrite::IfEmpty | Overwrite::IfUnedited)
            };
            let customer = if keeps(Field::UserId) || keeps(Field::Email) {
                self.reading.customer(id)?
            } else {
                None
            };
            let kept =
                |field| keeps(field) && customer.as_ref().is_some_and(|c| c.value(field).is_some());
            let skipped = self.rules.mode == SyncMode::Create;
            if skipped || kept(Field::UserId) {
                key.user_id = None;
            }
            if skipped || kept(Field::Email) {
                key.email = None;
            }
        }
        Ok(key)
    }

    fn absence_is_doubtful(&self, record: &RowHead) -> Result<bool, PlanningError> {
        let Some(email) = &record.key.email else {
            return Ok(false);
        };
        Ok(!self.absence_counts && self.reading.by_email(email)?.is_empty())
    }

    /// # Errors
    /// When the file of ambiguous rows cannot be put in its place.
    pub fn finish(self) -> Result<DecidedRows, PlanningError> {
        let mut notes = self.deciding.finish();
        notes.extend(self.ambiguous.finish()?);
        Ok(DecidedRows {
            decisions: self.decisions,
            notes,
        })
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
    rules: &'a PlanRules,
    reading: &'a Reading,
    memory: &'a Memory,
    /// The inputs as the user named them.
    sources: &'a [String],
    merges: Merges,
    pub sinks: Sinks<P, R>,
}

impl<'a, P: Write, R: Write> Planner<'a, P, R> {
    pub fn new(
        rules: &'a PlanRules,
        reading: &'a Reading,
        memory: &'a Memory,
        sources: &'a [String],
        sinks: Sinks<P, R>,
    ) -> Self {
        Self {
            rules,
            reading,
            memory,
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
            Decision::Skipped => self.skip(&mut record),
            Decision::New | Decision::Apart => self.new_customer(&mut record),
            Decision::Existing(id) => self.existing(&mut record, id)?,
            Decision::Merged(first) => self.merged(&mut record, first),
        };
        self.merges.planned(&record);
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
            self.lane(&record, key, operations)?;
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
        let (Some(desired), Some(remote)) = (&record.desired, self.reading.customer(id)?) else {
            return Ok(Vec::new());
        };
        let mut diff = diff(desired, &remote, &self.rules.ownership);
        if diff.unknown {
            return Ok(self.reject(record, Some(untold())));
        }
        self.sinks.previewer.kept_true(diff.kept_true);
        record
            .warnings
            .extend(self.memory.drop_rewritten(id, &mut diff));
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
