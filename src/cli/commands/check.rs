//! `hcsync check`: whether config, input and key can be used, without writing anything anywhere.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::{CheckArgs, When};
use crate::cli::beginning::Beginning;
use crate::cli::connection::Target;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::inputs::Inputs;
use crate::cli::planning::Prepared;
use crate::cli::session::{Session, state_dir, state_failure};
use crate::config::{KeyError, KeySources, Overrides, Settings, find_key};
use crate::domain::{Field, Repairs, Row, RowNumber};
use crate::helpcrunch::{ListQuery, Order};
use crate::journal::ListedRun;
use crate::mapping::{ColumnProfile, Mapped, TableProfile};
use crate::report::{
    BadRowList, CheckReport, CheckedColumn, CheckedInput, CheckedKey, CheckedState, render_check,
    write_check,
};
use crate::source::{BadRecord, Reader, Record};

/// A check waits for nobody: an API that is away is said to be away.
const MOST_ATTEMPTS: u32 = 2;
const LONGEST_WAIT: Duration = Duration::from_secs(30);

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
    let sources = prepared.schema.sources();
    let mut report = CheckReport {
        config: loaded.file().map(|file| file.display().to_string()),
        state: checked_state(settings)?,
        mapping: sources
            .map(|(name, columns)| (name.to_owned(), owned(&columns)))
            .collect(),
        ignored_columns: prepared.schema.unused_columns().to_vec(),
        notes: prepared.survey.notes.clone(),
        key,
        ..CheckReport::default()
    };
    let mut checking = Checking {
        settings,
        prepared: &prepared,
        bad: BadRowList::default(),
        repairs: Repairs::default(),
        session,
    };
    for index in 0..prepared.inputs.len() {
        checking.input(index, &mut report)?;
    }
    report.notes.extend(twins(&report.columns));
    report.notes.extend(checking.repairs.sentence());
    report.bad_rows = checking.bad.rows();
    report.bad = checking.bad.finish();
    tell(session, &report);
    let most = settings.safety.tolerated_rows;
    let tolerated = report.bad_rows == 0 || most.allows(report.bad_rows, report.rows);
    match key_failure {
        Some(failure) => Err(failure),
        None if !tolerated => Ok(Exit::RowProblems),
        None => Ok(Exit::Done),
    }
}

/// Whether keys stand more than once. That rows are for the same customer is for a plan to say, which knows by what
/// they are matched and what becomes of them.
fn twins(columns: &[CheckedColumn]) -> impl Iterator<Item = String> {
    let is_key = |column: &&CheckedColumn| {
        let mut uses = column.used_for.iter();
        uses.any(|used| used == Field::UserId.name() || used == Field::Email.name())
    };
    // An estimate may be a little off.
    let repeats = |column: &&CheckedColumn| match column.distinct_is_exact {
        true => column.distinct < column.filled,
        false => column.distinct * 10 < column.filled * 9,
    };
    let twice = columns.iter().filter(is_key).filter(repeats);
    twice.map(|column| {
        let about = if column.distinct_is_exact { "" } else { "about " };
        format!(
            "{}: {} cells of column `{}` hold {about}{} different values: rows for the same customer are rejected, unless \
             `[rows] duplicates` says otherwise; `hcsync plan` lists them",
            column.input, column.filled, column.column, column.distinct
        )
    })
}

/// Where state is kept, and which of its runs wait to go on. A folder that is not there yet will be made.
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

fn tell(session: &Session, report: &CheckReport) {
    let console = &session.console;
    if console.is_json() {
        let mut json = Vec::new();
        if write_check(&mut json, report).is_ok() {
            console.print(&String::from_utf8_lossy(&json));
        }
    } else {
        console.print(&render_check(report, console.view()));
    }
}

