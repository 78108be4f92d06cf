//! The pass over the rows that compares each with its customer and writes the plan.

use std::fs::File;
use std::iter::Peekable;
use std::vec::IntoIter;

use jiff::Timestamp;

use crate::domain::{CustomerId, TagMode};
use crate::journal::Tracked;
use crate::mapping::Schema;
use crate::plan::budget::Budget;
use crate::plan::codec::PlanWriter;
use crate::plan::previewer::Previewer;
use crate::platform::AtomicFile;
use crate::remote::{LookupKeys, Reading, RemoteError, RemoteSide};
use crate::run::deciding::Decider;
use crate::run::intake::{IntakeError, Taken};
use crate::run::passes::{PassedRow, Proofs, ProvedRow, each_compared_row};
use crate::run::planning::{Decision, Planner, PlanningError, Sinks};
use crate::run::rows::{RowDetail, RowRecord, RowWriter, Verdict};

use super::foresight::Foreseen;
use super::present::PresentCustomers;
use super::{Making, MakingError};

/// All rows, compared with their customers.
pub(super) struct ComparedRows {
    pub(super) sinks: Sinks<File, AtomicFile>,
    pub(super) taken: Taken,
    pub(super) notes: Vec<String>,
    /// Rows that are skipped because they match several customers.
    pub(super) ambiguous_skips: u64,
    /// The customers of the rows, if they are tracked.
    pub(super) present: Option<PresentCustomers>,
    /// The keys that are still to be searched for.
    pub(super) unknown: LookupKeys,
}

/// What the rows are compared with.
#[derive(Clone, Copy)]
pub(super) struct RemoteContext<'a> {
    pub(super) side: &'a RemoteSide,
    pub(super) began: Timestamp,
    /// Whether keys that the reading does not know are still to be searched for.
    pub(super) gathers_unknown: bool,
}

/// Where the decisions about the rows come from.
enum DecisionSource<'a> {
    /// Made row by row.
    Now(Box<Decider<'a>>),
    /// Made by an earlier pass.
    Before(Peekable<IntoIter<Decision>>),
}

impl DecisionSource<'_> {
    /// Whether the row's customer is the one that proves it unchanged. Then the row is decided.
    fn confirm(&mut self, proved: &ProvedRow) -> bool {
        match self {
            Self::Now(decider) => decider.confirms(proved),
            Self::Before(decisions) => {
                let expected = Decision::Existing(proved.customer);
                decisions.next_if_eq(&expected).is_some()
            }
        }
    }

    fn decide(&mut self, record: &RowRecord) -> Result<Decision, PlanningError> {
        match self {
            Self::Now(decider) => decider.decide(record),
            Self::Before(decisions) => Ok(decisions.next().unwrap_or(Decision::Bad)),
        }
    }
}

struct Comparison<'a> {
    planner: Planner<'a, File, AtomicFile>,
    decisions: DecisionSource<'a>,
    reading: &'a Reading,
    /// The keys that the reading does not know, if they are still to be searched for.
    unknown: Option<LookupKeys>,
    tracked: Option<&'a Tracked>,
    present: Option<PresentCustomers>,
}

impl Comparison<'_> {
    /// Whether the customer was missing in an earlier run, so that more than the row's own attributes may have to change.
    fn was_absent(&self, id: CustomerId) -> bool {
        self.tracked.is_some_and(|tracked| tracked.was_absent(id))
    }

    fn row(&mut self, row: PassedRow, schema: &Schema) -> Result<(), MakingError> {
        let (record, customer) = match row {
            PassedRow::Proved(proved)
                if !self.was_absent(proved.customer) && self.decisions.confirm(&proved) =>
            {
                if let Some(present) = &mut self.present {
                    present.add(proved.customer);
                }
                let planned = self.planner.proved(&proved);
                return Ok(planned.map_err(PlanningError::from)?);
            }
            row => row.into_record(schema),
        };
        let is_read = record.verdict == Verdict::Read;
        if let Some(unknown) = self.unknown.as_mut().filter(|_| is_read) {
            unknown
                .add_missing(&record.key, self.reading)
                .map_err(RemoteError::from)?;
            // Reading all customers needs fewer requests.
            if unknown
                .filters()
                .is_none_or(|keys| keys > self.reading.len())
            {
                return Err(MakingError::UnknownKeys);
            }
        }
        let decision = self.decisions.decide(&record)?;
        if let (Some(present), Decision::Existing(id)) = (&mut self.present, &decision) {
            present.add(*id);
            if self.tracked.is_some_and(|tracked| tracked.was_absent(*id)) {
                present.add_returned(*id, self.reading)?;
            }
        }
        Ok(self.planner.row(record, decision, customer)?)
    }
}

