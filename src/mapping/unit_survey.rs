//! The bare numbers in date columns of a whole input: what they count is decided before any of them is read.

use super::date::DateReader;
use super::date_units::UnitVotes;
use super::field::FieldReader;
use super::given::Given;
use super::inspector::Inspector;
use super::property::PropertyReader;
use super::rule::Rule;
use super::schema::Schema;
use crate::domain::Row;

/// What the rows seen so far say of the units, for each date attribute of a schema.
#[derive(Debug, Clone, Default)]
pub struct UnitSurvey {
    votes: Vec<UnitVotes>,
}

impl UnitSurvey {
    /// Takes note of a row. All rows have to be of the same schema.
    pub fn see(&mut self, schema: &Schema, row: &Row) {
        for (at, (rule, dates)) in schema.dates().enumerate() {
            if self.votes.len() <= at {
                self.votes.push(UnitVotes::default());
            }
            if let (Some((digits, count)), Some(votes)) =
                (schema.bare_number(rule, dates, row), self.votes.get_mut(at))
            {
                votes.see(&digits, count);
            }
        }
    }
}

impl Schema {
    /// Whether a row holds a bare number in a date column of which the unit is not decided yet.
    #[must_use]
    pub fn awaits_units(&self, row: &Row) -> bool {
        let mut undecided = self.dates().filter(|(_, dates)| dates.awaits_unit());
        undecided.any(|(rule, dates)| self.bare_number(rule, dates, row).is_some())
    }

    /// Decides the unit of each date column. A schema of which it is not decided takes each number by its size.
    pub fn decide_units(&mut self, survey: &UnitSurvey) {
        let fields = self.fields.iter_mut().filter_map(|m| match &mut m.reader {
            FieldReader::Date(dates) => Some(dates),
            _ => None,
        });
        let properties = self
            .properties
            .iter_mut()
            .filter_map(|m| match &mut m.reader {
                PropertyReader::Date(dates) => Some(dates),
                _ => None,
            });
        let none = UnitVotes::default();
        let votes = survey.votes.iter().chain(std::iter::repeat(&none));
        for (dates, votes) in fields.chain(properties).zip(votes) {
            dates.decide_unit(votes);
        }
    }

    /// The attributes that are dates, in the order of `decide_units`.
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

    fn bare_number(&self, rule: &Rule, dates: &DateReader, row: &Row) -> Option<(String, i64)> {
        let mut inspector = Inspector::new(&self.emptiness, self.repair);
        match rule.given(row, &mut inspector) {
            Ok(Given::Scalar(scalar)) => dates.bare_number(&scalar),
            _ => None,
        }
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
