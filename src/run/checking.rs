//! A pass over the rows that only checks them: each is mapped and decided, the columns are profiled, and nothing is compared.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{RawRecord, Row};
use crate::journal::WrittenReader;
use crate::mapping::{BlamedCell, MappedRow, Schema, TableProfile, UnitSurvey};
use crate::plan::RowPlace;
use crate::remote::Reading;
use crate::report::BadRowList;
use crate::source::Record;

use super::deciding::{AmbiguityHandling, DecidedRows, Decider};
use super::intake::{Intake, IntakeError, MappingFigures, Taken, map_record};
use super::memory::Memory;
use super::passes::{Block, each_block};
use super::planning::{Decision, Ground, PlanRules};
use super::rows::RowRecord;
use super::schema_of_rows::SchemaOfRows;
use super::user_choices::UserChoices;

/// Rows to check, and the rules for them.
#[derive(Debug)]
pub struct Checking<'a> {
    pub intake: Intake<'a>,
    pub rules: &'a PlanRules,
    /// Cell texts that mean "no value".
    pub null_values: &'a [String],
    /// Whether the list of bad rows shows cells.
    pub shows_cells: bool,
}

/// What a check found.
#[derive(Debug)]
pub struct CheckedRows {
    pub taken: Taken,
    /// One for each input.
    pub profiles: Vec<TableProfile>,
    /// Rows that are left out because another one speaks for their customer.
    pub skipped: u64,
    pub bad: BadRowList,
}

impl Checking<'_> {
    /// Reads and decides all rows as a sync does, except for what only the API knows.
    ///
    /// # Errors
    /// When the rows cannot be read, or the run was stopped.
    pub fn check(&self, stopped: &dyn Fn() -> bool) -> Result<CheckedRows, IntakeError> {
        let Intake {
            inputs, settings, ..
        } = self.intake;
        let schema = SchemaOfRows::new(self.intake.schema, inputs, settings, stopped);
        let mut schema = schema.look_ahead(self.intake.limit)?;
        loop {
            let checked = self.check_by(&schema, stopped)?;
            let units = &checked.taken.units;
            if !schema.has_provisional_units() || schema.has_units_of(units) {
                return Ok(checked);
            }
            Arc::make_mut(&mut schema).decide_units(units);
        }
    }

    fn check_by(
        &self,
        schema: &Schema,
        stopped: &dyn Fn() -> bool,
    ) -> Result<CheckedRows, IntakeError> {
        let intake = Intake {
            schema,
            ..self.intake
        };
        let reading = Reading::unread(tempfile::tempfile()?);
        let (memory, written) = (Memory::default(), WrittenReader::empty());
        let ground = Ground {
            rules: self.rules,
            reading: &reading,
            memory: &memory,
            written: &written,
        };
        let choices = UserChoices::default();
        let sources: Vec<String> = intake.inputs.iter().map(|i| i.name.clone()).collect();
        let asked = AmbiguityHandling {
            choices: &choices,
            file: None,
            sources: &sources,
        };
        let mut rows = RowCheck {
            sources: &sources,
            decider: Decider::new(ground, true, asked),
            keeps_decisions: self.rules.duplicates.depends_on_later_rows(),
            skipped: 0,
            bad: match self.shows_cells {
                true => BadRowList::default(),
                false => BadRowList::without_cells(),
            },
        };
        let columns = intake.survey.columns.iter();
        let new = columns.map(|columns| TableProfile::new(Arc::clone(columns), self.null_values));
        let mut profiles: Vec<TableProfile> = new.collect();
        // Threads take one of these and put it back: there are as many as threads, and they are joined at the end.
        let parts = Mutex::new(Vec::new());
        let locked = || parts.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut figures, mut units) = (MappingFigures::default(), UnitSurvey::default());
        let new = profiles.clone();
        let map = |block| {
            let part = locked().pop();
            let mut part = part.unwrap_or_else(|| new.clone());
            let checked = CheckedBlock::new(block, &mut part);
            locked().push(part);
            checked
        };
        let taken = each_block(&intake, stopped, map, |block| {
            for row in &block.rows {
                of_row(&mut profiles, row).for_each(|profile| profile.see_dates(row));
            }
            figures.add(block.figures);
            units.join(&block.units);
            let mut checked = block.records.into_iter();
            checked.try_for_each(|(record, bad_cells)| rows.take(&record, &bad_cells))
        })?;
        for part in parts.into_inner().unwrap_or_else(PoisonError::into_inner) {
            let pairs = profiles.iter_mut().zip(&part);
            pairs.for_each(|(profile, part)| profile.join(part));
        }
        let DecidedRows { decisions, .. } = rows.decider.finish().map_err(io::Error::other)?;
        let kept = decisions.iter().filter(|decision| is_left_out(decision));
        Ok(CheckedRows {
            taken: Taken {
                figures,
                units,
                ..taken
            },
            profiles,
            skipped: rows.skipped + kept.count() as u64,
            bad: rows.bad,
        })
    }
}

