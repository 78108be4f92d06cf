//! A PostgreSQL server in a folder of its own, stopped when the value is dropped.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The server refuses to run as root, so that root runs it as this user.
const NOBODY: u32 = 65_534;

pub(crate) struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

impl Postgres {
    /// `None`, and a word about it, if no server is installed. With `TEST_POSTGRES` set that is an error.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                std::env::var_os("TEST_POSTGRES").is_none(),
                "PostgreSQL is not installed"
            );
            eprintln!("PostgreSQL is not installed: not checked");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        // Another program may take the port between these two lines; the server then does not start.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = address.unwrap().port();
        let postgres = Self {
            folder,
            programs,
            port,
        };
        let data = postgres.data();
        postgres.run(
            "initdb",
            &["-A", "trust", "-U", "hcsync", "--no-sync", "-D", &data],
        );
        postgres.resume();
        Some(postgres)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://hcsync@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops the server at once, without a word to its clients.
    pub(crate) fn stop(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"]);
    }

    /// Starts the server again.
    pub(crate) fn resume(&self) {
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=50",
            self.port,
            self.folder.path().display()
        );
        let log = self.folder.path().join("log");
        let log = log.display().to_string();
        let data = self.data();
        self.run(
            "pg_ctl",
            &["-D", &data, "-o", &options, "-l", &log, "-w", "start"],
        );
    }

    /// The only value that a statement returns.
    pub(crate) fn value(&self, statement: &str) -> String {
        let output = Command::new("psql")
            .args(["-X", "-A", "-t", "-c", statement, &self.url()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, words: &[&str]) {
        let mut command = Command::new(self.programs.join(program));
        command.args(words).current_dir(self.folder.path());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        // The server keeps the standard output of `pg_ctl` open.
        let status = command.stdout(std::process::Stdio::null()).status();
        let log = std::fs::read_to_string(self.folder.path().join("log"));
        assert!(
            status.unwrap().success(),
            "{program} {words:?}: {}",
            log.unwrap_or_default()
        );
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut command = Command::new(self.programs.join("pg_ctl"));
        command.args(["-D", &self.data(), "-m", "immediate", "stop"]);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        // It may be stopped already.
        let _ = command.output();
    }
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// The folder of the newest server's programs, as Debian installs them, or that of `initdb` on the path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let versions = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let newest = versions.filter(|bin| bin.join("initdb").exists()).max();
    newest.or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| Path::new(folder).join("initdb").exists())
    })
}
