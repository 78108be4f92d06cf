//! The state of an account in the database, and its working copy in the local state folder.
//!
//! Commands work on the local folder, whoever keeps the state. What another machine wrote is pulled into it before a
//! command begins, and what the command wrote is pushed before it sends and when it ends. In between, the journal is
//! copied record by record. A folder on a disk that is lost with the container loses nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::{GenericClient, Transaction};

use super::connection::Database;
use super::files::{first_part, pull_folder, push_folder};
use super::holder::LeaseHolder;
use super::journal::DatabaseJournal;
use super::lease::{Acquired, Lease};
use super::pace::PaceLine;
use super::runs::{PulledRuns, lock_copy, pull_runs, snapshot};
use super::snapshot_fence::FENCE;
use super::stored_runs::{delete_runs, push_run, run_owner, stored_facts};
use super::{DatabaseError, StateAccount};
use crate::domain::RunId;
use crate::journal::{AccountDir, AccountId, JournalCopy, StateDir, lock_holder};

/// How long to wait between two attempts to store files.
const BETWEEN_PUSHES: Duration = Duration::from_secs(2);

/// The state of one account.
#[derive(Debug)]
pub struct SharedState {
    pub(super) database: Arc<Database>,
    pub(super) account: StateAccount,
    state: StateDir,
    pub(super) dir: AccountDir,
    pub(super) lease: Option<Arc<Lease>>,
    /// Whether the local copy is whole, so that what it lacks may be removed from the database.
    is_pulled: bool,
    max_outage: Duration,
}

impl SharedState {
    #[must_use]
    pub fn new(
        database: Arc<Database>,
        account: StateAccount,
        (state, dir): (StateDir, AccountDir),
        max_outage: Duration,
    ) -> Self {
        Self {
            database,
            account,
            state,
            dir,
            lease: None,
            is_pulled: false,
            max_outage,
        }
    }

    /// Joins the line in which the requests of all machines stand.
    ///
    /// # Errors
    /// The database fails.
    pub async fn join_line(&self) -> Result<PaceLine, DatabaseError> {
        self.account.join_line(&self.database).await
    }

    /// Takes the account's lease. Returns the holder that died, if one did, and how long to wait for its last request.
    ///
    /// # Errors
    /// [`DatabaseError::Held`] if another process has it.
    pub async fn acquire(
        &mut self,
        holder: &LeaseHolder,
        ttl: Duration,
    ) -> Result<Option<(LeaseHolder, Duration)>, DatabaseError> {
        let acquired = Lease::acquire(&self.database, &self.account, holder, ttl).await?;
        let Acquired { lease, former } = acquired;
        self.lease = Some(lease);
        Ok(former)
    }

    #[must_use]
    pub fn is_of(&self, account: &AccountId) -> bool {
        self.account.id == account.as_str()
    }

    /// The lease, once it was taken.
    #[must_use]
    pub fn lease(&self) -> Option<&Arc<Lease>> {
        self.lease.as_ref()
    }

    /// Makes the local copy what the database has: the account's files, the facts of its runs, and all of those that are
    /// not over. To write, call this while holding the account's local lock. A copy that another process of this machine
    /// works on is left alone: it is the newer one. Returns whether the copy was refreshed.
    ///
    /// # Errors
    /// The database fails, or the folder cannot be written.
    pub async fn pull(&mut self, runs: PulledRuns<'_>) -> Result<bool, DatabaseError> {
        let mut client = self.database.new_client().await?;
        let _one_at_a_time = lock_copy(&self.state).await?;
        if self.lease.is_none() && lock_holder(&self.dir)?.is_some() {
            return Ok(false);
        }
        // Everything as of one moment, also while another machine stores its files.
        let snapshot = snapshot(&mut client).await?;
        let owner = self.account.owner();
        if has_files(&snapshot, &owner).await? {
            pull_folder(&snapshot, &owner, self.dir.path(), is_shared).await?;
        }
        pull_runs(&snapshot, &self.state, &self.account.id, runs).await?;
        self.is_pulled = true;
        Ok(true)
    }

