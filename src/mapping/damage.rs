//! Finds and repairs the damage that spreadsheets and scripts do to identifiers.
//!
//! A cell counts as damaged if hardly any system issues such an id, but spreadsheets and scripts are known to turn ids
//! into it. Only damage that has exactly one meaning is repaired.

use super::damage_words::{is_placeholder, is_spreadsheet_error};
use super::exponent::Exponent;
use super::invalid_value::InvalidValue;
use crate::domain::text::trim;
use crate::domain::{Repairs, is_invisible, quoted_cell};

/// Whole numbers below this (2^53) are exact in a 64-bit float.
const EXACT_LIMIT: u64 = 9_007_199_254_740_992;

/// Spreadsheets write whole numbers of at least this many digits with an exponent.
const MIN_EXPONENT_DIGITS: usize = 12;

/// Digits that such an exponent form shows at most: `1.23457E+11`.
const MAX_SHOWN_DIGITS: usize = 6;

/// The attributes that are searched for damage, which would go unnoticed in them: identifying fields and phone numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdentifierKind {
    Id,
    UserId,
    Email,
    /// Sent as written.
    Phone,
    /// Parsed and reformatted, which drops invisible characters.
    PhoneOfRegion,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Invisible,
    NoBreakSpace,
    Guard,
    Formula,
    Error,
    /// `101.0`
    Decimals,
    /// `101.000`
    DecimalsOrThousands,
    /// `123000000000.0`
    Rounded,
    Exponent,
    /// `101.5` as a JSON number.
    Fraction,
    Placeholder,
}

/// The damage of a cell, and the cell without it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DamagedValue {
    damage: Damage,
    /// `None` if the original cannot be known; empty if the cell holds no value.
    pub(super) fixed: Option<String>,
    pub(super) repairs: Repairs,
}

/// Returns the damage of a text, or `None` if there is none.
pub(super) fn examine(text: &str, identifier: IdentifierKind) -> Option<DamagedValue> {
    let text = trim(text);
    let mut damage = damage_of(text, identifier)?;
    let mut repaired = text.to_owned();
    let mut repairs = Repairs::default();
    // One kind of damage may hide another, as in `'101.0`. The loop ends because each fix shortens the text.
    let fixed = loop {
        match fix(damage, &repaired, &mut repairs) {
            None => break None,
            Some(fixed) => repaired = fixed,
        }
        match damage_of(&repaired, identifier) {
            None => break Some(repaired),
            Some(next) => damage = next,
        }
    };
    Some(DamagedValue {
        damage,
        fixed,
        repairs,
    })
}

/// Returns the damage of a JSON number that is not an integer, given in the form in which it was read.
pub(super) fn examine_float(number: &str, identifier: IdentifierKind) -> DamagedValue {
    examine(number, identifier).unwrap_or(DamagedValue {
        damage: Damage::Fraction,
        fixed: None,
        repairs: Repairs::default(),
    })
}

impl DamagedValue {
    /// `is_part`: the text is a part of a template, where an empty value is not acceptable.
    pub(super) fn to_invalid_value(&self, text: &str, is_part: bool) -> InvalidValue {
        let what = match self.damage {
            Damage::Invisible => "contains invisible characters",
            Damage::NoBreakSpace => "contains a no-break space",
            Damage::Guard => "contains the marks with which spreadsheets protect text",
            Damage::Formula => "is a formula instead of its value",
            Damage::Error => "is a spreadsheet error",
            Damage::Decimals => "is a whole number with decimals",
            Damage::DecimalsOrThousands => {
                "has either decimals or a thousands separator, which look the same"
            }
            Damage::Rounded => "may be a rounded number",
            Damage::Exponent => "is a number with an exponent, which may be rounded",
            Damage::Fraction => "is a number with a fraction",
            Damage::Placeholder => "is a placeholder for no value",
        };
        let fix = match &self.fixed {
            Some(fixed) if !fixed.is_empty() => {
                format!("; `repair = \"fix\"` turns it into {}", quoted_cell(fixed))
            }
            Some(_) if !is_part => "; `repair = \"fix\"` treats it as empty".to_owned(),
            _ => String::new(),
        };
        let problem = InvalidValue::new(
            "damaged",
            format!("is damaged: {} {what}{fix}", quoted_cell(text)),
        );
        problem.advice(match self.damage {
            Damage::Placeholder => {
                "leave the cell empty, or list its text under `null_values` in [input]"
            }
            Damage::Formula | Damage::Error | Damage::NoBreakSpace => {
                "correct the cell in its source and export the file again"
            }
            _ if self.fixed.is_some() => {
                "set repair = \"fix\" in [input], or export the column again with its cells formatted as text"
            }
            _ => {
                "export the column again with its cells formatted as text: the lost digits are not in the file"
            }
        })
    }
}

