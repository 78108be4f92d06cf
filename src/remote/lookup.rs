//! Searching for the keys of an input, many in one request.

use std::collections::BTreeSet;

use crate::domain::{CustomerId, RemoteCustomer, RowKey, email_spellings, fold_email};
use crate::helpcrunch::{CallError, Filter, Page, ReadClient, Search, Term};
use crate::plan::matching::RemoteLookup;

use super::listing::{Gathering, fill_by_ranges};
use super::reading::{Reading, ReadingError};
use super::side::{NoProgress, RemoteError};
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
            self.emails.extend(email_spellings(email));
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

    /// The keys that nobody in the reading has.
    ///
    /// # Errors
    /// When the reading cannot be consulted.
    pub fn unknown_to(&self, reading: &Reading) -> Result<Self, ReadingError> {
        let mut unknown = Self {
            too_many: self.too_many,
            ..Self::default()
        };
        let ids = self.ids.iter().filter(|id| !reading.contains(**id));
        unknown.ids.extend(ids);
        for user_id in &self.user_ids {
            if reading.with_user_id(user_id)?.is_empty() {
                unknown.user_ids.insert(user_id.clone());
            }
        }
        for email in &self.emails {
            if reading.with_email(email)?.is_empty() {
                unknown.emails.insert(email.clone());
            }
        }
        Ok(unknown)
    }

    /// Adds the keys of a row that nobody in the reading has.
    ///
    /// # Errors
    /// When the reading cannot be consulted.
    pub fn add_unknown(&mut self, key: &RowKey, reading: &Reading) -> Result<(), ReadingError> {
        let user_id = key.user_id.as_deref();
        let email = key.email.as_deref();
        let knows_user_id = |id| Ok::<_, ReadingError>(!reading.with_user_id(id)?.is_empty());
        let knows_email = |email| Ok::<_, ReadingError>(!reading.with_email(email)?.is_empty());
        let known_user_id = user_id.map(knows_user_id).transpose()?.unwrap_or(true);
        let known_email = email.map(knows_email).transpose()?.unwrap_or(true);
        self.add(&RowKey {
            id: key.id.filter(|id| !reading.contains(*id)),
            user_id: key.user_id.clone().filter(|_| !known_user_id),
            email: key.email.clone().filter(|_| !known_email),
        });
        Ok(())
    }

    /// Whether there were more keys than are held.
    #[must_use]
    pub fn is_too_many(&self) -> bool {
        self.too_many
    }

    /// Whether a row has this userId, as far as is known.
    #[must_use]
    pub fn has_user_id(&self, user_id: &str) -> bool {
        self.too_many || self.user_ids.contains(user_id)
    }

    /// Likewise for an e-mail address, which is folded.
    #[must_use]
    pub fn has_email(&self, email: &str) -> bool {
        self.too_many || self.emails.contains(email)
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

/// Searches for all keys; customers that have one of them come back, each once or more.
///
/// An answer that does not hold all that it should is asked for again with half of the keys, and with a single key by
/// ranges of ids: each part is then read at one moment. Pages at an offset would pass over somebody where the order
/// changes between them.
///
/// # Errors
/// When a search got no usable answer, or the API refuses even a single filter.
pub async fn find_all(
    client: &ReadClient,
    wanted: &WantedKeys,
    found: &mut Vec<RemoteCustomer>,
) -> Result<(), RemoteError> {
    find_within(client, wanted, found, None).await.map(drop)
}

/// The same, but given up where a search was refused because of its size and the rest would need more requests than
/// `most`. Tells whether all keys were searched.
pub(super) async fn find_within(
    client: &ReadClient,
    wanted: &WantedKeys,
    found: &mut Vec<RemoteCustomer>,
    most: Option<u64>,
) -> Result<bool, RemoteError> {
    let filters = wanted.to_filters();
    let mut todo = vec![filters.as_slice()];
    let mut at_once = usize::try_from(client.most_filters()).unwrap_or(usize::MAX);
    let mut largest = 0;
    while let Some(filters) = todo.pop() {
        if filters.len() > at_once {
            let (now, later) = filters.split_at(at_once);
            todo.extend([later, now]);
            continue;
        }
        let answer = match ask(client, filters, &mut largest).await {
            Err(RemoteError::Call(CallError::Refused {
                status: 400 | 413 | 414 | 422,
                ..
            })) if filters.len() > 1 => {
                at_once = filters.len().div_ceil(2);
                tracing::debug!(at_once, "the search was refused: fewer filters at once");
                client.limit_filters(at_once as u64);
                todo.push(filters);
                let left: usize = todo.iter().map(|part| part.len().div_ceil(at_once)).sum();
                if most.is_some_and(|most| left as u64 > most) {
                    return Ok(false);
                }
                continue;
            }
            answer => answer?,
        };
        match (answer, filters) {
            (Answer::Whole(customers), _) => found.extend(customers),
            (Answer::Part(mut sharers), [one]) => {
                fill_by_ranges(
                    client,
                    Some(one),
                    &mut sharers,
                    (largest, largest),
                    &NoProgress,
                )
                .await?;
                found.append(&mut sharers);
            }
            (Answer::Part(got), several) => {
                if got.len() < PAGE as usize {
                    // Shorter than what was asked for: the page is capped.
                    at_once = at_once.min(got.len().max(1));
                }
                let (now, later) = several.split_at(several.len() / 2);
                todo.extend([later, now]);
            }
        }
    }
    Ok(true)
}

/// What came back of a search.
enum Answer {
    Whole(Vec<RemoteCustomer>),
    /// More customers fit it than came.
    Part(Vec<RemoteCustomer>),
}

/// One search. `largest` is the longest answer so far: without a total a shorter one is whole. So is one that has everybody who can
/// fit, or nobody, whatever its total says.
async fn ask(
    client: &ReadClient,
    filters: &[Filter],
    largest: &mut u64,
) -> Result<Answer, RemoteError> {
    if filters.is_empty() {
        return Ok(Answer::Whole(Vec::new()));
    }
    let mut search = Search {
        limit: PAGE,
        ..Search::any(filters.to_vec())
    };
    let page: Page = client.search(&search).await.result?;
    let got = page.customers.len() as u64;
    let has_all_ids = has_all_ids(filters, &page.customers);
    let strangers = page.customers.iter().filter(|c| !is_asked_for(filters, c));
    let ignores_filters = strangers.count() * 2 > page.customers.len();
    // Each id is one customer's: asking for more would only let what was read grow old.
    let is_all = has_all_ids || got == 0;
    let whole = match page.total {
        Some(total) if total > got && is_all => {
            client.distrust_totals();
            true
        }
        Some(total) => got >= total,
        None if is_all || got < *largest => true,
        None => {
            search.offset = got;
            client.search(&search).await.result?.customers.is_empty()
        }
    };
    *largest = got.max(*largest);
    match whole {
        true => Ok(Answer::Whole(page.customers)),
        // Asking for less at a time never ends where the answer does not depend on the question.
        false if ignores_filters => Err(RemoteError::FilterIgnored),
        false => Ok(Answer::Part(page.customers)),
    }
}

/// Whether a customer has one of the keys, compared as loosely as any search may do it.
fn is_asked_for(filters: &[Filter], customer: &RemoteCustomer) -> bool {
    let is_same = |known: Option<&str>, asked: &str| {
        known.is_some_and(|known| fold_email(known.trim()) == fold_email(asked.trim()))
    };
    filters.iter().any(|filter| match &filter.term {
        Term::Id(id) => customer.id == *id,
        Term::UserId(user_id) => is_same(customer.user_id(), user_id),
        Term::Email(email) => is_same(customer.email(), email),
        Term::Name(_) | Term::Phone(_) | Term::LastSeen(_) => true,
    })
}

fn has_all_ids(filters: &[Filter], customers: &[RemoteCustomer]) -> bool {
    filters.iter().all(|filter| match filter.term {
        Term::Id(id) => customers.iter().any(|customer| customer.id == id),
        _ => false,
    })
}

impl Gathering for Vec<RemoteCustomer> {
    fn put_page(&mut self, page: &Page) -> Result<(), ReadingError> {
        self.extend(page.customers.iter().cloned());
        Ok(())
    }

    fn known(&self) -> u64 {
        self.len() as u64
    }

    fn known_ids(&self) -> Vec<CustomerId> {
        let ids: BTreeSet<CustomerId> = self.iter().map(|customer| customer.id).collect();
        ids.into_iter().collect()
    }
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
