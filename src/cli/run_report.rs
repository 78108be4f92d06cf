//! A run that is reported, and where its reports go.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::Settings;
use crate::journal::{RunDir, RunMeta};
use crate::platform::{FileError, check_output};
use crate::report::{NamedPath, Tally};
use crate::run::results::ResultsError;
use crate::source::Dialect;

use super::exit::Failure;

/// The report files that the user named.
#[derive(Debug, Clone, Default)]
pub(super) struct ReportPaths {
    pub(super) results: Option<PathBuf>,
    pub(super) rejected: Option<PathBuf>,
    pub(super) changes: Option<PathBuf>,
    pub(super) summary: Option<PathBuf>,
}

/// Why reports cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReportsError {
    #[error(transparent)]
    Results(#[from] ResultsError),
    #[error(transparent)]
    Journal(#[from] crate::journal::RecoveryError),
    #[error("{} cannot be written", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(transparent)]
    File(#[from] FileError),
    #[error("a report cannot be written")]
    Finish(#[source] io::Error),
    #[error("the run has {expected} rows, and its rows.jsonl holds {found}: the file was cut")]
    Cut { expected: u64, found: u64 },
}

impl ReportPaths {
    /// The report files of the settings. Fails, before the work starts, if one cannot be written.
    pub(super) fn checked(settings: &Settings) -> Result<Self, Failure> {
        let run = &settings.run;
        let paths = Self {
            results: run.results.clone(),
            rejected: run.rejected.clone(),
            changes: run.changes.clone(),
            summary: run.summary.clone(),
        };
        let Self {
            results,
            rejected,
            changes,
            summary,
        } = &paths;
        let files = [results, rejected, changes, summary, &run.page];
        for path in files.into_iter().flatten() {
            check_output(path).map_err(Failure::output)?;
        }
        Ok(paths)
    }
}

/// What a run's results add up to, and the report files that were written.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) tally: Tally,
    pub(super) files: Vec<NamedPath>,
}

/// A run whose results are read and reported.
#[derive(Debug)]
pub(super) struct RunReport<'a> {
    pub(super) dir: &'a RunDir,
    /// The inputs as the user named them.
    pub(super) sources: &'a [String],
    pub(super) dialects: &'a [Dialect],
    /// Whether the run only plans.
    pub(super) dry_run: bool,
    /// Number of rows, if it is known: a truncated file of rows has fewer.
    pub(super) rows: Option<u64>,
    /// All rows of the inputs, to list results of rows that the run did not keep.
    pub(super) all_rows: Option<&'a File>,
}

/// The inputs of a run as the user named them.
pub(super) fn input_names(meta: &RunMeta) -> Vec<String> {
    meta.inputs.iter().map(|input| input.path.clone()).collect()
}

/// The number of rows in the inputs of a run, or `None` if they were not read completely, or for an `apply`, which has
/// only the rows of its plan.
pub(super) fn row_count(meta: &RunMeta) -> Option<u64> {
    let each = meta.inputs.iter().map(|input| input.rows);
    let sum = each.sum::<Option<u64>>()?;
    (!meta.has_saved_plan()).then_some(sum)
}

pub(super) fn cannot_write(path: &Path) -> impl FnOnce(io::Error) -> ReportsError + use<> {
    let path = path.to_owned();
    |source| ReportsError::Write { path, source }
}
