use std::io::{self, Write};

use serde::Serialize;

use super::bad_rows::BadRows;
use super::json_text::write_line;
use super::terminal::{human_count, plural};

/// Everything that `check` found. The only customers' values in it are the bad cells of rows.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct CheckReport {
    /// The config file that was used.
    pub config: Option<String>,
    pub state: CheckedState,
    pub inputs: Vec<CheckedInput>,
    /// Attributes with the columns that they come from.
    pub mapping: Vec<(String, Vec<String>)>,
    pub ignored_columns: Vec<String>,
    pub notes: Vec<String>,
    pub key: CheckedKey,
    pub rows: u64,
    pub bad_rows: u64,
    /// Rows left out by `rows.duplicates`.
    pub skipped_rows: u64,
    pub bad: Vec<BadRows>,
    pub columns: Vec<CheckedColumn>,
}

/// What is in the state directory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct CheckedState {
    pub folder: String,
    pub runs: usize,
    /// Ids of runs that were interrupted while they wrote, newest first.
    pub resumable: Vec<String>,
    /// The command that resumes the newest.
    pub resume: Option<String>,
}

/// How an input is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedInput {
    pub path: String,
    /// `csv`, `xlsx` and so on.
    pub format: String,
    pub encoding: String,
    pub delimiter: Option<char>,
    /// The quote character of a table, if it has one.
    pub quote: Option<char>,
    pub columns: usize,
    pub rows: u64,
}

/// The result of trying the key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum CheckedKey {
    /// There is no key, so no request was sent.
    #[default]
    Missing,
    Accepted {
        base_url: String,
        /// Customers of the account, if the API reports them.
        customers: Option<u64>,
        /// What HelpCrunch calls the account, if it answers that.
        organization: Option<String>,
    },
    Failed {
        message: String,
    },
}

/// What is in a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedColumn {
    pub input: String,
    pub column: String,
    /// The attributes that use it.
    pub used_for: Vec<String>,
    pub rows: u64,
    pub filled: u64,
    /// Number of distinct values, or `None` if there are more than are counted.
    pub distinct: Option<u64>,
    /// What its cells look like.
    pub looks_like: String,
    /// Length of the longest value in characters.
    pub longest: usize,
}

#[derive(Serialize)]
struct CheckJson<'a> {
    hcsync_check: u32,
    /// What could not be checked.
    unchecked: Vec<&'static str>,
    #[serde(flatten)]
    report: &'a CheckReport,
}

/// Writes the report for `--output json`, one line.
pub fn write_check(out: impl Write, report: &CheckReport) -> io::Result<()> {
    let json = CheckJson {
        hcsync_check: 1,
        unchecked: unchecked(report),
        report,
    };
    write_line(out, &json)
}

/// Returns the result of the check in one line.
pub fn check_headline(report: &CheckReport) -> String {
    let rows = plural(report.rows, "row", "rows");
    match report.bad_rows {
        0 if report.inputs.is_empty() => "The config is valid".to_owned(),
        0 => format!("No problem found: {rows} checked"),
        bad => format!("{} of {rows} would be rejected", human_count(bad)),
    }
}

/// What the check could not look at.
pub(super) fn unchecked(report: &CheckReport) -> Vec<&'static str> {
    let checks = [
        (report.inputs.is_empty(), "an input (none was named)"),
        (
            report.rows > 0,
            "matches and conflicts with the customers in HelpCrunch (`hcsync plan` compares them)",
        ),
        (
            matches!(report.key, CheckedKey::Missing),
            "the API key (none was found)",
        ),
        (
            matches!(report.key, CheckedKey::Failed { .. }),
            "the account (the key could not be tried or was refused)",
        ),
    ];
    let there = checks.into_iter().filter(|(is_unchecked, _)| *is_unchecked);
    there.map(|(_, what)| what).collect()
}
