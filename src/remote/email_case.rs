//! Whether e-mail search ignores case, and the test that finds out.

use crate::domain::RemoteCustomer;
use crate::helpcrunch::{Filter, ReadClient, Search, Term};

use super::side::RemoteError;

/// Whether e-mail search ignores case. Not documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmailCase {
    #[default]
    Unknown,
    Ignored,
    Matters,
}

/// Searches for an existing customer's e-mail address in swapped case. `Unknown` if the address has no letters.
pub async fn swapped_case_test(
    client: &ReadClient,
    customer: &RemoteCustomer,
) -> Result<EmailCase, RemoteError> {
    let Some(swapped) = customer.email().and_then(swapped) else {
        return Ok(EmailCase::Unknown);
    };
    let search = Search::any(vec![Filter::equal(Term::Email(swapped))]);
    let page = client.search(&search).await.result?;
    Ok(match page.customers.iter().any(|c| c.id == customer.id) {
        true => EmailCase::Ignored,
        false => EmailCase::Matters,
    })
}

fn swapped(email: &str) -> Option<String> {
    let swap = |c: char| {
        if c.is_ascii_lowercase() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        }
    };
    let swapped: String = email.chars().map(swap).collect();
    (swapped != email).then_some(swapped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swapped_address_differs_and_an_address_without_letters_has_none() {
        assert_eq!(swapped("Ann@x.org").as_deref(), Some("aNN@X.ORG"));
        assert_eq!(swapped("1@2.3"), None);
    }
}
