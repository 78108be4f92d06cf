//! `hcsync plan`: the plan of a sync, shown and saved; nothing is written remotely.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::cli::account::remember_witness;
use crate::cli::args::PlanArgs;
use crate::cli::attached::{Attached, Known};
use crate::cli::beginning::Beginning;
use crate::cli::connection::{Target, deadline};
use crate::cli::console::Console;
use crate::cli::exit::{Cause, Exit, Failure};
use crate::cli::inputs::Inputs;
use crate::cli::kept::{KeptSettings, kept, planned};
use crate::cli::overlap::{FilesInUse, Overlap};
use crate::cli::planning::{
    From, MakeWith, Prepared, decisions, input_metas, make, note_refusals, open_run, show_preview,
    show_preview_json,
};
use crate::cli::reports::{ReportOf, Wanted};
use crate::cli::session::{Session, state_dir};
use crate::cli::unsent::DryEnd;
use crate::config::Overrides;
use crate::journal::NewRun;
use crate::platform::{AtomicFile, check_output};

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
    let config = KeptSettings::of_config(&loaded);
    let settings = loaded.settings;
    let wanted = Wanted::of(&settings);
    wanted.check().map_err(Failure::output)?;
    args.out
        .iter()
        .try_for_each(|out| check_output(out))
        .map_err(Failure::output)?;
    let inputs = Inputs::open(
        &args.inputs,
        &session.stopping,
        deadline(&settings, session.clock),
    )
    .await?;
    let prepared = Prepared::new(inputs.files.clone(), &settings)?;
    let decisions = decisions(&settings)?;
    let at = match args.remote_file {
        Some(_) => None,
        None => {
            let target = Target::find(&settings, &session.console).await?;
            Some(Attached::to_read(session, &settings, target)?)
        }
    };
    let known = match &at {
        Some(at) => {
            at.admit_key().await?;
            let mut known = at.known(session)?;
            at.recall_recent(session, &settings, &mut known)?;
            known
        }
        None => Known::nothing(),
    };
    let state = state_dir(&settings)?;
    let kept = kept(&settings, &prepared, config);
    let new = NewRun {
        command: "plan".into(),
        account: at.as_ref().map(|at| at.target.account.clone()),
        base_url: at.as_ref().map_or_else(
            || settings.api.base_url.clone(),
            |at| at.target.base_url_text.clone(),
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
        from: match (&at, &args.remote_file) {
            (Some(at), _) => From::Api(at),
            (None, file) => From::File(file.as_deref().unwrap_or(Path::new(""))),
        },
        known: &known,
        decisions: &decisions,
        // Applied, each of its customers is read again first.
        reread_all: args.out.is_some(),
    };
    let made = make(session, &meta, &dir, with).await;
    if let Some(at) = &at {
        session.count_requests(&at.client, &settings);
    }
    let mut made = made?;
    if let Some(at) = &at {
        at.keep_learned(session);
        if let Some(account) = at.lasting() {
            remember_witness(account, &at.target, &settings, made.witness.as_ref())?;
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
        all_rows: None,
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
