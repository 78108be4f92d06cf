//! Writes the reports of a run: results, changes, rejected rows, each whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufReader, Seek as _};
use std::path::{Path, PathBuf};

use crate::config::Settings;
use crate::domain::RawRecord;
use crate::journal::{FinishedRows, Recovered, RunDir, RunMeta, recover_file};
use crate::outcome::{RowResult, RowStatus, Unlisted};
use crate::platform::{AtomicFile, FileError, check_output, open_file, remove_file};
use crate::report::{
    Change, ChangeScope, ChangesCsv, LaneFacts, NamedPath, ResultsCsv, Tally, advice_for,
    write_change, write_result,
};
use crate::run::results::{ResultRow, Results, ResultsError, Sent};
use crate::source::{Dialect, Rejected, RejectedWriter};

/// The files that the user named.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
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

impl Wanted {
    /// The files that the settings ask for.
    pub(super) fn of(settings: &Settings) -> Self {
        let run = &settings.run;
        Self {
            results: run.results.clone(),
            rejected: run.rejected.clone(),
            changes: run.changes.clone(),
            summary: run.summary.clone(),
        }
    }

    /// Finds out before the work starts whether all can be written.
    pub(super) fn check(&self) -> Result<(), FileError> {
        let files = [&self.results, &self.rejected, &self.changes, &self.summary];
        files
            .into_iter()
            .flatten()
            .try_for_each(|path| check_output(path))
    }
}

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) tally: Tally,
    pub(super) files: Vec<NamedPath>,
}

/// The run whose reports are written.
#[derive(Debug)]
pub(super) struct ReportOf<'a> {
    pub(super) dir: &'a RunDir,
    /// The inputs as the user named them.
    pub(super) sources: &'a [String],
    pub(super) dialects: &'a [Dialect],
    /// Whether nothing was sent and nothing will be.
    pub(super) dry_run: bool,
    /// Rows that the run is known to have: a file of rows that was cut has fewer.
    pub(super) rows: Option<u64>,
    /// All rows, where the results of those are listed too of which the run kept nothing.
    pub(super) all_rows: Option<&'a File>,
}

/// Rows of the inputs of a run, where they were read to their ends. An `apply` has those only that its plan writes.
pub(super) fn rows_of(meta: &RunMeta) -> Option<u64> {
    let each = meta.inputs.iter().map(|input| input.rows);
    let sum = each.sum::<Option<u64>>()?;
    (meta.command != "apply").then_some(sum)
}

impl ReportOf<'_> {
    /// Writes all reports of the run, those in its folder and those that the user named.
    pub(super) fn write(&self, wanted: &Wanted) -> Result<Written, ReportsError> {
        let mut sinks = Sinks::open(self, wanted)?;
        let mut tally = Tally::default();
        let unlisted = self.each(|row| {
            tally.add(&row.result);
            sinks.take(&row, self)
        })?;
        tally.add_unlisted(unlisted);
        let files = sinks.commit()?;
        Ok(Written { tally, files })
    }

    /// What its results add up to, without a file of them.
    pub(super) fn tally(&self) -> Result<Tally, ReportsError> {
        let mut tally = Tally::default();
        let unlisted = self.each(|row| {
            tally.add(&row.result);
            Ok(())
        })?;
        tally.add_unlisted(unlisted);
        Ok(tally)
    }

    /// Goes over the results of the run in the order of its input, and says how many rows have none.
    pub(super) fn each(
        &self,
        mut take: impl FnMut(ResultRow) -> Result<(), ReportsError>,
    ) -> Result<Unlisted, ReportsError> {
        let open = |path: PathBuf| {
            open_file(&path)
                .map(|f| BufReader::with_capacity(1 << 18, f))
                .map_err(ReportsError::File)
        };
        let (rows, plan) = (open(self.dir.rows())?, open(self.dir.plan())?);
        let recovered = self.recovered()?;
        let sent = match &recovered {
            Some(recovered) => Sent::Journal {
                recovered,
                finished: FinishedRows::open(&self.dir.journal(), recovered)?,
            },
            None if self.dry_run => Sent::Nothing,
            None => Sent::NotBegun,
        };
        let mut results = Results::new(rows, plan, self.sources, sent)?;
        if let Some(all) = self.all_rows {
            let mut file = all.try_clone().map_err(ResultsError::Rows)?;
            file.rewind().map_err(ResultsError::Rows)?;
            results = results.with_inputs(BufReader::with_capacity(1 << 18, file))?;
        }
        let mut found = 0;
        while let Some(row) = results.next_result()? {
            found += 1;
            take(row)?;
        }
        let unlisted = results.unlisted();
        match unlisted {
            Some(rows) => found += rows.unchanged + rows.skipped,
            None => found = results.records(),
        }
        match self.rows {
            Some(expected) if expected != found => Err(ReportsError::Cut { expected, found }),
            _ => Ok(unlisted.unwrap_or_default()),
        }
    }

    fn recovered(&self) -> Result<Option<Recovered>, ReportsError> {
        let journal = self.dir.journal();
        Ok(if journal.exists() {
            Some(recover_file(&journal)?)
        } else {
            None
        })
    }
}

