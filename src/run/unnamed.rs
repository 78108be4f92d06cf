//! What changed of a customer although no operation of its lane names it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::{CustomerId, Field, RemoteCustomer, Reported, RowKey, RowNumber, Tag};
use crate::journal::{Fact, JournalRecord, Recovered};
use crate::plan::codec::{lane_from_json, lane_to_json};
use crate::plan::diff::{field_matches, property_matches};
use crate::plan::{FieldChange, Lane, Operation, Patch, PropertyChange};

/// The journal's name for what the canary's customers lost without being named.
const FACT: &str = "canary";
/// HelpCrunch sets these whenever the customer comes to see.
const SET_BY_VISITS: [Field; 3] = [Field::LastSeen, Field::LastPage, Field::Referer];

/// A customer of which something changed that no operation names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnnamedChange {
    pub row: RowNumber,
    pub customer: CustomerId,
    /// Names of fields and properties, and `tags`.
    pub names: Vec<String>,
    /// What was cleared or removed, as operations from what was. An undo takes them back.
    pub(super) lost: Vec<Operation>,
}

/// What changed between two readings of a customer although the operations do not name it: the names, and what was lost. A value
/// that became another one may be an agent's edit, and is no loss.
pub(super) fn unnamed(
    before: &RemoteCustomer,
    after: &RemoteCustomer,
    operations: &[Operation],
) -> (Vec<String>, Vec<Operation>) {
    let named: BTreeSet<String> = operations.iter().flat_map(Operation::fields).collect();
    let tags: BTreeSet<String> = operations.iter().flat_map(Operation::tags).collect();
    let (mut names, mut lost) = (Vec::new(), Patch::default());
    for field in Field::ALL {
        let is_open = !SET_BY_VISITS.contains(&field) && !named.contains(field.name());
        let (from, to) = (before.value(field), after.value(field));
        if !is_open || !after.field(field).is_reported() || field_matches(field, from, to) {
            continue;
        }
        names.push(field.name().to_owned());
        if to.is_none() {
            let (from, to) = (from.cloned(), None);
            lost.set.push(FieldChange { field, from, to });
        }
    }
    if let (Reported::Value(had), Reported::Value(has)) = (&before.custom_data, &after.custom_data)
    {
        let all: BTreeSet<&String> = had.keys().chain(has.keys()).collect();
        for name in all {
            let (from, to) = (before.property(name), after.property(name));
            let full = format!("customData.{name}");
            if named.contains(&full) || property_matches(from, to) {
                continue;
            }
            names.push(full);
            if to.is_none() {
                let (name, from) = (name.clone(), from.cloned());
                lost.custom_data.push(PropertyChange {
                    name,
                    from,
                    to: None,
                });
            }
        }
        let opaque = before
            .opaque
            .iter()
            .map(|(name, value)| (format!("customData.{name}"), name, value));
        let changed = opaque.filter(|(full, name, value)| {
            !named.contains(full) && after.opaque.get(*name) != Some(*value)
        });
        names.extend(changed.map(|(full, ..)| full));
    }
    let only_in = |one: &RemoteCustomer, other: &RemoteCustomer| -> Vec<Tag> {
        let (Reported::Value(has), Reported::Value(_)) = (&one.tags, &other.tags) else {
            return Vec::new();
        };
        let only = has
            .iter()
            .filter(|tag| !other.has_tag(&tag.name) && !tags.contains(&tag.name));
        only.cloned().collect()
    };
    let removed = only_in(before, after);
    if !removed.is_empty() || !only_in(after, before).is_empty() {
        names.push("tags".to_owned());
    }
    let lost = [Operation::Patch(lost), Operation::Untag(removed)];
    let lost = lost
        .into_iter()
        .filter(|operation| !operation.changes().is_empty());
    (names, lost.collect())
}

#[derive(Debug, Serialize, Deserialize)]
struct ChangedLane {
    row: RowNumber,
    operations: serde_json::Value,
}

/// The journal's record of what was lost, so that an undo takes it back too.
#[must_use]
pub fn unnamed_record(changes: &[UnnamedChange]) -> JournalRecord {
    let lane = |change: &UnnamedChange| ChangedLane {
        row: change.row,
        operations: lane_to_json(&Lane {
            row: change.row,
            key: RowKey::default(),
            customer: Some(change.customer),
            operations: change.lost.clone(),
        }),
    };
    let lanes: Vec<ChangedLane> = changes.iter().map(lane).collect();
    JournalRecord::Fact(Fact {
        name: FACT.to_owned(),
        value: serde_json::to_value(lanes).unwrap_or_default(),
    })
}

