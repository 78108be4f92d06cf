//! A change as a preview shows it.

use super::ShownChange;
use super::attribute::{AttributeChange, AttributeValue};
use crate::domain::{CustomValue, Value};

impl ShownChange {
    pub fn of(change: &AttributeChange<'_>) -> Self {
        Self {
            field: change.attribute.to_string(),
            old: change.old.map(shown_value),
            new: change.new.map(shown_value),
        }
    }
}

fn shown_value(value: AttributeValue<'_>) -> String {
    match value {
        AttributeValue::Field(Value::Date(seconds))
        | AttributeValue::Property(CustomValue::Date(seconds)) => shown_instant(*seconds),
        AttributeValue::Field(value) => value.to_string(),
        AttributeValue::Property(value) => value.to_string(),
        AttributeValue::Tag(name) => name.to_owned(),
    }
}

/// UNIX seconds as a timestamp, or as the number itself if they are out of its range.
fn shown_instant(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string())
}
