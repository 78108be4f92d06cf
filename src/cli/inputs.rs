//! The inputs of a command, as files that can be read more than once.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::time::{Instant, sleep_until};

use crate::journal::{RunDir, RunMeta};
use crate::platform::AtomicFile;
use crate::source::InputFile;

use super::exit::{Cause, Exit, Failure};
use super::stopping::Stopping;

/// The inputs of a command. What can be read only once (standard input, a pipe, a device) is spooled, since inputs
/// are read more than once.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) files: Vec<InputFile>,
    /// Each with the place of its input.
    spools: Vec<(usize, Spool)>,
}

/// Where the bytes are that are not to be had again.
#[derive(Debug)]
enum Spool {
    /// Removed when it is dropped.
    Temporary(NamedTempFile),
    /// In the folder of a run that was interrupted.
    OfRun(PathBuf),
}

impl Inputs {
    /// A wait for whoever writes an input ends by a signal, or at the deadline.
    pub(super) async fn open(
        paths: &[PathBuf],
        stopping: &Stopping,
        deadline: Option<Instant>,
    ) -> Result<Self, Failure> {
        let wait = Wait { stopping, deadline };
        if paths.iter().filter(|path| is_stdin(path)).count() > 1 {
            return Err(Failure::usage("standard input (`-`) can be read only once"));
        }
        let (mut files, mut spools) = (Vec::new(), Vec::new());
        for (at, path) in paths.iter().enumerate() {
            let name = path.display().to_string();
            let spool = if is_stdin(path) {
                Some(spool(io::stdin(), &name, wait).await?)
            } else if is_stream(path) {
                // Opening a pipe that nobody writes waits too.
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

    /// The inputs of a run that is planned anew: those that it spooled, and the others from where they were.
    pub(super) fn of_run(dir: &RunDir, meta: &RunMeta, paths: &[PathBuf]) -> Result<Self, Failure> {
        let (mut files, mut spools) = (Vec::new(), Vec::new());
        for (at, (input, path)) in meta.inputs.iter().zip(paths).enumerate() {
            let spooled = dir.spool(at);
            let is_spooled = spooled.exists();
            if !is_spooled && (is_stdin(path) || is_stream(path)) {
                let message = format!(
                    "run {} was interrupted before `{}` was kept, and it cannot be read again",
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

    /// Keeps what was spooled in the folder of a run, so that the run can be planned anew.
    pub(super) fn keep_in(&mut self, dir: &RunDir) -> Result<(), Failure> {
        let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "state", e);
        for (at, spool) in self.spools.drain(..) {
            let to = dir.spool(at);
            match spool {
                Spool::OfRun(from) => fs::rename(from, &to).map_err(|e| failed(&e))?,
                Spool::Temporary(file) => keep(file, &to).map_err(|e| failed(&*e))?,
            }
            if let Some(file) = self.files.get_mut(at) {
                file.path = to;
            }
        }
        Ok(())
    }
}

/// Temporary files may be on another disk.
fn keep(file: NamedTempFile, to: &Path) -> Result<(), Box<Cause>> {
    let Err(elsewhere) = file.persist(to) else {
        return Ok(());
    };
    let mut copy = AtomicFile::create(to)?;
    io::copy(&mut elsewhere.file.reopen()?, &mut copy)?;
    Ok(copy.commit()?)
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether a path leads to something whose bytes are gone once they were read, such as `<(…)` or `/dev/stdin`.
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

/// What ends the wait for an input.
#[derive(Clone, Copy)]
struct Wait<'a> {
    stopping: &'a Stopping,
    deadline: Option<Instant>,
}

/// Reads to the end. Temporary files are made for their owner alone.
async fn spool(
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
    let stopping = wait.stopping;
    let late = async {
        match wait.deadline {
            Some(deadline) => sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    let spooled = tokio::select! {
        spooled = stopping.unless_stopped(read) => spooled,
        () = late => {
            let message = format!("the run's time is up and `{name}` has not ended: nothing was sent");
            let failure = Failure::new(Exit::Budget, "max_duration", message);
            return Err(failure.hint("see why whoever writes it does not end, and run the command again"));
        }
    };
    let Some(spooled) = spooled else {
        let message = format!("stopped while `{name}` was read: nothing was sent");
        return Err(Failure::new(stopping.exit(), "signal", message));
    };
    spooled.map_err(|e| {
        let message = format!("`{name}` cannot be read: {e}");
        let failure = Failure {
            message,
            ..Failure::from_error(Exit::Usage, "input", &e)
        };
        match failure.hint {
            Some(_) => failure,
            None => failure
                .hint("it is kept in a temporary file while it is needed: TMPDIR names the folder"),
        }
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
