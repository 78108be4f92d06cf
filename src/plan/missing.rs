//! What is done about tracked customers that the input no longer holds.

use serde::{Deserialize, Serialize};

use crate::domain::{Field, RemoteCustomer, Tag, Value};

use super::{CustomerState, FieldChange, Operation, Patch};

/// `[sync] missing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingAction {
    #[default]
    Ignore,
    Tag,
    Block,
    Delete,
}

/// The keys of `[sync]` about customers that the input no longer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingSettings {
    pub action: MissingAction,
    /// The tag of [`MissingAction::Tag`]; taken off again when the customer is back.
    pub tag: String,
    /// An expression over the customer that limits the action; empty: all tracked customers.
    pub scope: String,
}

/// The default of `[sync] missing_tag`.
pub const MISSING_TAG: &str = "left-crm";

impl Default for MissingSettings {
    fn default() -> Self {
        Self {
            action: MissingAction::default(),
            tag: MISSING_TAG.to_owned(),
            scope: String::new(),
        }
    }
}

impl MissingAction {
    /// The operation that a customer needs, or `None` if the customer is already as the action leaves it.
    #[must_use]
    pub fn operation(self, tag: &str, customer: &RemoteCustomer) -> Option<Operation> {
        match self {
            Self::Ignore => None,
            Self::Tag => (!customer.has_tag(tag)).then(|| Operation::Tag(vec![Tag::named(tag)])),
            Self::Block => {
                let current = customer.value(Field::Blocked);
                let change = FieldChange {
                    field: Field::Blocked,
                    from: current.cloned(),
                    to: Some(Value::Bool(true)),
                };
                (current != Some(&Value::Bool(true))).then(|| {
                    Operation::Patch(Patch {
                        set: vec![change],
                        custom_data: Vec::new(),
                    })
                })
            }
            Self::Delete => Some(Operation::Delete(CustomerState::of(customer))),
        }
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Tag => "tag",
            Self::Block => "block",
            Self::Delete => "delete",
        }
    }

    /// What happens to the customers, as the end of a sentence about several of them.
    #[must_use]
    pub fn passive(self) -> &'static str {
        match self {
            Self::Ignore => "left alone",
            Self::Tag => "tagged",
            Self::Block => "blocked",
            Self::Delete => "deleted",
        }
    }
}

/// What a plan does about missing customers. Its plan file keeps it, so that `apply` checks the same limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MissingFigures {
    pub action: MissingAction,
    /// Customers that the action would change.
    pub customers: u64,
    /// Tracked customers that the input held last time, as far as known.
    pub tracked: u64,
    /// Rows of the last finished run.
    pub rows_before: u64,
    /// Why it is not certain that the input no longer holds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<MissingObstacle>,
}

/// Why a customer that no row means may be in the input nevertheless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingObstacle {
    Limit,
    Where,
    Ambiguous,
    Reading,
}

impl MissingObstacle {
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Limit => "only the first rows of the input were read (--limit)",
            Self::Where => "rows.where leaves rows of the input out",
            Self::Ambiguous => "rows that match several customers were skipped",
            Self::Reading => "the customers of HelpCrunch were not read completely",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomerId, Reported};

    fn customer(tags: &[&str], blocked: Option<bool>) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(7));
        customer.tags = Reported::Value(tags.iter().map(|tag| Tag::named(*tag)).collect());
        customer.set_field(Field::Blocked, blocked.map(Value::Bool));
        customer
    }

    #[test]
    fn a_customer_that_is_as_the_action_leaves_it_needs_nothing() {
        let planned = |action: MissingAction, tags: &[&str], blocked| {
            action.operation("left", &customer(tags, blocked)).is_some()
        };
        assert!(planned(MissingAction::Tag, &["vip"], None));
        assert!(!planned(MissingAction::Tag, &["vip", "left"], None));
        assert!(planned(MissingAction::Block, &["left"], None));
        assert!(planned(MissingAction::Block, &[], Some(false)));
        assert!(!planned(MissingAction::Block, &[], Some(true)));
        assert!(planned(MissingAction::Delete, &["left"], Some(true)));
        assert!(!planned(MissingAction::Ignore, &[], None));
    }
}
