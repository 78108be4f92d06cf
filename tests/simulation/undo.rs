//! Random runs, random edits by agents, and an undo that dies at random moments: every attribute is back unless an agent
//! edited it, and every edit stays. An undo of the undo does the same the other way round.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use hcsync::domain::TagMode;
use hcsync::mapping::{MappingSettings, TagSettings};
use hcsync::sandbox::{AgentEdit, EditTarget, Schedule};
use serde_json::{Map, Value, json};

use crate::case::pick;
use crate::plug::{Boundary, Crash, Reach};
use crate::world::{Ended, RunOutcome, World, WorldOptions, simulate};

const SEEDS: u64 = 40;
/// More processes than any undo needs.
const MOST_PROCESSES: usize = 40;
const CUSTOMERS: u64 = 12;
const FIELDS: [&str; 3] = ["name", "company", "notes"];
const PROPERTIES: [&str; 2] = ["plan", "seats"];
const TAGS: [&str; 4] = ["vip", "trial", "lead", "new"];

/// What happened in a case, so that it is known to happen at all.
#[derive(Debug, Default)]
struct Seen {
    restored: usize,
    kept: usize,
    deleted: usize,
    deaths: usize,
}

/// What a customer has: fields, `customData.NAME`, and `tag.NAME` for each tag.
type Attributes = BTreeMap<String, Value>;

fn text(rng: &mut Rng) -> Value {
    match rng.u32(..5) {
        0 => Value::Null,
        n => json!(format!("value {n}")),
    }
}

fn property(rng: &mut Rng) -> Value {
    match rng.u32(..3) {
        0 => json!("text"),
        1 => json!(true),
        _ => json!(7),
    }
}

/// Some of the attributes, drawn.
fn drawn(rng: &mut Rng) -> Map<String, Value> {
    let mut members = Map::new();
    for field in FIELDS {
        if rng.bool() {
            members.insert(field.into(), text(rng));
        }
    }
    let mut properties = Map::new();
    for name in PROPERTIES {
        if rng.bool() {
            properties.insert(name.into(), property(rng));
        }
    }
    members.insert("customData".into(), properties.into());
    members
}

fn customer(rng: &mut Rng, id: u64) -> Value {
    let mut customer = drawn(rng);
    let tags = TAGS.iter().filter(|_| rng.u32(..3) == 0);
    let tags: Vec<Value> = tags
        .map(|name| json!({"name": name, "color": "#00ff00"}))
        .collect();
    customer.insert("id".into(), id.into());
    customer.insert("userId".into(), format!("u{id}").into());
    customer.insert("tags".into(), tags.into());
    customer.into()
}

fn row(rng: &mut Rng, user: u64) -> Value {
    let mut row = drawn(rng);
    let tags: Vec<&str> = TAGS.into_iter().filter(|_| rng.u32(..3) == 0).collect();
    row.insert("userId".into(), format!("u{user}").into());
    row.insert("tags".into(), json!(tags));
    row.into()
}

fn mapping() -> MappingSettings {
    MappingSettings {
        tags: Some(TagSettings {
            column: Some("tags".into()),
            mode: TagMode::Exact,
            ..TagSettings::default()
        }),
        ..MappingSettings::default()
    }
}

fn edit(rng: &mut Rng, id: u64) -> AgentEdit {
    let mut edit = AgentEdit {
        customer: Some(EditTarget::Id(id)),
        ..AgentEdit::default()
    };
    match rng.u32(..4) {
        0 => {
            let field = *pick(rng, &FIELDS);
            edit.set.insert(field.into(), json!("an agent's"));
        }
        1 => {
            let name = *pick(rng, &PROPERTIES);
            edit.custom_data.insert(name.into(), json!("an agent's"));
        }
        2 => edit.tags.push((*pick(rng, &TAGS)).into()),
        _ => edit.untag.push((*pick(rng, &TAGS)).into()),
    }
    edit
}

/// Up to some edits of customers that are there.
fn edit_some(rng: &mut Rng, world: &World) {
    let customers = world.customers();
    for _ in 0..rng.u32(..8) {
        let Some(customer) = customers.get(rng.usize(..customers.len().max(1))) else {
            return;
        };
        let id = customer["id"].as_u64().unwrap();
        world.sandbox().agent(&edit(rng, id)).unwrap();
    }
}

fn attributes(world: &World) -> BTreeMap<u64, Attributes> {
    let of = |customer: &Value| {
        let mut attributes = Attributes::new();
        for field in FIELDS {
            attributes.insert(field.into(), customer[field].clone());
        }
        for name in PROPERTIES {
            let value = customer["customData"][name].clone();
            attributes.insert(format!("customData.{name}"), value);
        }
        for tag in customer["tags"].as_array().unwrap() {
            let name = tag["name"].as_str().unwrap();
            attributes.insert(format!("tag.{name}"), json!(true));
        }
        attributes
    };
    let customers = world.customers().into_iter();
    customers
        .map(|customer| (customer["id"].as_u64().unwrap(), of(&customer)))
        .collect()
}

