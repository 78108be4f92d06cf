use std::fmt;

/// A number as JSON writes it, equal by value: `15`, `15.0` and `1.5e1` are one number.
#[derive(Debug, Clone)]
pub struct Number(serde_json::Number);

impl Number {
    pub fn new(number: serde_json::Number) -> Self {
        Self(number)
    }

    /// Parses a decimal such as `15`, `-1.5` or `2e3`. Returns `None` if it is not a number or has more digits than can be sent
    /// exactly.
    pub fn parse(text: &str) -> Option<Self> {
        let number: serde_json::Number = serde_json::from_str(text).ok()?;
        let parsed = Self(number);
        exact(text, &parsed).then_some(parsed)
    }

    pub(super) fn integer(&self) -> Option<i128> {
        if let Some(i) = self.0.as_i64() {
            return Some(i128::from(i));
        }
        if let Some(u) = self.0.as_u64() {
            return Some(i128::from(u));
        }
        let float = self.0.as_f64()?;
        // Below 2^96; larger floats are compared as floats.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and within the range of i128"
        )]
        (float.fract() == 0.0 && float.abs() < 7.9e28).then_some(float as i128)
    }

    pub fn as_json(&self) -> &serde_json::Number {
        &self.0
    }
}

/// Whether the number is exactly what the text says, to the last digit.
fn exact(text: &str, number: &Number) -> bool {
    // A float holds any fifteen digits exactly.
    if text.len() <= 15
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'))
    {
        return true;
    }
    let digits = |s: &str| -> String {
        let mantissa = s.split(['e', 'E']).next().unwrap_or_default();
        let all: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        all.trim_matches('0').to_owned()
    };
    digits(text) == digits(&number.to_string())
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (self.integer(), other.integer()) {
            (Some(a), Some(b)) => a == b,
            (None, None) => self.0.as_f64() == other.0.as_f64(),
            _ => false,
        }
    }
}

impl Eq for Number {}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_cannot_be_sent_exactly_is_none() {
        assert!(Number::parse("123456789012345678901234567890").is_none());
        assert!(Number::parse("0.12345678901234567890123").is_none());
        assert!(Number::parse("18446744073709551615").is_some());
        for text in ["", "1,5", "NaN", "0x10", "+1", "01", "1."] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
    }
}
