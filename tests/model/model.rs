//! What a sync has to do, computed from the contract's section "Meaning" and not from the program's code: each row's
//! status and operations, and the customers that are there in the end.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::customer::{Customer, FLAG_FIELDS, instant};
use super::fates::{Fate, Who, fates};
use super::input::Input;
use super::meaning::{Said, Type, Wanted, is_any_reading, of_type, wanted};
use super::setup::{Kind, Overwrite, Rule, Setup, Strategy, TagMode};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Created,
    Updated,
    Unchanged,
    Rejected,
    Skipped,
}

/// What one row is to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowOutcome {
    pub(crate) status: Status,
    /// Names of operations in their order.
    pub(crate) operations: Vec<&'static str>,
    /// The customer that the row is about, in its state at the end; none for rows that are about nobody.
    pub(crate) customer: Option<Customer>,
}

#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) rows: Vec<RowOutcome>,
    /// Those that were there, in their order, and then the new ones in the order of their rows.
    pub(crate) customers: Vec<Customer>,
}

pub(crate) fn sync(setup: &Setup, input: &Input, customers: &[Customer]) -> Outcome {
    let known = match setup.strategy {
        Strategy::Lookup => KnownProperties::Found,
        Strategy::Auto | Strategy::List => KnownProperties::All,
    };
    sync_knowing(known, setup, input, customers)
}

/// Whose properties are known, so that they have types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KnownProperties {
    All,
    /// Those of customers that a key of a row finds.
    Found,
    /// Those of customers that a row means: where the listing leaves properties out, only they are read again.
    Meant,
}

pub(crate) fn sync_knowing(
    known: KnownProperties,
    setup: &Setup,
    input: &Input,
    customers: &[Customer],
) -> Outcome {
    let mut rows: Vec<Option<Wanted>> = input
        .rows
        .iter()
        .filter(|row| !input.is_passed_over(row))
        .map(|row| wanted(setup, input.format, row).ok())
        .collect();
    let found = found(&rows, customers);
    let fates = fates(setup, &mut rows, customers);
    let is_known = |at: usize| match known {
        KnownProperties::All => true,
        KnownProperties::Found => found[at],
        KnownProperties::Meant => {
            let is_it = |fate: &Fate| matches!(fate, Fate::For(Who::Remote(of)) if *of == at);
            fates.iter().any(is_it)
        }
    };
    let known = customers.iter().enumerate();
    let types = types(known.filter(|(at, _)| is_known(*at)).map(|(_, c)| c));
    let mut end = customers.to_vec();
    let mut outcomes = Vec::new();
    for (row, fate) in rows.iter().zip(fates) {
        outcomes.push(apply((setup, &types), row.as_ref(), fate, &mut end));
    }
    Outcome {
        rows: outcomes,
        customers: end,
    }
}

type Types = BTreeMap<String, Type>;

/// Which customers a key of some row finds.
fn found(rows: &[Option<Wanted>], customers: &[Customer]) -> Vec<bool> {
    let is_found = |customer: &Customer| {
        let found = |row: &Wanted| {
            let same = |key: &Option<String>, field| {
                let has = customer.text(field).map(str::to_lowercase);
                key.is_some() && key.as_deref().map(str::to_lowercase) == has
            };
            row.id.is_some() && row.id == customer.id
                || same(&row.user_id, "userId")
                || same(&row.email, "email")
        };
        rows.iter().flatten().any(found)
    };
    customers.iter().map(is_found).collect()
}

/// The type that more than half of the values of each property have, among the customers that are known.
fn types<'c>(known: impl Iterator<Item = &'c Customer>) -> Types {
    let mut values: BTreeMap<String, Vec<Type>> = BTreeMap::new();
    for customer in known {
        for (name, value) in &customer.custom_data {
            let of = match value {
                Value::Bool(_) => Type::Boolean,
                Value::Number(_) => Type::Number,
                _ => Type::Text,
            };
            values.entry(name.clone()).or_default().push(of);
        }
    }
    let most = |types: &[Type]| {
        let all = [Type::Text, Type::Number, Type::Boolean];
        all.into_iter()
            .find(|of| types.iter().filter(|other| *other == of).count() * 2 > types.len())
    };
    let typed = values
        .into_iter()
        .filter_map(|(name, types)| Some((name, most(&types)?)));
    typed.collect()
}

