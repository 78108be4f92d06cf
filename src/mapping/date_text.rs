use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::{rfc2822, temporal::Pieces};

/// A date that was read without a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParsedDate {
    Instant(Timestamp),
    /// A date and time without a zone.
    Local(DateTime),
    /// A date alone.
    Day(Date),
}

/// Reads an integer with an optional sign. A fraction is cut off if the digits before it are as many as a timestamp has:
/// `10.2024` is not a timestamp. The inner `None` means an integer that is too large.
pub(super) fn integer(text: &str) -> Option<Option<i64>> {
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if !all_digits(digits) || !fraction.is_none_or(|f| digits.len() >= 9 && all_digits(f)) {
        return None;
    }
    Some(whole.parse().ok())
}

/// Reads RFC 2822, and ISO 8601 as RFC 3339 and databases write it: with `T` or a space, with or without a zone.
pub(super) fn iso(text: &str) -> Option<ParsedDate> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return rfc2822::parse(text)
            .ok()
            .map(|zoned| ParsedDate::Instant(zoned.timestamp()));
    }
    pieces(text).or_else(|| pieces(&joined_zone(text)?))
}

fn pieces(text: &str) -> Option<ParsedDate> {
    let pieces = Pieces::parse(text).ok()?;
    let Some(time) = pieces.time() else {
        return Some(ParsedDate::Day(pieces.date()));
    };
    let local = pieces.date().to_datetime(time);
    if pieces.time_zone_annotation().is_some() {
        let zoned: jiff::Zoned = text.parse().ok()?;
        return Some(ParsedDate::Instant(zoned.timestamp()));
    }
    match pieces.to_numeric_offset() {
        Some(offset) => offset.to_timestamp(local).ok().map(ParsedDate::Instant),
        None => Some(ParsedDate::Local(local)),
    }
}

/// The text without the space before its zone: ` UTC`, ` GMT`, ` Z`, ` +0300`.
fn joined_zone(text: &str) -> Option<String> {
    let (time, zone) = text.rsplit_once(' ')?;
    let zone = match zone {
        "UTC" | "GMT" | "Z" | "z" => "Z",
        offset if offset.starts_with(['+', '-']) => offset,
        _ => return None,
    };
    Some(format!("{}{zone}", time.trim_end()))
}

/// Returns the formats that a date of three numbers may have, the most likely first. There are several if day, month and
/// year could change places.
pub(super) fn likely_formats(text: &str) -> Vec<String> {
    formats_of(text).unwrap_or_default()
}

fn formats_of(text: &str) -> Option<Vec<String>> {
    let between = text.find([' ', 'T']).unwrap_or(text.len());
    let (date, time) = text.split_at_checked(between)?;
    let separator = date.chars().find(|c| matches!(c, '/' | '.' | '-'))?;
    let mut numbers = date.split(separator);
    let (first, second, third) = (numbers.next()?, numbers.next()?, numbers.next()?);
    if numbers.next().is_some() {
        return None;
    }
    let time = match time.split_at_checked(1) {
        Some((between, time)) => format!("{between}{}", time_format(time.trim())?),
        None => String::new(),
    };
    let format = |parts: [&str; 3]| format!("{}{time}", parts.join(&separator.to_string()));
    if first.len() == 4 {
        let exists = exists(first, second, third);
        return Some(
            exists
                .then(|| format(["%Y", "%m", "%d"]))
                .into_iter()
                .collect(),
        );
    }
    let year = if third.len() == 2 { "%y" } else { "%Y" };
    let day_first = exists(third, second, first).then(|| format(["%d", "%m", year]));
    let month_first = exists(third, first, second).then(|| format(["%m", "%d", year]));
    // `24-01-15` has the year first, which is never written with points.
    let may_begin_with_year = first.len() == 2 && third.len() == 2 && separator != '.';
    let year_first =
        (may_begin_with_year && exists(first, second, third)).then(|| format(["%y", "%m", "%d"]));
    Some(
        [day_first, month_first, year_first]
            .into_iter()
            .flatten()
            .collect(),
    )
}

/// Whether the day exists. A year of two digits belongs to this century.
fn exists(year: &str, month: &str, day: &str) -> bool {
    let number = |text: &str, max_len: usize| {
        let digits = text.len() <= max_len && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i16>().ok().filter(|_| digits)
    };
    let year = match year.len() {
        2 => number(year, 2).map(|year| 2000 + year),
        4 => number(year, 4),
        _ => None,
    };
    let part = |text| number(text, 2).and_then(|n| i8::try_from(n).ok());
    match (year, part(month), part(day)) {
        (Some(year), Some(month), Some(day)) => Date::new(year, month, day).is_ok(),
        _ => false,
    }
}

fn time_format(time: &str) -> Option<&'static str> {
    let (clock, half) = match time.split_once(' ') {
        Some((clock, half)) => (clock, Some(half)),
        None => (time, None),
    };
    let halves = half.is_none_or(|h| h.eq_ignore_ascii_case("am") || h.eq_ignore_ascii_case("pm"));
    let part = |part: &str, max: u8| {
        let short = (1..=2).contains(&part.len());
        short && part.parse::<u8>().is_ok_and(|n| n <= max)
    };
    let mut parts = clock.split(':');
    let plain = parts.next().is_some_and(|hour| part(hour, 23)) && parts.all(|rest| part(rest, 59));
    match (halves && plain, clock.split(':').count(), half.is_some()) {
        (true, 2, false) => Some("%H:%M"),
        (true, 3, false) => Some("%H:%M:%S"),
        (true, 2, true) => Some("%I:%M %p"),
        (true, 3, true) => Some("%I:%M:%S %p"),
        _ => None,
    }
}