fn of_row<'p>(
    profiles: &'p mut [TableProfile],
    row: &Row,
) -> impl Iterator<Item = &'p mut TableProfile> {
    profiles
        .get_mut(usize::from(row.position.source))
        .into_iter()
}

fn is_left_out(decision: &Decision) -> bool {
    matches!(decision, Decision::Skipped | Decision::Merged(_))
}

/// Rows as far as a check needs them.
struct CheckedBlock {
    records: Vec<(RowRecord, Vec<BlamedCell>)>,
    rows: Vec<Row>,
    figures: MappingFigures,
    units: UnitSurvey,
}

impl CheckedBlock {
    fn new(Block { records, schema }: Block, profiles: &mut [TableProfile]) -> Self {
        let mut block = Self {
            records: Vec::with_capacity(records.len()),
            rows: Vec::with_capacity(records.len()),
            figures: MappingFigures::default(),
            units: UnitSurvey::default(),
        };
        for record in records {
            let Record::Row(row) = record else {
                let bad = map_record(record, &schema, &mut block.figures);
                block.records.push(bad);
                continue;
            };
            of_row(profiles, &row).for_each(|profile| profile.see_values(&row));
            if schema.has_provisional_units() {
                block.units.see(&schema, &row);
            }
            let mapped = schema.map(&row);
            block.figures.see(&mapped);
            block.records.push(bare_record(&row, mapped));
            block.rows.push(row);
        }
        block
    }
}

/// The record of a row without what the row wants, and the cells that are wrong.
fn bare_record<T: Into<String>>(row: &Row, mapped: MappedRow<T>) -> (RowRecord, Vec<BlamedCell>) {
    if mapped.is_filtered {
        return (RowRecord::skipped(row.position), Vec::new());
    }
    let record = match mapped.desired {
        Some(desired) => RowRecord {
            key: desired.key.into_owned(),
            ..RowRecord::at(row.position)
        },
        None => {
            let (key, issues) = (mapped.rejected_key, mapped.issues);
            RowRecord::rejected(row.position, RawRecord::default(), key, issues)
        }
    };
    (record, mapped.cells)
}

/// Decides each row in order, and lists those that are bad.
struct RowCheck<'a> {
    sources: &'a [String],
    decider: Decider<'a>,
    /// Whether later rows change what was decided about earlier ones.
    keeps_decisions: bool,
    skipped: u64,
    bad: BadRowList,
}