fn apply(
    (setup, types): (&Setup, &Types),
    row: Option<&Wanted>,
    fate: Fate,
    end: &mut Vec<Customer>,
) -> RowOutcome {
    let nothing = |status| RowOutcome {
        status,
        operations: Vec::new(),
        customer: None,
    };
    let (Some(row), Fate::For(who)) = (row, fate) else {
        return nothing(match fate {
            Fate::Skipped => Status::Skipped,
            Fate::Rejected | Fate::For(_) => Status::Rejected,
        });
    };
    let before = match who {
        Who::Remote(index) => end[index].clone(),
        Who::New(_) => Customer::default(),
    };
    let mut after = before.clone();
    for rule in setup.fields.iter().filter(|rule| rule.attribute != "id") {
        let said = &row.said[&rule.attribute];
        change(rule, said, &mut after.fields, same_field);
    }
    for rule in &setup.custom_data {
        let said = &row.said[&format!("customData.{}", rule.attribute)];
        let there = after.custom_data.get(&rule.attribute);
        let said = match said {
            Said::Open(text) => match there {
                Some(there) if is_any_reading(text, there, |r| same_property(rule, there, r)) => {
                    Said::Nothing
                }
                _ => Said::Value(of_type(text, types.get(&rule.attribute).copied())),
            },
            said => said.clone(),
        };
        change(rule, &said, &mut after.custom_data, same_property);
    }
    after.tags = tags_after(setup, row, &before.tags);
    let operations = operations(who, &before, &after);
    let status = match (who, operations.is_empty()) {
        (Who::New(_), _) => Status::Created,
        (Who::Remote(_), true) => Status::Unchanged,
        (Who::Remote(_), false) => Status::Updated,
    };
    match who {
        Who::Remote(index) => end[index] = after.clone(),
        Who::New(_) => end.push(after.clone()),
    }
    RowOutcome {
        status,
        operations,
        customer: Some(after),
    }
}

fn operations(who: Who, before: &Customer, after: &Customer) -> Vec<&'static str> {
    if matches!(who, Who::New(_)) {
        return vec!["create"];
    }
    let patch = (&before.fields, &before.custom_data) != (&after.fields, &after.custom_data);
    [
        (patch, "patch"),
        (!after.tags.is_subset(&before.tags), "tag"),
        (!before.tags.is_subset(&after.tags), "untag"),
    ]
    .into_iter()
    .filter_map(|(needed, name)| needed.then_some(name))
    .collect()
}

fn change(
    rule: &Rule,
    said: &Said,
    values: &mut BTreeMap<String, Value>,
    same: fn(&Rule, &Value, &Value) -> bool,
) {
    let name = &rule.attribute;
    let there = values.get(name);
    if rule.overwrite.is_some_and(Overwrite::keeps_what_is_there) && there.is_some() {
        return;
    }
    match said {
        Said::Nothing | Said::Open(_) => {}
        Said::Clear => {
            values.remove(name);
        }
        Said::Value(value) if FLAG_FIELDS.contains(&name.as_str()) => {
            if value == &Value::Bool(true) {
                values.insert(name.clone(), value.clone());
            } else if rule.overwrite == Some(Overwrite::Always) {
                values.remove(name);
            }
        }
        Said::Value(value) => {
            if !there.is_some_and(|there| same(rule, there, value)) {
                values.insert(name.clone(), value.clone());
            }
        }
    }
}

fn same_field(rule: &Rule, there: &Value, wanted: &Value) -> bool {
    match (rule.attribute.as_str(), there, wanted) {
        ("email", Value::String(there), Value::String(wanted)) => {
            there.to_lowercase() == wanted.to_lowercase()
        }
        ("userId", ..) => there == wanted,
        _ => trimmed(there) == trimmed(wanted),
    }
}

/// A text without the outer blanks, which make no difference.
fn trimmed(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.trim()),
        other => other.clone(),
    }
}

/// By meaning: `15`, `15.0` and `"15"` are one number, and a date is its instant. Silent but for `type = number`: a
/// number or boolean equals the text that spells it whatever the type, since the server may have read one as the other.
fn same_property(rule: &Rule, there: &Value, wanted: &Value) -> bool {
    if there.is_string() && wanted.is_string() {
        return trimmed(there) == trimmed(wanted);
    }
    if rule.kind == Some(Kind::Date) {
        return instant(there).is_some() && instant(there) == instant(wanted);
    }
    spelt(there) == spelt(wanted)
}

fn spelt(value: &Value) -> String {
    match &trimmed(value) {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Number(number)) => number.as_f64().map_or(String::new(), |n| n.to_string()),
            _ => text.clone(),
        },
        Value::Number(number) => number.as_f64().map_or(String::new(), |n| n.to_string()),
        other => other.to_string(),
    }
}

fn tags_after(setup: &Setup, row: &Wanted, before: &BTreeSet<String>) -> BTreeSet<String> {
    let Some(tags) = &setup.tags else {
        return before.clone();
    };
    let always = tags.always.iter().map(|tag| (*tag).to_owned());
    let mut wanted: BTreeSet<String> = always.collect();
    wanted.extend(row.tags.iter().flatten().cloned());
    let managed = |tag: &str| {
        tags.managed
            .iter()
            .any(|glob| match glob.strip_suffix('*') {
                Some(start) => tag.starts_with(start),
                None => tag == *glob,
            })
    };
    let goes = |tag: &String| {
        // The mode rules only where the row speaks of tags; the remove column in every mode (decision 4).
        let by_mode = row.tags.is_some()
            && match tags.mode {
                TagMode::Add => false,
                TagMode::Exact => true,
                TagMode::Managed => managed(tag),
            };
        !wanted.contains(tag) && (by_mode || row.remove.contains(tag))
    };
    let stays = before.iter().filter(|tag| !goes(tag)).cloned();
    stays.chain(wanted.iter().cloned()).collect()
}
