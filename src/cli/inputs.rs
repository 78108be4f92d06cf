//! The inputs of a command, as files that can be read more than once.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::time::{Instant, sleep_until};

use crate::journal::{RunDir, RunMeta};
use crate::objects::{ObjectUrl, download, has_scheme, local_path};
use crate::platform::AtomicFile;
use crate::source::InputFile;

use super::exit::{Cause, Exit, Failure, OrFail as _};
use super::stopping::Stopping;

/// The inputs of a command. Standard input, pipes and devices can be read only once, so they are copied to a file.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) files: Vec<InputFile>,
    /// Each with the index of its input in `files`.
    spools: Vec<(usize, Spool)>,
}

/// A copy of an input that cannot be read again.
#[derive(Debug)]
enum Spool {
    /// Removed when dropped.
    Temporary(NamedTempFile),
    /// In the folder of a run that was interrupted.
    OfRun(PathBuf),
}

impl Inputs {
    /// Opens inputs. A signal or the deadline ends the wait for the process that writes one.
    pub(super) async fn open(paths: &[PathBuf], wait: Wait<'_>) -> Result<Self, Failure> {
        if paths.iter().filter(|path| is_stdin(path)).count() > 1 {
            return Err(Failure::usage("standard input (`-`) can be read only once"));
        }
        let (mut files, mut spools) = (Vec::new(), Vec::new());
        for (at, path) in paths.iter().enumerate() {
            let name = path.display().to_string();
            let object = ObjectUrl::of(path).map_err(Failure::usage)?;
            let path = &local_path(path);
            let spool = if let Some(object) = object {
                Some(fetch(&object, wait).await?)
            } else if is_stdin(path) {
                Some(spool(io::stdin(), &name, wait).await?)
            } else if is_stream(path) {
                // Opening a pipe blocks until another process writes to it.
                Some(spool(LateFile::Named(path.clone()), &name, wait).await?)
            } else {
                None
            };
            let path = spool.as_ref().map_or(path.as_path(), |spool| spool.path());
            files.push(InputFile::new(name, path));
            spools.extend(spool.map(|spool| (at, Spool::Temporary(spool))));
        }
        Ok(Self { files, spools })
    }

    /// The output of a program, which is the only input.
    pub(super) fn of_spool(name: String, spool: NamedTempFile) -> Self {
        Self {
            files: vec![InputFile::new(name, spool.path())],
            spools: vec![(0, Spool::Temporary(spool))],
        }
    }

    /// The inputs of a run that is restarted: its spooled copies, and the other files where they were.
    pub(super) fn of_run(dir: &RunDir, meta: &RunMeta, paths: &[PathBuf]) -> Result<Self, Failure> {
        let (mut files, mut spools) = (Vec::new(), Vec::new());
        for (at, input) in meta.inputs.iter().enumerate() {
            // Without a path it is the output of a program, which is not run again.
            let path = paths.get(at).map_or(Path::new("-"), PathBuf::as_path);
            let spooled = dir.spool(at);
            let is_spooled = spooled.exists();
            let path = &local_path(path);
            if !is_spooled && (is_stdin(path) || is_stream(path) || has_scheme(path)) {
                let message = format!(
                    "run {} was interrupted before `{}` was saved, and it cannot be read again",
                    meta.run_id, input.path
                );
                return Err(Failure::usage(message).hint("run the sync again with its input"));
            }
            let path = if is_spooled { &spooled } else { path };
            files.push(InputFile::new(input.path.clone(), path));
            if is_spooled {
                spools.push((at, Spool::OfRun(spooled)));
            }
        }
        Ok(Self { files, spools })
    }

    /// Moves the spooled copies into the folder of a run, so that it can be restarted.
    pub(super) fn save_in(&mut self, dir: &RunDir) -> Result<(), Failure> {
        for (at, spool) in self.spools.drain(..) {
            let to = dir.spool(at);
            match spool {
                Spool::OfRun(from) => fs::rename(from, &to).or_not_finished("state")?,
                Spool::Temporary(file) => persist(file, &to)
                    .map_err(|e| Failure::from_error(Exit::NotFinished, "state", &*e))?,
            }
            if let Some(file) = self.files.get_mut(at) {
                file.path = to;
            }
        }
        Ok(())
    }
}

