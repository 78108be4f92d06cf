use std::borrow::Cow;

use super::exponent::Exponent;
use super::given::Scalar;
use super::problem::Problem;
use crate::domain::Number;

/// Digits that a 64-bit float, which is what JSON readers hold a number in, keeps exactly.
const EXACT_DIGITS: usize = 15;

/// 2^64: what a reader of JSON keeps as an integer is below it.
const INTEGERS: f64 = 18_446_744_073_709_551_616.0;

/// `decimal` and `thousands`: how the texts of an attribute write numbers.
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
    /// The option that cannot be meant, and why.
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
                "is no decimal separator: it is a point or a comma".to_owned(),
            ));
        }
        match thousands {
            Some(c) if digit_like(c) => {
                Err(("thousands", "is no separator of thousands".to_owned()))
            }
            Some(c) if c == form.decimal => {
                let reason = format!("and `decimal` are the same, `{c}`: name both");
                Err(("thousands", reason))
            }
            _ => Ok(form),
        }
    }

    /// `type = "number"`: a JSON number as it is, a text in decimal form.
    pub(super) fn read(&self, scalar: &Scalar<'_>) -> Result<Number, Problem> {
        match scalar {
            Scalar::Number(number) => of_json(number),
            Scalar::Bool(_) => Err(self.not_a_number()),
            Scalar::Text(text) | Scalar::Native(text) => self.parse(text.trim()),
            // A workbook keeps its numbers in one form, however it shows them.
            Scalar::Digits(text) => Self::default().parse(text),
        }
    }

    fn parse(&self, text: &str) -> Result<Number, Problem> {
        if *self == Self::default() && is_plain(text) {
            return Number::parse(text).ok_or_else(inexact);
        }
        if let Some(exponent) = Exponent::parse(text, |c| c == self.decimal) {
            return with_exponent(exponent);
        }
        let plain = self.with_point(text).and_then(|text| plain_form(&text));
        let Some(plain) = plain else {
            return Err(self.refusal(text));
        };
        Number::parse(&plain).ok_or_else(inexact)
    }

    /// The text with a decimal point and nothing between the thousands; nothing where it is not written in this form.
    /// Between thousands there are three digits, everywhere: `1.5` is no number with a point between its thousands.
    fn with_point(&self, text: &str) -> Option<String> {
        if *self == Self::default() {
            return Some(text.to_owned());
        }
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

    /// Spreadsheets and locales write one separator in several ways: a space that does not break, another apostrophe.
    fn separates(self, c: char) -> bool {
        self.thousands.is_some_and(|thousands| match thousands {
            ' ' => matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
            '\'' | '’' => matches!(c, '\'' | '’'),
            other => c == other,
        })
    }

    fn refusal(self, text: &str) -> Problem {
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
            true => Problem::new(
                "bad_number",
                "is not written with the separators that the config names",
            )
            .advice(self.how_to_write()),
            false => self.not_a_number(),
        }
    }

    fn not_a_number(self) -> Problem {
        Problem::new("bad_number", "is not a number").advice(self.how_to_write())
    }

    /// What to do about a text that is not in this form, with the signs that the config names.
    fn how_to_write(self) -> Cow<'static, str> {
        let decimal = self.decimal;
        match self.thousands {
            None if decimal == '.' => {
                "write digits and a decimal point only, without units: 1234.5".into()
            }
            None => format!(
                "write digits and a decimal `{decimal}` only, without units: 1234{decimal}5; or name other signs in the config than decimal = \"{decimal}\""
            )
            .into(),
            Some(thousands) => format!(
                "write digits, a decimal `{decimal}` and `{thousands}` before every three digits, without units: 1{thousands}234{decimal}5; or name other signs in the config than decimal = \"{decimal}\", thousands = \"{thousands}\""
            )
            .into(),
        }
    }
}

/// The plain form alone.
pub(super) fn read(scalar: &Scalar<'_>) -> Result<Number, Problem> {
    NumberForm::default().read(scalar)
}

