//! What an account remembers between runs: what was written to its customers, and values that HelpCrunch changed.

use std::collections::BTreeMap;

use crate::journal::{AccountDir, RunDir, RunMeta};
use crate::plan::Salt;
use crate::platform::{read_file, write_whole};
use crate::run::learning;
use crate::run::memory::{Memory, ServerOverride};

use super::exit::{Failure, OrFail as _};

/// The account's file of values that HelpCrunch did not keep as they were sent.
const REWRITES: &str = "rewrites.jsonl";

/// Loads the account's memory and the number of its finished runs.
pub(super) fn load_memory(account: &AccountDir) -> Result<(Memory, u64), Failure> {
    let mut memory = Memory::default();
    for rewrite in read_rewrites(account)? {
        memory.learn(rewrite);
    }
    let memory = memory.with_written(account.written());
    let finished_runs = account.read()?.map_or(0, |meta| meta.finished_runs);
    Ok((memory, finished_runs))
}

/// Adds to the account's rewrites. Only the latest of each value is kept.
pub(super) fn save_rewrites(
    account: &AccountDir,
    rewrites: &[ServerOverride],
) -> Result<(), Failure> {
    if rewrites.is_empty() {
        return Ok(());
    }
    let mut latest = BTreeMap::new();
    for rewrite in read_rewrites(account)?
        .into_iter()
        .chain(rewrites.iter().cloned())
    {
        latest.insert((rewrite.customer, rewrite.field.clone()), rewrite);
    }
    let mut text = Vec::new();
    for rewrite in latest.values() {
        text.extend(serde_json::to_vec(rewrite).unwrap_or_default());
        text.push(b'\n');
    }
    write_whole(&account.file(REWRITES), &text).or_not_finished("state")
}

fn read_rewrites(account: &AccountDir) -> Result<Vec<ServerOverride>, Failure> {
    let text = read_file(&account.file(REWRITES)).or_not_finished("state")?;
    let text = text.unwrap_or_default();
    let lines = text.split(|b| *b == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

/// Adds what a run wrote to the account's memory.
pub(super) fn learn_written(
    dir: &RunDir,
    meta: &RunMeta,
    account: &AccountDir,
    is_over: bool,
) -> Result<(), Failure> {
    learning::learn(dir, &meta.run_id, is_over, &account.written(), new_salt())
        .or_not_finished("state")
}

/// A salt for an account that has none yet.
pub(super) fn new_salt() -> Salt {
    std::array::from_fn(|_| fastrand::u8(..))
}
