//! Checks every row of the inputs, and profiles their columns.

use std::collections::{BTreeSet, HashMap};

use crate::cli::args::CheckArgs;
use crate::cli::exit::Failure;
use crate::cli::planning::intake_failure;
use crate::cli::session::Session;
use crate::cli::sync_inputs::SyncInputs;
use crate::config::Settings;
use crate::mapping::TableProfile;
use crate::report::{CheckReport, CheckedColumn, CheckedInput};
use crate::run::checking::{CheckedRows, Checking};
use crate::run::intake::{Intake, Taken};

/// Reads and decides all rows as a sync does, except for what only the API knows.
pub(super) fn check_rows(
    session: &Session,
    settings: &Settings,
    inputs: &SyncInputs,
    args: &CheckArgs,
    report: &mut CheckReport,
) -> Result<(), Failure> {
    let checked = check_all(session, settings, inputs, args.examples.examples > 0)?;
    let taken = &checked.taken;
    report.rows = taken.rows;
    report.notes.extend(taken.blank_rows_note());
    report.notes.extend(taken.filtered_note());
    report.notes.extend(taken.control_note());
    report.notes.extend(taken.figures.repairs.sentence());
    report.notes.extend(taken.left_out_note());
    report.inputs = checked_inputs(inputs, taken);
    report.columns = checked_columns(inputs, &checked.profiles);
    report.skipped_rows = checked.skipped;
    report.bad_rows = checked.bad.rows();
    report.bad = checked.bad.finish();
    Ok(())
}

/// How many rows the inputs have, and what becomes of them.
pub(super) struct RowCounts {
    pub(super) rows: u64,
    pub(super) skipped: u64,
    pub(super) bad: u64,
}

/// Counts the rows as `check` does.
pub(super) fn count_rows(
    session: &Session,
    settings: &Settings,
    inputs: &SyncInputs,
) -> Result<RowCounts, Failure> {
    let checked = check_all(session, settings, inputs, false)?;
    Ok(RowCounts {
        rows: checked.taken.rows,
        skipped: checked.skipped,
        bad: checked.bad.rows(),
    })
}

fn check_all(
    session: &Session,
    settings: &Settings,
    inputs: &SyncInputs,
    shows_cells: bool,
) -> Result<CheckedRows, Failure> {
    let checking = Checking {
        intake: Intake {
            inputs: &inputs.files,
            settings: &inputs.source,
            schema: &inputs.schema,
            survey: &inputs.survey,
            limit: settings.run.limit,
        },
        rules: &inputs.rules,
        null_values: &settings.mapping.null_values,
        shows_cells,
    };
    checking
        .check(&|| session.stopping.is_stopped())
        .map_err(|e| intake_failure(session, &e))
}

fn checked_inputs(inputs: &SyncInputs, taken: &Taken) -> Vec<CheckedInput> {
    let survey = &inputs.survey;
    let read = taken.inputs.iter().zip(&survey.dialects);
    read.zip(&survey.columns)
        .map(|((input, dialect), columns)| CheckedInput {
            path: input.path.clone(),
            format: format!("{:?}", dialect.format).to_lowercase(),
            encoding: dialect.encoding.name().to_owned(),
            delimiter: dialect.delimiter.map(char::from),
            quote: dialect.quote.map(char::from),
            columns: columns.names().len(),
            rows: input.rows,
        })
        .collect()
}

fn checked_columns(inputs: &SyncInputs, profiles: &[TableProfile]) -> Vec<CheckedColumn> {
    let mut used_for: HashMap<&str, Vec<String>> = HashMap::new();
    for (attribute, columns) in inputs.schema.sources() {
        for column in BTreeSet::from_iter(columns) {
            let used = used_for.entry(column).or_default();
            used.push(attribute.to_owned());
        }
    }
    let profiled = inputs.files.iter().zip(profiles);
    let columns = profiled.flat_map(|(input, profile)| {
        let named = profile.columns();
        named.map(move |(name, column)| (input, name, column))
    });
    columns
        .map(|(input, name, column)| CheckedColumn {
            input: input.name.clone(),
            column: name.to_owned(),
            used_for: used_for.get(name).cloned().unwrap_or_default(),
            rows: column.rows(),
            filled: column.filled(),
            distinct: column.distinct(),
            looks_like: column.kind().to_string(),
            longest: column.longest(),
        })
        .collect()
}
