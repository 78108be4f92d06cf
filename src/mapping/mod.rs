//! Maps the cells of a row to the attributes of a customer, with type conversion and validation.
//!
//! A [`Schema`] binds the settings to the inputs' columns once. [`Schema::map`] then turns each [`Row`] into a
//! [`DesiredCustomer`] or into a list of everything that is wrong with it. The module never sees the remote side, the clock
//! or a file; time zones are looked up once, when the schema is created.
//!
//! [`Row`]: crate::domain::Row
//! [`DesiredCustomer`]: crate::domain::DesiredCustomer

mod boolean;
mod boolean_words;
mod color;
mod column_binding;
mod column_kind;
mod customer_filter;
mod damage;
mod damage_words;
mod date;
mod date_digits;
mod date_format;
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
mod header_zone;
mod identity;
mod implicit_columns;
mod inspector;
mod invalid_value;
mod list_survey;
mod locale;
mod managed_tags;
mod mapped_row;
mod number;
mod number_form;
mod phone;
mod possible_kinds;
mod profile;
mod property;
mod proposal;
mod proposal_lines;
mod proposal_text;
mod recode;
mod row_filter;
mod row_mapper;
mod rule;
mod rule_options;
mod schema;
mod schema_error;
mod schema_rules;
mod settings;
mod source_value;
mod synonyms;
mod table_profile;
mod tag_list;
mod tags;
mod template;
mod template_columns;
mod template_values;
mod unit_survey;
mod untyped;

pub use column_kind::ColumnKind;
pub use customer_filter::CustomerFilter;
pub use exports::{UnmappedExport, unmapped_export};
pub use managed_tags::ManagedTagRule;
pub use mapped_row::{BlamedCell, MappedRow, OmittedAttribute};
pub use profile::ColumnProfile;
pub use proposal::{KeyColumn, Proposal, ProposalInput, key_columns, propose};
pub use rule_options::time_zone;
pub use schema::Schema;
pub use schema_error::{Nearest, SchemaError};
pub use settings::{
    AttributeRule, Case, EmptyCells, FieldRules, ManagedTags, MappingSettings, OnInvalid,
    PropertyRules, Repair, TagSettings, ValueType,
};
pub use table_profile::TableProfile;
pub use unit_survey::UnitSurvey;
pub use untyped::decide_types;
