//! `[state]`: what is kept, and where.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::duration;
use crate::postgres::DatabaseSettings;

const DAY: u64 = 24 * 60 * 60;

/// The keys of `[state]`.
pub(super) const STATE_KEYS: &[&str] = &["keep", "keep_bytes", "url", "password_file", "lease"];

/// `[state]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StateConfig {
    /// Finished runs older than this are removed.
    #[serde(deserialize_with = "duration::deserialize")]
    pub keep: Duration,
    /// The oldest finished runs are removed while all runs hold more; 0: any number.
    pub keep_bytes: u64,
    /// The database that keeps the state; empty: the state folder alone.
    pub url: String,
    /// A file with nothing but the database's password.
    pub password_file: Option<PathBuf>,
    /// How long a process that died holds an account in the database.
    #[serde(deserialize_with = "duration::deserialize")]
    pub lease: Duration,
}

impl StateConfig {
    /// The database that keeps the state, if one does.
    #[must_use]
    pub fn database(&self) -> Option<DatabaseSettings> {
        (!self.url.is_empty()).then(|| DatabaseSettings {
            url: self.url.clone(),
            password_file: self.password_file.clone(),
        })
    }
}

impl Default for StateConfig {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(30 * DAY),
            keep_bytes: 0,
            url: String::new(),
            password_file: None,
            lease: Duration::from_secs(60),
        }
    }
}
