//! `hcsync check`: checks config, input and key, without writing anything.

use std::time::Duration;

use crate::cli::args::CheckArgs;
use crate::cli::command_runner::CommandRunner;
use crate::cli::connection::Target;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::input_command::open_inputs;
use crate::cli::resume_command::resume_command_of;
use crate::cli::run_status::{LockHolders, status_of};
use crate::cli::session::Session;
use crate::cli::state::state_dir;
use crate::cli::sync_inputs::SyncInputs;
use crate::config::{KeyError, KeySources, Settings, find_key};
use crate::helpcrunch::{ListQuery, SortOrder};
use crate::report::{
    CheckReport, CheckedKey, CheckedState, RunStatus, check_headline, human_count, plural,
    render_check, write_check,
};

use super::checked_rows::check_rows;

/// A check does not wait long for an API that does not respond.
const MAX_ATTEMPTS: u32 = 2;
const MAX_WAIT: Duration = Duration::from_secs(30);
const MAX_OUTAGE: Duration = Duration::from_secs(1);

pub(in crate::cli) async fn run(args: &CheckArgs) -> Exit {
    let console = Console::from(&args.console);
    let work = async |session: &mut Session| check(session, args).await;
    CommandRunner::new("check", console).run(work).await
}

async fn check(session: &mut Session, args: &CheckArgs) -> Result<Exit, Failure> {
    let loaded = session.load(&args.overrides())?;
    let settings = &loaded.settings;
    let spooled = open_inputs(&args.inputs, &loaded, session, None).await?;
    let inputs = SyncInputs::new(spooled.files.clone(), settings)?;
    let (key, key_failure) = match try_key(session, settings).await {
        Ok(key) => (key, None),
        Err(failure) => {
            let message = failure.message.clone();
            (CheckedKey::Failed { message }, Some(failure))
        }
    };
    let mut report = CheckReport {
        config: loaded.file().map(|file| file.display().to_string()),
        state: checked_state(settings, args)?,
        mapping: inputs
            .schema
            .sources()
            .map(|(name, columns)| (name.to_owned(), owned(&columns)))
            .collect(),
        ignored_columns: inputs.schema.unused_columns().to_vec(),
        notes: inputs.survey.notes.clone(),
        key,
        ..CheckReport::default()
    };
    check_rows(session, settings, &inputs, args, &mut report)?;
    print(session, &report, args);
    let tolerated = settings.safety.tolerated_rows;
    let is_tolerated = report.bad_rows == 0 || tolerated.allows(report.bad_rows, report.rows);
    match key_failure {
        Some(failure) => Err(failure),
        None if !is_tolerated => {
            let (bad, all) = (report.bad_rows, plural(report.rows, "row", "rows"));
            let message = format!("{} of {all} would be rejected", human_count(bad));
            session.attention = Some(format!("{message}; the report says what to fix"));
            Ok(Exit::RowProblems)
        }
        None => Ok(Exit::Done),
    }
}

/// The state directory and its runs that can be resumed. It need not exist: a sync creates it.
fn checked_state(settings: &Settings, args: &CheckArgs) -> Result<CheckedState, Failure> {
    let state = state_dir(settings)?;
    let runs = state.list_runs()?;
    let holders = LockHolders::find(&state)?;
    let interrupted = runs.iter().filter_map(|run| {
        let meta = run.meta.as_ref().ok()?;
        let status = status_of(run, meta, &holders);
        (meta.is_resumable() && status == RunStatus::Interrupted).then_some(meta)
    });
    let interrupted: Vec<_> = interrupted.collect();
    Ok(CheckedState {
        folder: state.path().display().to_string(),
        runs: runs.len(),
        resumable: interrupted
            .iter()
            .map(|meta| meta.run_id.to_string())
            .collect(),
        resume: interrupted
            .first()
            .map(|meta| resume_command_of(meta, &args.account.state)),
    })
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn print(session: &Session, report: &CheckReport, args: &CheckArgs) {
    let examples = args.examples.examples as usize;
    let view = session.console.view();
    session.console.print_result(
        |out| write_check(out, report),
        || check_headline(report),
        |_| render_check(report, examples, view),
    );
}

/// Sends one cheap request, if there is a key, and asks for the account's name.
async fn try_key(session: &Session, settings: &Settings) -> Result<CheckedKey, Failure> {
    if !settings.run.sandbox && !has_key(settings) {
        return Ok(CheckedKey::Missing);
    }
    let mut settings = settings.clone();
    let limits = &mut settings.limits;
    limits.max_attempts = limits.max_attempts.min(MAX_ATTEMPTS);
    limits.max_retry_wait = limits.max_retry_wait.min(MAX_WAIT);
    limits.max_outage = limits.max_outage.min(MAX_OUTAGE);
    let target = Target::find(&settings, &session.console).await?;
    let client = target.connect(&settings, session.clock, &session.stopping)?;
    let query = ListQuery {
        limit: 1,
        offset: 0,
        sort: None,
        order: SortOrder::default(),
    };
    match client.list(&query).await.result {
        Ok(page) => {
            let organization = client.organization().await;
            Ok(CheckedKey::Accepted {
                base_url: target.base_url_text,
                customers: page.total,
                organization: organization.map(|organization| organization.name),
            })
        }
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
