use std::collections::BTreeSet;

use crate::domain::{Cell, DesiredCustomer, Issue, Repairs, Row, RowKey, visible};

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapped {
    /// What the row wants; nothing where it has an issue.
    pub desired: Option<DesiredCustomer>,
    /// All that is wrong with the row; empty exactly where `desired` is there.
    pub issues: Vec<Issue>,
    /// The cells that the issues blame. They hold personal data: for whoever asked to see it, never for a log.
    pub cells: Vec<BlamedCell>,
    /// The match keys of a row with issues, as far as they could be read.
    pub rejected_key: RowKey,
    /// Damaged cells of a good row that were put right.
    pub repairs: Repairs,
    /// What a row that is wanted goes without, since `on_invalid` says so.
    pub left_out: Vec<LeftOut>,
}

/// An attribute whose value does not fit, and that is left out of its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// As reports name it: `phone`, `customData.plan`.
    pub attribute: String,
    /// What is wrong with the value.
    pub issue: Issue,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlamedCell {
    pub column: String,
    /// Shortened, with everything escaped that cannot be seen.
    pub text: String,
}

impl Mapped {
    /// The row's match keys, also where it is rejected.
    #[must_use]
    pub fn key(&self) -> &RowKey {
        self.desired
            .as_ref()
            .map_or(&self.rejected_key, |desired| &desired.key)
    }

    pub(super) fn wanted(
        desired: DesiredCustomer,
        repairs: Repairs,
        left_out: Vec<LeftOut>,
    ) -> Self {
        Self {
            desired: Some(desired),
            repairs,
            left_out,
            ..Self::default()
        }
    }

    pub(super) fn rejected(row: &Row, key: RowKey, issues: Vec<Issue>) -> Self {
        let columns: BTreeSet<&str> = issues.iter().filter_map(|i| i.column.as_deref()).collect();
        let cells = columns.into_iter().filter_map(|column| {
            Some(BlamedCell {
                column: column.to_owned(),
                text: shortened(row.cell(column)?),
            })
        });
        Self {
            desired: None,
            cells: cells.collect(),
            issues,
            rejected_key: key,
            repairs: Repairs::default(),
            left_out: Vec::new(),
        }
    }
}

fn shortened(cell: Cell<'_>) -> String {
    match cell {
        Cell::Text(text) | Cell::TypedText(text) | Cell::Number(text) => visible(text),
        Cell::Json(json) => visible(&json.to_string()),
    }
}