/// A JSON number as it stands there; not one of so many digits that its reader had to round it.
pub(super) fn of_json(number: &serde_json::Number) -> Result<Number, Problem> {
    let float = number.as_f64().filter(|_| number.is_f64());
    if float.is_some_and(|float| float.fract() == 0.0 && float.abs() >= INTEGERS) {
        return Err(inexact());
    }
    Ok(Number::new(number.clone()))
}

/// A number with an exponent, as long as it has all its digits: `1.5e3` is 1500.
fn with_exponent(exponent: Exponent<'_>) -> Result<Number, Problem> {
    if exponent.is_rounded() {
        return Err(rounded());
    }
    let plain = exponent.plain().and_then(|plain| plain_form(&plain));
    plain
        .and_then(|plain| Number::parse(&plain))
        .ok_or_else(inexact)
}

fn inexact() -> Problem {
    Problem::new("bad_number", "has more digits than can be sent exactly")
        .advice("keep it as text: type = \"text\", and in JSON with quotes around it")
}

/// Whether a text is written as JSON writes numbers, without a sign.
fn is_plain(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole) && all_digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

/// The text as JSON writes numbers, where it is a plain decimal: a sign, digits and one point. Leading zeros and
/// a `+` change nothing about a value that the user declared to be a number.
fn plain_form(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !fraction.is_none_or(|f| !f.is_empty() && all_digits(f)) {
        return None;
    }
    if whole.is_empty() && fraction.is_none() {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.map(|f| format!(".{f}")).unwrap_or_default();
    Some(format!("{sign}{whole}{fraction}"))
}

fn separators_unnamed() -> Problem {
    Problem::new(
        "bad_number",
        "is written with a decimal comma or thousands separators",
    )
    .advice(
        "name its separators in the config, such as decimal = \",\", thousands = \" \", or write it with a decimal point and nothing between the thousands: 1234.5",
    )
}

/// What a cell tells about the signs that numbers are written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separators {
    /// There are none.
    None,
    /// `1,101` and `1.101`: the sign may stand before decimals as well as between thousands.
    Either,
    /// No thousands begin with `0,125`, no decimals are grouped as in `1,234,567`.
    Decided,
}

pub(super) fn separators(cell: &str) -> Separators {
    let digits = cell.strip_prefix(['-', '+']).unwrap_or(cell);
    let Some((whole, fraction)) = digits.split_once(['.', ',']) else {
        return Separators::None;
    };
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let grouped = (1..=3).contains(&whole.len()) && !whole.starts_with('0') && fraction.len() == 3;
    if grouped && all_digits(whole) && all_digits(fraction) {
        Separators::Either
    } else {
        Separators::Decided
    }
}

/// What spreadsheets show, and save, of numbers that are too wide for a cell: `1.23E+11`.
fn rounded() -> Problem {
    Problem::new(
        "damaged",
        "was turned into a rounded number such as 1.23E+11 by a spreadsheet",
    )
    .advice(
        "export the column again with its cells formatted as text: the lost digits are not in the file",
    )
}

