//! Customers that were read again for lanes, and which of them each row means.

use std::collections::BTreeMap;

use crate::domain::{
    CustomerId, Field, Issue, KeyField, RemoteCustomer, RowKey, Value, fold_email,
};
use crate::plan::key_hash::KeyHash;
use crate::plan::matching::{
    CustomerIds, CustomerNames, CustomerRef, Match, Matcher, RemoteLookup,
};
use crate::plan::{MatchSettings, OnConflict, Operation};
use crate::run::lane::LaneJob;

use super::stale;

/// The customers that were read again for some lanes.
#[derive(Debug, Default)]
pub(super) struct RereadCustomers(BTreeMap<CustomerId, RemoteCustomer>);

/// The customer that a row means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResolvedTarget {
    Customer(CustomerId),
    NoCustomer,
}

impl RereadCustomers {
    pub(super) fn add(&mut self, customers: impl IntoIterator<Item = RemoteCustomer>) {
        self.0.extend(customers.into_iter().map(|c| (c.id, c)));
    }

    pub(super) fn get(&self, id: CustomerId) -> Option<&RemoteCustomer> {
        self.0.get(&id)
    }

    pub(super) fn with_email(&self, email: &str) -> impl Iterator<Item = &RemoteCustomer> {
        let folded = fold_email(email);
        let same = move |c: &&RemoteCustomer| c.email().is_some_and(|e| fold_email(e) == folded);
        self.0.values().filter(same)
    }

    fn with_user_id(&self, user_id: &str) -> impl Iterator<Item = &RemoteCustomer> {
        let same = move |c: &&RemoteCustomer| c.user_id() == Some(user_id);
        self.0.values().filter(same)
    }

    /// Whether the row's customer still has the row's deciding key, or is to get it from the row.
    pub(super) fn has_deciding_key(&self, job: &LaneJob, settings: &MatchSettings) -> bool {
        let Some(customer) = job.lane.customer.and_then(|id| self.get(id)) else {
            return false;
        };
        let (key, given) = (&job.lane.key, given_keys(&job.lane.operations));
        if key.id == Some(customer.id) {
            return true;
        }
        let has_key = |field: &KeyField| match field {
            KeyField::Id => None,
            KeyField::UserId => {
                let wanted = key.user_id.as_deref()?;
                Some(given.user_id.is_some() || customer.user_id() == Some(wanted))
            }
            KeyField::Email => {
                let wanted = fold_email(key.email.as_deref()?);
                Some(given.email.is_some() || customer.email().map(fold_email) == Some(wanted))
            }
        };
        settings.keys.iter().find_map(has_key).unwrap_or(true)
    }

    /// Returns the customer that the row means now. `is_uncertain`: its planned customer is gone or may no longer be the
    /// row's; then all customers with one of the row's keys have to be among the ones read.
    ///
    /// # Errors
    /// Why nothing may be sent for the row.
    pub(super) fn resolve(
        &self,
        job: &LaneJob,
        is_uncertain: bool,
        settings: &MatchSettings,
    ) -> Result<ResolvedTarget, Issue> {
        let target = match job.lane.customer {
            Some(id) if !is_uncertain => ResolvedTarget::Customer(id),
            _ => self.resolve_by_keys(job, settings)?,
        };
        let is_planned =
            matches!(target, ResolvedTarget::Customer(id) if Some(id) == job.lane.customer);
        if is_planned && let Some((key, id)) = self.key_of_another(job, settings) {
            return Err(stale(&format!("customer {id} has its {key} now")));
        }
        Ok(target)
    }

