use std::fmt;
use std::sync::Arc;

use super::date::DateReader;
use super::date_forms::{COMPACT_DAY, Dates, is_timestamp};
use super::date_units::UnitVotes;
use super::distinct::Distinct;
use super::given::{Emptiness, Given, Scalar};
use super::number::{self, NumberForm, Separators};
use super::{EmptyCells, boolean, email, locale};
use crate::domain::{Cells, Columns, Row};

/// What the cells of a column have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnKind {
    /// No cell is filled.
    Empty,
    Text,
    /// Some cells alone would be taken for numbers or booleans, others not.
    MixedText,
    /// Digits of which some begin with a zero that a number would lose.
    Codes,
    Number {
        /// Whether each is in the one form in which it would be written again, so that no type has to be named.
        shortest: bool,
    },
    /// `1.234,56` or `1,234.56`: texts, as far as the API is concerned.
    Separated {
        decimal: char,
        thousands: char,
    },
    /// `1.101` or `1,101`: every sign may stand before decimals as well as between thousands.
    NumberUnclear,
    /// Integers that may be UNIX timestamps as well.
    Timestamp,
    Boolean {
        /// Whether all are `true` or `false`, so that no type has to be named.
        plain: bool,
    },
    Date {
        /// Formats that fit every cell; none where they are understood without, several where the data does not
        /// decide.
        formats: Vec<String>,
    },
    Email,
    /// JSON arrays or objects.
    Nested,
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Text | Self::MixedText => "text",
            Self::Codes => "codes",
            Self::Number { .. } => "number",
            Self::Separated { decimal: ',', .. } => "number, decimal comma",
            Self::Separated { .. } => "number, thousands apart",
            Self::NumberUnclear => "number, form unclear",
            Self::Timestamp => "number or timestamp",
            Self::Boolean { .. } => "boolean",
            Self::Date { formats } if formats.len() > 1 => "date, form unclear",
            Self::Date { .. } => "date",
            Self::Email => "e-mail",
            Self::Nested => "list or object",
        })
    }
}

/// What is known of one column after all its cells were seen, in bounded memory.
#[derive(Debug, Clone)]
pub struct ColumnProfile {
    rows: u64,
    filled: u64,
    distinct: Distinct,
    longest: usize,
    fits: Fits,
    dates: Dates,
    units: UnitVotes,
    separated: [u64; SEPARATORS.len()],
}

/// Percent.
const NEARLY_ALL: u64 = 90;
/// Percent of the values: dates of one form are told surely by fewer, and whatever is none is rejected and shown.
const MOST_DATES: u64 = 80;

/// What may stand between the items of a list, the likeliest first.
const SEPARATORS: [char; 3] = [';', '|', ','];

/// How numbers are written with signs between their thousands: what stands before decimals, and what between thousands. The likelier
/// one first, where cells fit several.
const FORMS: [(char, char); 5] = [(',', '.'), ('.', ','), (',', ' '), ('.', ' '), ('.', '\'')];

/// What every cell so far could be.
#[derive(Debug, Clone)]
struct Fits {
    number: bool,
    shortest: bool,
    zero_led: bool,
    /// Which of the forms.
    forms: [bool; FORMS.len()],
    /// Some cell has a separator.
    separated: bool,
    /// No cell's separators tell whether they stand before decimals or between thousands.
    either_way: bool,
    timestamp: bool,
    boolean: bool,
    plain_boolean: bool,
    emails: u64,
    locales: u64,
    nested: bool,
    /// Some cell alone would be a number or a boolean.
    any_typed: bool,
}

impl Default for ColumnProfile {
    fn default() -> Self {
        let fits = Fits {
            number: true,
            shortest: true,
            zero_led: false,
            forms: [true; FORMS.len()],
            separated: false,
            either_way: true,
            timestamp: true,
            boolean: true,
            plain_boolean: true,
            emails: 0,
            locales: 0,
            nested: false,
            any_typed: false,
        };
        Self {
            rows: 0,
            filled: 0,
            distinct: Distinct::default(),
            longest: 0,
            fits,
            dates: Dates::default(),
            units: UnitVotes::default(),
            separated: [0; SEPARATORS.len()],
        }
    }
}

impl ColumnProfile {
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows with a value.
    #[must_use]
    pub fn filled(&self) -> u64 {
        self.filled
    }

    /// The number of distinct values, or None if there are more than are counted.
    #[must_use]
    pub fn distinct(&self) -> Option<u64> {
        self.distinct.count()
    }

