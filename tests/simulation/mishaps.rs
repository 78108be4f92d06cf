//! What goes wrong in a case, and what agents do in it.

use std::time::Duration;

use fastrand::Rng;
use hcsync::sandbox::quirks::RetryAfter;
use hcsync::sandbox::{
    AgentEdit, AgentRule, CustomerChoice, EditTarget, Endpoint, Fault, FaultRule, Selector, When,
};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::case::{Agents, Lateness, pick};

/// Value of everything that agents write.
pub(crate) const AGENT: &str = "by an agent";

/// The id before that of the first customer.
pub(crate) const OLD: u64 = 100;

/// Whose customers agents edit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Edited {
    Any,
    /// One of so many that are there from the beginning.
    Old(u64),
}

pub(crate) fn faults(rng: &mut Rng, timeout: Duration, lateness: Lateness) -> Vec<FaultRule> {
    let mut rules: Vec<_> = (0..rng.usize(..7)).map(|_| fault(rng, timeout)).collect();
    if lateness.delay_ms > 0 {
        // Only a create: a late update could take an agent's edit back, which no client can help.
        let fault = Fault::Delay {
            delay_ms: lateness.delay_ms,
            late: true,
        };
        rules.push(FaultRule {
            fault,
            select: select(rng, vec![Endpoint::Create]),
        });
    }
    if rng.u32(..8) == 0 {
        rules.push(outage(rng));
    }
    rules
}

fn fault(rng: &mut Rng, timeout: Duration) -> FaultRule {
    let answer = [500, 502, 503, 504, 408, 500, 503, 501, 202, 401];
    let fault = match rng.u32(..9) {
        0 | 1 => {
            let status = StatusCode::from_u16(*pick(rng, &answer)).unwrap();
            // Who is refused at the door was not let in: a 401 to what was done is no answer to be right about.
            let processed = rng.bool() && status != StatusCode::UNAUTHORIZED;
            Fault::Status { status, processed }
        }
        2 => Fault::CutBefore {},
        3 => Fault::CutAfter {},
        4 => Fault::CutBody {},
        5 => {
            let delay_ms = u64::try_from(timeout.as_millis()).unwrap() * rng.u64(1..=30) / 10;
            Fault::Delay {
                delay_ms,
                late: false,
            }
        }
        6 => Fault::Html {
            status: StatusCode::from_u16(*pick(rng, &[200, 502])).unwrap(),
            processed: rng.bool(),
        },
        7 => Fault::RateLimit {
            retry_after: *pick(
                rng,
                &[RetryAfter::None, RetryAfter::Seconds, RetryAfter::Date],
            ),
            seconds: *pick(rng, &[1, 20, 120]),
        },
        _ => Fault::Status {
            status: StatusCode::BAD_REQUEST,
            processed: false,
        },
    };
    let all = [
        Endpoint::Create,
        Endpoint::Patch,
        Endpoint::Tag,
        Endpoint::Untag,
        Endpoint::Search,
        Endpoint::Get,
        Endpoint::List,
    ];
    let endpoints = match rng.u32(..3) {
        0 => vec![Endpoint::Create],
        1 => vec![*pick(rng, &all)],
        _ => Vec::new(),
    };
    FaultRule {
        fault,
        select: select(rng, endpoints),
    }
}

fn select(rng: &mut Rng, endpoint: Vec<Endpoint>) -> Selector {
    Selector {
        endpoint,
        probability: *pick(rng, &[0.05, 0.2, 0.5, 1.0]),
        max: Some(rng.u64(1..=12)),
        ..Selector::default()
    }
}

/// The server is gone for a while, perhaps for longer than a run waits.
fn outage(rng: &mut Rng) -> FaultRule {
    let from = rng.u64(..40);
    let lasts = *pick(rng, &[20, 120, 1_200]);
    let select = Selector {
        from_seconds: Some(from),
        to_seconds: Some(from + lasts),
        ..Selector::default()
    };
    let fault = match rng.u32(..3) {
        0 => Fault::CutBefore {},
        1 => Fault::Status {
            status: StatusCode::SERVICE_UNAVAILABLE,
            processed: false,
        },
        _ => Fault::Html {
            status: StatusCode::BAD_GATEWAY,
            processed: false,
        },
    };
    FaultRule { fault, select }
}

/// Where search lags, they edit customers of old: an edit hides a customer from search anew, and one that is made
/// and edited all the time is never to be found.
pub(crate) fn agents(rng: &mut Rng, agents: Agents, rows: &[Value], of: Edited) -> Vec<AgentRule> {
    let mut rules = Vec::new();
    if agents.annotate {
        let edit = AgentEdit {
            set: object(json!({"notes": AGENT})),
            custom_data: object(json!({"agent": AGENT})),
            tags: vec!["agent".into()],
            ..AgentEdit::default()
        };
        rules.push(rule(rng, edit, of, 20));
        rules.push(rule(rng, rules[0].edit.clone(), of, 20));
    }
    if agents.compete {
        let edit = AgentEdit {
            set: object(json!({"company": AGENT})),
            ..AgentEdit::default()
        };
        rules.push(rule(rng, edit, of, 10));
    }
    if agents.delete {
        let edit = AgentEdit {
            delete: true,
            ..AgentEdit::default()
        };
        rules.push(rule(rng, edit, of, 3));
    }
    if agents.create {
        let row = pick(rng, rows);
        let keys = ["userId", "email"].map(|name| (name, row.get(name).cloned()));
        let keys = keys
            .into_iter()
            .filter_map(|(name, key)| Some((name.to_owned(), key?)));
        let edit = AgentEdit {
            create: Some(keys.collect()),
            ..AgentEdit::default()
        };
        rules.push(rule(rng, edit, of, 1));
    }
    rules
}

/// Agents work beside writes: an edit during the reading for a plan, on an account whose lists lag, hides a customer
/// from any client.
fn rule(rng: &mut Rng, edit: AgentEdit, of: Edited, max: u64) -> AgentRule {
    let whose = match of {
        Edited::Any => EditTarget::Chosen(*pick(
            rng,
            &[CustomerChoice::Target, CustomerChoice::Random],
        )),
        Edited::Old(count) => EditTarget::Id(OLD + rng.u64(1..=count.max(1))),
    };
    let customer = edit.create.is_none().then_some(whose);
    AgentRule {
        edit: AgentEdit { customer, ..edit },
        when: *pick(rng, &[When::Before, When::After]),
        select: Selector {
            endpoint: vec![
                Endpoint::Create,
                Endpoint::Patch,
                Endpoint::Tag,
                Endpoint::Untag,
            ],
            probability: *pick(rng, &[0.1, 0.5, 1.0]),
            max: Some(max),
            ..Selector::default()
        },
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}
