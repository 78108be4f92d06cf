use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::{rfc2822, temporal::Pieces};

/// What a text without a declared format says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Instant(Timestamp),
    /// A date and time without a zone.
    Local(DateTime),
    /// A date alone.
    Day(Date),
}

/// A text of digits, perhaps signed, perhaps with a fraction, which is cut off (only behind as many digits as a
/// timestamp has: `10.2024` is no timestamp). Inner nothing: an integer that is too large.
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

/// ISO 8601 as RFC 3339 and databases write it, with `T` or a space, with or without a zone; and RFC 2822.
pub(super) fn iso(text: &str) -> Option<Moment> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return rfc2822::parse(text)
            .ok()
            .map(|zoned| Moment::Instant(zoned.timestamp()));
    }
    pieces(text).or_else(|| pieces(&joined_zone(text)?))
}

fn pieces(text: &str) -> Option<Moment> {
    let pieces = Pieces::parse(text).ok()?;
    let Some(time) = pieces.time() else {
        return Some(Moment::Day(pieces.date()));
    };
    let local = pieces.date().to_datetime(time);
    if pieces.time_zone_annotation().is_some() {
        let zoned: jiff::Zoned = text.parse().ok()?;
        return Some(Moment::Instant(zoned.timestamp()));
    }
    match pieces.to_numeric_offset() {
        Some(offset) => offset.to_timestamp(local).ok().map(Moment::Instant),
        None => Some(Moment::Local(local)),
    }
}

/// The text with its zone set off by a space joined on: ` UTC`, ` GMT`, ` Z`, ` +0300`.
fn joined_zone(text: &str) -> Option<String> {
    let (time, zone) = text.rsplit_once(' ')?;
    let zone = match zone {
        "UTC" | "GMT" | "Z" | "z" => "Z",
        offset if offset.starts_with(['+', '-']) => offset,
        _ => return None,
    };
    Some(format!("{}{zone}", time.trim_end()))
}

/// The formats that a text of three numbers may have, the likeliest first: several where its parts could change places.
pub(super) fn look(text: &str) -> Vec<String> {
    look_of_date(text).unwrap_or_default()
}

fn look_of_date(text: &str) -> Option<Vec<String>> {
    let between = text.find([' ', 'T']).unwrap_or(text.len());
    let (date, time) = text.split_at_checked(between)?;
    let separator = date.chars().find(|c| matches!(c, '/' | '.' | '-'))?;
    let mut numbers = date.split(separator);
    let (first, second, third) = (numbers.next()?, numbers.next()?, numbers.next()?);
    if numbers.next().is_some() {
        return None;
    }
    let time = match time.split_at_checked(1) {
        Some((between, time)) => format!("{between}{}", look_of_time(time.trim())?),
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
    // `24-01-15` is written with the year first, and never with points.
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

/// Whether there is such a day; a year of two digits is one of this century.
fn exists(year: &str, month: &str, day: &str) -> bool {
    let number = |text: &str, longest: usize| {
        let digits = text.len() <= longest && text.bytes().all(|b| b.is_ascii_digit());
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

fn look_of_time(time: &str) -> Option<&'static str> {
    let (clock, half) = match time.split_once(' ') {
        Some((clock, half)) => (clock, Some(half)),
        None => (time, None),
    };
    let halves = half.is_none_or(|h| h.eq_ignore_ascii_case("am") || h.eq_ignore_ascii_case("pm"));
    let part = |part: &str, most: u8| {
        let short = (1..=2).contains(&part.len());
        short && part.parse::<u8>().is_ok_and(|n| n <= most)
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
