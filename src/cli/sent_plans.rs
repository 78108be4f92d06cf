//! The account's list of plans that were sent: each is applied once.

use serde::{Deserialize, Serialize};

use crate::journal::AccountDir;
use crate::platform::{read_file, write_whole};

use super::exit::{Failure, OrFail as _};

const SENT_PLANS: &str = "sent-plans.jsonl";

/// Enough for a nightly run over years.
const MAX_SENT_PLANS: usize = 2_000;

#[derive(Debug, Serialize, Deserialize)]
struct SentPlan {
    digest: String,
    run_id: String,
    at: String,
}

/// Returns the id of the run that sent a plan last, or `None` if it was not sent.
pub(super) fn run_that_sent(account: &AccountDir, digest: &str) -> Result<Option<String>, Failure> {
    let text = read_file(&account.file(SENT_PLANS)).or_not_finished("state")?;
    let text = text.unwrap_or_default();
    let lines = text.split(|b| *b == b'\n');
    let plans = lines.filter_map(|line| serde_json::from_slice::<SentPlan>(line).ok());
    Ok(plans
        .filter(|plan| plan.digest == digest)
        .map(|plan| plan.run_id)
        .next_back())
}

/// Adds a plan to the list; `at` is the time in RFC 3339.
pub(super) fn record_sent_plan(
    account: &AccountDir,
    digest: &str,
    run_id: &str,
    at: String,
) -> Result<(), Failure> {
    let path = account.file(SENT_PLANS);
    let text = read_file(&path).or_not_finished("state")?;
    let text = text.unwrap_or_default();
    let lines: Vec<&[u8]> = text
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .collect();
    let plan = SentPlan {
        digest: digest.to_owned(),
        run_id: run_id.to_owned(),
        at,
    };
    let plan = serde_json::to_vec(&plan).or_not_finished("state")?;
    let oldest = lines.len().saturating_sub(MAX_SENT_PLANS);
    let mut next = Vec::with_capacity(text.len() + plan.len() + 2);
    for line in lines.into_iter().skip(oldest).chain([plan.as_slice()]) {
        next.extend_from_slice(line);
        next.push(b'\n');
    }
    write_whole(&path, &next).or_not_finished("state")
}
