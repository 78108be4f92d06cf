//! What runs learn of an account's API on their way, so that the next one need not run into it again.

use serde::{Deserialize, Serialize};

use crate::helpcrunch::ReadClient;
use crate::journal::AccountDir;
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
}

/// Tells the client what earlier runs and a probe learned.
pub(super) fn recall(
    client: &ReadClient,
    target: &Target,
    account: &AccountDir,
    probed: &Findings,
) {
    let learned = read(target, account).search_filters;
    for most in [learned, probed.most_filters()].into_iter().flatten() {
        client.limit_filters(most);
    }
    if let Some(page) = probed.page_size() {
        client.ask_for_pages_of(page);
    }
}

/// Keeps what the client learned. That it cannot be kept costs the next run a request.
pub(super) fn keep(client: &ReadClient, target: &Target, account: &AccountDir) {
    let learned = Learned {
        search_filters: Some(client.most_filters()),
    };
    let is_news = client.has_learned() && learned != read(target, account);
    if target.is_sandbox || !is_news {
        return;
    }
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
