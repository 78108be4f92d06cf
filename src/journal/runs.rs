use std::fs::{self, FileType};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::AccountId;
use super::document::StateError;
use super::run_dir::{RunDir, RunMeta};
use super::state_dir::{NEW_PREFIX, StateDir};
use crate::domain::RunId;
use crate::platform::{FileAction, FileError, names_in};

/// Prefix of run folders that are being removed.
const REMOVED_PREFIX: &str = ".old-";

/// An unfinished run that cannot write has nothing to resume. After this long no process can still be working in it.
const MIN_ABANDONED_AGE: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// A folder under `runs/`.
#[derive(Debug)]
pub struct ListedRun {
    pub dir: RunDir,
    /// The folder's name, which is the run's id if the folder is a run.
    pub name: String,
    /// Or why it cannot be read.
    pub meta: Result<RunMeta, StateError>,
}

/// The result of pruning.
#[derive(Debug, Default)]
pub struct Pruned {
    pub removed: Vec<RunId>,
    /// Runs that could not be removed.
    pub failed: Vec<StateError>,
}

impl StateDir {
    /// All runs, newest first, with those that cannot be read. Changes nothing.
    ///
    /// # Errors
    /// The folder of runs exists and cannot be read.
    pub fn list_runs(&self) -> Result<Vec<ListedRun>, StateError> {
        let mut names = folders_in(&self.runs())?;
        names.retain(|name| !name.starts_with('.'));
        // Ids begin with the time of the start.
        names.sort_unstable_by(|a, b| b.cmp(a));
        let listed = names.into_iter().map(|name| {
            let dir = RunDir::at(self.runs().join(&name));
            let meta = dir.read_meta();
            ListedRun { dir, name, meta }
        });
        Ok(listed.collect())
    }

    /// Runs that can write and are not over, newest first; of one account, or of all.
    ///
    /// # Errors
    /// As [`list_runs`](Self::list_runs).
    pub fn open_runs(
        &self,
        account: Option<&AccountId>,
    ) -> Result<Vec<(RunDir, RunMeta)>, StateError> {
        let readable = self
            .list_runs()?
            .into_iter()
            .filter_map(|run| Some((run.dir, run.meta.ok()?)));
        let wanted = |meta: &RunMeta| account.is_none() || meta.account.as_ref() == account;
        Ok(readable
            .filter(|(_, meta)| meta.is_open() && wanted(meta))
            .collect())
    }

    /// Removes runs that ended longer than `keep` ago, and the oldest ones while the folders of all runs hold more than
    /// `max_bytes` (0: any number): finished and superseded ones, and abandoned ones that could not write. Never an
    /// unfinished one that can be resumed, one that cannot be read, or the newest of all.
    ///
    /// # Errors
    /// As [`list_runs`](Self::list_runs). An error with one run is returned in [`Pruned`] and does not stop the others.
    pub fn prune_runs(
        &self,
        now: jiff::Timestamp,
        keep: Duration,
        max_bytes: u64,
    ) -> Result<Pruned, StateError> {
        self.sweep(now)?;
        let mut pruned = Pruned::default();
        // The newest comes first.
        let runs = self.list_runs()?;
        let can_go = |index: usize, run: &ListedRun, keep: Duration| {
            let meta = run.meta.as_ref().ok();
            index > 0 && meta.is_some_and(|meta| is_prunable(meta, now, keep))
        };
        let sizes: Vec<u64> = match max_bytes {
            0 => vec![0; runs.len()],
            _ => runs.iter().map(|run| bytes_in(run.dir.path())).collect(),
        };
        let mut bytes: u64 = sizes.iter().sum();
        let mut goes = Vec::with_capacity(runs.len());
        for ((index, run), size) in runs.iter().enumerate().zip(&sizes).rev() {
            let is_too_much = max_bytes > 0 && bytes > max_bytes;
            let keep = if is_too_much { Duration::ZERO } else { keep };
            let is_going = can_go(index, run, keep);
            bytes -= if is_going { *size } else { 0 };
            goes.push(is_going);
        }
        for (run, is_going) in runs.into_iter().zip(goes.into_iter().rev()) {
            let Ok(meta) = run.meta.as_ref() else {
                continue;
            };
            if !is_going {
                continue;
            }
            match self.discard(&run.dir, &run.name) {
                Ok(()) => pruned.removed.push(meta.run_id.clone()),
                Err(error) => pruned.failed.push(error),
            }
        }
        Ok(pruned)
    }

