//! How search behaves: when it finds the new customer, whether the case of an address matters, how many filters it
//! accepts. Asked before any edit, since an edit may hide a customer for a while, too.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::{CallError, Filter, Search, Term};

use super::finding::{FilterLimit, SearchLag};
use super::session::{Halt, ProbeSession, SMALL_PAGE, refusal};

/// The largest number of filters that is tried. Such a search is long already, and more would save little.
const MAX_FILTERS: u32 = 1000;
/// Tried next, because it is a common limit.
const COMMON_FILTER_LIMIT: u32 = 100;
/// Maximum number of searches that look for the limit.
const MAX_FILTER_TRIES: u32 = 6;

impl ProbeSession<'_> {
    /// `begun` is when the create was sent, `answered` when its answer arrived.
    pub(super) async fn ask_search(
        &mut self,
        begun: Instant,
        answered: Instant,
    ) -> Result<(), Halt> {
        let Some(seen) = self.seen.clone() else {
            return Ok(());
        };
        let key = match (seen.email(), seen.user_id()) {
            (Some(email), _) => Some(Term::Email(email.to_owned())),
            (None, Some(user_id)) => Some(Term::UserId(user_id.to_owned())),
            (None, None) => None,
        };
        let Some(key) = key else {
            let evidence = "the customer has neither e-mail nor userId to search for";
            self.findings.search_lag = self.finding(None, evidence);
            return self.ask_filters(None).await;
        };
        let is_found = self.ask_lag(key, seen.id, begun, answered).await?;
        if is_found {
            self.ask_case(&seen).await?;
        }
        self.ask_filters(is_found.then_some(seen.id)).await
    }

    /// Searches until the customer is found, for at most `settle` after its create. Returns whether it was found.
    async fn ask_lag(
        &mut self,
        key: Term,
        id: CustomerId,
        begun: Instant,
        answered: Instant,
    ) -> Result<bool, Halt> {
        let (mut over, mut pause) = (Duration::ZERO, Duration::from_millis(500));
        let mut searches = 0u32;
        loop {
            let sent = Instant::now();
            let is_last = sent.duration_since(begun) >= self.probe.settle;
            let found = self.finds(vec![Filter::equal(key.clone())], id).await?;
            searches += 1;
            match found {
                Some(true) => {
                    self.record_lag(over, Some(begun.elapsed()), searches);
                    return Ok(true);
                }
                Some(false) => over = sent.saturating_duration_since(answered),
                None => {}
            }
            if is_last {
                self.record_lag(over, None, searches);
                return Ok(false);
            }
            let rest = self.probe.settle.saturating_sub(begun.elapsed());
            tokio::select! {
                () = self.probe.stop.cancelled() => return Err(Halt::Stopped),
                () = sleep(pause.min(rest)) => {}
            }
            pause *= 3;
        }
    }

    fn record_lag(&mut self, over: Duration, within: Option<Duration>, searches: u32) {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let is_measured = within.is_some() || over > Duration::ZERO;
        let answer = is_measured.then(|| SearchLag {
            over_ms: ms(over),
            // Rounded up, since it must not be too short.
            within_ms: within.map(|time| ms(time) + 1),
        });
        let evidence = match within {
            Some(_) => format!("search number {searches} for the new customer found it"),
            None => format!("the new customer was searched for {searches} times and not found"),
        };
        self.findings.search_lag = self.finding(answer, evidence);
    }

    async fn ask_case(&mut self, seen: &RemoteCustomer) -> Result<(), Halt> {
        let Some(email) = seen.email() else {
            let evidence = "the customer has no e-mail address to search for";
            self.findings.email_search_ignores_case = self.finding(None, evidence);
            return Ok(());
        };
        let swapped: String = email.chars().map(swap_case).collect();
        let answer = self
            .finds(vec![Filter::equal(Term::Email(swapped))], seen.id)
            .await?;
        let evidence = match answer {
            Some(true) => "a search for its address found the customer, also in swapped case",
            Some(false) => "a search for its address found the customer, but not in swapped case",
            None => "the search for its address in swapped case got no usable answer",
        };
        self.findings.email_search_ignores_case = self.finding(answer, evidence);
        Ok(())
    }

    /// Tries searches of different sizes in which only the last filter matches a customer.
    async fn ask_filters(&mut self, ours: Option<CustomerId>) -> Result<(), Halt> {
        let Some(anchor) = self.account.anchor.or(ours) else {
            let evidence = "there was no customer that a search had to find";
            self.findings.search_filters = self.finding(None, evidence);
            return Ok(());
        };
        let (mut works, mut fails, mut tried) = (0, None, Vec::new());
        while let Some(next) =
            next_filters(works, fails).filter(|_| tried.len() < MAX_FILTER_TRIES as usize)
        {
            tried.push(next.to_string());
            match self.finds_last(next, anchor).await? {
                Some(true) => works = next,
                Some(false) => fails = Some(next),
                None => break,
            }
        }
        // If not even one filter works, their number is not the reason.
        let answer = (works > 0).then_some(FilterLimit { works, fails });
        let tried = tried.join(", ");
        let evidence = format!(
            "searches with these numbers of filters, of which only the last matches a customer: {tried}"
        );
        self.findings.search_filters = self.finding(answer, evidence);
        Ok(())
    }

    async fn finds_last(&self, filters: u32, anchor: CustomerId) -> Result<Option<bool>, Halt> {
        let unmatched = (1..filters).map(|n| Term::UserId(format!("{}-{n}", self.ours.user_id())));
        let terms = unmatched.chain(std::iter::once(Term::Id(anchor)));
        let found = self
            .search(terms.map(Filter::equal).collect(), anchor)
            .await?;
        Ok(match found {
            Ok(found) => Some(found),
            Err(error) => refusal(&error).map(|_| false),
        })
    }

    /// Returns whether a search finds the customer, or `None` if it got no usable answer.
    async fn finds(&self, filters: Vec<Filter>, id: CustomerId) -> Result<Option<bool>, Halt> {
        Ok(self.search(filters, id).await?.ok())
    }

    async fn search(
        &self,
        filters: Vec<Filter>,
        id: CustomerId,
    ) -> Result<Result<bool, CallError>, Halt> {
        let search = Search {
            limit: SMALL_PAGE,
            ..Search::any(filters)
        };
        let page = self.call(self.probe.client.search(&search)).await?;
        Ok(page.map(|page| page.customers.iter().any(|customer| customer.id == id)))
    }
}

