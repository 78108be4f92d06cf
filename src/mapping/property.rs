use super::boolean::Words;
use super::date::DateReader;
use super::given::Scalar;
use super::number::{self, NumberForm};
use super::problem::Problem;
use crate::domain::{CustomType, CustomValue, Number};

/// Reads the values of one custom property.
#[derive(Debug, Clone)]
pub(super) enum PropertyReader {
    Auto,
    Text,
    Number(NumberForm),
    Boolean(Words),
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

    pub(super) fn read(&self, scalar: Scalar<'_>) -> Result<CustomValue, Problem> {
        match self {
            Self::Auto => auto(scalar),
            Self::Text => Ok(CustomValue::Text(scalar.into_text())),
            Self::Number(form) => form.read(&scalar).map(CustomValue::Number),
            Self::Boolean(words) => words.read(&scalar).map(CustomValue::Bool),
            Self::Date(dates) => dates.read(&scalar).map(CustomValue::Date),
        }
    }
}

/// JSON types stay; an untyped cell is a number or a boolean only where the very same cell would be written for
/// that value again.
fn auto(scalar: Scalar<'_>) -> Result<CustomValue, Problem> {
    Ok(match scalar {
        Scalar::Number(number) => CustomValue::Number(number::of_json(number)?),
        Scalar::Bool(b) => CustomValue::Bool(b),
        Scalar::Native(text) => CustomValue::Text(text.into_owned()),
        Scalar::Digits(text) => match text.parse() {
            Ok(number) => CustomValue::Number(Number::new(number)),
            Err(_) => CustomValue::Text(text.into_owned()),
        },
        Scalar::Text(text) => match &*text {
            "true" => CustomValue::Bool(true),
            "false" => CustomValue::Bool(false),
            cell => match number::of_untyped(cell) {
                Some(number) => CustomValue::Number(number),
                None => CustomValue::Text(text.into_owned()),
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(scalar: Scalar<'_>) -> CustomValue {
        auto(scalar).unwrap()
    }

    fn cell(text: &str) -> CustomValue {
        typed(Scalar::Text(text.into()))
    }

    #[test]
    fn untyped_cells_are_typed_with_care() {
        assert_eq!(cell("true"), CustomValue::Bool(true));
        assert_eq!(
            cell("15"),
            CustomValue::Number(Number::parse("15").unwrap())
        );
        for text in ["True", "yes", "007", "1.50", "1e5", " 15", "pro"] {
            assert_eq!(cell(text), CustomValue::Text(text.into()));
        }
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
            PropertyReader::Text.read(scalar).unwrap()
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

    proptest! {
        #[test]
        fn a_typed_cell_is_written_as_it_was(text in r"\PC{0,10}|-?[0-9]{1,16}(\.[0-9]{1,6})?") {
            let written = match cell(&text) {
                CustomValue::Number(number) => match number.as_json().as_i64() {
                    Some(whole) => whole.to_string(),
                    None => number.as_json().as_f64().unwrap().to_string(),
                },
                other => other.to_string(),
            };
            prop_assert_eq!(written, text);
        }
    }
}
