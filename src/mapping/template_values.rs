//! The values that a template can use.

use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Object;

use super::source_value::{Scalar, SourceValue};
use super::template::ROW;

pub(super) fn value(cell: SourceValue<'_>) -> Option<Value> {
    match cell {
        SourceValue::Missing | SourceValue::Null | SourceValue::Empty => None,
        SourceValue::Scalar(Scalar::Text(text) | Scalar::Native(text) | Scalar::Digits(text)) => {
            Some(Value::from(&*text))
        }
        SourceValue::Scalar(Scalar::Bool(b)) => Some(Value::from(b)),
        SourceValue::Scalar(Scalar::Number(number)) => Some(of_number(number)),
        SourceValue::Nested(json) => Some(of_json(json)),
    }
}

fn of_number(number: &serde_json::Number) -> Value {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(n), _, _) => Value::from(n),
        (_, Some(n), _) => Value::from(n),
        (_, _, Some(n)) => Value::from(n),
        _ => Value::UNDEFINED,
    }
}

pub(super) fn of_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::UNDEFINED,
        serde_json::Value::Bool(b) => Value::from(*b),
        serde_json::Value::Number(number) => of_number(number),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => items.iter().map(of_json).collect(),
        serde_json::Value::Object(members) => Value::from_object(TemplateValues {
            values: Arc::new(
                members
                    .iter()
                    .map(|(k, v)| (k.clone(), of_json(v)))
                    .collect(),
            ),
            prefix: String::new(),
        }),
    }
}

/// Values by their full names. A name with dots can be used as a whole or attribute by attribute.
#[derive(Debug, Clone)]
pub(super) struct TemplateValues {
    pub(super) values: Arc<Vec<(String, Value)>>,
    pub(super) prefix: String,
}

impl Object for TemplateValues {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = format!("{}{}", self.prefix, key.as_str()?);
        if let Some((_, value)) = self.values.iter().find(|(n, _)| *n == name) {
            return Some(value.clone());
        }
        let deeper = |prefix: String| {
            Value::from_object(Self {
                values: Arc::clone(&self.values),
                prefix,
            })
        };
        if self.prefix.is_empty() && name == ROW {
            return Some(deeper(String::new()));
        }
        let prefix = format!("{name}.");
        let inside = self.values.iter().any(|(n, _)| n.starts_with(&prefix));
        inside.then(|| deeper(prefix))
    }
}
