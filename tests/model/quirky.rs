//! Against a server that behaves in every way that the documentation leaves open, and agents who edit meanwhile: each
//! row is done as the model says or has honestly failed, and what no row speaks of stays.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use fastrand::Rng;
use hcsync::outcome::{RowResult, RowStatus};
use hcsync::sandbox::{Quirks, Schedule};
use serde_json::Value;

use super::agents::{Agents, Edit};
use super::case::Case;
use super::customer::Customer;
use super::generator;
use super::model::{self, KnownProperties, Outcome, RowOutcome, Status};
use super::plain::from_environment;
use super::setup::Strategy;
use super::syncing::{customers, status, was_not_told, world};
use super::world::{Ended, simulate};

/// Every switch with its positions. Three filters in a search are the fewest: a key within a range of ids.
const SWITCHES: [(&str, &[&str]); 56] = [
    ("window", &["fixed", "sliding", "bucket"]),
    ("retry-after", &["none", "seconds", "date"]),
    ("rate-limit-headers", &["false", "true"]),
    ("latency-ms", &["0", "700"]),
    ("error-codes", &["current", "older"]),
    ("patch-custom-data", &["merge", "replace"]),
    ("put-custom-data", &["merge", "replace"]),
    ("batch-custom-data", &["merge", "replace"]),
    // What it wipes is lost, which only a canary shows.
    ("patch-wipes", &[""]),
    ("put-unnamed", &["keep", "reset"]),
    ("batch-unnamed", &["keep", "reset"]),
    ("create-tags", &["add", "replace", "ignore"]),
    ("patch-tags", &["add", "replace", "ignore"]),
    ("put-tags", &["add", "replace", "ignore"]),
    ("batch-tags", &["add", "replace", "ignore"]),
    (
        "create-ignores",
        &["", "lastSeen,blocked,tags", "customData,name,unsubscribed"],
    ),
    ("create-refuses", &["", "lastSeen,blocked,referer"]),
    (
        "create-taken-user-id",
        &["second", "update-first", "refuse"],
    ),
    ("update-taken-user-id", &["accept", "refuse"]),
    ("userid-unique", &["false", "false", "true"]),
    ("firewall", &["", "says this nowhere"]),
    ("search-404", &["false", "true"]),
    ("update-answer", &["customer", "empty", "no-content"]),
    ("max-offset", &["0", "5"]),
    ("missing-members", &["empty", "null", "left-out"]),
    ("legacy-fields", &["accept", "refuse"]),
    ("email-search", &["sensitive", "insensitive"]),
    ("tag-names", &["sensitive", "insensitive"]),
    ("tag-colour", &["first", "latest"]),
    ("search-lag-ms", &["0", "4000"]),
    ("list-lag-ms", &["0", "4000"]),
    ("max-filters", &["0", "3", "7"]),
    ("page-limit", &["cap", "accept", "refuse"]),
    ("page-limit-max", &["100", "2"]),
    ("list-offset", &["honoured", "ignored"]),
    ("total", &["present", "absent-in-list", "absent"]),
    ("ties", &["stable", "shuffled"]),
    ("dates", &["string", "integer"]),
    ("custom-dates", &["integer", "text"]),
    ("custom-data", &["object", "array"]),
    ("listing-custom-data", &["present", "missing"]),
    ("listing-tags", &["present", "missing"]),
    ("emptied-text", &["null", "empty"]),
    ("cleared-property", &["absent", "null"]),
    ("undefined-property", &["make", "ignore", "refuse"]),
    ("defined-properties", &["", "plan,mrr"]),
    ("phone", &["as-sent", "normalised"]),
    ("text", &["as-sent", "trimmed"]),
    ("email", &["as-sent", "lower-cased"]),
    (
        "never-stored",
        &["", "name,customData.plan", "tags", "email,unsubscribed"],
    ),
    ("batch-answer", &["customers", "data", "count", "nothing"]),
    ("batch-bad-entry", &["fail-all", "pass-good"]),
    ("server-limit", &["6000", "60"]),
    ("agents", &["none", "busy"]),
    ("organization", &["", "Example Inc."]),
    ("text-limit", &["0", "4"]),
];

