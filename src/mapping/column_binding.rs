use std::collections::{HashMap, HashSet};

use super::schema_error::{Nearest, SchemaError};
use crate::domain::{Cell, Cells, Columns, Row, looks_like};

/// A column with its position in each input of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnBinding {
    /// The name in the config or in the first input that has the column.
    label: String,
    /// Per input, the position of the column; `None` if the input does not have it.
    positions: Vec<Option<ColumnPosition>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ColumnPosition {
    index: usize,
    name: String,
}

impl ColumnBinding {
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// The distinct names of the column in all inputs.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names = vec![self.label()];
        for position in self.positions.iter().flatten() {
            if !names.contains(&position.name.as_str()) {
                names.push(&position.name);
            }
        }
        names
    }

    /// The column's name in the row's own input. Inputs may write the name of one field differently.
    pub(super) fn name_for(&self, row: &Row) -> &str {
        self.position(row)
            .map_or(&self.label, |position| &position.name)
    }

    fn position(&self, row: &Row) -> Option<&ColumnPosition> {
        let position = self.positions.get(usize::from(row.position.source))?;
        position.as_ref()
    }

    /// The cell of a row, or `None` if its input has no such column.
    pub(super) fn cell<'r>(&self, row: &'r Row) -> Option<Cell<'r>> {
        let position = self.position(row)?;
        match &row.cells {
            Cells::Table { .. } => row.cell_at(position.index),
            Cells::Object(_) => row.cell(&position.name),
        }
    }
}

/// An index of the columns of all inputs by name: an input may have thousands of columns.
#[derive(Debug)]
pub(super) struct ColumnIndex<'a> {
    inputs: &'a [&'a Columns],
    /// Per input, the indexes of the columns with a name.
    by_name: Vec<HashMap<&'a str, Vec<usize>>>,
}

impl<'a> ColumnIndex<'a> {
    pub(super) fn new(inputs: &'a [&'a Columns]) -> Self {
        let positions = |columns: &&'a Columns| {
            let mut positions: HashMap<&str, Vec<usize>> = HashMap::new();
            for (index, name) in columns.names().iter().enumerate() {
                positions.entry(name).or_default().push(index);
            }
            positions
        };
        Self {
            inputs,
            by_name: inputs.iter().map(positions).collect(),
        }
    }
}

/// The columns of all inputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct InputColumns<'a>(pub(super) &'a ColumnIndex<'a>);

impl<'a> InputColumns<'a> {
    /// Whether no columns are known because there is no input, or none with a record or a header. Then names cannot be
    /// checked, and there are no rows.
    pub(super) fn are_unknown(&self) -> bool {
        self.0.by_name.iter().all(HashMap::is_empty)
    }

    /// Whether the config may use a column that no input has, because JSON records can omit members.
    pub(super) fn may_omit_columns(&self) -> bool {
        self.0
            .inputs
            .iter()
            .any(|columns| columns.is_from_objects())
    }

