//! All accounts of the state database at a time, for `forget`.

use std::sync::Arc;

use crate::config::Settings;
use crate::domain::RunId;
use crate::helpcrunch::Gate;
use crate::journal::{AccountId, StateDir};
use crate::postgres::{PulledRuns, SharedState, StateAccount};

use super::exit::Failure;
use super::session::Session;
use super::shared_state::{bind, open_database};

impl Session {
    /// Takes the lease of every account in the state database. The caller then takes their local locks.
    pub(super) async fn lock_all_accounts(
        &mut self,
        settings: &Settings,
        state: &StateDir,
    ) -> Result<(), Failure> {
        let Some(database) = open_database(&settings.state).await? else {
            return Ok(());
        };
        let holder = self.lease_holder(settings);
        for account in StateAccount::list(&database).await? {
            let dir = state.create_account(&AccountId::from_text(&account.id))?;
            let (database, local) = (Arc::clone(&database), (state.clone(), dir));
            let mut shared = SharedState::new(database, account, local, settings.limits.max_outage);
            let former = shared.acquire(&holder, settings.state.lease).await?;
            self.shared.push(shared);
            if let Some((former, time)) = former {
                self.wait_out(&former, time).await?;
            }
        }
        Ok(())
    }

    /// Binds the requests of a command that holds the leases of all accounts to that of one.
    pub(super) async fn guard(&self, account: &AccountId, gate: &Gate) -> Result<(), Failure> {
        match self.shared.iter().find(|shared| shared.is_of(account)) {
            Some(shared) => bind(gate, shared).await,
            None => Ok(()),
        }
    }

    /// Makes the local copy of all accounts whole.
    pub(super) async fn pull_everything(&mut self) -> Result<(), Failure> {
        for shared in &mut self.shared {
            shared.pull(PulledRuns::All).await?;
        }
        Ok(())
    }

    /// Stores every file of all accounts and runs as they are now, and removes runs.
    pub(super) async fn push_everything(&self, removed: &[RunId]) -> Result<(), Failure> {
        for shared in &self.shared {
            shared.push(true).await?;
            shared.remove_runs(removed).await?;
        }
        Ok(())
    }
}
