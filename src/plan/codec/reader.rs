use std::io::BufRead;

use sha2::{Digest, Sha256};

use crate::domain::text::hex;

use super::operation_line::{OperationLine, PlannedLane};
use super::{PLAN_VERSION, PlanEnd, PlanFileError, PlanHeader, is_end};

/// The first and last line of a plan whose digest was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPlan {
    pub header: PlanHeader,
    pub end: PlanEnd,
}

/// Reads a whole plan and checks that it is complete and unchanged.
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
        } else if is_end(&line) && line.ends_with(b"\n") {
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

/// Iterates over the lanes of a verified plan in order.
#[derive(Debug)]
pub struct LaneReader<R> {
    input: R,
    /// Number of the last line that was read.
    line: u64,
    /// The lane whose operations are being read.
    current: Option<PlannedLane>,
    is_at_end: bool,
}

impl<R: BufRead> LaneReader<R> {
    /// # Errors
    /// If the header cannot be read.
    pub fn new(mut input: R) -> Result<Self, PlanFileError> {
        input.read_until(b'\n', &mut Vec::new())?;
        Ok(Self {
            input,
            line: 1,
            current: None,
            is_at_end: false,
        })
    }

    fn next_lane(&mut self) -> Result<Option<PlannedLane>, PlanFileError> {
        while !self.is_at_end {
            let Some(next) = self.next_operation()? else {
                self.is_at_end = true;
                break;
            };
            match &mut self.current {
                // A further operation of the same row. A create is the only operation of its row.
                Some(current) if current.lane.row == next.lane.row => {
                    if next.lane.customer.is_none() || current.lane.customer != next.lane.customer {
                        let reason =
                            "its row has other operations that are not of the same customer";
                        return Err(self.bad_line(reason.to_owned()));
                    }
                    current.lane.operations.extend(next.lane.operations)
                }
                current => {
                    if let Some(complete) = current.replace(next) {
                        return Ok(Some(complete));
                    }
                }
            }
        }
        Ok(self.current.take())
    }

    fn next_operation(&mut self) -> Result<Option<PlannedLane>, PlanFileError> {
        let mut line = Vec::new();
        self.line += 1;
        if self.input.read_until(b'\n', &mut line)? == 0 || is_end(&line) {
            return Ok(None);
        }
        let parsed: OperationLine =
            serde_json::from_slice(&line).map_err(|e| self.bad_line(e.to_string()))?;
        parsed.into_lane().map(Some).map_err(|e| self.bad_line(e))
    }

    fn bad_line(&self, reason: String) -> PlanFileError {
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
            self.is_at_end = true;
            self.current = None;
        }
        next.transpose()
    }
}
