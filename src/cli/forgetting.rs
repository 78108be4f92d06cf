//! Erases people from the state directory: from the runs of all accounts, and from the snapshots.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::domain::{RemoteCustomer, RowKey};
use crate::journal::{AccountDir, AccountLock, ListedRun, RunMeta, StateDir};
use crate::platform::remove_file;
use crate::remote::{SnapshotError, SnapshotFiles};
use crate::run::erasure::{People, erase_rows, files_naming, find_people, find_rows};

use super::abandoned_results::write_results;
use super::abandoned_runs::CloseError;
use super::exit::{Exit, Failure, OrFail as _, chain};

/// The state directory with all accounts locked, so that no run writes to it.
pub(super) struct LockedState {
    state: StateDir,
    accounts: Vec<AccountDir>,
    _locks: Vec<AccountLock>,
}

/// What was erased, without any of it.
#[derive(Debug, Default)]
pub(super) struct Erased {
    /// Ids of runs, with the number of rows.
    pub(super) runs: Vec<(String, usize)>,
    /// Runs that were removed since they had sent nothing, or could not be read.
    pub(super) removed: Vec<String>,
    /// Files that still name somebody.
    pub(super) left: Vec<PathBuf>,
}

impl LockedState {
    pub(super) fn lock(state: StateDir, started_at: &str) -> Result<Self, Failure> {
        let ids = state.list_accounts()?;
        let accounts: Vec<_> = ids.iter().map(|id| state.account(id)).collect();
        let locks = accounts
            .iter()
            .map(|account| AccountLock::acquire(account, started_at));
        let locks = locks.collect::<Result<_, _>>()?;
        Ok(Self {
            state,
            accounts,
            _locks: locks,
        })
    }

    /// Learns which customers and userIds the people have. Refuses if a run names them that is to be resumed.
    pub(super) fn find(&self, people: &mut People) -> Result<(), Failure> {
        for account in &self.accounts {
            find_in_snapshot(account, people).map_err(|error| snapshot_failure(account, &error))?;
        }
        let runs = self.state.list_runs()?;
        for run in &runs {
            // What cannot be read is removed as a whole.
            drop(find_people(&run.dir, people));
        }
        for run in &runs {
            let is_sending = |meta: &RunMeta| meta.is_open() && meta.is_approved();
            let may_resume = run.meta.as_ref().is_ok_and(is_sending);
            if may_resume && names_them(run, people)? {
                let message = format!(
                    "run `{}` holds these people and is not finished; nothing was erased",
                    run.name
                );
                return Err(Failure::usage(message).hint(
                    "finish it with `hcsync resume`, or sync its input again, and then forget them",
                ));
            }
        }
        Ok(())
    }

    pub(super) fn erase(&self, people: &People) -> Result<Erased, Failure> {
        let mut erased = Erased::default();
        for run in self.state.list_runs()? {
            self.erase_run(&run, people, &mut erased)?;
        }
        for account in &self.accounts {
            erase_snapshot(account, people).map_err(|error| snapshot_failure(account, &error))?;
            forget_known_customer(account, people)?;
        }
        erased.left = files_naming(self.state.path(), people).or_not_finished("state")?;
        Ok(erased)
    }

    fn erase_run(
        &self,
        run: &ListedRun,
        people: &People,
        erased: &mut Erased,
    ) -> Result<(), Failure> {
        let naming = files_naming(run.dir.path(), people).or_not_finished("state")?;
        let rows = find_rows(&run.dir, people);
        let rows = match (rows, &run.meta) {
            (Ok(rows), _) if rows.is_empty() && naming.is_empty() => return Ok(()),
            (Ok(rows), Ok(meta)) if meta.state.is_over() => rows,
            // Whether it can be resumed is not known, so it stays, and is named as a file that is left.
            (_, Err(_)) => return Ok(()),
            // It has sent nothing, or nothing can be learned from it any more.
            _ => {
                self.state.discard_run(run)?;
                erased.removed.push(run.name.clone());
                return Ok(());
            }
        };
        erase_rows(&run.dir, &rows).or_not_finished("state")?;
        derive_again(run, &naming)?;
        erased.runs.push((run.name.clone(), rows.len()));
        Ok(())
    }
}

