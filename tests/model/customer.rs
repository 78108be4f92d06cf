//! A customer reduced to what a row can mean.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub(crate) const TEXT_FIELDS: [&str; 10] = [
    "name", "email", "userId", "company", "phone", "source", "referer", "lastPage", "locale",
    "notes",
];
pub(crate) const DATE_FIELDS: [&str; 2] = ["firstSeen", "lastSeen"];
pub(crate) const FLAG_FIELDS: [&str; 2] = ["unsubscribed", "blocked"];

/// Null, an absent member, an empty text and a flag that is false are all "no value", and not kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Customer {
    /// None for a customer that the input creates.
    pub(crate) id: Option<u64>,
    pub(crate) fields: BTreeMap<String, Value>,
    pub(crate) custom_data: BTreeMap<String, Value>,
    pub(crate) tags: BTreeSet<String>,
}

impl Customer {
    /// Reads an answer of the API, in any of the shapes that are known.
    pub(crate) fn from_json(json: &Value) -> Self {
        let mut fields = BTreeMap::new();
        for name in TEXT_FIELDS.into_iter().chain(FLAG_FIELDS) {
            keep(&mut fields, name, json[name].clone());
        }
        for name in DATE_FIELDS {
            let seconds = instant(&json[name]).map_or(Value::Null, Value::from);
            keep(&mut fields, name, seconds);
        }
        let mut custom_data = BTreeMap::new();
        match &json["customData"] {
            Value::Array(list) => {
                for entry in list {
                    let name = entry["property"].as_str().unwrap();
                    keep(&mut custom_data, name, entry["value"].clone());
                }
            }
            Value::Object(properties) => {
                for (name, value) in properties {
                    keep(&mut custom_data, name, value.clone());
                }
            }
            _ => {}
        }
        let tags = json["tags"].as_array().into_iter().flatten();
        Self {
            id: json["id"].as_u64(),
            fields,
            custom_data,
            tags: tags
                .filter_map(|tag| tag["name"].as_str())
                .map(str::to_owned)
                .collect(),
        }
    }

    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }
}

fn keep(values: &mut BTreeMap<String, Value>, name: &str, value: Value) {
    let value = plain_number(value);
    let nothing = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        // A custom property that is false has a value.
        Value::Bool(flag) => !flag && FLAG_FIELDS.contains(&name),
        _ => false,
    };
    if !nothing {
        values.insert(name.to_owned(), value);
    }
}

/// `15.0` is `15`, and the text of a UNIX time is that time: the server takes the one for the other.
fn plain_number(value: Value) -> Value {
    match &value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 => Value::from(float as i64),
            _ => value,
        },
        Value::String(text) if text.len() == 10 => instant(&value).map_or(value, Value::from),
        _ => value,
    }
}

/// A UNIX time, as a number or as text.
pub(crate) fn instant(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
