//! The customer that a probe creates, and the texts by which it is recognized.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::{CustomerId, Field, RemoteCustomer, Value};

use super::knowledge::PROBE_VERSION;

/// A customer that a probe creates and deletes again. The contents of `probe-customer.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throwaway {
    version: u32,
    /// Random lower-case letters and digits, in every text of the customer.
    token: String,
    /// `None` until the create is answered.
    pub id: Option<CustomerId>,
    /// There may be a second one with the same texts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_doubled: bool,
    /// When the create was about to be sent, RFC 3339 in UTC.
    pub at: String,
}

impl Throwaway {
    /// `token` is a dozen random lower-case letters and digits.
    #[must_use]
    pub fn new(token: String, at: String) -> Self {
        Self {
            version: PROBE_VERSION,
            token,
            id: None,
            is_doubled: false,
            at,
        }
    }

    #[must_use]
    pub fn user_id(&self) -> String {
        format!("hcsync-probe-{}", self.token)
    }

    /// Mixed case, to find out whether search ignores it. The domain is reserved (RFC 2606): it receives no mail, and
    /// every validator accepts it.
    pub(super) fn email(&self) -> String {
        format!("hcsync-Probe-{}@example.com", self.token)
    }

    pub(super) fn name(&self) -> String {
        format!("hcsync probe {}", self.token)
    }

    /// Returns a text for any other field, a different one for each number.
    pub(super) fn mark(&self, number: u32) -> String {
        format!("hcsync probe {} {number}", self.token)
    }

    /// Whether any text of the customer contains the token.
    pub(super) fn is(&self, customer: &RemoteCustomer) -> bool {
        let texts = Field::ALL.into_iter().filter_map(|f| customer.value(f));
        let mut texts = texts.filter_map(Value::as_text);
        texts.any(|text| text.to_lowercase().contains(&self.token))
    }
}

impl fmt::Display for Throwaway {
    /// Names the customer so that the user can find it in HelpCrunch.
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
    fn it_is_recognized_by_any_text_and_no_other_customer_is() {
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
