//! Finds the formats that fit the dates of a column.

use std::borrow::Cow;

use super::date::DateReader;
use super::date_format::DateFormat;
use super::number;
use super::source_value::Scalar;
use super::{date_digits, date_text};

/// UNIX seconds of the years 2000 to 2100.
const TIMESTAMP_SECONDS: std::ops::Range<i64> = 946_684_800..4_102_444_800;

/// Formats with names of months, which are unambiguous.
const NAMED_MONTHS: [&str; 8] = [
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d. %B %Y",
    "%b %d %Y",
];

/// Days as digits alone, which could also be numbers: `20240131`.
pub(super) const COMPACT_DAY: &str = "%Y%m%d";

/// Cells in which formats are searched for. There are several because the first one may be a bad value.
const MAX_CELLS: u64 = 20;
/// Formats that are tried per column.
const MAX_FORMATS: usize = 12;

/// Counts how many cells of a column each date format fits.
#[derive(Debug, Clone, Default)]
pub(super) struct DateFormatSurvey {
    seen: u64,
    /// Cells that can be read without a format.
    without_format: u64,
    formats: Vec<CandidateFormat>,
}

#[derive(Debug, Clone)]
struct CandidateFormat {
    format: String,
    reader: DateReader,
    fits: u64,
}

impl DateFormatSurvey {
    /// Whether so few cells are dates that further ones are not looked at.
    pub(super) fn has_ended(&self) -> bool {
        self.seen > MAX_CELLS && self.best() < self.seen / 2
    }

    pub(super) fn see(&mut self, scalar: &Scalar<'_>) {
        self.seen += 1;
        if self.has_ended() {
            return;
        }
        let text = scalar.to_text();
        let text = text.trim();
        let cell = Scalar::Text(Cow::Borrowed(text));
        // Every integer can be read as a timestamp, but few look like one.
        let is_plain_number = !is_timestamp(text) && number::read(&cell).is_ok();
        self.without_format +=
            u64::from(!is_plain_number && reader(Vec::new()).read(&cell).is_ok());
        if self.seen <= MAX_CELLS {
            self.add_candidates(&cell);
        }
        for candidate in &mut self.formats {
            candidate.fits += u64::from(candidate.reader.read(&cell).is_ok());
        }
    }

    fn add_candidates(&mut self, cell: &Scalar<'_>) {
        for (format, reader) in candidates(cell) {
            let is_known = self.formats.iter().any(|c| c.format == format);
            if !is_known && self.formats.len() < MAX_FORMATS {
                let fits = 0;
                self.formats.push(CandidateFormat {
                    format,
                    reader,
                    fits,
                });
            }
        }
    }

    fn best(&self) -> u64 {
        let fits = self.formats.iter().map(|c| c.fits);
        fits.chain([self.without_format]).max().unwrap_or(0)
    }

    /// The formats that fit the most cells, or `None` if they fit less than this percentage of all cells. Empty if the dates
    /// can be read without a format.
    pub(super) fn formats(&self, percent: u64) -> Option<Vec<String>> {
        let best = self.best();
        if best == 0 || best * 100 < self.seen * percent {
            return None;
        }
        if self.without_format == best {
            return Some(Vec::new());
        }
        let fitting = self.formats.iter().filter(|c| c.fits == best);
        Some(fitting.map(|c| c.format.clone()).collect())
    }
}

fn reader(formats: Vec<DateFormat>) -> DateReader {
    DateReader::new(formats, jiff::tz::TimeZone::UTC)
}

fn candidates(text: &Scalar<'_>) -> Vec<(String, DateReader)> {
    let written = text.to_text();
    let digits = date_digits::formats(&written)
        .into_iter()
        .map(str::to_owned);
    let looked = digits.chain(date_text::likely_formats(&written));
    let named = NAMED_MONTHS.map(str::to_owned);
    let with_reader = |format: String| {
        let reader = reader(vec![DateFormat::new(&format).ok()?]);
        reader.read(text).is_ok().then_some((format, reader))
    };
    looked.chain(named).filter_map(with_reader).collect()
}

/// Whether a number looks like UNIX seconds or milliseconds.
pub(super) fn is_timestamp(text: &str) -> bool {
    let Some(Some(count)) = date_text::integer(text) else {
        return false;
    };
    TIMESTAMP_SECONDS.contains(&count) || TIMESTAMP_SECONDS.contains(&count.div_euclid(1_000))
}
