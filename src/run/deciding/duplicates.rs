//! Further rows of a customer.

use crate::domain::{Issue, RowNumber};
use crate::plan::Duplicates;
use crate::plan::matching::CustomerRef;
use crate::run::planning::{Decision, PlanningError};
use crate::run::rows::RowRecord;

use super::Decider;

impl Decider<'_> {
    /// Decides about a row whose customer belongs to an earlier one.
    pub(super) fn duplicate(
        &mut self,
        record: &RowRecord,
        target: CustomerRef,
        earlier: RowNumber,
        decision: Decision,
    ) -> Result<Decision, PlanningError> {
        Ok(match self.rules.duplicates {
            Duplicates::Reject => {
                let earlier = self.lines.name(earlier, self.sources);
                Decision::Rejected(Box::new(duplicate(&earlier)))
            }
            Duplicates::First => Decision::Skipped,
            Duplicates::Last => {
                self.give(target, record)?;
                let place = self.place(target)?;
                self.claims.replace(target, place, record.row);
                if let Some(slot) = self.decisions.get_mut(earlier.index()) {
                    *slot = Decision::Skipped;
                }
                decision
            }
            Duplicates::Merge => {
                self.give_also(target, record)?;
                Decision::Merged(earlier)
            }
        })
    }
}

fn duplicate(earlier: &str) -> Issue {
    let message = format!("{earlier} is for the same customer");
    Issue::matching("duplicate", message)
        .hint("keep one row per customer, or set rows.duplicates to first, last or merge")
}
