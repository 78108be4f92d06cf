use std::borrow::Cow;

use super::boolean::BooleanWords;
use super::date::DateReader;
use super::invalid_value::InvalidValue;
use super::number;
use super::number_form::NumberForm;
use super::source_value::Scalar;
use crate::domain::{CustomType, CustomValue, Number};

/// Reads the values of one custom property.
#[derive(Debug, Clone)]
pub(super) enum PropertyReader {
    Auto,
    Text,
    Number(NumberForm),
    Boolean(BooleanWords),
    Date(DateReader),
}

impl PropertyReader {
    pub(super) fn custom_type(&self) -> CustomType {
        match self {
            Self::Auto => CustomType::Auto,
            Self::Text => CustomType::Text,
            Self::Number(_) => CustomType::Number,
            Self::Boolean(_) => CustomType::Boolean,
            Self::Date(_) => CustomType::Date,
        }
    }

    /// Whether a value is untyped. It gets the type that its property has among the existing customers.
    pub(super) fn leaves_type_open(&self, scalar: &Scalar<'_>) -> bool {
        matches!(
            (self, scalar),
            (Self::Auto, Scalar::Text(_) | Scalar::Digits(_))
        )
    }

    pub(super) fn read<'a>(
        &self,
        scalar: Scalar<'a>,
    ) -> Result<CustomValue<Cow<'a, str>>, InvalidValue> {
        match self {
            Self::Auto => auto(scalar),
            Self::Text => Ok(CustomValue::Text(scalar.into_text())),
            Self::Number(form) => form.read(&scalar).map(CustomValue::Number),
            Self::Boolean(words) => words.read(&scalar).map(CustomValue::Bool),
            Self::Date(dates) => dates.read(&scalar).map(CustomValue::Date),
        }
    }
}

/// Keeps the types of JSON and workbooks. An untyped cell stays a text, whose type is decided later.
fn auto(scalar: Scalar<'_>) -> Result<CustomValue<Cow<'_, str>>, InvalidValue> {
    Ok(match scalar {
        Scalar::Number(number) => CustomValue::Number(number::of_json(number)?),
        Scalar::Bool(b) => CustomValue::Bool(b),
        Scalar::Native(text) | Scalar::Text(text) => CustomValue::Text(text),
        Scalar::Digits(text) => match text.parse() {
            Ok(number) => CustomValue::Number(Number::new(number)),
            Err(_) => CustomValue::Text(text),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(scalar: Scalar<'_>) -> CustomValue {
        auto(scalar).unwrap().into_owned()
    }

    #[test]
    fn json_types_stay() {
        assert_eq!(
            typed(Scalar::Native("15".into())),
            CustomValue::Text("15".into())
        );
        assert_eq!(
            typed(Scalar::Native("true".into())),
            CustomValue::Text("true".into())
        );
        assert_eq!(typed(Scalar::Bool(true)), CustomValue::Bool(true));
    }

    #[test]
    fn a_number_of_a_workbook_is_a_number_whatever_its_digits() {
        for digits in ["59.970000000000006", "15", "0.0000001", "-0.1"] {
            let number = Number::parse(digits).unwrap();
            let read = typed(Scalar::Digits(digits.into()));
            assert_eq!(read, CustomValue::Number(number), "{digits}");
        }
    }

    #[test]
    fn text_takes_anything() {
        fn text(scalar: Scalar<'_>) -> CustomValue {
            PropertyReader::Text.read(scalar).unwrap().into_owned()
        }
        assert_eq!(
            text(Scalar::Number(&15.into())),
            CustomValue::Text("15".into())
        );
        assert_eq!(
            text(Scalar::Text("007".into())),
            CustomValue::Text("007".into())
        );
        assert_eq!(text(Scalar::Bool(true)), CustomValue::Text("true".into()));
    }
}
