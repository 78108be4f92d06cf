//! All rows of a run as its inputs hold them, for a list of results: a run keeps nothing of rows that are unchanged or
//! skipped.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::path::Path;

use crate::config::{Settings, parse_text};
use crate::domain::{Position, RowNumber};
use crate::journal::{RunDir, RunMeta};
use crate::mapping::BlamedCell;
use crate::plan::codec::{PlanInput, verify};
use crate::platform::open_file;
use crate::run::intake::{Intake, RowSink, survey};
use crate::run::rereading::Rereading;
use crate::run::rows::{RowLine, RowReader, RowRecord, write_row};
use crate::source::{InputFile, SourceSettings};

use super::console::Console;
use super::exit::{Cause, Exit, Failure};
use super::kept::KeptSettings;
use super::planning::{meaning, schema_failure, source_settings};

/// Reads the inputs of a run again, if it did not keep all of its rows. Returns a file with a record for each, of its place
/// and key alone; that of an input which is not what it was has no key, which a warning says.
///
/// # Errors
/// When the run's files or settings cannot be read, or there is no room for the rows.
pub(super) fn all_rows(
    console: &Console,
    dir: &RunDir,
    meta: &RunMeta,
    kept: &KeptSettings,
) -> Result<Option<File>, Failure> {
    let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "run", e);
    // An `apply` lists the rows of its plan, and has kept them.
    if meta.command == "apply" || keeps_all(&dir.rows()).map_err(|e| failed(&e))? {
        return Ok(None);
    }
    let plan = open_file(&dir.plan()).map_err(|e| failed(&e))?;
    let plan = verify(BufReader::new(plan)).map_err(|e| failed(&e))?;
    let in_folder = |input: &PlanInput| PlanInput {
        path: whole_path(&input.path, kept),
        ..input.clone()
    };
    let inputs: Vec<_> = plan.header.inputs.iter().map(in_folder).collect();
    let inputs = inputs.as_slice();
    let then = settings_of(kept)?;
    let source = source_settings(&then.input)?;
    let rereading = Rereading::new(inputs, &source);
    let mut is_whole = true;
    for lost in rereading.lost() {
        is_whole = false;
        console.warn(&format!(
            "{}: {}, so rows that are unchanged or skipped are listed without their keys",
            lost.name,
            lost.why.reason()
        ));
    }
    let mut out = BufWriter::new(tempfile::tempfile().map_err(|e| failed(&e))?);
    if is_whole {
        copy_rows(inputs, kept, (&then, &source), &mut out)?;
    } else {
        write_bare_rows(inputs, &mut out).map_err(|e| failed(&e))?;
    }
    let file = out.into_inner().map_err(|e| failed(&e.into_error()))?;
    Ok(Some(file))
}

/// The settings that the run was started with, as far as its config file says them.
pub(super) fn settings_of(kept: &KeptSettings) -> Result<Settings, Failure> {
    match &kept.config {
        Some(text) => parse_text(Path::new("the run's config"), text)
            .map_err(|e| Failure::from_error(Exit::NotFinished, "state", &e)),
        None => Ok(Settings::default()),
    }
}

/// The path of an input, as seen from anywhere.
fn whole_path(path: &str, kept: &KeptSettings) -> String {
    match &kept.folder {
        Some(folder) if path != "-" => folder.join(path).display().to_string(),
        _ => path.to_owned(),
    }
}

fn keeps_all(rows: &Path) -> io::Result<bool> {
    let file = open_file(rows).map_err(io::Error::other)?;
    let mut records = 0;
    let mut last = Vec::new();
    let mut lines = BufReader::with_capacity(1 << 18, file);
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        records += u64::from(line.starts_with(b"{\"row\":"));
        last = line;
    }
    let last = RowReader::new(last.as_slice()).next().transpose()?;
    Ok(match last {
        Some(RowLine::End(totals)) => totals.rows == records,
        // One of an earlier version has a record for each row.
        _ => true,
    })
}

/// Inputs that are as they were when the run read them.
fn copy_rows(
    inputs: &[PlanInput],
    kept: &KeptSettings,
    (then, source): (&Settings, &SourceSettings),
    out: &mut impl Write,
) -> Result<(), Failure> {
    let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "run", e);
    let files = inputs.iter().map(|i| InputFile::new(&i.path, &i.path));
    let files: Vec<InputFile> = files.collect();
    let survey = survey(&files, source).map_err(|e| failed(&e))?;
    let columns = kept.columns();
    let columns: Vec<_> = columns.iter().collect();
    let (schema, _) = meaning(then, &columns).map_err(|e| schema_failure(&e))?;
    let intake = Intake {
        inputs: &files,
        settings: source,
        schema: &schema,
        survey: &survey,
        limit: Some(inputs.iter().map(|input| input.rows).sum()),
    };
    let _ = intake
        .take(&mut Keys(out), &|| false)
        .map_err(|e| failed(&e))?;
    Ok(())
}

/// Takes the place and key of each row.
struct Keys<'a, W>(&'a mut W);

impl<W: Write> RowSink for Keys<'_, W> {
    fn take(&mut self, record: RowRecord, _: Vec<BlamedCell>) -> io::Result<()> {
        let bare = RowRecord {
            raw: None,
            desired: None,
            ..record
        };
        write_row(self.0, &bare)
    }
}

/// Rows whose inputs are gone: their numbers alone.
fn write_bare_rows(inputs: &[PlanInput], out: &mut impl Write) -> io::Result<()> {
    let mut row = 0;
    for (source, input) in (0..).zip(inputs) {
        for _ in 0..input.rows {
            row += 1;
            let position = Position {
                source,
                row: RowNumber(row),
                line: 0,
            };
            write_row(out, &RowRecord::at(position))?;
        }
    }
    Ok(())
}
