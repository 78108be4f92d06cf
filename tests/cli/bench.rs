//! A sandbox, a folder, and the binary that is run between them.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use hcsync::sandbox::{LoggedRequest, Options, Sandbox, Scenario, customers_from_jsonl};
use serde_json::Value;
use tempfile::TempDir;

use crate::files::RunFiles;
use served::Server;

#[path = "../support/server.rs"]
mod served;

/// With characters that a URL would encode, so that both spellings can be looked for.
pub(crate) const KEY: &str = "s3cr3t+key/of=the~account";

/// Nothing here takes so long: a program that does hangs.
const HANGS: Duration = Duration::from_secs(120);

/// One test's own folder and server.
pub(crate) struct Bench {
    folder: TempDir,
    server: Server,
}

impl Bench {
    /// A sandbox with no customer and no rate limit.
    pub(crate) fn empty() -> Self {
        Self::with(Vec::new(), "")
    }

    /// A sandbox with the bundled customers and no rate limit.
    pub(crate) fn bundled() -> Self {
        Self::with(bundled_customers(), "")
    }

    /// A sandbox with these customers, quirks and faults, and no rate limit.
    pub(crate) fn with(customers: Vec<Value>, scenario: &str) -> Self {
        let scenario = Scenario::from_toml(scenario).unwrap();
        Self::of(Options {
            customers,
            requests_per_minute: 0,
            seed: 11,
            quirks: scenario.quirks,
            schedule: scenario.schedule,
            ..Options::default()
        })
    }

    pub(crate) fn of(options: Options) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            server: Server::start(options),
        }
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.server.sandbox
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.server.address)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    /// Copies a file of `sample-data/` into the folder.
    pub(crate) fn sample(&self, name: &str) -> &Self {
        self.write(name, std::fs::read(sample_data().join(name)).unwrap())
    }

    /// The binary in the test's folder with nothing else of the environment, and these words alone.
    pub(crate) fn bare(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hcsync"));
        command.args(words).current_dir(self.folder.path());
        command.env_clear();
        // Windows needs it to open a socket.
        for name in ["SystemRoot", "PATH"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("HOME", self.path("home"));
        command.env("RUST_BACKTRACE", "1");
        command.stdin(Stdio::null());
        command
    }

    /// The same with key, state directory and this bench's server.
    pub(crate) fn command(&self, words: &str) -> Command {
        let words: Vec<&str> = words.split_whitespace().collect();
        let mut command = self.bare(&words);
        command.env("HELPCRUNCH_API_KEY", KEY);
        command.args(["--state-dir", "state"]);
        command.args(["--base-url", &self.base_url()]);
        command.args(["--requests-per-minute", "0"]);
        command
    }

    pub(crate) fn run(&self, words: &str) -> Ran {
        Running::start(self.command(words)).wait()
    }

    pub(crate) fn run_with_stdin(&self, words: &str, text: &[u8]) -> Ran {
        self.write("stdin", text);
        let mut command = self.command(words);
        command.stdin(std::fs::File::open(self.path("stdin")).unwrap());
        Running::start(command).wait()
    }

    pub(crate) fn start(&self, words: &str) -> Running {
        Running::start(self.command(words))
    }

    /// The only run there is.
    pub(crate) fn only_run(&self) -> RunFiles {
        let mut runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        RunFiles::new(runs.remove(0))
    }

    /// The newest run; ids that begin in the same second are told apart by what they were not before.
    pub(crate) fn run_since(&self, before: &[PathBuf]) -> RunFiles {
        let new: Vec<_> = self
            .runs()
            .into_iter()
            .filter(|run| !before.contains(run))
            .collect();
        assert_eq!(new.len(), 1, "{new:?}");
        RunFiles::new(new.into_iter().next().unwrap())
    }

    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        entries(&self.path("state").join("runs"))
    }

    pub(crate) fn requests(&self) -> Vec<LoggedRequest> {
        self.sandbox().requests()
    }

    /// How many requests were logged that would write.
    pub(crate) fn writes(&self) -> u64 {
        self.sandbox().stats().writes
    }

    /// Waits until the request log says so.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&[LoggedRequest]) -> bool) {
        let start = Instant::now();
        while !holds(&self.requests()) {
            assert!(start.elapsed() < HANGS, "never: {what}");
            thread::park_timeout(Duration::from_millis(2));
        }
    }
}

pub(crate) fn sample_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data")
}

pub(crate) fn bundled_customers() -> Vec<Value> {
    let text = std::fs::read_to_string(sample_data().join("sandbox-customers.jsonl")).unwrap();
    customers_from_jsonl(&text).unwrap()
}

/// What is directly in a folder, sorted; nothing where there is no folder.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(found) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = found.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Every file and folder below a folder.
pub(crate) fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for path in entries(folder) {
        if path.is_dir() {
            paths.extend(tree(&path));
        }
        paths.push(path);
    }
    paths
}

/// What a summary says about a stop.
#[derive(Debug)]
pub(crate) struct RunEnd {
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) next_command: String,
}

/// How a process ended and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Checks the exit code, and that nothing broke.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        let said = format!("--- stdout\n{}\n--- stderr\n{}", self.out, self.err);
        assert_eq!(self.code, Some(code), "{said}");
        for broken in ["panicked", "RUST_BACKTRACE", "stack backtrace"] {
            assert!(
                !self.err.contains(broken) && !self.out.contains(broken),
                "{said}"
            );
        }
        self
    }

    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(
                self.err.contains(part),
                "no `{part}` in stderr:\n{}",
                self.err
            );
        }
        self
    }

    #[track_caller]
    pub(crate) fn shows(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(
                self.out.contains(part),
                "no `{part}` in stdout:\n{}",
                self.out
            );
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

/// A process that runs; it is ended with its value.
pub(crate) struct Running {
    child: Child,
    streams: Receiver<(Stream, String)>,
}

#[derive(PartialEq)]
enum Stream {
    Out,
    Err,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (tell, streams) = mpsc::channel();
        let out = child.stdout.take().unwrap();
        let err = child.stderr.take().unwrap();
        read_all(Stream::Out, out, tell.clone());
        read_all(Stream::Err, err, tell);
        Self { child, streams }
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for the end of both streams and then of the process.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ran {
        let (mut out, mut err) = (String::new(), String::new());
        for _ in 0..2 {
            match self.streams.recv_timeout(HANGS) {
                Ok((Stream::Out, text)) => out = text,
                Ok((Stream::Err, text)) => err = text,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let _ = self.child.kill();
                    panic!("it does not end");
                }
            }
        }
        let code = self.child.wait().unwrap().code();
        Ran { code, out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_all(
    stream: Stream,
    mut from: impl Read + Send + 'static,
    tell: mpsc::Sender<(Stream, String)>,
) {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        let _ = tell.send((stream, String::from_utf8_lossy(&bytes).into_owned()));
    });
}
