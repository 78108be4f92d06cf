use crate::domain::{CustomValue, CustomerId, Field, RowKey, RowNumber, Tag, Value};

use super::attribute::{Attribute, AttributeChange, AttributeValue};
use super::customer_state::CustomerState;

/// A field that a patch changes. `from` is the remote value that the plan is based on; the two never mean the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    pub field: Field,
    pub from: Option<Value>,
    pub to: Option<Value>,
}

/// A custom property that a patch changes. `from` is the remote value that the plan is based on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyChange {
    pub name: String,
    pub from: Option<CustomValue>,
    pub to: Option<CustomValue>,
}

impl FieldChange {
    pub(crate) fn as_attribute(&self) -> AttributeChange<'_> {
        field_change(self.field, self.from.as_ref(), self.to.as_ref())
    }
}

impl PropertyChange {
    pub(crate) fn as_attribute(&self) -> AttributeChange<'_> {
        property_change(&self.name, self.from.as_ref(), self.to.as_ref())
    }
}

/// Everything that a new customer gets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Create {
    pub set: Vec<(Field, Value)>,
    /// Fields that are to have no value. They are not sent, but HelpCrunch sets some by itself (such as `firstSeen`), which the
    /// next run would clear. So the answer is checked against them.
    pub clear: Vec<Field>,
    pub custom_data: Vec<(String, CustomValue)>,
    pub tags: Vec<Tag>,
}

/// The fields and properties of one customer that differ; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    pub set: Vec<FieldChange>,
    pub custom_data: Vec<PropertyChange>,
}

impl Patch {
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.custom_data.is_empty()
    }
}

/// One write. A customer has at most one of each kind in a plan, and a delete is the only one of its customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    Create(Create),
    Patch(Patch),
    Tag(Vec<Tag>),
    Untag(Vec<Tag>),
    Delete(CustomerState),
}

/// The kind of a write: the `op` of plans, results and journals.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum OperationKind {
    Create,
    Patch,
    Tag,
    Untag,
    Delete,
}

impl OperationKind {
    pub const ALL: [Self; 5] = [
        Self::Create,
        Self::Patch,
        Self::Tag,
        Self::Untag,
        Self::Delete,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Patch => "patch",
            Self::Tag => "tag",
            Self::Untag => "untag",
            Self::Delete => "delete",
        }
    }
}

impl Operation {
    pub fn kind(&self) -> OperationKind {
        match self {
            Self::Create(_) => OperationKind::Create,
            Self::Patch(_) => OperationKind::Patch,
            Self::Tag(_) => OperationKind::Tag,
            Self::Untag(_) => OperationKind::Untag,
            Self::Delete(_) => OperationKind::Delete,
        }
    }

    /// The attributes that it changes: fields, properties, tags. A create changes them from no value.
    pub fn changes(&self) -> Vec<AttributeChange<'_>> {
        match self {
            Self::Create(create) => {
                let fields = create.set.iter();
                let fields = fields.map(|(field, value)| field_change(*field, None, Some(value)));
                let properties = create.custom_data.iter();
                let properties =
                    properties.map(|(name, value)| property_change(name, None, Some(value)));
                let tags = create.tags.iter().map(|tag| tag_change(tag, true));
                fields.chain(properties).chain(tags).collect()
            }
            Self::Patch(patch) => {
                let fields = patch.set.iter().map(FieldChange::as_attribute);
                let properties = patch.custom_data.iter().map(PropertyChange::as_attribute);
                fields.chain(properties).collect()
            }
            Self::Tag(tags) => tags.iter().map(|tag| tag_change(tag, true)).collect(),
            Self::Untag(tags) => tags.iter().map(|tag| tag_change(tag, false)).collect(),
            Self::Delete(_) => Vec::new(),
        }
    }

    /// Names of the fields and properties (`customData.NAME`) that it writes.
    pub fn fields(&self) -> Vec<String> {
        let changes = self.changes().into_iter();
        let fields = changes.filter(|change| !matches!(change.attribute, Attribute::Tag(_)));
        fields.map(|change| change.attribute.to_string()).collect()
    }

    /// Names of the tags that it adds or removes.
    pub fn tags(&self) -> Vec<String> {
        let changes = self.changes().into_iter();
        let tags = changes.filter_map(|change| match change.attribute {
            Attribute::Tag(name) => Some(name.to_owned()),
            Attribute::Field(_) | Attribute::Property(_) => None,
        });
        tags.collect()
    }
}

fn field_change<'a>(
    field: Field,
    old: Option<&'a Value>,
    new: Option<&'a Value>,
) -> AttributeChange<'a> {
    AttributeChange {
        attribute: Attribute::Field(field),
        old: old.map(AttributeValue::Field),
        new: new.map(AttributeValue::Field),
    }
}

fn property_change<'a>(
    name: &'a str,
    old: Option<&'a CustomValue>,
    new: Option<&'a CustomValue>,
) -> AttributeChange<'a> {
    AttributeChange {
        attribute: Attribute::Property(name),
        old: old.map(AttributeValue::Property),
        new: new.map(AttributeValue::Property),
    }
}

fn tag_change(tag: &Tag, is_added: bool) -> AttributeChange<'_> {
    let name = AttributeValue::Tag(&tag.name);
    AttributeChange {
        attribute: Attribute::Tag(&tag.name),
        old: (!is_added).then_some(name),
        new: is_added.then_some(name),
    }
}

/// All operations of one customer: create or patch, tag, untag. It is the unit of work, since a tag needs the id that its
/// create returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    pub row: RowNumber,
    pub key: RowKey,
    /// `None` if the first operation is a create.
    pub customer: Option<CustomerId>,
    /// In running order, at most one of each kind.
    pub operations: Vec<Operation>,
}
