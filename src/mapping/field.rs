use std::borrow::Cow;

use super::boolean::BooleanWords;
use super::date::DateReader;
use super::invalid_value::InvalidValue;
use super::number_form::NumberForm;
use super::phone::PhoneReader;
use super::source_value::Scalar;
use super::{email, identity, locale};
use crate::domain::{Field, Value};

/// How the values of an attribute are written, by its options in the config.
#[derive(Debug, Clone, Default)]
pub(super) struct ValueFormats {
    pub(super) dates: DateReader,
    pub(super) words: BooleanWords,
    pub(super) phones: Option<PhoneReader>,
    pub(super) numbers: NumberForm,
}

/// Reads the values of one of the API's fields.
#[derive(Debug, Clone)]
pub(super) enum FieldReader {
    /// Sent as written, including spaces.
    Text,
    UserId,
    Phone,
    /// In E.164.
    RegionPhone(PhoneReader),
    Email,
    Locale,
    OneWay(BooleanWords),
    Date(DateReader),
}

impl FieldReader {
    /// The reader of a column without options.
    pub(super) fn plain(field: Field) -> Self {
        Self::new(field, ValueFormats::default())
    }

    pub(super) fn new(field: Field, formats: ValueFormats) -> Self {
        match field {
            Field::UserId => Self::UserId,
            Field::Email => Self::Email,
            Field::Phone => formats.phones.map_or(Self::Phone, Self::RegionPhone),
            Field::Locale => Self::Locale,
            Field::Unsubscribed | Field::Blocked => Self::OneWay(formats.words),
            Field::FirstSeen | Field::LastSeen => Self::Date(formats.dates),
            Field::Name
            | Field::Company
            | Field::Source
            | Field::Referer
            | Field::LastPage
            | Field::Notes => Self::Text,
        }
    }

    pub(super) fn read<'a>(&self, scalar: Scalar<'a>) -> Result<Value<Cow<'a, str>>, InvalidValue> {
        match self {
            Self::Text | Self::Phone => Ok(Value::Text(scalar.into_text())),
            Self::UserId => identity::user_id(scalar).map(Value::Text),
            Self::RegionPhone(phones) => phones.read(scalar).map(|phone| Value::Text(phone.into())),
            Self::Email => email::read(scalar).map(Value::Text),
            Self::Locale => locale::read(scalar).map(Value::Text),
            Self::OneWay(words) => words.read(&scalar).map(Value::Bool),
            Self::Date(dates) => dates.read(&scalar).map(Value::Date),
        }
    }
}
