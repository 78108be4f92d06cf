//! What one seed stands for: customers, rows, an account's habits, faults, agents and crashes.
//!
//! Rows and agents share no attribute but `company`, so that the end says whose writing each value is.

use std::time::Duration;

use fastrand::Rng;
use hcsync::domain::TagMode;
use hcsync::helpcrunch::LimitSettings;
use hcsync::mapping::{AttributeRule, MappingSettings, TagSettings, ValueType};
use hcsync::remote::{RemoteSettings, Strategy};
use hcsync::sandbox::quirks::{
    ClearedProperty, CustomDataShape, CustomDataWrite, EmailRewrite, EmptiedText, Offset, Presence,
    RetryAfter, Tagging, Total, Window,
};
use hcsync::sandbox::{Quirks, Schedule};
use serde_json::{Map, Value, json};

use crate::mishaps::{self, Edited, OLD};
use crate::plug::{Boundary, Crash, Reach};
use crate::world::WorldOptions;

/// What the agents of a case do besides.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Agents {
    /// They write `notes`, `customData.agent` and the tag `agent`, all three at a time.
    pub(crate) annotate: bool,
    /// They set `company`, which rows may want to be something else.
    pub(crate) compete: bool,
    pub(crate) delete: bool,
    /// They create customers with keys of rows.
    pub(crate) create: bool,
}

/// One simulation, as its seed has it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) options: WorldOptions,
    pub(crate) rows: Vec<Value>,
    pub(crate) agents: Agents,
    /// A run that did not come to its end is not gone on with: the rows are synced anew.
    pub(crate) is_fresh: bool,
    /// Of the first processes, one each.
    pub(crate) crashes: Vec<Option<Crash>>,
    /// Between the end of a process and the next.
    pub(crate) rests: Vec<Duration>,
}

/// How long a create may stay invisible, and how late it may take effect; together shorter than the looking for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lateness {
    pub(crate) lag_ms: u64,
    pub(crate) delay_ms: u64,
}

impl Case {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let crashes = crashes(&mut rng);
        let agents = agents(&mut rng);
        let settle = Duration::from_secs(*pick(&mut rng, &[5, 30, 60]));
        let timeout = Duration::from_secs(*pick(&mut rng, &[10, 30]));
        let lateness = lateness(&mut rng, settle.max(timeout));
        let customers = customers(&mut rng);
        let rows = rows(&mut rng, customers.len());
        let whom = match lateness.lag_ms {
            0 => Edited::Any,
            _ => Edited::Old(customers.len() as u64),
        };
        let schedule = Schedule {
            faults: mishaps::faults(&mut rng, timeout, lateness),
            agents: mishaps::agents(&mut rng, agents, &rows, whom),
        };
        let requests_per_minute = *pick(&mut rng, &[120, 120, 20]);
        let options = WorldOptions {
            server_limit: requests_per_minute,
            quirks: quirks(&mut rng, lateness),
            customers,
            schedule,
            limits: LimitSettings {
                settle,
                requests_per_minute,
                concurrency: rng.u32(1..=8),
                ..LimitSettings::default()
            },
            timeout,
            mapping: mapping(&mut rng),
            remote: RemoteSettings {
                strategy: *pick(
                    &mut rng,
                    &[Strategy::Auto, Strategy::List, Strategy::Lookup],
                ),
                recheck_after: Duration::from_secs(*pick(&mut rng, &[10, 1800])),
                ..RemoteSettings::default()
            },
            ..WorldOptions::default()
        };
        // Of a sequence of their own, so that seeds stay what they were.
        let mut deaths = Rng::with_seed(seed ^ 0x0dea_d0ff);
        let options = WorldOptions {
            has_power: deaths.bool(),
            is_exact: deaths.u32(..4) == 0,
            memory_limit: deaths.bool().then_some(1),
            ..options
        };
        let rests = (0..100).map(|_| Duration::from_millis(rng.u64(4_000..90_000)));
        let rests = rests.collect();
        Self {
            seed,
            options,
            rows,
            agents,
            is_fresh: rng.u32(..4) == 0,
            crashes,
            rests,
        }
    }

    /// How long nobody starts a fresh sync: what the last one wrote is to be seen by then.
    pub(crate) fn lag(&self) -> Duration {
        let quirks = &self.options.quirks;
        Duration::from_millis(quirks.search_lag_ms.max(quirks.list_lag_ms))
    }

    pub(crate) fn is_exact(&self) -> bool {
        let tags = self.options.mapping.tags.as_ref();
        tags.is_some_and(|tags| tags.mode == TagMode::Exact)
    }
}

