//! A sandbox with a number of customers, a folder, and the binary between them, one run after another.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hcsync::sandbox::{AgentEdit, Endpoint, LoggedRequest, Options, Quirks, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::served::Server;

/// Customer `n` of an account, from 1, as [`row`] describes it.
pub(crate) fn customer(n: u64) -> Value {
    json!({
        "id": 5000 + n,
        "name": format!("Person {n}"),
        "email": format!("person{n}@example.net"),
        "userId": format!("u{n}"),
        "company": format!("Firm {}", n % 7),
        "firstSeen": (1_600_000_000 + n).to_string(),
        "notes": "kept by the agents",
        "tags": [{"name": "known"}],
        "customData": {},
    })
}

pub(crate) fn customers(count: u64) -> Vec<Value> {
    (1..=count).map(customer).collect()
}

/// The columns of [`row`].
pub(crate) const HEADER: &str = "userId,email,name,company,tags\n";

/// The row that finds customer `n` as it is.
pub(crate) fn row(n: u64) -> String {
    let company = format!("Firm {}", n % 7);
    row_with(n, &company, "known")
}

/// The row of customer `n` with another company and other tags.
pub(crate) fn row_with(n: u64, company: &str, tags: &str) -> String {
    format!("u{n},person{n}@example.net,Person {n},{company},{tags}\n")
}

pub(crate) fn table(rows: impl IntoIterator<Item = String>) -> String {
    std::iter::once(HEADER.to_owned()).chain(rows).collect()
}

/// One test's own folder, account and server.
pub(crate) struct Bench {
    folder: TempDir,
    server: Server,
}

impl Bench {
    /// An account with the customers 1 to `count`.
    pub(crate) fn with(count: u64) -> Self {
        Self::behaving(count, Quirks::default())
    }

    /// The same, on an API that behaves like this.
    pub(crate) fn behaving(count: u64, quirks: Quirks) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            server: Server::start(Options {
                customers: customers(count),
                requests_per_minute: 0,
                seed: 3,
                quirks,
                ..Options::default()
            }),
        }
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.server.sandbox
    }

    /// An agent edits a customer in HelpCrunch's own window.
    pub(crate) fn agent(&self, edit: Value) -> u64 {
        let edit: AgentEdit = serde_json::from_value(edit).unwrap();
        self.server.sandbox.agent(&edit).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    /// The one file of this name in the account's folder of the state directory; nothing where there is none.
    pub(crate) fn account_file(&self, name: &str) -> Option<PathBuf> {
        let accounts = std::fs::read_dir(self.path("state").join("accounts")).ok()?;
        let mut paths = accounts.map(|entry| entry.unwrap().path().join(name));
        paths.find(|path| path.exists())
    }

    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hcsync"));
        command
            .args(words.split_whitespace())
            .current_dir(self.folder.path());
        command.env_clear();
        // Windows needs it to open a socket.
        for name in ["SystemRoot", "PATH"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("HOME", self.path("home"));
        command.env("HELPCRUNCH_API_KEY", "a-key");
        command.args(["--state-dir", "state", "--requests-per-minute", "0"]);
        command.args(["--base-url", &format!("http://{}/v1", self.server.address)]);
        command.stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end, and counts what it asked of the server.
    pub(crate) fn run(&self, words: &str) -> Ran {
        let before = self.server.sandbox.requests().len();
        let summary = self.path("summary.json");
        let _ = std::fs::remove_file(&summary);
        let mut command = self.command(words);
        command.arg("--summary").arg(&summary);
        let output = command.output().unwrap();
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            summary: read_json(&summary),
            requests: self.server.sandbox.requests().split_off(before),
        }
    }

    /// Finds out how the account behaves.
    pub(crate) fn probe(&self) -> &Self {
        let output = self.command("probe").output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{err}");
        self
    }

    /// The results of a run that was told to write `results.jsonl`.
    pub(crate) fn results(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("results.jsonl")).unwrap();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The customer as it is now.
    pub(crate) fn customer(&self, id: u64) -> Value {
        let all = self.server.sandbox.customers();
        all.into_iter().find(|c| c["id"] == id).unwrap()
    }
}

fn read_json(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// How a process ended, what it said and what it asked for.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) summary: Value,
    pub(crate) requests: Vec<LoggedRequest>,
}

impl Ran {
    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "--- stdout\n{}\n--- stderr\n{}",
            self.out,
            self.err
        );
        self
    }

    pub(crate) fn total(&self) -> u64 {
        self.requests.len() as u64
    }

    pub(crate) fn count(&self, endpoint: Endpoint) -> u64 {
        let same = self.requests.iter().filter(|r| r.endpoint == endpoint);
        same.count() as u64
    }

    /// Requests to endpoints that change customers.
    pub(crate) fn writes(&self) -> u64 {
        self.requests.iter().filter(|r| r.writes).count() as u64
    }

    /// Checks that it needed no more requests than this, and that it told of all of them.
    #[track_caller]
    pub(crate) fn needs_at_most(self, most: u64) -> Self {
        let asked: Vec<_> = self.requests.iter().map(|r| (&r.method, &r.path)).collect();
        assert!(self.total() <= most, "{} requests: {asked:?}", self.total());
        assert_eq!(self.summary["requests"]["total"], self.total());
        self
    }

    /// Checks that what was sent after the preview is within 2 % of what the preview said. `before`: requests that
    /// were needed to make the plan.
    #[track_caller]
    pub(crate) fn keeps_to_its_estimate(self, before: u64) -> Self {
        let estimate = self.summary["estimate"]["requests"].as_u64().unwrap();
        let sent = self.total() - before;
        assert!(
            sent.abs_diff(estimate) * 50 <= estimate,
            "{sent} requests were sent, and {estimate} were estimated"
        );
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}