    /// Removes a run whatever became of it.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn discard_run(&self, run: &ListedRun) -> Result<(), StateError> {
        self.discard(&run.dir, &run.name)
    }

    /// Renames the folder first, so that a crash midway leaves no half run in the list.
    fn discard(&self, run: &RunDir, name: &str) -> Result<(), StateError> {
        let renamed = self.runs().join(format!("{REMOVED_PREFIX}{name}"));
        fs::rename(run.path(), &renamed).map_err(|error| not_removed(run.path(), error))?;
        fs::remove_dir_all(&renamed).map_err(|error| not_removed(&renamed, error))
    }

    /// Removes what crashes left behind: folders of runs that were being removed or created.
    fn sweep(&self, now: jiff::Timestamp) -> Result<(), StateError> {
        let runs = self.runs();
        for name in folders_in(&runs)? {
            let path = runs.join(&name);
            if name.starts_with(REMOVED_PREFIX)
                || (name.starts_with(NEW_PREFIX) && is_old(&path, now))
            {
                // Another process may be doing the same; what remains is tried again next time.
                drop(fs::remove_dir_all(&path));
            }
        }
        Ok(())
    }
}

/// Bytes of the files in a run's folder. A file that is gone meanwhile counts nothing.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter_map(|entry| entry.metadata().ok());
    files
        .filter(fs::Metadata::is_file)
        .map(|file| file.len())
        .sum()
}

fn is_prunable(meta: &RunMeta, now: jiff::Timestamp, keep: Duration) -> bool {
    let Some(age) = meta.last_seen().and_then(|seen| age(seen, now)) else {
        return false;
    };
    if meta.state.is_over() {
        return age >= keep;
    }
    meta.dry_run && age >= keep.max(MIN_ABANDONED_AGE)
}

/// `None` if the clock was set back.
fn age(then: jiff::Timestamp, now: jiff::Timestamp) -> Option<Duration> {
    Duration::try_from(now.duration_since(then)).ok()
}

fn is_old(path: &Path, now: jiff::Timestamp) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|found| found.modified());
    let modified = modified
        .ok()
        .and_then(|at| jiff::Timestamp::try_from(at).ok());
    let age = modified.and_then(|then| age(then, now));
    age.is_some_and(|age| age >= MIN_ABANDONED_AGE)
}

pub(super) fn folders_in(folder: &Path) -> Result<Vec<String>, StateError> {
    Ok(names_in(folder, FileType::is_dir)?)
}

