//! The customers that a sandbox starts with.

use std::path::Path;

use serde_json::{Map, Value};

use crate::domain::{Columns, DesiredCustomer, Field, KeyField, RowNumber, Value as FieldValue};
use crate::mapping::{AttributeRule, FieldRules, MappingSettings, Schema, SchemaError};
use crate::sandbox::customers_from_jsonl;
use crate::source::{InputFile, Reader, Record, SourceSettings};

use super::exit::{Cause, Failure, chain};

const BUNDLED: &str = include_str!("../../sample-data/sandbox-customers.jsonl");

/// Reads customers as `export` writes them, JSONL or CSV, or returns the bundled ones.
pub(super) fn sandbox_customers(file: Option<&Path>) -> Result<Vec<Value>, Failure> {
    let Some(path) = file else {
        return customers_from_jsonl(BUNDLED).map_err(Failure::usage);
    };
    let is_csv = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    let read = match is_csv {
        true => customers_from_csv(path),
        false => std::fs::read_to_string(path)
            .map_err(Box::<Cause>::from)
            .and_then(|text| Ok(customers_from_jsonl(&text)?)),
    };
    read.map_err(|e| Failure::usage(format!("{}: {}", path.display(), chain(&*e))))
}

/// Reads a CSV with the columns of an export. Other columns are left out.
fn customers_from_csv(path: &Path) -> Result<Vec<Value>, Box<Cause>> {
    let settings = SourceSettings::default();
    let input = InputFile::new(path.display().to_string(), path);
    let mut reader = Reader::open(&input, &settings, 0, RowNumber(1))?;
    let schema = schema(reader.columns())?;
    let mut customers = Vec::new();
    while let Some(record) = reader.next_record()? {
        let (line, customer, issues) = match record {
            Record::Row(row) => {
                let mapped = schema.map(&row).into_owned();
                let customer = mapped.desired.as_ref().map(customer);
                (row.position.line, customer, mapped.issues)
            }
            Record::Bad(bad) => (bad.position.line, None, bad.issues),
        };
        customers.push(customer.ok_or_else(|| {
            let problem = issues.first().map_or("", |issue| issue.message.as_str());
            format!("line {line}: {problem}")
        })?);
    }
    Ok(customers)
}

/// A customer of an export may have no key but its id.
fn schema(columns: &Columns) -> Result<Schema, SchemaError> {
    let names = Field::ALL.map(Field::name).into_iter().chain(["id"]);
    let has = |name: &&str| columns.names().iter().any(|column| column == name);
    let fields = names.filter(has);
    let fields: FieldRules = fields
        .map(|name| (name.to_owned(), AttributeRule::column(name)))
        .collect();
    let mapping = MappingSettings {
        fields: Some(fields).filter(|fields| !fields.is_empty()),
        ..MappingSettings::default()
    };
    Schema::new(&mapping, &[KeyField::UserId, KeyField::Email], &[columns])
}

fn customer(desired: &DesiredCustomer) -> Value {
    let fields = desired.fields.iter().map(|(field, wish)| {
        let value = wish.value().map_or(Value::Null, |value| match value {
            FieldValue::Text(text) => Value::from(text.as_str()),
            FieldValue::Date(seconds) => Value::from(*seconds),
            FieldValue::Bool(flag) => Value::from(*flag),
        });
        (field.name().to_owned(), value)
    });
    let mut members: Map<String, Value> = fields.collect();
    members.extend(desired.key.id.map(|id| ("id".to_owned(), id.0.into())));
    let tags = desired.tags.add.iter();
    let tags = tags.map(|tag| serde_json::json!({"name": tag.name}));
    members.insert("tags".to_owned(), tags.collect());
    let properties = desired.custom_data.iter();
    let properties =
        properties.filter_map(|(name, wish)| Some((name.clone(), wish.value()?.to_json())));
    members.insert("customData".to_owned(), Value::Object(properties.collect()));
    Value::Object(members)
}
