use std::fmt;

use serde::{Deserialize, Serialize};

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

/// E-mail addresses compare ignoring case (contract, "Meaning").
#[must_use]
pub fn email_eq(a: &str, b: &str) -> bool {
    a == b || fold_email(a) == fold_email(b)
}

/// The form of an e-mail address in which two spellings of one address are equal.
#[must_use]
pub fn fold_email(email: &str) -> String {
    email.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_compare_ignoring_case_beyond_ascii() {
        assert!(email_eq("Ann@Example.COM", "ann@example.com"));
        assert!(email_eq("ОЛЕНА@пошта.укр", "олена@пошта.укр"));
        assert!(!email_eq("ann@example.com", "anna@example.com"));
    }
}
