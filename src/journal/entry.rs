use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::{CustomerId, Issue, RowNumber, RunId};
use crate::outcome::{OperationResult, RowStatus};
use crate::plan::OperationKind;

/// Version of the records that this program writes; the only one that it reads.
pub const JOURNAL_VERSION: u32 = 1;

/// One record of a journal. A kind that this version does not know is refused, never skipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JournalRecord {
    /// The first record, and only the first.
    Begin(Begin),
    Intent(Intent),
    Outcome(Outcome),
    Settled(Settled),
    Replanned(Replanned),
    Kept(KeptValues),
    Row(FinishedRow),
    Fact(Fact),
    /// The run was resumed.
    Resumed {
        at: String,
    },
    /// The run stopped before it was finished, and can be resumed.
    Stopped {
        at: String,
        reason: String,
    },
}

/// How the two most frequent kinds begin.
const INTENT: &[u8] = br#"{"kind":"intent","#;
const ROW: &[u8] = br#"{"kind":"row","#;

/// Parses a record that begins like this as the record of one kind.
fn parse_as<T: DeserializeOwned>(body: &[u8], start: &[u8]) -> Option<T> {
    let members = body.strip_prefix(start)?;
    serde_json::from_slice(&[b"{", members].concat()).ok()
}

impl JournalRecord {
    /// Parses a record's JSON. Those of which there are many are parsed as their own kind at once; serde would buffer them first,
    /// to find the kind wherever it stands.
    ///
    /// # Errors
    /// It is no record, or one of a kind that this version does not know.
    pub(super) fn parse(body: &[u8]) -> serde_json::Result<Self> {
        let intent = parse_as(body, INTENT).map(Self::Intent);
        let known = intent.or_else(|| parse_as(body, ROW).map(Self::Row));
        known.map_or_else(|| serde_json::from_slice(body), Ok)
    }

    /// The row that it is about, if it is about one.
    #[must_use]
    pub fn row(&self) -> Option<RowNumber> {
        match self {
            Self::Intent(intent) => Some(intent.row),
            Self::Outcome(outcome) => Some(outcome.row),
            Self::Settled(settled) => Some(settled.row),
            Self::Replanned(replanned) => Some(replanned.row),
            Self::Kept(kept) => Some(kept.row),
            Self::Row(row) => Some(row.row),
            Self::Begin(_) | Self::Fact(_) | Self::Resumed { .. } | Self::Stopped { .. } => None,
        }
    }

    /// The customer that it names, if it names one.
    #[must_use]
    pub fn customer(&self) -> Option<CustomerId> {
        match self {
            Self::Outcome(outcome) => outcome.customer_id,
            Self::Settled(settled) => settled.found,
            Self::Row(row) => row.customer_id,
            _ => None,
        }
    }
}

/// Which run the journal belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    pub version: u32,
    pub run_id: RunId,
    /// Identity of the account, see [`AccountId`](super::AccountId).
    pub account: String,
    /// SHA-256 of the plan that is applied, in hex.
    pub plan_digest: String,
}

/// An operation is about to be sent. The operating system has its intent before the request leaves; that of a create or a delete is
/// on disk by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    pub row: RowNumber,
    pub op: OperationKind,
    /// RFC 3339, UTC.
    pub at: String,
}

/// How an operation of a row ended, or how far an attempt at it got.
///
/// After `Done` and `Failed` the operation is no longer in doubt. Nor is it after `Planned`: the attempt is known to have
/// had no effect (a 429, a connection that was never established), and the operation may be sent again. After `InDoubt`
/// it still is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    pub row: RowNumber,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    pub operation: OperationResult,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Issue>,
}

/// How a create in doubt was settled by looking for the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    pub row: RowNumber,
    /// The customer that it created. `None`: it created none and may be sent once more.
    pub found: Option<CustomerId>,
    /// RFC 3339, UTC.
    pub at: String,
}

/// The row was replanned from a fresh reading; its earlier plan is void.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replanned {
    pub row: RowNumber,
    /// The row's new operations in the planner's own form, opaque here.
    pub payload: serde_json::Value,
}

/// HelpCrunch accepted a write of the row and stored other values than it was sent, also when they were sent again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptValues {
    pub row: RowNumber,
    /// A patch in the planner's own form, from what was stored to what was sent; opaque here.
    pub payload: serde_json::Value,
}

/// The row is finished: everything that its line in the results needs beside the row itself.
///
/// It carries all operations again, so that results are made from this one record, and a row whose last
/// operation has ended needs no [`Outcome`] beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishedRow {
    pub row: RowNumber,
    /// Never `Pending`: recovery takes such a row as unfinished.
    pub status: RowStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<OperationResult>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Issue>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Issue>,
}

/// A fact about the whole run that a resume must know, such as that batches are off. The last one of a name counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    pub name: String,
    pub value: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_kinds_are_parsed_as_all_others() {
        let bodies = [
            r#"{"kind":"intent","row":1,"op":"patch","at":"x"}"#,
            r#"{"kind":"intent","row":1,"op":"patch","at":"x","more":1}"#,
            r#"{"kind":"intent","row":1,"op":"patch","at":"x","kind":"row"}"#,
            r#"{"kind":"row","row":2,"status":"updated","customer_id":7}"#,
            r#"{"kind":"row","status":"updated"}"#,
            r#"{"kind":"row",}"#,
            r#"{"row":2,"kind":"row","status":"updated"}"#,
            r#"{"kind":"resumed","at":"x"}"#,
        ];
        for body in bodies {
            let any: Option<JournalRecord> = serde_json::from_str(body).ok();
            assert_eq!(JournalRecord::parse(body.as_bytes()).ok(), any, "{body}");
        }
    }

    #[test]
    fn unknown_kinds_and_members_are_refused() {
        let parse = |text: &str| serde_json::from_str::<JournalRecord>(text);
        assert!(parse(r#"{"kind":"intent","row":1,"op":"create","at":"x"}"#).is_ok());
        assert!(parse(r#"{"kind":"intent","row":1,"op":"create","at":"x","more":1}"#).is_err());
        assert!(parse(r#"{"kind":"forgotten","row":1}"#).is_err());
    }

    #[test]
    fn records_keep_their_words() {
        let entry = JournalRecord::Settled(Settled {
            row: RowNumber(3),
            found: None,
            at: String::from("2026-11-20T03:12:44Z"),
        });
        assert_eq!(
            serde_json::to_string(&entry).unwrap(),
            r#"{"kind":"settled","row":3,"found":null,"at":"2026-11-20T03:12:44Z"}"#
        );
    }
}
