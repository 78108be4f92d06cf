//! The answer to one question about the API.

use serde::{Deserialize, Serialize};

use crate::domain::Field;

/// The result of one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding<T> {
    /// `None` if the question was asked but the answer is not known.
    pub answer: Option<T>,
    /// What was sent and what came back, in English. Contains no value of any customer.
    pub evidence: String,
    /// RFC 3339, UTC.
    pub at: String,
}

/// What `tags` in an update do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagsInUpdate {
    Adds,
    Replaces,
    Ignored,
}

/// What `tags` in a create do. There is nothing that they could replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagsInCreate {
    Taken,
    Ignored,
}

/// What the answer to a batch contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchAnswerContent {
    Customers,
    Count,
    Nothing,
}

/// What a bad entry does to the good entries of its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BadEntry {
    FailsAll,
    PassesGood,
}

/// What happens to a custom property that the account does not define.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UndefinedProperty {
    /// The write defines it.
    Made,
    Ignored,
    Refused,
}

/// What happens to a `limit` above 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum PageSize {
    /// A page of `seen` customers came.
    Honoured { seen: u32 },
    /// Fewer customers came than exist and were requested.
    Capped { at: u32 },
    /// A limit of `refused` was refused, one of `works` was accepted. 0 if none was.
    Refused { works: u32, refused: u32 },
}

/// How many filters a search accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterLimit {
    /// With this number, all filters had an effect.
    pub works: u32,
    /// This number was refused, or the last filter had no effect. `None` if that was not seen.
    pub fails: Option<u32>,
}

/// How long a text may be, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextLength {
    /// A text of this length was kept whole. 0 if none was.
    pub works: u32,
    /// A text of this length was refused or cut. `None` if that was not seen.
    pub fails: Option<u32>,
}

impl TextLength {
    /// A text that is longer is not taken; `None` if no limit was seen.
    pub(super) fn max(self) -> Option<usize> {
        usize::try_from(self.fails?.checked_sub(1)?).ok()
    }
}

/// How long search lags behind a create, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchLag {
    /// The customer was not found this long after its create.
    pub over_ms: u64,
    /// The customer was found at most this long after its create. `None` if it was never found.
    pub within_ms: Option<u64>,
}

/// An answer as the user reads it.
pub(super) trait Describe {
    fn describe(&self) -> String;
}

impl Describe for bool {
    fn describe(&self) -> String {
        if *self { "yes" } else { "no" }.to_owned()
    }
}

impl Describe for TagsInUpdate {
    fn describe(&self) -> String {
        match self {
            Self::Adds => "they are added to the customer's tags",
            Self::Replaces => "they replace the customer's tags",
            Self::Ignored => "they are ignored",
        }
        .to_owned()
    }
}

impl Describe for TagsInCreate {
    fn describe(&self) -> String {
        match self {
            Self::Taken => "they are accepted",
            Self::Ignored => "they are ignored",
        }
        .to_owned()
    }
}

impl Describe for BatchAnswerContent {
    fn describe(&self) -> String {
        match self {
            Self::Customers => "the customers",
            Self::Count => "their number",
            Self::Nothing => "neither customers nor their number",
        }
        .to_owned()
    }
}

impl Describe for BadEntry {
    fn describe(&self) -> String {
        match self {
            Self::FailsAll => "fails all entries",
            Self::PassesGood => "lets the good entries pass",
        }
        .to_owned()
    }
}

impl Describe for UndefinedProperty {
    fn describe(&self) -> String {
        match self {
            Self::Made => "it is created",
            Self::Ignored => "it is ignored",
            Self::Refused => "the write is refused",
        }
        .to_owned()
    }
}

impl Describe for PageSize {
    fn describe(&self) -> String {
        match self {
            Self::Honoured { seen } => format!("at least {seen}"),
            Self::Capped { at } => format!("{at}; a larger limit is reduced to it"),
            Self::Refused { works: 0, refused } => format!("below {refused}, which is refused"),
            Self::Refused { works, refused } => {
                format!("at least {works}; {refused} is refused")
            }
        }
    }
}

impl Describe for FilterLimit {
    fn describe(&self) -> String {
        match self.fails {
            None => format!("at least {}", self.works),
            Some(fails) => format!("{}; {fails} are too many", self.works),
        }
    }
}

impl Describe for TextLength {
    fn describe(&self) -> String {
        match *self {
            Self { works, fails: None } => format!("at least {works} characters"),
            Self {
                works,
                fails: Some(fails),
            } => format!("{works} characters; {fails} are not taken"),
        }
    }
}

impl Describe for SearchLag {
    fn describe(&self) -> String {
        match (self.over_ms, self.within_ms) {
            (over, None) => format!("over {}", seconds(over)),
            (0, Some(within)) => format!("none seen; at most {}", seconds(within)),
            (over, Some(within)) => format!("{} to {}", seconds(over), seconds(within)),
        }
    }
}

impl Describe for Vec<Field> {
    fn describe(&self) -> String {
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
