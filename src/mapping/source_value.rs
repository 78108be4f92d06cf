use std::borrow::Cow;

use serde_json::{Number, Value};

use super::EmptyCells;
use super::damage_words::is_spreadsheet_error;
use crate::domain::Cell;
use crate::domain::text::trim;

/// What a row has for one attribute, before its type is applied.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SourceValue<'a> {
    /// The row has no such column or member.
    Missing,
    /// JSON `null`: the attribute should have no value.
    Null,
    /// An empty cell, or one that the config treats as empty.
    Empty,
    Scalar(Scalar<'a>),
    /// A JSON array or object.
    Nested(&'a Value),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    /// A text that may have any type: a table's cell, or the result of a template or `map`.
    Text(Cow<'a, str>),
    /// A text whose type is known to be text: from JSON or a workbook.
    Native(Cow<'a, str>),
    Number(&'a Number),
    /// The digits of a number in a workbook.
    Digits(Cow<'a, str>),
    Bool(bool),
}

impl<'a> Scalar<'a> {
    /// The value as text; a JSON number as its digits.
    pub(super) fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Native(text) | Self::Digits(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
        }
    }

    pub(super) fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) | Self::Native(text) | Self::Digits(text) => text,
            other => Cow::Owned(other.to_text().into_owned()),
        }
    }
}

/// Trims a text without copying it if that can be avoided.
pub(super) fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(trim(text)),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// `[input] null_values` and `[rows] empty_cells`: which cells count as empty, and whether they clear the value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct NullPolicy {
    null_values: Vec<String>,
    pub(super) clears: bool,
}

impl NullPolicy {
    pub(super) fn new(null_values: &[String], empty_cells: EmptyCells) -> Self {
        Self {
            null_values: null_values.iter().map(|v| v.trim().to_owned()).collect(),
            clears: empty_cells == EmptyCells::Clear,
        }
    }

    pub(super) fn is_empty(&self, text: &str) -> bool {
        let is_visible = text.bytes().next().is_some_and(|b| b.is_ascii_graphic());
        if is_visible && self.null_values.is_empty() {
            return false;
        }
        let text = text.trim();
        text.is_empty() || self.null_values.iter().any(|null| null == text)
    }

    pub(super) fn value<'a>(&self, cell: Option<Cell<'a>>) -> SourceValue<'a> {
        match cell {
            None => SourceValue::Missing,
            Some(Cell::Json(json)) => self.json(json),
            Some(Cell::Text(text) | Cell::TypedText(text) | Cell::Number(text))
                if self.is_empty(text) =>
            {
                SourceValue::Empty
            }
            Some(Cell::Text(text)) => SourceValue::Scalar(Scalar::Text(Cow::Borrowed(text))),
            // A spreadsheet error that was pasted as text is still an error.
            Some(Cell::TypedText(text)) if is_spreadsheet_error(text) => {
                SourceValue::Scalar(Scalar::Text(Cow::Borrowed(text)))
            }
            Some(Cell::TypedText(text)) => SourceValue::Scalar(Scalar::Native(Cow::Borrowed(text))),
            Some(Cell::Number(text)) => SourceValue::Scalar(Scalar::Digits(Cow::Borrowed(text))),
        }
    }

    fn json<'a>(&self, json: &'a Value) -> SourceValue<'a> {
        match json {
            Value::String(text) if self.is_empty(text) => SourceValue::Empty,
            Value::Number(number)
                if !self.null_values.is_empty() && self.is_empty(&number.to_string()) =>
            {
                SourceValue::Empty
            }
            Value::Null => SourceValue::Null,
            Value::Bool(b) => SourceValue::Scalar(Scalar::Bool(*b)),
            Value::Number(number) => SourceValue::Scalar(Scalar::Number(number)),
            Value::String(text) => SourceValue::Scalar(Scalar::Native(Cow::Borrowed(text))),
            Value::Array(_) | Value::Object(_) => SourceValue::Nested(json),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_cells_and_null_values_are_empty() {
        let null_policy = NullPolicy::new(&["NULL".into(), "N/A".into()], EmptyCells::Keep);
        for text in ["", "  \t", "NULL", " N/A "] {
            assert_eq!(
                null_policy.value(Some(Cell::Text(text))),
                SourceValue::Empty
            );
            let json = Value::from(text);
            assert_eq!(
                null_policy.value(Some(Cell::Json(&json))),
                SourceValue::Empty
            );
        }
        assert!(!null_policy.is_empty("null"));
        assert_eq!(
            null_policy.value(Some(Cell::Json(&Value::Null))),
            SourceValue::Null
        );
        assert_eq!(null_policy.value(None), SourceValue::Missing);
    }
}
