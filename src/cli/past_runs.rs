//! What an account's earlier runs say, for those who are called about the newest.

use crate::config::Settings;
use crate::journal::{AccountId, RunMeta, RunState};
use crate::notify::PastRuns;

use super::state::state_dir;

/// Returns what the runs of an account that could write say. Runs that cannot be read do not count.
pub(super) fn past_runs(settings: &Settings, account: &AccountId) -> PastRuns {
    let runs = state_dir(settings).ok().and_then(|s| s.list_runs().ok());
    let runs = runs.into_iter().flatten();
    let metas = runs.filter_map(|run| run.meta.ok());
    let ours = metas.filter(|meta| !meta.dry_run && meta.account.as_ref() == Some(account));
    let ours: Vec<RunMeta> = ours.collect();
    let success = ours.iter().find(|meta| is_success(meta));
    PastRuns {
        has_failed_before: ours.first().is_some_and(has_failed),
        last_success: success.and_then(|meta| meta.ended_at.clone()),
        first_run: ours.last().map(|meta| meta.created_at.clone()),
    }
}

fn is_success(meta: &RunMeta) -> bool {
    meta.state == RunState::Finished && meta.exit_code == Some(0)
}

/// A run that stopped where it was asked to (exit code 7) has not failed. One without an exit code crashed.
fn has_failed(meta: &RunMeta) -> bool {
    !is_success(meta) && meta.exit_code != Some(7)
}
