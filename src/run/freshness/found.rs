//! What was read for lanes, and whom their rows mean by it.

use std::collections::BTreeMap;

use crate::domain::{
    CustomerId, Field, Issue, KeyField, RemoteCustomer, RowKey, Value, fold_email,
};
use crate::plan::given_keys::KeyHash;
use crate::plan::matching::{CustomerIds, Match, Matcher, RemoteLookup, Target};
use crate::plan::{MatchSettings, OnConflict, Operation};
use crate::run::lane::LaneJob;

use super::stale;

/// The customers that were read for some lanes.
#[derive(Debug, Default)]
pub(super) struct Fresh(BTreeMap<CustomerId, RemoteCustomer>);

/// Whom a row means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
    Customer(CustomerId),
    Nobody,
}

impl Fresh {
    pub(super) fn add(&mut self, customers: impl IntoIterator<Item = RemoteCustomer>) {
        self.0.extend(customers.into_iter().map(|c| (c.id, c)));
    }

    pub(super) fn get(&self, id: CustomerId) -> Option<&RemoteCustomer> {
        self.0.get(&id)
    }

    pub(super) fn of_email(&self, email: &str) -> impl Iterator<Item = &RemoteCustomer> {
        let folded = fold_email(email);
        let same = move |c: &&RemoteCustomer| c.email().is_some_and(|e| fold_email(e) == folded);
        self.0.values().filter(same)
    }

    fn of_user_id(&self, user_id: &str) -> impl Iterator<Item = &RemoteCustomer> {
        let same = move |c: &&RemoteCustomer| c.user_id() == Some(user_id);
        self.0.values().filter(same)
    }

    /// Whether the row's customer is still known by the key that decides for the row, or is to get it from the row.
    pub(super) fn is_known_by_its_key(&self, job: &LaneJob, settings: &MatchSettings) -> bool {
        let Some(customer) = job.lane.customer.and_then(|id| self.get(id)) else {
            return false;
        };
        let (key, given) = (&job.lane.key, given_keys(&job.lane.operations));
        if key.id == Some(customer.id) {
            return true;
        }
        let known_by = |field: &KeyField| match field {
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
        settings.keys.iter().find_map(known_by).unwrap_or(true)
    }

    /// Whom the row means now. `is_lost`: its customer is gone or is not certain to be meant any more; then all that
    /// have one of its keys have to be among what was read.
    ///
    /// # Errors
    /// Why nothing may be sent for it.
    pub(super) fn meant(
        &self,
        job: &LaneJob,
        is_lost: bool,
        settings: &MatchSettings,
    ) -> Result<Meant, Issue> {
        let meant = match job.lane.customer {
            Some(id) if !is_lost => Meant::Customer(id),
            _ => self.by_keys(job, settings)?,
        };
        let is_same = matches!(meant, Meant::Customer(id) if Some(id) == job.lane.customer);
        if is_same && let Some(key) = self.claimed_by_others(job, settings) {
            return Err(stale(&format!("another customer has its {key} now")));
        }
        Ok(meant)
    }

    fn by_keys(&self, job: &LaneJob, settings: &MatchSettings) -> Result<Meant, Issue> {
        let mut matcher = Matcher::new(settings, self);
        let target = job.lane.customer.map(Target::Remote);
        if let Some(target) = target {
            let Ok(()) = matcher.give(target, &given_keys(&job.lane.operations));
        }
        let Ok(found) = matcher.find(&job.lane.key);
        match found {
            Match::Found(Target::Remote(id)) => Ok(Meant::Customer(id)),
            // An id names its customer whatever the keys are that are tried.
            Match::Nobody if self.is_named(job) => {
                Ok(job.lane.customer.map_or(Meant::Nobody, Meant::Customer))
            }
            Match::Nobody | Match::Found(Target::New(_)) => Ok(Meant::Nobody),
            Match::Rejected(issue) => Err(issue),
            Match::Ambiguous(ambiguity) => match target {
                // It was chosen among them when the plan was made.
                Some(Target::Remote(id)) if ambiguity.candidates.contains(&Target::Remote(id)) => {
                    Ok(Meant::Customer(id))
                }
                _ => Err(ambiguity.issue()),
            },
        }
    }

    fn is_named(&self, job: &LaneJob) -> bool {
        let named = job.lane.key.id.filter(|id| self.0.contains_key(id));
        named.is_some() && named == job.lane.customer
    }

    /// A key that the row is to give its customer and that somebody else has by now.
    fn claimed_by_others(&self, job: &LaneJob, settings: &MatchSettings) -> Option<Field> {
        let given = given_keys(&job.lane.operations);
        let is_other = |c: &RemoteCustomer| Some(c.id) != job.lane.customer;
        let user_id = given.user_id.as_deref();
        if user_id.is_some_and(|user_id| self.of_user_id(user_id).any(is_other)) {
            return Some(Field::UserId);
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
        self.of_email(email).any(claims).then_some(Field::Email)
    }
}

/// The keys that a lane's patch gives its customer.
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

impl RemoteLookup for Fresh {
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