    /// Characters of the longest value.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Whether nearly every value is an e-mail address.
    #[must_use]
    pub fn is_mostly_email(&self) -> bool {
        self.filled > 0 && self.fits.emails * 100 >= self.filled * NEARLY_ALL
    }

    /// Whether nearly every value is a language that can be sent: a few that are not are the rows' own fault.
    #[must_use]
    pub fn is_mostly_locale(&self) -> bool {
        self.fits.locales * 100 >= self.filled * NEARLY_ALL
    }

    /// Whether every value is true or false, also where all are 1 or 0.
    #[must_use]
    pub fn is_boolean(&self) -> bool {
        self.filled > 0 && self.fits.boolean && !self.fits.nested
    }

    /// The formats of the dates, as in [`ColumnKind::Date`], where nearly every value is one.
    #[must_use]
    pub fn mostly_dates(&self) -> Option<Vec<String>> {
        self.dates.formats(MOST_DATES)
    }

    /// Whether each value is a day as digits alone, though it may be a number as well.
    #[must_use]
    pub fn is_compact_day(&self) -> bool {
        let formats = self.dates.formats(100);
        formats.is_some_and(|formats| formats == [COMPACT_DAY])
    }

    /// The format of UNIX times in one unit, where nearly every value is one.
    #[must_use]
    pub fn unix_format(&self) -> Option<&'static str> {
        let (unit, values) = self.units.decided();
        (values > 0 && values * 100 >= self.filled * MOST_DATES).then(|| unit.format())
    }

    /// What stands between items, where some cell seems to hold several.
    #[must_use]
    pub fn separator(&self) -> Option<char> {
        let found = SEPARATORS.iter().zip(self.separated);
        found.into_iter().find(|(_, n)| *n > 0).map(|(c, _)| *c)
    }

    #[must_use]
    pub fn kind(&self) -> ColumnKind {
        let fits = &self.fits;
        if self.filled == 0 {
            return ColumnKind::Empty;
        }
        if fits.nested {
            return ColumnKind::Nested;
        }
        if fits.plain_boolean || (fits.boolean && !fits.number) {
            let plain = fits.plain_boolean;
            return ColumnKind::Boolean { plain };
        }
        if fits.number && fits.zero_led {
            return ColumnKind::Codes;
        }
        if fits.timestamp {
            return ColumnKind::Timestamp;
        }
        let form = FORMS.iter().zip(fits.forms).find(|(_, fits)| *fits);
        if form.is_some() && fits.separated && fits.either_way {
            return ColumnKind::NumberUnclear;
        }
        if fits.number {
            let shortest = fits.shortest;
            return ColumnKind::Number { shortest };
        }
        if let Some(formats) = self.dates.formats(100) {
            return ColumnKind::Date { formats };
        }
        if let Some(((decimal, thousands), _)) = form {
            return ColumnKind::Separated {
                decimal: *decimal,
                thousands: *thousands,
            };
        }
        match (fits.emails == self.filled, fits.any_typed) {
            (true, _) => ColumnKind::Email,
            (false, true) => ColumnKind::MixedText,
            (false, false) => ColumnKind::Text,
        }
    }

    fn see(&mut self, given: &Given<'_>) {
        self.rows += 1;
        match given {
            Given::Missing | Given::Null | Given::Empty => {}
            Given::Nested(json) => {
                self.value(&json.to_string());
                self.fits.nested = true;
            }
            Given::Scalar(scalar) => {
                self.value(&scalar.to_text());
                self.fits.see(scalar);
                self.dates.see(scalar);
                if let Some((digits, count)) = DateReader::default().bare_number(scalar) {
                    self.units.see(&digits, count);
                }
            }
        }
    }

    fn value(&mut self, text: &str) {
        let text = text.trim();
        self.filled += 1;
        self.distinct.add(text);
        self.longest = self.longest.max(text.chars().count());
        for (count, separator) in self.separated.iter_mut().zip(SEPARATORS) {
            *count += u64::from(text.contains(separator));
        }
    }
}

