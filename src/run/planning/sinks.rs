use std::io::{self, Read, Seek, Write};

use crate::domain::RowKey;
use crate::plan::budget::Budget;
use crate::plan::codec::{LanePlace, PlanWriter};
use crate::plan::previewer::Previewer;
use crate::plan::{Lane, Operation, RowPlace};
use crate::run::rows::{RowRecord, RowWriter};

use super::PlanningError;

/// Where a plan goes while it is made.
#[derive(Debug)]
pub struct Sinks<B: Write, R: Write> {
    pub plan: PlanWriter<B>,
    pub rows: RowWriter<R>,
    pub previewer: Previewer,
    pub budget: Budget,
}

impl<B: Read + Write + Seek, R: Write> Sinks<B, R> {
    /// Adds the operations of a row to everything.
    pub(super) fn add_lane(
        &mut self,
        sources: &[String],
        record: &RowRecord,
        key: RowKey,
        operations: Vec<Operation>,
    ) -> Result<(), PlanningError> {
        let lane = Lane {
            row: record.row,
            key,
            customer: record.customer_id,
            operations,
        };
        self.previewer.add_lane(&lane, place(sources, record));
        self.budget.add(&lane);
        self.plan.lane(
            &lane,
            LanePlace {
                source: record.source,
                line: record.line,
                is_missing: false,
            },
        )?;
        Ok(())
    }

    /// Adds the operation of a customer that the input no longer holds.
    pub(in crate::run) fn add_missing(&mut self, lane: &Lane) -> io::Result<()> {
        self.previewer.add_missing(lane);
        self.budget.add(lane);
        let place = LanePlace {
            is_missing: true,
            ..LanePlace::default()
        };
        self.plan.lane(lane, place)
    }
}

pub(super) fn place<'a>(sources: &'a [String], record: &RowRecord) -> RowPlace<'a> {
    let source = sources
        .get(usize::from(record.source))
        .map_or("", String::as_str);
    RowPlace {
        row: record.row,
        source,
        line: record.line,
    }
}
