use std::collections::{HashMap, HashSet};

use super::schema_error::{Nearest, SchemaError};
use crate::domain::{Cell, Cells, Columns, Row, looks_like};

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

/// The names of all inputs' columns, looked up once: an input may have thousands of columns, each of which is mapped.
#[derive(Debug)]
pub(super) struct Index<'a> {
    inputs: &'a [&'a Columns],
    /// For each input the places of a name.
    by_name: Vec<HashMap<&'a str, Vec<usize>>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(inputs: &'a [&'a Columns]) -> Self {
        let places = |columns: &&'a Columns| {
            let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
            for (index, name) in columns.names().iter().enumerate() {
                places.entry(name).or_default().push(index);
            }
            places
        };
        Self {
            inputs,
            by_name: inputs.iter().map(places).collect(),
        }
    }
}

/// The columns of all inputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inputs<'a>(pub(super) &'a Index<'a>);

impl<'a> Inputs<'a> {
    /// Whether nothing is known of the columns: no input was given, or none holds a record or a header. Names
    /// cannot be checked then, and no row will come.
    pub(super) fn are_unknown(&self) -> bool {
        self.0.by_name.iter().all(HashMap::is_empty)
    }

    /// Whether a column that no input has may be named: records of JSON leave out what they have nothing to say of.
    pub(super) fn may_lack(&self) -> bool {
        self.0.inputs.iter().any(|columns| columns.are_of_objects())
    }

    /// All column names, once each, in order.
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

    /// Where an input has the column that the config names: by that very name, or else by one that looks like it.
    fn places(&self, input: usize, column: &str) -> Vec<(usize, &'a str)> {
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

    /// The column that the config names.
    ///
    /// # Errors
    /// When no input has it, and none may lack it, or one has it twice.
    pub(super) fn named(&self, attribute: &str, column: &str) -> Result<Slot, SchemaError> {
        let inputs = 0..self.0.inputs.len();
        let found: Vec<_> = inputs.map(|input| self.places(input, column)).collect();
        let is_there = found.iter().any(|places| !places.is_empty());
        if !self.are_unknown() && !self.may_lack() && !is_there {
            return Err(SchemaError::NoSuchColumn {
                attribute: attribute.to_owned(),
                column: column.to_owned(),
                nearest: Nearest::among(column, self.names()),
            });
        }
        let label = match found.iter().flatten().next() {
            Some((_, name)) if !self.has(column) => *name,
            Some(_) | None => column,
        };
        let label = label.to_owned();
        let mut places = Vec::with_capacity(found.len());
        for found in found {
            places.push(only_place(attribute, found.into_iter())?);
        }
        Ok(Slot { label, places })
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
        let mut places = Vec::with_capacity(self.0.inputs.len());
        for columns in self.0.inputs {
            let all = columns.names().iter().map(String::as_str).enumerate();
            places.push(only_place(attribute, all.filter(|(_, name)| fits(name)))?);
        }
        let label = places.iter().flatten().next().map(|p| p.name.clone());
        Ok(label.map(|label| Slot { label, places }))
    }

    /// The columns that `group` gives a name, by that name and in the order in which they come.
    ///
    /// # Errors
    /// When two columns of one input get the same name; `attribute` is what reports call it.
    pub(super) fn grouped(
        &self,
        group: impl Fn(&str) -> Option<&str>,
        attribute: impl Fn(&str) -> String,
    ) -> Result<Vec<(String, Slot)>, SchemaError> {
        let inputs = self.0.inputs.len();
        let mut order: HashMap<&str, usize> = HashMap::new();
        let mut slots: Vec<(String, Slot)> = Vec::new();
        for (input, columns) in self.0.inputs.iter().enumerate() {
            for (index, column) in columns.names().iter().enumerate() {
                let Some(name) = group(column) else {
                    continue;
                };
                let slot = *order.entry(name).or_insert(slots.len());
                if slot == slots.len() {
                    let (label, places) = (column.clone(), vec![None; inputs]);
                    slots.push((name.to_owned(), Slot { label, places }));
                }
                let places = slots.get_mut(slot).map(|(_, slot)| &mut slot.places);
                let Some(place) = places.and_then(|places| places.get_mut(input)) else {
                    continue;
                };
                if let Some(Place { index: first, name }) = place {
                    let both = [(*first, name.as_str()), (index, column)];
                    only_place(
                        &attribute(group(column).unwrap_or(column)),
                        both.into_iter(),
                    )?;
                }
                let name = column.clone();
                *place = Some(Place { index, name });
            }
        }
        Ok(slots)
    }
}

fn only_place<'n>(
    attribute: &str,
    mut fitting: impl Iterator<Item = (usize, &'n str)>,
) -> Result<Option<Place>, SchemaError> {
    let Some((index, name)) = fitting.next() else {
        return Ok(None);
    };
    match fitting.next() {
        None => Ok(Some(Place {
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
