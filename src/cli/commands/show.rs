//! `hcsync show`: a saved plan or a run again, from its files alone.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::all_rows::all_rows;
use crate::cli::args::{ShowArgs, When};
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::kept::KeptSettings;
use crate::cli::overlap::FilesInUse;
use crate::cli::reports::{Changes, ReportOf, ReportsError, ResultsFile, rows_of};
use crate::cli::session::{named_state_dir, state_failure};
use crate::domain::RunId;
use crate::journal::{RunDir, RunMeta, StateDir};
use crate::plan::codec::VerifiedPlan;
use crate::plan::{Estimate, Preview};
use crate::report::{
    ChangeScope, Ending, LaneFacts, NamedPath, Stop, Summary, Tally, render_ending, render_preview,
    write_ending, write_preview,
};

use super::runs::{resume_command, state_name};
use super::saved_plan::{OpenPlan, source_of};

pub(in crate::cli) fn run(args: &ShowArgs) -> Exit {
    let console = Console::new(args.output.output, When::Never, &args.log);
    match show(args, &console) {
        Ok(()) => Exit::Done,
        Err(failure) => {
            console.fail(&failure);
            failure.exit
        }
    }
}

fn show(args: &ShowArgs, console: &Console) -> Result<(), Failure> {
    let target = find(args)?;
    let outputs = [
        ("--changes", &args.changes.changes),
        ("--results", &args.results.results),
    ];
    let mut files = FilesInUse::default();
    files = match &target {
        Target::Plan(path) => files.reads("the plan", path),
        Target::Run(dir) => files
            .reads("the run's plan", &dir.plan())
            .reads("the run's journal", &dir.journal())
            .reads("the run's rows", &dir.rows())
            .reads("the run's results", &dir.results_csv()),
    };
    for (option, out) in outputs {
        if let Some(out) = out {
            files = files.writes(option, out)?;
        }
    }
    match target {
        Target::Plan(path) => show_plan(args, console, &path),
        Target::Run(dir) => show_run(args, console, &dir),
    }
}

enum Target {
    Plan(PathBuf),
    Run(RunDir),
}

/// A path goes before an id: what the user sees is meant.
fn find(args: &ShowArgs) -> Result<Target, Failure> {
    let path = Path::new(&args.target);
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Ok(Target::Run(RunDir::at(path.to_owned()))),
        Ok(_) => return Ok(Target::Plan(path.to_owned())),
        Err(_) => {}
    }
    let state = named_state_dir(args.state.state_dir.as_deref())?;
    by_id(&state, &args.target).map(Target::Run)
}

/// A run by its id, or by the beginning of one that no other run has.
fn by_id(state: &StateDir, wanted: &str) -> Result<RunDir, Failure> {
    let none = || {
        let runs = state.runs();
        let message = format!(
            "`{wanted}` is no file, and no run in `{}` has an id that begins so",
            runs.display()
        );
        Failure::usage(message).hint("`hcsync runs` lists the runs that there are")
    };
    if RunId::new(wanted).is_err() {
        return Err(none());
    }
    let runs = state.list_runs().map_err(|e| state_failure(&e))?;
    if let Some(run) = runs.iter().find(|run| run.name == wanted) {
        return Ok(run.dir.clone());
    }
    let fitting: Vec<_> = runs.iter().filter(|r| r.name.starts_with(wanted)).collect();
    match fitting.as_slice() {
        [] => Err(none()),
        [run] => Ok(run.dir.clone()),
        several => {
            let names: Vec<_> = several.iter().take(5).map(|r| r.name.as_str()).collect();
            let message = format!(
                "{} runs have an id that begins with `{wanted}`: {}",
                several.len(),
                names.join(", ")
            );
            Err(Failure::usage(message).hint("write more of the id"))
        }
    }
}

