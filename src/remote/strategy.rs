//! Which way of knowing the remote side needs the fewest requests. Pure.

use serde::Deserialize;

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
}

/// The largest page that was seen in the vendor's pages.
pub(super) const PAGE: u32 = 100;

/// A way of knowing the remote side, with its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Further requests after the first page.
    List {
        requests: u64,
    },
    Lookup {
        requests: u64,
    },
}

/// What is known when the choice is made: after the first page of a listing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    /// Customers of the account, where the page said.
    pub(super) total: Option<u64>,
    /// Customers on the first page.
    pub(super) first_page: u64,
    /// Filters that a look-up of the input's keys would need; nothing where there are too many for one.
    pub(super) filters: Option<u64>,
    /// Filters that one search may hold.
    pub(super) filters_a_search: u64,
}

impl Situation {
    /// Pages overlap by one customer, so that a shift between two requests is noticed.
    fn list_requests(&self) -> Option<u64> {
        let rest = self.total?.saturating_sub(self.first_page);
        Some(rest.div_ceil(self.first_page.saturating_sub(1).max(1)))
    }

    /// One more than the searches: the test whether search ignores the case of e-mail addresses.
    fn lookup_requests(&self) -> Option<u64> {
        Some(match self.filters? {
            0 => 0,
            filters => filters.div_ceil(self.filters_a_search.max(1)) + 1,
        })
    }

    /// The cheaper way; listing where both cost the same, since it also knows the account's tags and properties.
    /// Without a total a listing's price is not known, but a short first page is the whole account.
    #[must_use]
    pub(super) fn cheapest(&self) -> Choice {
        let short = self.first_page < u64::from(PAGE);
        match (self.list_requests(), self.lookup_requests()) {
            (Some(list), Some(lookup)) if list > lookup => Choice::Lookup { requests: lookup },
            (None, Some(lookup)) if !short => Choice::Lookup { requests: lookup },
            (list, _) => Choice::List {
                requests: list.unwrap_or(1),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(total: Option<u64>, filters: u64) -> Choice {
        let first_page = total.unwrap_or(100).min(100);
        Situation {
            total,
            first_page,
            filters: Some(filters),
            filters_a_search: 100,
        }
        .cheapest()
    }

    #[test]
    fn the_fewest_requests_win() {
        assert_eq!(choose(Some(0), 5_000), Choice::List { requests: 0 });
        assert_eq!(choose(Some(100), 5_000), Choice::List { requests: 0 });
        assert_eq!(choose(Some(2_000), 2_000), Choice::List { requests: 20 });
        assert_eq!(choose(Some(750_000), 50), Choice::Lookup { requests: 2 });
        assert_eq!(choose(None, 50), Choice::Lookup { requests: 2 });
    }
}