    /// Stores what changed locally: the account's files, and the runs whose facts are others by now. Without a lease only dry
    /// runs are stored. Waits for a database that cannot be reached.
    ///
    /// `every_run`: also runs of which only other files changed; all have to be pulled whole before.
    ///
    /// # Errors
    /// The lease was lost, or the database fails.
    pub async fn push(&self, every_run: bool) -> Result<(), DatabaseError> {
        let began = Instant::now();
        loop {
            match self.try_push(every_run).await {
                Err(error) if error.is_passing() && began.elapsed() < self.max_outage => {
                    tracing::warn!(%error, "waiting for the state database, to store the run's files");
                    tokio::time::sleep(BETWEEN_PUSHES).await;
                }
                pushed => return pushed,
            }
        }
    }

    async fn try_push(&self, every_run: bool) -> Result<(), DatabaseError> {
        if self.lease.is_some() && !self.is_pulled {
            // What is missing here may be there.
            return Ok(());
        }
        let mut client = self.database.new_client().await?;
        let transaction = client.transaction().await?;
        self.check_lease(&transaction).await?;
        let may_write = self.lease.is_some();
        if may_write {
            let owner = self.account.owner();
            push_folder(&transaction, &owner, self.dir.path(), is_shared).await?;
        }
        for run in self.state.list_runs()? {
            let Ok(meta) = &run.meta else { continue };
            let account = meta.account.as_ref().map(AccountId::as_str);
            if account != Some(self.account.id.as_str()) || !(may_write || meta.dry_run) {
                continue;
            }
            let stored = stored_facts(&transaction, &run_owner(&run.name)).await?;
            let is_changed = stored != first_part(&run.dir.path().join("run.json"))?;
            if is_changed || every_run {
                push_run(&transaction, &run.dir, &self.account.id, meta).await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    /// Removes runs of the account that were removed locally. Without a lease it removes none.
    ///
    /// # Errors
    /// The database fails.
    pub async fn remove_runs(&self, runs: &[RunId]) -> Result<(), DatabaseError> {
        if self.lease.is_none() || !self.is_pulled || runs.is_empty() {
            return Ok(());
        }
        let mut client = self.database.new_client().await?;
        let transaction = client.transaction().await?;
        self.check_lease(&transaction).await?;
        delete_runs(&transaction, Some(&self.account.id), runs).await?;
        Ok(transaction.commit().await?)
    }

    /// Where the journal of a run is copied to; `None` without a lease.
    #[must_use]
    pub fn journal_copy(&self, run: &RunId) -> Option<Arc<dyn JournalCopy>> {
        Some(Arc::new(DatabaseJournal {
            database: Arc::clone(&self.database),
            lease: Arc::clone(self.lease.as_ref()?),
            account: self.account.id.clone(),
            run: run.to_string(),
            max_outage: self.max_outage,
        }))
    }

    /// Gives the lease back.
    pub async fn release(&self) {
        if let Some(lease) = &self.lease {
            lease.release().await;
        }
    }

    /// Makes sure that no other process takes the lease before this transaction ends.
    async fn check_lease(&self, transaction: &Transaction<'_>) -> Result<(), DatabaseError> {
        let Some(lease) = &self.lease else {
            return Ok(());
        };
        let select = "select id from hcsync_accounts where id = $1 and fence = $2 for key share";
        let fence = lease.fence();
        let own = transaction
            .query_opt(select, &[&self.account.id, &fence])
            .await?;
        match own {
            Some(_) => Ok(()),
            None => Err(lease.lose().await),
        }
    }
}

async fn has_files(client: &impl GenericClient, owner: &str) -> Result<bool, DatabaseError> {
    let select = "select exists (select from hcsync_files where owner = $1)";
    Ok(client.query_one(select, &[&owner]).await?.try_get(0)?)
}

/// Whether a file of the account's folder is part of its state. Locks and the snapshot belong to this machine.
fn is_shared(name: &str) -> bool {
    let is_local = matches!(
        name,
        "lock" | "lock-holder.json" | "claim.json" | "pace" | FENCE
    );
    !is_local && !name.starts_with("snapshot.") && !name.ends_with(".damaged")
}
