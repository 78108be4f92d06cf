//! The files of rejected rows, in the format of their inputs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::domain::RawRecord;
use crate::outcome::RowResult;
use crate::platform::{AtomicFile, FileError, remove_file};
use crate::report::advice_for;
use crate::source::{Dialect, RejectedRow, RejectedWriter};

use super::run_report::{ReportPaths, ReportsError, RunReport, cannot_write};

/// The rejected rows of one input. The files are created with the first such row.
pub(super) struct RejectedFiles {
    /// In the run's folder, and where the user wants it.
    paths: Vec<PathBuf>,
    writers: Vec<RejectedWriter<AtomicFile>>,
}

/// The path of an input's rejected file. If there are several inputs, it contains the number of this one.
pub(super) fn numbered(path: &Path, input: usize, inputs: usize) -> PathBuf {
    if inputs < 2 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path
        .extension()
        .map(|e| format!(".{}", e.to_string_lossy()))
        .unwrap_or_default();
    path.with_file_name(format!("{stem}-{}{ending}", input + 1))
}

/// The files of rejected rows, one or two for each input.
pub(super) fn rejected_files(run: &RunReport<'_>, paths: &ReportPaths) -> Vec<RejectedFiles> {
    let inputs = run.dialects.len();
    let of_input = |(input, dialect): (usize, &Dialect)| {
        let in_run = numbered(&run.dir.rejected(dialect.ending()), input, inputs);
        let named = paths.rejected.as_deref();
        let named = named.map(|path| numbered(path, input, inputs));
        RejectedFiles {
            paths: std::iter::once(in_run).chain(named).collect(),
            writers: Vec::new(),
        }
    };
    run.dialects.iter().enumerate().map(of_input).collect()
}

impl RejectedFiles {
    pub(super) fn write(
        &mut self,
        result: &RowResult,
        raw: &RawRecord,
        dialect: &Dialect,
    ) -> Result<(), ReportsError> {
        if self.writers.is_empty() {
            for path in &self.paths {
                let file = AtomicFile::create_output(path)?;
                self.writers
                    .push(RejectedWriter::new(file, dialect.clone()).map_err(cannot_write(path))?);
            }
        }
        let error = result
            .error
            .as_ref()
            .map_or("", |issue| issue.message.as_str());
        let hint = advice_for(result.problems());
        let row = RejectedRow {
            line: result.line,
            status: result.status.as_str(),
            error,
            hint: &hint,
            raw,
        };
        for (writer, path) in self.writers.iter_mut().zip(&self.paths) {
            writer.write(&row).map_err(cannot_write(path))?;
        }
        Ok(())
    }

    /// Puts the files in their places. Returns the path for the user, or `None` if no row was rejected.
    pub(super) fn commit(self) -> Result<Option<PathBuf>, ReportsError> {
        if self.writers.is_empty() {
            // A file of an earlier run could be mistaken for one of this run.
            self.paths.iter().try_for_each(|path| remove_stale(path))?;
            return Ok(None);
        }
        for writer in self.writers {
            writer.finish().map_err(ReportsError::Finish)?.commit()?;
        }
        Ok(self.paths.into_iter().next_back())
    }
}

/// Removes a file, but not a device or pipe that the user named.
fn remove_stale(path: &Path) -> Result<(), FileError> {
    let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    if is_file { remove_file(path) } else { Ok(()) }
}
