use std::borrow::Cow;
use std::io;

/// Errors that stop the reading of an input. `name` is the input as the user wrote it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("`{name}` does not exist: check the path")]
    NotFound { name: String },
    #[error("`{name}` is a directory: give the files in it")]
    IsDirectory { name: String },
    #[error("`{name}` cannot be read by this user: check its owner and permissions")]
    PermissionDenied { name: String },
    #[error("`{name}` is empty, without header or rows: check that the export finished")]
    Empty { name: String },
    #[error(
        "the encoding of `{name}` cannot be determined from its first MiB: it is not UTF-8 and may be {}; set `input.encoding` to the one in which the cells look right, such as {}:{readings}",
        listed(candidates),
        setting(candidates)
    )]
    UndecidedEncoding {
        name: String,
        candidates: Vec<&'static str>,
        /// A line per candidate with the first cells decoded in it.
        readings: String,
    },
    #[error(
        "`{name}` begins with the byte order mark of {mark}, but `input.encoding` is {given}: set it to {mark} or auto"
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
        "the delimiter of `{name}` is ambiguous, it may be {}: set `input.delimiter`",
        listed(candidates)
    )]
    UndecidedDelimiter {
        name: String,
        candidates: Vec<String>,
    },
    #[error(
        "`{name}` cannot be unpacked: its {packing} data is damaged or cut off near byte {offset}; download or compress the file again"
    )]
    Compressed {
        name: String,
        packing: &'static str,
        /// Bytes of the stored file that were read.
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
        "`{name}` seems to have no header: its first line contains an e-mail address; set `input.header = false` and name the columns in `input.columns`, or add a header"
    )]
    NoHeader { name: String },
    #[error(
        "the header of `{name}` seems to be in line {line}, below title lines: set `skip_lines = {}` in [input]",
        line.saturating_sub(1)
    )]
    HeaderBelow { name: String, line: u64 },
    #[error(
        "`{name}` has nothing after the lines that `input.skip_lines = {lines}` skips: lower it, or check that the file is complete"
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
        "the first sheet of `{name}`, `{sheet}`, does not look like a table: set `sheet` under `[input]` to the sheet to read; there are {sheets}"
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
        "`{name}` is too large to be read as a workbook: {problem}; export the sheet as CSV, which has no size limit"
    )]
    WorkbookTooLarge { name: String, problem: String },
    #[error(
        "the JSON array of `{name}` is broken at line {line}: {problem}; the rows before it were read; fix the file from there on"
    )]
    BrokenJson {
        name: String,
        line: u64,
        problem: String,
    },
    #[error(
        "the objects of `{name}` have more than {limit} different member names: move data from names into values"
    )]
    TooManyColumns { name: String, limit: usize },
    #[error("`{name}` could not be read after byte {offset}")]
    Io {
        name: String,
        offset: u64,
        source: io::Error,
    },
    #[error(
        "no temporary file could be written for `{name}`: check the free space and the permissions of the temporary folder"
    )]
    Spool { name: String, source: io::Error },
}

/// The config setting that chooses the first candidate.
fn setting(candidates: &[&str]) -> String {
    let first = candidates.first().copied().unwrap_or("utf-8");
    format!("`[input]` `encoding = \"{first}\"`")
}

fn listed<T: AsRef<str>>(items: &[T]) -> String {
    let quoted: Vec<String> = items.iter().map(|i| format!("`{}`", i.as_ref())).collect();
    quoted.join(", ")
}

/// An error of an engine, to which the reader adds the input's name.
#[derive(Debug, thiserror::Error)]
pub(super) enum EngineError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("broken at line {line}: {problem}")]
    Broken { line: u64, problem: String },
}
