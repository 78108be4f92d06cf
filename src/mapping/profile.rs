use super::boolean_words::BooleanWordSurvey;
use super::column_kind::ColumnKind;
use super::date::DateReader;
use super::date_forms::{COMPACT_DAY, DateFormatSurvey};
use super::date_units::UnitVotes;
use super::distinct::DistinctCounter;
use super::list_survey::ListSurvey;
use super::locale;
use super::possible_kinds::{FORMS, PossibleKinds};
use super::source_value::{Scalar, SourceValue};
use crate::domain::text::trim;

/// Statistics of the cells of one column, in bounded memory.
#[derive(Debug, Clone, Default)]
pub struct ColumnProfile {
    rows: u64,
    filled: u64,
    distinct: DistinctCounter,
    longest: usize,
    possible: PossibleKinds,
    dates: DateFormatSurvey,
    /// `None` if nothing is proposed for the column.
    hints: Option<Hints>,
}

/// What only the proposal of a config needs.
#[derive(Debug, Clone, Default)]
struct Hints {
    units: UnitVotes,
    locales: u64,
    /// Cells that contain each separator.
    separated: [u64; SEPARATORS.len()],
    lists: ListSurvey,
    words: BooleanWordSurvey,
}

/// Percentage of the values from which on a column counts as one of e-mail addresses or languages.
const MIN_PERCENT: u64 = 90;
/// The same for dates. It is lower because dates of one format are hard to mistake; other values are rejected and reported.
const MIN_DATE_PERCENT: u64 = 80;

/// Possible separators of a list, the most likely first.
const SEPARATORS: [char; 3] = [';', '|', ','];

impl ColumnProfile {
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The number of rows with a value.
    #[must_use]
    pub fn filled(&self) -> u64 {
        self.filled
    }

    /// The number of distinct values, or `None` if it exceeds 1,024.
    #[must_use]
    pub fn distinct(&self) -> Option<u64> {
        self.distinct.count()
    }

    /// Length of the longest value in characters.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Whether nearly every value is an e-mail address.
    #[must_use]
    pub fn is_mostly_email(&self) -> bool {
        self.filled > 0 && self.possible.emails * 100 >= self.filled * MIN_PERCENT
    }

    /// Whether nearly every value is a language.
    #[must_use]
    pub fn is_mostly_locale(&self) -> bool {
        let locales = self.hints.as_ref().map_or(0, |hints| hints.locales);
        locales * 100 >= self.filled * MIN_PERCENT
    }

    /// Whether every value is a boolean, including 1 and 0.
    #[must_use]
    pub fn is_boolean(&self) -> bool {
        self.filled > 0 && self.possible.boolean && !self.possible.nested
    }

    /// The formats of the dates, as in [`ColumnKind::Date`], if nearly every value is a date.
    #[must_use]
    pub fn mostly_dates(&self) -> Option<Vec<String>> {
        self.dates.formats(MIN_DATE_PERCENT)
    }

    /// Whether each value may be a day written as digits alone: `20240131`.
    #[must_use]
    pub fn is_compact_day(&self) -> bool {
        let formats = self.dates.formats(100);
        formats.is_some_and(|formats| formats == [COMPACT_DAY])
    }

    /// The name of the unit if nearly every value is a UNIX time in one unit.
    #[must_use]
    pub fn unix_format(&self) -> Option<&'static str> {
        let (unit, values) = self.hints.as_ref()?.units.decided();
        (values > 0 && values * 100 >= self.filled * MIN_DATE_PERCENT).then(|| unit.format())
    }

    /// The separator of lists, if some cell seems to contain one.
    #[must_use]
    pub fn separator(&self) -> Option<char> {
        let counts = SEPARATORS.iter().zip(self.hints.as_ref()?.separated);
        counts.into_iter().find(|(_, n)| *n > 0).map(|(c, _)| *c)
    }

    /// The words for yes and no, if every cell is one of them in some language and true and false do not suffice.
    pub(super) fn boolean_words(&self) -> Option<[Vec<&'static str>; 2]> {
        let words = self
            .hints
            .as_ref()?
            .words
            .words()
            .filter(|_| self.filled > 0)?;
        words.iter().any(|words| !words.is_empty()).then_some(words)
    }

    /// Whether the cells look like lists of tags.
    pub(super) fn are_tags(&self) -> bool {
        self.hints
            .as_ref()
            .is_some_and(|hints| hints.lists.are_tags())
    }

    #[must_use]
    pub fn kind(&self) -> ColumnKind {
        let possible = &self.possible;
        if self.filled == 0 {
            return ColumnKind::Empty;
        }
        if possible.nested {
            return ColumnKind::Nested;
        }
        if possible.plain_boolean || (possible.boolean && !possible.number) {
            let plain = possible.plain_boolean;
            return ColumnKind::Boolean { plain };
        }
        if possible.number && possible.zero_led {
            return ColumnKind::Codes;
        }
        if possible.timestamp {
            return ColumnKind::Timestamp;
        }
        let form = FORMS
            .iter()
            .zip(possible.forms)
            .find(|(_, possible)| *possible);
        if form.is_some() && possible.separated && possible.either_way {
            return ColumnKind::NumberUnclear;
        }
        if possible.number {
            let shortest = possible.shortest;
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
        match (possible.emails == self.filled, possible.any_typed) {
            (true, _) => ColumnKind::Email,
            (false, true) => ColumnKind::MixedText,
            (false, false) => ColumnKind::Text,
        }
    }

    /// The same with what the proposal of a config needs.
    pub(super) fn with_hints(self) -> Self {
        let hints = Some(Hints::default());
        Self { hints, ..self }
    }

    /// Adds a value to everything but the survey of date formats.
    pub(super) fn see(&mut self, value: &SourceValue<'_>) {
        self.rows += 1;
        match value {
            SourceValue::Missing | SourceValue::Null | SourceValue::Empty => {}
            SourceValue::Nested(json) => {
                self.add_text(&json.to_string());
                self.possible.nested = true;
            }
            SourceValue::Scalar(scalar) => {
                self.add_text(&scalar.to_text());
                self.possible.see(scalar);
                if let Some(hints) = &mut self.hints {
                    hints.see(scalar);
                }
            }
        }
    }

    /// Adds a value to the survey of date formats.
    pub(super) fn see_date(&mut self, scalar: &Scalar<'_>) {
        self.dates.see(scalar);
    }

    /// Whether further values change nothing about date formats.
    pub(super) fn has_dates_decided(&self) -> bool {
        self.dates.has_ended()
    }

    /// Adds the values of other rows, except for date formats and hints.
    pub(super) fn join(&mut self, other: &Self) {
        self.rows += other.rows;
        self.filled += other.filled;
        self.distinct.join(&other.distinct);
        self.longest = self.longest.max(other.longest);
        self.possible.join(&other.possible);
    }

    fn add_text(&mut self, text: &str) {
        let text = trim(text);
        self.filled += 1;
        self.distinct.add(text);
        self.longest = self.longest.max(text.chars().count());
        if let Some(hints) = &mut self.hints {
            hints.lists.see(text, &SEPARATORS);
            for (count, separator) in hints.separated.iter_mut().zip(SEPARATORS) {
                *count += u64::from(text.contains(separator));
            }
        }
    }
}

