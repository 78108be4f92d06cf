use crate::domain::Issue;

use super::CustomerRef;

/// Why the keys of a row contradict each other, with the customers that they match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    TwoCustomers {
        by_user_id: CustomerRef,
        /// By the row's id, if it has one, else by its e-mail address.
        other: CustomerRef,
        is_by_id: bool,
    },
    /// The e-mail address belongs to a customer with another userId.
    OtherUserId {
        customer: CustomerRef,
        /// Whether an earlier row gives the customer that userId.
        is_given: bool,
        /// Whether the address finds this customer alone.
        is_only_match: bool,
    },
    /// The userId, which is no match key, belongs to a customer with another e-mail address.
    OtherEmail { customer: CustomerRef },
}

/// How messages name a customer, and the row that speaks for it.
pub trait CustomerNames {
    /// `customer 12`, or the row that creates it.
    fn customer(&self, customer: CustomerRef) -> String;

    /// The earlier row of the input that is for this customer.
    fn row_of(&self, customer: CustomerRef) -> Option<String>;
}

impl Conflict {
    /// Why the row is rejected.
    pub fn issue(&self, names: &impl CustomerNames) -> Issue {
        match self {
            Self::TwoCustomers {
                by_user_id,
                other,
                is_by_id,
            } => {
                let key = if *is_by_id { "id" } else { "e-mail address" };
                let (first, second) = (names.customer(*by_user_id), names.customer(*other));
                Issue::matching(
                    "conflict",
                    format!("its userId belongs to {first}, and its {key} to {second}"),
                )
                .hint("correct the row, or merge the customers in HelpCrunch")
            }
            Self::OtherUserId {
                customer, is_given, ..
            } => {
                let given_by = names.row_of(*customer).filter(|_| *is_given);
                let why = match (customer, given_by) {
                    (CustomerRef::Remote(_), Some(row)) => {
                        format!("to which {row} gives another userId")
                    }
                    _ => "which has another userId".to_owned(),
                };
                let customer = names.customer(*customer);
                Issue::matching(
                    "conflict",
                    format!("its e-mail address belongs to {customer}, {why}"),
                )
                .hint(
                    "correct the row; or set match.on_conflict: \"update\" gives the customer the row's userId, \"create\" lets \
                     customers share an address",
                )
            }
            Self::OtherEmail { customer } => {
                let customer = names.customer(*customer);
                Issue::matching(
                    "conflict",
                    format!("its userId belongs to {customer}, which has another e-mail address"),
                )
                .hint("add \"userId\" to match.keys, or correct the row")
            }
        }
    }
}
