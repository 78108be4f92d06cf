//! Chooses the way of reading the remote side that needs the fewest requests. Pure functions.

use serde::Deserialize;

use crate::plan::{Explanation, StrategyCost};

/// `[remote] strategy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// The method with the fewest requests.
    #[default]
    Auto,
    /// Read all customers.
    List,
    /// Search for the input's keys.
    Lookup,
    /// Use the last complete reading, if there is a usable one.
    Snapshot,
}

/// The largest page in the vendor's documentation.
pub(super) const DOCUMENTED_PAGE: u32 = 100;

/// A way of reading the remote side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadMethod {
    List,
    Lookup,
    Snapshot,
}

impl ReadMethod {
    /// By preference if two cost the same: the most complete and freshest method comes first.
    const ALL: [Self; 3] = [Self::List, Self::Lookup, Self::Snapshot];

    /// The name in previews and summaries.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Lookup => "lookup",
            Self::Snapshot => "snapshot",
        }
    }
}

/// What the costs depend on, known after the first page of a listing.
#[derive(Debug, Clone)]
pub(super) struct CostInputs {
    /// Number of customers of the account, if the page reported it.
    pub(super) total: Option<u64>,
    /// Number of customers on the first page.
    pub(super) first_page: u64,
    /// Number of filters for a look-up of the input's keys. `None` if there are too many keys.
    pub(super) filters: Option<u64>,
    /// Number of filters for a look-up of the keys that the snapshot does not have, or why it cannot be used.
    pub(super) missing_filters: Result<u64, String>,
    /// Maximum number of filters in one search.
    pub(super) max_filters: u64,
    /// One more request is needed to test whether search ignores the case of e-mail addresses.
    pub(super) tests_case: bool,
}

impl CostInputs {
    /// Returns the number of requests after the first page, or why the method cannot be used.
    pub(super) fn cost(&self, method: ReadMethod) -> Result<u64, String> {
        match method {
            ReadMethod::List => self
                .further_pages()
                .ok_or_else(|| "the API does not report how many customers there are".into()),
            ReadMethod::Lookup => match self.filters {
                // The first page has shown that the account is empty.
                _ if self.total == Some(0) => Ok(0),
                Some(filters) => Ok(self.searches(filters)),
                None => Err("the rows have too many keys to hold in memory".into()),
            },
            ReadMethod::Snapshot => self
                .missing_filters
                .clone()
                .map(|filters| self.searches(filters)),
        }
    }

    /// Pages overlap by one customer, so that a shift between two requests is noticed.
    fn further_pages(&self) -> Option<u64> {
        let rest = self.total?.saturating_sub(self.first_page);
        Some(rest.div_ceil(self.first_page.saturating_sub(1).max(1)))
    }

    fn searches(&self, filters: u64) -> u64 {
        match filters {
            0 => 0,
            filters => filters.div_ceil(self.max_filters.max(1)) + u64::from(self.tests_case),
        }
    }

    /// Returns the method with the fewest requests. Without a total the cost of a listing is unknown, but then a short
    /// first page is the whole account.
    fn cheapest(&self) -> ReadMethod {
        if self.total.is_none() && self.first_page < u64::from(DOCUMENTED_PAGE) {
            return ReadMethod::List;
        }
        let methods = ReadMethod::ALL.into_iter();
        let usable = methods.filter_map(|method| Some((self.cost(method).ok()?, method)));
        // `min_by_key` returns the first of equal ones.
        usable
            .min_by_key(|(cost, _)| *cost)
            .map_or(ReadMethod::List, |(_, method)| method)
    }

    /// Returns the method that the settings ask for, or a listing if that cannot be used.
    pub(super) fn choose(&self, strategy: Strategy) -> ReadMethod {
        match strategy {
            Strategy::Auto => self.cheapest(),
            Strategy::List => ReadMethod::List,
            Strategy::Lookup if self.total == Some(0) || self.filters.is_none() => ReadMethod::List,
            Strategy::Lookup => ReadMethod::Lookup,
            Strategy::Snapshot if self.missing_filters.is_err() => ReadMethod::List,
            Strategy::Snapshot => ReadMethod::Snapshot,
        }
    }

