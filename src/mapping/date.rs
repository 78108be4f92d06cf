use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use super::date_format::DateFormat;
use super::date_units::{ColumnUnit, UnitVotes};
use super::invalid_value::InvalidValue;
use super::source_value::Scalar;
use super::{date_digits, date_text};

/// The years 1 to 9999, which every date library supports, as UNIX seconds.
const VALID_SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Reads an attribute's dates as UNIX seconds, without fractions: in the formats of the config or, if there are none, in
/// the formats that are unambiguous.
///
/// A local time that a clock change skips is moved forward by the gap, and one that occurs twice means the first of the
/// two, as in RFC 5545. A date without a time is midnight of that day in the zone.
#[derive(Debug, Clone)]
pub(super) struct DateReader {
    formats: Vec<DateFormat>,
    /// Of dates that have none.
    zone: TimeZone,
    /// Whether the rule of the attribute names the zone.
    has_own_zone: bool,
    accepts_iso: bool,
    /// How bare numbers are read; `None` until the whole column was seen.
    unit: Option<ColumnUnit>,
}

impl Default for DateReader {
    /// Unambiguous dates only, in UTC unless they carry a zone.
    fn default() -> Self {
        Self::without_zone(Vec::new())
    }
}

impl DateReader {
    pub(super) fn new(formats: Vec<DateFormat>, zone: TimeZone) -> Self {
        Self {
            formats,
            zone,
            has_own_zone: true,
            accepts_iso: false,
            unit: None,
        }
    }

    /// A reader for UTC, or for the zone that the input has.
    pub(super) fn without_zone(formats: Vec<DateFormat>) -> Self {
        Self {
            has_own_zone: false,
            ..Self::new(formats, TimeZone::UTC)
        }
    }

    /// Sets the zone of dates that have none, unless the rule of the attribute names one.
    pub(super) fn set_input_zone(&mut self, zone: &TimeZone) {
        if !self.has_own_zone {
            self.zone.clone_from(zone);
        }
    }

