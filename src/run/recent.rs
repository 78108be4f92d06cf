//! Customers that recent runs gave their keys to. Whether search and listing show a customer immediately after it was
//! created or changed is not documented, so a row that means one of them reads it by its id.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::{CustomerId, RemoteCustomer, RowKey, fold_email};
use crate::helpcrunch::ReadClient;
use crate::journal::{FinishedRows, RunDir};
use crate::outcome::OperationResult;
use crate::plan::matching::RemoteLookup;
use crate::plan::{Lane, Operation};
use crate::remote::{LookupKeys, RemoteError};

use super::freshness::given_keys;
use super::learning::{LaneHistory, LearningError, open_sent};

/// The customers that got a key recently, by that key.
#[derive(Debug, Clone, Default)]
pub struct RecentKeys {
    user_ids: BTreeMap<String, BTreeSet<CustomerId>>,
    /// By folded address.
    emails: BTreeMap<String, BTreeSet<CustomerId>>,
}

impl RecentKeys {
    pub fn is_empty(&self) -> bool {
        self.user_ids.is_empty() && self.emails.is_empty()
    }

    /// Adds the keys that a run gave since then, from its plan and its journal.
    ///
    /// # Errors
    /// When those cannot be read.
    pub fn add_run(&mut self, run: &RunDir, since: Timestamp) -> Result<(), LearningError> {
        let Some((recovered, lanes)) = open_sent(run)? else {
            return Ok(());
        };
        let mut finished = FinishedRows::open(&run.journal(), &recovered)?;
        for lane in lanes {
            let Some(history) = LaneHistory::of(lane?.lane, &recovered, &mut finished)? else {
                continue;
            };
            if let Some(customer) = history.customer
                && history
                    .results
                    .iter()
                    .any(|result| is_done_since(result, since))
            {
                self.add(customer, &given(&history.lane));
            }
        }
        Ok(())
    }

    fn add(&mut self, customer: CustomerId, key: &RowKey) {
        if let Some(user_id) = &key.user_id {
            let customers = self.user_ids.entry(user_id.clone());
            customers.or_default().insert(customer);
        }
        if let Some(email) = &key.email {
            let customers = self.emails.entry(fold_email(email).into_owned());
            customers.or_default().insert(customer);
        }
    }

    /// Returns customers that got one of these keys.
    pub fn of(&self, key: &RowKey) -> impl Iterator<Item = CustomerId> {
        let by_user_id = key.user_id.as_ref().and_then(|id| self.user_ids.get(id));
        let email = key.email.as_deref().map(fold_email);
        let by_email = email.and_then(|email| self.emails.get(&*email));
        by_user_id.into_iter().chain(by_email).flatten().copied()
    }

    /// Returns customers that got one of the wanted keys and do not have it in what was read.
    ///
    /// # Errors
    /// When the reading cannot be consulted.
    pub fn unseen<R: RemoteLookup>(
        &self,
        keys: &LookupKeys,
        read: &R,
    ) -> Result<BTreeSet<CustomerId>, R::Error> {
        let mut unseen = BTreeSet::new();
        for (user_id, ids) in &self.user_ids {
            if keys.has_user_id(user_id) {
                let seen = read.with_user_id(user_id)?;
                unseen.extend(ids.iter().filter(|id| !seen.contains(id)));
            }
        }
        for (email, ids) in &self.emails {
            if keys.has_email(email) {
                let seen = read.with_email(email)?;
                unseen.extend(ids.iter().filter(|id| !seen.contains(id)));
            }
        }
        Ok(unseen)
    }
}

/// Reads a customer by its id. Returns `None` if it does not exist.
///
/// # Errors
/// When there is no usable answer.
pub async fn get_if_exists(
    client: &ReadClient,
    id: CustomerId,
) -> Result<Option<RemoteCustomer>, RemoteError> {
    match client.get(id).await.result {
        Ok(customer) => Ok(Some(customer)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_done_since(result: &OperationResult, since: Timestamp) -> bool {
    let at = result.at.as_deref();
    let at = at.and_then(|at| at.parse::<Timestamp>().ok());
    // Without a readable time, the result counts as recent.
    result.is_done() && at.is_none_or(|at| at >= since)
}

/// Returns the keys that a lane gives to its customer.
fn given(lane: &Lane) -> RowKey {
    let creates = |operation: &Operation| matches!(operation, Operation::Create(_));
    match lane.operations.iter().any(creates) {
        true => lane.key.clone(),
        false => given_keys(&lane.operations),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::OperationStatus;

    fn key(user_id: Option<&str>, email: Option<&str>) -> RowKey {
        RowKey {
            id: None,
            user_id: user_id.map(str::to_owned),
            email: email.map(str::to_owned),
        }
    }

    #[test]
    fn customers_are_found_by_any_key_that_they_got() {
        let mut recent = RecentKeys::default();
        recent.add(CustomerId(1), &key(Some("u1"), Some("Ann@x.org")));
        recent.add(CustomerId(2), &key(None, Some("ann@x.org")));
        let of = |user_id, email| recent.of(&key(user_id, email)).collect::<Vec<_>>();
        assert_eq!(of(Some("u1"), None), [CustomerId(1)]);
        assert_eq!(of(None, Some("ANN@x.org")), [CustomerId(1), CustomerId(2)]);
        assert_eq!(of(Some("U1"), Some("bob@x.org")), []);
    }

    #[test]
    fn only_what_took_effect_since_then_counts() {
        let since: Timestamp = "2026-11-20T03:12:44Z".parse().unwrap();
        let result = |status, at: &str| OperationResult {
            status,
            at: Some(at.to_owned()),
            ..OperationResult::planned(&Operation::Tag(Vec::new()))
        };
        let done = OperationStatus::Done;
        assert!(is_done_since(&result(done, "2026-11-20T03:12:44Z"), since));
        assert!(!is_done_since(&result(done, "2026-11-20T03:12:43Z"), since));
        let failed = result(OperationStatus::Failed, "2026-11-20T03:12:50Z");
        assert!(!is_done_since(&failed, since));
    }
}
