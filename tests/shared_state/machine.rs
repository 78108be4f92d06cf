//! A machine: a folder, a state directory of its own, and runs of the real binary.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use hcsync::sandbox::{LoggedRequest, Options, Sandbox};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::postgres::Postgres;
use crate::served::Server;

const KEY: &str = "the-key-of-the-account";

/// A server of HelpCrunch's API and a database.
pub(crate) struct Place {
    server: Server,
    pub(crate) postgres: Postgres,
}

pub(crate) struct Machine<'a> {
    place: &'a Place,
    folder: TempDir,
}

pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) struct Running(Child);

impl Place {
    /// `None` if no PostgreSQL is installed.
    pub(crate) fn open() -> Option<Self> {
        let options = Options {
            requests_per_minute: 0,
            ..Options::default()
        };
        Some(Self {
            postgres: Postgres::start()?,
            server: Server::start(options),
        })
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.server.sandbox
    }

    pub(crate) fn machine(&self) -> Machine<'_> {
        let folder = tempfile::tempdir().unwrap();
        Machine {
            place: self,
            folder,
        }
    }

    /// Waits until the log of the server shows something; never for long.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&[LoggedRequest]) -> bool) {
        let began = Instant::now();
        while !holds(&self.sandbox().requests()) {
            assert!(began.elapsed() < Duration::from_secs(60), "{what}");
            std::thread::yield_now();
        }
    }

    pub(crate) fn applied(&self) -> usize {
        let log = self.sandbox().requests();
        log.iter().filter(|request| request.applied).count()
    }

    /// The userIds of all customers, with those that are there twice.
    pub(crate) fn user_ids(&self) -> Vec<String> {
        let customers = self.sandbox().customers();
        let ids = customers
            .iter()
            .map(|customer| customer["userId"].as_str().unwrap().to_owned());
        let mut ids: Vec<_> = ids.collect();
        ids.sort();
        ids
    }
}

impl Machine<'_> {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    /// A command with its own state directory, the shared database, and the shared account.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hcsync"));
        command
            .args(words.split_whitespace())
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("HELPCRUNCH_API_KEY", KEY)
            .env("HCSYNC_STATE_DIR", self.path("state"))
            .env("HCSYNC_STATE_URL", self.place.postgres.url())
            .env("HCSYNC_ACCOUNT", "demo")
            .env("HCSYNC_BASE_URL", self.base_url())
            .env("HCSYNC_REQUESTS_PER_MINUTE", "0");
        if self.path("hcsync.toml").exists() {
            command.env("HCSYNC_CONFIG", self.path("hcsync.toml"));
        }
        command
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.place.server.address)
    }

    pub(crate) fn run(&self, words: &str) -> Ended {
        Ended::of(&self.command(words).output().unwrap())
    }

    pub(crate) fn start(&self, words: &str) -> Running {
        Running::start(self.command(words))
    }
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.0.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    pub(crate) fn wait(self) -> Ended {
        Ended::of(&self.0.wait_with_output().unwrap())
    }
}

impl Ended {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self
    }
}

/// A table of new customers.
pub(crate) fn rows(count: usize) -> String {
    let rows = (0..count).map(|n| format!("u{n},Name {n}\n"));
    format!("userId,name\n{}", rows.collect::<String>())
}
