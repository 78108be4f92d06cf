//! A sync that sent nothing can be planned anew: what is kept of how it was started, and how it is started again.

use std::path::{Path, PathBuf};

use crate::journal::RunMeta;

use super::args::{
    BudgetArgs, ChangesArg, ConfigArgs, ConnectionArgs, ReportArgs, ResultsArg, ResumeArgs,
    SyncArgs,
};
use super::kept::KeptSettings;

/// How a sync was started, with what it means wherever it is planned anew: whole paths, and no bounds of that one run.
pub(super) fn started(args: &SyncArgs, config: Option<&Path>) -> Option<serde_json::Value> {
    let absolute = |path: &PathBuf| match path.as_os_str() == "-" {
        true => path.clone(),
        false => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
    };
    let mut args = SyncArgs {
        inputs: args.inputs.iter().map(absolute).collect(),
        budget: BudgetArgs::default(),
        ..args.clone()
    };
    args.config.config = config.map(Path::to_owned);
    let files = [
        &mut args.config.config,
        &mut args.state.state_dir,
        &mut args.decisions.decisions,
        &mut args.report.results.results,
        &mut args.report.rejected,
        &mut args.report.changes.changes,
        &mut args.report.summary,
    ];
    for file in files {
        *file = file.as_ref().map(absolute);
    }
    serde_json::to_value(args).ok()
}

/// The arguments of a sync as it is started again: what is said now goes before what was said then.
pub(super) fn anew(
    then: SyncArgs,
    args: &ResumeArgs,
    meta: &RunMeta,
    kept: &KeptSettings,
) -> SyncArgs {
    let (now, report) = (&args.connection, &args.report);
    let connection = ConnectionArgs {
        base_url: now.base_url.clone().or(Some(meta.base_url.clone())),
        account: now.account.clone().or(kept.account_name.clone()),
        requests_per_minute: now.requests_per_minute.or(Some(kept.requests_per_minute)),
        concurrency: now.concurrency.or(Some(kept.concurrency)),
    };
    let report = ReportArgs {
        results: ResultsArg {
            results: report
                .results
                .results
                .clone()
                .or(then.report.results.results),
        },
        rejected: report.rejected.clone().or(then.report.rejected),
        changes: ChangesArg {
            changes: report
                .changes
                .changes
                .clone()
                .or(then.report.changes.changes),
        },
        summary: report.summary.clone().or(then.report.summary),
    };
    SyncArgs {
        config: ConfigArgs {
            config: args.config.config.clone().or(then.config.config),
        },
        state: args.state.clone(),
        connection,
        budget: args.budget.clone(),
        report,
        output: args.output.clone(),
        progress: args.progress.clone(),
        log: args.log.clone(),
        ..then
    }
}
