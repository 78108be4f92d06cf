use std::fmt;

use crate::domain::{CustomValue, Field, Value};

/// An attribute of a customer. Displays as reports name it: `company`, `customData.plan`, or `tags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attribute<'a> {
    Field(Field),
    Property(&'a str),
    Tag(&'a str),
}

impl fmt::Display for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => f.write_str(field.name()),
            Self::Property(name) => write!(f, "customData.{name}"),
            Self::Tag(_) => f.write_str("tags"),
        }
    }
}

/// The value of an attribute; that of a tag is its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AttributeValue<'a> {
    Field(&'a Value),
    Property(&'a CustomValue),
    Tag(&'a str),
}

/// One attribute that an operation changes. `None` means no value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttributeChange<'a> {
    pub attribute: Attribute<'a>,
    pub old: Option<AttributeValue<'a>>,
    pub new: Option<AttributeValue<'a>>,
}
