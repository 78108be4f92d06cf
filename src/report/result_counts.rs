use serde::{Deserialize, Serialize};

use crate::outcome::RowStatus;

/// Number of rows by status. Each row counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ResultCounts {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub rejected: u64,
    pub skipped: u64,
    pub failed: u64,
    pub in_doubt: u64,
    pub pending: u64,
    /// Of a dry run only. Left out of the file if 0, like `would_update`.
    #[serde(skip_serializing_if = "is_zero")]
    pub would_create: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub would_update: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl ResultCounts {
    pub fn add(&mut self, status: RowStatus) {
        *self.count_mut(status) += 1;
    }

    pub fn get(mut self, status: RowStatus) -> u64 {
        *self.count_mut(status)
    }

    fn count_mut(&mut self, status: RowStatus) -> &mut u64 {
        match status {
            RowStatus::Created => &mut self.created,
            RowStatus::Updated => &mut self.updated,
            RowStatus::Unchanged => &mut self.unchanged,
            RowStatus::Rejected => &mut self.rejected,
            RowStatus::Skipped => &mut self.skipped,
            RowStatus::Failed => &mut self.failed,
            RowStatus::InDoubt => &mut self.in_doubt,
            RowStatus::Pending => &mut self.pending,
            RowStatus::WouldCreate => &mut self.would_create,
            RowStatus::WouldUpdate => &mut self.would_update,
        }
    }

    pub fn total(&self) -> u64 {
        let ended = self.created + self.updated + self.unchanged + self.rejected + self.skipped;
        ended + self.failed + self.in_doubt + self.pending + self.would_create + self.would_update
    }

    /// Rows that the user must fix and sync again.
    pub fn needing_attention(&self) -> u64 {
        self.rejected + self.failed + self.in_doubt
    }
}
