use super::exponent::Exponent;
use super::invalid_value::InvalidValue;
use super::number_form::NumberForm;
use super::source_value::Scalar;
use crate::domain::Number;

/// Decimal digits that a 64-bit float, which JSON parsers use for numbers, represents exactly.
const EXACT_DIGITS: usize = 15;

/// 2^64: JSON parsers keep integers below it as integers.
const INTEGER_LIMIT: f64 = 18_446_744_073_709_551_616.0;

/// Reads a number without options from the config.
pub(super) fn read(scalar: &Scalar<'_>) -> Result<Number, InvalidValue> {
    NumberForm::default().read(scalar)
}

/// Takes a JSON number as it is, unless it has more digits than its parser keeps.
pub(super) fn of_json(number: &serde_json::Number) -> Result<Number, InvalidValue> {
    let float = number.as_f64().filter(|_| number.is_f64());
    if float.is_some_and(|float| float.fract() == 0.0 && float.abs() >= INTEGER_LIMIT) {
        return Err(inexact());
    }
    Ok(Number::new(number.clone()))
}

/// Reads a number with an exponent if all of its digits are there: `1.5e3` is 1500.
pub(super) fn with_exponent(exponent: Exponent<'_>) -> Result<Number, InvalidValue> {
    if exponent.is_rounded() {
        return Err(rounded());
    }
    let plain = exponent.plain().and_then(|plain| plain_form(&plain));
    plain
        .and_then(|plain| Number::parse(&plain))
        .ok_or_else(inexact)
}

pub(super) fn inexact() -> InvalidValue {
    InvalidValue::new("bad_number", "has more digits than can be sent exactly")
        .advice("keep it as text: set type = \"text\", and in JSON put it in quotes")
}

/// Whether a text is an unsigned number as JSON writes it.
pub(super) fn is_plain(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole) && all_digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

/// Rewrites a plain decimal (a sign, digits and one point) as JSON writes numbers: without leading zeros and `+`, which mean
/// nothing in a value that is declared to be a number.
pub(super) fn plain_form(text: &str) -> Option<String> {
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
    let mut plain = String::with_capacity(text.len() + 1);
    plain.push_str(sign);
    plain.push_str(whole);
    if let Some(fraction) = fraction {
        plain.push('.');
        plain.push_str(fraction);
    }
    Some(plain)
}

pub(super) fn separators_unnamed() -> InvalidValue {
    InvalidValue::new(
        "bad_number",
        "is written with a decimal comma or thousands separators",
    )
    .advice(
        "set its separators in the config, such as decimal = \",\", thousands = \" \", or write it with a decimal point and without thousands separators: 1234.5",
    )
}

/// What a cell reveals about the separators of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separators {
    /// The cell has no separators.
    None,
    /// `1,101` and `1.101`: the separator may be for decimals or for thousands.
    Either,
    /// It is clear what the separators are: decimals in `0,125`, thousands in `1,234,567`.
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

/// Spreadsheets show, and save, numbers that are too wide for a cell as `1.23E+11`.
pub(super) fn rounded() -> InvalidValue {
    InvalidValue::new(
        "damaged",
        "was turned into a rounded number such as 1.23E+11 by a spreadsheet",
    )
    .advice(
        "export the column again with its cells formatted as text: the lost digits are not in the file",
    )
}

/// Reads an untyped cell under `type = "auto"`: it is a number only if writing that number gives the same text, so that
/// nothing is lost. `007` and `1.50` stay texts.
pub(super) fn of_untyped(text: &str) -> Option<Number> {
    if !is_shortest(text) {
        return None;
    }
    let json: serde_json::Number = text.parse().ok()?;
    Some(Number::new(json))
}

/// Whether a text is a number in the form in which it would be written.
pub(super) fn is_shortest(text: &str) -> bool {
    if !matches!(text.as_bytes(), [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..]) {
        return false;
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(|f| all_digits(f) && !f.ends_with('0'))
        && text != "-0"
        && whole.len() + fraction.map_or(0, str::len) <= EXACT_DIGITS
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Result<Number, InvalidValue> {
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
