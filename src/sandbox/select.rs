//! Selects the requests that a fault or an agent's edit is for.

use serde::{Deserialize, Deserializer};

use super::endpoint::Endpoint;

/// The keys of a [`Selector`] in a rule.
pub(super) const KEYS: [&str; 9] = [
    "endpoint",
    "request",
    "nth",
    "from",
    "to",
    "from-seconds",
    "to-seconds",
    "probability",
    "max",
];

/// Picks requests that meet all given conditions.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Selector {
    /// Only requests to these endpoints. Empty means all.
    #[serde(deserialize_with = "one_or_many")]
    pub endpoint: Vec<Endpoint>,
    /// Only the requests with these numbers in the log, from 1.
    #[serde(deserialize_with = "one_or_many")]
    pub request: Vec<u64>,
    /// Only the first, second, … of the requests to these endpoints that passed key and rate limit, from 1.
    #[serde(deserialize_with = "one_or_many")]
    pub nth: Vec<u64>,
    /// Only requests with this number in the log or a later one.
    pub from: Option<u64>,
    /// Only requests with this number in the log or an earlier one.
    pub to: Option<u64>,
    /// Only if the server is at least this many seconds old.
    pub from_seconds: Option<u64>,
    /// Only while the server is younger than this many seconds.
    pub to_seconds: Option<u64>,
    /// Probability for requests that meet the other conditions, from 0 to 1.
    pub probability: f64,
    /// Maximum number of requests.
    pub max: Option<u64>,
}

impl Default for Selector {
    fn default() -> Self {
        Self {
            endpoint: Vec::new(),
            request: Vec::new(),
            nth: Vec::new(),
            from: None,
            to: None,
            from_seconds: None,
            to_seconds: None,
            probability: 1.0,
            max: None,
        }
    }
}

/// How many requests a selector has seen and picked so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SelectorCounts {
    seen: u64,
    picked: u64,
}

/// What a selector needs to know about a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestMoment {
    pub(super) number: u64,
    pub(super) endpoint: Endpoint,
    pub(super) now_ms: u64,
}

impl Selector {
    /// Counts the request if it is to one of the endpoints. Returns whether it is.
    pub(super) fn counts(&self, moment: RequestMoment, counts: &mut SelectorCounts) -> bool {
        let noticed = self.endpoint.is_empty() || self.endpoint.contains(&moment.endpoint);
        counts.seen += u64::from(noticed);
        noticed
    }

    /// Whether a counted request is picked. `chance` is a number from 0 up to 1 that depends only on the seed, the
    /// request's number and the rule.
    pub(super) fn picks(
        &self,
        moment: RequestMoment,
        chance: f64,
        counts: &mut SelectorCounts,
    ) -> bool {
        let listed = |list: &[u64], number| list.is_empty() || list.contains(&number);
        let picked = listed(&self.request, moment.number)
            && listed(&self.nth, counts.seen)
            && self.from.is_none_or(|from| moment.number >= from)
            && self.to.is_none_or(|to| moment.number <= to)
            && self
                .from_seconds
                .is_none_or(|from| moment.now_ms >= from.saturating_mul(1_000))
            && self
                .to_seconds
                .is_none_or(|to| moment.now_ms < to.saturating_mul(1_000))
            && self.max.is_none_or(|max| counts.picked < max)
            && chance < self.probability;
        counts.picked += u64::from(picked);
        picked
    }
}

/// Returns a pseudo-random number for these arguments: the finaliser of SplitMix64 over them.
pub(super) fn draw(seed: u64, number: u64, salt: u64) -> u64 {
    let mut bits = seed;
    for part in [number, salt] {
        bits = bits.wrapping_add(part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
    }
    bits
}

/// Returns [`draw`] as a number from 0 up to 1.
pub(super) fn chance(seed: u64, number: u64, salt: u64) -> f64 {
    let bits = u32::try_from(draw(seed, number, salt) >> 32).unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    OneOrMany::deserialize(deserializer).map(|value| match value {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(selector: &Selector, seed: u64) -> Vec<u64> {
        let mut counts = SelectorCounts::default();
        let endpoints = [Endpoint::Create, Endpoint::Tag];
        (1..=20)
            .zip(endpoints.into_iter().cycle())
            .filter(|(number, endpoint)| {
                let moment = RequestMoment {
                    number: *number,
                    endpoint: *endpoint,
                    now_ms: number * 1_000,
                };
                selector.counts(moment, &mut counts)
                    && selector.picks(moment, chance(seed, *number, 0), &mut counts)
            })
            .map(|(number, _)| number)
            .collect()
    }

    #[test]
    fn each_condition_picks() {
        let all = Selector::default;
        let tags = || Selector {
            endpoint: vec![Endpoint::Tag],
            ..all()
        };
        for (selector, numbers) in [
            (
                Selector {
                    request: vec![3, 19, 77],
                    ..all()
                },
                vec![3, 19],
            ),
            (
                Selector {
                    nth: vec![1, 3],
                    ..tags()
                },
                vec![2, 6],
            ),
            (
                Selector {
                    from: Some(19),
                    ..all()
                },
                vec![19, 20],
            ),
            (
                Selector {
                    to: Some(2),
                    ..all()
                },
                vec![1, 2],
            ),
            (
                Selector {
                    from_seconds: Some(4),
                    to_seconds: Some(6),
                    ..all()
                },
                vec![4, 5],
            ),
            (
                Selector {
                    max: Some(3),
                    ..tags()
                },
                vec![2, 4, 6],
            ),
            (
                Selector {
                    probability: 0.0,
                    ..all()
                },
                vec![],
            ),
            (
                Selector {
                    from: Some(7),
                    to: Some(12),
                    max: Some(2),
                    ..tags()
                },
                vec![8, 10],
            ),
        ] {
            assert_eq!(picked(&selector, 1), numbers, "{selector:?}");
        }
        assert_eq!(picked(&all(), 1).len(), 20);
    }

    #[test]
    fn random_picks_depend_only_on_the_seed() {
        let half = Selector {
            probability: 0.5,
            ..Selector::default()
        };
        assert_eq!(picked(&half, 7), picked(&half, 7));
        assert_ne!(picked(&half, 7), picked(&half, 8));
    }

    #[test]
    fn chances_are_even() {
        let low = (0..10_000)
            .filter(|number| chance(3, *number, 1) < 0.1)
            .count();
        assert!((900..1_100).contains(&low), "{low}");
    }
}
