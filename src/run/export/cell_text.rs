//! Values as texts of cells.

use crate::domain::{CustomValue, Value};

pub(super) fn field_text(value: &Value) -> String {
    match value {
        Value::Date(seconds) => date_text(*seconds),
        other => other.to_string(),
    }
}

pub(super) fn property_text(value: &CustomValue) -> String {
    match value {
        CustomValue::Number(number) => {
            let text = number.to_string();
            // Shortest form of a whole number. A number with an exponent has no `.0`.
            text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
        }
        other => other.to_string(),
    }
}

/// Formats a date as RFC 3339 in UTC. One that has no such form stays a number, which the mapping then checks.
fn date_text(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string())
}
