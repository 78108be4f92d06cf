//! The account that a command works on: how it is reached, and what is known of it.

use crate::config::Settings;
use crate::helpcrunch::ReadClient;
use crate::journal::{AccountDir, AccountLock, StateDir};
use crate::probe::Findings;
use crate::run::memory::Memory;

use super::account::{PlannedFor, admit_key, admit_plan, lock_failure};
use super::connection::Target;
use super::exit::Failure;
use super::learned;
use super::probed::findings;
use super::remembered::recall;
use super::session::{Session, state_dir, state_failure};
use super::snapshot::Snapshot;

/// An account that requests can be sent to.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) target: Target,
    pub(super) client: ReadClient,
    pub(super) state: StateDir,
    pub(super) account: AccountDir,
    /// Held to the end of a command that may write.
    _lock: Option<AccountLock>,
}

impl Attached {
    /// For a command that writes nothing remotely; others may do so meanwhile.
    pub(super) fn to_read(
        session: &Session,
        settings: &Settings,
        target: Target,
    ) -> Result<Self, Failure> {
        let client = target.connect(settings, session.clock, &session.stopping)?;
        let state = state_dir(settings)?;
        let account = state
            .create_account(&target.account)
            .map_err(|e| state_failure(&e))?;
        Ok(Self {
            target,
            client,
            state,
            account,
            _lock: None,
        })
    }

    /// For a command that may write: none other of the account does so before this one has ended.
    pub(super) fn to_write(
        session: &Session,
        settings: &Settings,
        target: Target,
    ) -> Result<Self, Failure> {
        let mut attached = Self::to_read(session, settings, target)?;
        let lock = AccountLock::acquire(&attached.account, &session.clock.rfc3339());
        attached._lock = Some(lock.map_err(|e| lock_failure(&e))?);
        Ok(attached)
    }

    /// Makes sure that the key opens the account that it is said to be of.
    pub(super) async fn admit_key(&self) -> Result<(), Failure> {
        admit_key(&self.target, &self.account, &self.client).await
    }

    /// Makes sure that a plan was made for this account.
    pub(super) async fn admit_plan(
        &self,
        of: PlannedFor<'_>,
        same_account: bool,
    ) -> Result<(), Failure> {
        admit_plan(&self.target, of, same_account, &self.state, &self.client).await
    }

    /// What is known of the account. The client goes by it from here on.
    pub(super) fn known(&self, session: &Session) -> Result<Known, Failure> {
        let (memory, finished_runs) = match self.target.is_sandbox {
            true => (Memory::default(), 0),
            false => recall(&self.account)?,
        };
        let probed = self.findings(session);
        let (target, account) = (&self.target, &self.account);
        learned::recall(&self.client, target, account, &probed, session.clock);
        Ok(Known {
            memory,
            finished_runs,
            probed,
            snapshot: Snapshot::of(target, account),
        })
    }

    pub(super) fn findings(&self, session: &Session) -> Findings {
        findings(session, &self.target, &self.account)
    }

    /// Keeps what the client learned on its way.
    pub(super) fn keep_learned(&self, session: &Session) {
        learned::keep(&self.client, &self.target, &self.account, session.clock);
    }

    /// The account's folder, where something is to be remembered in it: the in-process sandbox is another one every time.
    pub(super) fn lasting(&self) -> Option<&AccountDir> {
        (!self.target.is_sandbox).then_some(&self.account)
    }
}

/// What is known of an account from earlier runs and a probe.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) memory: Memory,
    pub(super) finished_runs: u64,
    pub(super) probed: Findings,
    pub(super) snapshot: Snapshot,
}

impl Known {
    /// Where there is no account.
    pub(super) fn nothing() -> Self {
        Self {
            memory: Memory::default(),
            finished_runs: 0,
            probed: Findings::default(),
            snapshot: Snapshot::None,
        }
    }
}
