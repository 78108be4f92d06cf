//! The plan file: a header, a line for each operation, an end with the digest of all before it.
//! `docs/formats/plan.schema.json` describes it.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::{CustomerId, RowNumber, RunId};

use super::operation_line::OperationLine;
use super::{Lane, Operation, PlanCounts, RemoteFacts};

/// The version of the plan format that this program writes, and the newest that it reads.
pub const PLAN_VERSION: u32 = 1;

/// An input file as it was when the plan was made.
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
    /// Fingerprint of the account; nothing where the plan was made against a file.
    pub account: Option<String>,
    /// Fingerprint of the API key that the plan was made with, which an account with a name may outlive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub inputs: Vec<PlanInput>,
    pub config_sha256: String,
    pub remote: RemoteFacts,
}

/// The last line of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEnd {
    pub end: bool,
    pub counts: PlanCounts,
    /// Of all lines before, with their line ends, in hex: the plan's digest.
    pub sha256: String,
}

/// Why a file is no plan that can be used. Each has its own message.
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

/// Writes a plan. Operations go to a file of their own as they are planned, since the plan's first line holds the inputs'
/// digests, which are known only at the end.
#[derive(Debug)]
pub struct PlanWriter<B: Write> {
    body: BufWriter<B>,
}

impl<B: Read + Write + Seek> PlanWriter<B> {
    /// `body`: an empty file.
    #[must_use]
    pub fn new(body: B) -> Self {
        Self {
            body: BufWriter::with_capacity(1 << 18, body),
        }
    }

    /// # Errors
    /// When a line cannot be written.
    pub fn lane(&mut self, lane: &Lane, place: LanePlace) -> io::Result<()> {
        for operation in &lane.operations {
            let line = OperationLine::new(lane, operation, place);
            serde_json::to_writer(&mut self.body, &line)?;
            self.body.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Writes the whole plan to `out`; gives that back with the digest.
    ///
    /// # Errors
    /// When the operations cannot be read again, or the plan cannot be written.
    pub fn finish<W: Write>(
        self,
        out: W,
        header: &PlanHeader,
        counts: PlanCounts,
    ) -> io::Result<(W, String)> {
        let mut body = self
            .body
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        body.rewind()?;
        let mut plan = Hashed {
            out,
            hasher: Sha256::new(),
        };
        plan.line(header)?;
        io::copy(&mut BufReader::with_capacity(1 << 18, body), &mut plan)?;
        let sha256 = hex(&plan.hasher.clone().finalize());
        plan.line(&PlanEnd {
            end: true,
            counts,
            sha256: sha256.clone(),
        })?;
        Ok((plan.out, sha256))
    }
}

/// Hashes what is written.
struct Hashed<W> {
    out: W,
    hasher: Sha256,
}

impl<W: Write> Hashed<W> {
    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.write_all(&line)
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Where a lane's row stands: the index of its input and its physical line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LanePlace {
    pub source: u16,
    pub line: u64,
}

/// A lane as a plan holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedLane {
    pub lane: Lane,
    pub place: LanePlace,
}

/// A plan's first and last line, once the whole file was found to be what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPlan {
    pub header: PlanHeader,
    pub end: PlanEnd,
}

/// Reads a plan through and checks that it is whole and unchanged.
///
/// # Errors
/// See [`PlanFileError`].
pub fn verify(mut input: impl BufRead) -> Result<VerifiedPlan, PlanFileError> {
    let mut hasher = Sha256::new();
    let mut line = Vec::new();
    let mut lines = 0;
    let mut header = None;
    let mut end: Option<PlanEnd> = None;
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        lines += 1;
        if end.is_some() {
            return Err(PlanFileError::Trailing { line: lines });
        }
        if header.is_none() {
            header = Some(read_header(&line)?);
        } else if line.starts_with(b"{\"end\":") && line.ends_with(b"\n") {
            end = serde_json::from_slice(&line).ok();
            if end.is_some() {
                continue;
            }
        }
        hasher.update(&line);
    }
    let header = header.ok_or(PlanFileError::Foreign)?;
    let end = end.ok_or(PlanFileError::Cut { lines })?;
    let actual = hex(&hasher.finalize());
    if actual != end.sha256 {
        return Err(PlanFileError::Changed {
            stated: end.sha256,
            actual,
        });
    }
    Ok(VerifiedPlan { header, end })
}

