//! Rows whose key matches several customers: written down to be decided, and decided as the user said.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use crate::domain::{Issue, RemoteCustomer, RowKey};
use crate::plan::matching::{Ambiguity, Match, RemoteLookup, Target};
use crate::platform::{AtomicFile, FileError};
use crate::remote::{Reading, ReadingError};
use crate::report::{AmbiguousCsv, AmbiguousRow, MOST_CANDIDATES};

use super::decisions::{Choice, Decided, Decisions};
use super::rows::RowRecord;

/// Decisions that were not followed are named one by one up to so many.
const MOST_NOTES: usize = 10;

/// Why ambiguous rows cannot be written down.
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
    /// None to write no file.
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
        reading: &Reading,
    ) -> Result<(), AmbiguityError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let candidates = described(ambiguity, reading)?;
        let source = self.sources.get(usize::from(row.source));
        let line = AmbiguousRow {
            row: row.row,
            line: row.line,
            source: source.map_or("", String::as_str),
            matched_by: ambiguity.by,
            key: &row.key,
            candidates: &candidates,
            others: ambiguity.candidates.len() - candidates.len(),
        };
        let csv = match &mut self.csv {
            Some(csv) => csv,
            none => none.insert(AmbiguousCsv::new(AtomicFile::create(path)?)?),
        };
        csv.write(&line)?;
        self.rows += 1;
        Ok(())
    }

    /// Puts the file in its place; gives what the preview says of it.
    pub(super) fn finish(self) -> Result<Option<String>, AmbiguityError> {
        let (Some(csv), Some(path)) = (self.csv, self.path) else {
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

/// The first customers that HelpCrunch has already: a row cannot be decided for one that an earlier row creates.
fn described(
    ambiguity: &Ambiguity,
    reading: &Reading,
) -> Result<Vec<RemoteCustomer>, ReadingError> {
    let mut described = Vec::new();
    for target in &ambiguity.candidates {
        if let Target::Remote(id) = target
            && described.len() < MOST_CANDIDATES
        {
            described.extend(reading.customer(*id)?);
        }
    }
    Ok(described)
}

/// What a decision makes of a row.
#[derive(Debug)]
pub(super) enum Resolved {
    Customer(Target),
    /// A customer of its own, although others have its e-mail address.
    Apart,
    Skipped,
    Rejected(Issue),
}

/// Follows the user's decisions, and keeps account of those that cannot be followed.
#[derive(Debug)]
pub(super) struct Deciding<'a> {
    decisions: &'a Decisions,
    /// Lines whose rows came.
    met: BTreeSet<u64>,
    notes: Vec<String>,
    unnoted: u64,
}

impl<'a> Deciding<'a> {
    pub(super) fn new(decisions: &'a Decisions) -> Self {
        Self {
            decisions,
            met: BTreeSet::new(),
            notes: Vec::new(),
            unnoted: 0,
        }
    }

    /// What was decided of an ambiguous row; nothing where nothing was.
    pub(super) fn resolve(&mut self, key: &RowKey, ambiguity: &Ambiguity) -> Option<Resolved> {
        let Decided { choice, line } = self.decisions.of(key)?;
        self.met.insert(line);
        Some(match choice {
            Choice::Skip => Resolved::Skipped,
            Choice::Create if key.user_id.is_some() => Resolved::Apart,
            Choice::Create => {
                let why = "the row is to create a customer, but the row has no userId";
                self.note(line, why);
                Resolved::Rejected(undecided(
                    &format!("by the decision on line {line} {why}"),
                    "the next sync could not tell it from the others: give the row a userId, or decide for one of the customers",
                ))
            }
            Choice::Customer(id) => {
                let target = Target::Remote(id);
                if ambiguity.candidates.contains(&target) {
                    return Some(Resolved::Customer(target));
                }
                self.note(
                    line,
                    "customer is not among those that the row's key matches now",
                );
                Resolved::Rejected(undecided(
                    &format!(
                        "the decision on line {line} is for a customer that is not among the {} that its {} matches",
                        ambiguity.candidates.len(),
                        ambiguity.by
                    ),
                    "decide anew in this run's ambiguous.csv",
                ))
            }
        })
    }

    /// Takes note of a row that is not ambiguous: a decision about it is of no use, and may contradict what is found.
    pub(super) fn found(&mut self, key: &RowKey, found: &Match) {
        let Some(Decided { choice, line }) = self.decisions.of(key) else {
            return;
        };
        if !self.met.insert(line) {
            return;
        }
        match (choice, found) {
            (Choice::Customer(id), Match::Found(target)) if *target == Target::Remote(id) => {}
            // Made by an earlier run, it is found by its userId now.
            (Choice::Create, Match::Found(_)) => {}
            (_, Match::Found(_)) => self.note(line, "its row matches one customer alone now"),
            (_, Match::Nobody) => self.note(line, "its row matches nobody any more"),
            (_, Match::Rejected(_) | Match::Ambiguous(_)) => {
                self.note(line, "its row is rejected for another reason");
            }
        }
    }

    fn note(&mut self, line: u64, what: &str) {
        if self.notes.len() < MOST_NOTES {
            let file = &self.decisions.file;
            self.notes
                .push(format!("{file}:{line}: decision not followed: {what}"));
        } else {
            self.unnoted += 1;
        }
    }

    /// What is to be said of decisions that were not followed.
    pub(super) fn finish(mut self) -> Vec<String> {
        for decided in self.decisions.in_order() {
            if !self.met.contains(&decided.line) {
                self.note(decided.line, "no row has this userId and e-mail address");
            }
        }
        if self.unnoted > 0 {
            let (file, more) = (&self.decisions.file, self.unnoted);
            self.notes
                .push(format!("{file}: {more} more decisions were not followed"));
        }
        self.notes
    }
}

fn undecided(message: &str, hint: &str) -> Issue {
    Issue::matching("decision", message).hint(hint)
}
