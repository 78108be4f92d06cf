//! Shows a run: its plan, how it ended, and its results and changes as files.

use std::fs;
use std::path::PathBuf;

use crate::cli::all_rows::all_rows;
use crate::cli::args::ShowArgs;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure, OrFail as _};
use crate::cli::report_files::{ChangesFile, ResultsFile, named};
use crate::cli::reports::{RunReport, input_names, row_count};
use crate::cli::resume_command::resume_command_of;
use crate::cli::saved_settings::SavedSettings;
use crate::journal::{RunDir, RunMeta};
use crate::plan::codec::VerifiedPlan;
use crate::plan::{Estimate, Preview};
use crate::platform::read_file;
use crate::report::{
    Ending, NamedPath, Stop, Summary, Tally, headline, render_ending, render_preview, write_ending,
};

use super::run_page::{ShownRun, write_run_page};
use super::runs::state_name;
use super::saved_plan::{SavedPlan, cannot_show, output_failure, print_preview};

pub(super) fn show_run(args: &ShowArgs, console: &Console, dir: &RunDir) -> Result<(), Failure> {
    let meta = dir.read_meta().or_usage("run")?;
    let summary = read_summary(dir)?;
    if !dir.plan().exists() || !dir.rows().exists() {
        return Err(no_plan(&meta, summary.as_ref()));
    }
    let plan = SavedPlan::open(&dir.plan()).map_err(|e| cannot_show(&dir.plan(), &e))?;
    let names = input_names(&meta);
    let mut preview = plan.preview_of_run(args.examples.examples as usize, &names, dir)?;
    if let Some(summary) = &summary {
        preview.estimate = estimate(summary);
    }
    let is_dry = summary.as_ref().map_or(meta.dry_run, |s| s.dry_run);
    let all_rows = match &args.results.results {
        Some(_) => all_rows(console, dir, &meta, &SavedSettings::of_run(&meta)?)?,
        None => None,
    };
    let report = RunReport {
        dir,
        sources: &names,
        dialects: &[],
        dry_run: is_dry,
        rows: row_count(&meta),
        all_rows: all_rows.as_ref(),
    };
    let tally = write_files(args, console, &report)?;
    if let (Some(path), Some(summary)) = (&args.page.report, &summary) {
        let shown = ShownRun {
            dir,
            summary,
            customer_url: None,
            view: console.view(),
        };
        write_run_page(&args.page, &shown)?;
        console.say(&format!("report written: {}", path.display()));
    }
    if is_dry && summary.as_ref().is_none_or(|s| s.stop.is_none()) {
        print_preview(console, &preview);
        return Ok(());
    }
    let summary =
        summary.unwrap_or_else(|| unfinished_summary(dir, &meta, &plan.verified, &tally, args));
    print_run(console, &preview, &summary, &tally, &files_of(dir));
    Ok(())
}

/// Writes the files of `--results` and `--changes`. Returns what the results add up to.
fn write_files(
    args: &ShowArgs,
    console: &Console,
    report: &RunReport<'_>,
) -> Result<Tally, Failure> {
    let (results_path, changes_path) = (&args.results.results, &args.changes.changes);
    let changes = changes_path.as_ref();
    let changes = changes.map(|out| ChangesFile::open(out, report.dry_run));
    let mut changes = changes.transpose().map_err(output_failure)?;
    let results = results_path.as_ref().map(|out| ResultsFile::open(out));
    let mut results = results.transpose().map_err(output_failure)?;
    let mut tally = Tally::default();
    let unlisted = report.each(|row| {
        tally.add(&row.result);
        if let Some(results) = &mut results {
            results.write(&row.result)?;
        }
        match &mut changes {
            Some(changes) => changes.write_row(&row, report.dry_run),
            None => Ok(()),
        }
    });
    tally.add_unlisted(unlisted.or_not_finished("run")?);
    if let (Some(results), Some(out)) = (results, results_path) {
        results.commit().map_err(output_failure)?;
        console.say(&format!("results written: {}", out.display()));
    }
    if let (Some(changes), Some(out)) = (changes, changes_path) {
        changes.commit().map_err(output_failure)?;
        console.say(&format!("changes written: {}", out.display()));
    }
    Ok(tally)
}

