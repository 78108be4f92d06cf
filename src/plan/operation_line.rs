//! One operation as a line of a plan file.

use serde::{Deserialize, Serialize};

use crate::domain::{CustomValue, CustomerId, Field, RowKey, RowNumber, Tag, Value};

use super::codec::{LanePlace, PlannedLane};
use super::entries;
use super::{Create, FieldChange, Lane, Operation, OperationKind, Patch, PropertyChange};

/// A value before and after.
#[derive(Debug, Serialize, Deserialize)]
struct FromTo<T> {
    from: Option<T>,
    to: Option<T>,
}

/// What a member of `set` or `custom_data` holds: a value (create) or a change (patch).
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Slot<T> {
    Change(FromTo<T>),
    Value(T),
}

/// Field order is the order in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OperationLine {
    op: OperationKind,
    row: RowNumber,
    #[serde(default, skip_serializing_if = "is_zero")]
    source: u16,
    #[serde(default)]
    line: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer_id: Option<CustomerId>,
    #[serde(default)]
    key: RowKey,
    #[serde(default, with = "entries", skip_serializing_if = "Vec::is_empty")]
    set: Vec<(Field, Slot<Value>)>,
    /// Of a create: fields that are to have no value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    clear: Vec<Field>,
    #[serde(default, with = "entries", skip_serializing_if = "Vec::is_empty")]
    custom_data: Vec<(String, Slot<serde_json::Value>)>,
    /// Properties whose new value is a date, since JSON cannot tell it from a number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dates: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_zero(n: &u16) -> bool {
    *n == 0
}

impl OperationLine {
    pub(super) fn new(lane: &Lane, operation: &Operation, place: LanePlace) -> Self {
        let mut line = Self {
            op: operation.kind(),
            row: lane.row,
            source: place.source,
            line: place.line,
            customer_id: lane.customer,
            key: lane.key.clone(),
            set: Vec::new(),
            clear: Vec::new(),
            custom_data: Vec::new(),
            dates: Vec::new(),
            tags: Vec::new(),
        };
        match operation {
            Operation::Create(create) => line.put_create(create),
            Operation::Patch(patch) => line.put_patch(patch),
            Operation::Tag(tags) | Operation::Untag(tags) => line.tags.clone_from(tags),
        }
        line
    }

    fn put_create(&mut self, create: &Create) {
        self.set = create
            .set
            .iter()
            .map(|(f, value)| (*f, Slot::Value(value.clone())))
            .collect();
        self.clear.clone_from(&create.clear);
        for (name, value) in &create.custom_data {
            self.note_date(name, Some(value));
            self.custom_data
                .push((name.clone(), Slot::Value(value.to_json())));
        }
        self.tags.clone_from(&create.tags);
    }

    fn put_patch(&mut self, patch: &Patch) {
        let change = |c: &FieldChange| {
            (
                c.field,
                Slot::Change(FromTo {
                    from: c.from.clone(),
                    to: c.to.clone(),
                }),
            )
        };
        self.set = patch.set.iter().map(change).collect();
        for change in &patch.custom_data {
            self.note_date(&change.name, change.to.as_ref());
            let json = |value: &Option<CustomValue>| value.as_ref().map(CustomValue::to_json);
            let slot = Slot::Change(FromTo {
                from: json(&change.from),
                to: json(&change.to),
            });
            self.custom_data.push((change.name.clone(), slot));
        }
    }

    fn note_date(&mut self, name: &str, value: Option<&CustomValue>) {
        if matches!(value, Some(CustomValue::Date(_))) {
            self.dates.push(name.to_owned());
        }
    }

    /// The line as a lane of one operation.
    pub(super) fn into_lane(self) -> Result<PlannedLane, String> {
        if self.row == super::codec::NO_ROW {
            return Err("it has no row number".into());
        }
        if self.op == OperationKind::Create && self.customer_id.is_some() {
            return Err("a create has no customer_id".into());
        }
        if self.op != OperationKind::Create && self.customer_id.is_none() {
            return Err(format!("a {} needs a customer_id", self.op.as_str()));
        }
        let place = LanePlace {
            source: self.source,
            line: self.line,
        };
        let (row, key, customer) = (self.row, self.key.clone(), self.customer_id);
        let operation = match self.op {
            OperationKind::Create => Operation::Create(self.take_create()?),
            OperationKind::Patch => Operation::Patch(self.take_patch()?),
            OperationKind::Tag => Operation::Tag(self.tags),
            OperationKind::Untag => Operation::Untag(self.tags),
        };
        Ok(PlannedLane {
            lane: Lane {
                row,
                key,
                customer,
                operations: vec![operation],
            },
            place,
        })
    }

    fn take_create(self) -> Result<Create, String> {
        let field = |(field, slot)| match slot {
            Slot::Value(value) => Ok((field, value)),
            Slot::Change(_) => Err(format!("`{field}` of a create has no `from`")),
        };
        let property = |(name, slot): (String, Slot<serde_json::Value>)| match slot {
            Slot::Value(json) => {
                let value = custom_value(&name, &json, &self.dates)?;
                Ok((name, value))
            }
            Slot::Change(_) => Err(format!("`{name}` of a create has no `from`")),
        };
        Ok(Create {
            set: self.set.into_iter().map(field).collect::<Result<_, _>>()?,
            clear: self.clear,
            custom_data: self
                .custom_data
                .into_iter()
                .map(property)
                .collect::<Result<_, String>>()?,
            tags: self.tags,
        })
    }

    fn take_patch(self) -> Result<Patch, String> {
        let field = |(field, slot)| match slot {
            Slot::Change(FromTo { from, to }) => Ok(FieldChange { field, from, to }),
            Slot::Value(_) => Err(format!("`{field}` of a patch needs `from` and `to`")),
        };
        let property = |(name, slot): (String, Slot<serde_json::Value>)| match slot {
            Slot::Change(FromTo { from, to }) => {
                let from = from
                    .map(|json| custom_value(&name, &json, &[]))
                    .transpose()?;
                let to = to
                    .map(|json| custom_value(&name, &json, &self.dates))
                    .transpose()?;
                Ok(PropertyChange { name, from, to })
            }
            Slot::Value(_) => Err(format!("`{name}` of a patch needs `from` and `to`")),
        };
        Ok(Patch {
            set: self.set.into_iter().map(field).collect::<Result<_, _>>()?,
            custom_data: self
                .custom_data
                .into_iter()
                .map(property)
                .collect::<Result<_, String>>()?,
        })
    }
}

fn custom_value(
    name: &str,
    json: &serde_json::Value,
    dates: &[String],
) -> Result<CustomValue, String> {
    if dates.iter().any(|d| d == name) {
        return json
            .as_i64()
            .map(CustomValue::Date)
            .ok_or_else(|| format!("the date `{name}` is no integer"));
    }
    CustomValue::from_json(json)
        .ok_or_else(|| format!("the property `{name}` is no text, number or boolean"))
}