    fn resolve_by_keys(
        &self,
        job: &LaneJob,
        settings: &MatchSettings,
    ) -> Result<ResolvedTarget, Issue> {
        let mut matcher = Matcher::new(settings, self);
        let target = job.lane.customer.map(CustomerRef::Remote);
        if let Some(target) = target {
            let Ok(()) = matcher.assign_keys(target, &given_keys(&job.lane.operations));
        }
        let Ok(found) = matcher.find(&job.lane.key);
        match found {
            Match::Found(CustomerRef::Remote(id)) => Ok(ResolvedTarget::Customer(id)),
            // A row with an id means that customer, whatever its other keys are.
            Match::NoCustomer if self.is_named(job) => Ok(job
                .lane
                .customer
                .map_or(ResolvedTarget::NoCustomer, ResolvedTarget::Customer)),
            Match::NoCustomer | Match::Found(CustomerRef::New(_)) => Ok(ResolvedTarget::NoCustomer),
            Match::Rejected(issue) => Err(issue),
            Match::Conflict(conflict) => Err(conflict.issue(self)),
            Match::Ambiguous(ambiguity) => match target {
                // The customer was chosen among the candidates when the plan was made.
                Some(CustomerRef::Remote(id))
                    if ambiguity.candidates.contains(&CustomerRef::Remote(id)) =>
                {
                    Ok(ResolvedTarget::Customer(id))
                }
                _ => Err(ambiguity.issue()),
            },
        }
    }

    fn is_named(&self, job: &LaneJob) -> bool {
        let named = job.lane.key.id.filter(|id| self.0.contains_key(id));
        named.is_some() && named == job.lane.customer
    }

    /// Returns a key that the row gives to its customer and that another customer has by now, and that customer.
    fn key_of_another(
        &self,
        job: &LaneJob,
        settings: &MatchSettings,
    ) -> Option<(Field, CustomerId)> {
        let given = given_keys(&job.lane.operations);
        let is_other = |c: &RemoteCustomer| Some(c.id) != job.lane.customer;
        let user_id = given.user_id.as_deref();
        let mut holders = user_id.into_iter().flat_map(|id| self.with_user_id(id));
        if let Some(other) = holders.find(|c| is_other(c)) {
            return Some((Field::UserId, other.id));
        }
        let (email, user_id) = (given.email.as_deref()?, job.lane.key.user_id.as_deref()?);
        if settings.on_conflict == OnConflict::Create {
            return None;
        }
        let customer = job.lane.customer.and_then(|id| self.get(id));
        let is_by_user_id = customer.is_some_and(|c| c.user_id() == Some(user_id));
        let claims = |c: &RemoteCustomer| {
            is_other(c) && (is_by_user_id || c.user_id().is_some_and(|theirs| theirs != user_id))
        };
        let mut holders = self.with_email(email);
        let other = holders.find(|c| claims(c))?;
        Some((Field::Email, other.id))
    }
}

/// Returns the keys that a lane's patch gives to its customer.
pub(in crate::run) fn given_keys(operations: &[Operation]) -> RowKey {
    let patches = operations.iter().filter_map(|operation| match operation {
        Operation::Patch(patch) => Some(patch),
        _ => None,
    });
    let mut given = RowKey::default();
    for change in patches.flat_map(|patch| &patch.set) {
        let to = change.to.as_ref().and_then(Value::as_text);
        match change.field {
            Field::UserId => given.user_id = to.map(str::to_owned),
            Field::Email => given.email = to.map(str::to_owned),
            _ => {}
        }
    }
    given
}

impl CustomerNames for RereadCustomers {
    fn customer(&self, customer: CustomerRef) -> String {
        match customer {
            CustomerRef::Remote(id) => format!("customer {id}"),
            CustomerRef::New(_) => "a new customer".to_owned(),
        }
    }

    fn row_of(&self, _: CustomerRef) -> Option<String> {
        None
    }
}

impl RemoteLookup for RereadCustomers {
    type Error = std::convert::Infallible;

    fn by_user_id(&self, user_id: KeyHash) -> Result<CustomerIds, Self::Error> {
        let has = |c: &&RemoteCustomer| c.user_id().map(KeyHash::of_user_id) == Some(user_id);
        Ok(self.0.values().filter(has).map(|c| c.id).collect())
    }

    fn by_email(&self, email: KeyHash) -> Result<CustomerIds, Self::Error> {
        let has = |c: &&RemoteCustomer| c.email().map(KeyHash::of_email) == Some(email);
        Ok(self.0.values().filter(has).map(|c| c.id).collect())
    }

    fn customer(&self, id: CustomerId) -> Result<Option<RemoteCustomer>, Self::Error> {
        Ok(self.0.get(&id).cloned())
    }
}
