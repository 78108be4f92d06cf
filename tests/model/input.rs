//! An input as plain data, and as the bytes of a CSV or JSON Lines file.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Text(&'static str),
    Whole(i64),
    Flag(bool),
    Texts(Vec<&'static str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormat {
    Csv,
    Jsonl,
}

/// A row says nothing in a column that it does not hold; in CSV every row holds every column, and all are text.
pub(crate) type Row = BTreeMap<String, Cell>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Input {
    pub(crate) format: FileFormat,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

impl Input {
    pub(crate) fn file_name(&self) -> &'static str {
        match self.format {
            FileFormat::Csv => "input.csv",
            FileFormat::Jsonl => "input.jsonl",
        }
    }

    pub(crate) fn to_text(&self) -> String {
        match self.format {
            FileFormat::Csv => self.to_csv(),
            FileFormat::Jsonl => self.rows.iter().map(json_line).collect(),
        }
    }

    /// Rows of a table whose cells are all blank are none.
    pub(crate) fn is_passed_over(&self, row: &Row) -> bool {
        let is_blank = |cell: &Cell| matches!(cell, Cell::Text(text) if text.trim().is_empty());
        self.format == FileFormat::Csv && row.values().all(is_blank)
    }

    fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.columns).unwrap();
        for row in &self.rows {
            let cells = self.columns.iter().map(|column| match row.get(column) {
                Some(Cell::Text(text)) => *text,
                None => "",
                other => panic!("no cell of a CSV file: {other:?}"),
            });
            writer.write_record(cells).unwrap();
        }
        String::from_utf8(writer.into_inner().unwrap()).unwrap()
    }
}

fn json_line(row: &Row) -> String {
    let mut object = Map::new();
    for (column, cell) in row {
        insert(&mut object, column, cell.to_json());
    }
    format!("{}\n", Value::Object(object))
}

/// A dotted name leads into nested objects.
fn insert(object: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            object.insert(name.to_owned(), value);
        }
        Some((outer, inner)) => {
            let nested = object.entry(outer).or_insert_with(|| json!({}));
            insert(nested.as_object_mut().unwrap(), inner, value);
        }
    }
}

impl Cell {
    fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => json!(text),
            Self::Whole(number) => json!(number),
            Self::Flag(flag) => json!(flag),
            Self::Texts(texts) => json!(texts),
        }
    }
}
