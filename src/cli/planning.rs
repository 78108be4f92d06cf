//! What `sync` and `plan` share: from inputs and settings to a plan that was made and is to be shown.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::{
    Delimiter, InputConfig, InputEncoding, InputFormat, Quote, RemoteStrategy, Settings,
};
use crate::domain::Columns;
use crate::journal::{InputMeta, NewRun, RunDir, RunMeta, StateDir};
use crate::mapping::{MappingSettings, Schema, SchemaError, key_columns};
use crate::pace::Limiter;
use crate::plan::budget::BudgetRules;
use crate::plan::safety::check;
use crate::plan::{MatchSettings, Ownership};
use crate::probe::Findings;
use crate::remote::{RemoteSettings, Strategy};
use crate::report::{View, render_preview, write_preview};
use crate::run::decisions::Decisions;
use crate::run::intake::{IntakeError, Survey, profile, survey};
use crate::run::making::{MadePlan, Making, MakingError, Origin, RemoteSource};
use crate::run::planning::PlanRules;
use crate::run::rows::RowDetail;
use crate::source::{Choice, Format, InputFile, SourceError, SourceSettings, list_sheets};

use super::attached::{Attached, Known};
use super::diagnostics::Blame;
use super::exit::{Exit, Failure};
use super::probed::{email_case, write_rules};
use super::progress::ReadingShown;
use super::session::{Session, state_failure};
use super::shell::quoted;

/// Inputs that were looked at, and the rules under which their rows mean something.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) inputs: Vec<InputFile>,
    pub(super) source: SourceSettings,
    pub(super) survey: Survey,
    pub(super) schema: Schema,
    pub(super) rules: PlanRules,
}

impl Prepared {
    pub(super) fn new(inputs: Vec<InputFile>, settings: &Settings) -> Result<Self, Failure> {
        let source = source_settings(&settings.input)?;
        let mut survey =
            survey(&inputs, &source).map_err(|e| Failure::from_error(Exit::Usage, "input", &e))?;
        let columns: Vec<&Columns> = survey.columns.iter().map(AsRef::as_ref).collect();
        let meant = meaning(settings, &columns);
        let (schema, rules) = meant.map_err(|error| {
            let failure = no_meaning(error, &inputs, &survey, &source);
            name_sheets(failure, &inputs, &source)
        })?;
        survey.notes.extend(lacking_note(schema.lacking_columns()));
        Ok(Self {
            inputs,
            source,
            survey,
            schema,
            rules,
        })
    }

    pub(super) fn sources(&self) -> Vec<String> {
        self.inputs.iter().map(|input| input.name.clone()).collect()
    }
}

/// Where columns do not fit, another sheet of a workbook may have been meant.
fn name_sheets(failure: Failure, inputs: &[InputFile], source: &SourceSettings) -> Failure {
    let others = |input: &InputFile| list_sheets(input).filter(|sheets| sheets.len() > 1);
    let sheets = match source.sheet {
        Some(_) => None,
        None => inputs.iter().find_map(others),
    };
    let Some(sheets) = sheets else {
        return failure;
    };
    let advice = format!(
        "the first sheet was read; to read another, set `sheet` under [input]: there are {}",
        sheets.join(", ")
    );
    let hint = match &failure.hint {
        Some(hint) => format!("{hint}; {advice}"),
        None => advice,
    };
    failure.hint(hint)
}

/// Names the line of the header in an input whose first line is more like a title: then its columns cannot be mapped.
fn header_below(inputs: &[InputFile], survey: &Survey) -> Option<SourceError> {
    let mut inputs = inputs.iter().zip(&survey.headers_below);
    inputs.find_map(|(input, line)| {
        let name = input.name.clone();
        line.map(|line| SourceError::HeaderBelow { name, line })
    })
}

fn lacking_note(columns: &[String]) -> Option<String> {
    let quoted: Vec<_> = columns.iter().map(|name| format!("`{name}`")).collect();
    (!quoted.is_empty()).then(|| {
        format!(
            "mapped, but in no record, so that nothing is said of it: {}",
            quoted.join(", ")
        )
    })
}

/// Rows of the first input whose values may tell what a column is.
const SAMPLE_ROWS: u64 = 1_000;