impl RowCheck<'_> {
    fn take(&mut self, record: &RowRecord, bad_cells: &[BlamedCell]) -> Result<(), IntakeError> {
        let decided;
        let decision = match self.keeps_decisions {
            true => self.decider.row(record).map_err(io::Error::other)?,
            false => {
                decided = self.decider.decide(record).map_err(io::Error::other)?;
                self.skipped += u64::from(is_left_out(&decided));
                &decided
            }
        };
        let problems = match decision {
            Decision::Bad => record.problems(),
            Decision::Rejected(issue) => std::slice::from_ref(&**issue),
            _ => return Ok(()),
        };
        let source = self.sources.get(usize::from(record.source));
        let place = RowPlace {
            row: record.row,
            source: source.map_or("", String::as_str),
            line: record.line,
        };
        self.bad.row();
        for issue in problems {
            let column = issue.column.as_deref();
            let cell = bad_cells.iter().find(|cell| Some(&*cell.column) == column);
            self.bad.add(issue, place, cell.map(|cell| &*cell.text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Columns, Field, KeyField};
    use crate::mapping::{AttributeRule, MappingSettings};
    use crate::plan::{Duplicates, MatchSettings, Ownership, SyncMode};
    use crate::run::intake::survey;
    use crate::run::planning::MissingRules;
    use crate::source::{InputFile, SourceSettings};

    fn check(table: &str, duplicates: Duplicates) -> CheckedRows {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, table).unwrap();
        let inputs = [InputFile::new("rows.csv", path)];
        let settings = SourceSettings::default();
        let survey = survey(&inputs, &settings).unwrap();
        let columns: Vec<&Columns> = survey.columns.iter().map(AsRef::as_ref).collect();
        let keys = [KeyField::UserId];
        let fields = [Field::UserId.name(), Field::FirstSeen.name()];
        let fields = fields.map(|name| (name.to_owned(), AttributeRule::column(name)));
        let mapping = MappingSettings {
            fields: Some(fields.into()),
            ..MappingSettings::default()
        };
        let schema = Schema::new(&mapping, &keys, &columns).unwrap();
        let rules = PlanRules {
            matching: MatchSettings {
                keys: keys.to_vec(),
                ..MatchSettings::default()
            },
            duplicates,
            mode: SyncMode::default(),
            ownership: Ownership::default(),
            skippable: std::collections::BTreeSet::new(),
            forced: Vec::new(),
            missing: MissingRules::default(),
        };
        let intake = Intake {
            inputs: &inputs,
            settings: &settings,
            schema: &schema,
            survey: &survey,
            limit: None,
        };
        let checking = Checking {
            intake,
            rules: &rules,
            null_values: &[],
            shows_cells: true,
        };
        checking.check(&|| false).unwrap()
    }

    /// Rows of a customer each, the first of which have times in milliseconds and the others in seconds.
    fn table(milliseconds: u64, seconds: u64) -> String {
        let mut table = String::from("userId,firstSeen\n");
        for row in 0..milliseconds + seconds {
            let zeros = if row < milliseconds { "000" } else { "" };
            table.push_str(&format!("u{row},{}{zeros}\n", 1_600_000_000 + row));
        }
        table
    }

    #[test]
    fn all_rows_decide_the_unit_of_their_dates() {
        for (milliseconds, seconds, bad) in [(1_500, 2_000, 1_500), (2_000, 1_500, 1_500)] {
            let checked = check(&table(milliseconds, seconds), Duplicates::Reject);
            assert_eq!(checked.bad.rows(), bad);
            assert_eq!(checked.taken.rows, milliseconds + seconds);
            let columns: Vec<_> = checked.profiles[0].columns().collect();
            let rows = columns.iter().map(|(_, column)| column.rows());
            assert!(rows.eq([milliseconds + seconds; 2]));
            assert_eq!(columns[0].1.distinct(), None);
        }
    }

    #[test]
    fn rows_of_one_customer_are_found_in_all_blocks() {
        let rows = 2_000;
        let mut table = table(0, rows);
        table.push_str(&table.clone()["userId,firstSeen\n".len()..]);
        for (duplicates, bad, skipped) in [
            (Duplicates::Reject, rows, 0),
            (Duplicates::First, 0, rows),
            (Duplicates::Last, 0, rows),
            (Duplicates::Merge, 0, rows),
        ] {
            let checked = check(&table, duplicates);
            assert_eq!((checked.bad.rows(), checked.skipped), (bad, skipped));
            if let Some(listed) = checked.bad.finish().first() {
                assert_eq!(listed.rows[0].line, rows + 2);
                assert_eq!(
                    listed.message,
                    "rows.csv:2 (row 1) is for the same customer"
                );
            }
        }
    }
}
