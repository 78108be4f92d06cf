//! Which forms the dates of a column have, as far as its cells prove it.

use std::borrow::Cow;

use super::date::{DateFormat, DateReader};
use super::given::Scalar;
use super::number;
use super::{date_digits, date_text};

/// From 2000 to 2100: integers in between may be UNIX seconds, or milliseconds.
const SECONDS: std::ops::Range<i64> = 946_684_800..4_102_444_800;

/// Forms with the names of months, which say themselves which part is what.
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

/// Days as digits alone, which are numbers as well: `20240131`.
pub(super) const COMPACT_DAY: &str = "%Y%m%d";

/// Cells in which forms of dates are looked for: a bad one may be the first.
const CELLS_LOOKED_AT: u64 = 20;
/// Forms that are tried at most.
const MOST_FORMATS: usize = 12;

/// How many cells each form of dates fits.
#[derive(Debug, Clone, Default)]
pub(super) struct Dates {
    seen: u64,
    /// Cells that are understood without a format.
    free: u64,
    formats: Vec<Candidate>,
}

#[derive(Debug, Clone)]
struct Candidate {
    format: String,
    reader: DateReader,
    fits: u64,
}

impl Dates {
    pub(super) fn see(&mut self, scalar: &Scalar<'_>) {
        self.seen += 1;
        if self.seen > CELLS_LOOKED_AT && self.best() < self.seen / 2 {
            return;
        }
        let text = scalar.to_text();
        let text = text.trim();
        let cell = Scalar::Text(Cow::Borrowed(text));
        // Every integer can be read as a timestamp; few look like one.
        let plain = number::read(&cell).is_ok() && !is_timestamp(text);
        self.free += u64::from(!plain && reader(Vec::new()).read(&cell).is_ok());
        if self.seen <= CELLS_LOOKED_AT {
            self.look(&cell);
        }
        for candidate in &mut self.formats {
            candidate.fits += u64::from(candidate.reader.read(&cell).is_ok());
        }
    }

    fn look(&mut self, cell: &Scalar<'_>) {
        for (format, reader) in candidates(cell) {
            let known = self.formats.iter().any(|c| c.format == format);
            if !known && self.formats.len() < MOST_FORMATS {
                let fits = 0;
                self.formats.push(Candidate {
                    format,
                    reader,
                    fits,
                });
            }
        }
    }

    fn best(&self) -> u64 {
        let fits = self.formats.iter().map(|c| c.fits);
        fits.chain([self.free]).max().unwrap_or(0)
    }

    /// The forms that fit most cells, if that is at least so many percent of all; none where they are understood
    /// without one.
    pub(super) fn formats(&self, percent: u64) -> Option<Vec<String>> {
        let best = self.best();
        if best == 0 || best * 100 < self.seen * percent {
            return None;
        }
        if self.free == best {
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
    let looked = digits.chain(date_text::look(&written));
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
    SECONDS.contains(&count) || SECONDS.contains(&count.div_euclid(1_000))
}