/// The failure for settings that do not fit the inputs. If no match key is mapped, the values of the first input's
/// columns are looked at, so that the advice names the right one.
fn no_meaning(
    mut error: SchemaError,
    inputs: &[InputFile],
    survey: &Survey,
    source: &SourceSettings,
) -> Failure {
    let is_column_missing = matches!(
        error,
        SchemaError::NoMatchKey { .. } | SchemaError::NoSuchColumn { .. }
    );
    if let Some(error) = header_below(inputs, survey).filter(|_| is_column_missing) {
        return Failure::from_error(Exit::Usage, "input", &error);
    }
    let SchemaError::NoMatchKey { candidates, .. } = &mut error else {
        return schema_failure(&error);
    };
    let (Some(input), Some(columns)) = (inputs.first(), survey.columns.first()) else {
        return schema_failure(&error);
    };
    // An input that cannot be read gives no advice; the error that is reported is the missing key.
    if let Ok((profile, _)) = profile(input, source, columns, Some(SAMPLE_ROWS)) {
        *candidates = key_columns(&profile);
    }
    let input = match input.name.as_str() {
        "-" => "FILE".to_owned(),
        name => quoted(name),
    };
    schema_failure(&error).hint(format!(
        "`hcsync init {input}` proposes a config for all columns"
    ))
}

pub(super) fn schema_failure(error: &SchemaError) -> Failure {
    Failure {
        blame: Some(Box::new(Blame::Keys(error.config_paths()))),
        ..Failure::from_error(Exit::Usage, "mapping", error)
    }
}

/// The schema and the rules that settings give for these columns.
///
/// # Errors
/// If the settings do not fit the columns.
pub(super) fn meaning(
    settings: &Settings,
    columns: &[&Columns],
) -> Result<(Schema, PlanRules), SchemaError> {
    let mapping: &MappingSettings = &settings.mapping;
    let schema = Schema::new(mapping, &settings.matching.keys, columns)?;
    let mut ownership = Ownership {
        fields: schema.fields().collect(),
        custom_data: schema
            .properties()
            .map(|(name, _, overwrite)| (name.to_owned(), overwrite))
            .collect(),
        ..Ownership::default()
    };
    if let Some(tags) = schema.tags() {
        ownership.tag_mode = tags.mode;
        ownership.managed_tags = tags.names.clone();
        ownership.managed_ours = tags.ours;
    }
    let matching = MatchSettings {
        keys: schema.keys().to_vec(),
        ..settings.matching.clone()
    };
    let rules = PlanRules {
        matching,
        duplicates: settings.duplicates,
        mode: settings.sync_mode,
        ownership,
    };
    Ok((schema, rules))
}

/// The columns of each attribute, for messages.
pub(super) fn attribute_columns(schema: &Schema) -> BTreeMap<String, String> {
    let named = schema
        .sources()
        .filter_map(|(name, columns)| Some((name.to_owned(), (*columns.first()?).to_owned())));
    named.collect()
}

pub(super) fn source_settings(input: &InputConfig) -> Result<SourceSettings, Failure> {
    if input.header && input.columns.is_some() {
        return Err(Failure::usage(
            "input.columns names the columns of a file without a header: set input.header = false",
        ));
    }
    Ok(SourceSettings {
        format: match input.format {
            InputFormat::Auto => Choice::Auto,
            InputFormat::Csv => Choice::Given(Format::Csv),
            InputFormat::Tsv => Choice::Given(Format::Tsv),
            InputFormat::Jsonl => Choice::Given(Format::Jsonl),
            InputFormat::Json => Choice::Given(Format::Json),
            InputFormat::Xlsx => Choice::Given(Format::Xlsx),
        },
        delimiter: match input.delimiter {
            Delimiter::Auto => Choice::Auto,
            Delimiter::Byte(byte) => Choice::Given(byte),
        },
        quote: match input.quote {
            Quote::Auto => Choice::Auto,
            Quote::Byte(byte) => Choice::Given(Some(byte)),
            Quote::None => Choice::Given(None),
        },
        encoding: match input.encoding {
            InputEncoding::Auto => Choice::Auto,
            InputEncoding::Named(encoding) => Choice::Given(encoding),
        },
        header: input.header,
        columns: input.columns.clone(),
        sheet: input.sheet.clone(),
        trim: input.trim,
        skip_lines: input.skip_lines,
        ..SourceSettings::default()
    })
}

