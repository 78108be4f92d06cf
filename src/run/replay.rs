//! A saved plan shown again: its preview, and its rows, from its lines alone.

use std::io::{BufRead, Write};

use crate::plan::Preview;
use crate::plan::budget::{Budget, BudgetRules};
use crate::plan::codec::{LaneReader, PlanFileError, VerifiedPlan};
use crate::plan::previewer::{KnownNames, Place, Previewer};
use crate::plan::safety::SafetyFigures;

use super::rereading::Rereading;
use super::rows::{RowRecord, write_row};

/// A saved plan's preview, and the figures for the safety limits as far as the plan tells them.
///
/// # Errors
/// When a line of the plan cannot be read.
pub fn preview_of(
    plan: impl BufRead,
    verified: &VerifiedPlan,
    examples: usize,
    rules: BudgetRules,
    finished_runs: u64,
) -> Result<(Preview, SafetyFigures), PlanFileError> {
    let mut previewer = Previewer::new(examples);
    let mut budget = Budget::new(rules);
    let mut existing = 0;
    for planned in LaneReader::new(plan)? {
        let planned = planned?;
        let input = verified
            .header
            .inputs
            .get(usize::from(planned.place.source));
        let source = input.map_or("", |input| input.path.as_str());
        let place = Place {
            row: planned.lane.row,
            source,
            line: planned.place.line,
        };
        previewer.lane(&planned.lane, place);
        budget.add(&planned.lane);
        existing += u64::from(planned.lane.customer.is_some());
    }
    let (counts, header) = (verified.end.counts, &verified.header);
    let rows = header.inputs.iter().map(|input| input.rows).sum();
    // Rows that were skipped may have been matched too; the plan does not tell.
    let matched = existing + counts.unchanged;
    let figures = SafetyFigures {
        counts,
        rows: rows_matchable(rows, counts.rejected + counts.skipped),
        matched,
        ..previewer.figures(header.remote.customers, finished_runs)
    };
    let mut preview = previewer.finish(&KnownNames::default());
    // Which names are new was known when the plan was made, and is not in it.
    preview.new_tags.clear();
    preview.new_properties.clear();
    let preview = Preview {
        rows,
        matched,
        counts,
        estimate: budget.estimate(),
        remote: header.remote.clone(),
        digest: verified.end.sha256.clone(),
        ..preview
    };
    Ok((preview, figures))
}

/// Why a row was skipped is not in the plan: none of them counts for or against its keys.
fn rows_matchable(rows: u64, not_matched: u64) -> u64 {
    rows.saturating_sub(not_matched)
}

/// Writes the rows of a saved plan that have an operation, as they stood in its inputs where these are as they were;
/// gives their number.
///
/// # Errors
/// When a line cannot be read or the sink cannot be written.
pub fn write_rows_of(
    plan: impl BufRead,
    inputs: &mut Rereading<'_>,
    out: &mut impl Write,
) -> Result<u64, PlanFileError> {
    let mut rows = 0;
    for planned in LaneReader::new(plan)? {
        let planned = planned?;
        let raw = inputs.record(&planned);
        let record = RowRecord {
            raw,
            ..RowRecord::of_plan(&planned)
        };
        write_row(out, &record)?;
        rows += 1;
    }
    Ok(rows)
}
