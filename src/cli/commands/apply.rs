//! `hcsync apply`: applies a saved plan exactly as saved.

use crate::cli::account_session::AccountSession;
use crate::cli::args::ApplyArgs;
use crate::cli::command_runner::CommandRunner;
use crate::cli::confirmation::require_terminal;
use crate::cli::connection::Target;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::overlap::FilesInUse;
use crate::cli::reports::ReportPaths;
use crate::cli::saved_settings::SavedSettings;
use crate::cli::session::Session;
use crate::cli::source_settings::source_settings;
use crate::run::rereading::Rereading;

use super::apply_context::ApplyContext;
use super::plan_checks::{check_account, check_address, check_unsent, open_plan};

pub(in crate::cli) async fn run(args: &ApplyArgs) -> Exit {
    let console = Console::from(&args.console);
    let files = FilesInUse::of(&[], &args.account.config).reads("the plan", &args.plan);
    let work = async |session: &mut Session| apply(session, args).await;
    CommandRunner::new("apply", console)
        .reports(Ok(files), &args.report)
        .run(work)
        .await
}

async fn apply(session: &mut Session, args: &ApplyArgs) -> Result<Exit, Failure> {
    let loaded = session.load(&args.overrides())?;
    let saved = SavedSettings::of_config(&loaded);
    let settings = loaded.settings;
    let paths = ReportPaths::checked(&settings)?;
    require_terminal(&args.ask)?;
    let plan = open_plan(args)?;
    let inputs = plan.verified.header.inputs.iter();
    let inputs = FilesInUse::of_inputs(inputs.map(|input| input.path.as_str()));
    session.check_overlap(inputs, &args.report)?;
    session.summary.plan_digest = Some(plan.verified.end.sha256.clone());
    let target = Target::find(&settings, &session.console).await?;
    session.set_target(&settings, &target);
    check_address(&plan, &target)?;
    let account = AccountSession::open_to_write(session, &settings, target).await?;
    check_unsent(args, &account, &plan)?;
    check_account(args, &account, &plan).await?;
    let mut knowledge = account.load_knowledge(session)?;
    account.add_recent_keys(session, &settings, &mut knowledge)?;
    let context = ApplyContext {
        args,
        settings,
        paths,
        plan,
        account,
    };
    let (preview, figures) = context.show(session, &knowledge)?;
    context.admit(session, &preview, &figures).await?;
    let source = source_settings(&context.settings.input)?;
    let mut inputs = Rereading::new(context.plan.verified.header.readable_inputs(), &source);
    let saved = SavedSettings {
        undoes: context.plan.verified.header.undoes.clone(),
        ..saved.of_account(&context.settings, inputs.dialects())
    };
    let run = context.open_run(session, &saved, &mut inputs)?;
    Box::pin(context.send(session, run, saved, knowledge, &preview)).await
}