pub(super) fn remote_settings(settings: &Settings, probed: &Findings) -> RemoteSettings {
    RemoteSettings {
        strategy: match settings.remote.strategy {
            RemoteStrategy::Auto => Strategy::Auto,
            RemoteStrategy::Snapshot => Strategy::Snapshot,
            RemoteStrategy::List => Strategy::List,
            RemoteStrategy::Lookup => Strategy::Lookup,
        },
        recheck_after: settings.remote.recheck_after,
        snapshot_max_age: settings.remote.snapshot_max_age,
        refresh: settings.run.refresh,
        email_case: email_case(probed),
    }
}

pub(super) fn budget_rules(
    settings: &Settings,
    reread_all: bool,
    probed: &Findings,
) -> BudgetRules {
    let limits = &settings.limits;
    let limiter = Limiter::new(limits.requests_per_minute, limits.reserve);
    BudgetRules {
        requests_per_minute: Some(limits.requests_per_minute).filter(|limit| *limit > 0),
        interval_s: limiter.gap().map_or(0.0, |gap| gap.as_secs_f64()),
        recheck_after: settings.remote.recheck_after,
        reread_all,
        writes: write_rules(settings, probed),
    }
}

/// Opens the folder of a new run.
pub(super) fn open_run(
    session: &mut Session,
    state: &StateDir,
    new: NewRun,
) -> Result<(RunDir, RunMeta), Failure> {
    // The first three are milliseconds, so that runs of one second are listed in their order.
    let now = session.clock.wall();
    let suffix = || {
        let random = std::iter::repeat_with(fastrand::alphanumeric).take(4);
        let random = random.collect::<String>().to_lowercase();
        format!("{:03}{random}", now.subsec_millisecond())
    };
    let (dir, meta) = state
        .create_run(now, new, suffix)
        .map_err(|e| state_failure(&e))?;
    session.summary.run_id = Some(meta.run_id.clone());
    session.run = Some(dir.clone());
    Ok((dir, meta))
}

pub(super) fn input_metas(inputs: &[InputFile]) -> Vec<InputMeta> {
    let meta = |input: &InputFile| InputMeta {
        path: input.name.clone(),
        sha256: None,
        rows: None,
        // As it is stored, packed or not.
        bytes: std::fs::metadata(&input.path).ok().map(|file| file.len()),
    };
    inputs.iter().map(meta).collect()
}

/// Where a plan's remote side comes from.
pub(super) enum From<'a> {
    Api(&'a Attached),
    File(&'a Path),
}

/// What a plan is to be made with, besides what was prepared.
pub(super) struct MakeWith<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) settings: &'a Settings,
    pub(super) from: From<'a>,
    pub(super) known: &'a Known,
    pub(super) decisions: &'a Decisions,
    /// Whether each customer is read again before it is written, as by an `apply`.
    pub(super) reread_all: bool,
}

