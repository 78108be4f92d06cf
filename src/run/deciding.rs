//! Which customer each row means and whether it speaks for it, decided over all rows before anything is compared.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::domain::{Field, Issue, RowKey, RowNumber};
use crate::plan::given_keys::KeyHashes;
use crate::plan::matching::{Ambiguity, Claims, Match, Matcher, RemoteLookup, Target};
use crate::plan::{Duplicates, OnAmbiguous, SyncMode};
use crate::remote::Reading;

use super::ambiguity::{AmbiguousFile, Deciding, Resolved};
use super::decisions::Decisions;
use super::planning::{Decision, Ground, PlanRules, PlanningError};
use super::rows::{RowRecord, Verdict};

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
    /// Where undecided rows are written, if there are any; None to write no file.
    pub file: Option<PathBuf>,
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
    pub fn new(ground: Ground<'a>, absence_counts: bool, asked: Asked<'a>) -> Self {
        let (rules, reading) = (ground.rules, ground.reading);
        let matcher = Matcher::new(&rules.matching, reading);
        Self {
            ground,
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

    /// Takes the next row in. A later row may still be used in its place.
    ///
    /// # Errors
    /// When the reading cannot be consulted.
    pub fn row(&mut self, record: &RowRecord) -> Result<&Decision, PlanningError> {
        let decision = self.decide(record)?;
        self.decisions.push(decision);
        Ok(self.decisions.last().unwrap_or(&Decision::Bad))
    }

    /// The same for rows that no later one takes the place of, which need not be kept.
    ///
    /// # Errors
    /// As [`Self::row`].
    pub fn decide(&mut self, record: &RowRecord) -> Result<Decision, PlanningError> {
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
        record: &RowRecord,
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

    fn apart(&mut self, record: &RowRecord) -> Result<Decision, PlanningError> {
        let target = Target::New(self.matcher.create(&record.key));
        self.claims.claim(target, record.row);
        self.give(target, record)?;
        Ok(Decision::Apart)
    }

    fn duplicate(
        &mut self,
        record: &RowRecord,
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
    fn give(&mut self, target: Target, record: &RowRecord) -> Result<(), PlanningError> {
        let keys = self.written_keys(target, record)?;
        if self.rules.duplicates == Duplicates::Merge {
            self.spoken.insert(target, SpokenKeys::default());
            self.speak(target, &record.key);
        }
        Ok(self.matcher.give(target, keys)?)
    }

    /// The row is merged into an earlier one: the customer gets of its keys those that no row spoke of before.
    fn give_also(&mut self, target: Target, record: &RowRecord) -> Result<(), PlanningError> {
        let mut keys = self.written_keys(target, record)?;
        let spoken = self.speak(target, &record.key);
        keys.user_id = keys.user_id.filter(|_| !spoken.user_id);
        keys.email = keys.email.filter(|_| !spoken.email);
        Ok(self.matcher.give_also(target, keys)?)
    }

    /// Which keys had been spoken of before this one was.
    fn speak(&mut self, target: Target, key: &RowKey) -> SpokenKeys {
        let spoken = self.spoken.entry(target).or_default();
        let before = *spoken;
        spoken.user_id |= key.user_id.is_some();
        spoken.email |= key.email.is_some();
        before
    }

    /// Of a row's keys those that are written to its customer.
    fn written_keys(&self, target: Target, record: &RowRecord) -> Result<KeyHashes, PlanningError> {
        let mut keys = KeyHashes::of(&record.key);
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
                keys.user_id = None;
            }
            if skipped || kept(Field::Email) {
                keys.email = None;
            }
        }
        Ok(keys)
    }

    fn absence_is_doubtful(&self, record: &RowRecord) -> Result<bool, PlanningError> {
        let Some(email) = &record.key.email else {
            return Ok(false);
        };
        Ok(!self.absence_counts && self.reading.with_email(email)?.is_empty())
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
    let message = format!("row {earlier} is for the same customer");
    Issue::matching("duplicate", message)
        .hint("keep one row per customer, or set rows.duplicates to first, last or merge")
}

fn doubtful() -> Issue {
    let message = "e-mail search is not known to ignore case here, so not finding an address does not mean that nobody has it";
    Issue::matching("email_case", message).hint("set remote.strategy = \"list\" or \"auto\"")
}