impl Hints {
    fn see(&mut self, scalar: &Scalar<'_>) {
        self.locales += u64::from(locale::is_language(scalar));
        self.words.see(scalar);
        if let Some((digits, count)) = DateReader::default().bare_number(scalar) {
            self.units.see(&digits, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use std::sync::Arc;

    use super::*;
    use crate::domain::{Cells, Columns, Position, Row, RowNumber};
    use crate::mapping::TableProfile;

    fn rows<'c>(cells: impl IntoIterator<Item = &'c str>) -> (Arc<Columns>, Vec<Row>) {
        let columns = Arc::new(Columns::new(vec!["a".to_owned()]));
        let row = |cell| Row {
            cells: Cells::Table {
                columns: Arc::clone(&columns),
                texts: [cell].iter().collect(),
            },
            ..of_json_row(Value::Null)
        };
        let rows = cells.into_iter().map(row).collect();
        (Arc::clone(&columns), rows)
    }

    fn of_json_row(value: Value) -> Row {
        Row {
            position: Position {
                source: 0,
                row: RowNumber(1),
                line: 1,
            },
            cells: Cells::Object(serde_json::Map::from_iter([("a".to_owned(), value)])),
            raw: None,
            flaws: Vec::new(),
            kinds: Vec::new(),
        }
    }

    fn of_rows(columns: Arc<Columns>, rows: &[Row]) -> ColumnProfile {
        let mut profile = TableProfile::for_proposal(columns);
        rows.iter().for_each(|row| profile.see(row));
        profile.columns().next().unwrap().1.clone()
    }

    fn of_cells(cells: &[&str]) -> ColumnProfile {
        let (columns, rows) = rows(cells.iter().copied());
        of_rows(columns, &rows)
    }

    fn of_json(values: &[Value]) -> ColumnKind {
        let columns = Columns::of_objects(vec!["a".to_owned()]);
        let rows: Vec<Row> = values.iter().cloned().map(of_json_row).collect();
        of_rows(Arc::new(columns), &rows).kind()
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

    /// Everything that a profile without hints says.
    fn findings(profile: &ColumnProfile) -> impl PartialEq + std::fmt::Debug {
        (
            (profile.rows(), profile.filled(), profile.distinct()),
            (profile.longest(), profile.kind(), profile.mostly_dates()),
            (profile.is_mostly_email(), profile.is_boolean()),
            profile.is_compact_day(),
        )
    }

    proptest! {
        #[test]
        fn profiles_of_parts_join_to_that_of_the_whole(
            usual in "1|0|true|15|15\\.5|007|1\\.101|1,5|uk|a@b\\.co|[0-9]{2}/0[1-9]/2024|2024-01-31|1603885746|20240131",
            cells in proptest::collection::vec((any::<bool>(), "|x|-3|1\\.234,5|yes|\\+7|[a-z]{1,3}|1603885746000|0[1-9]/[0-9]{2}/2024"), 0..40),
            parts in proptest::collection::vec(0..3_usize, 40),
        ) {
            let cells = cells.iter().map(|(odd, cell)| if *odd { cell } else { &usual });
            let (columns, rows) = rows(cells.map(String::as_str));
            let mut joined = TableProfile::new(Arc::clone(&columns), &[]);
            let mut profiles = vec![joined.clone(); 3];
            for (row, part) in rows.iter().zip(parts) {
                profiles[part].see_values(row);
                joined.see_dates(row);
            }
            profiles.iter().for_each(|part| joined.join(part));
            let whole = of_rows(columns, &rows);
            prop_assert_eq!(findings(joined.columns().next().unwrap().1), findings(&whole));
        }
    }
}
