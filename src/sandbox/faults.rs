//! Faults, and the requests that they affect.

use http::StatusCode;
use serde::Deserialize;

use super::endpoint::Endpoint;
use super::quirks::RetryAfter;
use super::select::{RequestMoment, Selector, SelectorCounts, chance};

/// A fault. Fault files name it in `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum Fault {
    /// An answer with this status and an error body.
    Status {
        /// From 200 to 599.
        #[serde(deserialize_with = "status")]
        status: StatusCode,
        /// Whether the request takes effect.
        #[serde(default)]
        processed: bool,
    },
    /// The connection is closed without an answer, and the request has no effect.
    CutBefore {},
    /// The connection is closed without an answer, after the request took effect.
    CutAfter {},
    /// The connection is closed in the middle of the answer's body, after the request took effect.
    CutBody {},
    /// The correct answer is delayed.
    Delay {
        /// The delay in milliseconds.
        delay_ms: u64,
        /// Whether the request takes effect only at the end of the delay, even if the client is gone by then.
        #[serde(default)]
        late: bool,
    },
    /// The answer is an HTML page, as from a proxy.
    Html {
        /// From 200 to 599.
        #[serde(default = "bad_gateway", deserialize_with = "status")]
        status: StatusCode,
        /// Whether the request takes effect.
        #[serde(default)]
        processed: bool,
    },
    /// A 429 although the limit is not reached. The request has no effect.
    RateLimit {
        /// The form of its `Retry-After`.
        retry_after: RetryAfter,
        /// The time in `Retry-After`.
        #[serde(default = "one")]
        seconds: u64,
    },
}

impl Fault {
    /// The name that fault files and the log use.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::CutBefore {} => "cut-before",
            Self::CutAfter {} => "cut-after",
            Self::CutBody {} => "cut-body",
            Self::Delay { .. } => "delay",
            Self::Html { .. } => "html",
            Self::RateLimit { .. } => "rate-limit",
        }
    }

    /// Whether the request takes effect.
    pub(super) fn processed(&self) -> bool {
        match self {
            Self::Status { processed, .. } | Self::Html { processed, .. } => *processed,
            Self::CutBefore {} | Self::RateLimit { .. } => false,
            Self::CutAfter {} | Self::CutBody {} | Self::Delay { .. } => true,
        }
    }
}

/// A fault and the requests that it affects.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRule {
    pub fault: Fault,
    pub select: Selector,
}

/// The faults of a server with their counts.
#[derive(Debug)]
pub(super) struct Faults {
    rules: Vec<(FaultRule, SelectorCounts)>,
    seed: u64,
}

impl Faults {
    pub(super) fn new(rules: Vec<FaultRule>, seed: u64) -> Self {
        Self {
            rules: rules
                .into_iter()
                .map(|rule| (rule, SelectorCounts::default()))
                .collect(),
            seed,
        }
    }

    /// Returns the fault for a request: that of the first rule that picks it.
    pub(super) fn fault_for(&mut self, moment: RequestMoment) -> Option<Fault> {
        if moment.endpoint == Endpoint::Unknown {
            return None;
        }
        let mut picked = None;
        for (salt, (rule, counts)) in (0..).zip(&mut self.rules) {
            let chance = chance(self.seed, moment.number, salt);
            // Each rule counts all requests, including those that an earlier rule picked.
            let is_counted = rule.select.counts(moment, counts);
            if is_counted && picked.is_none() && rule.select.picks(moment, chance, counts) {
                picked = Some(rule.fault.clone());
            }
        }
        picked
    }
}

fn status<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<StatusCode, D::Error> {
    let number = u16::deserialize(deserializer)?;
    match StatusCode::from_u16(number) {
        Ok(status) if (200..600).contains(&number) => Ok(status),
        _ => Err(serde::de::Error::custom(
            "a status is a number from 200 to 599",
        )),
    }
}

fn bad_gateway() -> StatusCode {
    StatusCode::BAD_GATEWAY
}

fn one() -> u64 {
    1
}
