use super::date_forms::is_timestamp;
use super::number::{self, Separators};
use super::number_form::NumberForm;
use super::source_value::Scalar;
use super::{boolean, email};
use crate::domain::text::trim;

/// Possible pairs of a decimal and a thousands separator, the most likely first.
pub(super) const FORMS: [(char, char); 5] =
    [(',', '.'), ('.', ','), (',', ' '), ('.', ' '), ('.', '\'')];

/// What all cells so far could be.
#[derive(Debug, Clone)]
pub(super) struct PossibleKinds {
    pub(super) number: bool,
    pub(super) shortest: bool,
    pub(super) zero_led: bool,
    /// Per entry of [`FORMS`].
    pub(super) forms: [bool; FORMS.len()],
    /// Some cell has a separator.
    pub(super) separated: bool,
    /// No cell shows which separator is for decimals and which for thousands.
    pub(super) either_way: bool,
    pub(super) timestamp: bool,
    pub(super) boolean: bool,
    pub(super) plain_boolean: bool,
    pub(super) emails: u64,
    pub(super) nested: bool,
    /// Some cell looks like a number or a boolean.
    pub(super) any_typed: bool,
}

impl Default for PossibleKinds {
    fn default() -> Self {
        Self {
            number: true,
            shortest: true,
            zero_led: false,
            forms: [true; FORMS.len()],
            separated: false,
            either_way: true,
            timestamp: true,
            boolean: true,
            plain_boolean: true,
            emails: 0,
            nested: false,
            any_typed: false,
        }
    }
}

impl PossibleKinds {
    pub(super) fn see(&mut self, scalar: &Scalar<'_>) {
        let text = scalar.to_text();
        let text = trim(&text);
        let is_native = matches!(scalar, Scalar::Number(_) | Scalar::Digits(_));
        let is_undecided = self.shortest || !self.any_typed;
        let is_plain = is_undecided && number::is_shortest(text);
        let is_shortest = is_native || is_plain;
        let is_word = matches!(text, "true" | "false");
        self.any_typed |= is_shortest || is_word || matches!(scalar, Scalar::Bool(_));
        let may_be_number = self.number || self.forms.contains(&true);
        let is_number = may_be_number && (is_plain || number::read(scalar).is_ok());
        self.number = self.number && is_number;
        self.shortest = self.shortest && is_shortest;
        self.zero_led |= self.number && is_zero_led(text);
        self.timestamp = self.timestamp && self.number && is_timestamp(text);
        self.boolean = self.boolean && boolean::read(scalar).is_ok();
        self.plain_boolean = self.plain_boolean && is_word;
        if self.forms.contains(&true) {
            self.see_forms(scalar, text, is_number);
        }
        // The full check of addresses is slow.
        self.emails += u64::from(text.contains('@') && email::is_address(text));
    }

    fn see_forms(&mut self, scalar: &Scalar<'_>, text: &str, is_number: bool) {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        // Whole numbers are the same in all forms, and plain decimals in all with a decimal point.
        let is_whole = is_number && digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_plain = is_number && number::is_plain(digits);
        for (possible, (decimal, thousands)) in self.forms.iter_mut().zip(FORMS) {
            let has_form = || {
                let form = NumberForm::new(Some(decimal), Some(thousands)).unwrap_or_default();
                form.read(scalar).is_ok()
            };
            let is_known = is_whole || (is_plain && decimal == '.');
            *possible = *possible && (is_known || has_form());
        }
        // JSON numbers always have a decimal point.
        if let Scalar::Text(_) | Scalar::Native(_) = scalar {
            let separators = number::separators(text);
            self.separated |= separators != Separators::None;
            self.either_way &= separators != Separators::Decided;
        }
    }

    /// Adds what other cells could be.
    pub(super) fn join(&mut self, other: &Self) {
        self.number &= other.number;
        self.shortest &= other.shortest;
        self.zero_led |= other.zero_led;
        for (possible, other) in self.forms.iter_mut().zip(other.forms) {
            *possible &= other;
        }
        self.separated |= other.separated;
        self.either_way &= other.either_way;
        self.timestamp &= other.timestamp;
        self.boolean &= other.boolean;
        self.plain_boolean &= other.plain_boolean;
        self.emails += other.emails;
        self.nested |= other.nested;
        self.any_typed |= other.any_typed;
    }
}

fn is_zero_led(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    text.starts_with('+')
        || (digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0."))
}
