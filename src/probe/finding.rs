//! One thing that was asked, with what came of it.

use serde::{Deserialize, Serialize};

use crate::domain::Field;

/// What came of one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding<T> {
    /// Nothing where it could not be told.
    pub answer: Option<T>,
    /// What was sent and what came back, in words; no value of any customer.
    pub evidence: String,
    /// RFC 3339, UTC.
    pub at: String,
}

/// What `tags` in an update does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tagging {
    Adds,
    Replaces,
    Ignored,
}

/// What `tags` in a create does; there is nothing that they could replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagsInCreate {
    Taken,
    Ignored,
}

/// What the answer to a batch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchTold {
    Customers,
    Count,
    Nothing,
}

/// What becomes of a batch's good entries beside a bad one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BadEntry {
    FailsAll,
    PassesGood,
}

/// What a custom property gets that the account does not define.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undefined {
    Made,
    Ignored,
    Refused,
}

/// What becomes of a `limit` over 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum PageSize {
    /// A page of so many came.
    Honoured { seen: u32 },
    /// More were there and asked for than came.
    Capped { at: u32 },
    /// A limit of `refused` was, one of `works` was not (0: none that was tried).
    Refused { works: u32, refused: u32 },
}

/// How many filters a search takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filters {
    /// So many were all minded.
    pub works: u32,
    /// So many were refused, or the last of them was not minded; nothing where none were.
    pub fails: Option<u32>,
}

/// How long search lags behind a create, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// It was not found so long after.
    pub over_ms: u64,
    /// It was found at latest so long after; nothing where it was not found at all.
    pub within_ms: Option<u64>,
}

/// An answer in words.
pub(super) trait Told {
    fn told(&self) -> String;
}

impl Told for bool {
    fn told(&self) -> String {
        if *self { "yes" } else { "no" }.to_owned()
    }
}

impl Told for Tagging {
    fn told(&self) -> String {
        match self {
            Self::Adds => "they come to those that are there",
            Self::Replaces => "they replace those that are there",
            Self::Ignored => "they are ignored",
        }
        .to_owned()
    }
}

impl Told for TagsInCreate {
    fn told(&self) -> String {
        match self {
            Self::Taken => "they are taken",
            Self::Ignored => "they are ignored",
        }
        .to_owned()
    }
}

impl Told for BatchTold {
    fn told(&self) -> String {
        match self {
            Self::Customers => "the customers",
            Self::Count => "their number",
            Self::Nothing => "nothing of them",
        }
        .to_owned()
    }
}

impl Told for BadEntry {
    fn told(&self) -> String {
        match self {
            Self::FailsAll => "all entries fail",
            Self::PassesGood => "the good ones pass",
        }
        .to_owned()
    }
}

impl Told for Undefined {
    fn told(&self) -> String {
        match self {
            Self::Made => "it is made",
            Self::Ignored => "it is ignored",
            Self::Refused => "the write is refused",
        }
        .to_owned()
    }
}

impl Told for PageSize {
    fn told(&self) -> String {
        match self {
            Self::Honoured { seen } => format!("at least {seen}"),
            Self::Capped { at } => format!("{at}; a larger limit is cut down"),
            Self::Refused { works: 0, refused } => format!("below {refused}, which is refused"),
            Self::Refused { works, refused } => {
                format!("at least {works}; {refused} is refused")
            }
        }
    }
}

impl Told for Filters {
    fn told(&self) -> String {
        match self.fails {
            None => format!("at least {}", self.works),
            Some(fails) => format!("{}; {fails} are too many", self.works),
        }
    }
}

impl Told for Lag {
    fn told(&self) -> String {
        match (self.over_ms, self.within_ms) {
            (over, None) => format!("over {}", seconds(over)),
            (0, Some(within)) => format!("none seen; at most {}", seconds(within)),
            (over, Some(within)) => format!("{} to {}", seconds(over), seconds(within)),
        }
    }
}

impl Told for Vec<Field> {
    fn told(&self) -> String {
        if self.is_empty() {
            return "none".to_owned();
        }
        let names: Vec<&str> = self.iter().map(|field| field.name()).collect();
        names.join(", ")
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}
