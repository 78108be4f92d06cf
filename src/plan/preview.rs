use serde::{Deserialize, Serialize};

use crate::domain::{CustomerId, IssueKind, PropertyKind, Repairs, RowKey, RowNumber};

use super::OperationKind;

/// Customers touched by each kind of operation, and rows without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlanCounts {
    pub create: u64,
    pub patch: u64,
    pub tag: u64,
    pub untag: u64,
    pub unchanged: u64,
    pub rejected: u64,
    pub skipped: u64,
}

impl PlanCounts {
    /// Whether the plan would write anything.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.create + self.patch + self.tag + self.untag > 0
    }

    /// Of so many rows, those that are to be written.
    #[must_use]
    pub fn written_of(&self, rows: u64) -> u64 {
        rows.saturating_sub(self.unchanged + self.rejected + self.skipped)
    }
}

/// Rows that ended badly for one and the same reason; an entry of `errors` in `summary.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    pub kind: IssueKind,
    pub code: String,
    pub column: Option<String>,
    pub count: u64,
    pub example_row: RowNumber,
    /// Where that row stands: input and physical line.
    pub example_source: String,
    pub example_line: u64,
    pub message: String,
    pub hint: Option<String>,
}

/// A tag or property that no known customer has yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewName {
    pub name: String,
    /// Customers that would get it.
    pub customers: u64,
    /// A known name, or a more frequent new one, that differs so little that this one may be a typing error.
    pub near: Option<String>,
}

/// A property that customers would get a value of another type of than they have, or than the others have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeChange {
    pub property: String,
    pub from: PropertyKind,
    pub to: PropertyKind,
    pub customers: u64,
}

/// One changed attribute, for people: values are shown here and nowhere else on standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownChange {
    /// `company`, `customData.plan`, or `tags`.
    pub field: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// One customer whose planned change is shown as an example.
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

/// What the writes of a plan cost.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// Requests still to be sent: writes, and readings that go before them.
    pub requests: u64,
    /// Of these, readings.
    pub reads: u64,
    /// At the pace that the limit allows; 0 without a limit.
    pub duration_s: f64,
    /// The limit that the pace keeps to, in requests a minute; nothing where there is none.
    pub requests_per_minute: Option<u32>,
}

/// How the remote side was known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RemoteFacts {
    /// `list`, `lookup`, `snapshot`, `file`, or `none`.
    pub strategy: String,
    /// Customers of the account, where that is known.
    pub customers: Option<u64>,
    /// When it was read (RFC 3339, UTC).
    pub as_of: Option<String>,
}

/// A way of knowing the remote side, with its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// `list`, `lookup` or `snapshot`.
    pub strategy: String,
    /// Requests after the first one, which every way needs; nothing where it is out.
    pub requests: Option<u64>,
    /// Why it is out.
    pub out: Option<String>,
}

/// Why the remote side was read in the way that it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    pub taken: String,
    /// Customers of the account as the first request told.
    pub customers: Option<u64>,
    pub candidates: Vec<Candidate>,
    /// What turned out otherwise, a sentence each.
    pub notes: Vec<String>,
}

/// Everything that is shown of a plan before anything is sent. The same facts in every format.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Preview {
    pub rows: u64,
    /// Rows for which a remote customer was found.
    pub matched: u64,
    pub counts: PlanCounts,
    pub rejected_by_cause: Vec<Cause>,
    /// Changed fields and properties with the number of customers, most first; creates do not count.
    pub changed_fields: Vec<(String, u64)>,
    pub new_tags: Vec<NewName>,
    pub new_properties: Vec<NewName>,
    /// Properties whose values would be of another type than they are, most customers first.
    pub type_changes: Vec<TypeChange>,
    /// Customers who would lose a value that they have.
    pub cleared: u64,
    /// Booleans that would turn from true to false.
    pub turned_false: u64,
    /// One-way booleans that stay true although their row says false.
    pub kept_true: u64,
    /// Fields and properties that somebody edited in HelpCrunch and that are left so, with the number of customers,
    /// most first.
    pub kept_edited: Vec<(String, u64)>,
    /// Damaged cells that were put right.
    pub repaired: Repairs,
    /// Fields and properties whose value does not fit and is left out, with the number of rows, most first.
    pub left_out: Vec<(String, u64)>,
    pub ignored_columns: Vec<String>,
    /// Other things worth knowing, a sentence each.
    pub notes: Vec<String>,
    pub estimate: Estimate,
    pub remote: RemoteFacts,
    /// Nothing where it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explain: Option<Explanation>,
    /// The plan's digest.
    pub digest: String,
    pub examples: Vec<Example>,
}
