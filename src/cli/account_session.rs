//! The account that a command works on: how it is reached, and what is known about it.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::Settings;
use crate::helpcrunch::ReadClient;
use crate::journal::{AccountDir, AccountLock, OtherAccounts, StateDir};
use crate::probe::{Findings, Knowledge};
use crate::run::memory::Memory;
use crate::run::recent::RecentKeys;

use super::account::{PlanAccount, check_key, check_plan_account};
use super::account_findings::{knowledge, settle_time};
use super::account_memory::load_memory;
use super::connection::Target;
use super::exit::{Failure, chain};
use super::learned;
use super::session::Session;
use super::shared_state::Access;
use super::snapshot::AccountSnapshot;
use super::state::state_dir;

/// For this long after a run, search is not relied on to show what it wrote. Much longer than any lag that was seen,
/// and short enough that few runs have to be read.
const RECENT_RUNS: Duration = Duration::from_secs(10 * 60);

/// An account with a client that can send requests to it.
#[derive(Debug)]
pub(super) struct AccountSession {
    pub(super) target: Target,
    pub(super) client: ReadClient,
    pub(super) state: StateDir,
    pub(super) dir: AccountDir,
    /// Held until a command that may write ends.
    lock: Option<WriteLock>,
}

#[derive(Debug)]
struct WriteLock {
    _lock: AccountLock,
    other_accounts: OtherAccounts,
}

impl AccountSession {
    /// Opens the account for a command that writes nothing remotely; other processes may write meanwhile.
    pub(super) async fn open_to_read(
        session: &mut Session,
        settings: &Settings,
        target: Target,
    ) -> Result<Self, Failure> {
        let account = Self::open(session, settings, target)?;
        account.share(session, settings, Access::Read).await?;
        Ok(account)
    }

    /// Opens the account for a command that may write, and locks it against other such commands.
    pub(super) async fn open_to_write(
        session: &mut Session,
        settings: &Settings,
        target: Target,
    ) -> Result<Self, Failure> {
        let mut account = Self::open(session, settings, target)?;
        let lock = AccountLock::acquire(&account.dir, &session.clock.rfc3339())?;
        account.share(session, settings, Access::Write).await?;
        let other_accounts = OtherAccounts::note(&account.state, &account.dir)?;
        account.lock = Some(WriteLock {
            _lock: lock,
            other_accounts,
        });
        Ok(account)
    }

    async fn share(
        &self,
        session: &mut Session,
        settings: &Settings,
        access: Access,
    ) -> Result<(), Failure> {
        if self.target.is_sandbox {
            return Ok(());
        }
        let local = (&self.state, &self.dir);
        let gate = (self.client.gate(), access);
        session
            .share_state(settings, &self.target, local, gate)
            .await
    }

    fn open(session: &Session, settings: &Settings, target: Target) -> Result<Self, Failure> {
        let client = target.connect(settings, session.clock, &session.stopping)?;
        let state = state_dir(settings)?;
        let dir = state.create_account(&target.account)?;
        // The client could not share it before the account had a folder.
        target.share_pace(client.gate(), settings, session.clock);
        for (folder, mode) in state.folders_open_to_others(&dir) {
            session.console.warn(&format!(
                "the state folder {} can be written by other users (mode {mode:04o}), who could change what is sent; \
                 `chmod go-w` prevents that",
                folder.display()
            ));
        }
        Ok(Self {
            target,
            client,
            state,
            dir,
            lock: None,
        })
    }

    /// The other accounts of the state folder, if the command may write.
    pub(super) fn other_accounts(&self) -> Option<&OtherAccounts> {
        self.lock.as_ref().map(|lock| &lock.other_accounts)
    }

    /// Checks that the key opens the account that is named.
    pub(super) async fn check_key(&self) -> Result<(), Failure> {
        check_key(&self.target, &self.dir, &self.client).await
    }

    /// Checks that a plan or run is for this account.
    pub(super) async fn check_plan(
        &self,
        plan: PlanAccount<'_>,
        same_account: bool,
    ) -> Result<(), Failure> {
        check_plan_account(&self.target, plan, same_account, &self.state, &self.client).await
    }

    /// Loads what earlier runs and probes learned about the account, and sets the client's limits by it.
    pub(super) fn load_knowledge(&self, session: &Session) -> Result<AccountKnowledge, Failure> {
        let (memory, finished_runs) = match self.lasting_dir() {
            Some(dir) => load_memory(dir)?,
            None => (Memory::default(), 0),
        };
        let Knowledge {
            findings, limits, ..
        } = knowledge(&session.console, self.lasting_dir());
        let memory = memory.with_limits(limits, findings.property_length());
        learned::load(&self.client, self.lasting_dir(), &findings);
        Ok(AccountKnowledge {
            memory,
            finished_runs,
            findings,
            snapshot: AccountSnapshot::claim(self.lasting_dir()),
        })
    }

    /// Adds the keys that runs of the account wrote recently. A run that cannot be read is left out: its creates in
    /// doubt are looked for when a sync supersedes it.
    pub(super) fn add_recent_keys(
        &self,
        session: &Session,
        settings: &Settings,
        knowledge: &mut AccountKnowledge,
    ) -> Result<(), Failure> {
        if self.lasting_dir().is_none() {
            return Ok(());
        }
        let window = settle_time(settings, &knowledge.findings).max(RECENT_RUNS);
        let since = session.clock.wall().saturating_sub(window);
        let Ok(since) = since else { return Ok(()) };
        let mut recent = RecentKeys::default();
        for run in self.state.list_runs()? {
            let is_ours = run.meta.is_ok_and(|meta| {
                !meta.dry_run && meta.account.as_ref() == Some(&self.target.account)
            });
            if is_ours
                && was_modified_since(&run.dir.journal(), since)
                && let Err(error) = recent.add_run(&run.dir, since)
            {
                let error = chain(&error);
                tracing::debug!(run = run.name, error, "the run's keys cannot be read");
            }
        }
        knowledge.memory = std::mem::take(&mut knowledge.memory).with_recent(recent);
        Ok(())
    }

    /// What probes and runs found out about the account's API.
    pub(super) fn findings(&self, session: &Session) -> Findings {
        knowledge(&session.console, self.lasting_dir()).findings
    }

    /// Saves what the client learned about the API.
    pub(super) fn save_learned(&self) {
        learned::save(&self.client, self.lasting_dir());
    }

    /// The account's folder, or `None` for the in-process sandbox, which ends with the process.
    pub(super) fn lasting_dir(&self) -> Option<&AccountDir> {
        (!self.target.is_sandbox).then_some(&self.dir)
    }
}

fn was_modified_since(file: &Path, since: Timestamp) -> bool {
    let modified = std::fs::metadata(file).and_then(|file| file.modified());
    let modified = modified.ok().and_then(|at| Timestamp::try_from(at).ok());
    modified.is_some_and(|at| at >= since)
}

/// What earlier runs and probes learned about an account. The default is for a plan without an account.
#[derive(Debug, Default)]
pub(super) struct AccountKnowledge {
    pub(super) memory: Memory,
    pub(super) finished_runs: u64,
    pub(super) findings: Findings,
    pub(super) snapshot: AccountSnapshot,
}
