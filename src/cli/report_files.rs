//! The report files of a run: results and changed fields as CSV or JSONL, and rejected rows.

use std::path::{Path, PathBuf};

use crate::outcome::{RowResult, RowStatus};
use crate::platform::AtomicFile;
use crate::report::{
    Change, ChangeScope, ChangesCsv, LaneFacts, NamedPath, ResultsCsv, write_change, write_result,
};
use crate::run::results::ResultRow;

use super::rejected_files::{RejectedFiles, rejected_files};
use super::run_report::{ReportPaths, ReportsError, RunReport, cannot_write};

/// All report files of a run.
pub(super) struct ReportFiles {
    /// In the run's folder: rows that are neither unchanged nor skipped.
    in_run: ResultsCsv<AtomicFile>,
    /// Where the user wants it: all rows.
    results: Option<ResultsFile>,
    changes: Option<ChangesFile>,
    /// One for each input.
    rejected: Vec<RejectedFiles>,
    names: Vec<NamedPath>,
}

/// A file of results, CSV or JSONL by its ending.
pub(super) enum ResultsFile {
    Csv(Box<ResultsCsv<AtomicFile>>, PathBuf),
    Jsonl(AtomicFile),
}

/// A file of changed fields, CSV or JSONL by its ending.
pub(super) enum ChangesFile {
    Csv(Box<ChangesCsv<AtomicFile>>),
    Jsonl(AtomicFile),
}

pub(super) fn is_csv(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
}

impl ReportFiles {
    pub(super) fn open(run: &RunReport<'_>, paths: &ReportPaths) -> Result<Self, ReportsError> {
        let in_run = run.dir.results_csv();
        let mut files = Self {
            in_run: csv(AtomicFile::create(&in_run)?)?,
            results: None,
            changes: None,
            rejected: rejected_files(run, paths),
            names: Vec::new(),
        };
        if let Some(path) = &paths.results {
            files.results = Some(ResultsFile::open(path)?);
        }
        let results = paths.results.as_ref().unwrap_or(&in_run);
        files.names.push(named("results", results));
        if let Some(path) = &paths.changes {
            files.changes = Some(ChangesFile::open(path, run.dry_run)?);
            files.names.push(named("changes", path));
        }
        let ambiguous = run.dir.ambiguous();
        if ambiguous.exists() {
            files.names.push(named("ambiguous", &ambiguous));
        }
        Ok(files)
    }

    /// Writes a row to each file that lists it.
    pub(super) fn write(
        &mut self,
        row: &ResultRow,
        run: &RunReport<'_>,
    ) -> Result<(), ReportsError> {
        let result = &row.result;
        if let Some(results) = &mut self.results {
            results.write(result)?;
        }
        if !matches!(result.status, RowStatus::Unchanged | RowStatus::Skipped) {
            let failed = cannot_write(&run.dir.results_csv());
            self.in_run.write(result).map_err(failed)?;
        }
        if let Some(changes) = &mut self.changes {
            changes.write_row(row, run.dry_run)?;
        }
        let input = usize::from(row.record.source);
        if result.status.needs_attention()
            && let (Some(raw), Some(dialect)) = (&row.record.raw, run.dialects.get(input))
            && let Some(rejected) = self.rejected.get_mut(input)
        {
            rejected.write(result, raw, dialect)?;
        }
        Ok(())
    }

    /// Puts all files in their places. Returns those that the user may want to read.
    pub(super) fn commit(mut self) -> Result<Vec<NamedPath>, ReportsError> {
        let in_run = self.in_run.finish().map_err(ReportsError::Finish)?;
        in_run.commit()?;
        if let Some(results) = self.results {
            results.commit()?;
        }
        if let Some(changes) = self.changes {
            changes.commit()?;
        }
        for rejected in self.rejected {
            let path = rejected.commit()?;
            self.names.extend(path.map(|path| named("rejected", &path)));
        }
        self.names.dedup();
        Ok(self.names)
    }
}

fn csv(file: AtomicFile) -> Result<ResultsCsv<AtomicFile>, ReportsError> {
    let path = file.path().to_owned();
    ResultsCsv::new(file).map_err(cannot_write(&path))
}

/// A file for the list at the end of a report, with its absolute path.
pub(super) fn named(name: &str, path: &Path) -> NamedPath {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    NamedPath {
        name: name.to_owned(),
        path: full.display().to_string(),
    }
}

impl ResultsFile {
    pub(super) fn open(path: &Path) -> Result<Self, ReportsError> {
        let file = AtomicFile::create_output(path)?;
        if is_csv(path) {
            return Ok(Self::Csv(Box::new(csv(file)?), path.to_owned()));
        }
        Ok(Self::Jsonl(file))
    }

    pub(super) fn write(&mut self, result: &RowResult) -> Result<(), ReportsError> {
        match self {
            Self::Csv(csv, path) => csv.write(result).map_err(cannot_write(path)),
            Self::Jsonl(file) => {
                write_result(&mut *file, result).map_err(cannot_write(file.path()))
            }
        }
    }

    pub(super) fn commit(self) -> Result<(), ReportsError> {
        match self {
            Self::Csv(csv, _) => csv.finish().map_err(ReportsError::Finish)?.commit()?,
            Self::Jsonl(file) => file.commit()?,
        }
        Ok(())
    }
}

impl ChangesFile {
    pub(super) fn open(path: &Path, dry_run: bool) -> Result<Self, ReportsError> {
        let file = AtomicFile::create_output(path)?;
        let scope = match dry_run {
            true => ChangeScope::Plan,
            false => ChangeScope::Run,
        };
        if is_csv(path) {
            let csv = ChangesCsv::new(file, scope).map_err(cannot_write(path))?;
            return Ok(Self::Csv(Box::new(csv)));
        }
        Ok(Self::Jsonl(file))
    }

    /// Writes the changed fields of a row.
    pub(super) fn write_row(&mut self, row: &ResultRow, dry_run: bool) -> Result<(), ReportsError> {
        let Some(planned) = &row.lane else {
            return Ok(());
        };
        self.write(&LaneFacts {
            lane: &planned.lane,
            source: &row.result.source,
            line: row.result.line,
            result: (!dry_run).then_some(&row.result),
        })
    }

    pub(super) fn write(&mut self, lane: &LaneFacts<'_>) -> Result<(), ReportsError> {
        let mut changes = lane.changes().into_iter();
        changes.try_for_each(|change| self.write_change(&change))
    }

    fn write_change(&mut self, change: &Change) -> Result<(), ReportsError> {
        match self {
            Self::Csv(csv) => csv.write(change),
            Self::Jsonl(file) => write_change(file, change),
        }
        .map_err(ReportsError::Finish)
    }

    pub(super) fn commit(self) -> Result<(), ReportsError> {
        match self {
            Self::Csv(csv) => csv.finish().map_err(ReportsError::Finish)?.commit()?,
            Self::Jsonl(file) => file.commit()?,
        }
        Ok(())
    }
}