/// One cheap request, where there is a key at all.
async fn try_key(session: &Session, settings: &Settings) -> Result<CheckedKey, Failure> {
    if !settings.run.sandbox && !has_key(settings) {
        return Ok(CheckedKey::Missing);
    }
    let mut settings = settings.clone();
    let limits = &mut settings.limits;
    limits.max_attempts = limits.max_attempts.min(MOST_ATTEMPTS);
    limits.max_retry_wait = limits.max_retry_wait.min(LONGEST_WAIT);
    limits.max_outage = limits.max_outage.min(LONGEST_WAIT);
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

/// The inputs being read.
struct Checking<'a> {
    settings: &'a Settings,
    prepared: &'a Prepared,
    bad: BadRowList,
    repairs: Repairs,
    session: &'a Session,
}

/// Rows between two looks at whether to stop.
const STOP_CHECK: u64 = 1024;

impl Checking<'_> {
    fn input(&mut self, index: usize, report: &mut CheckReport) -> Result<(), Failure> {
        let prepared = self.prepared;
        let (Some(input), Some(columns), Some(dialect)) = (
            prepared.inputs.get(index),
            prepared.survey.columns.get(index),
            prepared.survey.dialects.get(index),
        ) else {
            return Ok(());
        };
        let failed = |e| Failure::from_error(Exit::Usage, "input", &e);
        let source = u16::try_from(index).unwrap_or(u16::MAX);
        let first = RowNumber(report.rows + 1);
        let mut reader = Reader::open(input, &prepared.source, source, first).map_err(failed)?;
        let null_values = &self.settings.mapping.null_values;
        let mut profile = TableProfile::new(Arc::clone(columns), null_values);
        let before = report.rows;
        while self
            .settings
            .run
            .limit
            .is_none_or(|most| report.rows < most)
        {
            if report.rows.is_multiple_of(STOP_CHECK) && self.session.stopping.is_stopped() {
                let exit = self.session.stopping.exit();
                return Err(Failure::new(exit, "signal", "the check was stopped"));
            }
            let Some(record) = reader.next_record().map_err(failed)? else {
                break;
            };
            report.rows += 1;
            match record {
                Record::Row(row) => self.row(&row, &input.name, &mut profile),
                Record::Bad(bad) => self.unreadable(&bad, &input.name),
            }
        }
        report.inputs.push(CheckedInput {
            path: input.name.clone(),
            format: format!("{:?}", dialect.format).to_lowercase(),
            encoding: dialect.encoding.name().to_owned(),
            delimiter: dialect.delimiter.map(char::from),
            quote: dialect.quote.map(char::from),
            columns: columns.names().len(),
            rows: report.rows - before,
        });
        let checked = profile
            .columns()
            .map(|(name, column)| self.column(&input.name, name, column));
        report.columns.extend(checked);
        Ok(())
    }

    fn row(&mut self, row: &Row, source: &str, profile: &mut TableProfile) {
        profile.see(row);
        let Mapped {
            issues,
            cells,
            repairs,
            ..
        } = self.prepared.schema.map(row);
        self.repairs.add(repairs);
        if issues.is_empty() {
            return;
        }
        self.bad.row();
        for issue in &issues {
            let column = issue.column.as_deref();
            let cell = cells.iter().find(|cell| Some(&*cell.column) == column);
            let cell = cell.map(|cell| cell.text.as_str());
            self.bad.add(issue, source, row.position, cell);
        }
    }

    fn unreadable(&mut self, bad: &BadRecord, source: &str) {
        self.bad.row();
        for issue in &bad.issues {
            self.bad.add(issue, source, bad.position, None);
        }
    }

    fn column(&self, input: &str, name: &str, column: &ColumnProfile) -> CheckedColumn {
        let sources = self.prepared.schema.sources();
        let used = sources.filter(|(_, columns)| columns.contains(&name));
        let (distinct, distinct_is_exact) = column.distinct();
        CheckedColumn {
            input: input.to_owned(),
            column: name.to_owned(),
            used_for: used.map(|(attribute, _)| attribute.to_owned()).collect(),
            rows: column.rows(),
            filled: column.filled(),
            distinct,
            distinct_is_exact,
            looks_like: column.kind().to_string(),
            longest: column.longest(),
            examples: column.examples().to_vec(),
        }
    }
}
