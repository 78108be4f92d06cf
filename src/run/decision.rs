//! What a row means: the rules by which that is decided, and the decision.

use std::collections::BTreeSet;
use std::io;

use crate::domain::{CustomerId, Issue, RowNumber};
use crate::journal::{WrittenError, WrittenReader};
use crate::mapping::CustomerFilter;
use crate::plan::matching::RemoteLookup;
use crate::plan::{Duplicates, MatchSettings, MissingAction, Ownership, SyncMode};
use crate::remote::{Reading, ReadingError};

use super::ambiguity::AmbiguityError;
use super::freshness::RefreshRules;
use super::memory::Memory;

/// Everything of the config that decides what a row means.
#[derive(Debug, Clone)]
pub struct PlanRules {
    pub matching: MatchSettings,
    pub duplicates: Duplicates,
    pub mode: SyncMode,
    pub ownership: Ownership,
    /// Fields and properties that are left out where the account is known to refuse their value; other rows are rejected.
    pub skippable: BTreeSet<String>,
    /// Fields and properties that are sent although the account is known to refuse their value.
    pub forced: Vec<String>,
    pub missing: MissingRules,
}

/// What is done about tracked customers that the input no longer holds.
#[derive(Debug, Clone, Default)]
pub struct MissingRules {
    pub action: MissingAction,
    /// The tag of [`MissingAction::Tag`].
    pub tag: String,
    /// Limits the customers that may be changed.
    pub scope: Option<CustomerFilter>,
}

impl PlanRules {
    /// By which single rows are planned anew.
    #[must_use]
    pub fn refresh_rules(&self, creates_are_limited: bool) -> RefreshRules {
        RefreshRules {
            matching: self.matching.clone(),
            ownership: self.ownership.clone(),
            mode: self.mode,
            creates_are_limited,
        }
    }
}

/// Why a plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanningError {
    #[error(transparent)]
    Reading(#[from] ReadingError),
    #[error(transparent)]
    Ambiguity(#[from] AmbiguityError),
    #[error(transparent)]
    Written(#[from] WrittenError),
    #[error("the run's files cannot be written")]
    Io(#[from] io::Error),
}

/// What becomes of a row, decided before it is compared. Small, since some plans keep one for each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Its record already says why it is rejected.
    Bad,
    Rejected(Box<Issue>),
    Skipped,
    Existing(CustomerId),
    New,
    /// The user decided that it is none of those that have its e-mail address: it is looked for by its userId alone.
    Apart,
    /// Into this earlier row of the same customer.
    Merged(RowNumber),
}

/// What rows are planned against.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    pub rules: &'a PlanRules,
    pub reading: &'a Reading,
    pub memory: &'a Memory,
    /// What was last written to the customers.
    pub written: &'a WrittenReader,
}

/// Existing customers whose managed tags or properties the reading leaves out.
///
/// # Errors
/// When the reading cannot be consulted.
pub fn incomplete_customers(
    decisions: &[Decision],
    reading: &Reading,
) -> Result<Vec<CustomerId>, PlanningError> {
    let mut ids = Vec::new();
    if !reading.is_silent() {
        return Ok(ids);
    }
    for decision in decisions {
        if let Decision::Existing(id) = decision {
            let customer = reading.customer(*id)?;
            if customer.is_some_and(|customer| !customer.is_complete()) {
                ids.push(*id);
            }
        }
    }
    Ok(ids)
}
