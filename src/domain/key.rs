use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::CustomerId;

/// A field that identifies a row's customer.
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

/// The match keys of a row, as written; the `key` of results and plans.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowKey<T = String> {
    #[serde(rename = "id", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CustomerId>,
    #[serde(rename = "userId", default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<T>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<T>,
}

impl<T: Into<String>> RowKey<T> {
    pub fn into_owned(self) -> RowKey {
        RowKey {
            id: self.id,
            user_id: self.user_id.map(Into::into),
            email: self.email.map(Into::into),
        }
    }
}

impl RowKey {
    pub fn is_empty(&self) -> bool {
        self.id.is_none() && self.user_id.is_none() && self.email.is_none()
    }

    /// Fills in missing keys from a later row of the same customer.
    pub(super) fn fill_from(&mut self, later: Self) {
        self.id = self.id.or(later.id);
        self.user_id = self.user_id.take().or(later.user_id);
        self.email = self.email.take().or(later.email);
    }
}

/// Whether both are the same e-mail address: case and Unicode normalization make no difference.
pub fn email_eq(a: &str, b: &str) -> bool {
    a == b || fold_email(a) == fold_email(b)
}

/// Returns an e-mail address in composed lower case, in which all its spellings are equal.
pub fn fold_email(email: &str) -> Cow<'_, str> {
    if email.is_ascii() {
        // Looking at all bytes is faster than stopping at the first capital.
        let has_capital = email
            .bytes()
            .fold(false, |has, byte| has | byte.is_ascii_uppercase());
        return match has_capital {
            true => Cow::Owned(email.to_ascii_lowercase()),
            false => Cow::Borrowed(email),
        };
    }
    // The lower case of a composed letter may be decomposed, so compose again.
    let composed: String = email.nfc().collect();
    Cow::Owned(composed.to_lowercase().nfc().collect())
}

/// Returns the spellings to search an e-mail address by: as written, folded, and both decomposed. Whether the API's search
/// ignores case or Unicode normalization is not documented.
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
    fn emails_compare_ignoring_normalization() {
        assert!(email_eq("jose\u{301}@example.com", "JOSÉ@example.com"));
        assert!(email_eq("ДМИТРО\u{306}@x.укр", "дмитро\u{306}@x.укр"));
        assert!(email_eq("андрі\u{439}@x.укр", "андрі\u{438}\u{306}@x.укр"));
        assert!(!email_eq("jose@example.com", "josé@example.com"));
    }

    #[test]
    fn an_address_has_a_search_spelling_for_each_case_and_normalization() {
        assert_eq!(email_spellings("ann@x.org").len(), 1);
        assert_eq!(email_spellings("Ann@x.org").len(), 2);
        let decomposed = email_spellings("jose\u{301}@x.org");
        assert_eq!(decomposed, email_spellings("josé@x.org"));
        assert_eq!(decomposed.len(), 2);
        assert!(email_spellings("José@x.org").contains("jose\u{301}@x.org"));
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(email in r"\PC{0,20}") {
            let folded = fold_email(&email);
            prop_assert_eq!(fold_email(&folded), folded.clone());
            for spelling in email_spellings(&email) {
                prop_assert!(email_eq(&spelling, &email), "{spelling}");
            }
        }
    }
}