/// Returns the number of filters to try next, or `None` if the limit is known.
fn next_filters(works: u32, fails: Option<u32>) -> Option<u32> {
    match fails {
        None if works == 0 => Some(MAX_FILTERS),
        None => None,
        Some(fails) if fails <= works + 1 => None,
        Some(MAX_FILTERS) if works == 0 => Some(COMMON_FILTER_LIMIT),
        // The geometric mean, since precision matters more for small numbers.
        Some(fails) => Some((works * fails).isqrt().clamp(works + 1, fails - 1)),
    }
}

fn swap_case(c: char) -> char {
    if c.is_ascii_lowercase() {
        c.to_ascii_uppercase()
    } else {
        c.to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_few_tries_come_near_the_limit_and_never_over_it(limit in 0u32..2000) {
            let (mut works, mut fails, mut tries) = (0, None, 0);
            while let Some(next) = next_filters(works, fails).filter(|_| tries < MAX_FILTER_TRIES) {
                tries += 1;
                if next <= limit { works = next } else { fails = Some(next) }
            }
            prop_assert!(works <= limit && fails.is_none_or(|fails| limit < fails));
            prop_assert!(limit < 5 || works * 3 / 2 >= limit.min(MAX_FILTERS) / 2, "{works} of {limit}");
        }
    }
}