fn not_removed(path: &Path, error: io::Error) -> StateError {
    FileError::new(FileAction::Remove, path, error).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{NewRun, RunState};

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn at(text: &str) -> jiff::Timestamp {
        text.parse().unwrap()
    }

    fn new_run(account: &str, dry_run: bool) -> NewRun {
        NewRun {
            command: String::from("sync"),
            account: Some(AccountId::named("https://x", account)),
            base_url: String::from("https://x"),
            inputs: vec![],
            dry_run,
            starts_over: false,
            config: serde_json::json!({"limits": {}}),
        }
    }

    struct Fixture {
        _folder: tempfile::TempDir,
        state: StateDir,
    }

    impl Fixture {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let state = StateDir::at(folder.path().join("state"));
            Self {
                _folder: folder,
                state,
            }
        }

        fn run(&self, day: u8, new: NewRun, state: RunState) -> RunId {
            let now = at(&format!("2026-11-{day:02}T03:12:44.9Z"));
            let (dir, mut meta) = self.state.create_run(now, new, || "k3f9".into()).unwrap();
            meta.state = state;
            dir.write_meta(&meta).unwrap();
            assert_eq!(dir.read_meta().unwrap(), meta);
            meta.run_id
        }

        fn names(&self) -> Vec<String> {
            let listed = self.state.list_runs().unwrap();
            listed.into_iter().map(|run| run.name).collect()
        }
    }

    #[test]
    fn nothing_is_made_before_it_is_needed() {
        let fixture = Fixture::new();
        assert!(fixture.state.list_runs().unwrap().is_empty());
        assert!(fixture.state.open_runs(None).unwrap().is_empty());
        fixture
            .state
            .prune_runs(at("2026-11-20T00:00:00Z"), DAY, 0)
            .unwrap();
        assert!(!fixture.state.path().exists());
    }

    #[test]
    fn a_taken_name_gets_another_suffix() {
        let fixture = Fixture::new();
        let now = at("2026-11-20T03:12:44Z");
        let mut suffixes = ["aaaa", "aaaa", "bbbb"].into_iter();
        let mut make = || {
            let suffix = || suffixes.next().unwrap().to_owned();
            let made = fixture.state.create_run(now, new_run("a", false), suffix);
            made.unwrap().1.run_id.to_string()
        };
        assert_eq!(make(), "20261120T031244Z-aaaa");
        assert_eq!(make(), "20261120T031244Z-bbbb");
        let endless = fixture
            .state
            .create_run(now, new_run("a", false), || "aaaa".into());
        assert!(matches!(endless, Err(StateError::NoName { .. })));
        assert_eq!(fixture.names().len(), 2);
        let left = fs::read_dir(fixture.state.runs()).unwrap().count();
        assert_eq!(left, 2);
    }

    #[test]
    fn broken_folders_are_listed_and_passed_over() {
        let fixture = Fixture::new();
        let good = fixture.run(2, new_run("a", false), RunState::Stopped);
        fs::create_dir(fixture.state.runs().join("20261103T000000Z-gone")).unwrap();
        let newer = fixture.state.runs().join("20261104T000000Z-next");
        fs::create_dir(&newer).unwrap();
        fs::write(newer.join("run.json"), r#"{"version":9}"#).unwrap();
        fs::write(fixture.state.runs().join("notes.txt"), "").unwrap();
        let listed = fixture.state.list_runs().unwrap();
        assert_eq!(listed.len(), 3);
        assert!(matches!(
            listed[0].meta,
            Err(StateError::Newer { found: 9, .. })
        ));
        assert!(listed[1].meta.is_err());
        assert_eq!(listed[2].meta.as_ref().unwrap().run_id, good);
        let resumable = fixture.state.open_runs(None).unwrap();
        assert_eq!(resumable[0].1.run_id, good);
        let pruned = fixture
            .state
            .prune_runs(at("2027-01-01T00:00:00Z"), DAY, 0)
            .unwrap();
        assert!(pruned.removed.is_empty());
        assert_eq!(fixture.names().len(), 3);
    }

    #[test]
    fn the_newest_run_that_can_be_resumed_is_the_accounts_own() {
        let fixture = Fixture::new();
        let old = fixture.run(1, new_run("a", false), RunState::Applying);
        let new = fixture.run(2, new_run("a", false), RunState::Stopped);
        fixture.run(3, new_run("a", true), RunState::Planning);
        fixture.run(4, new_run("a", false), RunState::Finished);
        fixture.run(
            5,
            new_run("a", false),
            RunState::Superseded { by: old.clone() },
        );
        let other = fixture.run(6, new_run("b", false), RunState::Planned);
        let of = |account: Option<&AccountId>| -> Vec<RunId> {
            let runs = fixture.state.open_runs(account).unwrap();
            runs.into_iter().map(|(_, meta)| meta.run_id).collect()
        };
        let account = AccountId::named("https://x", "a");
        assert_eq!(of(Some(&account)), [new.clone(), old.clone()]);
        assert_eq!(of(None), [other, new, old]);
    }

    #[test]
    fn pruning_takes_old_runs_that_are_over_and_no_others() {
        let fixture = Fixture::new();
        let finished = fixture.run(1, new_run("a", false), RunState::Finished);
        let superseded = RunState::Superseded {
            by: finished.clone(),
        };
        let superseded = fixture.run(2, new_run("a", false), superseded);
        let stopped = fixture.run(3, new_run("a", false), RunState::Stopped);
        let given_up = fixture.run(4, new_run("a", true), RunState::Planning);
        let young = fixture.run(28, new_run("a", false), RunState::Finished);
        let newest = fixture.run(29, new_run("a", false), RunState::Finished);
        let now = at("2026-11-30T00:00:00Z");
        let pruned = fixture.state.prune_runs(now, DAY * 10, 0).unwrap();
        assert_eq!(pruned.removed, [given_up, superseded, finished]);
        assert!(pruned.failed.is_empty());
        let left = [&newest, &young, &stopped].map(RunId::to_string);
        assert_eq!(fixture.names(), left);

        let pruned = fixture.state.prune_runs(now, Duration::ZERO, 0).unwrap();
        assert_eq!(pruned.removed, [young]);
        assert_eq!(fixture.names(), [newest.to_string(), stopped.to_string()]);
    }

    #[test]
    fn the_oldest_runs_go_while_all_hold_too_much() {
        let fixture = Fixture::new();
        let mut runs = Vec::new();
        for (day, state) in [
            (1, RunState::Finished),
            (2, RunState::Stopped),
            (3, RunState::Finished),
            (4, RunState::Finished),
            (5, RunState::Finished),
        ] {
            let id = fixture.run(day, new_run("a", false), state);
            let dir = fixture.state.run(&id).unwrap();
            fs::write(dir.plan(), vec![b'x'; 100_000]).unwrap();
            runs.push(id);
        }
        let now = at("2026-11-06T00:00:00Z");
        let pruned = |max| {
            fixture
                .state
                .prune_runs(now, DAY * 30, max)
                .unwrap()
                .removed
        };
        assert_eq!(pruned(0), []);
        assert_eq!(pruned(1_000_000), []);
        // The stopped run counts, and stays.
        assert_eq!(pruned(350_000), [runs[2].clone(), runs[0].clone()]);
        assert_eq!(pruned(1), [runs[3].clone()]);
        assert_eq!(pruned(1), []);
        assert_eq!(fixture.names(), [runs[4].to_string(), runs[1].to_string()]);
    }

    #[test]
    fn a_run_counts_as_old_from_its_end_on() {
        let fixture = Fixture::new();
        let id = fixture.run(1, new_run("a", false), RunState::Finished);
        let dir = fixture.state.run(&id).unwrap();
        let mut meta = dir.read_meta().unwrap();
        meta.ended_at = Some(String::from("2026-11-19T00:00:00Z"));
        dir.write_meta(&meta).unwrap();
        fixture.run(2, new_run("a", false), RunState::Stopped);
        let now = at("2026-11-20T00:00:00Z");
        assert!(
            fixture
                .state
                .prune_runs(now, DAY * 2, 0)
                .unwrap()
                .removed
                .is_empty()
        );
        assert_eq!(fixture.state.prune_runs(now, DAY, 0).unwrap().removed, [id]);
    }

    #[test]
    fn a_removal_that_crashed_is_finished_by_the_next() {
        let fixture = Fixture::new();
        fixture.run(1, new_run("a", false), RunState::Stopped);
        let half = fixture.state.runs().join(".old-20261101T000000Z-half");
        fs::create_dir(&half).unwrap();
        fs::write(half.join("plan.jsonl"), "x").unwrap();
        assert_eq!(fixture.names().len(), 1);
        fixture
            .state
            .prune_runs(at("2026-11-20T00:00:00Z"), DAY, 0)
            .unwrap();
        assert!(!half.exists());
    }

    #[cfg(unix)]
    #[test]
    fn all_that_is_made_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let fixture = Fixture::new();
        let id = fixture.run(1, new_run("a", false), RunState::Stopped);
        let run = fixture.state.run(&id).unwrap();
        let account = AccountId::named("https://x", "a");
        let account = fixture.state.create_account(&account).unwrap();
        account
            .write(&crate::journal::AccountMeta::new(None))
            .unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folders = [
            fixture.state.path(),
            &fixture.state.runs(),
            run.path(),
            account.path(),
        ];
        for folder in folders {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
        assert_eq!(mode(&run.path().join("run.json")), 0o600);
        assert_eq!(mode(&account.file("account.json")), 0o600);
        assert_eq!(account.read().unwrap().unwrap().finished_runs, 0);
    }
}
