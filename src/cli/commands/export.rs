//! `hcsync export`: all customers, as JSONL or as CSV that can be fed back.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::cli::args::ExportArgs;
use crate::cli::beginning::Beginning;
use crate::cli::connection::Target;
use crate::cli::console::Console;
use crate::cli::exit::{Cause, Exit, Failure};
use crate::cli::overlap::{FilesInUse, Overlap};
use crate::cli::progress::ReadingShown;
use crate::cli::reports::is_csv;
use crate::cli::session::{Session, state_dir, state_failure};
use crate::config::{Overrides, Settings};
use crate::helpcrunch::decode_customer;
use crate::platform::{AtomicFile, FileError, check_output, create_folder};
use crate::remote::{RawReading, list_raw};
use crate::report::plural;
use crate::run::export::{CsvExport, Withheld};

pub(in crate::cli) async fn run(args: &ExportArgs) -> Exit {
    let console = Console::new(args.output.output, args.progress.progress, &args.log);
    let work = async |session: &mut Session| export(session, args).await;
    Beginning::new("export", console)
        .apart(apart(args))
        .run(work)
        .await
}

fn apart(args: &ExportArgs) -> Result<(), Overlap> {
    let files = FilesInUse::of(&[], args.config.config.as_deref());
    match &args.out {
        Some(out) => files.writes("-o", out).map(drop),
        None => Ok(()),
    }
}

async fn export(session: &mut Session, args: &ExportArgs) -> Result<Exit, Failure> {
    let settings = session.load(&Overrides::from(args))?.settings;
    if let Some(out) = &args.out {
        check_output(out).map_err(|e| output_failure(&e))?;
    }
    let target = Target::find(&settings, &session.console).await?;
    let client = target.connect(&settings, session.clock, &session.stopping)?;
    let spool = spool(&settings)?;
    let shown = ReadingShown::new(&session.console);
    let listed = list_raw(&client, spool, &shown).await;
    shown.finish();
    let reading = listed.map_err(|error| {
        let gate = session.gate_failure(&client);
        gate.unwrap_or_else(|| Failure::from_error(Exit::NotFinished, "remote", &error))
    })?;
    let count = reading.len();
    let customers = plural(count, "customer", "customers");
    match &args.out {
        None => to_standard_output(reading)?,
        Some(out) if is_csv(out) => tell_withheld(&session.console, &csv(reading, out)?),
        Some(out) => jsonl(reading, out)?,
    }
    let to = args.out.as_ref();
    let to = to.map_or_else(|| "standard output".to_owned(), |p| p.display().to_string());
    session
        .console
        .say(&format!("{customers} exported to {to}"));
    // Without a file the customers themselves are there, which are JSON already.
    if session.console.is_json() && args.out.is_some() {
        let told = serde_json::json!({ "hcsync_export": 1, "customers": count, "file": to });
        session.console.print_json(&told);
    }
    Ok(Exit::Done)
}

/// Answers wait in the state folder until all are there: nothing of an export that breaks off is ever seen. The file
/// has no name and is gone with the process.
fn spool(settings: &Settings) -> Result<File, Failure> {
    let state = state_dir(settings)?;
    create_folder(state.path()).map_err(|e| state_failure(&e.into()))?;
    let failed = |e: io::Error| Failure::from_error(Exit::NotFinished, "state", &e);
    tempfile::tempfile_in(state.path()).map_err(failed)
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

fn output_failure(error: &Cause) -> Failure {
    Failure::from_error(Exit::Usage, "output", error)
}

fn export_failure(error: &ExportError) -> Failure {
    Failure::from_error(Exit::NotFinished, "output", error)
}

/// A reader that goes away has seen enough.
fn to_standard_output(reading: RawReading) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = write_lines(reading, &mut out).and_then(|()| Ok(out.flush()?));
    match written {
        Err(ExportError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|e| export_failure(&e)),
    }
}

fn jsonl(reading: RawReading, path: &Path) -> Result<(), Failure> {
    let written = || -> Result<(), ExportError> {
        let mut file = AtomicFile::create_output(path)?;
        write_lines(reading, &mut file)?;
        Ok(file.commit()?)
    };
    written().map_err(|e| export_failure(&e))
}

fn write_lines(reading: RawReading, out: &mut impl Write) -> Result<(), ExportError> {
    reading.each(|line| {
        out.write_all(line)?;
        Ok(out.write_all(b"\n")?)
    })
}

fn csv(reading: RawReading, path: &Path) -> Result<Withheld, Failure> {
    let written = || -> Result<Withheld, ExportError> {
        let mut export = CsvExport::new(reading.properties())?;
        let mut csv = csv::Writer::from_writer(AtomicFile::create_output(path)?);
        csv.write_record(export.header())?;
        reading.each(|line| {
            let customer = decode_customer(line)?;
            Ok::<_, ExportError>(csv.write_record(export.record(&customer))?)
        })?;
        let file = csv.into_inner().map_err(|e| e.into_error())?;
        file.commit()?;
        Ok(export.withheld().clone())
    };
    written().map_err(|e| export_failure(&e))
}

/// Names of columns and counts, never a value.
fn tell_withheld(console: &Console, withheld: &Withheld) {
    for (column, count) in &withheld.cells {
        let cells = plural(*count, "cell", "cells");
        console.warn(&format!(
            "{cells} of column `{column}` left empty, since fed back the value would be read as another; JSONL \
             holds it"
        ));
    }
    if withheld.without_key > 0 {
        let customers = plural(withheld.without_key, "customer has", "customers have");
        console.warn(&format!(
            "{customers} neither userId nor e-mail to be found by; fed back, such rows are rejected unless \
             [fields] maps `id`"
        ));
    }
}
