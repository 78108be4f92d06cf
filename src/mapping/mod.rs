//! From a row's cells to what it wants: names, types and checks.
//!
//! A [`Schema`] binds the settings to the inputs' columns once; [`Schema::map`] then turns each [`Row`] into a
//! [`DesiredCustomer`] or into everything that is wrong with it. It never sees the remote side, the clock or a
//! file; the rules of time zones are looked up once, when the schema is made.
//!
//! [`Row`]: crate::domain::Row
//! [`DesiredCustomer`]: crate::domain::DesiredCustomer

mod auto;
mod boolean;
mod color;
mod damage;
mod date;
mod date_digits;
mod date_forms;
mod date_text;
mod date_units;
mod distinct;
mod email;
mod exponent;
mod exports;
mod field;
#[cfg(test)]
mod fixture;
mod given;
mod identity;
mod inspector;
mod locale;
mod mapped;
mod number;
mod phone;
mod problem;
mod profile;
mod property;
mod proposal;
mod proposal_lines;
mod recode;
mod record;
mod rule;
mod schema;
mod schema_error;
mod settings;
mod slot;
mod synonyms;
mod tag_list;
mod tags;
mod template;
mod unit_survey;
mod untyped;

pub use mapped::{BlamedCell, LeftOut, Mapped};
pub use profile::{ColumnKind, ColumnProfile, TableProfile};
pub use proposal::{KeyColumn, Proposal, ProposalOf, key_columns, propose};
pub use schema::Schema;
pub use schema_error::{Nearest, SchemaError};
pub use settings::{
    AttributeRule, Case, EmptyCells, FieldRules, ManagedTags, MappingSettings, OnInvalid,
    PropertyRules, Repair, TagSettings, ValueType,
};
pub use tags::ManagedTagRule;
pub use unit_survey::UnitSurvey;
pub use untyped::decide_types;
