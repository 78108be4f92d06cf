use std::borrow::Cow;
use std::io;

/// A setting of the input that cannot be what the user meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("`input.format = \"{0}\"` is not a format: use auto, csv, tsv, jsonl, json or xlsx")]
    UnknownFormat(String),
    #[error(
        "`input.encoding = \"{0}\"` is not an encoding: use auto or a WHATWG label such as utf-8, windows-1251 or utf-16le"
    )]
    UnknownEncoding(String),
    #[error(
        "`input.encoding = \"{0}\"` cannot be read by hcsync: convert the file to UTF-8 first, for instance with iconv"
    )]
    UnreadableEncoding(String),
    #[error(
        "`input.delimiter = \"{0}\"` cannot separate cells: use auto, tab or one ASCII character that is no quote and no line end"
    )]
    BadDelimiter(String),
    #[error(
        "`input.columns` names the columns of a file without a header: set `input.header = false`, or leave it out"
    )]
    ColumnsBesideHeader,
}

/// Why an input cannot be read, or cannot be read any further. `name` is the input as the user wrote it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("`{name}` does not exist: check the path")]
    NotFound { name: String },
    #[error("`{name}` is a directory: name the files in it")]
    IsDirectory { name: String },
    #[error("`{name}` may not be read by this user: check its owner and mode")]
    PermissionDenied { name: String },
    #[error(
        "`{name}` is empty, it has neither header nor rows: check that what exported it had finished"
    )]
    Empty { name: String },
    #[error(
        "the encoding of `{name}` cannot be told from its first MiB: it is not UTF-8 and may be {}; set `input.encoding` to the one in which its cells read right, such as {}:{readings}",
        listed(candidates),
        setting(candidates)
    )]
    UndecidedEncoding {
        name: String,
        candidates: Vec<&'static str>,
        /// A line for each: how the first cells read in it.
        readings: String,
    },
    #[error(
        "`{name}` begins with the byte order mark of {mark}, but `input.encoding` says {given}: set it to {mark} or to auto"
    )]
    EncodingContradicted {
        name: String,
        mark: &'static str,
        given: &'static str,
    },
    #[error("`{name}` cannot be read as {encoding} here, {reason}: convert it to UTF-8 first")]
    UnsafeEncoding {
        name: String,
        encoding: &'static str,
        reason: &'static str,
    },
    #[error(
        "the delimiter of `{name}` cannot be told, it may be {}: set `input.delimiter`",
        listed(candidates)
    )]
    UndecidedDelimiter {
        name: String,
        candidates: Vec<String>,
    },
    #[error(
        "`{name}` cannot be unpacked: its {packing} data is damaged or cut off near byte {offset}; fetch or pack the file again"
    )]
    Compressed {
        name: String,
        packing: &'static str,
        /// Bytes of the stored file that had been read.
        offset: u64,
        source: io::Error,
    },
    #[error("`{name}` {problem}: {advice}")]
    UnsupportedFormat {
        name: String,
        problem: Cow<'static, str>,
        advice: Cow<'static, str>,
    },
    #[error(
        "`{name}` is read without a header, so its columns need names: set `input.columns`, or `input.header = true`"
    )]
    NoColumnNames { name: String },
    #[error(
        "`{name}` seems to have no header: its first line holds an e-mail address; set `input.header = false` and name the columns in `input.columns`, or add a header"
    )]
    NoHeader { name: String },
    #[error(
        "the header of `{name}` seems to stand in line {line}, below lines that are titles: set `skip_lines = {}` in [input]",
        line.saturating_sub(1)
    )]
    HeaderBelow { name: String, line: u64 },
    #[error(
        "`{name}` has nothing below the lines that `input.skip_lines = {lines}` leaves out: lower it, or check that the file is whole"
    )]
    AllSkipped { name: String, lines: u64 },
    #[error("the header of `{name}`, line {line}, cannot be read: {problem}")]
    BadHeader {
        name: String,
        line: u64,
        problem: String,
    },
    #[error("`{name}` has no sheet `{sheet}`: it has {}", listed(sheets))]
    SheetNotFound {
        name: String,
        sheet: String,
        sheets: Vec<String>,
    },
    #[error(
        "the first sheet of `{name}`, `{sheet}`, does not look like a table: name the sheet to read as `sheet` under `[input]`; there are {sheets}"
    )]
    NoTable {
        name: String,
        sheet: String,
        sheets: String,
    },
    #[error(
        "`{name}` cannot be read as an xlsx workbook: {problem}; open it in a spreadsheet and save it again, or as CSV"
    )]
    BadWorkbook { name: String, problem: String },
    #[error(
        "`{name}` is too large to be read as a workbook: {problem}; export the sheet as CSV, which may have any size"
    )]
    WorkbookTooLarge { name: String, problem: String },
    #[error(
        "the JSON array of `{name}` is broken at line {line}: {problem}; the rows before it were read, mend the file from there on"
    )]
    BrokenJson {
        name: String,
        line: u64,
        problem: String,
    },
    #[error(
        "the objects of `{name}` have more than {limit} different member names: names that are data belong into values"
    )]
    TooManyColumns { name: String, limit: usize },
    #[error("`{name}` could not be read on, after {offset} bytes of it")]
    Io {
        name: String,
        offset: u64,
        source: io::Error,
    },
    #[error(
        "no temporary file could be written for `{name}`: check the space and rights of the temporary folder"
    )]
    Spool { name: String, source: io::Error },
    #[error(transparent)]
    Setting(#[from] SettingError),
}

/// The lines of the config that choose the first one.
fn setting(candidates: &[&str]) -> String {
    let first = candidates.first().copied().unwrap_or("utf-8");
    format!("`[input]` `encoding = \"{first}\"`")
}

fn listed<T: AsRef<str>>(items: &[T]) -> String {
    let quoted: Vec<String> = items.iter().map(|i| format!("`{}`", i.as_ref())).collect();
    quoted.join(", ")
}

/// What stops an engine; the reader adds the input's name.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("broken at line {line}: {problem}")]
    Broken { line: u64, problem: String },
}