impl Fits {
    fn see(&mut self, scalar: &Scalar<'_>) {
        let text = scalar.to_text();
        let text = text.trim();
        let typed = matches!(
            scalar,
            Scalar::Number(_) | Scalar::Digits(_) | Scalar::Bool(_)
        ) || matches!(text, "true" | "false")
            || number::of_untyped(text).is_some();
        self.any_typed |= typed;
        let may_be_number = self.number || self.forms.contains(&true);
        let is_number = may_be_number && number::read(scalar).is_ok();
        self.number = self.number && is_number;
        self.shortest = self.shortest
            && (matches!(scalar, Scalar::Number(_) | Scalar::Digits(_))
                || number::of_untyped(text).is_some());
        self.zero_led |= self.number && is_zero_led(text);
        self.timestamp = self.timestamp && self.number && is_timestamp(text);
        self.boolean = self.boolean && boolean::read(scalar).is_ok();
        self.plain_boolean = self.plain_boolean && matches!(text, "true" | "false");
        // Digits alone are written the same in all forms.
        let is_bare = text.bytes().all(|byte| byte.is_ascii_digit());
        for (fits, (decimal, thousands)) in self.forms.iter_mut().zip(FORMS) {
            let form = NumberForm::new(Some(decimal), Some(thousands)).unwrap_or_default();
            *fits = *fits && (is_bare && is_number || form.read(scalar).is_ok());
        }
        // A JSON number has a decimal point whatever texts are written with.
        if let Scalar::Text(_) | Scalar::Native(_) = scalar {
            let separators = number::separators(text);
            self.separated |= separators != Separators::None;
            self.either_way &= separators != Separators::Decided;
        }
        // Looked at thoroughly only where it may be one.
        self.emails += u64::from(text.contains('@') && email::read(scalar).is_ok());
        self.locales += u64::from(locale::is_language(scalar));
    }
}