fn show_plan(args: &ShowArgs, console: &Console, path: &Path) -> Result<(), Failure> {
    if args.results.results.is_some() {
        let message = "--results lists the results of a run, and this is a plan file";
        return Err(Failure::usage(message).hint("name a run: `hcsync runs` lists them"));
    }
    let mut plan = OpenPlan::open(path)?;
    let sources = plan.sources();
    let preview = plan.preview(args.examples.examples as usize, &sources, None)?;
    if let Some(out) = &args.changes.changes {
        let mut changes = Changes::open(out, ChangeScope::Plan).map_err(output_failure)?;
        plan.each(|planned| {
            let source = source_of(&sources, planned.place.source);
            let facts = LaneFacts {
                lane: &planned.lane,
                source,
                line: planned.place.line,
                result: None,
            };
            let changed = facts.changes();
            let written = changed.iter().try_for_each(|change| changes.write(change));
            written.map_err(output_failure)
        })?;
        changes.commit().map_err(output_failure)?;
        console.say(&format!("changes written: {}", out.display()));
    }
    tell_preview(console, &preview);
    Ok(())
}

fn show_run(args: &ShowArgs, console: &Console, dir: &RunDir) -> Result<(), Failure> {
    let meta = dir
        .read_meta()
        .map_err(|e| Failure::from_error(Exit::Usage, "run", &e))?;
    let summary = read_summary(dir)?;
    if !dir.plan().exists() || !dir.rows().exists() {
        return Err(no_plan(&meta, summary.as_ref()));
    }
    let mut plan = OpenPlan::open(&dir.plan())?;
    let sources: Vec<String> = meta.inputs.iter().map(|i| i.path.clone()).collect();
    let mut preview = plan.preview(args.examples.examples as usize, &sources, Some(&dir.rows()))?;
    if let Some(summary) = &summary {
        preview.estimate = estimate(summary);
    }
    let is_dry = summary.as_ref().map_or(meta.dry_run, |s| s.dry_run);
    let all_rows = match &args.results.results {
        Some(_) => all_rows(console, dir, &meta, &KeptSettings::of_run(&meta)?)?,
        None => None,
    };
    let report = ReportOf {
        dir,
        sources: &sources,
        dialects: &[],
        dry_run: is_dry,
        rows: rows_of(&meta),
        all_rows: all_rows.as_ref(),
    };
    let mut changes = match &args.changes.changes {
        Some(out) => Some(open_changes(out, is_dry)?),
        None => None,
    };
    let mut results = match &args.results.results {
        Some(out) => Some(ResultsFile::open(out).map_err(output_failure)?),
        None => None,
    };
    let mut tally = Tally::default();
    let read = report.each(|row| {
        tally.add(&row.result);
        if let Some(results) = &mut results {
            results.write(&row.result)?;
        }
        if let (Some(changes), Some(planned)) = (&mut changes, &row.lane) {
            let facts = LaneFacts {
                lane: &planned.lane,
                source: &row.result.source,
                line: row.result.line,
                result: (!is_dry).then_some(&row.result),
            };
            facts.changes().iter().try_for_each(|c| changes.write(c))?;
        }
        Ok(())
    });
    let unlisted = read.map_err(|e| Failure::from_error(Exit::NotFinished, "run", &e))?;
    tally.add_unlisted(unlisted);
    if let (Some(results), Some(out)) = (results, &args.results.results) {
        results.commit().map_err(output_failure)?;
        console.say(&format!("results written: {}", out.display()));
    }
    if let (Some(changes), Some(out)) = (changes, &args.changes.changes) {
        changes.commit().map_err(output_failure)?;
        console.say(&format!("changes written: {}", out.display()));
    }
    if is_dry && summary.as_ref().is_none_or(|s| s.stop.is_none()) {
        tell_preview(console, &preview);
        return Ok(());
    }
    let summary = match summary {
        Some(summary) => summary,
        None => unfinished(dir, &meta, &plan.verified, &tally, args),
    };
    tell_run(console, &preview, &summary, (&tally, &files_of(dir)));
    Ok(())
}

fn open_changes(out: &Path, is_dry: bool) -> Result<Changes, Failure> {
    let scope = if is_dry {
        ChangeScope::Plan
    } else {
        ChangeScope::Run
    };
    Changes::open(out, scope).map_err(output_failure)
}

fn output_failure(error: ReportsError) -> Failure {
    Failure::from_error(Exit::Usage, "output", &error)
}

