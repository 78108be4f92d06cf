//! `hcsync plan`: the plan of a sync, shown and saved; nothing is written remotely.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::cli::account::{admit_key, remember_witness};
use crate::cli::args::PlanArgs;
use crate::cli::beginning::Beginning;
use crate::cli::connection::Target;
use crate::cli::console::Console;
use crate::cli::exit::{Cause, Exit, Failure};
use crate::cli::inputs::Inputs;
use crate::cli::kept::{kept, planned};
use crate::cli::learned;
use crate::cli::overlap::{FilesInUse, Overlap};
use crate::cli::planning::{
    From, MakeWith, Prepared, decisions, input_metas, make, note_refusals, open_run, show_preview,
    show_preview_json,
};
use crate::cli::probed::findings;
use crate::cli::remembered::recall;
use crate::cli::reports::{ReportOf, Wanted};
use crate::cli::session::{Session, state_dir, state_failure};
use crate::cli::snapshot::Snapshot;
use crate::cli::unsent::DryEnd;
use crate::config::Overrides;
use crate::journal::NewRun;
use crate::platform::{AtomicFile, check_output};
use crate::probe::Findings;
use crate::run::memory::Memory;

pub(in crate::cli) async fn run(args: &PlanArgs) -> Exit {
    let console = Console::new(args.output.output, args.progress.progress, &args.log);
    let work = async |session: &mut Session| plan(session, args).await;
    Beginning::new("plan", console)
        .reports(files_in_use(args), &args.report)
        .run(work)
        .await
}

fn files_in_use(args: &PlanArgs) -> Result<FilesInUse, Overlap> {
    let files = FilesInUse::of(&args.inputs, args.config.config.as_deref())
        .also_reads("--remote-file", args.remote_file.as_deref())
        .also_reads("--decisions", args.decisions.decisions.as_deref());
    match &args.out {
        Some(out) => files.writes("--out", out),
        None => Ok(files),
    }
}

async fn plan(session: &mut Session, args: &PlanArgs) -> Result<Exit, Failure> {
    session.summary.dry_run = true;
    let loaded = session.load(&Overrides::from(args))?;
    let settings = loaded.settings;
    let wanted = Wanted::of(&settings);
    wanted.check().map_err(Failure::output)?;
    args.out
        .iter()
        .try_for_each(|out| check_output(out))
        .map_err(Failure::output)?;
    let inputs = Inputs::open(&args.inputs, &session.stopping).await?;
    let prepared = Prepared::new(inputs.files.clone(), &settings)?;
    let decisions = decisions(&settings)?;
    let state = state_dir(&settings)?;
    let target = match args.remote_file {
        Some(_) => None,
        None => Some(Target::find(&settings, &session.console).await?),
    };
    let client = match &target {
        Some(target) => Some(target.connect(&settings, session.clock, &session.stopping)?),
        None => None,
    };
    if let (Some(target), Some(client)) = (&target, &client) {
        admit_key(target, &state.account(&target.account), client).await?;
    }
    let (memory, finished_runs) = match target.as_ref().filter(|t| !t.is_sandbox) {
        Some(target) => recall(&state.account(&target.account))?,
        None => (Memory::default(), 0),
    };
    let probed = target.as_ref().map_or_else(Findings::default, |target| {
        findings(session, target, &state.account(&target.account))
    });
    let snapshot = target.as_ref().map_or(Snapshot::None, |target| {
        Snapshot::of(target, &state.account(&target.account))
    });
    if let (Some(target), Some(client)) = (&target, &client) {
        learned::recall(
            client,
            target,
            &state.account(&target.account),
            &probed,
            session.clock,
        );
    }
    let kept = kept(
        &settings,
        &prepared,
        loaded.document.as_ref().map(|d| d.text().to_owned()),
    );
    let new = NewRun {
        command: "plan".into(),
        account: target.as_ref().map(|t| t.account.clone()),
        base_url: target.as_ref().map_or_else(
            || settings.api.base_url.clone(),
            |t| t.base_url_text.clone(),
        ),
        inputs: input_metas(&prepared.inputs),
        dry_run: true,
        starts_over: false,
        config: serde_json::to_value(&kept).unwrap_or_default(),
    };
    let (dir, mut meta) = open_run(session, &state, new)?;
    let with = MakeWith {
        prepared: &prepared,
        settings: &settings,
        config_sha256: settings.config_sha256(),
        target: target.as_ref(),
        from: match (&client, &args.remote_file) {
            (Some(client), _) => From::Api(client),
            (None, file) => From::File(file.as_deref().unwrap_or(Path::new(""))),
        },
        snapshot: snapshot.files(),
        memory: &memory,
        decisions: &decisions,
        finished_runs,
        // Applied, each of its customers is read again first.
        reread_all: args.out.is_some(),
        probed: &probed,
    };
    let made = make(session, &meta, &dir, with).await;
    if let Some(client) = &client {
        session.count_requests(client, &settings);
    }
    let mut made = made?;
    if let Some(target) = target.as_ref().filter(|t| !t.is_sandbox) {
        let account = state
            .create_account(&target.account)
            .map_err(|e| state_failure(&e))?;
        remember_witness(&account, target, &settings, made.witness.as_ref())?;
        if let Some(client) = &client {
            learned::keep(client, target, &account, session.clock);
        }
    }
    note_refusals(&settings, &mut made);
    planned(session, &dir, &mut meta, &made)?;
    let sources = prepared.sources();
    let report = ReportOf {
        dir: &dir,
        sources: &sources,
        dialects: &prepared.survey.dialects,
        dry_run: true,
        rows: Some(made.rows),
    };
    if session.console.is_json() {
        show_preview_json(session, &made);
    } else {
        show_preview(session, &made);
    }
    if let Some(out) = &args.out {
        save(&dir.plan(), out)
            .map_err(|e| Failure::from_error(Exit::NotFinished, "output", &*e))?;
        session
            .console
            .say(&format!("plan saved: {}", out.display()));
    }
    let end = DryEnd {
        report,
        wanted: &wanted,
        settings: &settings,
        tells_changes: args.detailed_exitcode,
    };
    end.finish(session, &mut meta)
}

/// Copies the plan to where the user wants it.
fn save(plan: &Path, out: &Path) -> Result<(), Box<Cause>> {
    let mut from = File::open(plan)?;
    let mut to = AtomicFile::create_output(out)?;
    io::copy(&mut from, &mut to)?;
    Ok(to.commit()?)
}
