//! What an account remembers from run to run of what was written to its customers, and of values that it does not keep.

use std::collections::BTreeMap;

use crate::journal::{AccountDir, RunDir, RunMeta};
use crate::plan::Salt;
use crate::run::memory::{Memory, Rewrite};

use super::account::remember_account;
use super::exit::{Cause, Exit, Failure};
use super::sending::EndOf;
use super::session::state_failure;

/// The name of the account's file of values that HelpCrunch does not keep.
const REWRITES: &str = "rewrites.jsonl";

/// What the account remembers for its next runs.
pub(super) fn remember(
    end: &EndOf<'_>,
    rewrites: &[Rewrite],
    finished: bool,
) -> Result<(), Failure> {
    let Some(account) = end.at.lasting() else {
        return Ok(());
    };
    let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "state", e);
    if !rewrites.is_empty() {
        let path = account.file(REWRITES);
        let known = crate::platform::read_file(&path).map_err(|e| failed(&e))?;
        let known = known_rewrites(&known.unwrap_or_default());
        // The latest of each value is all that is ever asked for.
        let mut latest = BTreeMap::new();
        for rewrite in known.into_iter().chain(rewrites.iter().cloned()) {
            latest.insert((rewrite.customer, rewrite.field.clone()), rewrite);
        }
        let mut text = Vec::new();
        for rewrite in latest.values() {
            text.extend(serde_json::to_vec(rewrite).unwrap_or_default());
            text.push(b'\n');
        }
        crate::platform::write_whole(&path, &text).map_err(|e| failed(&e))?;
    }
    let name = end.settings.api.account.as_deref();
    remember_account(account, &end.at.target, name, end.witness, finished)
}

fn known_rewrites(text: &[u8]) -> Vec<Rewrite> {
    let lines = text.split(|b| *b == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

/// Takes over what a run wrote into what the account remembers of its customers.
pub(super) fn learn(
    dir: &RunDir,
    meta: &RunMeta,
    account: &AccountDir,
    over: bool,
) -> Result<(), Failure> {
    crate::run::learning::learn(dir, &meta.run_id, over, &account.written(), new_salt())
        .map_err(|e| Failure::from_error(Exit::NotFinished, "state", &e))
}

/// For what is remembered of an account for the first time.
pub(super) fn new_salt() -> Salt {
    std::array::from_fn(|_| fastrand::u8(..))
}

/// What the account remembers of values that were not kept, and how many runs it finished.
pub(super) fn recall(account: &AccountDir) -> Result<(Memory, u64), Failure> {
    let mut memory = Memory::default();
    let text = crate::platform::read_file(&account.file(REWRITES))
        .map_err(|e| Failure::from_error(Exit::NotFinished, "state", &e))?;
    for rewrite in known_rewrites(&text.unwrap_or_default()) {
        memory.learn(rewrite);
    }
    let meta = account.read().map_err(|e| state_failure(&e))?;
    let memory = memory.with_written(account.written());
    Ok((memory, meta.map_or(0, |m| m.finished_runs)))
}
