//! The state database of a command: the local copy is refreshed before the command begins, and written back when it ends.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Overrides, Settings, StateConfig, load_state, state_of_options};
use crate::domain::RunId;
use crate::helpcrunch::Gate;
use crate::journal::{AccountDir, JournalCopy, StateDir};
use crate::platform::host_name;
use crate::postgres::{
    Database, LeaseHolder, PulledRuns, SharedState, StateAccount, pull_all_runs,
};
use crate::remote::invalidate_snapshot;

use super::abandoned_runs::wait;
use super::args::{StateArgs, overrides_of};
use super::connection::Target;
use super::diagnostics::config_failure;
use super::exit::{Failure, OrFail as _};
use super::session::Session;
use super::state::named_state_dir;

/// Whether the command may write to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

impl Session {
    /// Opens the account in the state database, if there is one: takes its place in the line of all requests and, to write,
    /// the account's lease; then refreshes the local copy. To write, the caller holds the account's local lock.
    pub(super) async fn share_state(
        &mut self,
        settings: &Settings,
        target: &Target,
        (state, dir): (&StateDir, &AccountDir),
        (gate, access): (&Gate, Access),
    ) -> Result<(), Failure> {
        let Some(database) = open_database(&settings.state).await? else {
            return Ok(());
        };
        let account = account_of(settings, target);
        let local = (state.clone(), dir.clone());
        let mut shared = SharedState::new(database, account, local, settings.limits.max_outage);
        match access {
            Access::Write => {
                let holder = self.lease_holder(settings);
                let former = shared.acquire(&holder, settings.state.lease).await?;
                bind(gate, &shared).await?;
                let prepared = async {
                    refresh(&mut shared, dir).await?;
                    // What this machine alone knows, such as runs from before it had the database.
                    Ok::<_, Failure>(shared.push(false).await?)
                };
                let prepared = prepared.await;
                // Kept also if that failed: the lease is given back when the command ends.
                self.shared.push(shared);
                prepared?;
                if let Some((former, time)) = former {
                    self.wait_out(&former, time).await?;
                }
            }
            Access::Read => {
                bind(gate, &shared).await?;
                refresh(&mut shared, dir).await?;
                self.shared.push(shared);
            }
        }
        Ok(())
    }

    /// Makes the requests of a command that neither reads nor writes the account's state stand in the same line.
    pub(super) async fn join_line(
        &self,
        settings: &Settings,
        target: &Target,
        gate: &Gate,
    ) -> Result<(), Failure> {
        if target.is_sandbox {
            return Ok(());
        }
        let Some(database) = open_database(&settings.state).await? else {
            return Ok(());
        };
        let line = account_of(settings, target).join_line(&database).await?;
        gate.share_pace(Box::new(line));
        Ok(())
    }

    pub(super) fn lease_holder(&self, settings: &Settings) -> LeaseHolder {
        let in_flight = settings.api.timeout + settings.limits.settle;
        LeaseHolder {
            host: host_name(),
            pid: std::process::id(),
            since: self.clock.rfc3339(),
            command: self.summary.command.clone(),
            in_flight_s: in_flight.as_secs(),
        }
    }

    /// Waits until what a process that died had sent can no longer take effect unseen.
    pub(super) async fn wait_out(
        &self,
        former: &LeaseHolder,
        time: Duration,
    ) -> Result<(), Failure> {
        if time.is_zero() {
            return Ok(());
        }
        self.console.say(&format!(
            "{former} no longer renews its lease of this account: waiting {} s for what it may have sent last",
            time.as_secs().max(1)
        ));
        wait(self, time).await
    }

    /// Where the journal of a run is copied to.
    pub(super) fn journal_copy(&self, run: &RunId) -> Option<Arc<dyn JournalCopy>> {
        self.shared.first()?.journal_copy(run)
    }

    /// Stores the account's state and its runs as they are now.
    pub(super) async fn push_state(&self) -> Result<(), Failure> {
        for shared in &self.shared {
            shared.push(false).await?;
        }
        Ok(())
    }

    /// Stores the state that the command leaves, and gives the lease back. `removed`: runs that are kept no longer.
    pub(super) async fn end_shared_state(&mut self, removed: &[RunId]) -> Result<(), Failure> {
        let mut ended = Ok(());
        for shared in std::mem::take(&mut self.shared) {
            let stored = async {
                shared.push(false).await?;
                shared.remove_runs(removed).await
            };
            let stored = stored.await;
            shared.release().await;
            ended = ended.and(stored.map_err(Failure::from));
        }
        ended
    }
}

/// Makes the requests of a gate stand in the account's line and, where there is a lease, its writes ask for that.
pub(super) async fn bind(gate: &Gate, shared: &SharedState) -> Result<(), Failure> {
    gate.share_pace(Box::new(shared.join_line().await?));
    if let Some(lease) = shared.lease() {
        gate.require_permit(Arc::clone(lease) as _);
    }
    Ok(())
}

/// Makes the local copy of an account what the database has. A snapshot that is not its latest is not used.
async fn refresh(shared: &mut SharedState, dir: &AccountDir) -> Result<(), Failure> {
    // A process of this machine that writes keeps the copy and the snapshot up to date itself.
    let is_refreshed = shared.pull(PulledRuns::Facts).await?;
    match !is_refreshed || shared.claim_snapshot().await? {
        true => Ok(()),
        false => invalidate_snapshot(dir.path()).or_not_finished("state"),
    }
}

fn account_of(settings: &Settings, target: &Target) -> StateAccount {
    let name = settings.api.account.as_deref();
    StateAccount::new(&target.account, name, &target.base_url_text)
}

/// Opens the state database of the settings.
pub(super) async fn open_database(state: &StateConfig) -> Result<Option<Arc<Database>>, Failure> {
    match state.database() {
        Some(settings) => Ok(Some(Database::open(&settings).await?)),
        None => Ok(None),
    }
}

/// `[state]` for a command that needs nothing else from a config.
pub(super) fn state_config(overrides: &Overrides) -> Result<StateConfig, Failure> {
    let folder = std::env::current_dir().or_usage("usage")?;
    load_state(&folder, overrides).map_err(|error| config_failure(&error))
}

/// `[state]` as the options say it.
pub(super) fn state_config_of(args: &StateArgs) -> Result<StateConfig, Failure> {
    state_of_options(&overrides_of(&[args])).map_err(|error| config_failure(&error))
}

/// The state directory for a command that works on earlier runs, with what a state database knows of them.
pub(super) async fn refreshed_state_dir(
    path: Option<&Path>,
    state: &StateConfig,
    runs: PulledRuns<'_>,
) -> Result<StateDir, Failure> {
    let folder = named_state_dir(path)?;
    if let Some(database) = open_database(state).await? {
        pull_all_runs(&database, &folder, runs).await?;
    }
    Ok(folder)
}