pub(crate) fn pick<'a, T>(rng: &mut Rng, of: &'a [T]) -> &'a T {
    &of[rng.usize(..of.len())]
}

fn crashes(rng: &mut Rng) -> Vec<Option<Crash>> {
    let count = *pick(rng, &[0, 1, 1, 2, 3, 5]);
    let crashes = (0..count).map(|_| {
        let number = rng.u64(1..60);
        Some(match rng.u32(..5) {
            0 => Crash::Append(number, Boundary::Before),
            1 => Crash::Append(number, Boundary::Torn(rng.usize(..1000))),
            2 => Crash::Append(number, Boundary::After),
            3 => Crash::Request(number, Reach::Lost),
            _ => Crash::Request(number, Reach::Arrived),
        })
    });
    crashes.collect()
}

fn agents(rng: &mut Rng) -> Agents {
    Agents {
        annotate: rng.bool(),
        compete: rng.u32(..4) == 0,
        delete: rng.u32(..5) == 0,
        create: rng.u32(..8) == 0,
    }
}

fn lateness(rng: &mut Rng, settle: Duration) -> Lateness {
    let most = u64::try_from(settle.as_millis()).unwrap() - 1_000;
    let lag_ms = if rng.bool() { rng.u64(..most) } else { 0 };
    let delay_ms = if rng.bool() {
        rng.u64(..=most - lag_ms)
    } else {
        0
    };
    Lateness { lag_ms, delay_ms }
}

fn customers(rng: &mut Rng) -> Vec<Value> {
    let count = *pick(rng, &[0, 3, 12, 30]);
    (1..=count).map(|n| customer(rng, n)).collect()
}

pub(crate) fn customer(rng: &mut Rng, n: usize) -> Value {
    let mut tags: Vec<&str> = vec!["vip", "old", "red"];
    tags.retain(|_| rng.bool());
    let tags: Vec<Value> = tags
        .into_iter()
        .map(|name| json!({"name": name, "color": "#ff0000"}))
        .collect();
    let mut properties = json!({"other": "stays", "count": n, "flag": true});
    if rng.bool() {
        properties["plan"] = json!("free");
    }
    if rng.bool() {
        properties["agent"] = json!("old");
    }
    json!({
        "id": OLD + n as u64, "userId": user_id(n), "email": email(n),
        "name": format!("Old {n}"), "company": "Old & Co", "phone": format!("+380{n}"),
        "notes": if rng.bool() { json!("a note") } else { Value::Null },
        "tags": tags, "customData": properties,
    })
}

pub(crate) fn user_id(n: usize) -> String {
    format!("u{n}")
}

fn email(n: usize) -> String {
    format!("Person.{n}@Example.org")
}

fn rows(rng: &mut Rng, customers: usize) -> Vec<Value> {
    let count = rng.usize(1..=20);
    // Every column is in the first row, so that all are known.
    let mut rows = vec![json!({
        "userId": "u1", "email": "person.1@example.org", "name": "One", "company": "First",
        "plan": "pro", "level": 1, "tags": ["red"], "untag": ["old"],
    })];
    let mut numbers: Vec<usize> = (2..=count + customers.min(10) + 3).collect();
    rng.shuffle(&mut numbers);
    rows.extend(numbers.into_iter().take(count).map(|n| row(rng, n)));
    if rng.u32(..4) == 0 {
        rows.push(json!({"userId": "u1", "name": "A double of the first"}));
    }
    rows
}

