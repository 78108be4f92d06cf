//! The lease of an account: one process holds it, renews it, and loses it if it stops doing so.
//!
//! Each holder raises the account's fence. What it writes to the database names its fence, so that a process that was
//! suspended and wakes after its lease went to another one can write nothing there, and without its intent in the
//! database it sends nothing. Between the intent and the request, [`Lease`] is asked once more.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_postgres::types::Json;

use super::connection::Database;
use super::holder::{LeaseHolder, read_holder};
use super::renewal::{LeaseState, Renewal, lock};
use super::{DatabaseError, StateAccount};
use crate::pace::{WritePermission, WritePermit};

/// A lease that was taken.
#[derive(Debug)]
pub struct Acquired {
    pub lease: Arc<Lease>,
    /// A holder that died or was suspended, and how long its last request may still have an effect.
    pub former: Option<(LeaseHolder, Duration)>,
}

/// The lease of an account, renewed in the background while this exists.
#[derive(Debug)]
pub struct Lease {
    database: Arc<Database>,
    account: String,
    fence: i64,
    state: Arc<Mutex<LeaseState>>,
    renewing: JoinHandle<()>,
}

impl Lease {
    /// Takes the lease of an account, or returns [`DatabaseError::Held`].
    ///
    /// # Errors
    /// Another process holds it, or the database fails.
    pub(super) async fn acquire(
        database: &Arc<Database>,
        account: &StateAccount,
        holder: &LeaseHolder,
        ttl: Duration,
    ) -> Result<Acquired, DatabaseError> {
        account.insert(database).await?;
        let seconds = ttl.as_secs_f64();
        let (row, asked) = loop {
            let asked = Instant::now();
            let taken = database
                .query_opt(TAKE, &[&account.id, &Json(holder), &seconds])
                .await?;
            if let Some(row) = taken {
                break (row, asked);
            }
            // None holds it if it was given back between the two statements.
            if let Some(holder) = read_holder(database, &account.id).await? {
                return Err(DatabaseError::Held(Box::new(holder)));
            }
        };
        let fence: i64 = row.try_get(0)?;
        let former: Option<Json<LeaseHolder>> = row.try_get(1)?;
        let expired_s: Option<f64> = row.try_get(2)?;
        let former = former.zip(expired_s).map(|(Json(former), expired_s)| {
            let ended = Duration::try_from_secs_f64(expired_s).unwrap_or_default();
            let left = Duration::from_secs(former.in_flight_s).saturating_sub(ended);
            (former, left)
        });
        let state = Arc::new(Mutex::new(LeaseState::new(asked, ttl)));
        let renewal = Renewal {
            database: Arc::clone(database),
            account: account.id.clone(),
            fence,
            ttl,
            state: Arc::clone(&state),
        };
        let lease = Arc::new(Self {
            database: Arc::clone(database),
            account: account.id.clone(),
            fence,
            state,
            renewing: database.handle().spawn(renewal.run()),
        });
        Ok(Acquired { lease, former })
    }

    /// Names the lease in the statements that need it.
    pub(super) fn fence(&self) -> i64 {
        self.fence
    }

    /// Gives the lease back, so that the next process need not wait until it expires.
    pub async fn release(&self) {
        self.renewing.abort();
        let released = self
            .database
            .execute(RELEASE, &[&self.account, &self.fence])
            .await;
        // If it cannot be released, it expires.
        if let Err(error) = released {
            tracing::debug!(%error, "the lease was not released");
        }
    }

    /// Notes that the fence is another process's by now. Returns the error that says so.
    pub(super) async fn lose(&self) -> DatabaseError {
        let holder = read_holder(&self.database, &self.account)
            .await
            .ok()
            .flatten();
        lock(&self.state).lost = Some(holder.clone());
        DatabaseError::Lost(holder.map(Box::new))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

impl WritePermit for Lease {
    fn check(&self) -> WritePermission {
        let state = lock(&self.state);
        match &state.lost {
            Some(holder) => {
                WritePermission::Lost(DatabaseError::Lost(holder.clone().map(Box::new)).to_string())
            }
            None if state.is_valid() => WritePermission::Granted,
            None => WritePermission::Unknown,
        }
    }
}

/// Returns the new fence and, of a lease that expired, its holder and how many seconds ago that was.
const TAKE: &str = "
    with former as (
        select holder, extract(epoch from clock_timestamp() - expires_at)::float8 as expired_s
        from hcsync_accounts
        where id = $1 and (expires_at is null or expires_at <= clock_timestamp())
        for update
    )
    update hcsync_accounts
    set fence = fence + 1, holder = $2, held_since = clock_timestamp(),
        expires_at = clock_timestamp() + make_interval(secs => $3)
    from former
    where id = $1
    returning fence, case when former.expired_s is not null then former.holder end, former.expired_s";

const RELEASE: &str = "update hcsync_accounts set expires_at = null where id = $1 and fence = $2";
