//! Keeps a lease while its process lives.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connection::Database;
use super::holder::{LeaseHolder, read_holder};
use crate::platform;

/// A lease is renewed this often before it expires.
const RENEWALS: u32 = 3;

/// How long to wait between two attempts while the database cannot be reached.
const RETRY: Duration = Duration::from_secs(1);

/// What the process knows about its lease.
#[derive(Debug)]
pub(super) struct LeaseState {
    /// Until when no other process can have the lease. Counted from before the renewal was asked for.
    valid_until: Instant,
    /// How long the machine had been suspended by then, which `Instant` does not count.
    suspended: Duration,
    /// Whose it is now, if it was lost.
    pub(super) lost: Option<Option<LeaseHolder>>,
}

impl LeaseState {
    pub(super) fn new(asked: Instant, ttl: Duration) -> Self {
        Self {
            valid_until: asked + ttl,
            suspended: platform::suspended(),
            lost: None,
        }
    }

    /// Whether no other process can have the lease yet.
    pub(super) fn is_valid(&self) -> bool {
        let asleep = platform::suspended().saturating_sub(self.suspended);
        Instant::now() + asleep < self.valid_until
    }
}

pub(super) fn lock(state: &Mutex<LeaseState>) -> MutexGuard<'_, LeaseState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) struct Renewal {
    pub(super) database: Arc<Database>,
    pub(super) account: String,
    pub(super) fence: i64,
    pub(super) ttl: Duration,
    pub(super) state: Arc<Mutex<LeaseState>>,
}

impl Renewal {
    /// Renews until the lease is lost. While the database cannot be reached the lease may expire; the process then sends
    /// nothing until it is renewed, which works as long as no other process has taken it.
    pub(super) async fn run(self) {
        loop {
            tokio::time::sleep(self.ttl / RENEWALS).await;
            while !self.renew().await {
                if lock(&self.state).lost.is_some() {
                    return;
                }
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    /// Whether the lease was renewed.
    async fn renew(&self) -> bool {
        let asked = Instant::now();
        let seconds = self.ttl.as_secs_f64();
        let renewed = self
            .database
            .execute(RENEW, &[&self.account, &self.fence, &seconds])
            .await;
        match renewed {
            Ok(1) => {
                *lock(&self.state) = LeaseState::new(asked, self.ttl);
                true
            }
            Ok(_) => {
                let holder = read_holder(&self.database, &self.account).await;
                lock(&self.state).lost = Some(holder.ok().flatten());
                false
            }
            Err(error) => {
                tracing::debug!(%error, "the lease could not be renewed");
                false
            }
        }
    }
}

const RENEW: &str = "
    update hcsync_accounts set expires_at = clock_timestamp() + make_interval(secs => $3)
    where id = $1 and fence = $2 and expires_at is not null";