/// Prints the plan and the end, as the run did: in JSON the end alone.
fn print_run(
    console: &Console,
    preview: &Preview,
    summary: &Summary,
    tally: &Tally,
    files: &[NamedPath],
) {
    let ending = Ending {
        summary,
        errors: &tally.errors(),
        warnings: &tally.warnings(),
        notes: &[],
        explain: None,
        preview: None,
        files,
    };
    console.print_result(
        |out| write_ending(out, &ending),
        || headline(summary),
        |view| {
            let (preview, ending) = (render_preview(preview, view), render_ending(&ending, view));
            format!("{preview}\n{ending}")
        },
    );
}

fn read_summary(dir: &RunDir) -> Result<Option<Summary>, Failure> {
    let path = dir.summary();
    let Some(bytes) = read_file(&path).or_usage("run")? else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        Failure::usage(format!(
            "{} is not a summary that hcsync wrote (line {}, column {})",
            path.display(),
            error.line(),
            error.column()
        ))
    })
}

fn estimate(summary: &Summary) -> Estimate {
    Estimate {
        requests: summary.estimate.requests,
        reads: 0,
        duration_s: summary.estimate.duration_s,
        requests_per_minute: summary.rate.limit_per_minute,
    }
}

/// The failure for a run that ended before it had a plan. It says why.
fn no_plan(meta: &RunMeta, summary: Option<&Summary>) -> Failure {
    let id = &meta.run_id;
    let why = summary.and_then(|s| s.stop.as_ref());
    let why = why.map_or_else(
        || format!("it is `{}`", state_name(&meta.state)),
        |stop| stop.message.clone(),
    );
    Failure::usage(format!("run `{id}` has no plan to show: {why}"))
}

/// The summary of a run that is active or crashed.
fn unfinished_summary(
    dir: &RunDir,
    meta: &RunMeta,
    plan: &VerifiedPlan,
    tally: &Tally,
    args: &ShowArgs,
) -> Summary {
    let counts = tally.counts();
    let resume = meta
        .is_resumable()
        .then(|| resume_command_of(meta, &args.state));
    let mut summary = Summary {
        run_id: Some(meta.run_id.clone()),
        command: meta.command.clone(),
        started_at: meta.created_at.clone(),
        duration_s: active_seconds(dir, meta).unwrap_or(0.0),
        exit_code: Exit::NotFinished.code(),
        planned: plan.end.counts,
        results: counts,
        remote: plan.header.remote.clone(),
        plan_digest: Some(plan.end.sha256.clone()),
        errors: tally.error_entries(),
        stop: Some(Stop {
            reason: "unfinished".to_owned(),
            message: "the run has not finished: it was interrupted or is still active".to_owned(),
            next_command: resume,
        }),
        ..Summary::default()
    };
    summary.input.rows = counts.total();
    summary
}

/// Seconds from the start of the run to the last change of its journal.
fn active_seconds(dir: &RunDir, meta: &RunMeta) -> Option<f64> {
    let started = meta.created_at.parse::<jiff::Timestamp>().ok()?;
    let modified = fs::metadata(dir.journal()).ok()?.modified().ok()?;
    let modified = jiff::Timestamp::try_from(modified).ok()?;
    Some(modified.duration_since(started).as_secs_f64().max(0.0))
}

/// The files in the run's folder that a user may want to read. Those of several inputs are numbered.
fn files_of(dir: &RunDir) -> Vec<NamedPath> {
    let entries = fs::read_dir(dir.path()).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let mut files = Vec::new();
    for (name, start) in [
        ("results", "results.csv"),
        ("rejected", "rejected"),
        ("ambiguous", "ambiguous.csv"),
        ("summary", "summary.json"),
    ] {
        let is_file = |path: &&PathBuf| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            file.starts_with(start)
        };
        files.extend(paths.iter().filter(is_file).map(|path| named(name, path)));
    }
    files
}
