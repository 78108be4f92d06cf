//! Rows whose key matches several customers: written to `ambiguous.csv`, and resolved by the user's decisions.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use crate::domain::{Issue, RemoteCustomer, RowKey};
use crate::plan::matching::{Ambiguity, CustomerRef, Match, RemoteLookup};
use crate::platform::{AtomicFile, FileError, remove_file};
use crate::remote::{Reading, ReadingError};
use crate::report::{AmbiguousCsv, AmbiguousRow, MAX_CANDIDATES};

use super::rows::RowRecord;
use super::user_choices::{Choice, DecisionLine, UserChoices};

/// At most this many decisions that were not followed are listed one by one.
const MAX_NOTES: usize = 10;

/// Why ambiguous rows cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum AmbiguityError {
    #[error(transparent)]
    Reading(#[from] ReadingError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the run's files cannot be written")]
    Io(#[from] io::Error),
}

/// `ambiguous.csv`, created with its first row.
#[derive(Debug)]
pub(super) struct AmbiguousFile<'a> {
    /// `None` to write no file.
    path: Option<PathBuf>,
    /// The inputs as the user named them.
    sources: &'a [String],
    csv: Option<AmbiguousCsv<AtomicFile>>,
    rows: u64,
}

impl<'a> AmbiguousFile<'a> {
    pub(super) fn new(path: Option<PathBuf>, sources: &'a [String]) -> Self {
        Self {
            path,
            sources,
            csv: None,
            rows: 0,
        }
    }

    pub(super) fn write(
        &mut self,
        row: &RowRecord,
        ambiguity: &Ambiguity,
        (reading, creating_rows): (&Reading, &[String]),
    ) -> Result<(), AmbiguityError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let candidates = candidates(ambiguity, reading)?;
        let source = self.sources.get(usize::from(row.source));
        let line = AmbiguousRow {
            row: row.row,
            line: row.line,
            source: source.map_or("", String::as_str),
            matched_by: ambiguity.by,
            key: &row.key,
            candidates: &candidates,
            creating_rows,
            others: ambiguity.candidates.len() - candidates.len() - creating_rows.len(),
        };
        let csv = match &mut self.csv {
            Some(csv) => csv,
            none => none.insert(AmbiguousCsv::new(AtomicFile::create(path)?)?),
        };
        csv.write(&line)?;
        self.rows += 1;
        Ok(())
    }

    /// Puts the file in its place, or removes the one of an earlier pass over the rows if no row is ambiguous any more.
    /// Returns what the preview says about it.
    pub(super) fn finish(self) -> Result<Option<String>, AmbiguityError> {
        let Some(path) = self.path else {
            return Ok(None);
        };
        let Some(csv) = self.csv else {
            remove_file(&path)?;
            return Ok(None);
        };
        csv.finish()?.commit()?;
        Ok(Some(format!(
            "rows whose key matches several customers: {}; fill in the column `decision` of {} and give it back with --decisions",
            self.rows,
            path.display()
        )))
    }
}

/// Returns the first existing candidates: a row cannot be decided for a customer that an earlier row creates.
fn candidates(
    ambiguity: &Ambiguity,
    reading: &Reading,
) -> Result<Vec<RemoteCustomer>, ReadingError> {
    let mut candidates = Vec::new();
    for target in &ambiguity.candidates {
        if let CustomerRef::Remote(id) = target
            && candidates.len() < MAX_CANDIDATES
        {
            candidates.extend(reading.customer(*id)?);
        }
    }
    Ok(candidates)
}

/// What a decision makes of an ambiguous row.
#[derive(Debug)]
pub(super) enum Resolution {
    Customer(CustomerRef),
    /// A new customer, although others have its e-mail address.
    Apart,
    Skipped,
    Rejected(Issue),
}

/// Applies the user's decisions, and collects those that cannot be followed.
#[derive(Debug)]
pub(super) struct ChoiceLookup<'a> {
    choices: &'a UserChoices,
    /// Lines whose rows were seen.
    seen: BTreeSet<u64>,
    notes: Vec<String>,
    unnoted: u64,
}