/// Makes the plan, with the reading shown, and tells the summary of it.
pub(super) async fn make(
    session: &mut Session,
    meta: &RunMeta,
    dir: &RunDir,
    with: MakeWith<'_>,
) -> Result<MadePlan, Failure> {
    let known = with.known;
    let remote_settings = remote_settings(with.settings, &known.probed);
    let (plan_file, rows_file, ambiguous_file) = (dir.plan(), dir.rows(), dir.ambiguous());
    let making = Making {
        inputs: &with.prepared.inputs,
        source: &with.prepared.source,
        survey: &with.prepared.survey,
        schema: &with.prepared.schema,
        rules: &with.prepared.rules,
        memory: &known.memory,
        decisions: with.decisions,
        limit: with.settings.run.limit,
        examples: with.settings.run.examples.map_or(0, |n| n as usize),
        explains: with.settings.run.explain,
        budget: budget_rules(with.settings, with.reread_all, &known.probed),
        remote: match with.from {
            From::Api(at) => RemoteSource::Api {
                client: &at.client,
                settings: &remote_settings,
                snapshot: known.snapshot.files(),
            },
            From::File(path) => RemoteSource::File(path),
        },
        origin: Origin {
            run_id: meta.run_id.clone(),
            base_url: meta.base_url.clone(),
            account: meta.account.as_ref().map(ToString::to_string),
            key: match with.from {
                From::Api(at) => Some(at.target.key_fingerprint.to_string()),
                From::File(_) => None,
            },
            config_sha256: with.settings.config_sha256(),
        },
        clock: session.clock,
        plan_file: &plan_file,
        rows_file: &rows_file,
        row_detail: row_detail(with.settings, meta),
        ambiguous_file: &ambiguous_file,
    };
    let shown = ReadingShown::new(&session.console);
    let stopping = session.stopping.clone();
    let made = making
        .make(known.finished_runs, &shown, &|| stopping.is_stopped())
        .await;
    shown.finish();
    let made = match made {
        Ok(made) => made,
        Err(error) => {
            let gate = match with.from {
                From::Api(at) => session.gate_failure(&at.client),
                From::File(_) => None,
            };
            return Err(gate.unwrap_or_else(|| making_failure(session, &error)));
        }
    };
    session.read_input(made.rows, made.bytes);
    session.summary.planned = made.preview.counts;
    session.summary.estimate = made.preview.estimate.into();
    session.summary.remote = made.preview.remote.clone();
    session.explanation.clone_from(&made.preview.explain);
    session.summary.plan_digest = Some(made.preview.digest.clone());
    Ok(made)
}

/// Only `--results` lists rows of which there is nothing to say.
fn row_detail(settings: &Settings, meta: &RunMeta) -> RowDetail {
    match (&settings.run.results, meta.dry_run) {
        (Some(_), _) => RowDetail::All,
        (None, true) => RowDetail::Preview,
        (None, false) => RowDetail::ToSend,
    }
}

/// The failure for inputs that cannot be taken in.
pub(super) fn intake_failure(session: &Session, error: &IntakeError) -> Failure {
    let (exit, reason) = match error {
        IntakeError::Source(_) | IntakeError::Changed { .. } => (Exit::Usage, "input"),
        IntakeError::Stopped => (session.stopping.exit(), "signal"),
        IntakeError::Spool(_) => (Exit::NotFinished, "state"),
    };
    Failure::from_error(exit, reason, error)
}

fn making_failure(session: &Session, error: &MakingError) -> Failure {
    let (exit, reason) = match error {
        MakingError::Intake(error) => return intake_failure(session, error),
        MakingError::RemoteFile { .. } => (Exit::Usage, "remote_file"),
        MakingError::Remote(_) => (Exit::NotFinished, "remote"),
        MakingError::Planning(_) | MakingError::File(_) | MakingError::Io(_) => {
            (Exit::NotFinished, "state")
        }
    };
    Failure::from_error(exit, reason, error)
}

/// Notes in a preview that a sync would be refused, and what lifts that.
pub(super) fn note_refusals(settings: &Settings, made: &mut MadePlan) {
    for refusal in check(&settings.safety, &made.figures) {
        let (message, option) = (refusal.message, refusal.option);
        made.preview.notes.push(format!(
            "a sync would refuse this plan: {message}; {option} lifts it"
        ));
    }
}

/// The decisions that the user gives back, read before anything else is done.
pub(super) fn decisions(settings: &Settings) -> Result<Decisions, Failure> {
    let Some(path) = &settings.run.decisions else {
        return Ok(Decisions::default());
    };
    let input = InputFile::new(path.display().to_string(), path);
    Decisions::read(&input).map_err(|e| {
        Failure::from_error(Exit::Usage, "decisions", &e).hint(
            "--decisions takes the ambiguous.csv of a run, with its column `decision` filled in",
        )
    })
}

/// Shows a preview on standard output.
pub(super) fn show_preview(session: &Session, made: &MadePlan) {
    session
        .console
        .print(&preview_text(made, session.console.view()));
}

pub(super) fn show_preview_json(session: &Session, made: &MadePlan) {
    let mut json = Vec::new();
    if write_preview(&mut json, &made.preview).is_ok() {
        session.console.print(&String::from_utf8_lossy(&json));
    }
}

pub(super) fn preview_text(made: &MadePlan, view: View) -> String {
    render_preview(&made.preview, view)
}