/// What an undo is to leave of a customer.
fn undone(before: &Attributes, after: &Attributes, edited: &Attributes) -> Attributes {
    let names: BTreeSet<&String> = [before, after, edited]
        .into_iter()
        .flat_map(|attributes| attributes.keys())
        .collect();
    let value = |of: &Attributes, name: &str| of.get(name).cloned().unwrap_or_default();
    let attribute = |name: &String| {
        let [was, left, is] = [before, after, edited].map(|of| value(of, name));
        (name.clone(), if is == left { was } else { is })
    };
    let all = names.into_iter().map(attribute);
    all.filter(|(name, value)| !name.starts_with("tag.") || *value == json!(true))
        .collect()
}

fn crash(rng: &mut Rng) -> Crash {
    let number = rng.u64(1..25);
    match rng.u32(..4) {
        0 => Crash::Append(number, Boundary::Before),
        1 => Crash::Append(number, Boundary::After),
        2 => Crash::Request(number, Reach::Lost),
        _ => Crash::Request(number, Reach::Arrived),
    }
}

/// Undoes the current run, with some deaths on the way.
async fn undo_to_the_end(rng: &mut Rng, world: &mut World, deletes_created: bool, seen: &mut Seen) {
    let deaths = rng.usize(..4);
    let mut is_planned = false;
    for process in 0..MOST_PROCESSES {
        if process < deaths {
            world.crash_at(crash(rng));
        }
        let outcome = match is_planned {
            false => world.undo(deletes_created).await,
            true => world.resume().await,
        };
        is_planned |= outcome.is_some();
        let is_dead = |outcome: &RunOutcome| outcome.ended == Ended::Crashed;
        seen.deaths += usize::from(outcome.as_ref().is_none_or(is_dead));
        let is_over = outcome.is_some_and(|outcome| outcome.ended == Ended::Finished);
        tokio::time::sleep(Duration::from_secs(60)).await;
        if is_over {
            return;
        }
    }
    panic!("the undo does not come to its end");
}

async fn play(seed: u64) -> Seen {
    let mut seen = Seen::default();
    let mut rng = Rng::with_seed(seed);
    let options = WorldOptions {
        customers: (1..=CUSTOMERS).map(|id| customer(&mut rng, id)).collect(),
        mapping: mapping(),
        schedule: Schedule::default(),
        has_power: rng.bool(),
        ..WorldOptions::default()
    };
    let mut users: Vec<u64> = (1..=CUSTOMERS + 4).collect();
    users.retain(|_| rng.u32(..5) > 0);
    let rows: Vec<Value> = users.iter().map(|user| row(&mut rng, *user)).collect();
    let mut world = World::new(seed, options);
    let before = attributes(&world);
    if rng.bool() {
        world.crash_at(crash(&mut rng));
    }
    let synced = world.sync_to_the_end(&rows, MOST_PROCESSES).await;
    assert_eq!(synced.ended, Ended::Finished);
    let after = attributes(&world);
    tokio::time::sleep(Duration::from_secs(60)).await;
    edit_some(&mut rng, &world);
    let edited = attributes(&world);
    let deletes_created = rng.bool();
    undo_to_the_end(&mut rng, &mut world, deletes_created, &mut seen).await;
    let back = attributes(&world);
    for (id, edited) in &edited {
        match (before.get(id), back.get(id)) {
            (Some(before), back) => {
                seen.restored += usize::from(back != Some(edited));
                seen.kept += usize::from(back != Some(before));
                assert_eq!(
                    back,
                    Some(&undone(before, &after[id], edited)),
                    "customer {id}"
                );
            }
            // Only customers without an edit are deleted.
            (None, None) => {
                seen.deleted += 1;
                assert!(deletes_created && *edited == after[id], "customer {id}");
            }
            (None, Some(back)) => {
                assert!(!deletes_created || *edited != after[id], "customer {id}");
                let mut back = back.clone();
                let tags = back.len();
                back.retain(|name, _| !name.starts_with("tag.hcsync-undo-"));
                assert_eq!(
                    (tags, back),
                    (edited.len() + 1, edited.clone()),
                    "customer {id}"
                );
            }
        }
    }
    // The undo is a run like any other.
    edit_some(&mut rng, &world);
    let edited_again = attributes(&world);
    undo_to_the_end(&mut rng, &mut world, false, &mut seen).await;
    for (id, again) in attributes(&world) {
        let expected = undone(&edited[&id], &back[&id], &edited_again[&id]);
        assert_eq!(again, expected, "customer {id}, undone twice");
    }
    seen
}

#[test]
fn what_nobody_edited_is_back_and_every_edit_stays() {
    let mut all = Seen::default();
    for seed in 0..SEEDS {
        let played = std::panic::catch_unwind(|| simulate(play(seed)));
        let Ok(seen) = played else {
            panic!("seed {seed}");
        };
        all.restored += seen.restored;
        all.kept += seen.kept;
        all.deleted += seen.deleted;
        all.deaths += seen.deaths;
    }
    let Seen {
        restored,
        kept,
        deleted,
        deaths,
    } = all;
    assert!(
        restored > 100 && kept > 20 && deleted > 10 && deaths > 20,
        "{all:?}"
    );
}