/// Renames a temporary file, or copies it if it is on another disk.
fn persist(file: NamedTempFile, to: &Path) -> Result<(), Box<Cause>> {
    let Err(not_renamed) = file.persist(to) else {
        return Ok(());
    };
    let mut copy = AtomicFile::create(to)?;
    io::copy(&mut not_renamed.file.reopen()?, &mut copy)?;
    Ok(copy.commit()?)
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether the path can be read only once, such as `<(…)` or `/dev/stdin`.
fn is_stream(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

/// A file that is opened when it is first read.
enum LateFile {
    Named(PathBuf),
    Open(File),
}

impl Read for LateFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Self::Named(path) = self {
            *self = Self::Open(File::open(path)?);
        }
        match self {
            Self::Open(file) => file.read(buffer),
            Self::Named(_) => Ok(0),
        }
    }
}

/// What to do about a store that cannot be reached.
pub(super) const STORE_HINT: &str = "check the address; the store's region and credentials come from AWS_…, GOOGLE_… or AZURE_… \
    variables, or from the machine's own role";

/// What ends the wait for an input.
#[derive(Clone, Copy)]
pub(super) struct Wait<'a> {
    pub(super) stopping: &'a Stopping,
    pub(super) deadline: Option<Instant>,
}

impl Wait<'_> {
    /// Waits for a signal or the deadline.
    pub(super) async fn ended(self, name: &str) -> Failure {
        let late = async {
            match self.deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.stopping.stops.soft.cancelled() => {
                let message = format!("stopped while `{name}` was read; nothing was sent");
                Failure::new(self.stopping.exit(), "signal", message)
            }
            () = late => {
                let message = format!("`{name}` did not end within --max-duration; nothing was sent");
                let failure = Failure::new(Exit::Budget, "max_duration", message);
                failure.hint("find out why the process that writes it does not end, and run the command again")
            }
        }
    }
}

/// Copies an object to a temporary file, which only its owner can read.
pub(super) async fn fetch(object: &ObjectUrl, wait: Wait<'_>) -> Result<NamedTempFile, Failure> {
    let name = object.to_string();
    let mut copy = NamedTempFile::new().or_usage("input")?;
    let fetched = tokio::select! {
        fetched = download(object, copy.as_file_mut()) => fetched,
        failure = wait.ended(&name) => return Err(failure),
    };
    fetched
        .or_usage("input")
        .map_err(|failure| failure.or_hint(STORE_HINT))?;
    Ok(copy)
}

/// Copies an input to a temporary file, which only its owner can read.
pub(super) async fn spool(
    mut input: impl Read + Send + 'static,
    name: &str,
    wait: Wait<'_>,
) -> Result<NamedTempFile, Failure> {
    let read = move || {
        let mut spool = NamedTempFile::new()?;
        io::copy(&mut input, &mut spool)?;
        spool.flush()?;
        Ok::<_, io::Error>(spool)
    };
    let spooled = tokio::select! {
        spooled = wait.stopping.unless_stopped(read) => spooled,
        failure = wait.ended(name) => return Err(failure),
    };
    let Some(spooled) = spooled else {
        return Err(wait.ended(name).await);
    };
    spooled.map_err(|e| {
        let message = format!("`{name}` cannot be read: {e}");
        Failure {
            message,
            ..Failure::from_error(Exit::Usage, "input", &e)
        }
        .or_hint("it is copied to a temporary file while it is needed: TMPDIR names the folder")
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    struct Silent(mpsc::Receiver<u8>);

    impl Read for Silent {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            Ok(0)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_runs_time_ends_the_wait_for_an_input() {
        let (_writer, nobody_writes) = mpsc::channel();
        let wait = Wait {
            stopping: &Stopping::default(),
            deadline: Some(Instant::now() + std::time::Duration::from_secs(3_600)),
        };
        let failure = spool(Silent(nobody_writes), "-", wait).await.unwrap_err();
        assert_eq!(
            (failure.exit, failure.reason),
            (Exit::Budget, "max_duration")
        );
    }

    #[tokio::test]
    async fn a_signal_ends_the_wait_for_an_input() {
        let stopping = Stopping::default();
        let (_writer, nobody_writes) = mpsc::channel();
        stopping.stops.soft.cancel();
        let wait = Wait {
            stopping: &stopping,
            deadline: None,
        };
        let failure = spool(Silent(nobody_writes), "-", wait).await.unwrap_err();
        assert_eq!(
            (failure.exit, failure.reason),
            (Exit::Interrupted, "signal")
        );
    }
}
