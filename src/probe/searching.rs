//! What search does: when it sees the new customer, whether it minds the case of an address, how many filters it
//! takes. Asked before any edit, since an edit may hide a customer for a while, too.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::domain::{CustomerId, RemoteCustomer};
use crate::helpcrunch::{CallError, Filter, Search, Term};

use super::asking::{Asking, FEW, Halt, refusal};
use super::finding::{Filters, Lag};

/// The most filters that are tried: by then a search is long, and little more could be saved.
const MOST_FILTERS: u32 = 1000;
/// What is tried next, since most listings show so many.
const USUAL_FILTERS: u32 = 100;
/// So many searches at most find out how many filters work.
const FILTER_TRIES: u32 = 6;

impl Asking<'_> {
    /// `begun`: when the create was sent; `answered`: when its answer was there.
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
            let evidence = "the customer has neither e-mail nor userId to search for".to_owned();
            self.findings.search_lag = self.found(None, evidence);
            return self.ask_filters(None).await;
        };
        let is_found = self.ask_lag(key, seen.id, begun, answered).await?;
        if is_found {
            self.ask_case(&seen).await?;
        }
        self.ask_filters(is_found.then_some(seen.id)).await
    }

    /// Looks until search finds the customer, at most until it is `settle` old.
    async fn ask_lag(
        &mut self,
        key: Term,
        id: CustomerId,
        begun: Instant,
        answered: Instant,
    ) -> Result<bool, Halt> {
        let (mut over, mut pause) = (Duration::ZERO, Duration::from_millis(500));
        let mut looks = 0u32;
        loop {
            let sent = Instant::now();
            let is_last = sent.duration_since(begun) >= self.probe.settle;
            let found = self.finds(vec![Filter::equal(key.clone())], id).await?;
            looks += 1;
            match found {
                Some(true) => {
                    let within = Some(begun.elapsed());
                    self.tell_lag(over, within, looks);
                    return Ok(true);
                }
                Some(false) => over = sent.saturating_duration_since(answered),
                None => {}
            }
            if is_last {
                self.tell_lag(over, None, looks);
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

    fn tell_lag(&mut self, over: Duration, within: Option<Duration>, looks: u32) {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let answer = (looks > 0 && (within.is_some() || over > Duration::ZERO)).then(|| Lag {
            over_ms: ms(over),
            // Rounded up: it may not be too little.
            within_ms: within.map(|time| ms(time) + 1),
        });
        let evidence = match within {
            Some(_) => {
                format!("the new customer was searched for until it was found: look {looks}")
            }
            None => format!("the new customer was searched for {looks} times and not found"),
        };
        self.findings.search_lag = self.found(answer, evidence);
    }

    async fn ask_case(&mut self, seen: &RemoteCustomer) -> Result<(), Halt> {
        let Some(email) = seen.email() else {
            let evidence = "the customer has no e-mail address to search for".to_owned();
            self.findings.email_search_ignores_case = self.found(None, evidence);
            return Ok(());
        };
        let swapped: String = email.chars().map(swap).collect();
        let answer = self
            .finds(vec![Filter::equal(Term::Email(swapped))], seen.id)
            .await?;
        let evidence = match answer {
            Some(true) => "its address in swapped case found the customer, as it is did before",
            Some(false) => "its address as it is found the customer, in swapped case it did not",
            None => "the search in swapped case got no usable answer",
        };
        self.findings.email_search_ignores_case = self.found(answer, evidence.to_owned());
        Ok(())
    }

    /// Tries larger and smaller searches whose last filter alone finds somebody.
    async fn ask_filters(&mut self, ours: Option<CustomerId>) -> Result<(), Halt> {
        let Some(anchor) = self.account.anchor.or(ours) else {
            let evidence = "there was nobody whom a search could be seen to find".to_owned();
            self.findings.search_filters = self.found(None, evidence);
            return Ok(());
        };
        let (mut works, mut fails, mut tried) = (0, None, Vec::new());
        while let Some(next) =
            next_filters(works, fails).filter(|_| tried.len() < FILTER_TRIES as usize)
        {
            tried.push(next.to_string());
            match self.finds_last(next, anchor).await? {
                Some(true) => works = next,
                Some(false) => fails = Some(next),
                None => break,
            }
        }
        // Where not even one works it is not their number that the API minds.
        let answer = (works > 0).then_some(Filters { works, fails });
        let tried = tried.join(", ");
        let evidence = format!(
            "searches with these numbers of filters, of which the last one alone finds somebody: {tried}"
        );
        self.findings.search_filters = self.found(answer, evidence);
        Ok(())
    }

    async fn finds_last(&self, filters: u32, anchor: CustomerId) -> Result<Option<bool>, Halt> {
        let nobody = (1..filters).map(|n| Term::UserId(format!("{}-{n}", self.ours.user_id())));
        let terms = nobody.chain(std::iter::once(Term::Id(anchor)));
        let found = self
            .search(terms.map(Filter::equal).collect(), anchor)
            .await?;
        Ok(match found {
            Ok(found) => Some(found),
            Err(error) => refusal(&error).map(|_| false),
        })
    }

    /// Whether a search finds a customer; nothing where it got no usable answer.
    async fn finds(&self, filters: Vec<Filter>, id: CustomerId) -> Result<Option<bool>, Halt> {
        Ok(self.search(filters, id).await?.ok())
    }

    async fn search(
        &self,
        filters: Vec<Filter>,
        id: CustomerId,
    ) -> Result<Result<bool, CallError>, Halt> {
        let search = Search {
            limit: FEW,
            ..Search::any(filters)
        };
        let page = self.call(self.probe.client.search(&search)).await?;
        Ok(page.map(|page| page.customers.iter().any(|customer| customer.id == id)))
    }
}

/// What to try next; nothing where all is known.
fn next_filters(works: u32, fails: Option<u32>) -> Option<u32> {
    match fails {
        None if works == 0 => Some(MOST_FILTERS),
        None => None,
        Some(fails) if fails <= works + 1 => None,
        Some(MOST_FILTERS) if works == 0 => Some(USUAL_FILTERS),
        // In the middle by their ratio, since small numbers matter more.
        Some(fails) => Some((works * fails).isqrt().clamp(works + 1, fails - 1)),
    }
}

fn swap(c: char) -> char {
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
            while let Some(next) = next_filters(works, fails).filter(|_| tries < FILTER_TRIES) {
                tries += 1;
                if next <= limit { works = next } else { fails = Some(next) }
            }
            prop_assert!(works <= limit && fails.is_none_or(|fails| limit < fails));
            prop_assert!(limit < 5 || works * 3 / 2 >= limit.min(MOST_FILTERS) / 2, "{works} of {limit}");
        }
    }
}