/// Switches in whose positions the server refuses or does not keep what it is sent; rows may fail with them, and with
/// no other.
const HINDRANCES: [(&str, &str); 11] = [
    ("undefined-property", "ignore"),
    ("undefined-property", "refuse"),
    ("phone", "normalised"),
    ("never-stored", "name,customData.plan"),
    ("never-stored", "tags"),
    ("never-stored", "email,unsubscribed"),
    ("tag-names", "insensitive"),
    ("update-taken-user-id", "refuse"),
    ("create-refuses", "lastSeen,blocked,referer"),
    ("missing-members", "left-out"),
    ("text-limit", "4"),
];

/// Two that belong to the bench and not to [`Quirks`].
const OWN: [&str; 2] = ["server-limit", "agents"];

type Positions = Vec<(&'static str, &'static str)>;

#[test]
fn every_switch_is_tried_in_every_position() {
    let table = toml::Table::try_from(Quirks::default()).unwrap();
    let mut known: Vec<&str> = table.keys().map(String::as_str).chain(OWN).collect();
    let mut tried: Vec<&str> = SWITCHES.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    tried.sort_unstable();
    assert_eq!(tried, known);
    let mut seen = Seen::default();
    for (name, positions) in SWITCHES {
        for position in positions {
            for seed in 1..=from_environment("HCSYNC_MODEL_SWITCH_CASES", 8) {
                run(seed * 7_919, &vec![(name, *position)], &mut seen);
            }
        }
    }
    seen.is_lively();
}

#[test]
fn random_sets_of_switches_lose_nothing() {
    let mut seen = Seen::default();
    let first = from_environment("HCSYNC_MODEL_SEED", 1);
    let cases = from_environment("HCSYNC_MODEL_SETS", 350);
    for seed in (first..).take(usize::try_from(cases).unwrap()) {
        let mut rng = Rng::with_seed(seed);
        let mut set = Positions::new();
        for (name, positions) in SWITCHES {
            if rng.u32(0..100) < 25 {
                set.push((name, positions[rng.usize(..positions.len())]));
            }
        }
        // A page of 100 is the largest that was seen, so that no server refuses that.
        if set.contains(&("page-limit", "refuse")) {
            set.retain(|position| *position != ("page-limit-max", "2"));
        }
        run(seed, &set, &mut seen);
    }
    seen.is_lively();
}

#[derive(Debug, Default)]
struct Seen {
    done: usize,
    failed: usize,
    edits: usize,
}

impl Seen {
    fn is_lively(&self) {
        assert!(self.done > 200 && self.failed > 10, "{self:?}");
        assert!(self.edits > 5, "{self:?}");
        assert!(self.failed < self.done, "{self:?}");
    }
}

fn run(seed: u64, set: &Positions, seen: &mut Seen) {
    let case = generator::case(seed);
    let fails = |case: &Case, seen: &mut Seen| {
        let checked = catch_unwind(AssertUnwindSafe(|| check(case, set, seen)));
        checked
            .unwrap_or_else(|_| Err("a panic, shown above".to_owned()))
            .err()
    };
    if let Some(message) = fails(&case, seen) {
        let (case, smaller) = case.shrunk(|case| fails(case, &mut Seen::default()));
        panic!(
            "{case}--- switches {set:?}\n--- {}",
            smaller.unwrap_or(message)
        );
    }
}

