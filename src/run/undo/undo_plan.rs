//! The plan file of an undo.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::domain::{CustomerId, RemoteCustomer, RowKey, RowNumber};
use crate::plan::codec::{PlanHeader, PlanWriter};
use crate::plan::previewer::Previewer;
use crate::plan::{CreatedRule, Lane, Operation, PlanCounts, RowPlace, reverse};
use crate::platform::AtomicFile;

use super::{LeftCustomer, LeftReason, MadeUndo, UndoError, UndoMaking, WrittenLane, undo_tag};

/// The plan of an undo, as far as it is made.
pub(super) struct UndoPlan {
    writer: PlanWriter<File>,
    previewer: Previewer,
    /// Counts of the run that is taken back.
    run: PlanCounts,
    lanes: u64,
    created_tag: String,
    deletes_created: bool,
    pub(super) made: MadeUndo,
}

impl UndoPlan {
    pub(super) fn new(making: &UndoMaking<'_>, folder: &Path) -> io::Result<Self> {
        Ok(Self {
            writer: PlanWriter::new(tempfile::tempfile_in(folder)?),
            previewer: Previewer::new(0),
            run: making.plan.end.counts,
            lanes: 0,
            created_tag: undo_tag(making.run_id),
            deletes_created: making.deletes_created,
            made: MadeUndo::default(),
        })
    }

    pub(super) fn add(
        &mut self,
        written: WrittenLane,
        customer: &RemoteCustomer,
    ) -> io::Result<()> {
        let WrittenLane { row, place, .. } = written;
        let created = CreatedRule {
            tag: &self.created_tag,
            delete_if_unseen_since: written.written_at.filter(|_| self.deletes_created),
        };
        let reversal = reverse(&written.operations, customer, &created);
        if !reversal.edited.is_empty() {
            self.leave(customer.id, row, LeftReason::Edited(reversal.edited));
        }
        if reversal.operations.is_empty() {
            return Ok(());
        }
        let is_created = matches!(written.operations.as_slice(), [Operation::Create(_)]);
        let is_deleted = matches!(reversal.operations.as_slice(), [Operation::Delete(_)]);
        self.made.deleted += u64::from(is_deleted);
        self.made.tagged += u64::from(is_created && !is_deleted);
        let lane = Lane {
            row,
            // The id decides: the row's keys may have been edited since, or go back.
            key: RowKey {
                id: Some(customer.id),
                ..written.key
            },
            customer: Some(customer.id),
            operations: reversal.operations,
        };
        let place_of_row = RowPlace {
            row,
            source: "",
            line: place.line,
        };
        if place.is_missing {
            self.previewer.add_missing(&lane);
        } else {
            self.previewer.add_lane(&lane, place_of_row);
            self.lanes += 1;
        }
        self.writer.lane(&lane, place)
    }

    pub(super) fn leave(&mut self, customer: CustomerId, row: RowNumber, why: LeftReason) {
        tracing::info!(%customer, %row, ?why, "something of this customer stays as it is");
        self.made.left.push(LeftCustomer { customer, row, why });
    }

    pub(super) fn finish(self, header: &PlanHeader, out: &Path) -> Result<MadeUndo, UndoError> {
        let (run, undone) = (self.run, self.previewer.counts());
        let rows: u64 = header.inputs.iter().map(|input| input.rows).sum();
        let others = rows.saturating_sub(self.lanes + run.rejected + run.skipped);
        // Rows that the undo leaves alone count as they did for the run, so that its safety limits compare the same figures.
        let counts = PlanCounts {
            unchanged: others,
            skipped: run.rejected + run.skipped,
            ..undone
        };
        let file = AtomicFile::create(out)?;
        let (file, _) = self.writer.finish(file, header, counts)?;
        file.commit()?;
        Ok(self.made)
    }
}