/// Returns the first kind of damage found in a trimmed text.
fn damage_of(text: &str, identifier: IdentifierKind) -> Option<Damage> {
    let drops_invisible = identifier == IdentifierKind::PhoneOfRegion;
    if !text.is_ascii() && !drops_invisible && text.chars().any(is_invisible) {
        return Some(Damage::Invisible);
    }
    let first = text.bytes().next()?;
    match first {
        b'\'' => return Some(Damage::Guard),
        b'=' if unguarded(text).is_some() => return Some(Damage::Guard),
        b'=' => return Some(Damage::Formula),
        _ if is_spreadsheet_error(text) => return Some(Damage::Error),
        b'0'..=b'9' | b'+' | b'-' => {
            if let Some(damage) = damage_of_number(text, identifier) {
                return Some(damage);
            }
        }
        _ => {}
    }
    if is_placeholder(text) {
        return Some(Damage::Placeholder);
    }
    let is_spaced = |c: char| c.is_whitespace() && !c.is_ascii();
    let has_foreign_space = identifier == IdentifierKind::Email && text.contains(is_spaced);
    has_foreign_space.then_some(Damage::NoBreakSpace)
}

fn damage_of_number(text: &str, identifier: IdentifierKind) -> Option<Damage> {
    if identifier == IdentifierKind::Email {
        return None;
    }
    if let Some(exponent) = Exponent::parse(text, |c| matches!(c, '.' | ',')) {
        // A userId may be a hash such as `12e34`; ids and phone numbers never are.
        let is_hash = identifier == IdentifierKind::UserId && !exponent.is_machine_written();
        return (!is_hash).then_some(Damage::Exponent);
    }
    let (whole, zeros) = decimals(text)?;
    let is_phone = matches!(
        identifier,
        IdentifierKind::Phone | IdentifierKind::PhoneOfRegion
    );
    let digits = whole.trim_start_matches(['+', '-']);
    if is_phone && zeros > 2 {
        // Some people write phone numbers as `555.0000`.
        return None;
    }
    if zeros == 3 && digits.len() <= 3 {
        return Some(Damage::DecimalsOrThousands);
    }
    let is_exact = digits.parse().is_ok_and(|value: u64| value < EXACT_LIMIT);
    let is_round = digits.len() >= MIN_EXPONENT_DIGITS
        && digits.trim_end_matches('0').len() <= MAX_SHOWN_DIGITS;
    Some(match is_exact && !is_round {
        true => Damage::Decimals,
        false => Damage::Rounded,
    })
}

/// Splits a whole number with zeros for decimals into the number and the count of zeros.
fn decimals(text: &str) -> Option<(&str, usize)> {
    let rest = text.trim_end_matches('0');
    let zeros = text.len() - rest.len();
    let whole = rest.strip_suffix(['.', ',']).filter(|_| zeros > 0)?;
    let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    let is_whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_whole.then_some((whole, zeros))
}

/// The text inside `="…"`, or after the apostrophe that spreadsheets put before text.
fn unguarded(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('\'') {
        return Some(rest.strip_suffix('\'').unwrap_or(rest));
    }
    let inner = text.strip_prefix('=')?.trim_start();
    let inner = inner.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('"')).then_some(inner)
}

