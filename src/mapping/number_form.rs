use std::borrow::Cow;

use super::exponent::Exponent;
use super::invalid_value::InvalidValue;
use super::number::{
    inexact, is_plain, of_json, plain_form, rounded, separators_unnamed, with_exponent,
};
use super::source_value::Scalar;
use crate::domain::Number;

/// `decimal` and `thousands`: the separators in the numbers of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumberForm {
    decimal: char,
    thousands: Option<char>,
}

impl Default for NumberForm {
    fn default() -> Self {
        Self {
            decimal: '.',
            thousands: None,
        }
    }
}

impl NumberForm {
    /// # Errors
    /// The option that makes no sense, and why.
    pub(super) fn new(
        decimal: Option<char>,
        thousands: Option<char>,
    ) -> Result<Self, (&'static str, String)> {
        let form = Self {
            decimal: decimal.unwrap_or('.'),
            thousands,
        };
        let digit_like = |c: char| c.is_alphanumeric() || matches!(c, '-' | '+');
        if digit_like(form.decimal) || form.decimal.is_whitespace() {
            return Err((
                "decimal",
                "is not a decimal separator: use a point or a comma".to_owned(),
            ));
        }
        match thousands {
            Some(c) if digit_like(c) => {
                Err(("thousands", "is not a thousands separator".to_owned()))
            }
            Some(c) if c == form.decimal => {
                let reason = format!("and `decimal` are the same, `{c}`: set both");
                Err(("thousands", reason))
            }
            _ => Ok(form),
        }
    }

    /// Reads a JSON number as it is, and a text in decimal form.
    pub(super) fn read(&self, scalar: &Scalar<'_>) -> Result<Number, InvalidValue> {
        match scalar {
            Scalar::Number(number) => of_json(number),
            Scalar::Bool(_) => Err(self.not_a_number()),
            Scalar::Text(text) | Scalar::Native(text) => self.parse(text.trim()),
            // Workbooks store numbers in one form, whatever their display format.
            Scalar::Digits(text) => Self::default().parse(text),
        }
    }

    fn parse(&self, text: &str) -> Result<Number, InvalidValue> {
        if *self == Self::default() && is_plain(text) {
            return Number::parse(text).ok_or_else(inexact);
        }
        if let Some(exponent) = Exponent::parse(text, |c| c == self.decimal) {
            return with_exponent(exponent);
        }
        let plain = match *self == Self::default() {
            true => plain_form(text),
            false => self.with_point(text).and_then(|text| plain_form(&text)),
        };
        let Some(plain) = plain else {
            return Err(self.refusal(text));
        };
        Number::parse(&plain).ok_or_else(inexact)
    }

    /// The text with a decimal point and without thousands separators, or `None` if it is not written in this form. Each group
    /// of thousands has exactly three digits, so that `1.5` does not become 15.
    fn with_point(&self, text: &str) -> Option<String> {
        let (whole, fraction) = match text.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let (sign, digits) =
            whole.split_at(whole.len() - whole.trim_start_matches(['-', '+']).len());
        let mut groups = digits.split(|c| self.separates(c));
        let mut plain = format!("{sign}{}", groups.next()?);
        let mut is_grouped = false;
        for group in groups {
            if group.len() != 3 {
                return None;
            }
            is_grouped = true;
            plain.push_str(group);
        }
        let first = digits.split(|c| self.separates(c)).next()?;
        if is_grouped && !(1..=3).contains(&first.len()) {
            return None;
        }
        if let Some(fraction) = fraction {
            let digits = fraction.bytes().all(|b| b.is_ascii_digit());
            if !digits || fraction.is_empty() {
                return None;
            }
            plain.push('.');
            plain.push_str(fraction);
        } else if plain.contains('.') {
            return None;
        }
        Some(plain)
    }

    /// Whether a character is the thousands separator or a variant of it, such as a no-break space.
    fn separates(self, c: char) -> bool {
        self.thousands.is_some_and(|thousands| match thousands {
            ' ' => matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
            '\'' | '’' => matches!(c, '\'' | '’'),
            other => c == other,
        })
    }

    fn refusal(self, text: &str) -> InvalidValue {
        let has = |wanted: fn(char) -> bool| text.chars().any(wanted);
        if !has(|c| c.is_ascii_digit()) {
            return self.not_a_number();
        }
        let exponent = Exponent::parse(text, |c| matches!(c, '.' | ','));
        if exponent.is_some_and(|exponent| exponent.is_rounded()) {
            return rounded();
        }
        let is_plain = self == Self::default();
        let separator = |c: char| matches!(c, ',' | '\'') || c.is_whitespace();
        let written = |c: char| {
            c.is_ascii_digit() || matches!(c, '.' | '-' | '+') || separator(c) || exponent.is_some()
        };
        let separated = text
            .chars()
            .any(|c| separator(c) || (c == '.' && !is_plain));
        match separated && text.chars().all(written) {
            true if is_plain => separators_unnamed(),
            true => InvalidValue::new(
                "bad_number",
                "is not written with the separators of the config",
            )
            .advice(self.how_to_write()),
            false => self.not_a_number(),
        }
    }

    fn not_a_number(self) -> InvalidValue {
        InvalidValue::new("bad_number", "is not a number").advice(self.how_to_write())
    }

    /// The advice for a text that is not in this form.
    fn how_to_write(self) -> Cow<'static, str> {
        let decimal = self.decimal;
        match self.thousands {
            None if decimal == '.' => {
                "write only digits and a decimal point, without units: 1234.5".into()
            }
            None => format!(
                "write only digits and a decimal `{decimal}`, without units: 1234{decimal}5; or change decimal = \"{decimal}\" in the config"
            )
            .into(),
            Some(thousands) => format!(
                "write only digits, a decimal `{decimal}` and `{thousands}` before every three digits, without units: 1{thousands}234{decimal}5; or change decimal = \"{decimal}\", thousands = \"{thousands}\" in the config"
            )
            .into(),
        }
    }
}
