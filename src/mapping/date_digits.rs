//! Bare digits that are a date, or no date at all, rather than a UNIX time.

use super::invalid_value::InvalidValue;

/// The layout of a date written as digits alone, and the format that reads it.
type Layout = (&'static str, &'static str);

/// UNIX times look like these only by chance.
const DATES: [Layout; 8] = [
    ("YYYYMMDD", "%Y%m%d"),
    ("DDMMYYYY", "%d%m%Y"),
    ("MMDDYYYY", "%m%d%Y"),
    ("YYMMDD", "%y%m%d"),
    ("DDMMYY", "%d%m%y"),
    ("MMDDYY", "%m%d%y"),
    ("YYYYMMDDhhmm", "%Y%m%d%H%M"),
    ("DDMMYYYYhhmm", "%d%m%Y%H%M"),
];

/// Longer layouts. As a UNIX time such digits would always mean 1970.
const LONG_DATES: [Layout; 3] = [
    ("YYYYMMDDhhmmss", "%Y%m%d%H%M%S"),
    ("DDMMYYYYhhmmss", "%d%m%Y%H%M%S"),
    ("YYYYMMDDhhmmssfff", "%Y%m%d%H%M%S%3f"),
];

/// One in a hundred UNIX times looks like these, so the whole column decides.
const LIKELY_DATES: [Layout; 2] = [("YYYYMMDDhh", "%Y%m%d%H"), ("YYMMDDhhmmss", "%y%m%d%H%M%S")];

/// UNIX seconds below this fall on 1970-01-01, so that smaller numbers mean something else.
const FIRST_DAY: u64 = 86_400;

/// Day numbers of spreadsheets, counted from 1900, for the years 1954 to 2064.
const SPREADSHEET_DAYS: std::ops::Range<u64> = 20_000..60_000;

/// UNIX seconds that systems write for "never": 0001-01-01, 1899-12-30, 3000-01-01, the first and last second of
/// 9999-12-31, and the second after it.
const NEVER: [i64; 6] = [
    -62_135_596_800,
    -2_209_161_600,
    32_503_680_000,
    253_402_214_400,
    253_402_300_799,
    253_402_300_800,
];

/// Words for "no date", in lower case.
const NO_DATE: [&str; 20] = [
    "nat",
    "nan",
    "null",
    "(null)",
    "nil",
    "none",
    "n/a",
    "na",
    "\\n",
    "undefined",
    "infinity",
    "+infinity",
    "-infinity",
    "inf",
    "-inf",
    "never",
    "unknown",
    "-",
    "--",
    "?",
];

/// Returns the formats that read these digits as a date, the most likely first.
pub(super) fn formats(digits: &str) -> Vec<&'static str> {
    fitting(&DATES, digits)
}

/// Whether a column full of such digits holds dates, although a single one may be a UNIX time.
pub(super) fn is_likely_date(digits: &str) -> bool {
    LIKELY_DATES.iter().any(|(layout, _)| fits(digits, layout))
}

/// Returns why digits are not a UNIX time, regardless of the rest of the column; `None` if they may be one.
pub(super) fn no_timestamp(digits: &str, count: i64) -> Option<InvalidValue> {
    if let Some(problem) = no_date(digits) {
        return Some(problem);
    }
    let dates = formats(digits);
    if let Some((first, others)) = dates.split_first() {
        let mut others: Vec<String> = others.iter().map(|&f| f.to_owned()).collect();
        if others.is_empty() && digits.len() == 8 {
            others.push("unix".to_owned());
        }
        return Some(looks_like_date(first, others));
    }
    if let Some(&first) = fitting(&LONG_DATES, digits).first() {
        return Some(looks_like_date(first, Vec::new()));
    }
    let size = count.unsigned_abs();
    if fits(digits, "YYYYMM") {
        return Some(incomplete("looks like a year and a month"));
    }
    if fits(digits, "YYYY") {
        return Some(incomplete("looks like a year alone"));
    }
    if digits.len() == 7 && !formats(&format!("0{digits}")).is_empty() {
        return Some(
            InvalidValue::new("ambiguous_date", "looks like a date whose leading zero is missing").advice(
                "store these dates as text, so that the zero stays, and set their `format`; for UNIX seconds set format = \"unix\"",
            ),
        );
    }
    if SPREADSHEET_DAYS.contains(&size) {
        return Some(
            InvalidValue::new("ambiguous_date", "looks like a spreadsheet's day number").advice(
                "format the column as a date before exporting it; for UNIX seconds set format = \"unix\"",
            ),
        );
    }
    if size < FIRST_DAY {
        return Some(
            InvalidValue::new("bad_date", "is a small number, not a date")
                .advice(null_value(digits) + "; for UNIX seconds set format = \"unix\""),
        );
    }
    is_never(digits, count).then(|| {
        InvalidValue::new("bad_date", "is a date that programs write for \"never\"")
            .advice(null_value(digits))
    })
}

/// Returns why digits in a column of dates are not a UNIX time.
pub(super) fn likely_date(digits: &str) -> Option<InvalidValue> {
    let first = *fitting(&LIKELY_DATES, digits).first()?;
    let unix = if digits.len() == 10 {
        "unix"
    } else {
        "unix_ms"
    };
    Some(looks_like_date(first, vec![unix.to_owned()]))
}

