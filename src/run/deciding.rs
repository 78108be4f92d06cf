//! Which customer each row means, and whether it speaks for it. Usually decided for one row after the other, each before it is
//! compared; over all rows in a pass before that where what comes later decides (`duplicates = "last"` and `"merge"`).

mod conflicts;
mod duplicates;
mod given_keys;
mod row_lines;

use std::collections::HashMap;
use std::path::PathBuf;

use crate::domain::{Issue, Position};
use crate::plan::OnAmbiguous;
use crate::plan::matching::{
    Ambiguity, Claims, CustomerPlace, CustomerRef, Match, Matcher, RemoteLookup,
};
use crate::remote::Reading;

use super::ambiguity::{AmbiguousFile, ChoiceLookup, Resolution};
use super::passes::ProvedRow;
use super::planning::{Decision, Ground, PlanRules, PlanningError};
use super::rows::{RowRecord, Verdict};
use super::user_choices::UserChoices;

use conflicts::ConflictCounts;
use given_keys::SetKeys;
use row_lines::RowLines;

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
    set_keys: HashMap<CustomerRef, SetKeys>,
    ambiguous: AmbiguousFile<'a>,
    lookup: ChoiceLookup<'a>,
    decisions: Vec<Decision>,
    ambiguous_skips: u64,
    conflicts: ConflictCounts,
    lines: RowLines,
    /// The inputs as the user named them.
    sources: &'a [String],
}

/// What the user has a part in when rows are ambiguous.
#[derive(Debug)]
pub struct AmbiguityHandling<'a> {
    /// What was decided before.
    pub choices: &'a UserChoices,
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
    /// What to do about rows in conflict, if all of them have one cause.
    pub conflict_advice: Option<String>,
    /// Rows that are skipped because they match several customers.
    pub ambiguous_skips: u64,
}

impl<'a> Decider<'a> {
    #[must_use]
    pub fn new(ground: Ground<'a>, absence_counts: bool, asked: AmbiguityHandling<'a>) -> Self {
        let (rules, reading) = (ground.rules, ground.reading);
        let matcher = Matcher::new(&rules.matching, reading);
        Self {
            ground,
            rules,
            matcher,
            absence_counts,
            reading,
            claims: Claims::of_read(usize::try_from(reading.len()).unwrap_or(0)),
            set_keys: HashMap::new(),
            ambiguous: AmbiguousFile::new(asked.file, asked.sources),
            lookup: ChoiceLookup::new(asked.choices),
            decisions: Vec::new(),
            ambiguous_skips: 0,
            conflicts: ConflictCounts::default(),
            lines: RowLines::default(),
            sources: asked.sources,
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
        self.lines.add(Position {
            source: record.source,
            row: record.row,
            line: record.line,
        });
        match record.verdict {
            Verdict::Rejected => return Ok(Decision::Bad),
            Verdict::Skipped => return Ok(Decision::Skipped),
            _ => {}
        }
        let found = match self.matcher.find(&record.key)? {
            Match::Ambiguous(ambiguity) => match self.resolve(record, &ambiguity)? {
                Ok(found) => found,
                Err(decision @ Decision::Apart) => {
                    self.create(record);
                    return Ok(decision);
                }
                Err(decision) => {
                    self.ambiguous_skips += u64::from(decision == Decision::Skipped);
                    return Ok(decision);
                }
            },
            found => {
                self.lookup.check_unneeded(&record.key, &found);
                found
            }
        };
        let (target, decision) = match found {
            Match::Rejected(issue) => return Ok(Decision::Rejected(Box::new(issue))),
            Match::Conflict(conflict) => {
                return Ok(Decision::Rejected(Box::new(self.conflict(&conflict))));
            }
            Match::Ambiguous(ambiguity) => {
                return Ok(Decision::Rejected(Box::new(ambiguity.issue())));
            }
            Match::Found(CustomerRef::Remote(id)) => {
                (CustomerRef::Remote(id), Decision::Existing(id))
            }
            Match::Found(new @ CustomerRef::New(_)) => (new, Decision::New),
            Match::NoCustomer if self.absence_is_doubtful(record)? => {
                return Ok(Decision::Rejected(Box::new(doubtful())));
            }
            Match::NoCustomer => {
                self.create(record);
                return Ok(Decision::New);
            }
        };
        self.conflicts.add_found(&record.key, self.reading)?;
        match self.claims.claim(target, self.place(target)?, record.row) {
            None => {
                self.give(target, record)?;
                Ok(decision)
            }
            Some(earlier) => self.duplicate(record, target, earlier, decision),
        }
    }

    /// Whether a row of which the keys find only this customer is for it, and is the row that decides about it. False where an
    /// earlier row or a decision of the user has to be weighed: then the row is decided like any other.
    pub(super) fn confirms(&mut self, proved: &ProvedRow) -> bool {
        let target = CustomerRef::Remote(proved.customer);
        self.lines.add(proved.position());
        if proved.keys.user_id.is_some() {
            self.conflicts.add_known_user_id();
        }
        self.lookup.has_no_decisions()
            && !self.matcher.has_assigned(proved.keys)
            && self
                .claims
                .claim(target, Some(proved.place), proved.row())
                .is_none()
    }

    fn place(&self, target: CustomerRef) -> Result<Option<CustomerPlace>, PlanningError> {
        Ok(match target {
            CustomerRef::Remote(id) => self.reading.place(id)?,
            CustomerRef::New(_) => None,
        })
    }

    /// What becomes of an ambiguous row: what the user decided, or else what the config says.
    fn resolve(
        &mut self,
        record: &RowRecord,
        ambiguity: &Ambiguity,
    ) -> Result<Result<Match, Decision>, PlanningError> {
        Ok(match self.lookup.resolve(&record.key, ambiguity) {
            Some(Resolution::Customer(target)) => {
                Ok(self.matcher.find_decided(&record.key, target)?)
            }
            Some(Resolution::Apart) => Err(Decision::Apart),
            Some(Resolution::Skipped) => Err(Decision::Skipped),
            Some(Resolution::Rejected(issue)) => {
                self.write_ambiguous(record, ambiguity)?;
                Err(Decision::Rejected(Box::new(issue)))
            }
            None => {
                self.write_ambiguous(record, ambiguity)?;
                Err(match self.rules.matching.on_ambiguous {
                    OnAmbiguous::Skip => Decision::Skipped,
                    _ => Decision::Rejected(Box::new(ambiguity.issue())),
                })
            }
        })
    }

    /// The row creates its customer.
    fn create(&mut self, record: &RowRecord) {
        let target = CustomerRef::New(self.matcher.create(&record.key));
        self.claims.claim(target, None, record.row);
        self.set_first_keys(target, record);
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
        let mut notes = self.lookup.finish();
        notes.extend(self.ambiguous.finish()?);
        Ok(DecidedRows {
            decisions: self.decisions,
            notes,
            conflict_advice: self.conflicts.advice(),
            ambiguous_skips: self.ambiguous_skips,
        })
    }
}

fn doubtful() -> Issue {
    let message = "e-mail search is not known to ignore case here, so a customer may have this address although it was not found";
    Issue::matching("email_case", message).hint("set remote.strategy = \"list\" or \"auto\"")
}
