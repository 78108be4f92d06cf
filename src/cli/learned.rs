//! What runs learn of an account's API on their way, so that the next one need not run into it again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::helpcrunch::ReadClient;
use crate::journal::AccountDir;
use crate::pace::Clock;
use crate::platform;
use crate::probe::Findings;

use super::connection::Target;

const LEARNED: &str = "learned.json";

/// The account's `learned.json`. Whatever is not in it, or cannot be read, is learned again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Learned {
    /// Filters that one search took after it had refused more.
    search_filters: Option<u64>,
    /// When the last request was sent, in milliseconds since 1970: the pace goes on from run to run.
    last_request_ms: Option<i64>,
}

/// Tells the client what earlier runs and a probe learned.
pub(super) fn recall(
    client: &ReadClient,
    target: &Target,
    account: &AccountDir,
    probed: &Findings,
    clock: Clock,
) {
    let learned = read(target, account);
    if let Some(last) = learned.last_request_ms {
        // A clock that went back tells nothing.
        let ago = clock.wall().as_millisecond().checked_sub(last);
        let ago = ago.and_then(|ms| u64::try_from(ms).ok());
        ago.iter()
            .for_each(|ms| client.gate().follow(Duration::from_millis(*ms)));
    }
    for most in [learned.search_filters, probed.most_filters()]
        .into_iter()
        .flatten()
    {
        client.limit_filters(most);
    }
    if let Some(page) = probed.page_size() {
        client.ask_for_pages_of(page);
    }
}

/// Keeps what the client learned, and how long ago it sent its last request. That it cannot be kept costs the next
/// run a request.
pub(super) fn keep(client: &ReadClient, target: &Target, account: &AccountDir, clock: Clock) {
    let Some(last) = client.gate().stats().last_at.filter(|_| !target.is_sandbox) else {
        return;
    };
    let before = read(target, account);
    let ago = clock.now().saturating_duration_since(last).as_millis();
    let ago = i64::try_from(ago).unwrap_or(i64::MAX);
    let learned = Learned {
        search_filters: match client.has_learned() {
            true => Some(client.most_filters()),
            false => before.search_filters,
        },
        last_request_ms: Some(clock.wall().as_millisecond().saturating_sub(ago)),
    };
    let json = serde_json::to_vec(&learned).unwrap_or_default();
    if let Err(error) = platform::write_whole(&account.file(LEARNED), &json) {
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::debug!(error, "what was learned of the API could not be kept");
    }
}

fn read(target: &Target, account: &AccountDir) -> Learned {
    if target.is_sandbox {
        return Learned::default();
    }
    let text = platform::read_file(&account.file(LEARNED));
    let text = text.ok().flatten().unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}
