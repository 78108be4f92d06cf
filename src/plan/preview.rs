use serde::{Deserialize, Serialize};

use crate::domain::{CustomerId, IssueKind, PropertyKind, Repairs, RowKey, RowNumber};

use super::{MissingFigures, OperationKind};

/// Place of a row, as messages show it.
#[derive(Debug, Clone, Copy)]
pub struct RowPlace<'a> {
    pub row: RowNumber,
    /// The input as the user named it.
    pub source: &'a str,
    /// Physical line.
    pub line: u64,
}

/// Customers touched by each kind of operation, and rows without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlanCounts {
    pub create: u64,
    pub patch: u64,
    pub tag: u64,
    pub untag: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delete: u64,
    pub unchanged: u64,
    pub rejected: u64,
    pub skipped: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl PlanCounts {
    /// Whether the plan would write anything.
    pub fn has_changes(&self) -> bool {
        self.create + self.patch + self.tag + self.untag + self.delete > 0
    }

    /// The count of an operation.
    pub fn of_mut(&mut self, operation: OperationKind) -> &mut u64 {
        match operation {
            OperationKind::Create => &mut self.create,
            OperationKind::Patch => &mut self.patch,
            OperationKind::Tag => &mut self.tag,
            OperationKind::Untag => &mut self.untag,
            OperationKind::Delete => &mut self.delete,
        }
    }

    /// How many of this number of rows would be written.
    pub fn written_of(&self, rows: u64) -> u64 {
        rows.saturating_sub(self.unchanged + self.rejected + self.skipped)
    }
}

/// Rejected or failed rows with the same cause; an entry of `errors` in `summary.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    pub kind: IssueKind,
    pub code: String,
    pub column: Option<String>,
    pub count: u64,
    pub example_row: RowNumber,
    /// Input and physical line of that row.
    pub example_source: String,
    pub example_line: u64,
    pub message: String,
    pub hint: Option<String>,
}

/// A tag or property that no known customer has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewName {
    pub name: String,
    /// Number of customers that would get it.
    pub customers: u64,
    /// A known name, or a more frequent new one, of which this one may be a misspelling.
    pub near: Option<String>,
}

/// A property in which customers would get a value of another type than they, or most others, have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeChange {
    pub property: String,
    pub from: PropertyKind,
    pub to: PropertyKind,
    pub customers: u64,
}

/// One changed attribute as people read it: the only place where standard output shows customers' values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownChange {
    /// `company`, `customData.plan`, or `tags`.
    pub field: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// A planned operation of one customer, shown as an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    pub op: OperationKind,
    pub row: RowNumber,
    pub source: String,
    pub line: u64,
    pub key: RowKey,
    pub customer_id: Option<CustomerId>,
    pub changes: Vec<ShownChange>,
}

/// The estimated cost of a plan's writes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// Requests still to be sent: writes, and the reads that they need.
    pub requests: u64,
    /// Reads among these requests.
    pub reads: u64,
    /// Seconds under the rate limit; 0 without a limit.
    pub duration_s: f64,
    /// The rate limit, or `None` without one.
    pub requests_per_minute: Option<u32>,
}

/// How HelpCrunch's customers were read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RemoteFacts {
    /// `list`, `lookup`, `snapshot`, `file`, or `none`.
    pub strategy: String,
    /// Customers of the account, if known.
    pub customers: Option<u64>,
    /// When they were read (RFC 3339, UTC).
    pub as_of: Option<String>,
}

/// A strategy for reading HelpCrunch's customers, with its cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrategyCost {
    /// `list`, `lookup` or `snapshot`.
    pub strategy: String,
    /// Requests after the first one, which every strategy needs; `None` if it is ruled out.
    pub requests: Option<u64>,
    /// Why it is ruled out.
    pub out: Option<String>,
}

/// Why HelpCrunch's customers were read in the way that they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    pub taken: String,
    /// Customers of the account, as the first request reported.
    pub customers: Option<u64>,
    pub candidates: Vec<StrategyCost>,
    /// What turned out differently, a sentence each.
    pub notes: Vec<String>,
}

/// Where the changes of a plan go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Destination {
    /// The user's name for the account.
    pub account: Option<String>,
    /// The id that stands for the account in plans and runs; `None` if the plan is made against a file.
    pub account_id: Option<String>,
    /// What HelpCrunch calls the account, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    pub base_url: String,
    /// Whether it is the in-process sandbox.
    pub sandbox: bool,
    /// Whether nothing is written.
    pub dry_run: bool,
}

impl Destination {
    /// The host and port of the base URL.
    pub fn host(&self) -> &str {
        let rest = self.base_url.split_once("://");
        let rest = rest.map_or(self.base_url.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }
}

/// Everything that is shown of a plan before anything is sent, in every format.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Preview {
    #[serde(default)]
    pub target: Option<Destination>,
    /// Why a sync would refuse the plan, a sentence each.
    #[serde(default)]
    pub refused: Vec<String>,
    pub rows: u64,
    /// Rows for which a remote customer was found.
    pub matched: u64,
    pub counts: PlanCounts,
    pub rejected_by_cause: Vec<Cause>,
    /// Changed fields and properties with the number of customers, most first; creates do not count.
    pub changed_fields: Vec<(String, u64)>,
    pub new_tags: Vec<NewName>,
    pub new_properties: Vec<NewName>,
    /// Properties whose values would change their type, most customers first.
    pub type_changes: Vec<TypeChange>,
    /// Customers that would lose a value.
    pub cleared: u64,
    /// Booleans that would turn from true to false.
    pub turned_false: u64,
    /// One-way booleans that stay true although their row says false.
    pub kept_true: u64,
    /// Fields and properties that were edited in HelpCrunch and stay as they are, with the number of customers, most first.
    pub kept_edited: Vec<(String, u64)>,
    /// Damaged cells that were fixed.
    pub repaired: Repairs,
    /// Fields and properties whose invalid value is left out, with the number of rows, most first.
    pub left_out: Vec<(String, u64)>,
    /// Customers that the input no longer holds, where `[sync] missing` does something about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<MissingFigures>,
    pub ignored_columns: Vec<String>,
    /// Other things worth knowing, a sentence each.
    pub notes: Vec<String>,
    pub estimate: Estimate,
    pub remote: RemoteFacts,
    /// Only with `--explain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explain: Option<Explanation>,
    /// The plan's digest.
    pub digest: String,
    pub examples: Vec<Example>,
}
