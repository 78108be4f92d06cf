//! The keys that earlier rows give to customers that are there already, so that a later row which knows only such
//! a key means the same person and creates nobody a second time.

use std::collections::HashMap;

use crate::domain::{CustomerId, RemoteCustomer, RowKey, email_eq, fold_email};

use super::matching::{KeyHash, key_hash};

/// Only keys that HelpCrunch does not have yet, each reduced to its hash.
#[derive(Debug, Default)]
pub(super) struct GivenKeys {
    by_user_id: HashMap<KeyHash, CustomerId>,
    by_email: HashMap<KeyHash, CustomerId>,
    user_ids: HashMap<CustomerId, KeyHash>,
}

impl GivenKeys {
    /// Takes note of what a row's keys tell about its customer.
    pub(super) fn learn(&mut self, customer: &RemoteCustomer, key: &RowKey) {
        let user_id = key.user_id.as_deref();
        if let Some(given) = user_id.filter(|given| customer.user_id() != Some(given)) {
            self.by_user_id.insert(key_hash(given), customer.id);
            self.user_ids.insert(customer.id, key_hash(given));
        }
        let is_theirs = |given: &&str| customer.email().is_some_and(|e| email_eq(e, given));
        if let Some(given) = key.email.as_deref().filter(|given| !is_theirs(given)) {
            self.by_email
                .insert(key_hash(&fold_email(given)), customer.id);
        }
    }

    pub(super) fn by_user_id(&self, user_id: &str) -> Option<CustomerId> {
        self.by_user_id.get(&key_hash(user_id)).copied()
    }

    pub(super) fn by_email(&self, email: &str) -> Option<CustomerId> {
        self.by_email.get(&key_hash(&fold_email(email))).copied()
    }

    pub(super) fn user_id(&self, id: CustomerId) -> Option<KeyHash> {
        self.user_ids.get(&id).copied()
    }
}