fn is_zero_led(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    text.starts_with('+')
        || (digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0."))
}

/// The profile of all columns of one input.
#[derive(Debug, Clone)]
pub struct TableProfile {
    names: Arc<Columns>,
    emptiness: Emptiness,
    columns: Vec<ColumnProfile>,
}

impl TableProfile {
    /// `null_values`: cell texts that mean "no value".
    #[must_use]
    pub fn new(names: Arc<Columns>, null_values: &[String]) -> Self {
        let columns = vec![ColumnProfile::default(); names.names().len()];
        Self {
            names,
            emptiness: Emptiness::new(null_values, EmptyCells::Keep),
            columns,
        }
    }

    pub fn see(&mut self, row: &Row) {
        let named = self.names.names().iter().zip(&mut self.columns);
        for (index, (name, column)) in named.enumerate() {
            let cell = match &row.cells {
                Cells::Table { .. } => row.cell_at(index),
                Cells::Object(_) => row.cell(name),
            };
            column.see(&self.emptiness.given(cell));
        }
    }

    pub fn columns(&self) -> impl Iterator<Item = (&str, &ColumnProfile)> {
        let names = self.names.names().iter().map(String::as_str);
        names.zip(&self.columns)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of_cells(cells: &[&str]) -> ColumnProfile {
        let mut profile = ColumnProfile::default();
        for cell in cells {
            let cell = crate::domain::Cell::Text(cell);
            profile.see(&Emptiness::default().given(Some(cell)));
        }
        profile
    }

    fn of_json(values: &[Value]) -> ColumnKind {
        let mut profile = ColumnProfile::default();
        for value in values {
            let cell = crate::domain::Cell::Json(value);
            profile.see(&Emptiness::default().given(Some(cell)));
        }
        profile.kind()
    }

    fn date(formats: &[&str]) -> ColumnKind {
        let formats = formats.iter().map(|f| (*f).to_owned()).collect();
        ColumnKind::Date { formats }
    }

    #[test]
    fn cells_tell_what_their_column_is() {
        let number = |shortest| ColumnKind::Number { shortest };
        assert!(of_cells(&["20240131", "", "20231231"]).is_compact_day());
        assert!(!of_cells(&["20240131", "20240132"]).is_compact_day());
        let apart = |decimal, thousands| ColumnKind::Separated { decimal, thousands };
        for (cells, kind) in [
            (&["", " "][..], ColumnKind::Empty),
            (&["15", "", "-0.5"], number(true)),
            (&["15", "1.50"], number(false)),
            (&["1", "0"], number(true)),
            (&["007", "12"], ColumnKind::Codes),
            (&["+380441234567", "+1"], ColumnKind::Codes),
            (&["1.234,56", "7"], apart(',', '.')),
            (&["1,101", "7"], ColumnKind::NumberUnclear),
            (&["1.101", "-22.000", ""], ColumnKind::NumberUnclear),
            (&["1,101", "1.101"], ColumnKind::NumberUnclear),
            (&["1,101", "12,5"], apart(',', '.')),
            (&["1,101", "0,125"], apart(',', '.')),
            (&["1.101", "1.234,50"], apart(',', '.')),
            (&["1.101", "1.234.567"], apart(',', '.')),
            (&["1.101", "12.5"], number(true)),
            (&["1.101", "0.125"], number(true)),
            (&["1,101", "1,234,567"], apart('.', ',')),
            (&["1,234.50", "12.00", "3.5"], apart('.', ',')),
            (&["1 234,50", "12,5"], apart(',', ' ')),
            (&["1’234.50", "3.5"], apart('.', '\'')),
            (&["1 234.5", "1,5"], ColumnKind::Text),
            (&["1603885746", "1603885746000"], ColumnKind::Timestamp),
            (&["true", "false"], ColumnKind::Boolean { plain: true }),
            (&["yes", "No", "1"], ColumnKind::Boolean { plain: false }),
            (&["a@b.co", "C@d.org"], ColumnKind::Email),
            (&["a@b.co", "none"], ColumnKind::Text),
            (&["A-1", "15"], ColumnKind::MixedText),
            (&["2024-12-31", "2024-12-31T10:00:00Z"], date(&[])),
        ] {
            assert_eq!(of_cells(cells).kind(), kind, "{cells:?}");
        }
    }

    #[test]
    fn day_or_month_first_is_decided_by_the_data_alone() {
        let undecided = date(&["%d/%m/%Y", "%m/%d/%Y"]);
        assert_eq!(of_cells(&["01/02/2024", "03/04/2024"]).kind(), undecided);
        let day = date(&["%d/%m/%Y"]);
        assert_eq!(of_cells(&["01/02/2024", "13/04/2024"]).kind(), day);
        let month = date(&["%m/%d/%Y"]);
        assert_eq!(of_cells(&["01/02/2024", "04/13/2024"]).kind(), month);
        assert_eq!(
            of_cells(&["13/02/2024", "04/13/2024"]).kind(),
            ColumnKind::Text
        );
        assert_eq!(of_cells(&["31.12.2024", ""]).kind(), date(&["%d.%m.%Y"]));
        assert_eq!(
            of_cells(&["31.12.2024 10:05", "01.02.2024 23:59"]).kind(),
            date(&["%d.%m.%Y %H:%M"])
        );
        assert_eq!(
            of_cells(&["4 Mar 2024", "31 Dec 2023"]).kind(),
            date(&["%d %b %Y"])
        );
    }

    #[test]
    fn json_keeps_its_types() {
        assert_eq!(
            of_json(&[json!(15), json!(1.5), json!(null)]),
            ColumnKind::Number { shortest: true }
        );
        assert_eq!(
            of_json(&[json!(1.101)]),
            ColumnKind::Number { shortest: true }
        );
        assert_eq!(of_json(&[json!("1.101")]), ColumnKind::NumberUnclear);
        assert_eq!(of_json(&[json!(true)]), ColumnKind::Boolean { plain: true });
        assert_eq!(of_json(&[json!(["a"]), json!("a")]), ColumnKind::Nested);
    }

    #[test]
    fn figures_are_counted() {
        let profile = of_cells(&["vip;lead", "", "vip", "lead", "vip", "x;y"]);
        assert_eq!((profile.rows(), profile.filled()), (6, 5));
        assert_eq!(profile.distinct(), Some(4));
        assert_eq!(profile.longest(), 8);
        assert_eq!(profile.separator(), Some(';'));
        assert!(of_cells(&["uk", "en-US", "German"]).is_mostly_locale());
        assert!(!of_cells(&["uk", "Klingon"]).is_mostly_locale());
    }

    #[test]
    fn a_few_bad_cells_hide_no_date() {
        let mut cells = vec!["soon"];
        cells.extend(["31.12.2024"; 40]);
        let profile = of_cells(&cells);
        assert_eq!(profile.kind(), ColumnKind::Text);
        assert_eq!(profile.mostly_dates(), Some(vec!["%d.%m.%Y".to_owned()]));
        // A year of two digits is none of the form with four.
        let mut short = vec!["31.12.2024"; 40];
        short.extend(["31.12.24"; 11]);
        assert_eq!(of_cells(&short).mostly_dates(), None);
        cells.extend(["soon"; 11]);
        assert_eq!(of_cells(&cells).mostly_dates(), None);
    }
}
