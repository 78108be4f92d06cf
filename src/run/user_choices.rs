//! The user's decisions about rows whose key matches several customers: a filled-in `ambiguous.csv`.

use std::collections::BTreeMap;

use crate::domain::{Cell, CustomerId, Row, RowKey, RowNumber, fold_email};
use crate::report::defuse;
use crate::source::{InputFile, Reader, Record, SourceError, SourceSettings};

/// The column that is filled in, and the columns that identify the row.
const DECISION: &str = "decision";
const USER_ID: &str = "userId";
const EMAIL: &str = "email";

/// Why a decisions file cannot be used.
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

/// What to do with an ambiguous row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It means this customer.
    Customer(CustomerId),
    /// It means none of the candidates but a new customer.
    Create,
    /// Skip it.
    Skip,
}

/// A decision with the line on which it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionLine {
    pub choice: Choice,
    pub line: u64,
}

/// What the user decided about ambiguous rows, by their match keys: row numbers may have changed since.
#[derive(Debug, Clone, Default)]
pub struct UserChoices {
    /// As the user named it.
    pub file: String,
    by_key: BTreeMap<DecisionKey, DecisionLine>,
}

type DecisionKey = (String, String);

impl UserChoices {
    /// Reads a decisions file in any encoding and with any separator that a spreadsheet saves.
    ///
    /// # Errors
    /// When it cannot be read, lacks a column, or holds an invalid decision.
    pub fn read(input: &InputFile) -> Result<Self, DecisionsError> {
        let mut reader = Reader::open(input, &SourceSettings::default(), 0, RowNumber(1))?;
        let file = input.name.clone();
        let position = |name: &'static str| {
            let position = reader.columns().position(name);
            position.ok_or_else(|| DecisionsError::NoColumn {
                file: file.clone(),
                column: name,
            })
        };
        let positions = (position(USER_ID)?, position(EMAIL)?, position(DECISION)?);
        let mut decisions = Self {
            file,
            by_key: BTreeMap::new(),
        };
        while let Some(record) = reader.next_record()? {
            match record {
                Record::Row(row) => decisions.add(&row, positions)?,
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

    fn add(
        &mut self,
        row: &Row,
        (user_id, email, decision): (usize, usize, usize),
    ) -> Result<(), DecisionsError> {
        let cell = |position| match row.cell_at(position) {
            Some(Cell::Text(text)) => text.trim(),
            _ => "",
        };
        let bad = |position: usize, name, problem: &str| DecisionsError::BadCell {
            file: self.file.clone(),
            line: row.position.line,
            column: position + 1,
            name,
            problem: problem.to_owned(),
        };
        if cell(decision).is_empty() {
            return Ok(());
        }
        let choice = choice(cell(decision)).ok_or_else(|| {
            let problem =
                "is neither the id of a candidate nor `create` or `skip`; leave it empty if you have not decided yet";
            bad(decision, DECISION, problem)
        })?;
        let key = (
            cell(user_id).to_owned(),
            fold_email(cell(email)).into_owned(),
        );
        if key.0.is_empty() && key.1.is_empty() {
            let problem = "is empty, and so is `email`; hcsync needs one of them to find the row";
            return Err(bad(user_id, USER_ID, problem));
        }
        let decision_line = DecisionLine {
            choice,
            line: row.position.line,
        };
        let earlier = self.by_key.entry(key).or_insert(decision_line);
        if earlier.choice != choice {
            let problem = format!(
                "contradicts the decision on line {} for the same key",
                earlier.line
            );
            return Err(bad(decision, DECISION, &problem));
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Returns the decision for a row with this key.
    pub fn of(&self, key: &RowKey) -> Option<DecisionLine> {
        if self.by_key.is_empty() {
            return None;
        }
        let user_id = key.user_id.as_deref().unwrap_or_default().trim();
        let email = fold_email(key.email.as_deref().unwrap_or_default()).into_owned();
        // In `ambiguous.csv` a `'` stands before a key that a spreadsheet would take for a formula.
        let defused = (defuse(user_id).into_owned(), defuse(&email).into_owned());
        let exact = (user_id.to_owned(), email);
        let decision = self.by_key.get(&exact);
        decision.or_else(|| self.by_key.get(&defused)).copied()
    }

    /// Returns all decisions in the order of the file.
    pub fn in_order(&self) -> Vec<DecisionLine> {
        let mut all: Vec<DecisionLine> = self.by_key.values().copied().collect();
        all.sort_by_key(|decision| decision.line);
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

    fn read(text: &str) -> Result<UserChoices, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.csv");
        std::fs::write(&path, text).unwrap();
        UserChoices::read(&InputFile::new("d.csv", path)).map_err(|e| e.to_string())
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
    fn invalid_decisions_are_refused_with_line_and_column() {
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
                "d.csv:4: column 3 (`decision`): contradicts the decision on line 2",
            ),
            ("userId,email,decision\nu,5\n", "d.csv:2: "),
            ("", "`d.csv` is empty"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(message), "{text:?}: {error}");
        }
    }
}
