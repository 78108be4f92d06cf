use std::collections::BTreeSet;

use crate::domain::{Cell, DesiredCustomer, Issue, Repairs, Row, RowKey, visible};

/// One row after mapping.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MappedRow<T = String> {
    /// What the row wants; `None` if it has issues or is left out.
    pub desired: Option<DesiredCustomer<T>>,
    /// Whether `[rows] where` leaves the row out. Then nothing else of it is read.
    pub is_filtered: bool,
    /// Everything that is wrong with the row; empty if `desired` is `Some`.
    pub issues: Vec<Issue>,
    /// The cells that the issues are about. They hold personal data and must not be logged.
    pub cells: Vec<BlamedCell>,
    /// The match keys of a row with issues, as far as they could be read.
    pub rejected_key: RowKey,
    /// Counts of repaired cells.
    pub repairs: Repairs,
    /// The attributes that are left out because of `on_invalid = "skip"`.
    pub left_out: Vec<OmittedAttribute>,
}

/// An attribute that is left out of its row because its value is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OmittedAttribute {
    /// As reports name it: `phone`, `customData.plan`.
    pub attribute: String,
    /// What is wrong with the value.
    pub issue: Issue,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlamedCell {
    pub column: String,
    /// Shortened, with invisible characters escaped.
    pub text: String,
}

impl<T: Into<String>> MappedRow<T> {
    /// Copies what is borrowed from the row.
    #[must_use]
    pub fn into_owned(self) -> MappedRow {
        MappedRow {
            desired: self.desired.map(DesiredCustomer::into_owned),
            is_filtered: self.is_filtered,
            issues: self.issues,
            cells: self.cells,
            rejected_key: self.rejected_key,
            repairs: self.repairs,
            left_out: self.left_out,
        }
    }
}

impl<T: Default> MappedRow<T> {
    pub(super) fn filtered() -> Self {
        Self {
            is_filtered: true,
            ..Self::default()
        }
    }

    pub(super) fn accepted(
        desired: DesiredCustomer<T>,
        repairs: Repairs,
        left_out: Vec<OmittedAttribute>,
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
            is_filtered: false,
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
