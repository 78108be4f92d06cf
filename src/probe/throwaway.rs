//! The one customer of a probe: how it is marked, so that nobody else's is ever taken for it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::{CustomerId, Field, RemoteCustomer, Value};

use super::findings::PROBE_VERSION;

/// A customer that a probe makes and deletes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throwaway {
    version: u32,
    /// Random lower-case letters and digits, in every text of the customer.
    token: String,
    /// Nothing before the create was answered.
    pub id: Option<CustomerId>,
    /// When it was noted, directly before it was sent; RFC 3339, UTC.
    pub at: String,
}

impl Throwaway {
    /// `token`: random lower-case letters and digits, a dozen or so.
    #[must_use]
    pub fn new(token: String, at: String) -> Self {
        Self {
            version: PROBE_VERSION,
            token,
            id: None,
            at,
        }
    }

    #[must_use]
    pub fn user_id(&self) -> String {
        format!("hcsync-probe-{}", self.token)
    }

    /// In both cases, to see whether search minds them. Mail to example.com goes nowhere (RFC 2606), and every
    /// validator takes it.
    pub(super) fn email(&self) -> String {
        format!("hcsync-Probe-{}@example.com", self.token)
    }

    pub(super) fn name(&self) -> String {
        format!("hcsync probe {}", self.token)
    }

    /// A text for some other field; each number gives another one.
    pub(super) fn mark(&self, number: u32) -> String {
        format!("hcsync probe {} {number}", self.token)
    }

    /// Whether a customer carries the token in any of its texts, as no other can.
    pub(super) fn is(&self, customer: &RemoteCustomer) -> bool {
        let texts = Field::ALL.into_iter().filter_map(|f| customer.value(f));
        let mut texts = texts.filter_map(Value::as_text);
        texts.any(|text| text.to_lowercase().contains(&self.token))
    }
}

impl fmt::Display for Throwaway {
    /// So that a person finds it in HelpCrunch.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Some(id) => write!(f, "customer {id} (userId {})", self.user_id()),
            None => write!(f, "the customer with userId {}", self.user_id()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_by_any_text_and_nobody_else_is_taken_for_it() {
        let ours = Throwaway::new("k3f9x".into(), String::new());
        let with = |field, text: &str| {
            let mut customer = RemoteCustomer::unknown(CustomerId(1));
            customer.set_field(field, Some(Value::Text(text.into())));
            customer
        };
        assert!(ours.is(&with(Field::UserId, &ours.user_id())));
        assert!(ours.is(&with(Field::Email, &ours.email().to_uppercase())));
        assert!(ours.is(&with(Field::Notes, &ours.mark(3))));
        assert!(!ours.is(&with(Field::UserId, "hcsync-probe-other")));
        assert!(!ours.is(&RemoteCustomer::unknown(CustomerId(1))));
    }
}
