//! The canary of a run: a few lanes that are sent first, and whose customers are read whole before and after. What changed
//! although no operation names it is a reason not to send the rest.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{CustomerId, RemoteCustomer, RowNumber};
use crate::helpcrunch::{CallError, ReadClient};
use crate::journal::{FinishedRows, RecoveryError, RunDir};
use crate::plan::codec::{PlanFileError, PlannedLane};
use crate::plan::{Attribute, Lane, Operation, OperationKind};

use super::batch::read_customers;
use super::in_doubt::is_applied;
use super::learning::{LaneHistory, LearningError, open_sent};
use super::unnamed::{UnnamedChange, unnamed};

/// Customers that are read in one request.
const CUSTOMERS_PER_SEARCH: usize = 100;
/// Why the canary's customers cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    #[error("the customers of the canary cannot be read")]
    Call(#[from] CallError),
    #[error(transparent)]
    Run(#[from] LearningError),
}

impl From<RecoveryError> for CanaryError {
    fn from(error: RecoveryError) -> Self {
        Self::Run(error.into())
    }
}

/// The lanes of a canary, and their customers before.
#[derive(Debug, Default)]
pub struct Canary {
    rows: BTreeSet<RowNumber>,
    customers: Vec<CustomerId>,
    before: BTreeMap<CustomerId, RemoteCustomer>,
}

impl Canary {
    /// Chooses up to `size` lanes: first those with a kind of operation on a field, property or tags that no lane before
    /// has, then the first ones.
    ///
    /// # Errors
    /// When the plan cannot be read.
    pub fn choose(
        lanes: impl Iterator<Item = Result<PlannedLane, PlanFileError>>,
        size: usize,
    ) -> Result<Self, PlanFileError> {
        let (mut canary, mut others) = (Self::default(), Vec::new());
        let mut covered = BTreeSet::new();
        for planned in lanes {
            let lane = planned?.lane;
            let parts = parts(&lane);
            if canary.rows.len() < size && !parts.is_subset(&covered) {
                covered.extend(parts);
                canary.add(lane.row, lane.customer);
            } else if others.len() < size {
                others.push((lane.row, lane.customer));
            }
            if canary.rows.len() >= size {
                break;
            }
        }
        for (row, customer) in others {
            if canary.rows.len() < size {
                canary.add(row, customer);
            }
        }
        Ok(canary)
    }

    fn add(&mut self, row: RowNumber, customer: Option<CustomerId>) {
        self.rows.insert(row);
        self.customers.extend(customer);
    }

    pub fn has(&self, row: RowNumber) -> bool {
        self.rows.contains(&row)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Reads the customers before anything is sent. One that is gone is left to its lane.
    ///
    /// # Errors
    /// When one cannot be read.
    pub async fn read_before(&mut self, client: &ReadClient) -> Result<(), CallError> {
        for ids in self.customers.chunks(CUSTOMERS_PER_SEARCH) {
            for (id, read) in read_customers(client, ids, |_| true).await {
                match read {
                    Ok(customer) => {
                        self.before.insert(id, customer);
                    }
                    Err(error) if error.is_not_found() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Reads the customers again, once the canary was sent, and compares what its operations do not name.
    ///
    /// # Errors
    /// See [`CanaryError`].
    pub async fn compare(
        &self,
        client: &ReadClient,
        run: &RunDir,
    ) -> Result<Vec<UnnamedChange>, CanaryError> {
        let lanes = self.sent_lanes(run)?;
        let ids: Vec<CustomerId> = lanes.keys().copied().collect();
        let mut changes = Vec::new();
        // Search may still show a customer as it was.
        let is_current = |customer: &RemoteCustomer| {
            let lane = lanes.get(&customer.id);
            lane.is_some_and(|lane| is_applied(&lane.operations, customer))
        };
        for ids in ids.chunks(CUSTOMERS_PER_SEARCH) {
            for (id, read) in read_customers(client, ids, &is_current).await {
                let (Some(lane), Some(before)) = (lanes.get(&id), self.before.get(&id)) else {
                    continue;
                };
                let (names, lost) = match read {
                    Ok(after) => unnamed(before, &after, &lane.operations),
                    Err(error) if error.is_not_found() => {
                        (vec!["the customer is gone".to_owned()], Vec::new())
                    }
                    Err(error) => return Err(error.into()),
                };
                if !names.is_empty() {
                    changes.push(UnnamedChange {
                        row: lane.row,
                        customer: id,
                        names,
                        lost,
                    });
                }
            }
        }
        Ok(changes)
    }

    /// The lanes of the canary as they were sent, by their customers. Creates and deletes have nothing else to lose.
    fn sent_lanes(&self, run: &RunDir) -> Result<BTreeMap<CustomerId, Lane>, LearningError> {
        let mut sent = BTreeMap::new();
        let Some((recovered, lanes)) = open_sent(run)? else {
            return Ok(sent);
        };
        let mut finished = FinishedRows::open(&run.journal(), &recovered)?;
        for lane in lanes {
            let lane = lane?.lane;
            if !self.has(lane.row) {
                continue;
            }
            let history = LaneHistory::of(lane, &recovered, &mut finished)?;
            let Some(history) = history else { continue };
            let changes = |op: &Operation| {
                !matches!(op.kind(), OperationKind::Create | OperationKind::Delete)
            };
            if let Some(customer) = history.customer
                && history.lane.operations.iter().any(changes)
            {
                sent.insert(customer, history.lane);
            }
        }
        Ok(sent)
    }
}

/// What of a plan a lane stands for: each kind of operation with each field, property or tags.
fn parts(lane: &Lane) -> BTreeSet<(OperationKind, String)> {
    let operations = lane.operations.iter();
    let parts = operations.flat_map(|operation| {
        let kind = operation.kind();
        let names = operation.changes().into_iter();
        let names = names.map(|change| match change.attribute {
            Attribute::Tag(_) => "tags".to_owned(),
            attribute => attribute.to_string(),
        });
        let names = names.map(move |name| (kind, name));
        names.chain([(kind, String::new())]).collect::<Vec<_>>()
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Field, RowKey, Tag, Value};
    use crate::plan::codec::LanePlace;
    use crate::plan::{FieldChange, Patch};

    fn text(value: &str) -> Option<Value> {
        Some(Value::Text(value.into()))
    }

    fn patch(field: Field) -> Operation {
        let change = FieldChange {
            field,
            from: None,
            to: text("x"),
        };
        Operation::Patch(Patch {
            set: vec![change],
            custom_data: Vec::new(),
        })
    }

    fn planned(row: u64, operations: Vec<Operation>) -> Result<PlannedLane, PlanFileError> {
        let lane = Lane {
            row: RowNumber(row),
            key: RowKey::default(),
            customer: Some(CustomerId(row)),
            operations,
        };
        let place = LanePlace::default();
        Ok(PlannedLane { lane, place })
    }

    #[test]
    fn every_kind_and_field_is_covered_before_others_follow() {
        let tag = || Operation::Tag(vec![Tag::named("t")]);
        let lanes = || {
            let all = [
                vec![patch(Field::Name)],
                vec![patch(Field::Name)],
                vec![patch(Field::Name), tag()],
                vec![tag()],
                vec![patch(Field::Phone)],
            ];
            all.into_iter()
                .zip(1..)
                .map(|(operations, row)| planned(row, operations))
        };
        let chosen = |size| {
            let canary = Canary::choose(lanes(), size).unwrap();
            let rows: Vec<u64> = canary.rows.iter().map(|row| row.0).collect();
            rows
        };
        assert_eq!(chosen(1), [1]);
        assert_eq!(chosen(3), [1, 3, 5]);
        assert_eq!(chosen(4), [1, 2, 3, 5]);
        assert_eq!(chosen(9), [1, 2, 3, 4, 5]);
    }
}
