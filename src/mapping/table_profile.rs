use std::sync::Arc;

use super::EmptyCells;
use super::profile::ColumnProfile;
use super::source_value::{NullPolicy, SourceValue};
use crate::domain::{Cell, Cells, Columns, Row};

/// The profiles of all columns of one input.
#[derive(Debug, Clone)]
pub struct TableProfile {
    names: Arc<Columns>,
    null_policy: NullPolicy,
    columns: Vec<ColumnProfile>,
}

impl TableProfile {
    /// `null_values`: cell texts that mean "no value".
    #[must_use]
    pub fn new(names: Arc<Columns>, null_values: &[String]) -> Self {
        let columns = vec![ColumnProfile::default(); names.names().len()];
        Self {
            names,
            null_policy: NullPolicy::new(null_values, EmptyCells::Keep),
            columns,
        }
    }

    /// A profile from which a config is proposed.
    #[must_use]
    pub fn for_proposal(names: Arc<Columns>) -> Self {
        let profile = Self::new(names, &[]);
        let columns = profile.columns.into_iter();
        Self {
            columns: columns.map(ColumnProfile::with_hints).collect(),
            ..profile
        }
    }

    pub fn see(&mut self, row: &Row) {
        self.see_values(row);
        self.see_dates(row);
    }

    /// Adds a row to everything that does not depend on the order of the rows. Profiles of different rows can be joined.
    pub fn see_values(&mut self, row: &Row) {
        let named = self.names.names().iter().zip(&mut self.columns);
        for (index, (name, column)) in named.enumerate() {
            let value = self.null_policy.value(cell(row, index, name));
            column.see(&value);
        }
    }

    /// Adds a row to the survey of date formats, whose candidates come from the first rows.
    pub fn see_dates(&mut self, row: &Row) {
        let named = self.names.names().iter().zip(&mut self.columns);
        for (index, (name, column)) in named.enumerate() {
            if column.has_dates_decided() {
                continue;
            }
            if let SourceValue::Scalar(scalar) = self.null_policy.value(cell(row, index, name)) {
                column.see_date(&scalar);
            }
        }
    }

    /// Adds the values of other rows of the same input.
    pub fn join(&mut self, other: &Self) {
        let columns = self.columns.iter_mut().zip(&other.columns);
        columns.for_each(|(column, more)| column.join(more));
    }

    pub fn columns(&self) -> impl Iterator<Item = (&str, &ColumnProfile)> {
        let names = self.names.names().iter().map(String::as_str);
        names.zip(&self.columns)
    }
}

fn cell<'r>(row: &'r Row, index: usize, name: &str) -> Option<Cell<'r>> {
    match &row.cells {
        Cells::Table { .. } => row.cell_at(index),
        Cells::Object(_) => row.cell(name),
    }
}