    /// The digits and the value of a bare number whose unit the whole column decides: no format is given, and the number may
    /// be a UNIX time.
    pub(super) fn bare_number<'s>(&self, scalar: &'s Scalar<'_>) -> Option<(Cow<'s, str>, i64)> {
        if !self.formats.is_empty() {
            return None;
        }
        let (digits, count) = match scalar {
            Scalar::Bool(_) => return None,
            Scalar::Text(text) | Scalar::Native(text) | Scalar::Digits(text) => {
                let (digits, count) = digits_of(text.trim())?;
                (Cow::Borrowed(digits), count)
            }
            Scalar::Number(number) => {
                let (digits, count) = digits_of_number(number)?;
                (Cow::Owned(digits), count)
            }
        };
        let count = count?;
        let may_be_time = date_digits::no_timestamp(&digits, count).is_none();
        may_be_time.then_some((digits, count))
    }

    /// Whether bare numbers cannot be read before [`Self::decide_unit`].
    pub(super) fn needs_unit(&self) -> bool {
        self.formats.is_empty() && self.unit.is_none()
    }

    pub(super) fn has_unit_of(&self, votes: &UnitVotes) -> bool {
        !self.formats.is_empty() || self.unit == Some(votes.decide())
    }

    pub(super) fn decide_unit(&mut self, votes: &UnitVotes) {
        self.unit = Some(votes.decide());
    }

    /// Also accepts `2025-01-13` and `2025-01-13 10:00:00`, the form of a workbook's date cells, whatever the formats.
    pub(super) fn accept_iso(&mut self) {
        self.accepts_iso = true;
    }

    pub(super) fn read(&self, scalar: &Scalar<'_>) -> Result<i64, InvalidValue> {
        match scalar {
            Scalar::Bool(_) => Err(not_a_date()),
            Scalar::Text(text) | Scalar::Native(text) | Scalar::Digits(text) => {
                self.read_text(text.trim())
            }
            Scalar::Number(number) if self.formats.is_empty() => {
                let (digits, count) = digits_of_number(number).ok_or_else(out_of_range)?;
                self.bare(&digits, count)
            }
            Scalar::Number(number) => self.read_text(&number.to_string()),
        }
    }

    fn read_text(&self, text: &str) -> Result<i64, InvalidValue> {
        if self.formats.is_empty() {
            return self.unambiguous(text);
        }
        let mut refusal = not_in_format();
        for format in &self.formats {
            match self.formatted(format, text).map(in_range) {
                Some(Ok(seconds)) => return Ok(seconds),
                // Another format may read it as a valid date: seconds instead of milliseconds, for example.
                Some(Err(problem)) => refusal = problem,
                None => {}
            }
        }
        if self.accepts_iso && is_plain_iso(text) {
            return self.unambiguous(text);
        }
        Err(date_digits::no_date(text).unwrap_or(refusal))
    }

    fn formatted(&self, format: &DateFormat, text: &str) -> Option<i64> {
        match format {
            DateFormat::Unix(unit) => {
                let count = text.parse().ok().or_else(|| date_text::integer(text)?);
                count.map(|count| unit.seconds(count))
            }
            DateFormat::Iso if date_text::integer(text).is_some() => None,
            DateFormat::Iso => self.iso(text)?,
            DateFormat::Strptime(format) => {
                let read =
                    BrokenDownTime::parse(format, with_offset(format, text).as_ref()).ok()?;
                if has_short_year(&read) {
                    return None;
                }
                if read.iana_time_zone().is_some() {
                    return Some(read.to_zoned().ok()?.timestamp().as_second());
                }
                if read.timestamp().is_some() || read.offset().is_some() {
                    return Some(floor(read.to_timestamp().ok()?));
                }
                let time = read.to_datetime().ok()?;
                match format.ends_with('Z') && !format.ends_with("%Z") {
                    // The letter after a time means UTC, whatever the zone of dates without one.
                    true => TimeZone::UTC.to_timestamp(time).ok().map(floor),
                    false => self.local(time),
                }
            }
        }
    }

    /// Reads ISO 8601. `None` if it is none; within that, `None` if it is too far away.
    fn iso(&self, text: &str) -> Option<Option<i64>> {
        Some(match date_text::iso(text)? {
            date_text::ParsedDate::Instant(timestamp) => Some(floor(timestamp)),
            date_text::ParsedDate::Local(time) => self.local(time),
            date_text::ParsedDate::Day(day) => self.midnight(day),
        })
    }

    fn unambiguous(&self, text: &str) -> Result<i64, InvalidValue> {
        if let Some((digits, count)) = digits_of(text) {
            return self.bare(digits, count);
        }
        let Some(seconds) = self.iso(text) else {
            return Err(unknown_form(text));
        };
        seconds.map_or_else(|| Err(too_far()), in_range)
    }

    /// Reads a bare integer in the column's unit.
    fn bare(&self, digits: &str, count: Option<i64>) -> Result<i64, InvalidValue> {
        let count = count.ok_or_else(out_of_range)?;
        if let Some(problem) = date_digits::no_timestamp(digits, count) {
            return Err(problem);
        }
        let unit = self.unit.unwrap_or_else(|| {
            // Without a survey of the column each value decides alone.
            let mut votes = UnitVotes::default();
            votes.see(digits, count);
            votes.decide()
        });
        unit.read(digits, count)
    }

    fn local(&self, time: DateTime) -> Option<i64> {
        self.zone.to_timestamp(time).ok().map(floor)
    }

    fn midnight(&self, day: Date) -> Option<i64> {
        self.local(day.to_datetime(jiff::civil::Time::midnight()))
    }
}

/// Whether a text is written as `2025-01-13` or `2025-01-13 10:00:00`.
fn is_plain_iso(text: &str) -> bool {
    let has_form = |text: &str, form: &str| {
        text.len() == form.len()
            && text
                .bytes()
                .zip(form.bytes())
                .all(|(byte, form)| match form {
                    b'0' => byte.is_ascii_digit(),
                    other => byte == other,
                })
    };
    has_form(text, "0000-00-00") || has_form(text, "0000-00-00 00:00:00")
}

