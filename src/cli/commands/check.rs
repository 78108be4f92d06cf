//! `hcsync check`: whether config, input and key can be used, without writing anything anywhere.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::{CheckArgs, When};
use crate::cli::beginning::Beginning;
use crate::cli::connection::Target;
use crate::cli::console::Console;
use crate::cli::exit::{Cause, Exit, Failure};
use crate::cli::inputs::Inputs;
use crate::cli::planning::{Prepared, intake_failure};
use crate::cli::session::{Session, state_dir, state_failure};
use crate::config::{KeyError, KeySources, Overrides, Settings, find_key};
use crate::domain::Row;
use crate::helpcrunch::{ListQuery, Order};
use crate::journal::{ListedRun, WrittenReader};
use crate::mapping::{BlamedCell, TableProfile};
use crate::plan::previewer::Place;
use crate::remote::Reading;
use crate::report::{
    BadRowList, CheckReport, CheckedColumn, CheckedInput, CheckedKey, CheckedState, render_check,
    write_check,
};
use crate::run::deciding::{Asked, DecidedRows, Decider};
use crate::run::decisions::Decisions;
use crate::run::intake::{Intake, RowSink, Taken};
use crate::run::memory::Memory;
use crate::run::planning::{Decision, Ground};
use crate::run::rows::RowRecord;

/// A check does not wait for an API that does not respond.
const MAX_ATTEMPTS: u32 = 2;
const MAX_WAIT: Duration = Duration::from_secs(30);

pub(in crate::cli) async fn run(args: &CheckArgs) -> Exit {
    let console = Console::new(args.output.output, When::Never, &args.log);
    let work = async |session: &mut Session| check(session, args).await;
    Beginning::new("check", console).run(work).await
}

async fn check(session: &mut Session, args: &CheckArgs) -> Result<Exit, Failure> {
    let loaded = session.load(&Overrides::from(args))?;
    let settings = &loaded.settings;
    let inputs = Inputs::open(&args.inputs, &session.stopping, None).await?;
    let prepared = Prepared::new(inputs.files.clone(), settings)?;
    let (key, key_failure) = match try_key(session, settings).await {
        Ok(key) => (key, None),
        Err(failure) => {
            let message = failure.message.clone();
            (CheckedKey::Failed { message }, Some(failure))
        }
    };
    let mut report = CheckReport {
        config: loaded.file().map(|file| file.display().to_string()),
        state: checked_state(settings)?,
        mapping: prepared
            .schema
            .sources()
            .map(|(name, columns)| (name.to_owned(), owned(&columns)))
            .collect(),
        ignored_columns: prepared.schema.unused_columns().to_vec(),
        notes: prepared.survey.notes.clone(),
        key,
        ..CheckReport::default()
    };
    check_rows(session, settings, &prepared, args, &mut report)?;
    print(session, &report, args);
    let most = settings.safety.tolerated_rows;
    let tolerated = report.bad_rows == 0 || most.allows(report.bad_rows, report.rows);
    match key_failure {
        Some(failure) => Err(failure),
        None if !tolerated => Ok(Exit::RowProblems),
        None => Ok(Exit::Done),
    }
}

/// Reads and decides all rows as a sync does, but for what only the API knows.
fn check_rows(
    session: &Session,
    settings: &Settings,
    prepared: &Prepared,
    args: &CheckArgs,
    report: &mut CheckReport,
) -> Result<(), Failure> {
    let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "check", e);
    let reading = Reading::unread(tempfile::tempfile().map_err(|e| failed(&e))?);
    let (memory, written) = (Memory::default(), WrittenReader::nothing());
    let (decisions, sources) = (Decisions::default(), prepared.sources());
    let ground = Ground {
        rules: &prepared.rules,
        reading: &reading,
        memory: &memory,
        written: &written,
    };
    let asked = Asked {
        decisions: &decisions,
        file: None,
        sources: &sources,
    };
    let null_values = &settings.mapping.null_values;
    let columns = prepared.survey.columns.iter();
    let mut rows = RowCheck {
        sources: &sources,
        profiles: columns
            .map(|columns| TableProfile::new(Arc::clone(columns), null_values))
            .collect(),
        decider: Decider::new(ground, true, asked),
        bad: match args.examples.examples {
            0 => BadRowList::without_cells(),
            _ => BadRowList::default(),
        },
    };
    let intake = Intake {
        inputs: &prepared.inputs,
        settings: &prepared.source,
        schema: &prepared.schema,
        survey: &prepared.survey,
        limit: settings.run.limit,
    };
    let taken = intake.take(&mut rows, &|| session.stopping.is_stopped());
    let taken = taken.map_err(|e| intake_failure(session, &e))?;
    report.rows = taken.rows;
    report.notes.extend(taken.blank_rows_note());
    report.notes.extend(taken.control_note());
    report.notes.extend(taken.figures.repairs.sentence());
    report.notes.extend(taken.left_out_note());
    report.inputs = checked_inputs(prepared, &taken);
    report.columns = checked_columns(prepared, &rows.profiles);
    let DecidedRows { decisions, .. } = rows.decider.finish().map_err(|e| failed(&e))?;
    let is_left_out = |d: &&Decision| matches!(d, Decision::Skipped | Decision::Merged(_));
    report.skipped_rows = decisions.iter().filter(is_left_out).count() as u64;
    report.bad_rows = rows.bad.rows();
    report.bad = rows.bad.finish();
    Ok(())
}