/// Everything that rows are written to.
struct Sinks {
    /// In the run's folder: rows that are neither unchanged nor skipped.
    in_run: ResultsCsv<AtomicFile>,
    /// Where the user wants them: all rows.
    results: Option<ResultsFile>,
    changes: Option<Changes>,
    rejected: Vec<RejectedFiles>,
    names: Vec<NamedPath>,
}

/// A file of results, CSV or JSONL by its ending.
pub(super) enum ResultsFile {
    Csv(Box<ResultsCsv<AtomicFile>>, PathBuf),
    Jsonl(AtomicFile),
}

/// A file of changed fields, CSV or JSONL by its ending.
pub(super) enum Changes {
    Csv(Box<ChangesCsv<AtomicFile>>),
    Jsonl(AtomicFile),
}

/// The rejected file of one input, created with its first row.
struct RejectedFiles {
    /// In the run's folder, and where the user wants it.
    paths: Vec<PathBuf>,
    writers: Vec<RejectedWriter<AtomicFile>>,
}

pub(super) fn is_csv(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
}

fn written(path: &Path) -> impl FnOnce(io::Error) -> ReportsError + use<> {
    let path = path.to_owned();
    |source| ReportsError::Write { path, source }
}

impl Sinks {
    fn open(of: &ReportOf<'_>, wanted: &Wanted) -> Result<Self, ReportsError> {
        let mut sinks = Self {
            in_run: csv(AtomicFile::create(&of.dir.results_csv())?)?,
            results: None,
            changes: None,
            rejected: rejected_files(of, wanted),
            names: vec![named("results", &of.dir.results_csv())],
        };
        let ambiguous = of.dir.ambiguous();
        if let Some(path) = &wanted.results {
            sinks.results = Some(ResultsFile::open(path)?);
            sinks.names = vec![named("results", path)];
        }
        if let Some(path) = &wanted.changes {
            sinks.changes = Some(Changes::open(
                path,
                if of.dry_run {
                    ChangeScope::Plan
                } else {
                    ChangeScope::Run
                },
            )?);
            sinks.names.push(named("changes", path));
        }
        if ambiguous.exists() {
            sinks.names.push(named("ambiguous", &ambiguous));
        }
        Ok(sinks)
    }

    fn take(&mut self, row: &ResultRow, of: &ReportOf<'_>) -> Result<(), ReportsError> {
        let result = &row.result;
        if let Some(results) = &mut self.results {
            results.write(result)?;
        }
        if !matches!(result.status, RowStatus::Unchanged | RowStatus::Skipped) {
            let written = written(&of.dir.results_csv());
            self.in_run.write(result).map_err(written)?;
        }
        if let (Some(changes), Some(planned)) = (&mut self.changes, &row.lane) {
            let sent = (!of.dry_run).then_some(result);
            let facts = LaneFacts {
                lane: &planned.lane,
                source: &result.source,
                line: result.line,
                result: sent,
            };
            facts
                .changes()
                .iter()
                .try_for_each(|change| changes.write(change))?;
        }
        if result.status.needs_attention()
            && let (Some(raw), Some(dialect)) = (
                &row.record.raw,
                of.dialects.get(usize::from(row.record.source)),
            )
            && let Some(rejected) = self.rejected.get_mut(usize::from(row.record.source))
        {
            rejected.write(result, raw.clone(), dialect)?;
        }
        Ok(())
    }

