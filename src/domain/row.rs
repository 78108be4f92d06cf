use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Issue, RowNumber};

/// Position of a record in the inputs of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Index of the input among those of the run, from 0.
    pub source: u16,
    /// Number of the record across all inputs.
    pub row: RowNumber,
    /// Physical line on which the record starts in its input, from 1; the header counts.
    pub line: u64,
}

/// The names of an input's columns, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    names: Vec<String>,
    kind: ColumnsKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum ColumnsKind {
    #[default]
    Text,
    Objects,
    Sheet,
}

impl Columns {
    pub fn new(names: Vec<String>) -> Self {
        Self {
            names,
            kind: ColumnsKind::Text,
        }
    }

    /// The members of JSON objects: every name that at least one record has.
    pub fn of_objects(names: Vec<String>) -> Self {
        Self {
            names,
            kind: ColumnsKind::Objects,
        }
    }

    /// The columns of a workbook, or of its rejected rows. A date cell comes as ISO, whatever the format of text cells.
    pub fn of_sheet(names: Vec<String>) -> Self {
        Self {
            names,
            kind: ColumnsKind::Sheet,
        }
    }

    pub fn is_from_sheet(&self) -> bool {
        self.kind == ColumnsKind::Sheet
    }

    /// Whether the config may name further columns: a member that no object has is just absent everywhere.
    pub fn is_from_objects(&self) -> bool {
        self.kind == ColumnsKind::Objects
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }
}

/// The bytes of a record in the input's own encoding, without the line end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawRecord(pub Vec<u8>);

/// The texts of a record's cells, in one allocation.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    text: String,
    /// Where each cell is in `text`.
    spans: Vec<Range<u32>>,
}

impl Texts {
    /// The cells of a record, which stand there in it. `count`: how many there are.
    pub fn of_record(
        record: &str,
        count: usize,
        cells: impl Iterator<Item = Range<usize>>,
    ) -> Self {
        let mut spans = Vec::with_capacity(count);
        spans.extend(cells.map(|cell| index(cell.start)..index(cell.end)));
        let text = record.to_owned();
        Self { text, spans }
    }

    pub fn push(&mut self, text: &str) {
        let start = index(self.text.len());
        self.text.push_str(text);
        self.spans.push(start..index(self.text.len()));
    }

    pub fn get(&self, index: usize) -> Option<&str> {
        let span = self.spans.get(index)?;
        self.text.get(span.start as usize..span.end as usize)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.spans.len()).map(|index| self.get(index).unwrap_or_default())
    }

    /// Whether all cells are blank.
    pub fn are_blank(&self) -> bool {
        self.iter().all(|text| text.trim().is_empty())
    }
}

impl PartialEq for Texts {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: AsRef<str>> FromIterator<T> for Texts {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        let mut all = Self::default();
        texts.into_iter().for_each(|text| all.push(text.as_ref()));
        all
    }
}

/// A record is never as long as this can say.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The cells of one record.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// CSV, TSV, xlsx: one text per column.
    Table { columns: Arc<Columns>, texts: Texts },
    /// JSONL, JSON: the object's members.
    Object(Map<String, Value>),
}

/// A record's value in one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// A cell without a type, as in CSV.
    Text(&'a str),
    /// A workbook's cell of type text.
    TypedText(&'a str),
    /// A workbook's cell of type number, as its digits.
    Number(&'a str),
    Json(&'a Value),
}

/// The type of a workbook's cell.
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
    /// The bytes of the record; `None` if its texts have them as they are.
    pub raw: Option<RawRecord>,
    /// Problems of single cells of a workbook, each with its column. They count only if the column is used.
    pub flaws: Vec<Issue>,
    /// Types of a workbook's cells, by column. Cells beyond its end are untyped, as are those of other inputs.
    pub kinds: Vec<CellKind>,
}

impl Row {
    /// The bytes of the record.
    pub fn raw(&self) -> &[u8] {
        match (&self.raw, &self.cells) {
            (Some(raw), _) => &raw.0,
            (None, Cells::Table { texts, .. }) => texts.text.as_bytes(),
            (None, Cells::Object(_)) => &[],
        }
    }

    /// The bytes of the record.
    pub fn into_raw(self) -> RawRecord {
        match (self.raw, self.cells) {
            (Some(raw), _) => raw,
            (None, Cells::Table { texts, .. }) => RawRecord(texts.text.into_bytes()),
            (None, Cells::Object(_)) => RawRecord::default(),
        }
    }

    /// The cell in a column, or `None` if the record has no such column or member.
    ///
    /// In an object, a name that is no member is read as a dotted path: `customData.plan`.
    pub fn cell(&self, name: &str) -> Option<Cell<'_>> {
        match &self.cells {
            Cells::Table { columns, .. } => self.cell_at(columns.position(name)?),
            Cells::Object(members) => dotted(members, name).map(Cell::Json),
        }
    }

    /// The cell at a column's index, from 0: faster than by name. `None` for objects, whose members have no order.
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
            raw: None,
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