/// Returns the text without this damage, or `None` if it could mean several things.
fn fix(damage: Damage, text: &str, repairs: &mut Repairs) -> Option<String> {
    let fixed = match damage {
        Damage::Invisible => {
            repairs.invisible += 1;
            text.chars().filter(|c| !is_invisible(*c)).collect()
        }
        Damage::Guard => {
            let inner = unguarded(text)?;
            repairs.guards += 1;
            inner.to_owned()
        }
        Damage::Decimals => {
            let (whole, _) = decimals(text)?;
            repairs.decimals += 1;
            whole.to_owned()
        }
        Damage::Placeholder => {
            repairs.placeholders += 1;
            String::new()
        }
        Damage::NoBreakSpace
        | Damage::Formula
        | Damage::Error
        | Damage::DecimalsOrThousands
        | Damage::Rounded
        | Damage::Exponent
        | Damage::Fraction => return None,
    };
    Some(fixed.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// What a cell becomes: `Ok(None)` if it is sound, else what repair makes of it.
    fn fixed(text: &str, identifier: IdentifierKind) -> Result<Option<String>, Damage> {
        match examine(text, identifier) {
            None => Ok(None),
            Some(damaged) => damaged.fixed.map(Some).ok_or(damaged.damage),
        }
    }

    fn user_id(text: &str) -> Result<Option<String>, Damage> {
        fixed(text, IdentifierKind::UserId)
    }

    #[test]
    fn what_has_one_meaning_is_put_right() {
        for (text, right) in [
            ("101.0", "101"),
            (" 101.00 ", "101"),
            ("101,0", "101"),
            ("00123.0", "00123"),
            ("101.000000", "101"),
            ("1234.000", "1234"),
            ("380501234567.0", "380501234567"),
            ("=\"00123\"", "00123"),
            ("= \"u 1\"", "u 1"),
            ("'00124", "00124"),
            ("'u1'", "u1"),
            ("'101.0", "101"),
            ("\u{feff}=\"101.0\"", "101"),
            ("u1\u{200b}", "u1"),
            ("\u{202a}+380501234567\u{202c}", "+380501234567"),
            ("u\u{ad}1\u{2060}", "u1"),
            ("NULL", ""),
            ("=\"nan\"", ""),
            ("'", ""),
            ("\u{200b}", ""),
        ] {
            assert_eq!(user_id(text), Ok(Some(right.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn what_was_lost_is_not_put_right() {
        for (text, damage) in [
            ("1.23E+11", Damage::Exponent),
            ("1,23e+11", Damage::Exponent),
            ("1e5", Damage::Exponent),
            ("'1E+05", Damage::Exponent),
            ("#N/A", Damage::Error),
            ("#div/0!", Damage::Error),
            ("Err:502", Damage::Error),
            ("#ЗНАЧ!", Damage::Error),
            ("=A2&\"x\"", Damage::Formula),
            ("101.000", Damage::DecimalsOrThousands),
            ("1,000", Damage::DecimalsOrThousands),
            ("123000000000.0", Damage::Rounded),
            ("12345678901234567890.0", Damage::Rounded),
        ] {
            assert_eq!(user_id(text), Err(damage), "{text}");
        }
    }

    #[test]
    fn ordinary_ids_are_sound() {
        for text in [
            "",
            "u12",
            "00125",
            "1.0.3",
            "v2.0",
            "10.0.0.0",
            "1.10",
            "101.5",
            "-5",
            "+380501234567",
            "a-b",
            "12e34",
            "1234e56",
            "5e3a",
            "7e10234",
            "o'brien",
            "it's",
            "#12",
            "#channel",
            "nancy",
            "none-of-it",
            "na",
            "x=y",
            "олена",
            "é",
        ] {
            assert_eq!(user_id(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn each_kind_of_identifier_has_its_own_forms() {
        let phone = |text| fixed(text, IdentifierKind::Phone);
        assert_eq!(phone("555.0000"), Ok(None));
        assert_eq!(phone("380501234567.0"), Ok(Some("380501234567".into())));
        assert_eq!(phone("12e34"), Err(Damage::Exponent));
        assert_eq!(phone("\u{200e}+1"), Ok(Some("+1".into())));
        assert_eq!(fixed("\u{200e}+1", IdentifierKind::PhoneOfRegion), Ok(None));
        assert_eq!(fixed("12e34", IdentifierKind::Id), Err(Damage::Exponent));
        let email = |text| fixed(text, IdentifierKind::Email);
        assert_eq!(email("'ann@x.de"), Ok(Some("ann@x.de".into())));
        assert_eq!(email("ann@x.de\u{200b}"), Ok(Some("ann@x.de".into())));
        assert_eq!(email("o'brien@x.de"), Ok(None));
        assert_eq!(email("ann\u{a0}@x.de"), Err(Damage::NoBreakSpace));
        assert_eq!(email("\u{a0}ann@x.de"), Ok(None));
    }

    #[test]
    fn a_json_float_is_looked_at_as_it_was_read() {
        let float = |json: serde_json::Value| {
            let damaged = examine_float(&json.to_string(), IdentifierKind::UserId);
            damaged.fixed.ok_or(damaged.damage)
        };
        assert_eq!(float(json!(101.0)), Ok("101".into()));
        assert_eq!(float(json!(380_501_234_567.0)), Ok("380501234567".into()));
        assert_eq!(float(json!(101.5)), Err(Damage::Fraction));
        assert_eq!(float(json!(1.23e11)), Err(Damage::Rounded));
        assert_eq!(float(json!(1e300)), Err(Damage::Exponent));
    }

    #[test]
    fn a_problem_shows_the_cell_and_what_repair_makes_of_it() {
        let of = |text: &str| {
            examine(text, IdentifierKind::UserId)
                .unwrap()
                .to_invalid_value(text, false)
        };
        let problem = of("u1\u{200b}");
        assert_eq!(problem.code, "damaged");
        assert_eq!(
            problem.what,
            "is damaged: “u1\\u{200b}” contains invisible characters; `repair = \"fix\"` turns it into “u1”"
        );
        assert!(!of("#REF!").what.contains("repair"));
        assert!(of("NULL").what.contains("treats it as empty"));
    }

    proptest! {
        #[test]
        fn what_is_put_right_is_sound(text in r#"\PC{0,12}|['="]{0,2}[0-9]{1,5}[.,]?0{0,4}"?|[0-9.]{1,5}[eE][+-]?[0-9]{1,3}|.{0,5}"#) {
            for identifier in [IdentifierKind::Id, IdentifierKind::UserId, IdentifierKind::Email, IdentifierKind::Phone, IdentifierKind::PhoneOfRegion] {
                if let Some(fixed) = examine(&text, identifier).and_then(|damaged| damaged.fixed) {
                    prop_assert_eq!(examine(&fixed, identifier), None);
                    prop_assert_eq!(fixed.trim(), fixed.as_str());
                    prop_assert!(fixed.len() < text.len());
                }
            }
        }
    }
}
