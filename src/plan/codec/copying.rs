use std::io::{BufRead, Write};

use serde::Deserialize;

use crate::domain::{CustomerId, RowKey, RowNumber};
use crate::plan::OperationKind;

use super::writer::HashingWriter;
use super::{PlanEnd, PlanFileError, is_end};

/// What a line of a plan says about its row.
#[derive(Debug, Deserialize)]
pub struct PlannedRow {
    op: OperationKind,
    pub row: RowNumber,
    #[serde(default)]
    pub key: RowKey,
    #[serde(default)]
    pub customer_id: Option<CustomerId>,
}

/// Passes each operation of a plan to `visit`, as text too.
///
/// # Errors
/// A line cannot be read.
pub fn visit_rows(
    mut input: impl BufRead,
    mut visit: impl FnMut(&PlannedRow, &[u8]),
) -> Result<(), PlanFileError> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if number > 1 && !is_end(&line) {
            visit(&parse(&line, number)?, &line);
        }
    }
    Ok(())
}

/// Copies a verified plan without the operations that `is_left_out` selects, whose customers are not counted any more.
/// Returns the digest of the copy.
///
/// # Errors
/// A line cannot be read, or the copy cannot be written.
pub fn copy_without(
    mut input: impl BufRead,
    out: impl Write,
    end: &PlanEnd,
    mut is_left_out: impl FnMut(RowNumber) -> bool,
) -> Result<String, PlanFileError> {
    let mut copy = HashingWriter::new(out);
    let mut counts = end.counts;
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 || is_end(&line) {
            break;
        }
        if number > 1 {
            let planned = parse(&line, number)?;
            if is_left_out(planned.row) {
                let count = counts.of_mut(planned.op);
                *count = count.saturating_sub(1);
                continue;
            }
        }
        copy.write_all(&line)?;
    }
    let sha256 = copy.digest();
    copy.line(&PlanEnd {
        end: true,
        counts,
        sha256: sha256.clone(),
    })?;
    Ok(sha256)
}

fn parse(line: &[u8], number: u64) -> Result<PlannedRow, PlanFileError> {
    serde_json::from_slice(line).map_err(|error| PlanFileError::BadLine {
        line: number,
        reason: error.to_string(),
    })
}
