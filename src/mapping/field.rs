use super::boolean::Words;
use super::date::DateReader;
use super::given::Scalar;
use super::number::NumberForm;
use super::phone::PhoneReader;
use super::problem::Problem;
use super::{email, identity, locale};
use crate::domain::{Field, Value};

/// How the values of an attribute are written, as far as its config says.
#[derive(Debug, Clone, Default)]
pub(super) struct Forms {
    pub(super) dates: DateReader,
    pub(super) words: Words,
    pub(super) phones: Option<PhoneReader>,
    pub(super) numbers: NumberForm,
}

/// Reads the values of one of the API's fields.
#[derive(Debug, Clone)]
pub(super) enum FieldReader {
    /// Sent as it is written, spaces and all.
    Text,
    UserId,
    Phone,
    /// In E.164.
    RegionPhone(PhoneReader),
    Email,
    Locale,
    OneWay(Words),
    Date(DateReader),
}

impl FieldReader {
    /// Of a column without options.
    pub(super) fn plain(field: Field) -> Self {
        Self::new(field, Forms::default())
    }

    pub(super) fn new(field: Field, forms: Forms) -> Self {
        match field {
            Field::UserId => Self::UserId,
            Field::Email => Self::Email,
            Field::Phone => forms.phones.map_or(Self::Phone, Self::RegionPhone),
            Field::Locale => Self::Locale,
            Field::Unsubscribed | Field::Blocked => Self::OneWay(forms.words),
            Field::FirstSeen | Field::LastSeen => Self::Date(forms.dates),
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
            Self::Text | Self::Phone => Ok(Value::Text(scalar.into_text())),
            Self::UserId => identity::user_id(scalar).map(Value::Text),
            Self::RegionPhone(phones) => phones.read(scalar).map(Value::Text),
            Self::Email => email::read(&scalar).map(Value::Text),
            Self::Locale => locale::read(&scalar).map(Value::Text),
            Self::OneWay(words) => words.read(&scalar).map(Value::Bool),
            Self::Date(dates) => dates.read(&scalar).map(Value::Date),
        }
    }
}
