//! The line of an account's requests from all machines: the database says when each may be sent, by its own clock.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot::{self, error::TryRecvError};

use super::connection::Database;
use super::{DatabaseError, StateAccount};
use crate::pace::SharedPace;

/// A process's place in the line. It asks in the background, so that no task waits for the database.
#[derive(Debug)]
pub struct PaceLine {
    database: Arc<Database>,
    account: String,
    asked: Option<oneshot::Receiver<Duration>>,
}

impl PaceLine {
    /// Joins the line of an account.
    ///
    /// # Errors
    /// The database fails.
    pub(super) async fn join(
        database: &Arc<Database>,
        account: &StateAccount,
    ) -> Result<Self, DatabaseError> {
        account.insert(database).await?;
        Ok(Self {
            database: Arc::clone(database),
            account: account.id.clone(),
            asked: None,
        })
    }

    fn ask(&self, gap: Duration) -> oneshot::Receiver<Duration> {
        let (answer, asked) = oneshot::channel();
        let (database, account) = (Arc::clone(&self.database), self.account.clone());
        self.database.handle().spawn(async move {
            let wait = match take_place(&database, &account, gap).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::debug!(%error, "the pace is not shared with other machines");
                    gap
                }
            };
            // A gate that is gone waits for no place.
            let _ = answer.send(wait);
        });
        asked
    }
}

impl SharedPace for PaceLine {
    fn take_place(&mut self, gap: Duration) -> Option<Duration> {
        let mut asked = match self.asked.take() {
            Some(asked) => asked,
            None => self.ask(gap),
        };
        match asked.try_recv() {
            Ok(wait) => Some(wait),
            Err(TryRecvError::Empty) => {
                self.asked = Some(asked);
                None
            }
            Err(TryRecvError::Closed) => Some(gap),
        }
    }

    fn pause(&mut self, wait: Duration) {
        let (database, account) = (Arc::clone(&self.database), self.account.clone());
        self.database.handle().spawn(async move {
            let seconds = wait.as_secs_f64();
            if let Err(error) = database.execute(PAUSE, &[&account, &seconds]).await {
                tracing::debug!(%error, "the pause is not shared with other machines");
            }
        });
    }
}

async fn take_place(
    database: &Database,
    account: &str,
    gap: Duration,
) -> Result<Duration, DatabaseError> {
    let gap = gap.as_secs_f64();
    let row = database.query_one(TAKE_PLACE, &[&account, &gap]).await?;
    let wait: f64 = row.try_get(0)?;
    Ok(Duration::try_from_secs_f64(wait).unwrap_or_default())
}

/// Returns how many seconds from now the place is.
const TAKE_PLACE: &str = "
    update hcsync_accounts
    set next_place = greatest(next_place, paused_until, clock_timestamp()) + make_interval(secs => $2)
    where id = $1
    returning extract(epoch from next_place - make_interval(secs => $2) - clock_timestamp())::float8";

const PAUSE: &str = "
    update hcsync_accounts
    set paused_until = greatest(paused_until, clock_timestamp() + make_interval(secs => $2))
    where id = $1";