    /// The distinct column names in order.
    pub(super) fn names(&self) -> Vec<&'a str> {
        let mut seen = HashSet::new();
        let all = self.0.inputs.iter().flat_map(|columns| columns.names());
        all.map(String::as_str)
            .filter(|name| seen.insert(*name))
            .collect()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.by_name.iter().any(|names| names.contains_key(name))
    }

    /// The columns of one input that have this name or, if there is none, one that looks the same.
    fn candidates(&self, input: usize, column: &str) -> Vec<(usize, &'a str)> {
        let exact = self
            .0
            .by_name
            .get(input)
            .and_then(|names| names.get(column));
        let names = self
            .0
            .inputs
            .get(input)
            .map_or(&[][..], |columns| columns.names());
        let all = names.iter().map(String::as_str).enumerate();
        match exact {
            Some(indexes) => {
                let named = |index: &usize| Some((*index, names.get(*index)?.as_str()));
                indexes.iter().filter_map(named).collect()
            }
            None => all.filter(|(_, name)| looks_like(name, column)).collect(),
        }
    }

    /// Binds the column that the config names.
    ///
    /// # Errors
    /// If no input has the column, unless records may omit it, or if one input has it twice.
    pub(super) fn named(
        &self,
        attribute: &str,
        column: &str,
    ) -> Result<ColumnBinding, SchemaError> {
        let inputs = 0..self.0.inputs.len();
        let candidates: Vec<_> = inputs.map(|input| self.candidates(input, column)).collect();
        let exists = candidates.iter().any(|positions| !positions.is_empty());
        if !self.are_unknown() && !self.may_omit_columns() && !exists {
            return Err(SchemaError::NoSuchColumn {
                attribute: attribute.to_owned(),
                column: column.to_owned(),
                nearest: Nearest::among(column, self.names()),
            });
        }
        let label = match candidates.iter().flatten().next() {
            Some((_, name)) if !self.has(column) => *name,
            Some(_) | None => column,
        };
        let label = label.to_owned();
        let mut positions = Vec::with_capacity(candidates.len());
        for columns in candidates {
            positions.push(single_position(attribute, columns.into_iter())?);
        }
        Ok(ColumnBinding { label, positions })
    }

    /// Binds the column of each input whose name `matches`. Returns `None` if there is none.
    ///
    /// # Errors
    /// If two columns of one input match.
    pub(super) fn matching(
        &self,
        attribute: &str,
        matches: impl Fn(&str) -> bool,
    ) -> Result<Option<ColumnBinding>, SchemaError> {
        let mut positions = Vec::with_capacity(self.0.inputs.len());
        for columns in self.0.inputs {
            let all = columns.names().iter().map(String::as_str).enumerate();
            positions.push(single_position(
                attribute,
                all.filter(|(_, name)| matches(name)),
            )?);
        }
        let label = positions.iter().flatten().next().map(|p| p.name.clone());
        Ok(label.map(|label| ColumnBinding { label, positions }))
    }

    /// Binds all columns to which `group` gives a name, in order. `attribute` turns that name into the one in reports.
    ///
    /// # Errors
    /// If two columns of one input get the same name.
    pub(super) fn grouped(
        &self,
        group: impl Fn(&str) -> Option<&str>,
        attribute: impl Fn(&str) -> String,
    ) -> Result<Vec<(String, ColumnBinding)>, SchemaError> {
        let inputs = self.0.inputs.len();
        let mut order: HashMap<&str, usize> = HashMap::new();
        let mut bindings: Vec<(String, ColumnBinding)> = Vec::new();
        for (input, columns) in self.0.inputs.iter().enumerate() {
            for (index, column) in columns.names().iter().enumerate() {
                let Some(name) = group(column) else {
                    continue;
                };
                let binding = *order.entry(name).or_insert(bindings.len());
                if binding == bindings.len() {
                    let (label, positions) = (column.clone(), vec![None; inputs]);
                    bindings.push((name.to_owned(), ColumnBinding { label, positions }));
                }
                let positions = bindings
                    .get_mut(binding)
                    .map(|(_, binding)| &mut binding.positions);
                let Some(position) = positions.and_then(|positions| positions.get_mut(input))
                else {
                    continue;
                };
                if let Some(ColumnPosition { index: first, name }) = position {
                    let both = [(*first, name.as_str()), (index, column)];
                    single_position(
                        &attribute(group(column).unwrap_or(column)),
                        both.into_iter(),
                    )?;
                }
                let name = column.clone();
                *position = Some(ColumnPosition { index, name });
            }
        }
        Ok(bindings)
    }
}

/// The position of the only column among those that match, or `None` if none matches.
///
/// # Errors
/// If several columns match.
fn single_position<'n>(
    attribute: &str,
    mut matching: impl Iterator<Item = (usize, &'n str)>,
) -> Result<Option<ColumnPosition>, SchemaError> {
    let Some((index, name)) = matching.next() else {
        return Ok(None);
    };
    match matching.next() {
        None => Ok(Some(ColumnPosition {
            index,
            name: name.to_owned(),
        })),
        Some((second, other)) if name == other => Err(SchemaError::ColumnTwice {
            attribute: attribute.to_owned(),
            column: name.to_owned(),
            first: index + 1,
            second: second + 1,
        }),
        Some((_, other)) => Err(SchemaError::TwoColumns {
            attribute: attribute.to_owned(),
            first: name.to_owned(),
            second: other.to_owned(),
        }),
    }
}