/// A fact of the journal without what it holds of these rows.
#[must_use]
pub(super) fn without_rows(fact: Fact, rows: &BTreeSet<RowNumber>) -> Fact {
    if fact.name != FACT {
        return fact;
    }
    let lanes: Vec<ChangedLane> = serde_json::from_value(fact.value).unwrap_or_default();
    let kept: Vec<_> = lanes
        .into_iter()
        .filter(|lane| !rows.contains(&lane.row))
        .collect();
    Fact {
        value: serde_json::to_value(kept).unwrap_or_default(),
        ..fact
    }
}

/// What the journal says a row's customer lost although no operation names it.
pub(super) fn unnamed_of(recovered: &Recovered, row: RowNumber) -> Vec<Operation> {
    let Some(fact) = recovered.facts.get(FACT) else {
        return Vec::new();
    };
    let lanes: Vec<ChangedLane> = serde_json::from_value(fact.clone()).unwrap_or_default();
    let of_row = lanes.into_iter().find(|lane| lane.row == row);
    let read = of_row.and_then(|lane| lane_from_json(&lane.operations).ok());
    read.map(|(_, operations)| operations).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{CustomValue, Value};

    fn text(value: &str) -> Option<Value> {
        Some(Value::Text(value.into()))
    }

    fn patch(field: Field) -> Operation {
        let change = FieldChange {
            field,
            from: None,
            to: text("x"),
        };
        Operation::Patch(Patch {
            set: vec![change],
            custom_data: Vec::new(),
        })
    }

    fn customer(phone: Option<&str>, plan: &str, tags: &[&str]) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(1));
        customer.set_field(Field::Name, text("Ann"));
        customer.set_field(Field::Phone, phone.and_then(text));
        let plan = CustomValue::Text(plan.into());
        customer.custom_data = Reported::Value(BTreeMap::from([("plan".into(), plan)]));
        customer.tags = Reported::Value(tags.iter().map(|tag| Tag::named(*tag)).collect());
        customer
    }

    #[test]
    fn what_no_operation_names_is_found_and_read_back_from_the_journal() {
        let before = customer(Some("1"), "free", &["vip"]);
        let mut after = customer(None, "pro", &["new"]);
        after.set_field(Field::Name, text("Eve"));
        after.set_field(Field::LastSeen, Some(Value::Date(5)));
        let (names, lost) = unnamed(&before, &after, &[patch(Field::Name)]);
        assert_eq!(names, ["phone", "customData.plan", "tags"]);
        // Another plan and a new tag may be an agent's.
        let phone = FieldChange {
            field: Field::Phone,
            from: text("1"),
            to: None,
        };
        let phone = Operation::Patch(Patch {
            set: vec![phone],
            custom_data: Vec::new(),
        });
        assert_eq!(lost, [phone, Operation::Untag(vec![Tag::named("vip")])]);
        let change = UnnamedChange {
            row: RowNumber(4),
            customer: CustomerId(1),
            names,
            lost: lost.clone(),
        };
        let JournalRecord::Fact(fact) = unnamed_record(&[change]) else {
            panic!("no fact");
        };
        let others = without_rows(fact.clone(), &BTreeSet::from([RowNumber(5)]));
        assert_eq!(others, fact);
        let erased = without_rows(fact.clone(), &BTreeSet::from([RowNumber(4)]));
        assert_eq!(erased.value, serde_json::json!([]));
        let lanes: Vec<ChangedLane> = serde_json::from_value(fact.value).unwrap();
        assert_eq!(lane_from_json(&lanes[0].operations).unwrap().1, lost);
        let named = [
            patch(Field::Name),
            patch(Field::Phone),
            Operation::Tag(vec![Tag::named("new")]),
            Operation::Untag(vec![Tag::named("vip")]),
        ];
        assert_eq!(unnamed(&before, &after, &named).0, ["customData.plan"]);
        assert_eq!(unnamed(&before, &before, &[]).0, [""; 0]);
    }
}
