//! Whether the snapshot that is kept may be used, and what it does not know.

use std::time::Duration;

use jiff::Timestamp;

use crate::helpcrunch::Page;

use super::listing::Gathering;
use super::lookup::WantedKeys;
use super::reading::Reading;
use super::side::{Inquiry, RemoteError, RemoteSettings};
use super::snapshot::{SnapshotError, SnapshotFacts, SnapshotFiles};
use super::strategy::{PAGE, Strategy};

/// The account may have grown or shrunk by one in so many since the snapshot, or by a page; beyond that it may be
/// another one.
const ONE_MOVED_IN: u64 = 10;

/// What came of looking at the snapshot.
pub(super) enum Consulted {
    /// The reading holds it, with the first page over it.
    Usable {
        facts: SnapshotFacts,
        /// The rows' keys that nobody in it has.
        unknown: WantedKeys,
        note: Option<String>,
    },
    /// Why it cannot be used. The reading holds nobody.
    Out(String),
}

/// Looks at the snapshot, and loads it into the reading where it may be used.
pub(super) fn consult(
    inquiry: Inquiry<'_>,
    first: &Page,
    total: Option<u64>,
    mut reading: Reading,
) -> Result<(Reading, Consulted), RemoteError> {
    let Inquiry {
        settings,
        snapshot,
        now,
        unknown,
        ..
    } = inquiry;
    let is_whole = total.is_some_and(|total| total <= first.customers.len() as u64);
    let out = |reading: Reading, why: String| Ok((reading.emptied(), Consulted::Out(why)));
    let snapshot = match (snapshot, settings.strategy) {
        _ if settings.refresh => return out(reading, "--refresh asks for a new reading".into()),
        (_, Strategy::List | Strategy::Lookup) => {
            return out(reading, "remote.strategy asks for another way".into());
        }
        (_, Strategy::Auto) if is_whole => {
            return out(reading, "the first page already shows all customers".into());
        }
        (None, _) => {
            return out(
                reading,
                "none can be used here, or another process has it".into(),
            );
        }
        (Some(snapshot), _) => snapshot,
    };
    let facts = match usable(snapshot, settings, now, total) {
        Ok(facts) => facts,
        Err(why) => return out(reading, why),
    };
    reading.put_page(first)?;
    match load(snapshot, &mut reading, first) {
        Ok(None) => {}
        Ok(Some(why)) => return out(reading, why),
        Err(error) => return out(reading, told(&error)),
    }
    let unknown = unknown(&reading)?;
    let note = total.filter(|total| *total != facts.customers).map(|total| {
        format!(
            "the account has {total} customers now, and the snapshot {}: --refresh reads it again",
            facts.customers
        )
    });
    let usable = Consulted::Usable {
        facts,
        unknown,
        note,
    };
    Ok((reading, usable))
}

fn usable(
    snapshot: &mut SnapshotFiles,
    settings: &RemoteSettings,
    now: Timestamp,
    total: Option<u64>,
) -> Result<SnapshotFacts, String> {
    let store = match snapshot.open() {
        Ok(Some(store)) => store,
        Ok(None) => return Err("there is none".into()),
        Err(error) => return Err(told(&error)),
    };
    let facts = store.facts();
    let Ok(age) = Duration::try_from(now.duration_since(facts.as_of)) else {
        return Err("it is from a time to come".into());
    };
    if age > settings.snapshot_max_age {
        let (hours, most) = (hours(age), hours(settings.snapshot_max_age));
        return Err(format!(
            "it is {hours} old, and remote.snapshot_max_age is {most}"
        ));
    }
    let total = total.unwrap_or(facts.customers);
    let moved = total.abs_diff(facts.customers);
    if moved > u64::from(PAGE) && moved * ONE_MOVED_IN > total.max(facts.customers) {
        return Err(format!(
            "the account has {total} customers, and it {}",
            facts.customers
        ));
    }
    Ok(facts)
}

fn hours(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match minutes {
        0 => format!("{} s", time.as_secs()),
        1..120 => format!("{minutes} min"),
        _ => format!("{} h", minutes / 60),
    }
}

/// Loads it over the first page; tells where they are not of one account.
fn load(
    snapshot: &mut SnapshotFiles,
    reading: &mut Reading,
    first: &Page,
) -> Result<Option<String>, SnapshotError> {
    let Some(store) = snapshot.open()? else {
        return Ok(Some("there is none".into()));
    };
    let met = store.load(reading)?;
    let strange = met * 2 < first.customers.len() as u64;
    Ok(strange.then(|| "it does not know the customers of the first page".into()))
}

fn told(error: &SnapshotError) -> String {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "the snapshot cannot be used: the account is read afresh"
    );
    error.to_string()
}
