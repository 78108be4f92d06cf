use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Issue, RowNumber};

/// Where a record stands in the inputs of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Index of the input among those of the run, from 0.
    pub source: u16,
    /// Number of the record over all inputs.
    pub row: RowNumber,
    /// Physical line on which the record starts, in its own input, from 1; a header line counts.
    pub line: u64,
}

/// The names of an input's columns, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    names: Vec<String>,
    of_objects: bool,
    of_sheet: bool,
}

impl Columns {
    #[must_use]
    pub fn new(names: Vec<String>) -> Self {
        Self {
            names,
            of_objects: false,
            of_sheet: false,
        }
    }

    /// The names of the members that some record of an input of objects has.
    #[must_use]
    pub fn of_objects(names: Vec<String>) -> Self {
        Self {
            names,
            of_objects: true,
            of_sheet: false,
        }
    }

    /// Columns of a workbook, or of its rows that are fed back: a cell that is a date comes as ISO, however the texts
    /// beside it are written.
    #[must_use]
    pub fn of_sheet(names: Vec<String>) -> Self {
        Self {
            of_sheet: true,
            ..Self::new(names)
        }
    }

    #[must_use]
    pub fn are_of_sheet(&self) -> bool {
        self.of_sheet
    }

    /// Whether a name that is not among them may still be meant: a member that no object has says nothing.
    #[must_use]
    pub fn are_of_objects(&self) -> bool {
        self.of_objects
    }

    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }
}

/// The bytes of a record as they stood in the input, without the line end, in the input's own encoding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawRecord(pub Vec<u8>);

/// The texts of a record's cells, which share one allocation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    text: String,
    /// Where each ends in `text`.
    ends: Vec<usize>,
}

impl Texts {
    /// None so far, with room for as many texts and as many bytes.
    #[must_use]
    pub fn with_capacity(texts: usize, bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            ends: Vec::with_capacity(texts),
        }
    }

    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    #[must_use]
    pub fn get(&self, index: usize) -> Option<&str> {
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..*self.ends.get(index)?)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len()).map(|index| self.get(index).unwrap_or_default())
    }

    /// Whether all of them are blank.
    #[must_use]
    pub fn are_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

impl<T: AsRef<str>> FromIterator<T> for Texts {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        let mut all = Self::default();
        texts.into_iter().for_each(|text| all.push(text.as_ref()));
        all
    }
}

/// The cells of one record.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// CSV, TSV, xlsx: one text for each column.
    Table { columns: Arc<Columns>, texts: Texts },
    /// JSONL, JSON: the object's members.
    Object(Map<String, Value>),
}

/// What a record holds under one column name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// A cell without a type of its own, as of CSV.
    Text(&'a str),
    /// A cell of a workbook that is known to be text, and one that is known to be a number, as its digits.
    TypedText(&'a str),
    Number(&'a str),
    Json(&'a Value),
}

/// What is known of the type of a workbook's cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CellKind {
    #[default]
    Untyped,
    Text,
    Number,
}

/// One well-formed record of an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub position: Position,
    pub cells: Cells,
    pub raw: RawRecord,
    /// What is wrong with single cells of a workbook, each with its column: it matters where the column is used.
    pub flaws: Vec<Issue>,
    /// The kinds of a workbook's cells, in their order; cells beyond its end are untyped, and so are those of other inputs.
    pub kinds: Vec<CellKind>,
}

impl Row {
    /// The cell under a column name, or nothing where the record has no such column or member.
    ///
    /// In an object a name that is no member of its own is read as a dotted path: `customData.plan`.
    #[must_use]
    pub fn cell(&self, name: &str) -> Option<Cell<'_>> {
        match &self.cells {
            Cells::Table { columns, .. } => self.cell_at(columns.position(name)?),
            Cells::Object(members) => dotted(members, name).map(Cell::Json),
        }
    }

    /// The cell at a column's index, from 0: the quick way for whoever resolved the name before. Nothing for an
    /// object, whose members have no order.
    #[must_use]
    pub fn cell_at(&self, index: usize) -> Option<Cell<'_>> {
        match &self.cells {
            Cells::Table { texts, .. } => {
                let text = texts.get(index)?;
                Some(match self.kinds.get(index).copied().unwrap_or_default() {
                    CellKind::Untyped => Cell::Text(text),
                    CellKind::Text => Cell::TypedText(text),
                    CellKind::Number => Cell::Number(text),
                })
            }
            Cells::Object(_) => None,
        }
    }
}

fn dotted<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = members.get(name) {
        return Some(value);
    }
    name.match_indices('.').find_map(|(at, _)| {
        let (head, rest) = name.split_at(at);
        let inner = members.get(head)?.as_object()?;
        dotted(inner, rest.get(1..)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(json: &str) -> Row {
        let Value::Object(members) = serde_json::from_str(json).unwrap() else {
            panic!()
        };
        let position = Position {
            source: 0,
            row: RowNumber(1),
            line: 1,
        };
        Row {
            flaws: Vec::new(),
            kinds: Vec::new(),
            position,
            cells: Cells::Object(members),
            raw: RawRecord::default(),
        }
    }

    #[test]
    fn dotted_names_reach_into_objects_and_exact_names_win() {
        let row = object(r#"{"a":{"b":1,"c.d":2},"a.b":3,"n":null}"#);
        assert_eq!(row.cell("a.b"), Some(Cell::Json(&Value::from(3))));
        assert_eq!(row.cell("a.c.d"), Some(Cell::Json(&Value::from(2))));
        assert_eq!(row.cell("n"), Some(Cell::Json(&Value::Null)));
        assert_eq!(row.cell("a.x"), None);
        assert_eq!(row.cell("x"), None);
    }

    #[test]
    fn a_table_is_read_by_index_as_by_name() {
        let mut row = object("{}");
        assert_eq!(row.cell_at(0), None);
        row.cells = Cells::Table {
            columns: Arc::new(Columns::new(vec!["a".to_owned(), "b".to_owned()])),
            texts: ["1", "2"].into_iter().collect(),
        };
        assert_eq!(row.cell_at(1), row.cell("b"));
        assert_eq!(row.cell_at(1), Some(Cell::Text("2")));
        assert_eq!(row.cell_at(2), None);
        row.kinds = vec![CellKind::Number];
        assert_eq!(row.cell("a"), Some(Cell::Number("1")));
        assert_eq!(row.cell_at(1), Some(Cell::Text("2")));
    }
}
