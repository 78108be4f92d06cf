//! Customers to whom runs gave their keys a short while ago. Whether search and listing show a customer at once who was just created or
//! changed is not documented, so that a row which means one of them asks for it by its id.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::{CustomerId, RemoteCustomer, RowKey, fold_email};
use crate::helpcrunch::ReadClient;
use crate::journal::{FinishedRows, RunDir};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::matching::RemoteLookup;
use crate::plan::{Lane, Operation};
use crate::remote::{RemoteError, WantedKeys};

use super::freshness::given_keys;
use super::learning::{History, LearningError, sent};

/// By whom customers are known who got a key lately.
#[derive(Debug, Clone, Default)]
pub struct RecentKeys {
    user_ids: BTreeMap<String, BTreeSet<CustomerId>>,
    /// Folded.
    emails: BTreeMap<String, BTreeSet<CustomerId>>,
}

impl RecentKeys {
    /// Adds what a run gave since then, by its plan and its journal.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn add_run(&mut self, run: &RunDir, since: Timestamp) -> Result<(), LearningError> {
        let Some((recovered, lanes)) = sent(run)? else {
            return Ok(());
        };
        let mut finished = FinishedRows::open(&run.journal(), &recovered)?;
        for lane in lanes {
            let Some(history) = History::of(lane?.lane, &recovered, &mut finished)? else {
                continue;
            };
            if let Some(customer) = history.customer
                && history.results.iter().any(|result| is_done(result, since))
            {
                self.add(customer, &given(&history.lane));
            }
        }
        Ok(())
    }

    fn add(&mut self, customer: CustomerId, key: &RowKey) {
        if let Some(user_id) = &key.user_id {
            let known = self.user_ids.entry(user_id.clone());
            known.or_default().insert(customer);
        }
        if let Some(email) = &key.email {
            let known = self.emails.entry(fold_email(email).into_owned());
            known.or_default().insert(customer);
        }
    }

    /// Customers who got one of these keys.
    pub fn of(&self, key: &RowKey) -> impl Iterator<Item = CustomerId> {
        let by_user_id = key.user_id.as_ref().and_then(|id| self.user_ids.get(id));
        let email = key.email.as_deref().map(fold_email);
        let by_email = email.and_then(|email| self.emails.get(&*email));
        by_user_id.into_iter().chain(by_email).flatten().copied()
    }

    /// Customers who got one of the wanted keys and are not known by it in what was read.
    ///
    /// # Errors
    /// Where that cannot be consulted.
    pub fn unseen<R: RemoteLookup>(
        &self,
        keys: &WantedKeys,
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

/// Asks for a customer by its id; nothing where it is gone.
///
/// # Errors
/// When there is no usable answer.
pub async fn ask_for(
    client: &ReadClient,
    id: CustomerId,
) -> Result<Option<RemoteCustomer>, RemoteError> {
    match client.get(id).await.result {
        Ok(customer) => Ok(Some(customer)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_done(result: &OperationResult, since: Timestamp) -> bool {
    let at = result.at.as_deref();
    let at = at.and_then(|at| at.parse::<Timestamp>().ok());
    // A clock that went back is no reason to forget.
    result.status == OperationStatus::Done && at.is_none_or(|at| at >= since)
}

/// The keys that a lane gives its customer.
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
    fn only_what_took_since_then_counts() {
        let since: Timestamp = "2026-11-20T03:12:44Z".parse().unwrap();
        let result = |status, at: &str| OperationResult {
            status,
            at: Some(at.to_owned()),
            ..OperationResult::planned(&Operation::Tag(Vec::new()))
        };
        let done = OperationStatus::Done;
        assert!(is_done(&result(done, "2026-11-20T03:12:44Z"), since));
        assert!(!is_done(&result(done, "2026-11-20T03:12:43Z"), since));
        let failed = result(OperationStatus::Failed, "2026-11-20T03:12:50Z");
        assert!(!is_done(&failed, since));
    }
}
