//! Reads customers from objects such as an answer or an export contains.

use serde_json::{Map, Value};

use super::customer::Customer;
use super::field::{Field, TextField};
use super::tags::NamedTag;

/// A customer from outside, whose tags are not in the account's book yet.
#[derive(Debug)]
pub(super) struct GivenCustomer {
    /// The id is 0 if the object has none.
    pub(super) customer: Customer,
    pub(super) tags: Vec<NamedTag>,
}

impl Customer {
    /// Reads a customer object of an answer or an export.
    pub(super) fn from_object(object: &Map<String, Value>) -> Result<GivenCustomer, String> {
        let mut customer = Self::default();
        let mut tags = Vec::new();
        for (name, value) in object {
            match name.as_str() {
                "id" => customer.id = given_id(value)?,
                "tags" => tags = given_tags(value)?,
                "customData" => customer.custom_data = given_custom_data(value)?,
                _ => customer.set_member(name, value)?,
            }
        }
        Ok(GivenCustomer { customer, tags })
    }

    fn set_member(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let legacy = [TextField::CreatedFrom, TextField::IntegrationId].into_iter();
        let legacy = legacy.map(Field::Text).find(|field| field.name() == name);
        match Field::named(name).or(legacy) {
            Some(Field::Text(field)) => match value {
                Value::Null => Ok(()),
                Value::String(text) => {
                    self.set_text(field, Some(text.clone()));
                    Ok(())
                }
                _ => Err(format!("`{name}` must be text or null")),
            },
            Some(Field::Date(field)) => {
                self.set_date(field, given_date(name, value)?);
                Ok(())
            }
            Some(Field::Flag(field)) => {
                let flag = value.as_bool().or(value.is_null().then_some(false));
                self.set_flag(
                    field,
                    flag.ok_or(format!("`{name}` must be true or false"))?,
                );
                Ok(())
            }
            None => {
                self.rest
                    .get_or_insert_with(Box::default)
                    .insert(name.to_owned(), value.clone());
                Ok(())
            }
        }
    }
}

fn given_id(value: &Value) -> Result<u64, String> {
    match value.as_u64() {
        Some(id) if id > 0 => Ok(id),
        _ => Err("`id` must be a positive whole number".to_owned()),
    }
}

fn given_date(name: &str, value: &Value) -> Result<Option<i64>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) if number.is_i64() => Ok(number.as_i64()),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|_| bad_date(name)),
        _ => Err(bad_date(name)),
    }
}

fn bad_date(name: &str) -> String {
    format!("`{name}` must be a UNIX timestamp, as text or a number")
}

fn given_tags(value: &Value) -> Result<Vec<NamedTag>, String> {
    let bad = || "`tags` must be an array of {\"name\",\"color\"}".to_owned();
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        _ => return Err(bad()),
    };
    list.iter()
        .map(|tag| {
            let name = tag.get("name").and_then(Value::as_str).ok_or_else(bad)?;
            let colour = tag.get("color").and_then(Value::as_str).map(str::to_owned);
            Ok(NamedTag {
                name: name.to_owned(),
                colour,
            })
        })
        .collect()
}

fn given_custom_data(value: &Value) -> Result<Map<String, Value>, String> {
    let bad =
        || "`customData` must be an object or an array of {\"property\",\"value\"}".to_owned();
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(properties) => Ok(properties.clone()),
        Value::Array(list) => list
            .iter()
            .map(|entry| {
                let name = entry
                    .get("property")
                    .and_then(Value::as_str)
                    .ok_or_else(bad)?;
                let value = entry.get("value").ok_or_else(bad)?;
                Ok((name.to_owned(), value.clone()))
            })
            .collect(),
        _ => Err(bad()),
    }
}
