//! What the user decided about rows whose key matches several customers: `ambiguous.csv`, filled in.

use std::collections::BTreeMap;

use crate::domain::{Cell, CustomerId, Row, RowKey, RowNumber, fold_email};
use crate::report::defuse;
use crate::source::{InputFile, Reader, Record, SourceError, SourceSettings};

/// The column that is filled in, and those that say which row is meant.
const DECISION: &str = "decision";
const USER_ID: &str = "userId";
const EMAIL: &str = "email";

/// Why a file of decisions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DecisionsError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(
        "{file}:1: there is no column `{column}`; give back the ambiguous.csv of a run, with its header as it is"
    )]
    NoColumn { file: String, column: &'static str },
    #[error("{file}:{line}: {problem}")]
    BadRecord {
        file: String,
        line: u64,
        problem: String,
    },
    #[error("{file}:{line}: column {column} (`{name}`): {problem}")]
    BadCell {
        file: String,
        line: u64,
        /// From 1, as a spreadsheet counts.
        column: usize,
        name: &'static str,
        problem: String,
    },
}

/// What is to become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It is this customer.
    Customer(CustomerId),
    /// It is none of them, but a customer of its own.
    Create,
    /// It is left out.
    Skip,
}

/// A decision with the line on which it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    pub choice: Choice,
    pub line: u64,
}

/// Decisions by the match key of their rows, whatever the number of the row has become.
#[derive(Debug, Clone, Default)]
pub struct Decisions {
    /// As the user named it.
    pub file: String,
    by_key: BTreeMap<DecisionKey, Decided>,
}

type DecisionKey = (String, String);

impl Decisions {
    /// Reads a file of decisions in whatever encoding and with whatever separator a spreadsheet saved it.
    ///
    /// # Errors
    /// When it cannot be read, lacks a column, or holds something that is no decision.
    pub fn read(input: &InputFile) -> Result<Self, DecisionsError> {
        let mut reader = Reader::open(input, &SourceSettings::default(), 0, RowNumber(1))?;
        let file = input.name.clone();
        let place = |name: &'static str| {
            let found = reader.columns().position(name);
            found.ok_or_else(|| DecisionsError::NoColumn {
                file: file.clone(),
                column: name,
            })
        };
        let places = (place(USER_ID)?, place(EMAIL)?, place(DECISION)?);
        let mut decisions = Self {
            file,
            by_key: BTreeMap::new(),
        };
        while let Some(record) = reader.next_record()? {
            match record {
                Record::Row(row) => decisions.take(&row, places)?,
                Record::Bad(bad) => {
                    let problem = bad.issues.first().map(|issue| issue.message.clone());
                    return Err(DecisionsError::BadRecord {
                        file: decisions.file,
                        line: bad.position.line,
                        problem: problem.unwrap_or_default(),
                    });
                }
            }
        }
        Ok(decisions)
    }

    fn take(
        &mut self,
        row: &Row,
        (user_id, email, decision): (usize, usize, usize),
    ) -> Result<(), DecisionsError> {
        let cell = |place| match row.cell_at(place) {
            Some(Cell::Text(text)) => text.trim(),
            _ => "",
        };
        let bad = |place: usize, name, problem: &str| DecisionsError::BadCell {
            file: self.file.clone(),
            line: row.position.line,
            column: place + 1,
            name,
            problem: problem.to_owned(),
        };
        if cell(decision).is_empty() {
            return Ok(());
        }
        let choice = choice(cell(decision)).ok_or_else(|| {
            let problem =
                "is neither the id of a candidate nor `create` or `skip`; empty: no decision yet";
            bad(decision, DECISION, problem)
        })?;
        let key = (
            cell(user_id).to_owned(),
            fold_email(cell(email)).into_owned(),
        );
        if key.0.is_empty() && key.1.is_empty() {
            let problem = "is empty, and so is `email`: a decision is found by them";
            return Err(bad(user_id, USER_ID, problem));
        }
        let decided = Decided {
            choice,
            line: row.position.line,
        };
        let known = self.by_key.entry(key).or_insert(decided);
        if known.choice != choice {
            let problem = format!(
                "decides otherwise than line {} for the same key",
                known.line
            );
            return Err(bad(decision, DECISION, &problem));
        }
        Ok(())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// The decision for a row with this key.
    #[must_use]
    pub fn of(&self, key: &RowKey) -> Option<Decided> {
        if self.by_key.is_empty() {
            return None;
        }
        let user_id = key.user_id.as_deref().unwrap_or_default().trim();
        let email = fold_email(key.email.as_deref().unwrap_or_default()).into_owned();
        // The file was written for a spreadsheet, with a `'` before what it would run.
        let defused = (defuse(user_id).into_owned(), defuse(&email).into_owned());
        let exact = (user_id.to_owned(), email);
        let found = self
            .by_key
            .get(&exact)
            .or_else(|| self.by_key.get(&defused));
        found.copied()
    }

    /// All decisions in the order of the file.
    #[must_use]
    pub fn in_order(&self) -> Vec<Decided> {
        let mut all: Vec<Decided> = self.by_key.values().copied().collect();
        all.sort_by_key(|decided| decided.line);
        all
    }
}