    /// Returns all methods with their costs, for the preview.
    pub(super) fn explain(&self, taken: ReadMethod) -> Explanation {
        let candidate = |method: ReadMethod| {
            let cost = self.cost(method);
            StrategyCost {
                strategy: method.name().to_owned(),
                requests: cost.as_ref().ok().copied(),
                out: cost.err(),
            }
        };
        Explanation {
            taken: taken.name().to_owned(),
            customers: self.total,
            candidates: ReadMethod::ALL.into_iter().map(candidate).collect(),
            notes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(total: Option<u64>, filters: u64) -> CostInputs {
        CostInputs {
            total,
            first_page: total.unwrap_or(100).min(100),
            filters: Some(filters),
            missing_filters: Err("there is no snapshot".into()),
            max_filters: 100,
            tests_case: true,
        }
    }

    fn choose(inputs: &CostInputs) -> (ReadMethod, u64) {
        let method = inputs.choose(Strategy::Auto);
        (method, inputs.cost(method).unwrap())
    }

    #[test]
    fn the_fewest_requests_win() {
        let of = |total, filters| choose(&inputs(total, filters));
        assert_eq!(of(Some(0), 5_000), (ReadMethod::List, 0));
        assert_eq!(of(Some(100), 5_000), (ReadMethod::List, 0));
        assert_eq!(of(Some(2_000), 2_000), (ReadMethod::List, 20));
        assert_eq!(of(Some(750_000), 100), (ReadMethod::Lookup, 2));
        assert_eq!(of(None, 50), (ReadMethod::Lookup, 2));
        assert_eq!(of(Some(5_000), 0), (ReadMethod::Lookup, 0));
    }

    #[test]
    fn a_snapshot_costs_the_look_ups_of_missing_keys() {
        let with = |total, filters, missing| CostInputs {
            missing_filters: Ok(missing),
            ..inputs(Some(total), filters)
        };
        assert_eq!(choose(&with(2_000, 4_000, 0)), (ReadMethod::Snapshot, 0));
        assert_eq!(choose(&with(2_000, 4_000, 150)), (ReadMethod::Snapshot, 3));
        assert_eq!(choose(&with(2_000, 4_000, 3_000)), (ReadMethod::List, 20));
        // Of equal costs, the fresher method wins.
        assert_eq!(choose(&with(80, 160, 0)), (ReadMethod::List, 0));
        assert_eq!(choose(&with(750_000, 100, 100)), (ReadMethod::Lookup, 2));
    }

    #[test]
    fn smaller_pages_and_searches_cost_more() {
        let capped = CostInputs {
            first_page: 20,
            ..inputs(Some(2_000), 4_000)
        };
        assert_eq!(choose(&capped), (ReadMethod::Lookup, 41));
        let few = CostInputs {
            max_filters: 10,
            ..capped
        };
        assert_eq!(choose(&few), (ReadMethod::List, 105));
    }

    #[test]
    fn the_settings_are_followed_where_possible() {
        let none = inputs(Some(2_000), 10);
        assert_eq!(none.choose(Strategy::List), ReadMethod::List);
        assert_eq!(none.choose(Strategy::Lookup), ReadMethod::Lookup);
        assert_eq!(none.choose(Strategy::Snapshot), ReadMethod::List);
        let empty = inputs(Some(0), 10);
        assert_eq!(empty.choose(Strategy::Lookup), ReadMethod::List);
        let explained = none.explain(ReadMethod::List);
        assert_eq!(explained.taken, "list");
        let out: Vec<_> = explained
            .candidates
            .iter()
            .map(|c| c.out.is_some())
            .collect();
        assert_eq!(out, [false, false, true]);
    }
}
