//! The date formats that the config can give.

use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use super::date_units::TimestampUnit;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DateFormat {
    Strptime(String),
    Unix(TimestampUnit),
    /// ISO 8601, with a zone or without.
    Iso,
}

impl DateFormat {
    /// # Errors
    /// Why the format cannot read dates, as the end of a sentence.
    pub(super) fn new(format: &str) -> Result<Self, String> {
        match TimestampUnit::of_format(format) {
            Some(unit) => Ok(Self::Unix(unit)),
            None if format == "iso" => Ok(Self::Iso),
            None => strptime(format),
        }
    }

    pub(super) fn is_local(&self) -> bool {
        matches!(self, Self::Strptime(_) | Self::Iso)
    }
}

/// Writes a sample date in the format and reads it back, to reject a format that can never read a date before the first
/// row.
fn strptime(format: &str) -> Result<DateFormat, String> {
    let sample = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let written = BrokenDownTime::from(&sample)
        .to_string(format)
        .map_err(|error| error.to_string())?;
    let read = BrokenDownTime::parse(format, &written).map_err(|error| error.to_string())?;
    if read.timestamp().is_none() && read.to_date().is_err() {
        return Err("lacks a part of the date (day, month and year)".to_owned());
    }
    if read.timestamp().is_none() && read.to_time().is_err() {
        return Err(
            "has a part of the time without the larger ones (hours, minutes, seconds)".to_owned(),
        );
    }
    Ok(DateFormat::Strptime(format.to_owned()))
}
