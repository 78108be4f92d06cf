use super::schema_error::{Nearest, SchemaError};
use crate::domain::{Cell, Cells, Columns, Row};

/// A column, found once in each input of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    /// The name as the config or the first input that has it writes it.
    label: String,
    /// For each input its place, where it has such a column.
    places: Vec<Option<Place>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    index: usize,
    name: String,
}

impl Slot {
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// All names that the column has in the inputs, once each.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names = vec![self.label()];
        for place in self.places.iter().flatten() {
            if !names.contains(&place.name.as_str()) {
                names.push(&place.name);
            }
        }
        names
    }

    /// The column's name in the row's own input: inputs may write the name of one field differently.
    pub(super) fn name_for(&self, row: &Row) -> &str {
        self.place(row).map_or(&self.label, |place| &place.name)
    }

    fn place(&self, row: &Row) -> Option<&Place> {
        let place = self.places.get(usize::from(row.position.source))?;
        place.as_ref()
    }

    /// The cell of a row, and nothing where its input has no such column.
    pub(super) fn cell<'r>(&self, row: &'r Row) -> Option<Cell<'r>> {
        let place = self.place(row)?;
        match &row.cells {
            Cells::Table { .. } => row.cell_at(place.index),
            Cells::Object(_) => row.cell(&place.name),
        }
    }
}

/// The columns of all inputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inputs<'a>(pub(super) &'a [&'a Columns]);

impl<'a> Inputs<'a> {
    /// Whether nothing is known of the columns: no input was given, or none holds a record or a header. Names
    /// cannot be checked then, and no row will come.
    pub(super) fn are_unknown(&self) -> bool {
        self.0.iter().all(|columns| columns.names().is_empty())
    }

    /// All column names, once each, in order.
    pub(super) fn names(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.0.iter().flat_map(|columns| columns.names()) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|columns| columns.position(name).is_some())
    }

    /// The column that the config names.
    ///
    /// # Errors
    /// When no input has it, or one has it twice.
    pub(super) fn named(&self, attribute: &str, column: &str) -> Result<Slot, SchemaError> {
        if !self.are_unknown() && !self.has(column) {
            return Err(SchemaError::NoSuchColumn {
                attribute: attribute.to_owned(),
                column: column.to_owned(),
                nearest: Nearest::among(column, self.names()),
            });
        }
        let slot = self.matching(attribute, |name| name == column)?;
        Ok(slot.unwrap_or_else(|| Slot {
            label: column.to_owned(),
            places: Vec::new(),
        }))
    }

    /// The column of each input whose name fits; nothing where none does.
    ///
    /// # Errors
    /// When two columns of one input fit.
    pub(super) fn matching(
        &self,
        attribute: &str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Option<Slot>, SchemaError> {
        let mut places = Vec::with_capacity(self.0.len());
        for columns in self.0 {
            places.push(only_place(attribute, columns, &fits)?);
        }
        let label = places.iter().flatten().next().map(|p| p.name.clone());
        Ok(label.map(|label| Slot { label, places }))
    }
}

fn only_place(
    attribute: &str,
    columns: &Columns,
    fits: impl Fn(&str) -> bool,
) -> Result<Option<Place>, SchemaError> {
    let mut fitting = columns.names().iter().enumerate().filter(|(_, n)| fits(n));
    let Some((index, name)) = fitting.next() else {
        return Ok(None);
    };
    match fitting.next() {
        None => Ok(Some(Place {
            index,
            name: name.clone(),
        })),
        Some((second, other)) if name == other => Err(SchemaError::ColumnTwice {
            attribute: attribute.to_owned(),
            column: name.clone(),
            first: index + 1,
            second: second + 1,
        }),
        Some((_, other)) => Err(SchemaError::TwoColumns {
            attribute: attribute.to_owned(),
            first: name.clone(),
            second: other.clone(),
        }),
    }
}
