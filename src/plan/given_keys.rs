//! The keys that earlier rows give to customers that are there already, so that a later row which knows only such
//! a key means the same person and creates nobody a second time.

use std::collections::HashMap;

use crate::domain::{CustomerId, fold_email};

use super::matching::{KeyHash, key_hash};

/// Only keys that HelpCrunch does not have yet, each reduced to its hash.
#[derive(Debug, Default)]
pub(super) struct GivenKeys {
    by_user_id: HashMap<KeyHash, CustomerId>,
    by_email: HashMap<KeyHash, CustomerId>,
    user_ids: HashMap<CustomerId, KeyHash>,
}

impl GivenKeys {
    /// A row gives this userId to a customer that does not have it yet.
    pub(super) fn give_user_id(&mut self, id: CustomerId, user_id: &str) {
        self.by_user_id.insert(key_hash(user_id), id);
        self.user_ids.insert(id, key_hash(user_id));
    }

    /// A row gives this e-mail address to a customer that does not have it yet.
    pub(super) fn give_email(&mut self, id: CustomerId, email: &str) {
        self.by_email.insert(key_hash(&fold_email(email)), id);
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