fn check(case: &Case, set: &Positions, seen: &mut Seen) -> Result<(), String> {
    let mut quirks = Quirks::default();
    for (name, position) in set.iter().filter(|(name, _)| !OWN.contains(name)) {
        quirks.set(&format!("{name}={position}")).unwrap();
    }
    let busy = set.contains(&("agents", "busy"));
    // Where the listing leaves properties out, only those of a row's customer are read: a look-up too begins with a page of
    // the listing, which has these few customers.
    let lists_no_properties = set.contains(&("listing-custom-data", "missing"));
    let known = match (lists_no_properties, case.setup.strategy) {
        (true, _) => KnownProperties::Meant,
        (false, Strategy::Lookup) => KnownProperties::Found,
        (false, Strategy::Auto | Strategy::List) => KnownProperties::All,
    };
    let expected =
        |before: &[Customer]| model::sync_knowing(known, &case.setup, &case.input, before);
    // What customers have is defined, and so is what agents edit.
    let there = case.customers.iter().map(Customer::from_json);
    let there = there.flat_map(|customer| customer.custom_data.into_keys());
    quirks.defined_properties.extend(there);
    quirks.defined_properties.push("stranger".to_owned());
    let agents = Agents::of(&case.setup);
    let schedule = if busy {
        agents.schedule()
    } else {
        Schedule::default()
    };
    let limit = if set.contains(&("server-limit", "60")) {
        60
    } else {
        6_000
    };
    let (name, text) = (case.input.file_name(), case.input.to_text());
    simulate(async {
        let mut world = world(case, quirks, schedule, limit);
        let before = customers(&world);
        let wanted = expected(&before);
        let first = world.sync_file(name, &text).await;
        if first.ended != Ended::Finished {
            return Err(format!("the sync ended {:?}", first.ended));
        }
        if was_not_told(case, &first.results) {
            return Ok(());
        }
        let after = customers(&world);
        let checks = Checks {
            case,
            wanted: &wanted,
            results: &first.results,
            before: &before,
            after: &after,
            edits: if busy {
                agents.edits(&world.requests())
            } else {
                BTreeMap::new()
            },
            agents: &agents,
            hindered: set.iter().any(|position| HINDRANCES.contains(position)),
        };
        checks.rows(seen)?;
        checks.remote_customers()?;
        checks.new_customers()?;
        if busy {
            return Ok(());
        }
        // By now every view of the server has caught up.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let again = expected(&after);
        let second = world.sync_file(name, &text).await;
        checks.second(&again, &second.results)
    })
}

struct Checks<'a> {
    case: &'a Case,
    wanted: &'a Outcome,
    results: &'a [RowResult],
    before: &'a [Customer],
    after: &'a [Customer],
    /// What agents did, by customer.
    edits: BTreeMap<u64, Vec<Edit>>,
    agents: &'a Agents,
    /// Whether a switch keeps the server from doing what it is asked for.
    hindered: bool,
}

