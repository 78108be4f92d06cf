//! The results and the summary of an interrupted run that another run supersedes.

use std::io::BufReader;

use crate::domain::RunId;
use crate::journal::{RunDir, RunMeta};
use crate::plan::codec::verify;
use crate::platform;
use crate::report::{Stop, Summary, write_summary};

use super::abandoned_runs::CloseError;
use super::exit::Exit;
use super::reports::{ReportPaths, RunReport, Written, input_names, row_count};
use super::saved_settings::SavedSettings;

/// Writes the results. Rows that were not reached stay pending.
pub(super) fn write_results(dir: &RunDir, meta: &RunMeta) -> Result<Written, CloseError> {
    let saved: SavedSettings = serde_json::from_value(meta.config.clone()).unwrap_or_default();
    let report = RunReport {
        dir,
        sources: &input_names(meta),
        dialects: &saved.dialects,
        dry_run: meta.dry_run,
        rows: row_count(meta),
        all_rows: None,
    };
    Ok(report.write(&ReportPaths::default())?)
}

/// Updates the run's summary, or creates it if the run did not write one.
pub(super) fn close_summary(
    dir: &RunDir,
    meta: &RunMeta,
    written: &Written,
    ended_at: String,
    by: &RunId,
) -> Result<(), CloseError> {
    let text = platform::read_file(&dir.summary())?;
    let summary = text.and_then(|text| serde_json::from_slice::<Summary>(&text).ok());
    let mut summary = summary.unwrap_or_else(|| Summary {
        run_id: Some(meta.run_id.clone()),
        command: meta.command.clone(),
        started_at: meta.created_at.clone(),
        exit_code: Exit::NotFinished.code(),
        plan_digest: meta.plan_digest.clone(),
        ..Summary::default()
    });
    if let Ok(plan) = platform::open_file(&dir.plan())
        && let Ok(plan) = verify(BufReader::new(plan))
    {
        summary.planned = plan.end.counts;
        summary.remote = plan.header.remote;
    }
    summary.results = written.tally.counts();
    summary.missing = written.tally.missing();
    summary.errors = written.tally.error_entries();
    summary.input.rows = summary.results.total();
    summary.finished_at = ended_at;
    summary.stop = Some(Stop {
        reason: "superseded".to_owned(),
        message: format!("run {by} took its place"),
        next_command: None,
    });
    let mut text = Vec::new();
    write_summary(&mut text, &summary)?;
    Ok(platform::write_whole(&dir.summary(), &text)?)
}
