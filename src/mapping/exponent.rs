/// Spreadsheets show whole numbers rounded, as `1.23E+11`, from this exponent on.
const MIN_ROUNDED_EXPONENT: i32 = 11;

/// Larger exponents do not fit into a 64-bit float.
const MAX_EXPONENT: i32 = 300;

/// A number with an exponent, such as `1.5e3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exponent<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: Option<&'a str>,
    exponent: &'a str,
    /// `+` or `-` before the exponent.
    sign: Option<char>,
}

impl<'a> Exponent<'a> {
    /// Returns `None` if the text has no exponent. `decimal` recognizes decimal separators.
    pub(super) fn parse(text: &'a str, decimal: impl Fn(char) -> bool) -> Option<Self> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let (mantissa, exponent) = digits.split_once(['E', 'e'])?;
        let sign = exponent.chars().next().filter(|c| matches!(c, '+' | '-'));
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let (whole, fraction) = match mantissa.split_once(decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        let is_valid = all_digits(whole) && fraction.is_none_or(all_digits) && all_digits(exponent);
        is_valid.then_some(Self {
            is_negative,
            whole,
            fraction,
            exponent,
            sign,
        })
    }

    fn value(&self) -> Option<i32> {
        let value: i32 = self.exponent.parse().ok()?;
        let value = if self.sign == Some('-') {
            -value
        } else {
            value
        };
        (value.abs() <= MAX_EXPONENT).then_some(value)
    }

    /// Whether a spreadsheet may have rounded the number: there are fewer digits than the exponent requires, and the exponent
    /// is one for which spreadsheets switch to this form.
    pub(super) fn is_rounded(&self) -> bool {
        let digits = self.fraction.map_or(0, str::len);
        self.sign != Some('-')
            && self.value().is_none_or(|value| {
                value >= MIN_ROUNDED_EXPONENT
                    && usize::try_from(value).is_ok_and(|value| digits < value)
            })
    }

    /// Whether programs write numbers like this, so that it is unlikely to be a hash: with a signed exponent, with decimals,
    /// or with a single digit before the exponent. True for `1e5`, false for `12e34`.
    pub(super) fn is_machine_written(&self) -> bool {
        let is_one_digit = self.whole.len() == 1 && self.whole != "0";
        let is_plain = !self.exponent.starts_with('0') && self.value().is_some();
        self.sign.is_some() || self.fraction.is_some() || (is_one_digit && is_plain)
    }

    /// The number in plain decimal form, with all digits; `None` if the exponent is out of range.
    pub(super) fn plain(&self) -> Option<String> {
        let fraction = self.fraction.unwrap_or_default();
        let digits = format!("{}{fraction}", self.whole);
        let point = i32::try_from(self.whole.len()).ok()? + self.value()?;
        let sign = if self.is_negative { "-" } else { "" };
        let Ok(point) = usize::try_from(point) else {
            let zeros = "0".repeat(usize::try_from(-point).ok()?);
            return Some(format!("{sign}0.{zeros}{digits}"));
        };
        if point >= digits.len() {
            let zeros = "0".repeat(point - digits.len());
            return Some(format!("{sign}{digits}{zeros}"));
        }
        let (whole, fraction) = digits.split_at(point);
        let fraction = fraction.trim_end_matches('0');
        Some(match (whole, fraction) {
            (whole, "") => format!("{sign}{whole}"),
            ("", fraction) => format!("{sign}0.{fraction}"),
            (whole, fraction) => format!("{sign}{whole}.{fraction}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<Exponent<'_>> {
        Exponent::parse(text, |c| matches!(c, '.' | ','))
    }

    #[test]
    fn exponents_are_spelled_out() {
        for (text, plain) in [
            ("1e3", "1000"),
            ("1.5e1", "15"),
            ("1e+06", "1000000"),
            ("1.50E+1", "15"),
            ("-2,5e-1", "-0.25"),
            ("12e-5", "0.00012"),
            ("1.2345e2", "123.45"),
            ("1.23456789012E+11", "123456789012"),
            ("0e5", "000000"),
        ] {
            assert_eq!(
                parse(text).unwrap().plain().as_deref(),
                Some(plain),
                "{text}"
            );
        }
        assert_eq!(parse("1e999").unwrap().plain(), None);
        assert_eq!(parse("1e99999999999999").unwrap().plain(), None);
        for text in [
            "", "e5", "1e", "1e+", "1.e5", ".5e1", "1e5x", "5e3a", "1e5.0", "abcE+11",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn rounded_is_what_lacks_digits() {
        for text in [
            "1.23E+11",
            "1,23E+11",
            "1E+12",
            "-5.1e15",
            "1.2345678901E+11",
            "1e999",
        ] {
            assert!(parse(text).unwrap().is_rounded(), "{text}");
        }
        for text in ["1e3", "1.5e10", "1.23456789012E+11", "5E-12", "1e-999"] {
            assert!(!parse(text).unwrap().is_rounded(), "{text}");
        }
    }

    #[test]
    fn a_hash_is_not_written_as_programs_write_numbers() {
        for text in [
            "1.23E+11", "5E-05", "-1E+12", "1e5", "7E10", "1.0E10", "12E+34",
        ] {
            assert!(parse(text).unwrap().is_machine_written(), "{text}");
        }
        for text in ["12e34", "1234e56", "7e10234", "5e05", "0e12"] {
            assert!(!parse(text).unwrap().is_machine_written(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_plain_form_is_the_same_number(text in r"-?[1-9][0-9]{0,3}(\.[0-9]{1,6})?[eE][+-]?[0-9]{1,2}") {
            let plain = parse(&text).unwrap().plain().unwrap();
            prop_assert_eq!(plain.parse::<f64>().unwrap(), text.parse::<f64>().unwrap(), "{}", plain);
        }

        #[test]
        fn arbitrary_text_never_panics(text in any::<String>()) {
            if let Some(exponent) = parse(&text) {
                let _ = (exponent.plain(), exponent.is_rounded(), exponent.is_machine_written());
            }
        }
    }
}
