//! Rows and schemas as the tests of this module write them.

use std::sync::Arc;

use serde::Deserialize;

use super::{FieldRules, MappingSettings, PropertyRules, Schema, SchemaError, TagSettings};
use crate::domain::{Cells, Columns, DesiredCustomer, KeyField, Position, Row, RowNumber};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    fields: Option<FieldRules>,
    custom_data: Option<PropertyRules>,
    tags: Option<TagSettings>,
    rows: Rows,
    input: Input,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Rows {
    empty_cells: super::EmptyCells,
    #[serde(rename = "where")]
    row_filter: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Input {
    null_values: Vec<String>,
    repair: super::Repair,
    timezone: Option<String>,
}

pub(super) const KEYS: [KeyField; 2] = [KeyField::UserId, KeyField::Email];

pub(super) fn settings(config: &str) -> MappingSettings {
    let file: File = toml::from_str(config).unwrap();
    MappingSettings {
        fields: file.fields,
        custom_data: file.custom_data,
        tags: file.tags,
        empty_cells: file.rows.empty_cells,
        null_values: file.input.null_values,
        repair: file.input.repair,
        timezone: file.input.timezone,
        row_filter: file.rows.row_filter,
    }
}

pub(super) fn columns(names: &[&str]) -> Columns {
    Columns::new(names.iter().map(|&name| name.to_owned()).collect())
}

pub(super) fn schema(config: &str, names: &[&str]) -> Result<Schema, SchemaError> {
    Schema::new(&settings(config), &KEYS, &[&columns(names)])
}

fn row(source: u16, cells: Cells) -> Row {
    let position = Position {
        source,
        row: RowNumber(1),
        line: 2,
    };
    Row {
        flaws: Vec::new(),
        kinds: Vec::new(),
        position,
        cells,
        raw: None,
    }
}

pub(super) fn table_of(source: u16, cells: &[(&str, &str)]) -> Row {
    let names: Vec<&str> = cells.iter().map(|(name, _)| *name).collect();
    let cells = Cells::Table {
        columns: Arc::new(columns(&names)),
        texts: cells.iter().map(|(_, text)| (*text).to_owned()).collect(),
    };
    row(source, cells)
}

pub(super) fn table(cells: &[(&str, &str)]) -> Row {
    table_of(0, cells)
}

pub(super) fn object(json: &str) -> Row {
    row(0, Cells::Object(serde_json::from_str(json).unwrap()))
}

/// What a table's one row wants under a config.
pub(super) fn wanted(config: &str, cells: &[(&str, &str)]) -> DesiredCustomer {
    let names: Vec<&str> = cells.iter().map(|(name, _)| *name).collect();
    let (schema, row) = (schema(config, &names).unwrap(), table(cells));
    let mapped = schema.map(&row);
    assert_eq!(mapped.issues, []);
    mapped.desired.unwrap().into_owned()
}

/// What an object wants under a config, whose input has these columns.
pub(super) fn wanted_of_object(config: &str, names: &[&str], json: &str) -> DesiredCustomer {
    let (schema, row) = (schema(config, names).unwrap(), object(json));
    let mapped = schema.map(&row);
    assert_eq!(mapped.issues, []);
    mapped.desired.unwrap().into_owned()
}

/// The codes and columns of all that is wrong with a table's one row.
pub(super) fn issues(config: &str, cells: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
    let names: Vec<&str> = cells.iter().map(|(name, _)| *name).collect();
    let (schema, row) = (schema(config, &names).unwrap(), table(cells));
    let mapped = schema.map(&row);
    assert_eq!(mapped.desired.is_none(), !mapped.issues.is_empty());
    let issues = mapped.issues.into_iter();
    issues.map(|issue| (issue.code, issue.column)).collect()
}