/// The text with `Z` spelled as the offset that `%z` or `%:z` at the end of a format reads.
fn with_offset<'t>(format: &str, text: &'t str) -> Cow<'t, str> {
    let offset = match format {
        _ if format.ends_with("%:z") => "+00:00",
        _ if format.ends_with("%z") => "+0000",
        _ => return Cow::Borrowed(text),
    };
    match text.strip_suffix(['Z', 'z']) {
        Some(time) => Cow::Owned(format!("{time}{offset}")),
        None => Cow::Borrowed(text),
    }
}

/// Whether a full year was read from fewer than four digits: `%Y` reads `23` as the year 23, which is never meant.
fn has_short_year(read: &BrokenDownTime) -> bool {
    let years = [read.year(), read.iso_week_year()];
    years.into_iter().flatten().any(|year| year < 1000)
}

fn floor(timestamp: Timestamp) -> i64 {
    timestamp
        .as_nanosecond()
        .div_euclid(1_000_000_000)
        .try_into()
        .unwrap_or(i64::MAX)
}

/// The digits of a bare number without its fraction, and their value, which is `None` if it is too large.
fn digits_of(text: &str) -> Option<(&str, Option<i64>)> {
    let count = date_text::integer(text)?;
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    Some((whole, count))
}

fn digits_of_number(number: &serde_json::Number) -> Option<(String, Option<i64>)> {
    let count = number
        .as_i64()
        .or_else(|| number.as_f64().and_then(floor_of))?;
    Some((count.to_string(), Some(count)))
}

fn floor_of(number: f64) -> Option<i64> {
    // Just below 2^63, where `i64` ends.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be within the range"
    )]
    (number.is_finite() && number.abs() < 9.2e18).then(|| number.floor() as i64)
}

fn in_range(seconds: i64) -> Result<i64, InvalidValue> {
    if VALID_SECONDS.contains(&seconds) {
        Ok(seconds)
    } else {
        Err(out_of_range())
    }
}

fn out_of_range() -> InvalidValue {
    InvalidValue::new("bad_date", "is a date outside the years 1 to 9999")
}

fn too_far() -> InvalidValue {
    InvalidValue::new("bad_date", "is a date that is out of range").advice(
        "leave the cell empty if no date is meant, or list such dates in `[input] null_values`",
    )
}

fn not_in_format() -> InvalidValue {
    InvalidValue::new(
        "bad_date",
        "is not a date in the format that the config gives",
    )
    .advice("`format` may be a list, tried in order: format = [\"%d.%m.%Y\", \"%Y-%m-%d\"]")
}

fn not_a_date() -> InvalidValue {
    InvalidValue::new("bad_date", "is not a date").format("%d.%m.%Y", Vec::new())
}