fn choice(text: &str) -> Option<Choice> {
    match text.to_ascii_lowercase().as_str() {
        "create" => Some(Choice::Create),
        "skip" => Some(Choice::Skip),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            let id = digits.parse().ok().filter(|id| *id > 0)?;
            Some(Choice::Customer(CustomerId(id)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Decisions, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.csv");
        std::fs::write(&path, text).unwrap();
        Decisions::read(&InputFile::new("d.csv", path)).map_err(|e| e.to_string())
    }

    fn key(user_id: &str, email: &str) -> RowKey {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        RowKey {
            id: None,
            user_id: some(user_id),
            email: some(email),
        }
    }

    #[test]
    fn decisions_are_found_by_key_however_a_spreadsheet_saved_them() {
        let comma = "\u{feff}_line,row,source,matched_by,userId,email,candidates,decision\n\
            9,8,x.csv,email,,Ann@b.c,\"12: A, B | 15\", 12 \n10,9,x.csv,email,'=u,b@b.c,\"1 | 2\",Create\n\
            11,10,x.csv,email,,c@b.c,\"1 | 2\",\n12,11,x.csv,email,,d@b.c,\"1 | 2\",skip\n";
        let semicolon = "email;decision;userId\nann@B.C;12;\nb@b.c;create;=u\nd@b.c;SKIP;\n";
        for text in [comma, semicolon] {
            let decisions = read(text).unwrap();
            let of = |user_id, email| decisions.of(&key(user_id, email)).map(|d| d.choice);
            assert_eq!(of("", "ANN@b.c"), Some(Choice::Customer(CustomerId(12))));
            assert_eq!(of("=u", "b@b.c"), Some(Choice::Create));
            assert_eq!(of("", "d@b.c"), Some(Choice::Skip));
            for (user_id, email) in [("u", "ann@b.c"), ("", "b@b.c"), ("", "c@b.c")] {
                assert_eq!(of(user_id, email), None, "{user_id} {email}");
            }
            assert_eq!(decisions.in_order().len(), 3);
        }
    }

    #[test]
    fn what_is_no_decision_is_refused_with_line_and_column() {
        for (text, message) in [
            (
                "userId,email\nu,a@b.c\n",
                "d.csv:1: there is no column `decision`",
            ),
            (
                "userId,email,decision\n\nu,,12\nv,,maybe\n",
                "d.csv:4: column 3 (`decision`): is neither",
            ),
            ("userId,email,decision\nu,,0\n", "d.csv:2: column 3"),
            (
                "userId,email,decision\n,,5\n",
                "d.csv:2: column 1 (`userId`): is empty",
            ),
            (
                "userId,email,decision\nu,,5\nu,,5\nu,,6\n",
                "d.csv:4: column 3 (`decision`): decides otherwise than line 2",
            ),
            ("userId,email,decision\nu,5\n", "d.csv:2: "),
            ("", "`d.csv` is empty"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(message), "{text:?}: {error}");
        }
    }
}
