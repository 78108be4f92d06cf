use super::date::DateReader;
use super::given::Scalar;
use super::problem::Problem;
use super::{boolean, email, identity, locale};
use crate::domain::{Field, Value};

/// Reads the values of one of the API's fields.
#[derive(Debug, Clone)]
pub(super) enum FieldReader {
    /// Sent as it is written, spaces and all.
    Text,
    UserId,
    Phone,
    Email,
    Locale,
    OneWay,
    Date(DateReader),
}

impl FieldReader {
    pub(super) fn new(field: Field, dates: impl FnOnce() -> DateReader) -> Self {
        match field {
            Field::UserId => Self::UserId,
            Field::Email => Self::Email,
            Field::Phone => Self::Phone,
            Field::Locale => Self::Locale,
            Field::Unsubscribed | Field::Blocked => Self::OneWay,
            Field::FirstSeen | Field::LastSeen => Self::Date(dates()),
            Field::Name
            | Field::Company
            | Field::Source
            | Field::Referer
            | Field::LastPage
            | Field::Notes => Self::Text,
        }
    }

    pub(super) fn read(&self, scalar: Scalar<'_>) -> Result<Value, Problem> {
        match self {
            Self::Text => Ok(Value::Text(scalar.into_text())),
            Self::UserId => identity::user_id(scalar).map(Value::Text),
            Self::Phone => identity::undamaged(scalar).map(Value::Text),
            Self::Email => email::read(&scalar).map(Value::Text),
            Self::Locale => locale::read(&scalar).map(Value::Text),
            Self::OneWay => boolean::read(&scalar).map(Value::Bool),
            Self::Date(dates) => dates.read(&scalar).map(Value::Date),
        }
    }
}
