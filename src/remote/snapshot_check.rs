//! Whether the stored snapshot may be used.

use std::time::Duration;

use jiff::Timestamp;

use crate::helpcrunch::CustomerPage;

use super::listing::CustomerSink;
use super::reading::Reading;
use super::side::{RemoteError, RemoteSettings};
use super::snapshot::{SnapshotError, SnapshotFacts, SnapshotFiles};
use super::strategy::{DOCUMENTED_PAGE, Strategy};

/// An account that has grown or shrunk by more than one customer in this many (and by more than a page) since the
/// snapshot may be another one.
const MAX_CHANGE_ONE_IN: u64 = 10;

/// A snapshot that may be used.
#[derive(Debug, Clone)]
pub(super) struct UsableSnapshot {
    pub(super) facts: SnapshotFacts,
    /// A sentence for the preview.
    pub(super) note: Option<String>,
}

/// Returns whether the snapshot may be used, as far as that can be decided without a request.
pub fn may_use_snapshot(
    snapshot: Option<&mut SnapshotFiles>,
    settings: &RemoteSettings,
    now: Timestamp,
) -> bool {
    let is_wanted = matches!(settings.strategy, Strategy::Auto | Strategy::Snapshot);
    let is_usable =
        |snapshot| usable_facts(snapshot, settings, now, None).is_ok_and(|facts| facts.is_ok());
    is_wanted && !settings.refresh && snapshot.is_some_and(is_usable)
}

/// Decides whether the snapshot may be used, and loads it into the reading if so, updated with the first page. Otherwise the
/// reading is empty, and the reason is returned.
pub(super) fn check_snapshot(
    snapshot: Option<&mut SnapshotFiles>,
    settings: &RemoteSettings,
    now: Timestamp,
    first: &CustomerPage,
    mut reading: Reading,
) -> Result<(Reading, Result<UsableSnapshot, String>), RemoteError> {
    let total = first.known_total();
    let shown = first.customers.len() as u64;
    let is_whole = match total {
        Some(total) => total <= shown,
        // A short first page is the whole account.
        None => shown < u64::from(DOCUMENTED_PAGE),
    };
    let unusable = |reading: Reading, why: String| Ok((reading.emptied(), Err(why)));
    let why = match (&snapshot, settings.strategy) {
        _ if settings.refresh => Some("--refresh asks for a new reading"),
        (_, Strategy::List | Strategy::Lookup) => Some("remote.strategy asks for another method"),
        (_, Strategy::Auto) if is_whole => Some("the first page already shows all customers"),
        (None, _) => Some("snapshots are not available here, or another process is using it"),
        (Some(_), _) => None,
    };
    let snapshot = match (snapshot, why) {
        (Some(snapshot), None) => snapshot,
        (_, why) => return unusable(reading, why.unwrap_or_default().to_owned()),
    };
    let facts = match usable_facts(snapshot, settings, now, total) {
        Ok(Ok(facts)) => facts,
        Ok(Err(why)) => return unusable(reading, why),
        Err(error) => return unusable(reading, warn(&error)),
    };
    match load(snapshot, &mut reading, first) {
        Ok(None) => {}
        Ok(Some(why)) => return unusable(reading, why),
        Err(error) => return unusable(reading, warn(&error)),
    }
    let note = total.filter(|total| *total != facts.customers).map(|total| {
        format!(
            "the account has {total} customers, and the snapshot has {}; to read all customers again, use --refresh",
            facts.customers
        )
    });
    Ok((reading, Ok(UsableSnapshot { facts, note })))
}

/// Returns the facts of the snapshot, or why it cannot be used.
fn usable_facts(
    snapshot: &mut SnapshotFiles,
    settings: &RemoteSettings,
    now: Timestamp,
    total: Option<u64>,
) -> Result<Result<SnapshotFacts, String>, SnapshotError> {
    let Some(store) = snapshot.open()? else {
        return Ok(Err("there is no snapshot".into()));
    };
    let facts = store.facts();
    let Ok(age) = Duration::try_from(now.duration_since(facts.as_of)) else {
        return Ok(Err("its time is in the future".into()));
    };
    if age > settings.snapshot_max_age {
        let (age, max) = (rough_time(age), rough_time(settings.snapshot_max_age));
        return Ok(Err(format!(
            "it is {age} old, and remote.snapshot_max_age is {max}"
        )));
    }
    let total = total.unwrap_or(facts.customers);
    let change = total.abs_diff(facts.customers);
    let is_large = change * MAX_CHANGE_ONE_IN > total.max(facts.customers);
    if change > u64::from(DOCUMENTED_PAGE) && is_large {
        return Ok(Err(format!(
            "the account has {total} customers, and the snapshot has {}",
            facts.customers
        )));
    }
    Ok(Ok(facts))
}

fn rough_time(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match minutes {
        0 => format!("{} s", time.as_secs()),
        1..120 => format!("{minutes} min"),
        _ => format!("{} h", minutes / 60),
    }
}

/// Adds the snapshot's customers to the first page. Returns the reason if the two seem to be of different accounts.
fn load(
    snapshot: &mut SnapshotFiles,
    reading: &mut Reading,
    first: &CustomerPage,
) -> Result<Option<String>, SnapshotError> {
    let Some(store) = snapshot.open()? else {
        return Ok(Some("there is no snapshot".into()));
    };
    if let Some(stored) = store.fingerprinter() {
        reading.share_fingerprints(stored);
    }
    reading.put_page(first)?;
    let in_both = store.load(reading)?;
    let is_foreign = in_both * 2 < first.customers.len() as u64;
    Ok(is_foreign.then(|| "it does not have the customers of the first page".into()))
}

fn warn(error: &SnapshotError) -> String {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "the snapshot cannot be used; reading the account again"
    );
    error.to_string()
}
