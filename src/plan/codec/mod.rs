//! The plan file: a header, a line per operation, and an end with the digest of everything before it. Its format is described
//! by `docs/formats/plan.schema.json`.

mod copying;
mod entries;
mod lane_json;
mod operation_line;
mod reader;
mod value_or_change;
mod writer;

use std::io;

use serde::{Deserialize, Serialize};

use crate::domain::RunId;

use super::{MissingFigures, PlanCounts, RemoteFacts};

pub use copying::{PlannedRow, copy_without, visit_rows};
pub use lane_json::{lane_from_json, lane_to_json, replan};
pub use operation_line::{LanePlace, PlannedLane};
pub use reader::{LaneReader, VerifiedPlan, verify};
pub use writer::PlanWriter;

/// The version of the plan format that hcsync writes, and the newest that it reads.
pub const PLAN_VERSION: u32 = 1;

/// An input file at the time of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanInput {
    pub path: String,
    /// Of the bytes on disk, in hex.
    pub sha256: String,
    pub rows: u64,
}

/// The first line of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanHeader {
    pub hcsync_plan: u32,
    pub run_id: RunId,
    /// RFC 3339, UTC.
    pub created_at: String,
    pub base_url: String,
    /// Fingerprint of the account, or `None` if customers were read from a file.
    pub account: Option<String>,
    /// Fingerprint of the API key that the plan was made with. A named account may have another key later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub inputs: Vec<PlanInput>,
    pub config_sha256: String,
    pub remote: RemoteFacts,
    /// The run that the plan takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<RunId>,
    /// What the plan does about customers that the input no longer holds, and for which config they are tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<PlannedMissing>,
}

/// See [`PlanHeader::missing`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedMissing {
    /// Names the account's file of tracked customers.
    pub tracking: String,
    #[serde(flatten)]
    pub figures: MissingFigures,
}

impl PlanHeader {
    /// The inputs whose rows ask for the plan. The rows of an undo ask for what it takes back, so it has none.
    #[must_use]
    pub fn readable_inputs(&self) -> &[PlanInput] {
        match self.undoes {
            Some(_) => &[],
            None => &self.inputs,
        }
    }
}

/// Whether a line is the end of a plan, whose first member is `end`.
fn is_end(line: &[u8]) -> bool {
    line.starts_with(b"{\"end\":")
}

/// The last line of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEnd {
    /// First, since `is_end` recognises the line by it.
    pub end: bool,
    pub counts: PlanCounts,
    /// The plan's digest: SHA-256 of all lines before this one, with their line ends, in hex.
    pub sha256: String,
}

