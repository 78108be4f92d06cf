//! Reads inputs: the bytes of a file become [`Row`](crate::domain::Row)s, one at a time and in constant memory, each with its
//! number, its physical line and its exact bytes. Also writes files of rejected rows.
//!
//! A row that cannot be read is a [`BadRecord`] with its issues, and reading continues. A [`SourceError`] stops it. The module
//! never sees the config file, the network or what the columns mean.
//!
//! The bytes pass these stages: `open` (hash, decompress) → `encoding` (determined once, UTF-16 converted) → `window` (a bounded buffer)
//! → `scan`, `json_lines`, `json_stream`, `json_array` (where a record begins and ends) → `table`, `objects`, `sheet` (its cells) → `reader`.

mod blanks;
mod buffered_value;
mod cells;
mod columns;
mod delimiter;
mod dialect;
mod encoding;
mod error;
mod foreign;
mod format;
mod json_array;
mod json_document;
mod json_flaws;
mod json_lines;
mod json_members;
mod json_nesting;
mod json_numbers;
mod json_opening;
mod json_shape;
mod json_stream;
mod objects;
mod open;
mod opener;
mod origin;
mod plausible;
mod quote;
mod raw_members;
mod reader;
mod readings;
mod record;
mod record_diagnosis;
mod record_extent;
mod rejected;
mod rejected_marks;
mod sample;
mod scan;
mod scan_quotes;
mod settings;
mod sheet;
mod sheet_cell;
mod sheet_flaws;
mod sheet_opening;
mod sheet_profile;
mod sheet_spool;
mod strict_json;
mod table;
mod table_dialect;
mod table_opening;
mod text_codec;
mod titles;
mod utf16;
mod window;
mod workbook;
mod workbook_bounds;
mod workbook_counts;

pub use columns::scan_columns;
pub use dialect::{Dialect, LineEnd};
pub use error::SourceError;
pub use format::Format;
pub use open::InputFile;
pub use reader::Reader;
pub use record::{BadRecord, Provenance, Record};
pub use rejected::{RejectedRow, RejectedWriter};
pub use settings::{Choice, ReadLimits, SourceSettings};
pub use workbook::list_sheets;

/// The columns that a file of rejected rows adds, in its order. They are ignored in inputs.
pub const RESERVED_COLUMNS: [&str; 4] = ["_line", "_status", "_error", "_hint"];
