//! From a row's cells to what it wants: names, types and checks. Pure; it never sees the remote side.

mod settings;

pub use settings::{
    AttributeRule, Case, EmptyCells, FieldRules, ManagedTags, MappingSettings, PropertyRules,
    TagSettings, ValueType,
};
