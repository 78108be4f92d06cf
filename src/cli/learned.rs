//! What runs learn about an account's API on the way, so that the next run does not have to learn it again.

use serde::{Deserialize, Serialize};

use crate::helpcrunch::ReadClient;
use crate::journal::AccountDir;
use crate::platform;
use crate::probe::Findings;

use super::exit::Cause;

const LEARNED: &str = "learned.json";

/// The account's `learned.json`. What it does not have, or what cannot be read, is learned again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Learned {
    /// Number of filters that a search accepted after it had refused more.
    search_filters: Option<u64>,
    /// What answers show of tags and custom data ([`ReadClient::shown_members`]).
    shown_members: u16,
}

/// Sets the client's limits by what earlier runs and a probe learned.
pub(super) fn load(client: &ReadClient, account: Option<&AccountDir>, findings: &Findings) {
    let learned = account.map(read).unwrap_or_default();
    client.add_shown_members(learned.shown_members);
    for max in [learned.search_filters, findings.max_filters()]
        .into_iter()
        .flatten()
    {
        client.limit_filters(max);
    }
    if let Some(page) = findings.page_size() {
        client.set_page_size(page);
    }
}

/// Saves what the client learned. A failure is only logged: it costs the next run a
/// request.
pub(super) fn save(client: &ReadClient, account: Option<&AccountDir>) {
    let Some(account) = account.filter(|_| client.gate().stats().total > 0) else {
        return;
    };
    let learned = Learned {
        search_filters: match client.has_learned_limit() {
            true => Some(client.max_filters()),
            false => read(account).search_filters,
        },
        shown_members: client.shown_members(),
    };
    let json = serde_json::to_vec(&learned).unwrap_or_default();
    if let Err(error) = platform::write_whole(&account.file(LEARNED), &json) {
        let error: &Cause = &error;
        tracing::debug!(error, "{LEARNED} could not be written");
    }
}

/// What is known of members that answers leave out ([`ReadClient::shown_members`]).
pub(super) fn shown_members(account: &AccountDir) -> u16 {
    read(account).shown_members
}

fn read(account: &AccountDir) -> Learned {
    let text = platform::read_file(&account.file(LEARNED));
    let text = text.ok().flatten().unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}