fn unknown_form(text: &str) -> InvalidValue {
    if let Some(problem) = date_digits::no_date(text) {
        return problem;
    }
    let mut formats = date_text::likely_formats(text).into_iter();
    let Some(first) = formats.next() else {
        return not_a_date();
    };
    InvalidValue::new(
        "ambiguous_date",
        "is a date in an ambiguous format, which the config has to give",
    )
    .format(first, formats.collect())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use jiff::tz;
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::invalid_value::Advice;
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn reader(formats: &[&str], zone_name: &str) -> DateReader {
        let formats = formats
            .iter()
            .map(|f| DateFormat::new(f).unwrap())
            .collect();
        DateReader::new(formats, zone(zone_name))
    }

    fn free(text: &str, zone_name: &str) -> Result<i64, InvalidValue> {
        reader(&[], zone_name).read(&Scalar::Text(Cow::Borrowed(text)))
    }

    fn formatted(formats: &[&str], text: &str) -> Result<i64, InvalidValue> {
        reader(formats, "Europe/Kyiv").read(&Scalar::Text(Cow::Borrowed(text)))
    }

    const NOON: i64 = 1_598_961_600; // 2020-09-01T12:00:00Z

    #[test]
    fn a_zone_in_the_text_wins_over_that_of_the_column() {
        for (format, text) in [
            ("iso", "2020-09-01T12:00:00Z"),
            ("iso", "2020-09-01 15:00"),
            ("%Y-%m-%dT%H:%M:%SZ", "2020-09-01T12:00:00Z"),
            ("%Y-%m-%dT%H:%M:%S%z", "2020-09-01T12:00:00Z"),
            ("%Y-%m-%dT%H:%M:%S%z", "2020-09-01T14:00:00+0200"),
            ("%Y-%m-%dT%H:%M:%S%:z", "2020-09-01T12:00:00z"),
            ("%Y-%m-%dT%H:%M:%S", "2020-09-01T15:00:00"),
        ] {
            assert_eq!(formatted(&["%d.%m.%Y", format], text), Ok(NOON), "{format}");
        }
        assert!(formatted(&["iso"], "1598961600").is_err());
        assert!(formatted(&["iso"], "01.09.2020").is_err());
    }

    #[test]
    fn unambiguous_forms_need_no_format() {
        for text in [
            "2020-09-01T12:00:00Z",
            "2020-09-01T12:00:00z",
            "2020-09-01t12:00:00+00:00",
            "2020-09-01 15:00:00+03:00",
            "2020-09-01 15:00:00 +0300",
            "2020-09-01T15:00:00+03",
            "2020-09-01 12:00:00 UTC",
            "2020-09-01 12:00:00 GMT",
            "2020-09-01T15:00:00+03:00[Europe/Kyiv]",
            "2020-09-01 15:00:00",
            "2020-09-01T15:00",
            "2020-09-01T15:00:00.999",
            "2020-09-01T15:00:00.999999",
            "2020-09-01 15:00:00,999",
            "2020-09-01T12:00:00.999999999Z",
            "2020-09-01T12:00:00.9999999Z",
            "1598961600000000",
            "1598961600000000000",
            "20200901T150000",
            "1598961600",
            " 1598961600 ",
            "1598961600000",
            "1598961600999",
            "1598961600.75",
            "Tue, 01 Sep 2020 12:00:00 +0000",
            "Tue, 1 Sep 2020 12:00:00 GMT",
        ] {
            assert_eq!(free(text, "Europe/Kyiv"), Ok(NOON), "{text}");
        }
        assert_eq!(free("2020-09-01", "UTC"), Ok(NOON - 12 * 3600));
        assert_eq!(free("2020-09-01", "Europe/Kyiv"), Ok(NOON - 15 * 3600));
        assert_eq!(free("1969-12-31T23:59:59.5Z", "UTC"), Ok(-1));
    }

    #[test]
    fn json_numbers_are_timestamps() {
        let read = |json: serde_json::Value, formats: &[&str]| {
            reader(formats, "UTC").read(&Scalar::Number(json.as_number().unwrap()))
        };
        assert_eq!(read(json!(1_598_961_600), &[]), Ok(NOON));
        assert_eq!(read(json!(1_598_961_600_000_i64), &[]), Ok(NOON));
        assert_eq!(read(json!(1_598_961_600.9), &[]), Ok(NOON));
        assert_eq!(read(json!(-86_400), &[]), Ok(-86_400));
        for none in [
            0,
            -1,
            20_240_115_093_000_i64,
            202_401_150_930,
            31_122_024,
            201_712,
        ] {
            assert!(read(json!(none), &[]).is_err(), "{none}");
        }
        assert_eq!(read(json!(20_200_901), &["%Y%m%d"]), Ok(NOON - 12 * 3600));
        assert!(read(json!(1e300), &[]).is_err());
        assert!(read(json!(u64::MAX), &[]).is_err());
        assert!(reader(&[], "UTC").read(&Scalar::Bool(true)).is_err());
    }

    #[test]
    fn formats_are_tried_in_order() {
        let noon_in_kyiv = "01.09.2020 15:00";
        assert_eq!(
            formatted(&["%Y-%m-%d", "%d.%m.%Y %H:%M"], noon_in_kyiv),
            Ok(NOON)
        );
        assert_eq!(formatted(&["%d.%m.%Y"], "1.9.2020"), Ok(NOON - 15 * 3600));
        assert_eq!(
            formatted(&["%d/%m/%Y %H:%M %z"], "01/09/2020 12:00 +0000"),
            Ok(NOON)
        );
        assert_eq!(formatted(&["unix"], "20200901"), Ok(20_200_901));
        assert_eq!(formatted(&["unix"], "1598961600.75"), Ok(NOON));
        assert_eq!(formatted(&["unix_ms"], "1598961600000"), Ok(NOON));
        assert_eq!(formatted(&["unix_us"], "1598961600000999"), Ok(NOON));
        assert_eq!(formatted(&["unix_ns"], "1598961600999999999"), Ok(NOON));
        assert_eq!(formatted(&["%s"], "1598961600"), Ok(NOON));
        for bad in ["2020-09-01", "31.02.2020", "01.09.2020 ", "01.09.2020x"] {
            let read = formatted(&["%d.%m.%Y"], bad);
            assert_eq!(read.is_ok(), bad.trim() == "01.09.2020", "{bad}");
        }
        assert_eq!(
            formatted(&["unix"], "9999999999999").unwrap_err().code,
            "bad_date"
        );
    }

    #[test]
    fn a_year_of_two_digits_is_no_whole_year() {
        let day = formatted(&["%d.%m.%Y"], "25.12.2023");
        assert!(day.is_ok());
        for (format, short) in [
            ("%d.%m.%Y", "25.12.23"),
            ("%d.%m.%Y", "25.12.123"),
            ("%d.%m.%Y %H:%M", "25.12.23 10:00"),
            ("%d.%m.%Y %H:%M %z", "25.12.23 10:00 +0000"),
            ("%F", "23-12-25"),
            ("%G-W%V-%u", "23-W52-1"),
        ] {
            let problem = formatted(&[format], short).unwrap_err();
            assert!(
                problem.what.contains("the config gives"),
                "{format}: {}",
                problem.what
            );
        }
        for formats in [["%d.%m.%Y", "%d.%m.%y"], ["%d.%m.%y", "%d.%m.%Y"]] {
            assert_eq!(formatted(&formats, "25.12.23"), day);
            assert_eq!(formatted(&formats, "25.12.2023"), day);
        }
    }

    #[test]
    fn a_format_that_leads_out_of_the_years_leaves_it_to_the_next() {
        let milliseconds = "1603885746000";
        for formats in [&["unix", "unix_ms"][..], &["unix", "%d.%m.%Y", "unix_ms"]] {
            assert_eq!(formatted(formats, milliseconds), Ok(1_603_885_746));
        }
        for formats in [&["unix"][..], &["unix", "%d.%m.%Y"], &["%d.%m.%Y", "unix"]] {
            let problem = formatted(formats, milliseconds).unwrap_err();
            assert!(
                problem.what.contains("outside the years"),
                "{}",
                problem.what
            );
        }
    }

    #[test]
    fn formats_that_never_read_a_date_are_refused() {
        for format in [
            "%Y-%m-%d",
            "%d %B %Y",
            "%m/%d/%y %I:%M %p",
            "%s",
            "%FT%T%z",
            "%Y-%j",
        ] {
            assert!(DateFormat::new(format).is_ok(), "{format}");
        }
        for format in [
            "",
            "%d.%m",
            "%H:%M",
            "%Y",
            "DD.MM.YYYY",
            "%Y-%m-%d %!",
            "%Y-%m-%d %M",
        ] {
            assert!(DateFormat::new(format).is_err(), "{format}");
        }
    }

    #[test]
    fn ambiguous_forms_are_refused_with_the_format_to_write() {
        for (text, format, or) in [
            ("03/04/2024", "%d/%m/%Y", &["%m/%d/%Y"][..]),
            ("3.4.24", "%d.%m.%y", &["%m.%d.%y"]),
            ("25-12-2024", "%d-%m-%Y", &[]),
            ("12/25/2024 10:30", "%m/%d/%Y %H:%M", &[]),
            ("2024/03/04 10:30:59", "%Y/%m/%d %H:%M:%S", &[]),
            (
                "03/04/2024 10:30 PM",
                "%d/%m/%Y %I:%M %p",
                &["%m/%d/%Y %I:%M %p"],
            ),
            ("20240304", "%Y%m%d", &["unix"]),
            ("24-01-15", "%d-%m-%y", &["%y-%m-%d"]),
            ("01/02/03", "%d/%m/%y", &["%m/%d/%y", "%y/%m/%d"]),
            ("99-12-31", "%y-%m-%d", &[]),
        ] {
            let problem = free(text, "UTC").unwrap_err();
            assert_eq!(problem.code, "ambiguous_date", "{text}");
            let advice = Advice::DateFormat {
                format: format.into(),
                or: or.iter().map(|&or| or.to_owned()).collect(),
            };
            assert_eq!(problem.advice, Some(advice), "{text}");
        }
        for text in ["45352", "2024"] {
            assert_eq!(free(text, "UTC").unwrap_err().code, "ambiguous_date");
            assert!(formatted(&["unix"], text).is_ok());
        }
    }

    #[test]
    fn anything_else_is_no_date() {
        for text in [
            "yesterday",
            "2024-13-01",
            "2024-02-30",
            "2024-03",
            "12:00",
            "-",
            "0x10",
            "1e9",
            "99999999999999999999",
            "999999999999999999",
            "2024-03-10T25:00",
            "10.2024",
            "0000-00-00",
            "0000-00-00 00:00:00",
            "NaT",
            "-infinity",
        ] {
            assert_eq!(free(text, "UTC").unwrap_err().code, "bad_date", "{text}");
        }
    }

    #[test]
    fn clock_changes_are_settled_as_rfc_5545_does() {
        // 2024-03-31 03:30 does not exist in Kyiv, 2024-10-27 03:30 is there twice.
        let skipped = free("2024-03-31 03:30:00", "Europe/Kyiv");
        assert_eq!(skipped, free("2024-03-31T04:30:00+03:00", "UTC"));
        let twice = free("2024-10-27 03:30:00", "Europe/Kyiv");
        assert_eq!(twice, free("2024-10-27T03:30:00+03:00", "UTC"));
    }

    fn zones() -> impl Strategy<Value = String> {
        let names: Vec<String> = tz::db().available().map(|n| n.to_string()).collect();
        prop::sample::select(names)
    }

    proptest! {
        #[test]
        fn a_day_never_shifts(name in zones(), days in 0_i32..47_000) {
            let Ok(zone) = TimeZone::get(&name) else { return Ok(()) };
            let day = jiff::civil::date(1930, 1, 1).saturating_add(jiff::Span::new().days(days));
            // Samoa and others once skipped a whole day; there is no right answer for it.
            let noon = day.at(12, 0, 0, 0);
            prop_assume!(!matches!(zone.to_ambiguous_timestamp(noon).offset(), tz::AmbiguousOffset::Gap { .. }));
            for reader in [
                DateReader::new(vec![], zone.clone()),
                DateReader::new(vec![DateFormat::new("%Y-%m-%d").unwrap()], zone.clone()),
            ] {
                let seconds = reader.read(&Scalar::Text(day.to_string().into())).unwrap();
                let back = Timestamp::from_second(seconds).unwrap().to_zoned(zone.clone());
                prop_assert_eq!(back.date(), day);
            }
        }

        #[test]
        fn seconds_and_milliseconds_are_one_instant(seconds in 1_000_000_000_i64..4_102_444_800) {
            prop_assume!(!date_digits::is_likely_date(&seconds.to_string()));
            prop_assert_eq!(free(&seconds.to_string(), "UTC"), Ok(seconds));
            prop_assert_eq!(free(&(seconds * 1000 + 7).to_string(), "UTC"), Ok(seconds));
            prop_assert_eq!(free(&format!("{seconds}.5"), "Europe/Kyiv"), Ok(seconds));
        }

        #[test]
        fn arbitrary_text_never_panics(text in any::<String>(), dateish in "[0-9TZ:+./ -]{0,24}") {
            let _ = free(&text, "UTC");
            let _ = free(&dateish, "Europe/Kyiv");
            let _ = formatted(&["%d.%m.%Y", "unix", "unix_ms", "unix_us", "unix_ns"], &dateish);
            let _ = DateFormat::new(&text);
        }
    }
}
