use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};

use crate::domain::{Issue, Position, RowNumber};
use crate::journal::{
    Begin, FinishedRow, JournalRecord, RecoveryError, RewriteError, RunDir, StateError,
    rewrite_journal, visit_records,
};
use crate::outcome::OperationResult;
use crate::plan::codec::{PlanFileError, PlannedRow, copy_without, verify, visit_rows};
use crate::platform::{AtomicFile, FileError, open_file};
use crate::run::rows::{RowLine, RowReader, RowRecord, write_row};
use crate::run::unnamed::without_rows;

use super::People;

/// What stands for a problem whose text could name somebody.
const ERASED: &str = "erased by `hcsync forget`";

/// Why the files of a run cannot be searched or rewritten.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("{} cannot be read", path.display())]
    Plan {
        path: PathBuf,
        source: PlanFileError,
    },
    #[error("{} cannot be read", path.display())]
    Rows { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Journal(#[from] RecoveryError),
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
}

/// Learns from a run which customers and userIds have the people's e-mail addresses.
///
/// # Errors
/// A file cannot be read.
pub fn find_people(run: &RunDir, people: &mut People) -> Result<(), ErasureError> {
    let mut rows = BTreeSet::new();
    each_row(run, |record, _| {
        if people.learn(&record.key, record.customer_id) {
            rows.insert(record.row);
        }
    })?;
    each_planned(run, |planned, _| {
        if people.learn(&planned.key, planned.customer_id) {
            rows.insert(planned.row);
        }
    })?;
    // Customers that the run created are in its journal only.
    each_record(run, |record, _| {
        if record.row().is_some_and(|row| rows.contains(&row)) {
            people.learn_ids(record.customer());
        }
    })
}

/// The rows of a run that are of these people, or name them.
///
/// # Errors
/// A file cannot be read.
pub fn find_rows(run: &RunDir, people: &People) -> Result<BTreeSet<RowNumber>, ErasureError> {
    let mut rows = BTreeSet::new();
    each_row(run, |record, line| {
        let raw = record.raw.as_ref();
        if people.has(&record.key, record.customer_id)
            || people.are_named_in(line)
            || raw.is_some_and(|raw| people.are_named_in(&raw.0))
        {
            rows.insert(record.row);
        }
    })?;
    each_planned(run, |planned, line| {
        if people.has(&planned.key, planned.customer_id) || people.are_named_in(line) {
            rows.insert(planned.row);
        }
    })?;
    each_record(run, |record, line| {
        let is_theirs = record
            .customer()
            .is_some_and(|id| people.ids().contains(&id));
        if is_theirs || people.are_named_in(line) {
            rows.extend(record.row());
        }
    })?;
    Ok(rows)
}

/// Erases rows from a run's journal, plan and rows. The files that are derived from these have to be written again.
///
/// # Errors
/// A file cannot be read or written. Erasing again continues from there.
pub fn erase_rows(run: &RunDir, rows: &BTreeSet<RowNumber>) -> Result<(), ErasureError> {
    let digest = match run.plan().exists() {
        true => Some(erase_from_plan(run, rows)?),
        false => None,
    };
    if let Some(digest) = &digest {
        let mut meta = run.read_meta()?;
        meta.plan_digest = Some(digest.clone());
        run.write_meta(&meta)?;
    }
    if run.journal().exists() {
        rewrite_journal(&run.journal(), |record| {
            erased(record, rows, digest.as_ref())
        })?;
    }
    // Last, since they lead to the rest if this is interrupted.
    match run.rows().exists() {
        true => erase_from_rows(run, rows),
        false => Ok(()),
    }
}

/// Returns the digest of the plan without these rows.
fn erase_from_plan(run: &RunDir, rows: &BTreeSet<RowNumber>) -> Result<String, ErasureError> {
    let path = run.plan();
    let unreadable = |source| ErasureError::Plan {
        path: run.plan(),
        source,
    };
    let plan = verify(open(&path)?).map_err(unreadable)?;
    let mut out = AtomicFile::create(&path)?;
    let digest = copy_without(open(&path)?, &mut out, &plan.end, |row| rows.contains(&row));
    let digest = digest.map_err(unreadable)?;
    out.commit()?;
    Ok(digest)
}

/// A journal's record without what it holds about these rows. Of a row only its end stays.
fn erased(
    record: JournalRecord,
    rows: &BTreeSet<RowNumber>,
    digest: Option<&String>,
) -> Option<JournalRecord> {
    match record {
        JournalRecord::Begin(begin) => Some(JournalRecord::Begin(Begin {
            plan_digest: digest.cloned().unwrap_or(begin.plan_digest),
            ..begin
        })),
        JournalRecord::Row(row) if rows.contains(&row.row) => {
            let operations = row.operations.into_iter();
            let without_tags = |operation| OperationResult {
                tags: Vec::new(),
                ..operation
            };
            Some(JournalRecord::Row(FinishedRow {
                customer_id: None,
                operations: operations.map(without_tags).collect(),
                error: row.error.map(erased_issue),
                warnings: Vec::new(),
                ..row
            }))
        }
        JournalRecord::Fact(fact) => Some(JournalRecord::Fact(without_rows(fact, rows))),
        record if record.row().is_some_and(|row| rows.contains(&row)) => None,
        record => Some(record),
    }
}

fn erased_issue(issue: Issue) -> Issue {
    Issue {
        message: ERASED.to_owned(),
        hint: None,
        ..issue
    }
}

fn erase_from_rows(run: &RunDir, rows: &BTreeSet<RowNumber>) -> Result<(), ErasureError> {
    let mut out = AtomicFile::create(&run.rows())?;
    let mut lines = RowReader::new(open(&run.rows())?);
    while let Some(line) = lines.next() {
        let line = line.map_err(unreadable_rows(run))?;
        let written = match line {
            RowLine::Row(record) if rows.contains(&record.row) => {
                write_row(&mut out, &erased_record(*record))
            }
            _ => out.write_all(lines.text()),
        };
        written.map_err(|error| out.write_error(error))?;
    }
    Ok(out.commit()?)
}

fn erased_record(record: RowRecord) -> RowRecord {
    let position = Position {
        source: record.source,
        row: record.row,
        line: record.line,
    };
    RowRecord {
        verdict: record.verdict,
        merged_into: record.merged_into,
        error: record.error.map(erased_issue),
        ..RowRecord::at(position)
    }
}

/// Passes each row that the run kept to `visit`, with its text.
fn each_row(run: &RunDir, mut visit: impl FnMut(&RowRecord, &[u8])) -> Result<(), ErasureError> {
    if !run.rows().exists() {
        return Ok(());
    }
    let mut lines = RowReader::new(open(&run.rows())?);
    while let Some(line) = lines.next() {
        if let RowLine::Row(record) = line.map_err(unreadable_rows(run))? {
            visit(&record, lines.text());
        }
    }
    Ok(())
}

fn each_planned(run: &RunDir, visit: impl FnMut(&PlannedRow, &[u8])) -> Result<(), ErasureError> {
    let path = run.plan();
    if !path.exists() {
        return Ok(());
    }
    visit_rows(open(&path)?, visit).map_err(|source| ErasureError::Plan { path, source })
}

fn each_record(run: &RunDir, visit: impl FnMut(&JournalRecord, &[u8])) -> Result<(), ErasureError> {
    let path = run.journal();
    if !path.exists() {
        return Ok(());
    }
    Ok(visit_records(&path, visit)?)
}

fn open(path: &Path) -> Result<BufReader<File>, FileError> {
    open_file(path).map(|file| BufReader::with_capacity(1 << 18, file))
}

fn unreadable_rows(run: &RunDir) -> impl FnOnce(io::Error) -> ErasureError + use<> {
    let path = run.rows();
    |source| ErasureError::Rows { path, source }
}
