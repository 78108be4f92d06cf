//! `hcsync show`: shows a saved plan or a run again, from its files alone.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::args::ShowArgs;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::overlap::{FilesInUse, Overlap};
use crate::cli::report_files::ChangesFile;
use crate::cli::shared_state::{refreshed_state_dir, state_config_of};
use crate::domain::RunId;
use crate::journal::{RunDir, StateDir};
use crate::plan::codec::PlanFileError;
use crate::postgres::PulledRuns;
use crate::report::{LaneFacts, preview_headline, render_preview, write_preview_of_file};

use super::run_page::write_plan_page;
use super::saved_plan::{SavedPlan, cannot_show, output_failure, source_of};
use super::shown_run::show_run;

/// Most runs that an error message lists.
const MAX_LISTED: usize = 5;

pub(in crate::cli) async fn run(args: &ShowArgs) -> Exit {
    let console = Console::from(&args.console);
    console.exit_code(show(args, &console).await.map(|()| Exit::Done))
}

async fn show(args: &ShowArgs, console: &Console) -> Result<(), Failure> {
    let target = find(args).await?;
    check_overlap(args, &target)?;
    match target {
        ShowTarget::Plan(path) => show_plan(args, console, &path),
        ShowTarget::Run(dir) => show_run(args, console, &dir),
    }
}

enum ShowTarget {
    Plan(PathBuf),
    Run(RunDir),
}

/// Finds the plan file or run to show. An existing path takes precedence over a run id.
async fn find(args: &ShowArgs) -> Result<ShowTarget, Failure> {
    let path = Path::new(&args.target);
    if let Ok(meta) = fs::metadata(path) {
        return Ok(match meta.is_dir() {
            true => ShowTarget::Run(RunDir::at(path.to_owned())),
            false => ShowTarget::Plan(path.to_owned()),
        });
    }
    let config = state_config_of(&args.state)?;
    let state_dir = args.state.state_dir.as_deref();
    let state =
        refreshed_state_dir(state_dir, &config, PulledRuns::StartingWith(&args.target)).await?;
    find_run(&state, &args.target).map(ShowTarget::Run)
}

/// Finds a run by its id, or by the start of its id if no other run has the same.
fn find_run(state: &StateDir, id: &str) -> Result<RunDir, Failure> {
    let no_run = || {
        let message = format!(
            "`{id}` is not a file, and no run in `{}` has an id that starts with it",
            state.runs().display()
        );
        Failure::usage(message).hint("`hcsync runs` lists all runs")
    };
    if RunId::new(id).is_err() {
        return Err(no_run());
    }
    let runs = state.list_runs()?;
    if let Some(run) = runs.iter().find(|run| run.name == id) {
        return Ok(run.dir.clone());
    }
    let matching: Vec<_> = runs.iter().filter(|r| r.name.starts_with(id)).collect();
    match matching.as_slice() {
        [] => Err(no_run()),
        [run] => Ok(run.dir.clone()),
        several => {
            let names = several.iter().take(MAX_LISTED).map(|r| r.name.as_str());
            let message = format!(
                "{} runs have an id that starts with `{id}`: {}",
                several.len(),
                names.collect::<Vec<_>>().join(", ")
            );
            Err(Failure::usage(message).hint("give more of the id"))
        }
    }
}

fn check_overlap(args: &ShowArgs, target: &ShowTarget) -> Result<(), Overlap> {
    let outputs = [
        ("--changes", &args.changes.changes),
        ("--results", &args.results.results),
        ("--report", &args.page.report),
    ];
    let mut files = FilesInUse::default();
    files = match target {
        ShowTarget::Plan(path) => files.reads("the plan", path),
        ShowTarget::Run(dir) => files
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
    Ok(())
}

fn show_plan(args: &ShowArgs, console: &Console, path: &Path) -> Result<(), Failure> {
    if args.results.results.is_some() {
        let message = "--results lists the results of a run, and this is a plan file";
        return Err(Failure::usage(message).hint("name a run: `hcsync runs` lists them"));
    }
    let unreadable = |e: PlanFileError| cannot_show(path, &e);
    let plan = SavedPlan::open(path).map_err(unreadable)?;
    let preview = plan.preview(args.examples.examples as usize);
    let preview = preview.map_err(unreadable)?;
    if let Some(out) = &args.changes.changes {
        let mut changes = ChangesFile::open(out, true).map_err(output_failure)?;
        let sources = plan.sources();
        for planned in plan.lanes().map_err(unreadable)? {
            let planned = planned.map_err(unreadable)?;
            let facts = LaneFacts {
                lane: &planned.lane,
                source: source_of(&sources, planned.place.source),
                line: planned.place.line,
                result: None,
            };
            changes.write(&facts).map_err(output_failure)?;
        }
        changes.commit().map_err(output_failure)?;
        console.say(&format!("changes written: {}", out.display()));
    }
    write_plan_page(&args.page, &plan, path, &preview, console.view())?;
    console.say(&format!(
        "a plan file does not hold why rows were rejected, warnings, and limits that refuse it: `hcsync show {}` shows them",
        plan.verified.header.run_id
    ));
    console.print_result(
        |out| write_preview_of_file(out, &preview),
        || preview_headline(&preview),
        |view| render_preview(&preview, view),
    );
    Ok(())
}