/// Why a plan file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    #[error("it is not an hcsync plan (its first line has no `hcsync_plan`)")]
    Foreign,
    #[error(
        "it was written by a newer hcsync (plan format {found}; this program reads up to {PLAN_VERSION}): update hcsync, or make the plan again"
    )]
    Newer { found: u64 },
    #[error(
        "it is cut short: its last line is missing (line {lines} is the last one there); copy it again, or make the plan again"
    )]
    Cut { lines: u64 },
    #[error(
        "it was changed after it was made: its digest is {actual}, the one in its last line {stated}; make the plan again"
    )]
    Changed { stated: String, actual: String },
    #[error("it has lines after its end (line {line}): it was changed; make the plan again")]
    Trailing { line: u64 },
    #[error("line {line} is not an operation: {reason}; it was changed, make the plan again")]
    BadLine { line: u64, reason: String },
    #[error("it cannot be read")]
    Io(#[from] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomValue, CustomerId, Field, Number, RowKey, RowNumber, Tag, Value};
    use crate::plan::{Create, FieldChange, Lane, Operation, Patch, PropertyChange};

    fn header() -> PlanHeader {
        PlanHeader {
            hcsync_plan: PLAN_VERSION,
            run_id: RunId::new("r1").unwrap(),
            created_at: "2026-11-20T03:12:44Z".into(),
            base_url: "https://api.helpcrunch.com/v1".into(),
            account: None,
            key: None,
            inputs: vec![],
            config_sha256: "00".into(),
            remote: RemoteFacts::default(),
            undoes: None,
            missing: None,
        }
    }

    fn lanes() -> Vec<Lane> {
        let key = RowKey {
            user_id: Some("u1".into()),
            ..RowKey::default()
        };
        let number = CustomValue::Number(Number::parse("15.5").unwrap());
        let create = Create {
            set: vec![
                (Field::UserId, Value::Text("u1".into())),
                (Field::FirstSeen, Value::Date(5)),
                (Field::Blocked, Value::Bool(true)),
            ],
            clear: vec![Field::LastSeen],
            custom_data: vec![
                ("since".into(), CustomValue::Date(7)),
                ("mrr".into(), number.clone()),
            ],
            tags: vec![Tag {
                name: "vip".into(),
                color: Some("#ff0000".into()),
            }],
        };
        let patch = Patch {
            set: vec![FieldChange {
                field: Field::Company,
                from: Some(Value::Text("A".into())),
                to: None,
            }],
            custom_data: vec![
                PropertyChange {
                    name: "z".into(),
                    from: None,
                    to: Some(number),
                },
                PropertyChange {
                    name: "a".into(),
                    from: Some(CustomValue::Text("x".into())),
                    to: Some(CustomValue::Date(9)),
                },
            ],
        };
        vec![
            Lane {
                row: RowNumber(3),
                key: key.clone(),
                customer: None,
                operations: vec![Operation::Create(create)],
            },
            Lane {
                row: RowNumber(5),
                key,
                customer: Some(CustomerId(1)),
                operations: vec![
                    Operation::Patch(patch),
                    Operation::Tag(vec![Tag::named("lead")]),
                    Operation::Untag(vec![Tag::named("trial")]),
                ],
            },
        ]
    }

    fn plan() -> Vec<u8> {
        let mut writer = PlanWriter::new(io::Cursor::new(Vec::new()));
        for lane in lanes() {
            writer
                .lane(
                    &lane,
                    LanePlace {
                        source: 0,
                        line: lane.row.0 + 1,
                        is_missing: false,
                    },
                )
                .unwrap();
        }
        let finished = writer.finish(Vec::new(), &header(), PlanCounts::default());
        finished.unwrap().0
    }

    #[test]
    fn lanes_come_back_as_they_were_written() {
        let bytes = plan();
        verify(bytes.as_slice()).unwrap();
        let read: Result<Vec<_>, _> = LaneReader::new(bytes.as_slice()).unwrap().collect();
        let read = read.unwrap();
        assert_eq!(
            read.iter().map(|p| p.lane.clone()).collect::<Vec<_>>(),
            lanes()
        );
        assert_eq!(read[1].place.line, 6);
    }

    #[test]
    fn lines_have_the_documented_format() {
        let text = String::from_utf8(plan()).unwrap();
        let patch: serde_json::Value = serde_json::from_str(text.lines().nth(2).unwrap()).unwrap();
        assert_eq!(
            patch["set"]["company"],
            serde_json::json!({"from": "A", "to": null})
        );
        assert_eq!(
            patch["custom_data"]["z"],
            serde_json::json!({"from": null, "to": 15.5})
        );
        assert_eq!(patch["custom_data"]["a"]["to"], 9);
        let create: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        assert_eq!(create["set"]["userId"], "u1");
        assert_eq!(create["tags"][0]["name"], "vip");
        assert!(create.get("customer_id").is_none());
    }

    #[test]
    fn a_row_has_one_customer() {
        let text = String::from_utf8(plan()).unwrap();
        let errors = |text: &str| {
            let read = LaneReader::new(text.as_bytes()).unwrap();
            read.filter_map(Result::err)
                .map(|e| e.to_string())
                .collect::<Vec<_>>()
        };
        assert!(errors(&text).is_empty());
        let create = text.lines().nth(1).unwrap();
        let twice = text.replacen(create, &format!("{create}\n{create}"), 1);
        for (wrong, line) in [
            (text.replace("\"row\":5", "\"row\":3"), 3),
            (
                text.replacen("\"customer_id\":1", "\"customer_id\":2", 1),
                4,
            ),
            (twice, 3),
        ] {
            let found = errors(&wrong);
            assert!(
                found[0].starts_with(&format!("line {line} is not an operation")),
                "{found:?}"
            );
        }
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_refused() {
        let bytes = plan();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(
                verify(changed.as_slice()).is_err() || same_meaning(&changed, &bytes),
                "byte {at}"
            );
            assert!(verify(&bytes[..at]).is_err(), "cut at {at}");
        }
        let mut longer = bytes;
        longer.extend_from_slice(b"{}\n");
        assert!(matches!(
            verify(longer.as_slice()),
            Err(PlanFileError::Trailing { .. })
        ));
    }

    /// The digest does not cover the counts of the last line.
    fn same_meaning(a: &[u8], b: &[u8]) -> bool {
        let body = |bytes: &[u8]| bytes.split_inclusive(|b| *b == b'\n').count();
        let lines = |bytes: &[u8]| {
            bytes
                .split_inclusive(|b| *b == b'\n')
                .take(4)
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        };
        body(a) == body(b) && lines(a) == lines(b)
    }

    #[test]
    fn newer_and_foreign_files_are_refused() {
        assert!(matches!(
            verify(&b"{\"hcsync_plan\":2}\n"[..]),
            Err(PlanFileError::Newer { found: 2 })
        ));
        assert!(matches!(
            verify(&b"a,b\n1,2\n"[..]),
            Err(PlanFileError::Foreign)
        ));
        assert!(matches!(verify(&b""[..]), Err(PlanFileError::Foreign)));
    }
}