impl<'a> ChoiceLookup<'a> {
    pub(super) fn new(choices: &'a UserChoices) -> Self {
        Self {
            choices,
            seen: BTreeSet::new(),
            notes: Vec::new(),
            unnoted: 0,
        }
    }

    pub(super) fn has_no_decisions(&self) -> bool {
        self.choices.is_empty()
    }

    /// Returns what was decided about an ambiguous row, or `None`.
    pub(super) fn resolve(&mut self, key: &RowKey, ambiguity: &Ambiguity) -> Option<Resolution> {
        let DecisionLine { choice, line } = self.choices.of(key)?;
        self.seen.insert(line);
        Some(match choice {
            Choice::Skip => Resolution::Skipped,
            Choice::Create if key.user_id.is_some() => Resolution::Apart,
            Choice::Create => {
                let why = "the row is to create a customer, but the row has no userId";
                self.note(line, why);
                Resolution::Rejected(undecided(
                    &format!("by the decision on line {line} {why}"),
                    "the next sync could not tell it from the others: give the row a userId, or decide for one of the customers",
                ))
            }
            Choice::Customer(id) => {
                let target = CustomerRef::Remote(id);
                if ambiguity.candidates.contains(&target) {
                    return Some(Resolution::Customer(target));
                }
                self.note(
                    line,
                    "customer is not among those that the row's key matches now",
                );
                Resolution::Rejected(undecided(
                    &format!(
                        "the decision on line {line} is for a customer that is not among the {} that its {} matches",
                        ambiguity.candidates.len(),
                        ambiguity.by
                    ),
                    "decide again in this run's ambiguous.csv",
                ))
            }
        })
    }

    /// Notes a decision about a row that is not ambiguous and whose match contradicts it.
    pub(super) fn check_unneeded(&mut self, key: &RowKey, found: &Match) {
        let Some(DecisionLine { choice, line }) = self.choices.of(key) else {
            return;
        };
        if !self.seen.insert(line) {
            return;
        }
        match (choice, found) {
            (Choice::Customer(id), Match::Found(target)) if *target == CustomerRef::Remote(id) => {}
            // Created by an earlier run, it is now found by its userId.
            (Choice::Create, Match::Found(_)) => {}
            (_, Match::Found(_)) => self.note(line, "its row now matches only one customer"),
            (_, Match::NoCustomer) => self.note(line, "its row no longer matches any customer"),
            (_, Match::Rejected(_) | Match::Conflict(_) | Match::Ambiguous(_)) => {
                self.note(line, "its row is rejected for another reason");
            }
        }
    }

    fn note(&mut self, line: u64, what: &str) {
        if self.notes.len() < MAX_NOTES {
            let file = &self.choices.file;
            self.notes
                .push(format!("{file}:{line}: decision not followed: {what}"));
        } else {
            self.unnoted += 1;
        }
    }

    /// Returns the notes on decisions that were not followed.
    pub(super) fn finish(mut self) -> Vec<String> {
        for decided in self.choices.in_order() {
            if !self.seen.contains(&decided.line) {
                self.note(decided.line, "no row has this userId and e-mail address");
            }
        }
        if self.unnoted > 0 {
            let (file, more) = (&self.choices.file, self.unnoted);
            self.notes
                .push(format!("{file}: {more} more decisions were not followed"));
        }
        self.notes
    }
}

fn undecided(message: &str, hint: &str) -> Issue {
    Issue::matching("decision", message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_an_earlier_pass_does_not_stay_if_no_row_is_ambiguous_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ambiguous.csv");
        std::fs::write(&path, "rows of an earlier pass").unwrap();
        for _ in 0..2 {
            let file = AmbiguousFile::new(Some(path.clone()), &[]);
            assert_eq!(file.finish().unwrap(), None);
            assert!(!path.exists());
        }
    }
}
