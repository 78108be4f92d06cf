//! What goes wrong, and with which requests.

use http::StatusCode;
use serde::Deserialize;

use super::endpoint::Endpoint;
use super::quirks::RetryAfter;
use super::select::{Counts, Moment, Selector, chance};

/// One way in which an answer goes wrong, as a fault file names it in `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum Fault {
    /// An answer with this status and an error body. With `processed` the
    /// customers are changed all the same.
    Status {
        /// From 200 to 599.
        #[serde(deserialize_with = "status")]
        status: StatusCode,
        /// Whether the request takes effect.
        #[serde(default)]
        processed: bool,
    },
    /// The connection is closed without an answer, nothing has happened.
    CutBefore {},
    /// The connection is closed without an answer, after the request took effect.
    CutAfter {},
    /// The connection is closed in the middle of the answer's body, after the request took effect.
    CutBody {},
    /// The right answer comes late.
    Delay {
        /// Milliseconds that the answer takes.
        delay_ms: u64,
        /// Whether the request takes effect only at the end of that time, even
        /// when the client is gone by then.
        #[serde(default)]
        late: bool,
    },
    /// The answer is a page of HTML, as from a proxy.
    Html {
        /// From 200 to 599.
        #[serde(default = "bad_gateway", deserialize_with = "status")]
        status: StatusCode,
        /// Whether the request takes effect.
        #[serde(default)]
        processed: bool,
    },
    /// A 429 although the limit is not reached; nothing has happened.
    RateLimit {
        /// How it says when to come back.
        retry_after: RetryAfter,
        /// When to come back.
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

/// A fault and the requests that meet it.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRule {
    /// What goes wrong.
    pub fault: Fault,
    /// With which requests.
    pub select: Selector,
}

/// The faults of a server, and how often each has happened.
#[derive(Debug)]
pub(super) struct Faults {
    rules: Vec<(FaultRule, Counts)>,
    seed: u64,
}

impl Faults {
    pub(super) fn new(rules: Vec<FaultRule>, seed: u64) -> Self {
        Self {
            rules: rules
                .into_iter()
                .map(|rule| (rule, Counts::default()))
                .collect(),
            seed,
        }
    }

    /// The fault that a request meets: of the rules that pick it, the first.
    pub(super) fn meet(&mut self, moment: Moment) -> Option<Fault> {
        if moment.endpoint == Endpoint::Unknown {
            return None;
        }
        let mut met = None;
        for (salt, (rule, counts)) in (0..).zip(&mut self.rules) {
            let chance = chance(self.seed, moment.number, salt);
            // Every rule counts every request, also one that an earlier rule has.
            let noticed = rule.select.notices(moment, counts);
            if noticed && met.is_none() && rule.select.picks(moment, chance, counts) {
                met = Some(rule.fault.clone());
            }
        }
        met
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
