//! The nouns: rows, customers, attributes, tags, keys, issues. Pure data whose constructors check its invariants, without
//! access to clock, files or HTTP.

mod attribute;
mod custom_value;
mod customer;
mod desired;
mod form;
mod ids;
mod issue;
mod key;
pub mod local_time;
mod number;
mod opaque;
mod organization;
mod policy;
mod property_kind;
mod repairs;
mod row;
mod shown_cell;
mod tag;
pub mod text;
mod value;

pub use attribute::{Field, FieldKind};
pub use custom_value::{CustomType, CustomValue};
pub use customer::{RemoteCustomer, Reported};
pub use desired::{DesiredCustomer, DesiredTags, Wish};
pub use form::{field_form, property_form, property_forms};
pub use ids::{CustomerId, RowNumber, RunId, RunIdError};
pub use issue::{Issue, IssueKind, join_distinct};
pub use key::{KeyField, RowKey, email_eq, email_spellings, fold_email};
pub use number::Number;
pub use opaque::OpaqueValue;
pub use organization::Organization;
pub use policy::{Overwrite, TagMode};
pub use property_kind::{KindCounts, PropertyKind};
pub use repairs::Repairs;
pub use row::{Cell, CellKind, Cells, Columns, Position, RawRecord, Row, Texts};
pub use shown_cell::{is_invisible, looks_like, quoted_cell, visible, without_cells};
pub use tag::Tag;
pub use value::Value;
