//! What became of a run: whether a process still works on it, and whether it sent anything.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::config::StateConfig;
use crate::journal::{
    AccountId, ListedRun, LockHolder, RowProgress, RunMeta, RunState, StateDir, StateError,
    lock_holder, recover_file,
};
use crate::outcome::OperationStatus;
use crate::postgres::fleet_status;
use crate::report::RunStatus;

use super::exit::Failure;
use super::shared_state::open_database;

/// The processes that hold the locks of accounts.
#[derive(Debug)]
pub(super) struct LockHolders(HashMap<AccountId, LockHolder>);

impl LockHolders {
    pub(super) fn find(state: &StateDir) -> Result<Self, StateError> {
        let mut holders = HashMap::new();
        for id in state.list_accounts()? {
            if let Some(holder) = lock_holder(&state.account(&id))? {
                holders.insert(id, holder);
            }
        }
        Ok(Self(holders))
    }

    /// Adds the processes of other machines, which hold the leases of accounts in the state database.
    pub(super) async fn with_leases(mut self, state: &StateConfig) -> Result<Self, Failure> {
        let Some(database) = open_database(state).await? else {
            return Ok(self);
        };
        for account in fleet_status(&database).await? {
            if let Some(holder) = account.holder {
                let id = AccountId::from_text(&account.id);
                let holder = LockHolder::new(holder.pid, holder.host, holder.since);
                self.0.entry(id).or_insert(holder);
            }
        }
        Ok(self)
    }

    pub(super) fn of(&self, account: &AccountId) -> Option<&LockHolder> {
        self.0.get(account)
    }

    /// Whether the process that holds the account's lock works on this run: it created the run, or resumed it and wrote to its
    /// journal since.
    fn works_on(&self, run: &ListedRun, meta: &RunMeta) -> bool {
        let Some(holder) = meta.account.as_ref().and_then(|id| self.of(id)) else {
            return false;
        };
        let since: Option<Timestamp> = holder.started_at.parse().ok();
        let created: Option<Timestamp> = meta.created_at.parse().ok();
        let written = std::fs::metadata(run.dir.journal()).and_then(|file| file.modified());
        let written = written.ok().and_then(|at| Timestamp::try_from(at).ok());
        since.is_some_and(|since| created >= Some(since) || written >= Some(since))
    }
}

/// Returns what became of a run that can be read.
pub(super) fn status_of(run: &ListedRun, meta: &RunMeta, holders: &LockHolders) -> RunStatus {
    match &meta.state {
        RunState::Superseded { .. } => RunStatus::Superseded,
        RunState::Finished => finished(meta),
        _ if meta.dry_run => RunStatus::Planning,
        // It was stopped in good order, so that another process resumes it if any.
        RunState::Stopped if !has_sent(run) => RunStatus::NothingSent,
        RunState::Stopped => RunStatus::Interrupted,
        RunState::Planning | RunState::Planned | RunState::Applying => {
            match holders.works_on(run, meta) {
                true => RunStatus::Running,
                false if has_sent(run) => RunStatus::Interrupted,
                false => RunStatus::NothingSent,
            }
        }
    }
}

fn finished(meta: &RunMeta) -> RunStatus {
    match meta.exit_code {
        // A run in the in-process sandbox writes there, though it is a dry run for HelpCrunch.
        Some(0 | 3 | 6) if meta.dry_run && !has_written(meta) => RunStatus::Planned,
        Some(0 | 3) => RunStatus::Applied,
        _ => RunStatus::NothingSent,
    }
}

fn has_written(meta: &RunMeta) -> bool {
    let count = |name: &str| meta.counts.get(name).and_then(serde_json::Value::as_u64);
    ["created", "updated"]
        .iter()
        .any(|name| count(name) > Some(0))
}

/// Whether the run may have sent a write. A journal that cannot be read counts as that.
fn has_sent(run: &ListedRun) -> bool {
    let journal = run.dir.journal();
    let may_have_sent = |progress: &RowProgress| {
        let mut results = progress.operations.iter();
        let unsent = [OperationStatus::Planned, OperationStatus::NotSent];
        !progress.open.is_empty() || results.any(|result| !unsent.contains(&result.status))
    };
    journal.exists()
        && recover_file(&journal).map_or(true, |journal| {
            journal.finished_rows() > 0 || journal.unfinished.values().any(may_have_sent)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{AccountLock, NewRun};

    fn status(state: &StateDir) -> RunStatus {
        let holders = LockHolders::find(state).unwrap();
        let runs = state.list_runs().unwrap();
        let run = runs.first().unwrap();
        status_of(run, run.meta.as_ref().unwrap(), &holders)
    }

    #[test]
    fn the_lock_tells_a_running_run_from_a_dead_one() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::at(folder.path());
        let account = AccountId::named("https://x", "a");
        let dir = state.create_account(&account).unwrap();
        let new = NewRun {
            command: "sync".into(),
            account: Some(account),
            base_url: "https://x".into(),
            inputs: vec![],
            dry_run: false,
            starts_over: false,
            config: serde_json::Value::Null,
        };
        let created: Timestamp = "2026-11-20T03:12:44Z".parse().unwrap();
        let (run, mut meta) = state.create_run(created, new, || "k3f9".into()).unwrap();
        let lock = AccountLock::acquire(&dir, "2026-11-20T03:12:44Z").unwrap();
        assert_eq!(status(&state), RunStatus::Running);
        drop(lock);
        assert_eq!(status(&state), RunStatus::NothingSent);
        // A process that came later, such as a probe, does not work on it.
        let lock = AccountLock::acquire(&dir, "2026-11-21T03:12:44Z").unwrap();
        assert_eq!(status(&state), RunStatus::NothingSent);
        drop(lock);
        meta.state = RunState::Finished;
        for (command, dry_run, expected) in [
            ("sync", false, RunStatus::Applied),
            ("plan", true, RunStatus::Planned),
        ] {
            (meta.command, meta.dry_run, meta.exit_code) = (command.into(), dry_run, Some(0));
            run.write_meta(&meta).unwrap();
            assert_eq!(status(&state), expected);
        }
        meta.exit_code = Some(4);
        run.write_meta(&meta).unwrap();
        assert_eq!(status(&state), RunStatus::NothingSent);
    }
}
