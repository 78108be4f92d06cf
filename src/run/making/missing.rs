//! Customers that earlier runs tracked and that the input no longer holds.

use std::collections::BTreeSet;

use crate::domain::{CustomerId, RemoteCustomer, RowKey, RowNumber};
use crate::journal::Tracked;
use crate::plan::codec::PlannedMissing;
use crate::plan::matching::RemoteLookup;
use crate::plan::{Lane, MissingFigures, MissingObstacle, Operation};
use crate::remote::{ReadMethod, RemoteError, RemoteSide};
use crate::run::batch::read_customers;
use crate::run::intake::Taken;
use crate::run::planning::PlanningError;

use super::comparison::ComparedRows;
use super::present::PresentCustomers;
use super::{Making, MakingError, RemoteSource};

/// Customers that are read in one request.
const CUSTOMERS_PER_SEARCH: usize = 100;
/// Missing customers that are read by their ids where the reading does not hold them. More are usually refused, and a
/// listing has them all.
const MAX_READ: usize = 1_000;

/// What is found of the customers that no row means.
#[derive(Default)]
struct MissingCustomers {
    changes: Vec<(CustomerId, RowKey, Operation)>,
    /// Customers that are as `missing` leaves them.
    settled: BTreeSet<CustomerId>,
    gone: BTreeSet<CustomerId>,
    /// Customers that would have to be read, and are too many for that.
    unread: u64,
}

impl Making<'_> {
    pub(super) fn present_customers(&self) -> Option<PresentCustomers> {
        self.tracking.map(|_| PresentCustomers {
            tag: self.rules.missing.tag.clone(),
            ..PresentCustomers::default()
        })
    }

    /// Plans what is done about missing customers. Returns what the plan's header says of it, and what is tracked once the plan
    /// is sent; `None` if customers are not tracked.
    pub(super) async fn plan_missing(
        &self,
        rows: &mut ComparedRows,
        side: &RemoteSide,
    ) -> Result<Option<(PlannedMissing, Tracked)>, MakingError> {
        let (Some(tracking), Some(mut present)) = (self.tracking, rows.present.take()) else {
            return Ok(None);
        };
        let tracked = &tracking.tracked;
        present.found.sort_unstable();
        present.found.dedup();
        let mut missing = MissingCustomers::default();
        // Before a run has finished, nothing says how large the input is.
        if tracked.rows.is_some() {
            let is_missing = |id: &&CustomerId| present.found.binary_search(id).is_err();
            let ids = tracked.customers.iter().filter(is_missing).copied();
            self.find_missing(ids, tracked, side, &mut missing).await?;
        }
        let mut row = rows.taken.rows;
        for (id, key, operation) in &missing.changes {
            row += 1;
            let lane = Lane {
                row: RowNumber(row),
                key: key.clone(),
                customer: Some(*id),
                operations: vec![operation.clone()],
            };
            rows.sinks.add_missing(&lane)?;
        }
        let figures = MissingFigures {
            action: self.rules.missing.action,
            customers: missing.changes.len() as u64 + missing.unread,
            tracked: (tracked.customers.len() - tracked.absent.len()) as u64,
            rows_before: tracked.rows.unwrap_or(0),
            obstacle: self.obstacle(rows, side, missing.unread),
        };
        let planned = PlannedMissing {
            tracking: tracking.name.clone(),
            figures,
        };
        Ok(Some((planned, next(tracked, present, &missing))))
    }

    fn obstacle(
        &self,
        rows: &ComparedRows,
        side: &RemoteSide,
        unread: u64,
    ) -> Option<MissingObstacle> {
        let taken: &Taken = &rows.taken;
        if self.limit.is_some_and(|limit| taken.rows >= limit) {
            Some(MissingObstacle::Limit)
        } else if taken.figures.filtered_rows > 0 {
            Some(MissingObstacle::Where)
        } else if rows.ambiguous_skips > 0 {
            Some(MissingObstacle::Ambiguous)
        } else if !side.absence_counts || unread > 0 {
            Some(MissingObstacle::Reading)
        } else {
            None
        }
    }

    async fn find_missing(
        &self,
        ids: impl Iterator<Item = CustomerId>,
        tracked: &Tracked,
        side: &RemoteSide,
        missing: &mut MissingCustomers,
    ) -> Result<(), MakingError> {
        let is_listed = side.method == ReadMethod::List.name();
        let mut unread = Vec::new();
        for id in ids {
            match side.reading.customer(id).map_err(PlanningError::from)? {
                Some(customer) if customer.is_complete() => self.judge(&customer, missing),
                None if is_listed => {
                    missing.gone.insert(id);
                }
                // An earlier run left it as it is to be, and reading it again would take a request.
                _ if tracked.is_settled(id) => {}
                _ => unread.push(id),
            }
        }
        let RemoteSource::Api { client, .. } = self.remote else {
            return Ok(());
        };
        if unread.len() > MAX_READ {
            missing.unread = unread.len() as u64;
            return Ok(());
        }
        for ids in unread.chunks(CUSTOMERS_PER_SEARCH) {
            for (id, read) in read_customers(client, ids, |_| true).await {
                match read {
                    Ok(customer) => self.judge(&customer, missing),
                    Err(error) if error.is_not_found() => {
                        missing.gone.insert(id);
                    }
                    Err(error) => return Err(RemoteError::from(error).into()),
                }
            }
        }
        Ok(())
    }

    fn judge(&self, customer: &RemoteCustomer, missing: &mut MissingCustomers) {
        let rules = &self.rules.missing;
        if rules
            .scope
            .as_ref()
            .is_some_and(|scope| !scope.admits(customer))
        {
            return;
        }
        let key = RowKey {
            id: Some(customer.id),
            user_id: customer.user_id().map(str::to_owned),
            email: customer.email().map(str::to_owned),
        };
        match rules.action.operation(&rules.tag, customer) {
            Some(operation) => missing.changes.push((customer.id, key, operation)),
            None => {
                missing.settled.insert(customer.id);
            }
        }
    }
}

/// What is tracked once the plan is sent.
fn next(tracked: &Tracked, present: PresentCustomers, missing: &MissingCustomers) -> Tracked {
    let is_kept = |id: &CustomerId| !missing.gone.contains(id);
    // A customer that is back is looked at until it no longer shows that it was missing.
    let is_absent = |id: &CustomerId| {
        is_kept(id) && (present.found.binary_search(id).is_err() || present.tagged.contains(id))
    };
    let changed = missing.changes.iter().map(|(id, ..)| *id);
    Tracked {
        customers: union(&tracked.customers, present.found.iter().copied(), is_kept),
        absent: union(&tracked.absent, missing.settled.iter().copied(), is_absent),
        pending: union(&tracked.pending, changed, is_absent),
        ..*tracked
    }
}

/// All customers of both lists that are to be kept, in order.
fn union(
    one: &[CustomerId],
    other: impl Iterator<Item = CustomerId>,
    is_kept: impl Fn(&CustomerId) -> bool,
) -> Vec<CustomerId> {
    let mut all: Vec<_> = one.iter().copied().chain(other).filter(is_kept).collect();
    all.sort_unstable();
    all.dedup();
    all
}
