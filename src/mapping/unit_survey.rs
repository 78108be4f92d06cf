//! Surveys the bare numbers in the date columns of a whole input, to decide their units before any of them is read.

use super::date::DateReader;
use super::date_units::UnitVotes;
use super::field::FieldReader;
use super::inspector::Inspector;
use super::property::PropertyReader;
use super::rule::Rule;
use super::schema::Schema;
use super::source_value::SourceValue;
use crate::domain::Row;

/// The votes of the rows seen so far for the unit of each date attribute of a schema.
#[derive(Debug, Clone, Default)]
pub struct UnitSurvey {
    votes: Vec<UnitVotes>,
}

impl UnitSurvey {
    /// Adds the votes of other rows of the same schema.
    pub fn join(&mut self, other: &Self) {
        if self.votes.len() < other.votes.len() {
            self.votes
                .resize_with(other.votes.len(), UnitVotes::default);
        }
        for (votes, more) in self.votes.iter_mut().zip(&other.votes) {
            votes.join(more);
        }
    }

    /// Adds the votes of a row. All rows must use the same schema.
    pub fn see(&mut self, schema: &Schema, row: &Row) {
        for (at, (rule, dates)) in schema.dates().enumerate() {
            if self.votes.len() <= at {
                self.votes.push(UnitVotes::default());
            }
            if let Some(votes) = self.votes.get_mut(at) {
                schema.bare_number(rule, dates, row, |digits, count| votes.see(digits, count));
            }
        }
    }
}

impl Schema {
    /// Whether a row has a bare number in a date column whose unit is not decided yet.
    #[must_use]
    pub fn awaits_units(&self, row: &Row) -> bool {
        let mut undecided = self.dates().filter(|(_, dates)| dates.needs_unit());
        undecided.any(|(rule, dates)| self.bare_number(rule, dates, row, |_, _| {}).is_some())
    }

    /// Decides the unit of each date column by the first rows, until all are surveyed.
    pub fn assume_units(&mut self, survey: &UnitSurvey) {
        self.decide_units(survey);
        self.has_provisional_units = true;
    }

    /// Decides the unit of each date column. Until then the size of each number decides.
    pub fn decide_units(&mut self, survey: &UnitSurvey) {
        self.has_provisional_units = false;
        let none = UnitVotes::default();
        let votes = survey.votes.iter().chain(std::iter::repeat(&none));
        for (dates, votes) in self.date_readers().zip(votes) {
            dates.decide_unit(votes);
        }
    }

    /// Whether a survey of all rows has to confirm the units of date columns.
    #[must_use]
    pub fn has_provisional_units(&self) -> bool {
        self.has_provisional_units
    }

    /// Whether this survey decides for the units that the date columns already have.
    #[must_use]
    pub fn has_units_of(&self, survey: &UnitSurvey) -> bool {
        let none = UnitVotes::default();
        let votes = survey.votes.iter().chain(std::iter::repeat(&none));
        self.dates()
            .zip(votes)
            .all(|((_, dates), votes)| dates.has_unit_of(votes))
    }

    /// The date attributes, in the order of [`Self::decide_units`].
    fn dates(&self) -> impl Iterator<Item = (&Rule, &DateReader)> {
        let fields = self.fields.iter().filter_map(|m| match &m.reader {
            FieldReader::Date(dates) => Some((&m.rule, dates)),
            _ => None,
        });
        let properties = self.properties.iter().filter_map(|m| match &m.reader {
            PropertyReader::Date(dates) => Some((&m.rule, dates)),
            _ => None,
        });
        fields.chain(properties)
    }

    /// Passes the digits and the value of a bare number to `see`, if the row has one.
    fn bare_number(
        &self,
        rule: &Rule,
        dates: &DateReader,
        row: &Row,
        see: impl FnOnce(&str, i64),
    ) -> Option<()> {
        let mut inspector = Inspector::new(&self.null_policy, self.repair);
        let Ok(SourceValue::Scalar(scalar)) = rule.value(row, &mut inspector) else {
            return None;
        };
        let (digits, count) = dates.bare_number(&scalar)?;
        see(&digits, count);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{schema, table};
    use super::*;
    use crate::domain::{CustomValue, Wish};

    const CONFIG: &str =
        "[fields]\nuserId = \"u\"\n[custom_data]\nd = { column = \"d\", type = \"date\" }\n";

    fn read(cells: &[&str]) -> Vec<Option<i64>> {
        let mut schema = schema(CONFIG, &["u", "d"]).unwrap();
        let rows: Vec<Row> = cells
            .iter()
            .map(|d| table(&[("u", "1"), ("d", d)]))
            .collect();
        let mut survey = UnitSurvey::default();
        rows.iter().for_each(|row| survey.see(&schema, row));
        if rows.iter().any(|row| schema.awaits_units(row)) {
            schema.decide_units(&survey);
        }
        assert!(!rows.iter().any(|row| schema.awaits_units(row)));
        let date = |row: &Row| match schema.map(row).desired?.custom_data.first()? {
            (_, Wish::Set(CustomValue::Date(seconds))) => Some(*seconds),
            other => panic!("{other:?}"),
        };
        rows.iter().map(date).collect()
    }

    #[test]
    fn a_column_has_one_unit_and_other_forms_beside_it() {
        let cells = [
            "63072000000",
            "2020-01-02",
            "86400000",
            "1577959200000",
            "",
            "94694400000",
        ];
        let seconds = [63_072_000, 1_577_923_200, 86_400, 1_577_959_200];
        let expected: Vec<_> = seconds
            .map(Some)
            .into_iter()
            .chain([None, Some(94_694_400)])
            .collect();
        assert_eq!(read(&cells), expected);
    }

    #[test]
    fn what_is_no_number_awaits_nothing() {
        let schema = schema(CONFIG, &["u", "d"]).unwrap();
        for cell in ["2020-01-02", "", "20240115093000", "soon"] {
            assert!(
                !schema.awaits_units(&table(&[("u", "1"), ("d", cell)])),
                "{cell}"
            );
        }
        assert!(schema.awaits_units(&table(&[("u", "1"), ("d", "1705311000")])));
    }
}
