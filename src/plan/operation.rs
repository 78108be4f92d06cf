use crate::domain::{CustomValue, CustomerId, Field, RowKey, RowNumber, Tag, Value};

/// A field that a patch changes, with the remote value that the plan assumed. Never equal by meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    pub field: Field,
    pub from: Option<Value>,
    pub to: Option<Value>,
}

/// A custom property that a patch changes, with the remote value that the plan assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyChange {
    pub name: String,
    pub from: Option<CustomValue>,
    pub to: Option<CustomValue>,
}

/// Everything that a new customer starts with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Create {
    pub set: Vec<(Field, Value)>,
    /// Fields that are to have no value. They are not sent, but HelpCrunch fills some of its own accord (such as
    /// `firstSeen`), which the next run would clear: the answer is held against them.
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
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.custom_data.is_empty()
    }
}

/// One write. At most one of each kind is planned for a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    Create(Create),
    Patch(Patch),
    Tag(Vec<Tag>),
    Untag(Vec<Tag>),
}

/// What kind of write it is: the `op` of plans, results and journals.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum OperationKind {
    Create,
    Patch,
    Tag,
    Untag,
}

impl OperationKind {
    pub const ALL: [Self; 4] = [Self::Create, Self::Patch, Self::Tag, Self::Untag];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Patch => "patch",
            Self::Tag => "tag",
            Self::Untag => "untag",
        }
    }
}

impl Operation {
    #[must_use]
    pub fn kind(&self) -> OperationKind {
        match self {
            Self::Create(_) => OperationKind::Create,
            Self::Patch(_) => OperationKind::Patch,
            Self::Tag(_) => OperationKind::Tag,
            Self::Untag(_) => OperationKind::Untag,
        }
    }

    /// Names of the fields and properties (`customData.NAME`) that it writes.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let property = |name: &String| format!("customData.{name}");
        match self {
            Self::Create(create) => {
                let fields = create.set.iter().map(|(f, _)| f.name().to_owned());
                fields
                    .chain(create.custom_data.iter().map(|(name, _)| property(name)))
                    .collect()
            }
            Self::Patch(patch) => {
                let fields = patch.set.iter().map(|c| c.field.name().to_owned());
                fields
                    .chain(patch.custom_data.iter().map(|c| property(&c.name)))
                    .collect()
            }
            Self::Tag(_) | Self::Untag(_) => Vec::new(),
        }
    }

    /// Names of the tags that it adds or removes.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        let names = |tags: &[Tag]| tags.iter().map(|t| t.name.clone()).collect();
        match self {
            Self::Create(create) => names(&create.tags),
            Self::Tag(tags) | Self::Untag(tags) => names(tags),
            Self::Patch(_) => Vec::new(),
        }
    }
}

/// All operations of one customer in the order in which they run: create or patch, tag, untag. The unit of work,
/// since a tag needs the id that its create returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    pub row: RowNumber,
    pub key: RowKey,
    /// Nothing where the first operation is a create.
    pub customer: Option<CustomerId>,
    /// In running order, at most one of each kind.
    pub operations: Vec<Operation>,
}
