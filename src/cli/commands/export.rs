//! `hcsync export`: all customers, as JSONL or as CSV that `sync` can read.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::cli::args::ExportArgs;
use crate::cli::command_runner::CommandRunner;
use crate::cli::connection::Target;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure, OrFail as _};
use crate::cli::overlap::{FilesInUse, Overlap};
use crate::cli::progress::ReadingProgress;
use crate::cli::report_files::is_csv;
use crate::cli::session::Session;
use crate::cli::state::state_dir;
use crate::config::Settings;
use crate::helpcrunch::decode_customer;
use crate::journal::StateError;
use crate::platform::{AtomicFile, FileError, check_output, create_folder};
use crate::remote::{RawReading, find_raw, list_raw};
use crate::report::plural;
use crate::run::export::{CsvExport, OmittedCells};

pub(in crate::cli) async fn run(args: &ExportArgs) -> Exit {
    let console = Console::from(&args.console);
    let work = async |session: &mut Session| export(session, args).await;
    CommandRunner::new("export", console)
        .check_overlap(overlap(args))
        .run(work)
        .await
}

fn overlap(args: &ExportArgs) -> Result<(), Overlap> {
    let files = FilesInUse::of(&[], &args.account.config);
    match &args.out {
        Some(out) => files.writes("-o", out).map(drop),
        None => Ok(()),
    }
}

async fn export(session: &mut Session, args: &ExportArgs) -> Result<Exit, Failure> {
    let settings = session.load(&args.overrides())?.settings;
    if let Some(out) = &args.out {
        check_output(out).or_usage("output")?;
    }
    let target = Target::find(&settings, &session.console).await?;
    session.set_target(&settings, &target);
    let client = target.connect(&settings, session.clock, &session.stopping)?;
    session.join_line(&settings, &target, client.gate()).await?;
    let spool = spool(&settings)?;
    let progress = ReadingProgress::new(&session.console);
    let listed = match &args.email {
        Some(email) => find_raw(&client, spool, email.trim()).await,
        None => list_raw(&client, spool, &progress).await,
    };
    progress.finish();
    let reading = listed.map_err(|error| {
        let gate = session.gate_failure(&client);
        gate.unwrap_or_else(|| Failure::from_error(Exit::NotFinished, "remote", &error))
    })?;
    let count = reading.len();
    let customers = plural(count, "customer", "customers");
    match &args.out {
        None => print(reading),
        Some(out) if is_csv(out) => {
            write_csv(reading, out).map(|omitted| warn_of_omitted(&session.console, &omitted))
        }
        Some(out) => write_jsonl(reading, out),
    }
    .or_not_finished("output")?;
    let to = args.out.as_ref();
    let to = to.map_or_else(|| "standard output".to_owned(), |p| p.display().to_string());
    session
        .console
        .say(&format!("{customers} exported to {to}"));
    // Without --out, standard output has the customers.
    if session.console.is_json() && args.out.is_some() {
        let ending = serde_json::json!({ "hcsync_export": 1, "customers": count, "file": to });
        session.console.print_json(&ending);
    }
    Ok(Exit::Done)
}

/// An unnamed file in the state directory for the customers, so that an interrupted export writes nothing. It vanishes
/// with the process.
fn spool(settings: &Settings) -> Result<File, Failure> {
    let state = state_dir(settings)?;
    create_folder(state.path()).map_err(StateError::from)?;
    tempfile::tempfile_in(state.path()).or_not_finished("state")
}

/// Why an export could not be written.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("the customers could not be written")]
    Io(#[from] io::Error),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("HelpCrunch's answer cannot be read again")]
    Answer(#[from] crate::helpcrunch::DecodeError),
    #[error("the customers do not fit into a table")]
    Columns(#[from] crate::mapping::SchemaError),
}

impl From<csv::Error> for ExportError {
    fn from(error: csv::Error) -> Self {
        Self::Io(error.into())
    }
}

/// Writes JSONL to standard output. A closed pipe is no error: the reader has seen enough.
fn print(reading: RawReading) -> Result<(), ExportError> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = write_lines(reading, &mut out).and_then(|()| Ok(out.flush()?));
    match written {
        Err(ExportError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn write_jsonl(reading: RawReading, path: &Path) -> Result<(), ExportError> {
    let mut file = AtomicFile::create_output(path)?;
    write_lines(reading, &mut file)?;
    Ok(file.commit()?)
}

fn write_lines(reading: RawReading, out: &mut impl Write) -> Result<(), ExportError> {
    reading.for_each(|line| {
        out.write_all(line)?;
        Ok(out.write_all(b"\n")?)
    })
}

/// Returns the cells that were left empty, since they could not be read back as they are.
fn write_csv(reading: RawReading, path: &Path) -> Result<OmittedCells, ExportError> {
    let mut export = CsvExport::new(reading.properties())?;
    let mut csv = csv::Writer::from_writer(AtomicFile::create_output(path)?);
    csv.write_record(export.header())?;
    reading.for_each(|line| {
        let customer = decode_customer(line)?;
        Ok::<_, ExportError>(csv.write_record(export.record(&customer))?)
    })?;
    let file = csv.into_inner().map_err(|e| e.into_error())?;
    file.commit()?;
    Ok(export.omitted().clone())
}

/// Names columns and counts, never a value.
fn warn_of_omitted(console: &Console, omitted: &OmittedCells) {
    for (column, count) in &omitted.cells {
        let cells = plural(*count, "cell", "cells");
        console.warn(&format!(
            "{cells} of column `{column}` left empty: `sync` would read another value from CSV; a JSONL export has it"
        ));
    }
    if omitted.without_key > 0 {
        let customers = plural(omitted.without_key, "customer has", "customers have");
        console.warn(&format!(
            "{customers} neither userId nor e-mail; `sync` rejects such rows unless [fields] maps `id`"
        ));
    }
}
