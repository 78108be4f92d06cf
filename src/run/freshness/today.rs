//! What a row would do today: planned against its customer as it is now, and never sent.

use crate::domain::{CustomerId, DesiredCustomer, Issue, RowKey, RowNumber};
use crate::helpcrunch::ReadClient;
use crate::outcome::RowStatus;
use crate::plan::diff::create;
use crate::plan::writes::WriteRules;
use crate::plan::{Lane, LeftValue, Operation, SyncMode};
use crate::run::lane::LaneJob;
use crate::run::recent::get_if_exists;

use super::{RefreshError, Refreshed, Refresher};

/// A row of an earlier run, to be planned against its customer as it is now.
#[derive(Debug, Clone)]
pub struct EarlierRow {
    pub row: RowNumber,
    pub key: RowKey,
    pub desired: DesiredCustomer,
    /// Its customer then.
    pub customer: Option<CustomerId>,
}

/// What a row would do today.
#[derive(Debug, Clone)]
pub struct RowPlan {
    /// One of [`RowStatus::WouldCreate`], `WouldUpdate`, `Unchanged`, `Skipped` and `Rejected`.
    pub status: RowStatus,
    pub lane: Lane,
    pub left: Vec<LeftValue>,
    /// Why it would be rejected.
    pub error: Option<Issue>,
    pub warnings: Vec<Issue>,
    /// Whether its earlier customer does not exist any more.
    pub is_gone: bool,
}

impl Refresher {
    /// Plans an earlier row against its customer as it is now. Sends only reads: by its customer's id, and by its keys if
    /// these may mean another customer by now.
    ///
    /// # Errors
    /// When a reading got no usable answer.
    pub async fn plan_now(
        &self,
        client: &ReadClient,
        writes: &WriteRules,
        row: EarlierRow,
    ) -> Result<RowPlan, RefreshError> {
        let earlier = row.customer;
        let job = self.job(row);
        let refreshed = self.refresh(client, writes, vec![job.clone()]).await?;
        let refreshed = refreshed.into_iter().next();
        let (job, error) = match refreshed.unwrap_or(Refreshed::Skipped(job)) {
            Refreshed::Unchanged(job) | Refreshed::Replanned(job) => (job, None),
            Refreshed::Failed(job, issue) => (job, Some(issue)),
            Refreshed::Skipped(job) => {
                return Ok(RowPlan {
                    status: RowStatus::Skipped,
                    lane: Lane {
                        operations: Vec::new(),
                        ..job.lane
                    },
                    left: Vec::new(),
                    error: None,
                    warnings: Vec::new(),
                    is_gone: self.is_gone(client, earlier).await?,
                });
            }
        };
        let mut left = Vec::new();
        if let Some(customer) = &job.before {
            let written = self.memory.written(&self.rules.ownership)?;
            let diff = self.difference(&job, customer, &written)?;
            left.extend(diff.into_iter().flat_map(|diff| diff.left));
        }
        let may_be_gone = error.is_some() || earlier != job.lane.customer;
        let is_gone = may_be_gone && self.is_gone(client, earlier).await?;
        let mut operations = job.lane.operations.clone();
        let limits = self.memory.limits();
        let refused = Operation::Patch(limits.take_out(&mut operations));
        Ok(RowPlan {
            status: self.status(&job.lane.operations, error.as_ref()),
            warnings: limits.issue(&refused.fields()).into_iter().collect(),
            lane: job.lane,
            left,
            error,
            is_gone,
        })
    }

    fn status(&self, operations: &[Operation], error: Option<&Issue>) -> RowStatus {
        match (operations, self.rules.mode) {
            _ if error.is_some() => RowStatus::Rejected,
            ([], _) => RowStatus::Unchanged,
            ([Operation::Create(_), ..], SyncMode::Update) => RowStatus::Skipped,
            ([Operation::Create(_), ..], _) => RowStatus::WouldCreate,
            (_, SyncMode::Create) => RowStatus::Skipped,
            _ => RowStatus::WouldUpdate,
        }
    }

    async fn is_gone(
        &self,
        client: &ReadClient,
        customer: Option<CustomerId>,
    ) -> Result<bool, RefreshError> {
        match customer {
            Some(id) => Ok(get_if_exists(client, id).await?.is_none()),
            None => Ok(false),
        }
    }

    /// The row as a lane without operations, or with its create if it had no customer.
    fn job(&self, row: EarlierRow) -> LaneJob {
        let operations = match row.customer {
            Some(_) => Vec::new(),
            None => vec![Operation::Create(create(
                &row.desired,
                &self.rules.ownership,
            ))],
        };
        let lane = Lane {
            row: row.row,
            key: row.key,
            customer: row.customer,
            operations,
        };
        LaneJob::new(lane, Some(row.desired))
    }
}
