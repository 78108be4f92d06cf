use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::AccountId;
use super::document::StateError;
use super::run_dir::{RunDir, RunMeta};
use super::state_dir::{StateDir, UNBORN};
use crate::domain::RunId;
use crate::platform::{FileAction, FileError};

/// Names of run folders that are being removed.
const DYING: &str = ".old-";

/// A run that cannot write and did not come to its end has nothing to resume. After this long nobody is still
/// at work in it.
const ABANDONED: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// One folder under `runs/`.
#[derive(Debug)]
pub struct ListedRun {
    pub dir: RunDir,
    /// The folder's name, which is the run's id where the folder is a run.
    pub name: String,
    /// Why it cannot be read, where it cannot.
    pub meta: Result<RunMeta, StateError>,
}

/// What pruning did.
#[derive(Debug, Default)]
pub struct Pruned {
    pub removed: Vec<RunId>,
    /// Runs that should have gone and could not.
    pub failed: Vec<StateError>,
}

impl StateDir {
    /// All runs, newest first; a folder that cannot be read is listed as such. Nothing is made or changed.
    ///
    /// # Errors
    /// Where the folder of runs is there and cannot be read.
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

    /// Runs that can write and have not come to their end, newest first; of one account, or of all.
    ///
    /// # Errors
    /// Where the folder of runs is there and cannot be read.
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

    /// Removes runs that ended longer than `keep` ago: finished and superseded ones, and those that could not
    /// write and were given up. Never an unfinished one that can be resumed, one that cannot be read, or the
    /// newest of all.
    ///
    /// # Errors
    /// Where the folder of runs is there and cannot be read. What goes wrong with one run stops no other.
    pub fn prune_runs(&self, now: jiff::Timestamp, keep: Duration) -> Result<Pruned, StateError> {
        self.sweep(now)?;
        let mut pruned = Pruned::default();
        for run in self.list_runs()?.into_iter().skip(1) {
            let Ok(meta) = &run.meta else { continue };
            if !is_prunable(meta, now, keep) {
                continue;
            }
            match self.discard(&run.dir, &run.name) {
                Ok(()) => pruned.removed.push(meta.run_id.clone()),
                Err(error) => pruned.failed.push(error),
            }
        }
        Ok(pruned)
    }

    /// Removes one run that is over.
    ///
    /// # Errors
    /// Where it is not over, is not there or cannot be removed.
    pub fn remove_run(&self, id: &RunId) -> Result<(), StateError> {
        let run = self.run(id)?;
        if !run.read_meta()?.state.is_over() {
            return Err(StateError::Unfinished { id: id.clone() });
        }
        self.discard(&run, id.as_str())
    }

    /// Renames the folder first, so that a crash in between leaves no half run in the list.
    fn discard(&self, run: &RunDir, name: &str) -> Result<(), StateError> {
        let dying = self.runs().join(format!("{DYING}{name}"));
        fs::rename(run.path(), &dying).map_err(|error| not_removed(run.path(), error))?;
        fs::remove_dir_all(&dying).map_err(|error| not_removed(&dying, error))
    }

    /// Removes what crashes left: folders that were being removed, and those that never became a run.
    fn sweep(&self, now: jiff::Timestamp) -> Result<(), StateError> {
        let runs = self.runs();
        for name in folders_in(&runs)? {
            let path = runs.join(&name);
            if name.starts_with(DYING) || (name.starts_with(UNBORN) && is_old(&path, now)) {
                // Another process may be at the same work; what stays is tried again next time.
                drop(fs::remove_dir_all(&path));
            }
        }
        Ok(())
    }
}

fn is_prunable(meta: &RunMeta, now: jiff::Timestamp, keep: Duration) -> bool {
    let Some(age) = meta.last_seen().and_then(|seen| age(seen, now)) else {
        return false;
    };
    if meta.state.is_over() {
        return age >= keep;
    }
    meta.dry_run && age >= keep.max(ABANDONED)
}

/// Nothing where the clock has gone back.
fn age(then: jiff::Timestamp, now: jiff::Timestamp) -> Option<Duration> {
    Duration::try_from(now.duration_since(then)).ok()
}

fn is_old(path: &Path, now: jiff::Timestamp) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|found| found.modified());
    let modified = modified
        .ok()
        .and_then(|at| jiff::Timestamp::try_from(at).ok());
    let age = modified.and_then(|then| age(then, now));
    age.is_some_and(|age| age >= ABANDONED)
}

pub(super) fn folders_in(folder: &Path) -> Result<Vec<String>, StateError> {
    let unreadable = |error| FileError::new(FileAction::Read, folder, error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(unreadable)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        // A name that is not Unicode is none of ours.
        let name = entry.file_name().into_string().ok();
        names.extend(name.filter(|_| is_folder));
    }
    Ok(names)
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
            .prune_runs(at("2026-11-20T00:00:00Z"), DAY)
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
            .prune_runs(at("2027-01-01T00:00:00Z"), DAY)
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
        let pruned = fixture.state.prune_runs(now, DAY * 10).unwrap();
        assert_eq!(pruned.removed, [given_up, superseded, finished]);
        assert!(pruned.failed.is_empty());
        let left = [&newest, &young, &stopped].map(RunId::to_string);
        assert_eq!(fixture.names(), left);

        let pruned = fixture.state.prune_runs(now, Duration::ZERO).unwrap();
        assert_eq!(pruned.removed, [young]);
        assert_eq!(fixture.names(), [newest.to_string(), stopped.to_string()]);
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
                .prune_runs(now, DAY * 2)
                .unwrap()
                .removed
                .is_empty()
        );
        assert_eq!(fixture.state.prune_runs(now, DAY).unwrap().removed, [id]);
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
            .prune_runs(at("2026-11-20T00:00:00Z"), DAY)
            .unwrap();
        assert!(!half.exists());
    }

    #[test]
    fn an_unfinished_run_cannot_be_removed_and_a_missing_one_is_named() {
        let fixture = Fixture::new();
        let id = fixture.run(1, new_run("a", false), RunState::Stopped);
        assert!(matches!(
            fixture.state.remove_run(&id),
            Err(StateError::Unfinished { .. })
        ));
        let over = fixture.run(2, new_run("a", false), RunState::Finished);
        fixture.state.remove_run(&over).unwrap();
        assert!(matches!(
            fixture.state.run(&over),
            Err(StateError::NoRun { .. })
        ));
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
