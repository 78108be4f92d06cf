use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;

use crate::domain::{CustomerId, RowKey, fold_email};

/// People who are to be erased: their e-mail addresses, and the keys that files give them besides.
#[derive(Debug)]
pub struct People {
    emails: BTreeSet<String>,
    ids: BTreeSet<CustomerId>,
    user_ids: BTreeSet<String>,
    /// Finds the addresses in text, in upper or lower case.
    finder: AhoCorasick,
}

/// There are too many e-mail addresses to search for at once.
#[derive(Debug, thiserror::Error)]
#[error("these are too many e-mail addresses at once; split the list")]
pub struct TooMany(#[from] aho_corasick::BuildError);

impl People {
    /// # Errors
    /// There are too many.
    pub fn new(emails: impl IntoIterator<Item = String>) -> Result<Self, TooMany> {
        let given: BTreeSet<String> = emails.into_iter().collect();
        let emails: BTreeSet<String> = given.iter().map(|e| fold_email(e).into_owned()).collect();
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(given.union(&emails))?;
        Ok(Self {
            emails,
            ids: BTreeSet::new(),
            user_ids: BTreeSet::new(),
            finder,
        })
    }

    #[must_use]
    pub fn emails(&self) -> &BTreeSet<String> {
        &self.emails
    }

    /// Customers whose e-mail address was seen to be one of these.
    #[must_use]
    pub fn ids(&self) -> &BTreeSet<CustomerId> {
        &self.ids
    }

    /// Takes in the other keys of a row or customer if its e-mail address is one of these, and returns whether it is.
    pub fn learn(&mut self, key: &RowKey, customer: Option<CustomerId>) -> bool {
        let is_theirs = self.has_email(key);
        if is_theirs {
            self.ids.extend(key.id.into_iter().chain(customer));
            self.user_ids.extend(key.user_id.clone());
        }
        is_theirs
    }

    pub fn learn_ids(&mut self, ids: impl IntoIterator<Item = CustomerId>) {
        self.ids.extend(ids);
    }

    /// Whether a row or customer is of one of these people.
    #[must_use]
    pub fn has(&self, key: &RowKey, customer: Option<CustomerId>) -> bool {
        let mut ids = key.id.into_iter().chain(customer);
        let user_id = key.user_id.as_ref();
        self.has_email(key)
            || user_id.is_some_and(|id| self.user_ids.contains(id))
            || ids.any(|id| self.ids.contains(&id))
    }

    fn has_email(&self, key: &RowKey) -> bool {
        let email = key.email.as_deref();
        email.is_some_and(|email| self.is_email(email))
    }

    /// Whether the address is one of these, in any spelling.
    #[must_use]
    pub fn is_email(&self, email: &str) -> bool {
        self.emails.contains(fold_email(email).as_ref())
    }

    /// Whether one of the addresses stands in the text by itself, not as a part of a longer one.
    #[must_use]
    pub fn are_named_in(&self, text: &[u8]) -> bool {
        if self.stand_in(text) {
            return true;
        }
        // UTF-16 has a zero beside each byte of an address.
        let is_wide = text.contains(&0);
        is_wide && {
            let narrow: Vec<u8> = text.iter().copied().filter(|byte| *byte != 0).collect();
            self.stand_in(&narrow)
        }
    }

    fn stand_in(&self, text: &[u8]) -> bool {
        self.finder.find_overlapping_iter(text).any(|found| {
            let before = text.get(..found.start()).unwrap_or_default();
            let after = text.get(found.end()..).unwrap_or_default();
            !before.last().is_some_and(|byte| is_in_address(*byte)) && !continues(after)
        })
    }
}

/// Whether a byte before an address belongs to a longer one.
fn is_in_address(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".!#$%&*+-/=?^_`{|}~".contains(&byte)
}

/// Whether the host of an address continues: `a.org.uk` after `a.org`.
fn continues(after: &[u8]) -> bool {
    match after {
        [b'.' | b'-', next, ..] => next.is_ascii_alphanumeric(),
        [next, ..] => next.is_ascii_alphanumeric(),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> People {
        People::new(["Ann@Example.com".to_owned()]).unwrap()
    }

    fn key(user_id: &str, email: &str) -> RowKey {
        RowKey {
            user_id: (!user_id.is_empty()).then(|| user_id.to_owned()),
            email: (!email.is_empty()).then(|| email.to_owned()),
            ..RowKey::default()
        }
    }

    #[test]
    fn an_address_is_found_in_text_but_not_within_a_longer_one() {
        let ann = ann();
        for text in [
            "ann@example.com",
            "x,ANN@example.COM,",
            "{\"email\":\"ann@example.com\"}",
            "<ann@example.com>.",
            "joann@example.com ann@example.com",
        ] {
            assert!(ann.are_named_in(text.as_bytes()), "{text}");
        }
        for text in [
            "joann@example.com",
            "j.ann@example.com",
            "ann@example.com.ua",
            "ann@example.community",
            "ann@example",
        ] {
            assert!(!ann.are_named_in(text.as_bytes()), "{text}");
        }
        let wide: Vec<u8> = "x;ann@example.com;"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(ann.are_named_in(&wide));
    }

    #[test]
    fn other_keys_are_learned_from_rows_with_the_address_only() {
        let mut ann = ann();
        assert!(!ann.learn(&key("u7", "bob@example.com"), Some(CustomerId(7))));
        assert!(!ann.has(&key("u7", ""), None));
        assert!(ann.learn(&key("u1", "ANN@example.com"), Some(CustomerId(1))));
        assert!(ann.has(&key("u1", ""), None));
        assert!(ann.has(&key("", ""), Some(CustomerId(1))));
        assert!(!ann.has(&key("u7", "bob@example.com"), Some(CustomerId(7))));
    }
}
