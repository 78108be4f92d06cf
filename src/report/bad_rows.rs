use std::collections::HashMap;

use serde::Serialize;

use crate::domain::{Issue, IssueKind, without_cells};
use crate::plan::causes::normalised;
use crate::plan::previewer::Place;

/// Bad rows of each kind that are always kept.
pub(super) const MIN_KEPT: usize = 10;
/// Bad rows that are kept in total, so that memory stays bounded for a file of bad rows only.
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
    /// The first of them, in the order of the input.
    pub rows: Vec<BadRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    pub source: String,
    pub line: u64,
    pub row: u64,
    /// The bad cell, shortened.
    pub cell: Option<String>,
    /// What is wrong with it, if the message differs from that of the first row, for example in a row number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

type Kind = (IssueKind, String, Option<String>, String);

/// Gathers bad rows by what is wrong with them, in bounded memory.
#[derive(Debug, Default)]
pub struct BadRowList {
    kinds: HashMap<Kind, usize>,
    bad: Vec<BadRows>,
    kept: usize,
    rows: u64,
    hides_cells: bool,
}

impl BadRowList {
    /// A list that shows no cells, neither as such nor in messages.
    #[must_use]
    pub fn without_cells() -> Self {
        Self {
            hides_cells: true,
            ..Self::default()
        }
    }

    /// Counts a bad row; each of its problems comes with [`add`](Self::add).
    pub fn row(&mut self) {
        self.rows += 1;
    }

    /// Adds a problem of a row, and the bad cell.
    pub fn add(&mut self, issue: &Issue, place: Place<'_>, cell: Option<&str>) {
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
        let kind = (
            issue.kind,
            issue.code.clone(),
            issue.column.clone(),
            normalised(&issue.message),
        );
        let index = match self.kinds.get(&kind) {
            Some(index) => *index,
            None if self.bad.len() >= MAX_KINDS => self.kind_of(&others(issue.kind)),
            None => self.kind_of(issue),
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
    fn kind_of(&mut self, issue: &Issue) -> usize {
        let key = (
            issue.kind,
            issue.code.clone(),
            issue.column.clone(),
            normalised(&issue.message),
        );
        let next = self.bad.len();
        let index = *self.kinds.entry(key).or_insert(next);
        if index == next {
            self.bad.push(BadRows::of(issue));
        }
        index
    }

    /// Bad rows so far; each counts once.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The kinds, most rows first.
    #[must_use]
    pub fn finish(self) -> Vec<BadRows> {
        let mut bad = self.bad;
        let first = |b: &BadRows| b.rows.first().map_or(0, |row| row.row);
        bad.sort_by_key(|b| (std::cmp::Reverse(b.count), first(b)));
        bad
    }
}

/// Stands for the kinds that are too many to be listed separately.
fn others(kind: IssueKind) -> Issue {
    Issue::new(kind, "other", "other problems, too many to list")
}

impl BadRows {
    fn of(issue: &Issue) -> Self {
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
