//! Restarting a sync that was interrupted before it sent anything: the arguments that its run saves, and those of the
//! restart.

use std::path::{Path, PathBuf};

use crate::config::Overrides;
use crate::journal::RunMeta;
use crate::objects::has_scheme;

use super::args::{BudgetArgs, ConfigArgs, ConnectionArgs, ResumeArgs, SyncArgs};
use super::saved_settings::SavedSettings;

/// The arguments of a sync that its run saves: with its inputs, absolute paths, and without the budget of that one run.
pub(super) fn restartable_args(
    args: &SyncArgs,
    inputs: &[PathBuf],
    config: Option<&Path>,
) -> Option<serde_json::Value> {
    let absolute = |path: &PathBuf| match path.as_os_str() == "-" || has_scheme(path) {
        true => path.clone(),
        false => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
    };
    let mut args = args.clone();
    args.inputs = inputs.iter().map(absolute).collect();
    let planning = &mut args.planning;
    planning.budget = BudgetArgs::default();
    planning.config = ConfigArgs {
        config: config.map(Path::to_owned),
        ..ConfigArgs::default()
    };
    let files = [
        &mut planning.config.config,
        &mut planning.state.state_dir,
        &mut planning.decisions.decisions,
        &mut planning.report.results.results,
        &mut planning.report.rejected,
        &mut planning.report.changes.changes,
        &mut planning.report.summary,
        &mut planning.report.page.report,
        &mut planning.report.out_dir,
    ];
    for file in files {
        *file = file.as_ref().map(absolute);
    }
    serde_json::to_value(args).ok()
}

/// The arguments of a restarted sync: those of `resume` override those that were saved.
pub(super) fn restarted_args(
    mut started: SyncArgs,
    args: &ResumeArgs,
    meta: &RunMeta,
    saved: &SavedSettings,
) -> SyncArgs {
    let ConnectionArgs {
        base_url,
        account,
        requests_per_minute,
        concurrency,
    } = args.connection.clone();
    let planning = &mut started.planning;
    planning.connection = ConnectionArgs {
        base_url: base_url.or(Some(meta.base_url.clone())),
        account: account.or(saved.account_name.clone()),
        requests_per_minute: requests_per_minute.or(Some(saved.requests_per_minute)),
        concurrency: concurrency.or(Some(saved.concurrency)),
    };
    planning.state.clone_from(&args.state);
    planning.budget.clone_from(&args.budget);
    if Overrides::from(&args.config).is_config_named() {
        planning.config.clone_from(&args.config);
    }
    let (before, now) = (&mut planning.report, &args.report);
    for (before, now) in [
        (&mut before.results.results, &now.results.results),
        (&mut before.rejected, &now.rejected),
        (&mut before.changes.changes, &now.changes.changes),
        (&mut before.summary, &now.summary),
        (&mut before.page.report, &now.page.report),
        (&mut before.out_dir, &now.out_dir),
    ] {
        if now.is_some() {
            before.clone_from(now);
        }
    }
    started.ask.yes |= args.ask.yes;
    started.ask.confirm |= args.ask.confirm;
    SyncArgs {
        output: args.output.clone(),
        progress: args.progress.clone(),
        log: args.log.clone(),
        ..started
    }
}
