//! Copies the files of a run to where `--out-dir` says. They are made from those in the run's folder, which stay.

use std::fs;
use std::path::{Path, PathBuf};

use crate::journal::RunDir;

use super::args::{PageArgs, PageValues};
use super::commands::run_page::{ShownRun, write_run_page};
use super::exit::{Failure, OrFail as _};
use super::inputs::STORE_HINT;
use super::out_dir::OutDir;
use super::report_files::ChangesFile;
use super::reports::{ReportsError, RunReport, input_names, row_count};

/// Files of the run's folder that are copied as they are, by the starts of their names.
const KEPT: [&str; 4] = ["results.csv", "rejected", "ambiguous.csv", "summary.json"];

/// Copies the files of a run into a folder of its id. Returns how messages name that folder.
pub(super) async fn publish(
    out_dir: &OutDir,
    run: &ShownRun<'_>,
    values: PageValues,
) -> Result<String, Failure> {
    let id = run.dir.path().file_name().unwrap_or_default();
    let id = id.to_string_lossy().into_owned();
    let folder = out_dir.join(&id);
    let place = folder.place();
    match put_files(&folder, run, values).await {
        Ok(()) => Ok(place),
        Err(failure) => {
            let why = &failure.message;
            let message = format!("not all files of run {id} are in {place}: {why}");
            let hint = format!(
                "nothing is lost: they are in {}, and `hcsync show {id}` has --changes and --report; {STORE_HINT}",
                run.dir.path().display()
            );
            Err(Failure { message, ..failure }.hint(hint))
        }
    }
}

async fn put_files(folder: &OutDir, run: &ShownRun<'_>, values: PageValues) -> Result<(), Failure> {
    let made = tempfile::tempdir().or_not_finished("output")?;
    let mut files = kept_files(run.dir);
    files.extend(made_files(run, values, made.path())?);
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        folder.join(&name).put(&file).await?;
    }
    Ok(())
}

fn kept_files(dir: &RunDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.path()).into_iter().flatten().flatten();
    let is_kept = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        KEPT.iter().any(|start| name.starts_with(start))
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_kept).collect();
    files.sort();
    files
}

/// Writes the files that a run's folder does not have. A run without a plan has none of them.
fn made_files(
    run: &ShownRun<'_>,
    values: PageValues,
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let page = folder.join("report.html");
    let args = PageArgs {
        report: Some(page.clone()),
        report_values: values,
    };
    if !write_run_page(&args, run)? {
        return Ok(Vec::new());
    }
    let changes = folder.join("changes.csv");
    write_changes(run, &changes).or_not_finished("report")?;
    Ok(vec![changes, page])
}

fn write_changes(run: &ShownRun<'_>, path: &Path) -> Result<(), ReportsError> {
    let meta = run.dir.read_meta().ok();
    let names = meta.as_ref().map(input_names).unwrap_or_default();
    let dry_run = run.summary.dry_run;
    let report = RunReport {
        dir: run.dir,
        sources: &names,
        dialects: &[],
        dry_run,
        rows: meta.as_ref().and_then(row_count),
        all_rows: None,
    };
    let mut changes = ChangesFile::open(path, dry_run)?;
    let _ = report.each(|row| changes.write_row(&row, dry_run))?;
    changes.commit()
}
