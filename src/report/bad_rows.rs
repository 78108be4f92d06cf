use std::collections::HashMap;

use serde::Serialize;

use crate::domain::{Issue, IssueKind, Position};
use crate::plan::causes::normalised;

/// Bad rows of one kind that the text lists; JSON holds more.
pub(super) const LISTED: usize = 10;
/// Bad rows that are kept altogether, so that a file of nothing else takes no more memory than this.
pub(super) const MOST_KEPT: usize = 100_000;
/// Kinds that are kept apart.
const MOST_KINDS: usize = 1_000;

/// Rows that are bad in one and the same way.
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
    /// Shortened.
    pub cell: Option<String>,
    /// What is wrong with it, where that differs from the first of them, as a place in the row does.
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
}

impl BadRowList {
    /// A row is bad; `issues` come one after another with [`add`](Self::add).
    pub fn row(&mut self) {
        self.rows += 1;
    }

    /// One thing that is wrong with a row, and the cell that is to blame.
    pub fn add(&mut self, issue: &Issue, source: &str, position: Position, cell: Option<&str>) {
        let kind = (
            issue.kind,
            issue.code.clone(),
            issue.column.clone(),
            normalised(&issue.message),
        );
        let index = match self.kinds.get(&kind) {
            Some(index) => *index,
            None if self.bad.len() >= MOST_KINDS => self.kind_of(&others(issue.kind)),
            None => self.kind_of(issue),
        };
        let Some(bad) = self.bad.get_mut(index) else {
            return;
        };
        bad.count += 1;
        // Whatever else there is, the first ones of each kind are kept.
        if self.kept < MOST_KEPT || bad.rows.len() < LISTED {
            self.kept += 1;
            bad.rows.push(BadRow {
                source: source.to_owned(),
                line: position.line,
                row: position.row.0,
                cell: cell.map(str::to_owned),
                message: (bad.message != issue.message).then(|| issue.message.clone()),
            });
        }
    }

    /// The place of an issue's kind, which is made where it is new.
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

/// Stands for the kinds that are too many to be kept apart.
fn others(kind: IssueKind) -> Issue {
    Issue::new(kind, "other", "other problems, too many to list apart")
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
