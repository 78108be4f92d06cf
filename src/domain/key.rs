use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::CustomerId;

/// A field by which a row finds its customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyField {
    #[serde(rename = "userId")]
    UserId,
    #[serde(rename = "email")]
    Email,
    #[serde(rename = "id")]
    Id,
}

impl KeyField {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UserId => "userId",
            Self::Email => "email",
            Self::Id => "id",
        }
    }
}

impl fmt::Display for KeyField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The match keys that a row carries, as it wrote them; the `key` of results and plans.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowKey {
    #[serde(rename = "id", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CustomerId>,
    #[serde(rename = "userId", default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl RowKey {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.id.is_none() && self.user_id.is_none() && self.email.is_none()
    }

    /// Takes from a later row of the same customer the keys that are missing here.
    pub fn complete_with(&mut self, later: Self) {
        self.id = self.id.or(later.id);
        self.user_id = self.user_id.take().or(later.user_id);
        self.email = self.email.take().or(later.email);
    }
}

/// Whether both are one e-mail address: case and Unicode normalisation make no difference.
#[must_use]
pub fn email_eq(a: &str, b: &str) -> bool {
    a == b || fold_email(a) == fold_email(b)
}

/// The form of an e-mail address in which two spellings of one address are equal: composed and in lower case.
#[must_use]
pub fn fold_email(email: &str) -> Cow<'_, str> {
    if email.is_ascii() {
        return match email.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(email.to_ascii_lowercase()),
            false => Cow::Borrowed(email),
        };
    }
    // Lower case of a composed letter may be decomposed, and the other way round.
    let composed: String = email.nfc().collect();
    Cow::Owned(composed.to_lowercase().nfc().collect())
}

/// The spellings under which an e-mail address is searched for, since it is not documented whether a search ignores case or
/// Unicode normalisation: as it is written, folded, and both decomposed.
#[must_use]
pub fn email_spellings(email: &str) -> BTreeSet<String> {
    let mut spellings = BTreeSet::from([email.to_owned(), fold_email(email).into_owned()]);
    if !email.is_ascii() {
        let decomposed: Vec<String> = spellings.iter().map(|e| e.nfd().collect()).collect();
        spellings.extend(decomposed);
        spellings.insert(email.nfc().collect());
    }
    spellings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn emails_compare_ignoring_case_beyond_ascii() {
        assert!(email_eq("Ann@Example.COM", "ann@example.com"));
        assert!(email_eq("ОЛЕНА@пошта.укр", "олена@пошта.укр"));
        assert!(!email_eq("ann@example.com", "anna@example.com"));
    }

    #[test]
    fn emails_compare_ignoring_normalisation() {
        assert!(email_eq("jose\u{301}@example.com", "JOSÉ@example.com"));
        assert!(email_eq("ДМИТРО\u{306}@x.укр", "дмитро\u{306}@x.укр"));
        assert!(email_eq("андрі\u{439}@x.укр", "андрі\u{438}\u{306}@x.укр"));
        assert!(!email_eq("jose@example.com", "josé@example.com"));
    }

    #[test]
    fn an_address_is_searched_for_in_every_spelling() {
        assert_eq!(email_spellings("ann@x.org").len(), 1);
        assert_eq!(email_spellings("Ann@x.org").len(), 2);
        let decomposed = email_spellings("jose\u{301}@x.org");
        assert_eq!(decomposed, email_spellings("josé@x.org"));
        assert_eq!(decomposed.len(), 2);
        assert!(email_spellings("José@x.org").contains("jose\u{301}@x.org"));
    }

    proptest! {
        #[test]
        fn folding_changes_nothing_twice(email in r"\PC{0,20}") {
            let folded = fold_email(&email);
            prop_assert_eq!(fold_email(&folded), folded.clone());
            for spelling in email_spellings(&email) {
                prop_assert!(email_eq(&spelling, &email), "{spelling}");
            }
        }
    }
}
