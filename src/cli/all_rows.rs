//! All rows of a run, read from its inputs for a list of results: a run does not keep rows that are unchanged or skipped.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::path::Path;

use crate::config::{Settings, parse_text};
use crate::domain::{Position, RowNumber};
use crate::journal::{RunDir, RunMeta};
use crate::mapping::Schema;
use crate::objects::{has_scheme, local_path};
use crate::plan::codec::{PlanInput, verify};
use crate::platform::open_file;
use crate::run::intake::{Intake, IntakeError, survey};
use crate::run::passes::each_row;
use crate::run::rereading::Rereading;
use crate::run::rows::{RowLine, RowReader, RowRecord, is_record, write_row};
use crate::source::{InputFile, SourceSettings};

use super::console::Console;
use super::exit::{Failure, OrFail as _};
use super::saved_settings::SavedSettings;
use super::source_settings::source_settings;
use super::sync_inputs::{schema_and_rules, schema_failure};

/// Reads the inputs of a run again. Returns a file with the position and key of each row, or `None` if the run kept all
/// rows. If an input was changed or removed since, a warning says so, and no row has a key.
pub(super) fn all_rows(
    console: &Console,
    dir: &RunDir,
    meta: &RunMeta,
    saved: &SavedSettings,
) -> Result<Option<File>, Failure> {
    // An `apply` lists only the rows of its plan, and keeps those.
    if meta.has_saved_plan() || keeps_all(&dir.rows()).or_not_finished("run")? {
        return Ok(None);
    }
    let plan = open_file(&dir.plan()).or_not_finished("run")?;
    let plan = verify(BufReader::new(plan)).or_not_finished("run")?;
    let in_folder = |input: &PlanInput| PlanInput {
        path: absolute_path(&input.path, saved),
        ..input.clone()
    };
    let inputs: Vec<_> = plan.header.inputs.iter().map(in_folder).collect();
    let settings = settings_of(saved)?;
    let source = source_settings(&settings.input)?;
    let rereading = Rereading::new(&inputs, &source);
    let mut are_unchanged = true;
    for lost in rereading.lost() {
        are_unchanged = false;
        console.warn(&format!(
            "{}: {}, so rows that are unchanged or skipped are listed without their keys",
            lost.name,
            lost.why.reason()
        ));
    }
    let mut out = BufWriter::new(tempfile::tempfile().or_not_finished("run")?);
    if are_unchanged {
        let (schema, _) = schema_and_rules(&settings, &saved.columns().iter().collect::<Vec<_>>())
            .map_err(|e| schema_failure(&e))?;
        copy_rows(&inputs, &schema, &source, &mut out)?;
    } else {
        write_bare_rows(&inputs, &mut out).or_not_finished("run")?;
    }
    let file = out.into_inner().map_err(|e| e.into_error());
    file.map(Some).or_not_finished("run")
}

/// The settings of the config file that the run was started with.
pub(super) fn settings_of(saved: &SavedSettings) -> Result<Settings, Failure> {
    match &saved.config {
        Some(text) => parse_text(Path::new("the run's config"), text).or_not_finished("state"),
        None => Ok(Settings::default()),
    }
}

/// The path of an input, independent of the current folder.
fn absolute_path(path: &str, saved: &SavedSettings) -> String {
    match &saved.folder {
        _ if has_scheme(Path::new(path)) => local_path(Path::new(path)).display().to_string(),
        Some(folder) if path != "-" => folder.join(path).display().to_string(),
        _ => path.to_owned(),
    }
}

/// Whether the file has a record for each row of the run.
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
        records += u64::from(is_record(&line));
        last = line;
    }
    let last = RowReader::new(last.as_slice()).next().transpose()?;
    Ok(match last {
        Some(RowLine::End(totals)) => totals.rows == records,
        // Earlier versions wrote a record for each row, and no totals.
        _ => true,
    })
}

/// Copies the position and key of each row of inputs that are unchanged.
fn copy_rows(
    inputs: &[PlanInput],
    schema: &Schema,
    source: &SourceSettings,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let files = inputs.iter().map(|i| InputFile::new(&i.path, &i.path));
    let files: Vec<InputFile> = files.collect();
    let survey = survey(&files, source).or_not_finished("run")?;
    let intake = Intake {
        inputs: &files,
        settings: source,
        schema,
        survey: &survey,
        limit: Some(inputs.iter().map(|input| input.rows).sum()),
    };
    let copied = each_row(&intake, &|| false, |record| {
        let bare = RowRecord {
            raw: None,
            desired: None,
            ..record
        };
        Ok::<_, IntakeError>(write_row(out, &bare)?)
    });
    let _ = copied.or_not_finished("run")?;
    Ok(())
}

/// Writes the number of each row, without a key.
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