    fn commit(mut self) -> Result<Vec<NamedPath>, ReportsError> {
        let in_run = self.in_run.finish().map_err(ReportsError::Finish)?;
        in_run.commit()?;
        if let Some(results) = self.results {
            results.commit()?;
        }
        if let Some(changes) = self.changes {
            changes.commit()?;
        }
        for rejected in self.rejected {
            let last = rejected.paths.last().cloned();
            if rejected.writers.is_empty() {
                // One of an earlier run would be taken for this one's.
                rejected
                    .paths
                    .iter()
                    .try_for_each(|path| remove_stale(path))?;
            }
            for writer in rejected.writers {
                writer.finish().map_err(ReportsError::Finish)?.commit()?;
                self.names
                    .extend(last.as_deref().map(|path| named("rejected", path)));
            }
        }
        self.names.dedup();
        Ok(self.names)
    }
}

/// A device or a pipe that the user named stays.
fn remove_stale(path: &Path) -> Result<(), FileError> {
    let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    if is_file { remove_file(path) } else { Ok(()) }
}

fn csv(file: AtomicFile) -> Result<ResultsCsv<AtomicFile>, ReportsError> {
    let path = file.path().to_owned();
    ResultsCsv::new(file).map_err(written(&path))
}

fn named(name: &str, path: &Path) -> NamedPath {
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
            Self::Csv(csv, path) => csv.write(result).map_err(written(path)),
            Self::Jsonl(file) => write_result(&mut *file, result).map_err(written(file.path())),
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

impl Changes {
    pub(super) fn open(path: &Path, scope: ChangeScope) -> Result<Self, ReportsError> {
        let file = AtomicFile::create_output(path)?;
        if is_csv(path) {
            let csv = ChangesCsv::new(file, scope).map_err(written(path))?;
            return Ok(Self::Csv(Box::new(csv)));
        }
        Ok(Self::Jsonl(file))
    }

    pub(super) fn write(&mut self, change: &Change) -> Result<(), ReportsError> {
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

/// The name of an input's rejected file: where there are several inputs their number is in it.
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

/// One for each input.
fn rejected_files(of: &ReportOf<'_>, wanted: &Wanted) -> Vec<RejectedFiles> {
    let inputs = of.dialects.len();
    let of_input = |(input, dialect): (usize, &Dialect)| {
        let in_run = numbered(&of.dir.rejected(dialect.ending()), input, inputs);
        let wanted = wanted.rejected.as_deref();
        let wanted = wanted.map(|path| numbered(path, input, inputs));
        RejectedFiles {
            paths: std::iter::once(in_run).chain(wanted).collect(),
            writers: Vec::new(),
        }
    };
    of.dialects.iter().enumerate().map(of_input).collect()
}

impl RejectedFiles {
    fn write(
        &mut self,
        result: &RowResult,
        raw: RawRecord,
        dialect: &Dialect,
    ) -> Result<(), ReportsError> {
        if self.writers.is_empty() {
            for path in &self.paths {
                let file = AtomicFile::create_output(path)?;
                self.writers
                    .push(RejectedWriter::new(file, dialect.clone()).map_err(written(path))?);
            }
        }
        let error = result
            .error
            .as_ref()
            .map_or("", |issue| issue.message.as_str());
        let hint = advice_for(result.problems());
        let row = Rejected {
            line: result.line,
            status: result.status.as_str(),
            error,
            hint: &hint,
            raw: &raw,
        };
        for (writer, path) in self.writers.iter_mut().zip(&self.paths) {
            writer.write(&row).map_err(written(path))?;
        }
        Ok(())
    }
}
