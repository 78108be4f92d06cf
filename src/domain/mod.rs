//! The nouns: rows, customers, attributes, tags, keys, issues. Pure data with its invariants in constructors;
//! it never sees a clock, a file or HTTP.

mod attribute;
mod customer;
mod desired;
mod form;
mod ids;
mod issue;
mod key;
mod opaque;
mod policy;
mod property_kind;
mod repairs;
mod row;
mod shown_cell;
mod tag;
mod value;

pub use attribute::{Field, FieldKind};
pub use customer::{Known, RemoteCustomer};
pub use desired::{DesiredCustomer, DesiredTags, Wish};
pub use form::{field_form, property_form, property_forms};
pub use ids::{CustomerId, RowNumber, RunId, RunIdError};
pub use issue::{Issue, IssueKind, joined};
pub use key::{KeyField, RowKey, email_eq, email_spellings, fold_email};
pub use opaque::OpaqueValue;
pub use policy::{Overwrite, TagMode};
pub use property_kind::{KindCounts, PropertyKind};
pub use repairs::Repairs;
pub use row::{Cell, CellKind, Cells, Columns, Position, RawRecord, Row, Texts};
pub use shown_cell::{is_invisible, looks_like, quoted_cell, visible, without_cells};
pub use tag::Tag;
pub use value::{CustomType, CustomValue, Number, Value};