/// Whether the run holds them, be it in a copy of its input. One whose rows cannot be read may.
fn names_them(run: &ListedRun, people: &People) -> Result<bool, Failure> {
    let naming = files_naming(run.dir.path(), people).or_not_finished("state")?;
    Ok(!naming.is_empty() || find_rows(&run.dir, people).map_or(true, |rows| !rows.is_empty()))
}

/// Writes the run's results anew from what is left, and removes other files that named somebody.
fn derive_again(run: &ListedRun, naming: &[PathBuf]) -> Result<(), Failure> {
    let dir = &run.dir;
    let sources = [
        dir.plan(),
        dir.rows(),
        dir.journal(),
        dir.meta(),
        dir.summary(),
    ];
    for path in naming.iter().filter(|path| !sources.contains(path)) {
        remove_file(path).or_not_finished("state")?;
    }
    let meta = dir.read_meta()?;
    if !dir.rows().exists() || !dir.plan().exists() {
        return Ok(());
    }
    write_results(dir, &meta)
        .map(drop)
        .map_err(|error| match error {
            CloseError::Stop(failure) => failure,
            CloseError::Damaged(why) => Failure::new(
                Exit::NotFinished,
                "state",
                format!(
                    "the results of run `{}` cannot be written again: {why}",
                    run.name
                ),
            ),
        })
}

fn find_in_snapshot(account: &AccountDir, people: &mut People) -> Result<(), SnapshotError> {
    let emails: Vec<String> = people.emails().iter().cloned().collect();
    let Some(mut files) = SnapshotFiles::claim(account.path())? else {
        return Ok(());
    };
    for customer in files.with_emails(|| spool(account), &emails)? {
        let _ = people.learn(&key_of(&customer), Some(customer.id));
    }
    Ok(())
}

fn erase_snapshot(account: &AccountDir, people: &People) -> Result<(), SnapshotError> {
    let Some(mut files) = SnapshotFiles::claim(account.path())? else {
        return Ok(());
    };
    let is_kept = |customer: &RemoteCustomer| {
        let text = serde_json::to_vec(customer).unwrap_or_default();
        !people.has(&key_of(customer), Some(customer.id)) && !people.are_named_in(&text)
    };
    let kept = files.retain(|| spool(account), is_kept);
    kept.or_else(|error| {
        let error = chain(&error);
        tracing::warn!(
            error,
            "the snapshot cannot be written without them, so it is removed"
        );
        files.discard()
    })
}

fn key_of(customer: &RemoteCustomer) -> RowKey {
    RowKey {
        id: Some(customer.id),
        user_id: customer.user_id().map(ToOwned::to_owned),
        email: customer.email().map(ToOwned::to_owned),
    }
}

fn spool(account: &AccountDir) -> io::Result<File> {
    tempfile::tempfile_in(account.path())
}

fn snapshot_failure(account: &AccountDir, error: &SnapshotError) -> Failure {
    let failure = Failure::from_error(Exit::NotFinished, "state", error);
    failure.or_hint(&format!(
        "remove the snapshot in {} and forget them again: the next run reads the account afresh",
        account.path().display()
    ))
}

/// The customer by which the account is recognised is another one from the next run on.
fn forget_known_customer(account: &AccountDir, people: &People) -> Result<(), Failure> {
    let Some(mut meta) = account.read()? else {
        return Ok(());
    };
    let is_theirs = |id| people.ids().contains(&id);
    if meta
        .known_customer
        .as_ref()
        .is_some_and(|known| is_theirs(known.id))
    {
        meta.known_customer = None;
        account.write(&meta)?;
    }
    Ok(())
}
