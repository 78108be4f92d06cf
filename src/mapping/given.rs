use std::borrow::Cow;

use serde_json::{Number, Value};

use super::EmptyCells;
use super::damage;
use crate::domain::Cell;

/// What a row holds for one attribute, before its type is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Given<'a> {
    /// No such column or member: the row says nothing.
    Missing,
    /// JSON `null`: no value is wanted.
    Null,
    /// An empty cell, or one that the config takes for one.
    Empty,
    Scalar(Scalar<'a>),
    /// A JSON array or object.
    Nested(&'a Value),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    /// A text without a type of its own: a table's cell, or what a template or `map` made.
    Text(Cow<'a, str>),
    /// A JSON text, or a workbook's: its type is known to be text.
    Native(Cow<'a, str>),
    Number(&'a Number),
    /// The digits of a number of a workbook's cell.
    Digits(Cow<'a, str>),
    Bool(bool),
}

impl Scalar<'_> {
    /// The value as text; a JSON number as its digits.
    pub(super) fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Native(text) | Self::Digits(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
        }
    }

    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) | Self::Native(text) | Self::Digits(text) => text.into_owned(),
            other => other.to_text().into_owned(),
        }
    }
}

/// `[input] null_values` and `[rows] empty_cells`: what counts as empty, and what that says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Emptiness {
    null_values: Vec<String>,
    pub(super) clears: bool,
}

impl Emptiness {
    pub(super) fn new(null_values: &[String], empty_cells: EmptyCells) -> Self {
        Self {
            null_values: null_values.iter().map(|v| v.trim().to_owned()).collect(),
            clears: empty_cells == EmptyCells::Clear,
        }
    }

    pub(super) fn is_empty(&self, text: &str) -> bool {
        let text = text.trim();
        text.is_empty() || self.null_values.iter().any(|null| null == text)
    }

    pub(super) fn given<'a>(&self, cell: Option<Cell<'a>>) -> Given<'a> {
        match cell {
            None => Given::Missing,
            Some(Cell::Json(json)) => self.json(json),
            Some(Cell::Text(text) | Cell::TypedText(text) | Cell::Number(text))
                if self.is_empty(text) =>
            {
                Given::Empty
            }
            Some(Cell::Text(text)) => Given::Scalar(Scalar::Text(Cow::Borrowed(text))),
            // An error that was pasted as text is no text that anybody meant.
            Some(Cell::TypedText(text)) if damage::is_spreadsheet_error(text.trim()) => {
                Given::Scalar(Scalar::Text(Cow::Borrowed(text)))
            }
            Some(Cell::TypedText(text)) => Given::Scalar(Scalar::Native(Cow::Borrowed(text))),
            Some(Cell::Number(text)) => Given::Scalar(Scalar::Digits(Cow::Borrowed(text))),
        }
    }

    fn json<'a>(&self, json: &'a Value) -> Given<'a> {
        match json {
            Value::String(text) if self.is_empty(text) => Given::Empty,
            Value::Number(number)
                if !self.null_values.is_empty() && self.is_empty(&number.to_string()) =>
            {
                Given::Empty
            }
            Value::Null => Given::Null,
            Value::Bool(b) => Given::Scalar(Scalar::Bool(*b)),
            Value::Number(number) => Given::Scalar(Scalar::Number(number)),
            Value::String(text) => Given::Scalar(Scalar::Native(Cow::Borrowed(text))),
            Value::Array(_) | Value::Object(_) => Given::Nested(json),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_cells_and_null_values_are_empty() {
        let emptiness = Emptiness::new(&["NULL".into(), "N/A".into()], EmptyCells::Keep);
        for text in ["", "  \t", "NULL", " N/A "] {
            assert_eq!(emptiness.given(Some(Cell::Text(text))), Given::Empty);
            let json = Value::from(text);
            assert_eq!(emptiness.given(Some(Cell::Json(&json))), Given::Empty);
        }
        assert!(!emptiness.is_empty("null"));
        assert_eq!(emptiness.given(Some(Cell::Json(&Value::Null))), Given::Null);
        assert_eq!(emptiness.given(None), Given::Missing);
    }
}