/// What an untyped cell is under `type = "auto"`: a number where it is in the one form in which that number
/// would be written again, so that nothing is lost (`007` and `1.50` are texts).
pub(super) fn of_untyped(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let shortest = all_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(|f| all_digits(f) && !f.ends_with('0'))
        && text != "-0"
        && whole.len() + fraction.map_or(0, str::len) <= EXACT_DIGITS;
    if !shortest {
        return None;
    }
    let json: serde_json::Number = text.parse().ok()?;
    Some(Number::new(json))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Result<Number, Problem> {
        read(&Scalar::Text(Cow::Borrowed(text)))
    }

    #[test]
    fn separators_of_the_config_are_read() {
        let form = |decimal, thousands| NumberForm::new(decimal, thousands).unwrap();
        let (comma, german) = (form(Some(','), None), form(Some(','), Some('.')));
        let (spaced, english) = (form(Some(','), Some(' ')), form(None, Some(',')));
        let swiss = form(None, Some('\''));
        for (form, cell, same) in [
            (comma, "1234,56", "1234.56"),
            (comma, "-0,5", "-0.5"),
            (comma, "7", "7"),
            (german, "1.234.567,8", "1234567.8"),
            (german, "1234567,8", "1234567.8"),
            (spaced, "1 234\u{a0}567,80", "1234567.8"),
            (spaced, "-12\u{202f}345", "-12345"),
            (english, "12,345,678.9", "12345678.9"),
            (swiss, "1’234.5", "1234.5"),
            (german, "9.007.199.254.740.993", "9007199254740993"),
            (comma, "1,5e3", "1500"),
        ] {
            let read = form.read(&Scalar::Text(Cow::Borrowed(cell)));
            assert_eq!(read.unwrap(), Number::parse(same).unwrap(), "{cell}");
        }
        for (form, cell) in [
            (comma, "1.5"),
            (comma, "1.234,5"),
            (comma, "1,"),
            (comma, "1,2,3"),
            (german, "1.5"),
            (german, "1.23,4"),
            (german, "1234.567"),
            (german, ".123"),
            (german, "1,234.5"),
            (english, "1,5"),
            (spaced, "1  234"),
            (spaced, ""),
            (spaced, "12 EUR"),
        ] {
            let read = form.read(&Scalar::Text(Cow::Borrowed(cell)));
            assert_eq!(read.unwrap_err().code, "bad_number", "{cell}");
        }
        for (decimal, thousands, option) in [
            (Some('x'), None, "decimal"),
            (Some(' '), None, "decimal"),
            (None, Some('.'), "thousands"),
            (Some(','), Some(','), "thousands"),
            (None, Some('0'), "thousands"),
        ] {
            assert_eq!(NumberForm::new(decimal, thousands).unwrap_err().0, option);
        }
    }

    #[test]
    fn integers_are_exact_or_refused() {
        let of_json = |text: &str| {
            let json: serde_json::Value = serde_json::from_str(text).unwrap();
            of_json(json.as_number().unwrap()).map(|n| n.to_string())
        };
        for exact in [
            "9007199254740993",
            "-9223372036854775808",
            "18446744073709551615",
            "1.5",
        ] {
            assert_eq!(of_json(exact).as_deref(), Ok(exact));
            assert_eq!(text(exact).unwrap().to_string(), exact);
        }
        assert!(of_json("18446744073709551616").is_err());
        assert!(text("18446744073709551616").is_err());
    }

    #[test]
    fn plain_decimals_are_numbers() {
        for (cell, same) in [
            ("15", "15"),
            (" 15.50 ", "15.5"),
            ("+3", "3"),
            ("007", "7"),
            (".5", "0.5"),
            ("-0.25", "-0.25"),
            ("18446744073709551615", "18446744073709551615"),
            ("1e3", "1000"),
            ("1.5e1", "15"),
            ("1e+06", "1000000"),
            ("-2.50E-1", "-0.25"),
            ("5E-05", "0.00005"),
            ("1.23456789012E+11", "123456789012"),
        ] {
            assert_eq!(text(cell).unwrap(), Number::parse(same).unwrap(), "{cell}");
        }
    }

    #[test]
    fn other_forms_are_refused_with_advice() {
        for (cell, word) in [
            ("1,234.50", "thousands"),
            ("12,5", "comma"),
            ("1 234", "thousands"),
            ("1\u{a0}234", "thousands"),
            ("15 EUR", "not a number"),
            ("abc", "not a number"),
            ("1.", "not a number"),
            (".", "not a number"),
            ("-", "not a number"),
            ("1.23E+11", "spreadsheet"),
            ("1,23E+11", "spreadsheet"),
            ("1e11", "spreadsheet"),
            ("1,5e1", "comma"),
            ("1e-999", "digits"),
            ("1e5x", "not a number"),
            ("123456789012345678901234567890", "digits"),
        ] {
            let problem = text(cell).unwrap_err();
            assert!(problem.what.contains(word), "{cell}: {}", problem.what);
            assert!(problem.advice.is_some());
        }
        assert!(read(&Scalar::Bool(true)).is_err());
    }

    #[test]
    fn a_hint_names_the_signs_of_the_config() {
        let hint = |decimal, thousands, cell: &str| {
            let form = NumberForm::new(decimal, thousands).unwrap();
            let problem = form.read(&Scalar::Text(Cow::Borrowed(cell))).unwrap_err();
            let issue = problem.into_issue("customData.n", None);
            (issue.message, issue.hint.unwrap())
        };
        for (decimal, thousands, example, option) in [
            (Some(','), None, ": 1234,5;", "decimal = \",\""),
            (
                Some(','),
                Some('.'),
                ": 1.234,5;",
                "decimal = \",\", thousands = \".\"",
            ),
            (
                None,
                Some(','),
                ": 1,234.5;",
                "decimal = \".\", thousands = \",\"",
            ),
        ] {
            for cell in ["15 EUR", "abc", "1,5.0,3"] {
                let (_, hint) = hint(decimal, thousands, cell);
                assert!(
                    hint.contains(example) && hint.contains(option),
                    "{cell}: {hint}"
                );
                assert!(!hint.contains("decimal point"), "{hint}");
            }
        }
        let (message, _) = hint(Some(','), None, "1234.5");
        assert!(
            message.contains("not written with the separators"),
            "{message}"
        );
        let (message, hint) = hint(None, None, "15 EUR");
        assert!(
            message.contains("not a number") && hint.contains("decimal point"),
            "{hint}"
        );
    }

    #[test]
    fn numbers_that_fit_both_ways_are_told() {
        for cell in ["1,101", "1.101", "-12,345", "+999.000", "123.456"] {
            assert_eq!(separators(cell), Separators::Either, "{cell}");
        }
        for cell in [
            "0,125",
            "0.125",
            "12,5",
            "1234,567",
            "1.234,50",
            "1,234,567",
            ".125",
            "1,1o1",
        ] {
            assert_eq!(separators(cell), Separators::Decided, "{cell}");
        }
        for cell in ["15", "-3", "", "abc"] {
            assert_eq!(separators(cell), Separators::None, "{cell}");
        }
    }

    #[test]
    fn only_the_shortest_form_is_a_number_by_itself() {
        for cell in [
            "15",
            "15.5",
            "-3",
            "0",
            "-0.5",
            "0.000001",
            "999999999999999",
        ] {
            assert!(of_untyped(cell).is_some(), "{cell}");
        }
        for cell in [
            "007",
            "1.50",
            "+1",
            "1e5",
            "-0",
            "-0.0",
            ".5",
            "5.",
            "",
            "-",
            "1,5",
            " 1",
            "1 ",
            "1.0",
            "1000000000000000",
            "0.1234567890123456",
            "NaN",
            "inf",
            "٣",
        ] {
            assert!(of_untyped(cell).is_none(), "{cell}");
        }
    }

    proptest! {
        /// What is written as JSON writes it is not written otherwise by the longer way.
        #[test]
        fn a_plain_number_is_its_own_plain_form(text in r"[0-9.]{0,6}|[0-9]{1,20}(\.[0-9]{1,10})?") {
            if is_plain(&text) {
                prop_assert_eq!(plain_form(&text), Some(text.clone()));
                prop_assert!(Exponent::parse(&text, |c| c == '.').is_none());
            }
        }
    }

    proptest! {
        #[test]
        fn an_untyped_number_is_written_as_its_cell(cell in r"-?[0-9]{1,9}(\.[0-9]{1,8})?") {
            if let Some(number) = of_untyped(&cell) {
                // Rust writes the shortest decimal that reads back as the same value.
                let written = match number.as_json().as_i64() {
                    Some(whole) => whole.to_string(),
                    None => number.as_json().as_f64().unwrap().to_string(),
                };
                prop_assert_eq!(written, cell);
            }
        }

        #[test]
        fn a_shortest_integer_is_always_a_number(n in -999_999_999_999_999_i64..=999_999_999_999_999) {
            prop_assert!(of_untyped(&n.to_string()).is_some());
        }

        #[test]
        fn arbitrary_text_never_panics(cell in any::<String>()) {
            let _ = text(&cell);
            let _ = of_untyped(&cell);
        }
    }
}
