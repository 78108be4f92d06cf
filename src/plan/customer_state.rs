use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::text::hex;
use crate::domain::{RemoteCustomer, Reported};

/// A hash of everything that hcsync reads of a customer. A delete has that of the customer for which it was planned: a
/// customer that was edited or seen since is not deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomerState(String);

impl CustomerState {
    #[must_use]
    pub fn of(customer: &RemoteCustomer) -> Self {
        let mut customer = customer.clone();
        if let Reported::Value(tags) = &mut customer.tags {
            // Their order has no meaning.
            tags.sort_by(|a, b| a.name.cmp(&b.name));
        }
        let json = serde_json::to_vec(&customer).unwrap_or_default();
        let mut hash = hex(&Sha256::digest(json));
        hash.truncate(32);
        Self(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomerId, Field, Tag, Value};

    fn customer(name: &str, tags: &[&str]) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(7));
        customer.set_field(Field::Name, Some(Value::Text(name.into())));
        customer.tags = Reported::Value(tags.iter().map(|tag| Tag::named(*tag)).collect());
        customer
    }

    #[test]
    fn every_edit_shows_and_the_order_of_tags_does_not() {
        let state = CustomerState::of(&customer("Ann", &["a", "b"]));
        assert_eq!(state, CustomerState::of(&customer("Ann", &["b", "a"])));
        let mut seen = customer("Ann", &["a", "b"]);
        seen.set_field(Field::LastSeen, Some(Value::Date(5)));
        let edited = [customer("Eve", &["a", "b"]), customer("Ann", &["a"]), seen];
        for edited in edited {
            assert_ne!(state, CustomerState::of(&edited));
        }
    }
}
