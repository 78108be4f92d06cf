//! Searching for the keys of an input, many in one request.

use std::collections::BTreeSet;

use crate::domain::{CustomerId, RemoteCustomer, RowKey, fold_email};
use crate::helpcrunch::{CallError, Filter, Page, ReadClient, Search, Term};

use super::reading::Reading;
use super::side::{ReadProgress, RemoteError};
use super::strategy::PAGE;

/// More keys than this are not held in memory: by then a look-up costs more than most accounts' listing.
const MOST_KEYS: usize = 1_000_000;

/// The keys to search for, each once.
#[derive(Debug, Clone, Default)]
pub struct WantedKeys {
    ids: BTreeSet<CustomerId>,
    user_ids: BTreeSet<String>,
    emails: BTreeSet<String>,
    /// There were more than are held, so that only a listing can answer for all.
    too_many: bool,
}

impl WantedKeys {
    pub fn add(&mut self, key: &RowKey) {
        if self.too_many {
            return;
        }
        self.ids.extend(key.id);
        self.user_ids.extend(key.user_id.clone());
        if let Some(email) = &key.email {
            // Both spellings, since it is not documented whether search ignores case.
            self.emails.insert(email.clone());
            self.emails.insert(fold_email(email));
        }
        if self.count() > MOST_KEYS {
            *self = Self {
                too_many: true,
                ..Self::default()
            };
        }
    }

    fn count(&self) -> usize {
        self.ids.len() + self.user_ids.len() + self.emails.len()
    }

    /// Filters that a look-up needs; nothing where there are too many keys for one.
    #[must_use]
    pub fn filters(&self) -> Option<u64> {
        (!self.too_many).then_some(self.count() as u64)
    }

    pub(super) fn emails(&self) -> impl Iterator<Item = &str> {
        self.emails.iter().map(String::as_str)
    }

    fn to_filters(&self) -> Vec<Filter> {
        let ids = self.ids.iter().map(|id| Term::Id(*id));
        let user_ids = self.user_ids.iter().cloned().map(Term::UserId);
        let emails = self.emails.iter().cloned().map(Term::Email);
        let terms = ids.chain(user_ids).chain(emails);
        terms.map(Filter::equal).collect()
    }
}

/// Whether e-mail search ignores case; not documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmailCase {
    #[default]
    Unknown,
    Ignored,
    Matters,
}

/// Filters that one search holds at the beginning; fewer once the API refused so many. Not documented; 100 is the
/// largest page that was seen.
pub(super) const FILTERS: usize = 100;

/// Searches for all keys; customers that have one of them come back, each once or more.
///
/// # Errors
/// When a search got no usable answer, or the API refuses even a single filter.
pub async fn find_all(
    client: &ReadClient,
    wanted: &WantedKeys,
    found: &mut Vec<RemoteCustomer>,
) -> Result<(), RemoteError> {
    let filters = wanted.to_filters();
    let mut rest = filters.as_slice();
    let mut at_once = FILTERS;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(at_once.min(rest.len()));
        match find(client, now, found).await {
            Err(RemoteError::Call(CallError::Refused {
                status: 400 | 413 | 414 | 422,
                ..
            })) if now.len() > 1 => {
                at_once = now.len().div_ceil(2);
                tracing::debug!(at_once, "the search was refused: fewer filters at once");
            }
            done => {
                done?;
                rest = later;
            }
        }
    }
    Ok(())
}

/// One search, page by page where more customers have a key than fit into one answer.
async fn find(
    client: &ReadClient,
    filters: &[Filter],
    found: &mut Vec<RemoteCustomer>,
) -> Result<(), RemoteError> {
    let mut search = Search {
        limit: PAGE,
        ..Search::any(filters.to_vec())
    };
    let mut ids = BTreeSet::new();
    loop {
        let page: Page = client.search(&search).await.result?;
        let got = page.customers.len() as u64;
        let known = found.len();
        for customer in page.customers {
            if ids.insert(customer.id) {
                found.push(customer);
            }
        }
        search.offset += got;
        // Without a total a short page may be one that the API cut shorter than it was asked for.
        let more = page.total.map_or(got > 1 && found.len() > known, |total| {
            search.offset < total
        });
        if got == 0 || !more {
            return Ok(());
        }
    }
}

/// Searches for the keys and keeps what is found.
pub(super) async fn look_up(
    client: &ReadClient,
    wanted: &WantedKeys,
    reading: &mut Reading,
    progress: &dyn ReadProgress,
) -> Result<(), RemoteError> {
    let mut found = Vec::new();
    find_all(client, wanted, &mut found).await?;
    for customer in &found {
        reading.put(customer)?;
    }
    progress.read(reading.len(), None);
    Ok(())
}

/// Searches for a known customer's e-mail address in swapped case; nothing where its address has no letters.
///
/// # Errors
/// When the search got no usable answer.
pub async fn swapped_case_test(
    client: &ReadClient,
    known: &RemoteCustomer,
) -> Result<EmailCase, RemoteError> {
    let Some(swapped) = known.email().and_then(swapped) else {
        return Ok(EmailCase::Unknown);
    };
    let search = Search::any(vec![Filter::equal(Term::Email(swapped))]);
    let page = client.search(&search).await.result?;
    let finds = page.customers.iter().any(|c| c.id == known.id);
    Ok(if finds {
        EmailCase::Ignored
    } else {
        EmailCase::Matters
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
    fn each_key_is_searched_once_in_both_spellings() {
        let mut wanted = WantedKeys::default();
        let key = |email: &str| RowKey {
            id: None,
            user_id: Some("u".into()),
            email: Some(email.into()),
        };
        wanted.add(&key("Ann@x.org"));
        wanted.add(&key("ann@x.org"));
        assert_eq!(wanted.filters(), Some(3));
    }

    #[test]
    fn a_swapped_address_differs_and_an_address_without_letters_has_none() {
        assert_eq!(swapped("Ann@x.org").as_deref(), Some("aNN@X.ORG"));
        assert_eq!(swapped("1@2.3"), None);
    }
}
