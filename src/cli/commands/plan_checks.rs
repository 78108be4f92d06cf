//! Checks that a saved plan may be applied: it is intact, approved, for this account, and was not sent yet.

use std::path::Path;

use crate::cli::account::PlanAccount;
use crate::cli::account_session::AccountSession;
use crate::cli::args::ApplyArgs;
use crate::cli::connection::Target;
use crate::cli::exit::{Exit, Failure, chain};
use crate::cli::sent_plans::run_that_sent;
use crate::cli::shell::path_option;
use crate::domain::RunId;
use crate::journal::AccountId;
use crate::plan::codec::PlanFileError;

use super::saved_plan::SavedPlan;

/// Opens the plan, and checks that it is complete, unchanged and the one with the digest that was approved.
pub(super) fn open_plan(args: &ApplyArgs) -> Result<SavedPlan, Failure> {
    let plan = SavedPlan::open(&args.plan).map_err(|e| bad_plan(&args.plan, &e))?;
    let digest = &plan.verified.end.sha256;
    match &args.digest {
        Some(approved) if !approved.eq_ignore_ascii_case(digest) => Err(cannot_use(
            &args.plan,
            &format!(
                "its digest is {digest}, and --digest asks for {approved}: it is another plan"
            ),
        )),
        _ => Ok(plan),
    }
}

pub(super) fn bad_plan(path: &Path, error: &PlanFileError) -> Failure {
    cannot_use(path, &chain(error))
}

fn cannot_use(path: &Path, why: &str) -> Failure {
    let message = format!("the plan {} cannot be used: {why}", path.display());
    Failure::new(Exit::Usage, "bad_plan", message)
}

/// Refuses a plan that was made against another address. The API key must not be sent to an address from a file.
pub(super) fn check_address(plan: &SavedPlan, target: &Target) -> Result<(), Failure> {
    let planned = &plan.verified.header.base_url;
    if *planned == target.base_url_text || target.is_sandbox {
        return Ok(());
    }
    let message = format!(
        "the plan is for {planned}, but requests would go to {}",
        target.base_url_text
    );
    Err(Failure::usage(message).hint(
        "make the plan again for the address that is configured here; only if the plan's address is your own, name it \
         with --base-url: your API key is sent there",
    ))
}

pub(super) fn check_unsent(
    args: &ApplyArgs,
    account: &AccountSession,
    plan: &SavedPlan,
) -> Result<(), Failure> {
    let Some(run) = run_that_sent(&account.dir, &plan.verified.end.sha256)? else {
        return Ok(());
    };
    let id = RunId::new(&run).ok();
    let meta = id.and_then(|id| account.state.run(&id).ok()?.read_meta().ok());
    let is_open = meta.is_some_and(|meta| meta.is_open());
    let applied = match is_open {
        true => "is partly applied",
        false => "was applied already",
    };
    let message = format!("{}: this plan {applied}, by run {run}", args.plan.display());
    let failure = Failure::usage(message);
    if !is_open {
        return Err(failure.hint("make the plan again to see what is left to do"));
    }
    let state_dir = args.account.state.state_dir.as_deref();
    let state_dir = state_dir.map(|dir| format!(" {}", path_option("--state-dir", dir)));
    // In the summary, so that a program can continue too.
    let resume = format!("hcsync resume {run}{}", state_dir.unwrap_or_default());
    Err(failure.or_next(Some(&resume)))
}

pub(super) async fn check_account(
    args: &ApplyArgs,
    account: &AccountSession,
    plan: &SavedPlan,
) -> Result<(), Failure> {
    account.check_key().await?;
    let header = &plan.verified.header;
    let id = header.account.as_deref().map(AccountId::from_text);
    let plan_account = PlanAccount {
        id: id.as_ref(),
        key: header.key.as_deref(),
    };
    let same_account = args.same_account.same_account;
    account.check_plan(plan_account, same_account).await
}