fn tell_preview(console: &Console, preview: &Preview) {
    if console.is_json() {
        let mut json = Vec::new();
        if write_preview(&mut json, preview).is_ok() {
            console.print(&String::from_utf8_lossy(&json));
        }
    } else {
        console.print(&render_preview(preview, console.view()));
    }
}

/// The plan and the end, as the run told them; as JSON the end alone, which is what a run prints.
fn tell_run(
    console: &Console,
    preview: &Preview,
    summary: &Summary,
    (tally, files): (&Tally, &[NamedPath]),
) {
    let (errors, warnings) = (tally.errors(), tally.warnings());
    let ending = Ending {
        summary,
        errors: &errors,
        warnings: &warnings,
        notes: &[],
        explain: None,
        preview: None,
        files,
    };
    if console.is_json() {
        let mut json = Vec::new();
        if write_ending(&mut json, &ending).is_ok() {
            console.print(&String::from_utf8_lossy(&json));
        }
        return;
    }
    let view = console.view();
    console.print(&render_preview(preview, view));
    console.print("\n");
    console.print(&render_ending(&ending, view));
}

fn read_summary(dir: &RunDir) -> Result<Option<Summary>, Failure> {
    let path = dir.summary();
    let bytes = crate::platform::read_file(&path)
        .map_err(|e| Failure::from_error(Exit::Usage, "run", &e))?;
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        Failure::usage(format!(
            "{} is not what hcsync wrote there (line {}, column {})",
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

/// A run that ended before there was a plan has nothing to show but why.
fn no_plan(meta: &RunMeta, summary: Option<&Summary>) -> Failure {
    let id = &meta.run_id;
    let why = summary.and_then(|s| s.stop.as_ref());
    let why = why.map_or_else(
        || format!("it is `{}`", state_name(&meta.state)),
        |stop| stop.message.clone(),
    );
    Failure::usage(format!("run `{id}` has no plan to show: {why}"))
}

/// What is known of a run that is still at work, or was ended by force.
fn unfinished(
    dir: &RunDir,
    meta: &RunMeta,
    plan: &VerifiedPlan,
    tally: &Tally,
    args: &ShowArgs,
) -> Summary {
    let counts = tally.counts();
    let started = meta.created_at.parse::<jiff::Timestamp>().ok();
    let seen = fs::metadata(dir.journal()).and_then(|found| found.modified());
    let seen = seen.ok().and_then(|at| jiff::Timestamp::try_from(at).ok());
    let seconds = started.zip(seen).map(|(from, to)| to.duration_since(from));
    let resume = meta
        .is_resumable()
        .then(|| resume_command(meta, args.state.state_dir.as_deref()));
    let mut summary = Summary {
        run_id: Some(meta.run_id.clone()),
        command: meta.command.clone(),
        started_at: meta.created_at.clone(),
        duration_s: seconds.map_or(0.0, |s| s.as_secs_f64().max(0.0)),
        exit_code: Exit::NotFinished.code(),
        planned: plan.end.counts,
        results: counts,
        remote: plan.header.remote.clone(),
        plan_digest: Some(plan.end.sha256.clone()),
        errors: tally.error_entries(),
        stop: Some(Stop {
            reason: "unfinished".to_owned(),
            message: "the run did not come to its end, or is still at work".to_owned(),
            next_command: resume,
        }),
        ..Summary::default()
    };
    summary.input.rows = counts.total();
    summary
}

/// The run's own files that people open, as far as they are there; those of several inputs are numbered.
fn files_of(dir: &RunDir) -> Vec<NamedPath> {
    let entries = fs::read_dir(dir.path()).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let mut files = Vec::new();
    for (name, beginning) in [
        ("results", "results.csv"),
        ("rejected", "rejected"),
        ("ambiguous", "ambiguous.csv"),
        ("summary", "summary.json"),
    ] {
        let begins = |path: &&PathBuf| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            file.starts_with(beginning)
        };
        files.extend(paths.iter().filter(begins).map(|path| {
            NamedPath {
                name: name.to_owned(),
                path: std::path::absolute(path)
                    .unwrap_or_else(|_| path.clone())
                    .display()
                    .to_string(),
            }
        }));
    }
    files
}
