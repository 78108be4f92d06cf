//! Inputs: bytes of a file → [`Row`](crate::domain::Row)s, one at a time and in constant memory, each with its number, its
//! physical line and its exact bytes; and the way back, into a file of rejected rows.
//!
//! A row that cannot be read is a [`BadRecord`] with its issues, and the stream goes on; only what leaves no way to go on is a
//! [`SourceError`]. This module never sees the config file, the network or what the columns mean.
//!
//! The way of the bytes: `open` (hash, decompress) → `encoding` (decide once, UTF-16 made splittable) → `window` (a bounded buffer)
//! → `scan`, `lines`, `stream`, `array` (where a record begins and ends) → `table`, `object`, `sheet` (its cells) → `reader`.

mod array;
mod blanks;
mod cells;
mod coding;
mod columns;
mod delimiter;
mod dialect;
mod document;
mod encoding;
mod error;
mod extent;
mod foreign;
mod format;
mod json_shape;
mod lines;
mod looks;
mod object;
mod open;
mod opening;
mod opening_json;
mod plausible;
mod quote;
mod reader;
mod readings;
mod record_faults;
mod rejected;
mod sampled;
mod scan;
mod settings;
mod sheet;
mod sheet_flaws;
mod stream;
mod strict_json;
mod table;
mod table_opening;
mod titles;
mod utf16;
mod window;
mod workbook;
mod workbook_bounds;

pub use columns::scan_columns;
pub use dialect::{Dialect, LineEnd};
pub use error::{SettingError, SourceError};
pub use format::Format;
pub use open::InputFile;
pub use reader::{BadRecord, Provenance, Reader, Record};
pub use rejected::{Rejected, RejectedWriter};
pub use settings::{Choice, ReadLimits, SourceSettings, SourceTexts};
pub use workbook::list_sheets;

/// Columns that a file of rejected rows adds, in its order; in an input they are ignored without a word.
pub const RESERVED_COLUMNS: [&str; 4] = ["_line", "_status", "_error", "_hint"];
