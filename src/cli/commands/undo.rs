//! `hcsync undo`: takes a run back where its changes were not edited since.

use crate::cli::args::UndoArgs;
use crate::cli::command_runner::CommandRunner;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::overlap::{FilesInUse, Overlap};
use crate::cli::planning::copy_plan;
use crate::cli::reports::{RunReport, input_names};
use crate::cli::session::Session;
use crate::cli::source_settings::source_settings;
use crate::cli::unsent_run::{DryRunEnd, end_unsent, note_unfinished};
use crate::journal::{RunDir, RunMeta};
use crate::report::plural;
use crate::run::rereading::Rereading;
use crate::run::undo::{LeftReason, MadeUndo, undo_tag};

use super::apply_context::{ApplyContext, ApplyRun};
use super::saved_plan::{SavedPlan, cannot_show, print_preview};
use super::undo_context::UndoContext;

/// Customers that are listed one by one. The others are counted.
const MAX_LISTED: usize = 20;

pub(in crate::cli) async fn run(args: &UndoArgs) -> Exit {
    let console = Console::from(&args.console);
    let work = async |session: &mut Session| undo(session, args).await;
    CommandRunner::new("undo", console)
        .reports(files_in_use(args), &args.report)
        .run(work)
        .await
}

fn files_in_use(args: &UndoArgs) -> Result<FilesInUse, Overlap> {
    let files = FilesInUse::of(&[], &args.account.config);
    match &args.out {
        Some(out) => files.writes("--out", out),
        None => Ok(files),
    }
}

async fn undo(session: &mut Session, args: &UndoArgs) -> Result<Exit, Failure> {
    session.summary.dry_run = args.out.is_some();
    let context = UndoContext::prepare(session, args).await?;
    let (dir, mut meta) = context.open_run(session)?;
    let ended = Box::pin(context.plan_and_send(session, &dir, &mut meta)).await;
    ended.map_err(|failure| note_unfinished(session, &dir, &mut meta, None, failure))
}

impl UndoContext<'_> {
    async fn plan_and_send(
        self,
        session: &mut Session,
        dir: &RunDir,
        meta: &mut RunMeta,
    ) -> Result<Exit, Failure> {
        // Among the interrupted runs that are closed first is perhaps the one that is taken back.
        let knowledge = self
            .account
            .settled_knowledge(session, &self.settings, meta)
            .await?;
        let made = self.make_plan(session, dir, meta).await;
        session.count_requests(&self.account.client, &self.settings);
        let made = made?;
        let created_tag = undo_tag(&self.run_meta.run_id);
        let args = self.args.to_apply(dir.plan());
        let out = self.args.out.as_deref();
        let apply = ApplyContext {
            args: &args,
            plan: SavedPlan::open(&dir.plan()).map_err(|e| cannot_show(&dir.plan(), &e))?,
            settings: self.settings,
            paths: self.paths,
            account: self.account,
        };
        let source = source_settings(&apply.settings.input)?;
        let lanes = apply.write_rows(dir, &mut Rereading::new(&[], &source))?;
        apply.record_plan(session, dir, meta, lanes.rows)?;
        let (preview, figures) = apply.show(session, &knowledge)?;
        report_left(session, &made, &created_tag);
        let report = RunReport {
            dir,
            sources: &input_names(meta),
            dialects: &[],
            dry_run: out.is_some(),
            rows: None,
            all_rows: None,
        };
        if let Some(out) = out {
            if session.console.is_json() {
                print_preview(&session.console, &preview);
            }
            copy_plan(dir, out)?;
            session
                .console
                .say(&format!("plan saved: {}", out.display()));
            let end = DryRunEnd {
                report,
                paths: &apply.paths,
                settings: &apply.settings,
                detailed_exit_code: false,
            };
            return end.finish(session, meta);
        }
        if let Err(failure) = apply.admit(session, &preview, &figures).await {
            end_unsent(session, meta, &report, &apply.paths, &failure)?;
            return Err(failure);
        }
        let run = ApplyRun {
            dir: dir.clone(),
            meta: meta.clone(),
            lanes,
        };
        let ended = Box::pin(apply.send(session, run, self.saved, knowledge, &preview)).await;
        // `send` recorded how its copy of the run ended.
        *meta = dir.read_meta()?;
        ended
    }
}

/// Lists what stays as it is, by customers and names of fields, without values.
fn report_left(session: &Session, made: &MadeUndo, created_tag: &str) {
    let console = &session.console;
    for left in made.left.iter().take(MAX_LISTED) {
        let (customer, row) = (left.customer, left.row);
        console.say(&match &left.why {
            LeftReason::Edited(names) => format!(
                "customer {customer} (row {row}) was edited since, and keeps: {}",
                names.join(", ")
            ),
            LeftReason::Gone => format!("customer {customer} (row {row}) no longer exists"),
            LeftReason::SecondRow => format!(
                "customer {customer} was written by an earlier row too: what row {row} wrote stays"
            ),
        });
    }
    let others = made.left.len().saturating_sub(MAX_LISTED) as u64;
    if others > 0 {
        let customers = plural(others, "customer keeps", "customers keep");
        console.say(&format!("{customers} something too; -v lists them all"));
    }
    if made.deleted > 0 {
        console.say(&format!(
            "{} that the run created: deleted, since they were not edited or used",
            plural(made.deleted, "customer", "customers")
        ));
    }
    if made.tagged > 0 {
        console.say(&format!(
            "{} that the run created: not deleted, since their chats would go too; the tag `{created_tag}` marks them",
            plural(made.tagged, "customer", "customers")
        ));
    }
    for row in &made.unknown {
        console.warn(&format!(
            "row {row} may have created a customer that was not found; look for it in HelpCrunch"
        ));
    }
}