fn read_header(line: &[u8]) -> Result<PlanHeader, PlanFileError> {
    let json: serde_json::Value =
        serde_json::from_slice(line).map_err(|_| PlanFileError::Foreign)?;
    let version = json
        .get("hcsync_plan")
        .and_then(serde_json::Value::as_u64)
        .ok_or(PlanFileError::Foreign)?;
    if version > u64::from(PLAN_VERSION) {
        return Err(PlanFileError::Newer { found: version });
    }
    serde_json::from_value(json).map_err(|e| PlanFileError::BadLine {
        line: 1,
        reason: e.to_string(),
    })
}

/// Streams the lanes of a verified plan in order.
#[derive(Debug)]
pub struct LaneReader<R> {
    input: R,
    line: u64,
    ahead: Option<PlannedLane>,
    ended: bool,
}

impl<R: BufRead> LaneReader<R> {
    /// # Errors
    /// When the header line cannot be read.
    pub fn new(mut input: R) -> Result<Self, PlanFileError> {
        input.read_until(b'\n', &mut Vec::new())?;
        Ok(Self {
            input,
            line: 1,
            ahead: None,
            ended: false,
        })
    }

    fn next_lane(&mut self) -> Result<Option<PlannedLane>, PlanFileError> {
        while !self.ended {
            let Some(one) = self.next_operation()? else {
                self.ended = true;
                break;
            };
            match &mut self.ahead {
                // After a create nothing is left to do for its row.
                Some(lane) if lane.lane.row == one.lane.row => {
                    if one.lane.customer.is_none() || lane.lane.customer != one.lane.customer {
                        let reason =
                            "its row has other operations that are not of the same customer";
                        return Err(self.bad(reason.to_owned()));
                    }
                    lane.lane.operations.extend(one.lane.operations)
                }
                ahead => {
                    if let Some(complete) = ahead.replace(one) {
                        return Ok(Some(complete));
                    }
                }
            }
        }
        Ok(self.ahead.take())
    }

    fn next_operation(&mut self) -> Result<Option<PlannedLane>, PlanFileError> {
        let mut line = Vec::new();
        self.line += 1;
        if self.input.read_until(b'\n', &mut line)? == 0 || line.starts_with(b"{\"end\":") {
            return Ok(None);
        }
        let parsed: OperationLine =
            serde_json::from_slice(&line).map_err(|e| self.bad(e.to_string()))?;
        parsed.into_lane().map(Some).map_err(|e| self.bad(e))
    }

    fn bad(&self, reason: String) -> PlanFileError {
        PlanFileError::BadLine {
            line: self.line,
            reason,
        }
    }
}

impl<R: BufRead> Iterator for LaneReader<R> {
    type Item = Result<PlannedLane, PlanFileError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_lane();
        if next.is_err() {
            self.ended = true;
            self.ahead = None;
        }
        next.transpose()
    }
}

/// A lane's operations as lines of a plan, in an array.
#[must_use]
pub fn lane_to_json(lane: &Lane) -> serde_json::Value {
    let lines = lane
        .operations
        .iter()
        .map(|op| OperationLine::new(lane, op, LanePlace::default()));
    lines
        .filter_map(|line| serde_json::to_value(line).ok())
        .collect()
}

/// Lays over a lane what was planned anew for its row, as [`lane_to_json`] wrote it.
///
/// # Errors
/// Why it cannot be read.
pub fn replan(lane: &mut Lane, payload: &serde_json::Value) -> Result<(), String> {
    let (customer, operations) = lane_from_json(payload)?;
    // Lines name the customer: where nothing is left to be done there is none.
    if !operations.is_empty() {
        lane.customer = customer;
    }
    lane.operations = operations;
    Ok(())
}

/// The operations that [`lane_to_json`] wrote, with the customer that they are for.
///
/// # Errors
/// Says what is wrong with a line.
pub fn lane_from_json(
    json: &serde_json::Value,
) -> Result<(Option<CustomerId>, Vec<Operation>), String> {
    let lines: Vec<OperationLine> = Vec::deserialize(json).map_err(|e| e.to_string())?;
    let mut customer = None;
    let mut operations = Vec::new();
    for line in lines {
        let one = line.into_lane()?;
        customer = customer.or(one.lane.customer);
        operations.extend(one.lane.operations);
    }
    Ok((customer, operations))
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// A row number that no row has: used where a line has none.
pub(super) const NO_ROW: RowNumber = RowNumber(0);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomValue, Field, Number, RowKey, Tag, Value};
    use crate::plan::{Create, FieldChange, Patch, PropertyChange};

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
    fn the_lines_are_as_the_contract_shows_them() {
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
    fn a_row_is_of_one_customer() {
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

    /// The counts of the last line are not under its own digest.
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
    fn a_newer_and_a_foreign_file_say_so() {
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
