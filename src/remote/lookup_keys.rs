//! The match keys of an input's rows, as a look-up searches for them.

use std::collections::BTreeSet;

use crate::domain::{CustomerId, RowKey, email_spellings};
use crate::helpcrunch::{Filter, Term};
use crate::plan::matching::RemoteLookup;

use super::reading::{Reading, ReadingError};

/// Maximum number of keys held in memory. With more, listing most accounts is cheaper than a look-up.
const MAX_KEYS: usize = 1_000_000;

/// The keys to search for, each once.
#[derive(Debug, Clone, Default)]
pub struct LookupKeys {
    ids: BTreeSet<CustomerId>,
    user_ids: BTreeSet<String>,
    /// Folded; with the spellings to search for.
    emails: BTreeSet<String>,
    /// There were more than [`MAX_KEYS`], and none is held.
    too_many: bool,
}

impl LookupKeys {
    /// More keys than are held in memory.
    #[must_use]
    pub fn too_many() -> Self {
        Self {
            too_many: true,
            ..Self::default()
        }
    }

    pub fn add(&mut self, key: &RowKey) {
        if self.too_many {
            return;
        }
        self.ids.extend(key.id);
        self.user_ids.extend(key.user_id.clone());
        if let Some(email) = &key.email {
            self.emails.extend(email_spellings(email));
        }
        if self.count() > MAX_KEYS {
            *self = Self::too_many();
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.too_many && self.count() == 0
    }

    fn count(&self) -> usize {
        self.ids.len() + self.user_ids.len() + self.emails.len()
    }

    /// Number of filters that a look-up needs, or `None` if there are too many keys for one.
    #[must_use]
    pub fn filters(&self) -> Option<u64> {
        (!self.too_many).then_some(self.count() as u64)
    }

    /// Returns the keys that no customer of the reading has.
    pub fn missing_in(&self, reading: &Reading) -> Result<Self, ReadingError> {
        let mut missing = Self {
            too_many: self.too_many,
            ..Self::default()
        };
        for id in &self.ids {
            if !reading.contains(*id)? {
                missing.ids.insert(*id);
            }
        }
        for user_id in &self.user_ids {
            if reading.with_user_id(user_id)?.is_empty() {
                missing.user_ids.insert(user_id.clone());
            }
        }
        for email in &self.emails {
            if reading.with_email(email)?.is_empty() {
                missing.emails.insert(email.clone());
            }
        }
        Ok(missing)
    }

    /// Adds the keys of a row that no customer of the reading has.
    pub fn add_missing(&mut self, key: &RowKey, reading: &Reading) -> Result<(), ReadingError> {
        let mut missing = RowKey::default();
        if let Some(id) = key.id
            && !reading.contains(id)?
        {
            missing.id = Some(id);
        }
        if let Some(user_id) = &key.user_id
            && reading.with_user_id(user_id)?.is_empty()
        {
            missing.user_id = Some(user_id.clone());
        }
        if let Some(email) = &key.email
            && reading.with_email(email)?.is_empty()
        {
            missing.email = Some(email.clone());
        }
        self.add(&missing);
        Ok(())
    }

    /// Whether there were too many keys to hold.
    #[must_use]
    pub fn is_too_many(&self) -> bool {
        self.too_many
    }

    /// Whether a row has this userId. Also true if there were too many keys to hold.
    #[must_use]
    pub fn has_user_id(&self, user_id: &str) -> bool {
        self.too_many || self.user_ids.contains(user_id)
    }

    /// Whether a row has this e-mail address, which must be folded. Also true if there were too many keys to hold.
    #[must_use]
    pub fn has_email(&self, email: &str) -> bool {
        self.too_many || self.emails.contains(email)
    }

    pub(super) fn emails(&self) -> impl Iterator<Item = &str> {
        self.emails.iter().map(String::as_str)
    }

    pub(super) fn to_filters(&self) -> Vec<Filter> {
        let ids = self.ids.iter().map(|id| Term::Id(*id));
        let user_ids = self.user_ids.iter().cloned().map(Term::UserId);
        let emails = self.emails.iter().cloned().map(Term::Email);
        let terms = ids.chain(user_ids).chain(emails);
        terms.map(Filter::equal).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_searched_once_in_both_spellings() {
        let mut keys = LookupKeys::default();
        let key = |email: &str| RowKey {
            id: None,
            user_id: Some("u".into()),
            email: Some(email.into()),
        };
        keys.add(&key("Ann@x.org"));
        keys.add(&key("ann@x.org"));
        assert_eq!(keys.filters(), Some(3));
    }
}
