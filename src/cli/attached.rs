//! The account that a command works on: how it is reached, and what is known of it.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::Settings;
use crate::helpcrunch::ReadClient;
use crate::journal::{AccountDir, AccountLock, OtherAccounts, StateDir};
use crate::probe::Findings;
use crate::run::memory::Memory;
use crate::run::recent::RecentKeys;

use super::account::{PlannedFor, admit_key, admit_plan, lock_failure};
use super::connection::Target;
use super::exit::{Failure, chain};
use super::learned;
use super::probed::{findings, settle};
use super::remembered::recall;
use super::session::{Session, state_dir, state_failure};
use super::snapshot::Snapshot;

/// For so long it is not relied on that search shows what a run wrote: much longer than it was ever seen to lag, and short enough that
/// few runs are looked at.
const RECENT: Duration = Duration::from_secs(10 * 60);

/// An account that requests can be sent to.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) target: Target,
    pub(super) client: ReadClient,
    pub(super) state: StateDir,
    pub(super) account: AccountDir,
    /// Held to the end of a command that may write.
    lock: Option<Held>,
}

#[derive(Debug)]
struct Held {
    _lock: AccountLock,
    others: OtherAccounts,
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
        for (folder, mode) in state.folders_open_to_others(&account) {
            session.console.warn(&format!(
                "the state folder {} can be written by other users (mode {mode:04o}), who could change what is sent; \
                 chmod go-w keeps them out",
                folder.display()
            ));
        }
        Ok(Self {
            target,
            client,
            state,
            account,
            lock: None,
        })
    }

    /// For a command that may write: none other of the account does so before this one has ended.
    pub(super) fn to_write(
        session: &Session,
        settings: &Settings,
        target: Target,
    ) -> Result<Self, Failure> {
        let mut attached = Self::to_read(session, settings, target)?;
        let lock = AccountLock::acquire(&attached.account, &session.clock.rfc3339())
            .map_err(|e| lock_failure(&e))?;
        let others = OtherAccounts::note(&attached.state, &attached.account)
            .map_err(|e| state_failure(&e))?;
        attached.lock = Some(Held {
            _lock: lock,
            others,
        });
        Ok(attached)
    }

    /// The other accounts of the state folder, for a command that may write.
    pub(super) fn others(&self) -> Option<&OtherAccounts> {
        self.lock.as_ref().map(|held| &held.others)
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

    /// Adds the keys that runs of the account gave a short while ago. That those of one run cannot be read hinders nobody: what it left
    /// in doubt is looked for when its place is taken.
    pub(super) fn recall_recent(
        &self,
        session: &Session,
        settings: &Settings,
        known: &mut Known,
    ) -> Result<(), Failure> {
        if self.lasting().is_none() {
            return Ok(());
        }
        let window = settle(settings, &known.probed).max(RECENT);
        let since = session.clock.wall().saturating_sub(window);
        let Ok(since) = since else { return Ok(()) };
        let runs = self.state.list_runs().map_err(|e| state_failure(&e))?;
        let mut recent = RecentKeys::default();
        for run in runs {
            let is_ours = run.meta.is_ok_and(|meta| {
                !meta.dry_run && meta.account.as_ref() == Some(&self.target.account)
            });
            if is_ours
                && was_written_since(&run.dir.journal(), since)
                && let Err(error) = recent.add_run(&run.dir, since)
            {
                tracing::debug!(
                    run = run.name,
                    error = chain(&error),
                    "what the run did is not known"
                );
            }
        }
        known.memory = std::mem::take(&mut known.memory).with_recent(recent);
        Ok(())
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

fn was_written_since(file: &Path, since: Timestamp) -> bool {
    let modified = std::fs::metadata(file).and_then(|file| file.modified());
    let modified = modified.ok().and_then(|at| Timestamp::try_from(at).ok());
    modified.is_some_and(|at| at >= since)
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
