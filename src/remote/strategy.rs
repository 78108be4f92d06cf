//! Which way of knowing the remote side needs the fewest requests. Pure.

use serde::Deserialize;

use crate::plan::{Candidate, Explanation};

/// `[remote] strategy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// The cheapest in requests.
    #[default]
    Auto,
    /// Read all customers.
    List,
    /// Search for the input's keys.
    Lookup,
    /// The last complete reading, where there is one that may be used.
    Snapshot,
}

/// The largest page that was seen in the vendor's pages.
pub(super) const PAGE: u32 = 100;

/// A way of knowing the remote side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    List,
    Lookup,
    Snapshot,
}

impl Way {
    /// The one that knows most, and most freshly, goes first where two cost the same.
    const ALL: [Self; 3] = [Self::List, Self::Lookup, Self::Snapshot];

    /// As previews and summaries name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Lookup => "lookup",
            Self::Snapshot => "snapshot",
        }
    }
}

/// What is known when the choice is made: after the first page of a listing.
#[derive(Debug, Clone)]
pub(super) struct Situation {
    /// Customers of the account, where the page said.
    pub(super) total: Option<u64>,
    /// Customers on the first page.
    pub(super) first_page: u64,
    /// Filters that a look-up of the input's keys would need; nothing where there are too many for one.
    pub(super) filters: Option<u64>,
    /// Filters that a look-up of the keys needs that the snapshot does not know; else why there is no snapshot.
    pub(super) unknown: Result<u64, String>,
    /// Filters that one search may hold.
    pub(super) filters_a_search: u64,
    /// Whether it has still to be tested, with a request, that search ignores the case of e-mail addresses.
    pub(super) tests_case: bool,
}

impl Situation {
    /// Requests after the first page, or why the way is out.
    pub(super) fn price(&self, way: Way) -> Result<u64, String> {
        match way {
            Way::List => self
                .list()
                .ok_or_else(|| "the API does not tell how many customers there are".into()),
            Way::Lookup => match self.filters {
                // An empty account needs no look-ups: the first page has shown that there is nobody.
                _ if self.total == Some(0) => Ok(0),
                Some(filters) => Ok(self.searches(filters)),
                None => Err("the rows have more keys than are held in memory".into()),
            },
            Way::Snapshot => self.unknown.clone().map(|filters| self.searches(filters)),
        }
    }

    /// Pages overlap by one customer, so that a shift between two requests is noticed.
    fn list(&self) -> Option<u64> {
        let rest = self.total?.saturating_sub(self.first_page);
        Some(rest.div_ceil(self.first_page.saturating_sub(1).max(1)))
    }

    fn searches(&self, filters: u64) -> u64 {
        match filters {
            0 => 0,
            filters => filters.div_ceil(self.filters_a_search.max(1)) + u64::from(self.tests_case),
        }
    }

    /// The way with the fewest requests. Without a total a listing's price is not known, but a short first page is
    /// the whole account.
    fn cheapest(&self) -> Way {
        if self.total.is_none() && self.first_page < u64::from(PAGE) {
            return Way::List;
        }
        let priced = Way::ALL.into_iter();
        let priced = priced.filter_map(|way| Some((self.price(way).ok()?, way)));
        // The first of several that cost the same.
        priced
            .min_by_key(|(price, _)| *price)
            .map_or(Way::List, |(_, way)| way)
    }

    /// What the settings ask for, as far as it can be done.
    pub(super) fn choose(&self, strategy: Strategy) -> Way {
        match strategy {
            Strategy::Auto => self.cheapest(),
            Strategy::List => Way::List,
            Strategy::Lookup if self.total == Some(0) || self.filters.is_none() => Way::List,
            Strategy::Lookup => Way::Lookup,
            Strategy::Snapshot if self.unknown.is_err() => Way::List,
            Strategy::Snapshot => Way::Snapshot,
        }
    }

    /// The candidates with their prices.
    pub(super) fn explain(&self, taken: Way) -> Explanation {
        let candidate = |way: Way| {
            let price = self.price(way);
            Candidate {
                strategy: way.name().to_owned(),
                requests: price.as_ref().ok().copied(),
                out: price.err(),
            }
        };
        Explanation {
            taken: taken.name().to_owned(),
            customers: self.total,
            candidates: Way::ALL.into_iter().map(candidate).collect(),
            notes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn situation(total: Option<u64>, filters: u64) -> Situation {
        Situation {
            total,
            first_page: total.unwrap_or(100).min(100),
            filters: Some(filters),
            unknown: Err("there is none".into()),
            filters_a_search: 100,
            tests_case: true,
        }
    }

    fn choose(situation: &Situation) -> (Way, u64) {
        let way = situation.choose(Strategy::Auto);
        (way, situation.price(way).unwrap())
    }

    #[test]
    fn the_fewest_requests_win() {
        let of = |total, filters| choose(&situation(total, filters));
        assert_eq!(of(Some(0), 5_000), (Way::List, 0));
        assert_eq!(of(Some(100), 5_000), (Way::List, 0));
        assert_eq!(of(Some(2_000), 2_000), (Way::List, 20));
        assert_eq!(of(Some(750_000), 100), (Way::Lookup, 2));
        assert_eq!(of(None, 50), (Way::Lookup, 2));
        assert_eq!(of(Some(5_000), 0), (Way::Lookup, 0));
    }

    #[test]
    fn a_snapshot_costs_the_look_ups_of_what_it_does_not_know() {
        let with = |total, filters, unknown| Situation {
            unknown: Ok(unknown),
            ..situation(Some(total), filters)
        };
        assert_eq!(choose(&with(2_000, 4_000, 0)), (Way::Snapshot, 0));
        assert_eq!(choose(&with(2_000, 4_000, 150)), (Way::Snapshot, 3));
        assert_eq!(choose(&with(2_000, 4_000, 3_000)), (Way::List, 20));
        // What costs the same is read afresh.
        assert_eq!(choose(&with(80, 160, 0)), (Way::List, 0));
        assert_eq!(choose(&with(750_000, 100, 100)), (Way::Lookup, 2));
    }

    #[test]
    fn pages_and_searches_that_hold_less_cost_more() {
        let capped = Situation {
            first_page: 20,
            ..situation(Some(2_000), 4_000)
        };
        assert_eq!(choose(&capped), (Way::Lookup, 41));
        let few = Situation {
            filters_a_search: 10,
            ..capped
        };
        assert_eq!(choose(&few), (Way::List, 105));
    }

    #[test]
    fn what_the_settings_ask_for_is_done_where_it_can_be() {
        let none = situation(Some(2_000), 10);
        assert_eq!(none.choose(Strategy::List), Way::List);
        assert_eq!(none.choose(Strategy::Lookup), Way::Lookup);
        assert_eq!(none.choose(Strategy::Snapshot), Way::List);
        let nobody = situation(Some(0), 10);
        assert_eq!(nobody.choose(Strategy::Lookup), Way::List);
        let explained = none.explain(Way::List);
        assert_eq!(explained.taken, "list");
        let out: Vec<_> = explained
            .candidates
            .iter()
            .map(|c| c.out.is_some())
            .collect();
        assert_eq!(out, [false, false, true]);
    }
}