impl Checks<'_> {
    /// Rows that need nothing from the server are as the model says; others too, or failed.
    fn rows(&self, seen: &mut Seen) -> Result<(), String> {
        seen.edits += self.edits.len();
        for (row, (wanted, result)) in (1..).zip(self.wanted.rows.iter().zip(self.results)) {
            let sent = !wanted.operations.is_empty();
            // Where a member that is left out may hold something, a row that could lose it is rejected.
            let is_untold = result.error.as_ref().is_some_and(|e| e.code == "untold");
            let failed =
                is_untold || matches!(result.status, RowStatus::Failed | RowStatus::InDoubt);
            // A row that was merged into another ends like that one, where that one was not done.
            let first = result
                .merged_into
                .and_then(|row| self.results.get(row.index()));
            if failed && first.is_some_and(|first| first.status == result.status) {
                continue;
            }
            if failed && sent && self.hindered {
                seen.failed += 1;
                if result.error.is_none() {
                    return Err(format!("row {row} failed without a word"));
                }
                continue;
            }
            if status(result) != Some(wanted.status) {
                return Err(format!(
                    "row {row}: model {:?} {:?}, program {:?} {:?}",
                    wanted.status, wanted.operations, result.status, result.error
                ));
            }
            seen.done += usize::from(sent);
        }
        Ok(())
    }

    /// The row that speaks for a customer, and whether it is done.
    fn speaker(&self, id: u64) -> Option<(&RowOutcome, bool)> {
        let rows = self.wanted.rows.iter().zip(self.results);
        let mut speaking = rows.filter(|(wanted, _)| {
            let customer = wanted.customer.as_ref();
            customer.is_some_and(|customer| customer.id == Some(id))
        });
        let (wanted, result) = speaking.next()?;
        Some((wanted, status(result) == Some(wanted.status)))
    }

    /// Customers who were there are as the model says where their row is done, and else at least as they were in all
    /// that the config does not map.
    fn remote_customers(&self) -> Result<(), String> {
        for before in self.before {
            let id = before.id.unwrap();
            let after = self.after.iter().find(|after| after.id == Some(id));
            let after = after.ok_or(format!("customer {id} is gone"))?;
            let speaker = self.speaker(id);
            let wanted = speaker.and_then(|(wanted, _)| wanted.customer.as_ref());
            let wanted = self.edited(wanted.unwrap_or(before).clone());
            let (wanted, after) = match speaker {
                Some((_, false)) => (self.unmapped(&wanted), self.unmapped(after)),
                _ => (wanted, after.clone()),
            };
            self.same(&format!("customer {id}"), &wanted, &after)?;
        }
        Ok(())
    }

    /// Nobody is created but for a row, once, and as the model says where the row is done.
    fn new_customers(&self) -> Result<(), String> {
        let is_new = |after: &&Customer| !self.before.iter().any(|before| before.id == after.id);
        let rows = self.wanted.rows.iter().zip(self.results);
        let creating: Vec<_> = rows
            .filter(|(wanted, _)| wanted.status == Status::Created)
            .collect();
        for after in self.after.iter().filter(is_new) {
            let mut of = creating
                .iter()
                .filter(|(_, result)| result.customer_id.map(|id| id.0) == after.id);
            let Some((wanted, result)) = of.next() else {
                return Err(format!("nobody asked for {after:?}"));
            };
            if status(result) == Some(Status::Created) {
                let mut wanted = wanted.customer.clone().unwrap();
                wanted.id = after.id;
                let mut after = after.clone();
                if !wanted.fields.contains_key("firstSeen") {
                    after.fields.remove("firstSeen");
                }
                self.same("new customer", &self.edited(wanted), &after)?;
            }
        }
        for (_, result) in creating
            .iter()
            .filter(|(_, result)| result.status == RowStatus::Created)
        {
            let id = result.customer_id.map(|id| id.0);
            if !self.after.iter().any(|after| after.id == id) {
                return Err(format!("row {} created nobody", result.row));
            }
        }
        Ok(())
    }

    /// A second sync has nothing for rows that were done, nor for values that the server does not keep.
    fn second(&self, again: &Outcome, results: &[RowResult]) -> Result<(), String> {
        let rows = self.results.iter().zip(&again.rows).zip(results);
        for (row, ((first, again), second)) in (1..).zip(rows) {
            let was_done = matches!(
                first.status,
                RowStatus::Created | RowStatus::Updated | RowStatus::Unchanged
            );
            let has_more = matches!(second.status, RowStatus::Created | RowStatus::Updated);
            if was_done && has_more && again.operations.is_empty() {
                return Err(format!(
                    "row {row} was {:?} and is {:?} in the second sync: {:?}",
                    first.status, second.status, second.operations
                ));
            }
        }
        Ok(())
    }

    fn edited(&self, mut customer: Customer) -> Customer {
        let edits = customer.id.and_then(|id| self.edits.get(&id));
        for edit in edits.into_iter().flatten() {
            self.agents.make(*edit, &mut customer);
        }
        customer
    }

    /// What no row can speak of.
    fn unmapped(&self, customer: &Customer) -> Customer {
        let setup = &self.case.setup;
        let mut customer = customer.clone();
        for rule in &setup.fields {
            customer.fields.remove(&rule.attribute);
        }
        for rule in &setup.custom_data {
            customer.custom_data.remove(&rule.attribute);
        }
        if setup.tags.is_some() {
            customer.tags.clear();
        }
        customer
    }

    fn same(&self, what: &str, wanted: &Customer, found: &Customer) -> Result<(), String> {
        let (wanted, found) = (comparable(wanted), comparable(found));
        if wanted == found {
            Ok(())
        } else {
            Err(format!("{what}: model {wanted:?}\n    program {found:?}"))
        }
    }
}

/// E-mail addresses are compared ignoring case, and texts without their outer blanks.
fn comparable(customer: &Customer) -> Customer {
    let mut customer = customer.clone();
    let values = customer.fields.values_mut();
    for value in values.chain(customer.custom_data.values_mut()) {
        if let Value::String(text) = value {
            *text = text.trim().to_owned();
        }
    }
    if let Some(Value::String(email)) = customer.fields.get_mut("email") {
        *email = email.to_lowercase();
    }
    customer
}