impl Making<'_> {
    /// Compares all rows. `keys`: what the pass over the rows for their keys took in, if there was one.
    ///
    /// # Errors
    /// See [`MakingError`].
    pub(super) fn compare(
        &self,
        (keys, foreseen): (Option<&Taken>, Option<Foreseen>),
        against: RemoteContext<'_>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<ComparedRows, MakingError> {
        let (sources, written) = (self.sources(), self.written()?);
        let side = against.side;
        let ground = self.ground(&side.reading, &written);
        let decider = || {
            Decider::new(
                ground,
                side.absence_counts,
                self.ambiguity_handling(&sources),
            )
        };
        let is_foreseen = foreseen.is_some();
        let Foreseen {
            taken: before,
            decisions,
            mut notes,
            mut conflict_advice,
            mut ambiguous_skips,
            merges,
        } = foreseen.unwrap_or_default();
        let merged_rows = merges.rows();
        let planner = Planner::new(ground, &sources, self.sinks(against)?).with_merges(merges);
        let mut comparison = Comparison {
            planner,
            decisions: match is_foreseen {
                true => DecisionSource::Before(decisions.into_iter().peekable()),
                false => DecisionSource::Now(Box::new(decider())),
            },
            reading: &side.reading,
            unknown: against.gathers_unknown.then(LookupKeys::default),
            tracked: self.tracking.map(|tracking| &tracking.tracked),
            present: self.present_customers(),
        };
        let proofs = self.proofs(&side.reading, merged_rows);
        let taken = each_compared_row(&self.intake(), proofs, stopped, |row, schema| {
            comparison.row(row, schema)
        })?;
        self.confirm_units(&taken)?;
        for earlier in keys.into_iter().chain(&before) {
            check_same_inputs(earlier, &taken)?;
        }
        if let DecisionSource::Now(decider) = comparison.decisions {
            let decided = decider.finish()?;
            (notes, conflict_advice) = (decided.notes, decided.conflict_advice);
            ambiguous_skips = decided.ambiguous_skips;
        }
        if let Some(advice) = conflict_advice {
            comparison
                .planner
                .sinks
                .previewer
                .advise_on_conflicts(advice);
        }
        notes.splice(0..0, merged_note(merged_rows));
        Ok(ComparedRows {
            sinks: comparison.planner.sinks,
            taken,
            notes,
            ambiguous_skips,
            present: comparison.present,
            unknown: comparison.unknown.unwrap_or_default(),
        })
    }

    fn sinks(&self, against: RemoteContext<'_>) -> Result<Sinks<File, AtomicFile>, MakingError> {
        let age = against.side.age(against.began);
        Ok(Sinks {
            plan: PlanWriter::new(tempfile::tempfile_in(self.folder())?),
            rows: RowWriter::new(AtomicFile::create(self.rows_file)?, self.row_detail),
            previewer: Previewer::new(self.examples),
            budget: Budget::new(self.budget.clone()).with_reading_age(age),
        })
    }

    /// What may prove rows unchanged, unless whole rows are needed to merge others into them.
    fn proofs<'r>(&self, reading: &'r Reading, merged_rows: u64) -> Option<Proofs<'r>> {
        let (fingerprinter, customers) = reading.fingerprints().filter(|_| merged_rows == 0)?;
        Some(Proofs {
            reading,
            fingerprinter,
            customers,
            exact_tags: self.rules.ownership.tag_mode != TagMode::Add,
            keeps_keys: self.row_detail == RowDetail::All,
        })
    }
}

fn merged_note(rows: u64) -> Option<String> {
    (rows > 0).then(|| {
        format!(
            "rows that are merged into an earlier row of the same customer, and skipped: {rows}"
        )
    })
}

/// # Errors
/// When an input is not the one that an earlier pass read.
fn check_same_inputs(before: &Taken, after: &Taken) -> Result<(), IntakeError> {
    let mut inputs = before.inputs.iter().zip(&after.inputs);
    let changed = inputs.find(|(before, after)| before != after);
    changed.map_or(Ok(()), |(_, input)| {
        let name = input.path.clone();
        Err(IntakeError::Changed { name })
    })
}