/// Looks at every row as it is taken in.
struct RowCheck<'a> {
    sources: &'a [String],
    /// One for each input.
    profiles: Vec<TableProfile>,
    decider: Decider<'a>,
    bad: BadRowList,
}

impl RowSink for RowCheck<'_> {
    fn read(&mut self, row: &Row) {
        let profile = self.profiles.get_mut(usize::from(row.position.source));
        profile.into_iter().for_each(|profile| profile.see(row));
    }

    fn take(&mut self, record: RowRecord, bad_cells: Vec<BlamedCell>) -> io::Result<()> {
        let decision = self.decider.row(&record);
        let problems = match decision.map_err(io::Error::other)? {
            Decision::Bad => record.problems(),
            Decision::Rejected(issue) => std::slice::from_ref(&**issue),
            _ => return Ok(()),
        };
        let source = self.sources.get(usize::from(record.source));
        let place = Place {
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

fn checked_inputs(prepared: &Prepared, taken: &Taken) -> Vec<CheckedInput> {
    let survey = &prepared.survey;
    let inputs = taken.inputs.iter().zip(&survey.dialects);
    let inputs = inputs.zip(&survey.columns);
    inputs
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

fn checked_columns(prepared: &Prepared, profiles: &[TableProfile]) -> Vec<CheckedColumn> {
    let mut used_for: HashMap<&str, Vec<String>> = HashMap::new();
    for (attribute, columns) in prepared.schema.sources() {
        for column in BTreeSet::from_iter(columns) {
            let used = used_for.entry(column).or_default();
            used.push(attribute.to_owned());
        }
    }
    let inputs = prepared.inputs.iter().zip(profiles);
    let columns = inputs.flat_map(|(input, profile)| {
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

/// The state folder and its runs that can be resumed. A sync creates the folder if there is none.
fn checked_state(settings: &Settings) -> Result<CheckedState, Failure> {
    let state = state_dir(settings)?;
    let runs = state.list_runs().map_err(|e| state_failure(&e))?;
    let waiting = |run: &ListedRun| {
        let meta = run.meta.as_ref().ok().filter(|meta| meta.is_resumable());
        meta.map(|meta| meta.run_id.to_string())
    };
    Ok(CheckedState {
        folder: state.path().display().to_string(),
        runs: runs.len(),
        resumable: runs.iter().filter_map(waiting).collect(),
    })
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn print(session: &Session, report: &CheckReport, args: &CheckArgs) {
    let console = &session.console;
    if console.is_json() {
        let mut json = Vec::new();
        if write_check(&mut json, report).is_ok() {
            console.print(&String::from_utf8_lossy(&json));
        }
    } else {
        console.print(&render_check(
            report,
            args.examples.examples as usize,
            console.view(),
        ));
    }
}

/// One cheap request, where there is a key at all.
async fn try_key(session: &Session, settings: &Settings) -> Result<CheckedKey, Failure> {
    if !settings.run.sandbox && !has_key(settings) {
        return Ok(CheckedKey::Missing);
    }
    let mut settings = settings.clone();
    let limits = &mut settings.limits;
    limits.max_attempts = limits.max_attempts.min(MAX_ATTEMPTS);
    limits.max_retry_wait = limits.max_retry_wait.min(MAX_WAIT);
    limits.max_outage = limits.max_outage.min(MAX_WAIT);
    let target = Target::find(&settings, &session.console).await?;
    let client = target.connect(&settings, session.clock, &session.stopping)?;
    let query = ListQuery {
        limit: 1,
        offset: 0,
        sort: None,
        order: Order::default(),
    };
    match client.list(&query).await.result {
        Ok(page) => Ok(CheckedKey::Accepted {
            base_url: target.base_url_text,
            customers: page.total,
        }),
        Err(error) => {
            let gate = session.gate_failure(&client);
            Err(gate.unwrap_or_else(|| Failure::from_error(Exit::NotFinished, "api", &error)))
        }
    }
}

fn has_key(settings: &Settings) -> bool {
    let environment = |name: &str| std::env::var_os(name);
    let sources = KeySources {
        environment: &environment,
        key_file: settings.api.key_file.as_deref(),
    };
    !matches!(find_key(&sources), Err(KeyError::Missing { .. }))
}