/// Recognizes texts that mean "no date": `0000-00-00`, `NaT`, `infinity`.
pub(super) fn no_date(text: &str) -> Option<InvalidValue> {
    let mut bytes = text.bytes();
    let zeros = bytes.all(|b| {
        matches!(
            b,
            b'0' | b'-' | b'.' | b'/' | b':' | b' ' | b'T' | b'Z' | b'+'
        )
    }) && text.contains('0');
    // No word begins with a digit.
    let is_number = text.starts_with(|c: char| c.is_ascii_digit());
    let word = || !is_number && NO_DATE.iter().any(|word| text.eq_ignore_ascii_case(word));
    (zeros || word())
        .then(|| InvalidValue::new("bad_date", "is not a date").advice(null_value(text)))
}

/// The advice to treat a text as empty. The text is one of the constants above or a small number, not personal data.
fn null_value(text: &str) -> String {
    let quoted = serde_json::Value::from(text);
    format!(
        "if it means that there is no date, treat it as an empty cell: [input] null_values = [{quoted}]"
    )
}

fn looks_like_date(format: &str, or: Vec<String>) -> InvalidValue {
    InvalidValue::new(
        "ambiguous_date",
        "looks like a date written as digits alone, not like a UNIX time",
    )
    .format(format, or)
}

fn incomplete(what: &'static str) -> InvalidValue {
    InvalidValue::new("ambiguous_date", what)
        .advice("a date needs a day; for UNIX seconds set format = \"unix\"")
}

fn is_never(digits: &str, count: i64) -> bool {
    let nines = digits.len() >= 9 && digits.bytes().all(|b| b == b'9');
    let units = [1, 1_000, 1_000_000];
    nines
        || units
            .iter()
            .any(|unit| NEVER.contains(&count.div_euclid(*unit)))
}

fn fitting(layouts: &[Layout], digits: &str) -> Vec<&'static str> {
    let fitting = layouts.iter().filter(|(layout, _)| fits(digits, layout));
    fitting.map(|(_, format)| *format).collect()
}

/// Whether digits fit a layout, with a year from 1900 to 2100. A month or day of 0 stands for an unknown one.
fn fits(digits: &str, layout: &str) -> bool {
    if digits.len() != layout.len() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let part = |letter: u8| {
        let mut all = digits.bytes().zip(layout.bytes());
        all.by_ref()
            .filter(|(_, l)| *l == letter)
            .fold(0_u32, |n, (digit, _)| n * 10 + u32::from(digit - b'0'))
    };
    let has_century = layout.contains("YYYY");
    let whole_days = has_century || (part(b'M') > 0 && part(b'D') > 0) || !layout.contains('D');
    (!has_century || (1900..=2100).contains(&part(b'Y')))
        && whole_days
        && part(b'M') <= 12
        && part(b'D') <= 31
        && part(b'h') <= 24
        && part(b'm') <= 59
        && part(b's') <= 60
}

#[cfg(test)]
mod tests {
    use super::super::invalid_value::Advice;
    use super::*;

    fn refused(digits: &str) -> Option<Vec<String>> {
        let problem = no_timestamp(digits, digits.parse().unwrap())?;
        Some(match problem.advice? {
            Advice::DateFormat { format, or } => [vec![format], or].concat(),
            Advice::Text(text) => vec![text.into_owned()],
        })
    }

    #[test]
    fn dates_as_digits_name_their_formats() {
        for (digits, formats) in [
            ("20240115093000", &["%Y%m%d%H%M%S"][..]),
            ("15012024093000", &["%d%m%Y%H%M%S"]),
            ("20240115093000123", &["%Y%m%d%H%M%S%3f"]),
            ("202401150930", &["%Y%m%d%H%M"]),
            ("31122024", &["%d%m%Y", "unix"]),
            ("12312024", &["%m%d%Y", "unix"]),
            ("03042024", &["%d%m%Y", "%m%d%Y"]),
            ("20240304", &["%Y%m%d", "unix"]),
            ("240115", &["%y%m%d", "%d%m%y"]),
        ] {
            assert_eq!(refused(digits).unwrap(), formats, "{digits}");
        }
    }

    #[test]
    fn numbers_that_are_no_time_say_what_to_do() {
        for (digits, part) in [
            ("0", "null_values = [\"0\"]"),
            ("00000000", "null_values = [\"00000000\"]"),
            ("-1", "null_values = [\"-1\"]"),
            ("201712", "needs a day"),
            ("2024", "needs a day"),
            ("1012024", "leading zero is missing"),
            ("45352", "spreadsheet"),
            ("9999999999", "null_values"),
            ("253402300799", "null_values"),
            ("253402300799999", "null_values"),
            ("-62135596800", "null_values"),
            ("-2209161600", "null_values"),
        ] {
            let count: i64 = digits.parse().unwrap();
            let problem = no_timestamp(digits, count).unwrap();
            let text = format!("{problem:?}");
            assert!(text.replace('\\', "").contains(part), "{digits}: {text}");
        }
    }

    #[test]
    fn unix_times_are_none_of_these() {
        for digits in [
            "1705311000",
            "172800",
            "-86400",
            "63072000",
            "63072000000",
            "1577959200000",
            "1705311000123456",
            "1705311000123456789",
            "4102444800",
            "2147483647",
        ] {
            assert_eq!(refused(digits), None, "{digits}");
        }
        assert!(is_likely_date("2024011509"));
        assert!(!is_likely_date("1705311000"));
    }

    #[test]
    fn words_for_no_date_are_known() {
        for text in [
            "0000-00-00",
            "0000-00-00 00:00:00",
            "00.00.0000",
            "NaT",
            "-Infinity",
            "\\N",
        ] {
            assert_eq!(no_date(text).unwrap().code, "bad_date", "{text}");
        }
        for text in ["2020-01-01", "soon", "", "10"] {
            assert_eq!(no_date(text), None, "{text}");
        }
    }
}
