//! The preview and the rows of a saved plan, from its lines alone.

use std::io::{BufRead, Write};

use crate::plan::Preview;
use crate::plan::RowPlace;
use crate::plan::budget::{Budget, BudgetRules};
use crate::plan::codec::{LaneReader, PlanFileError, VerifiedPlan};
use crate::plan::previewer::{KnownNames, Previewer};
use crate::plan::safety::SafetyFigures;

use super::rereading::Rereading;
use super::rows::{RowRecord, write_row};

/// Returns a saved plan's preview, and the figures for the safety limits as far as the plan holds them.
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
        let place = RowPlace {
            row: planned.lane.row,
            source,
            line: planned.place.line,
        };
        budget.add(&planned.lane);
        if planned.place.is_missing {
            previewer.add_missing(&planned.lane);
            continue;
        }
        previewer.add_lane(&planned.lane, place);
        existing += u64::from(planned.lane.customer.is_some());
    }
    let (counts, header) = (verified.end.counts, &verified.header);
    let rows: u64 = header.inputs.iter().map(|input| input.rows).sum();
    // Skipped rows may have been matched too, which the plan does not record.
    let matched = existing + counts.unchanged;
    let figures = SafetyFigures {
        counts,
        all_rows: rows,
        // The plan does not record why a row was skipped: none of them counts for or against its keys.
        rows: rows.saturating_sub(counts.rejected + counts.skipped),
        matched,
        missing: header.missing.as_ref().map(|missing| missing.figures),
        ..previewer.figures(header.remote.customers, finished_runs)
    };
    let mut preview = previewer.finish(&KnownNames::default());
    // The plan does not record which names were new when it was made.
    preview.new_tags.clear();
    preview.new_properties.clear();
    let preview = Preview {
        rows,
        matched,
        counts,
        estimate: budget.estimate(),
        remote: header.remote.clone(),
        missing: figures.missing.filter(|missing| missing.customers > 0),
        digest: verified.end.sha256.clone(),
        ..preview
    };
    Ok((preview, figures))
}

/// The lanes of a saved plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlanLanes {
    pub rows: u64,
    /// Lanes of customers that the input no longer holds.
    pub missing: u64,
}

/// Writes the rows of a saved plan that have an operation, with their records from inputs that are unchanged. Returns their
/// numbers.
pub fn write_rows_of(
    plan: impl BufRead,
    inputs: &mut Rereading<'_>,
    out: &mut impl Write,
) -> Result<PlanLanes, PlanFileError> {
    let mut lanes = PlanLanes::default();
    for planned in LaneReader::new(plan)? {
        let planned = planned?;
        let is_missing = planned.place.is_missing;
        let raw = match is_missing {
            true => None,
            false => inputs.record(&planned),
        };
        let record = RowRecord {
            raw,
            ..RowRecord::of_plan(&planned)
        };
        write_row(out, &record)?;
        lanes.rows += u64::from(!is_missing);
        lanes.missing += u64::from(is_missing);
    }
    Ok(lanes)
}
