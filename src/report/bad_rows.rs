use std::collections::HashMap;

use serde::Serialize;

use crate::domain::{Issue, IssueKind, without_cells};
use crate::plan::RowPlace;
use crate::plan::causes::normalised;

/// Rows of each kind that are always listed.
pub(super) const MIN_KEPT: usize = 10;
/// Rows that are listed in total, so that memory stays bounded for a file of bad rows.
pub(super) const MAX_KEPT: usize = 100_000;
/// Kinds that are listed separately.
const MAX_KINDS: usize = 1_000;

/// Rows with the same problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRows {
    pub kind: IssueKind,
    pub code: String,
    pub column: Option<String>,
    pub message: String,
    pub what_to_do: String,
    pub count: u64,
    /// The first ones, in the order of the input.
    pub rows: Vec<BadRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    pub source: String,
    pub line: u64,
    pub row: u64,
    /// The bad cell, shortened.
    pub cell: Option<String>,
    /// The row's own message, if it differs from that of the first row, for example in a row number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Kind, code, column and message without what differs from row to row.
type ProblemKind = (IssueKind, String, Option<String>, String);

/// Groups bad rows by problem, in bounded memory.
#[derive(Debug, Default)]
pub struct BadRowList {
    kinds: HashMap<ProblemKind, usize>,
    bad: Vec<BadRows>,
    kept: usize,
    rows: u64,
    hides_cells: bool,
}

impl BadRowList {
    /// A list without cells, also in messages.
    pub fn without_cells() -> Self {
        Self {
            hides_cells: true,
            ..Self::default()
        }
    }

    /// Counts a bad row, whose problems are then [added](Self::add).
    pub fn row(&mut self) {
        self.rows += 1;
    }

    /// Adds a problem of a row, with the bad cell.
    pub fn add(&mut self, issue: &Issue, place: RowPlace<'_>, cell: Option<&str>) {
        let hidden;
        let (issue, cell) = if self.hides_cells {
            let message = without_cells(&issue.message).into_owned();
            hidden = Issue {
                message,
                ..issue.clone()
            };
            (&hidden, None)
        } else {
            (issue, cell)
        };
        let is_full = self.bad.len() >= MAX_KINDS;
        let index = match self.kinds.get(&kind_of(issue)) {
            Some(index) => *index,
            None if is_full => self.index_of(&others(issue.kind)),
            None => self.index_of(issue),
        };
        let Some(bad) = self.bad.get_mut(index) else {
            return;
        };
        bad.count += 1;
        if self.kept < MAX_KEPT || bad.rows.len() < MIN_KEPT {
            self.kept += 1;
            bad.rows.push(BadRow {
                source: place.source.to_owned(),
                line: place.line,
                row: place.row.0,
                cell: cell.map(str::to_owned),
                message: (bad.message != issue.message).then(|| issue.message.clone()),
            });
        }
    }

    /// The index of an issue's kind, which is added if it is new.
    fn index_of(&mut self, issue: &Issue) -> usize {
        let next = self.bad.len();
        let index = *self.kinds.entry(kind_of(issue)).or_insert(next);
        if index == next {
            self.bad.push(BadRows::new(issue));
        }
        index
    }

    /// The number of bad rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the kinds, most rows first.
    pub fn finish(self) -> Vec<BadRows> {
        let mut bad = self.bad;
        let first = |b: &BadRows| b.rows.first().map_or(0, |row| row.row);
        bad.sort_by_key(|b| (std::cmp::Reverse(b.count), first(b)));
        bad
    }
}

fn kind_of(issue: &Issue) -> ProblemKind {
    let message = normalised(&issue.message);
    (
        issue.kind,
        issue.code.clone(),
        issue.column.clone(),
        message,
    )
}

/// Stands for the kinds beyond [`MAX_KINDS`].
fn others(kind: IssueKind) -> Issue {
    Issue::new(kind, "other", "other problems, too many to list")
}

impl BadRows {
    fn new(issue: &Issue) -> Self {
        let advice = || super::advice(issue.kind, &issue.code, issue.http_status).to_owned();
        Self {
            kind: issue.kind,
            code: issue.code.clone(),
            column: issue.column.clone(),
            message: issue.message.clone(),
            what_to_do: issue.hint.clone().unwrap_or_else(advice),
            count: 0,
            rows: Vec::new(),
        }
    }
}
