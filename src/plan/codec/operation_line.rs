//! One operation as a line of a plan file.

use serde::{Deserialize, Serialize};

use crate::domain::{CustomValue, CustomerId, Field, RowKey, RowNumber, Tag, Value};
use crate::plan::{
    Create, CustomerState, FieldChange, Lane, Operation, OperationKind, Patch, PropertyChange,
};

use super::entries;
use super::value_or_change::{FromTo, ValueOrChange};

/// Place of a lane's row: index of its input, and physical line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LanePlace {
    pub source: u16,
    pub line: u64,
    /// There is no row: the customer is one that the input no longer holds. Such lanes follow those of rows, and their
    /// numbers follow the last row's.
    pub is_missing: bool,
}

/// A lane with the place of its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedLane {
    pub lane: Lane,
    pub place: LanePlace,
}

/// Members are in the order in which the file has them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OperationLine {
    op: OperationKind,
    row: RowNumber,
    #[serde(default, skip_serializing_if = "is_zero")]
    source: u16,
    #[serde(default)]
    line: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    missing: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer_id: Option<CustomerId>,
    #[serde(default)]
    key: RowKey,
    #[serde(default, with = "entries", skip_serializing_if = "Vec::is_empty")]
    set: Vec<(Field, ValueOrChange<Value>)>,
    /// Of a create: fields that are to have no value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    clear: Vec<Field>,
    #[serde(default, with = "entries", skip_serializing_if = "Vec::is_empty")]
    custom_data: Vec<(String, ValueOrChange<serde_json::Value>)>,
    /// Properties whose new value is a date, which JSON cannot distinguish from a number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dates: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
    /// Of a delete: the customer as it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<CustomerState>,
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
            missing: place.is_missing,
            customer_id: lane.customer,
            key: lane.key.clone(),
            set: Vec::new(),
            clear: Vec::new(),
            custom_data: Vec::new(),
            dates: Vec::new(),
            tags: Vec::new(),
            state: None,
        };
        match operation {
            Operation::Create(create) => line.put_create(create),
            Operation::Patch(patch) => line.put_patch(patch),
            Operation::Tag(tags) | Operation::Untag(tags) => line.tags.clone_from(tags),
            Operation::Delete(state) => line.state = Some(state.clone()),
        }
        line
    }

    fn put_create(&mut self, create: &Create) {
        let fields = create.set.iter();
        let fields = fields.map(|(field, value)| (*field, ValueOrChange::Value(value.clone())));
        self.set = fields.collect();
        self.clear.clone_from(&create.clear);
        for (name, value) in &create.custom_data {
            self.mark_date(name, Some(value));
            let value = ValueOrChange::Value(value.to_json());
            self.custom_data.push((name.clone(), value));
        }
        self.tags.clone_from(&create.tags);
    }

    fn put_patch(&mut self, patch: &Patch) {
        let fields = patch.set.iter().map(|change| {
            let (from, to) = (change.from.clone(), change.to.clone());
            (change.field, ValueOrChange::Change(FromTo { from, to }))
        });
        self.set = fields.collect();
        for change in &patch.custom_data {
            self.mark_date(&change.name, change.to.as_ref());
            let json = |value: &Option<CustomValue>| value.as_ref().map(CustomValue::to_json);
            let (from, to) = (json(&change.from), json(&change.to));
            let change_json = ValueOrChange::Change(FromTo { from, to });
            self.custom_data.push((change.name.clone(), change_json));
        }
    }

    fn mark_date(&mut self, name: &str, value: Option<&CustomValue>) {
        if matches!(value, Some(CustomValue::Date(_))) {
            self.dates.push(name.to_owned());
        }
    }

    /// The line as a lane of one operation.
    pub(super) fn into_lane(self) -> Result<PlannedLane, String> {
        if self.row == RowNumber(0) {
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
            is_missing: self.missing,
        };
        let (row, key, customer) = (self.row, self.key.clone(), self.customer_id);
        let operation = match self.op {
            OperationKind::Create => Operation::Create(self.take_create()?),
            OperationKind::Patch => Operation::Patch(self.take_patch()?),
            OperationKind::Tag => Operation::Tag(self.tags),
            OperationKind::Untag => Operation::Untag(self.tags),
            OperationKind::Delete => {
                Operation::Delete(self.state.ok_or("a delete needs a `state`")?)
            }
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
        let fields = self.set.into_iter();
        let fields = fields.map(|(field, member)| Ok((field, member.value(field.name())?)));
        let properties = self.custom_data.into_iter().map(|(name, member)| {
            let value = custom_value(&name, &member.value(&name)?, &self.dates)?;
            Ok((name, value))
        });
        Ok(Create {
            set: fields.collect::<Result<_, String>>()?,
            clear: self.clear,
            custom_data: properties.collect::<Result<_, String>>()?,
            tags: self.tags,
        })
    }

    fn take_patch(self) -> Result<Patch, String> {
        let fields = self.set.into_iter().map(|(field, member)| {
            let FromTo { from, to } = member.change(field.name())?;
            Ok(FieldChange { field, from, to })
        });
        let properties = self.custom_data.into_iter().map(|(name, member)| {
            let FromTo { from, to } = member.change(&name)?;
            let value = |json: Option<_>, dates: &[String]| {
                json.map(|json| custom_value(&name, &json, dates))
                    .transpose()
            };
            let (from, to) = (value(from, &[])?, value(to, &self.dates)?);
            Ok(PropertyChange { name, from, to })
        });
        Ok(Patch {
            set: fields.collect::<Result<_, String>>()?,
            custom_data: properties.collect::<Result<_, String>>()?,
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
            .ok_or_else(|| format!("the date `{name}` is not an integer"));
    }
    CustomValue::from_json(json)
        .ok_or_else(|| format!("the property `{name}` is not a text, number or boolean"))
}
