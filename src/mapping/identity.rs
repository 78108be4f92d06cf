use std::borrow::Cow;

use super::invalid_value::InvalidValue;
use super::source_value::{Scalar, trimmed};
use crate::domain::CustomerId;

/// Reads the user's own id of a customer: any text without control characters.
pub(super) fn user_id(scalar: Scalar<'_>) -> Result<Cow<'_, str>, InvalidValue> {
    if matches!(scalar, Scalar::Bool(_)) {
        return Err(InvalidValue::new(
            "bad_user_id",
            "is true or false, not an id",
        ));
    }
    // JSON texts are exact, but spaces around a table's cell do not belong to the id.
    let is_exact = matches!(scalar, Scalar::Native(_));
    let text = match is_exact {
        true => scalar.into_text(),
        false => trimmed(scalar.into_text()),
    };
    match text.chars().any(char::is_control) {
        true => Err(InvalidValue::new(
            "bad_user_id",
            "contains control characters",
        )),
        false => Ok(text),
    }
}

/// Reads HelpCrunch's own id: a positive integer.
pub(super) fn customer_id(scalar: Scalar<'_>) -> Result<CustomerId, InvalidValue> {
    let refused = || {
        InvalidValue::new("bad_id", "is not a HelpCrunch id")
            .advice("a positive whole number, as HelpCrunch shows it")
    };
    if matches!(scalar, Scalar::Bool(_)) {
        return Err(refused());
    }
    let text = scalar.into_text();
    let digits = text.trim();
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refused());
    }
    match digits.parse() {
        Ok(id) if id > 0 => Ok(CustomerId(id)),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(text: &str) -> Scalar<'_> {
        Scalar::Text(Cow::Borrowed(text))
    }

    #[test]
    fn user_ids_are_texts() {
        assert_eq!(user_id(text(" u12 ")).unwrap(), "u12");
        assert_eq!(user_id(text("007")).unwrap(), "007");
        let number = json!(380501234567_u64);
        let number = number.as_number().unwrap();
        assert_eq!(user_id(Scalar::Number(number)).unwrap(), "380501234567");
        assert_eq!(user_id(Scalar::Bool(true)).unwrap_err().code, "bad_user_id");
        assert!(user_id(text("a\u{0}b")).is_err());
    }

    #[test]
    fn ids_are_positive_integers() {
        assert_eq!(customer_id(text(" 542335 ")), Ok(CustomerId(542_335)));
        assert_eq!(customer_id(Scalar::Number(&7.into())), Ok(CustomerId(7)));
        for bad in ["0", "-1", "1.5", "u12", "99999999999999999999", "+5", ""] {
            assert_eq!(customer_id(text(bad)).unwrap_err().code, "bad_id", "{bad}");
        }
    }
}