pub(crate) fn row(rng: &mut Rng, n: usize) -> Value {
    let mut row = Map::new();
    let keys = rng.u32(..4);
    if keys != 0 {
        row.insert("userId".into(), user_id(n).into());
    }
    if keys < 3 {
        row.insert("email".into(), email(n).to_lowercase().into());
    }
    if rng.bool() {
        row.insert("name".into(), format!("New {n}").into());
    }
    let members = [
        ("company", [json!("New & Co"), Value::Null]),
        ("plan", [json!("pro"), Value::Null]),
        ("level", [json!(7), json!(7.5)]),
        ("tags", [json!(["red", "green"]), json!([])]),
        ("untag", [json!(["old"]), json!(["green"])]),
    ];
    for (name, values) in members {
        if rng.bool() {
            row.insert(name.into(), pick(rng, &values).clone());
        }
    }
    Value::Object(row)
}

fn quirks(rng: &mut Rng, lateness: Lateness) -> Quirks {
    let create_ignores: [Vec<String>; 3] = [
        vec![],
        vec!["company".into()],
        vec!["customData.plan".into(), "tags".into()],
    ];
    Quirks {
        window: *pick(rng, &[Window::Fixed, Window::Sliding, Window::Bucket]),
        retry_after: *pick(
            rng,
            &[RetryAfter::None, RetryAfter::Seconds, RetryAfter::Date],
        ),
        latency_ms: *pick(rng, &[0, 50, 900, 3_000]),
        patch_custom_data: *pick(rng, &[CustomDataWrite::Merge, CustomDataWrite::Replace]),
        create_tags: *pick(rng, &[Tagging::Add, Tagging::Add, Tagging::Ignore]),
        create_ignores: pick(rng, &create_ignores).clone(),
        search_lag_ms: lateness.lag_ms,
        list_lag_ms: if rng.bool() { lateness.lag_ms } else { 0 },
        max_filters: *pick(rng, &[0, 10]),
        page_limit_max: *pick(rng, &[100, 100, 5]),
        list_offset: *pick(rng, &[Offset::Honoured, Offset::Honoured, Offset::Ignored]),
        total: *pick(
            rng,
            &[
                Total::Present,
                Total::AbsentInList,
                Total::Absent,
                Total::OneMore,
                Total::AccountInSearch,
            ],
        ),
        custom_data: *pick(rng, &[CustomDataShape::Object, CustomDataShape::Array]),
        listing_custom_data: *pick(
            rng,
            &[Presence::Present, Presence::Present, Presence::Missing],
        ),
        listing_tags: *pick(
            rng,
            &[Presence::Present, Presence::Present, Presence::Missing],
        ),
        emptied_text: *pick(rng, &[EmptiedText::Null, EmptiedText::Empty]),
        cleared_property: *pick(rng, &[ClearedProperty::Absent, ClearedProperty::Null]),
        email: *pick(rng, &[EmailRewrite::AsSent, EmailRewrite::LowerCased]),
        ..Quirks::default()
    }
}

fn mapping(rng: &mut Rng) -> MappingSettings {
    let rules = |names: &[&str]| {
        let rule = |name: &&str| ((*name).to_owned(), AttributeRule::column(*name));
        names.iter().map(rule).collect()
    };
    let mut custom_data: std::collections::BTreeMap<_, _> = rules(&["plan", "level"]);
    custom_data.get_mut("level").unwrap().value_type = Some(ValueType::Number);
    let mode = if rng.u32(..3) == 0 {
        TagMode::Exact
    } else {
        TagMode::Add
    };
    MappingSettings {
        fields: Some(rules(&["userId", "email", "name", "company"])),
        custom_data: Some(custom_data),
        tags: Some(TagSettings {
            column: Some("tags".into()),
            remove_column: Some("untag".into()),
            mode,
            ..TagSettings::default()
        }),
        ..MappingSettings::default()
    }
}
