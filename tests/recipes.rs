//! The recipes of docs/operations.md are run as they are written, as far as a machine without cron, systemd, Kubernetes and
//! GitHub allows. Only paths and the address of the API are replaced.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by failing there"
)]

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use served::Server;
use tempfile::TempDir;

#[path = "support/server.rs"]
mod served;

const KEY: &str = "a-key-of-a-recipe";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The code blocks of a language in docs/operations.md.
fn blocks(language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let fence = format!("```{language}\n");
    text.split(&fence)
        .skip(1)
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

/// A folder with what the recipes expect, a server, and the program on a path of its own.
struct Place {
    folder: TempDir,
    server: Server,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = hcsync::sandbox::Options {
            requests_per_minute: 0,
            ..Default::default()
        };
        let place = Self {
            folder,
            server: Server::start(options),
        };
        std::fs::create_dir(place.path("bin")).unwrap();
        // Another program copies it: a program that this process holds open for writing, in any thread, cannot be started by
        // a child that was forked meanwhile.
        let copied = Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_hcsync"))
            .arg(place.path("bin/hcsync"))
            .status();
        assert!(copied.unwrap().success());
        std::fs::set_permissions(place.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
        place.write("export.jsonl", "{\"userId\":\"u1\",\"name\":\"Ann\"}\n");
        place.write("helpcrunch.key", KEY);
        std::fs::set_permissions(
            place.path("helpcrunch.key"),
            std::fs::Permissions::from_mode(0o600),
        )
        .unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn config(&self, lines: &str) {
        let text = format!(
            "[api]\nbase_url = \"http://{}/v1\"\n{lines}\n[limits]\nrequests_per_minute = 0\n",
            self.server.address
        );
        self.write("hcsync.toml", &text);
    }

    /// The environment that a service manager gives: nothing but what is added.
    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-ec", command]).current_dir("/").env_clear();
        shell.env("HOME", self.path("home"));
        shell.env("PATH", format!("{}:/usr/bin:/bin", self.text("bin")));
        shell
    }

    #[track_caller]
    fn is_synced(&self, output: &Output) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(self.server.sandbox.customers().len(), 1, "{said}");
    }
}

#[test]
fn crons_line_runs_with_crons_environment_and_mails_nothing() {
    let place = Place::new();
    place.config("key_file = \"helpcrunch.key\"");
    let block = blocks("cron").remove(0);
    let line = block.lines().last().unwrap();
    let fields: Vec<&str> = line.split_whitespace().take(6).collect();
    assert_eq!(fields[5], "hcsync", "the user: {line}");
    let (_, command) = line.split_once("  hcsync  ").unwrap();
    // In a crontab a percent sign would be a line break.
    assert!(!command.contains('%'), "{command}");
    let path = block
        .lines()
        .find_map(|line| line.strip_prefix("PATH="))
        .unwrap();
    assert!(path.split(':').any(|folder| folder == "/usr/local/bin"));
    let command = command.replace("/srv/hcsync", &place.text(""));
    let output = place.shell(&command).output().unwrap();
    place.is_synced(&output);
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "",
        "this would be mailed"
    );
    assert!(place.path("summary.json").exists() && place.path("last.txt").exists());
}

/// The units, by the names of their files.
fn units() -> Vec<(String, String)> {
    let units = blocks("ini").into_iter();
    let named = units.map(|unit| {
        let file = unit.lines().next().unwrap().trim_start_matches("# ");
        (file.rsplit('/').next().unwrap().to_owned(), unit)
    });
    named.collect()
}

#[test]
fn systemds_units_are_valid() {
    let place = Place::new();
    let units = units();
    assert_eq!(units.len(), 3);
    for (name, unit) in &units {
        let unit = unit.replace("/usr/local/bin/hcsync", &place.text("bin/hcsync"));
        place.write(name, &unit);
    }
    let verified = Command::new("systemd-analyze")
        .args([
            "verify",
            "--man=no",
            "hcsync.service",
            "hcsync.timer",
            "hcsync-alert@x.service",
        ])
        .current_dir(place.path(""))
        .output();
    // A machine without systemd cannot say.
    let Ok(verified) = verified else { return };
    let said = String::from_utf8_lossy(&verified.stderr);
    let about_ours: Vec<_> = said
        .lines()
        .filter(|line| line.contains("hcsync"))
        .collect();
    assert!(verified.status.success() && about_ours.is_empty(), "{said}");
}

#[test]
fn systemds_command_finds_its_state_and_credential() {
    let place = Place::new();
    let (_, service) = units().remove(0);
    let value = |key: &str| {
        let lines = service.lines();
        lines
            .filter_map(|line| line.strip_prefix(key))
            .next()
            .unwrap()
            .to_owned()
    };
    let (credential, file) = value("LoadCredential=")
        .split_once(':')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert_eq!(file, "/etc/hcsync/helpcrunch.key");
    for folder in ["state", "credentials"] {
        std::fs::create_dir(place.path(folder)).unwrap();
    }
    place.write(&format!("credentials/{credential}"), KEY);
    let command = value("ExecStart=").replace("/usr/local/bin/", "");
    let mut shell = place.shell(&command);
    shell.current_dir(place.path(""));
    shell.env("STATE_DIRECTORY", place.path("state"));
    shell.env("CREDENTIALS_DIRECTORY", place.path("credentials"));
    shell.env(
        "HCSYNC_BASE_URL",
        format!("http://{}/v1", place.server.address),
    );
    place.is_synced(&shell.output().unwrap());
    assert!(place.path("state/summary.json").exists());
}

#[test]
fn kubernetes_command_runs_as_its_user_on_a_fresh_volume() {
    let place = Place::new();
    place.config("");
    let manifest = blocks("yaml")
        .into_iter()
        .find(|block| block.contains("kind: CronJob"))
        .unwrap();
    let line = |key: &str| {
        let mut lines = manifest.lines().map(str::trim);
        lines
            .find_map(|line| line.strip_prefix(key))
            .unwrap()
            .to_owned()
    };
    let args: Vec<String> = serde_json::from_str(&line("args: ")).unwrap();
    let user: u32 = line("runAsUser: ").parse().unwrap();
    let image = std::fs::read_to_string(root().join("Dockerfile")).unwrap();
    assert!(
        image.contains(&format!("--uid {user} ")),
        "the image's user"
    );
    for mount in args.iter().filter(|arg| arg.starts_with('/')) {
        let is_mounted = |line: &str| {
            line.trim()
                .strip_prefix("mountPath: ")
                .is_some_and(|path| mount.starts_with(path))
        };
        assert!(manifest.lines().any(is_mounted), "{mount}");
    }
    let config = manifest.split("hcsync.toml: |\n").nth(1).unwrap();
    let config = config.split("---").next().unwrap();
    assert!(toml::from_str::<toml::Table>(&config.replace("    ", "")).is_ok());
    std::fs::create_dir(place.path("state")).unwrap();
    let is_root = chown(place.path("state"), Some(user), Some(user)).is_ok();
    let args: Vec<String> = args
        .iter()
        .map(|arg| match arg.as_str() {
            "/data/export.jsonl" => place.text("export.jsonl"),
            "/etc/hcsync/hcsync.toml" => place.text("hcsync.toml"),
            "/state" => place.text("state"),
            other => other.to_owned(),
        })
        .collect();
    // Only root can become somebody else.
    let become_user = match is_root {
        true => format!("setpriv --reuid {user} --regid {user} --clear-groups "),
        false => String::new(),
    };
    let mut shell = place.shell(&format!("{become_user}hcsync {}", args.join(" ")));
    shell
        .env("HELPCRUNCH_API_KEY", KEY)
        .env("HOME", "/nonexistent");
    place.is_synced(&shell.output().unwrap());
}

#[test]
fn githubs_step_runs() {
    let place = Place::new();
    place.config("");
    let workflow = blocks("yaml")
        .into_iter()
        .find(|block| block.contains("runs-on:"))
        .unwrap();
    let script = workflow.split("run: |\n").nth(1).unwrap();
    let script = script
        .lines()
        .take_while(|line| line.starts_with("          "))
        .collect::<Vec<_>>();
    let mut shell = place.shell(&script.join("\n"));
    shell
        .current_dir(place.path(""))
        .env("HELPCRUNCH_API_KEY", KEY);
    place.is_synced(&shell.output().unwrap());
    assert!(place.path("state/runs").exists());
}

#[test]
fn the_manifests_are_yaml_where_python_can_say_so() {
    for block in blocks("yaml") {
        let place = Place::new();
        place.write("it.yaml", &block);
        let script = "import sys, yaml; list(yaml.safe_load_all(open(sys.argv[1])))";
        let parsed = Command::new("python3")
            .args(["-c", script])
            .arg(place.path("it.yaml"))
            .output();
        let Ok(parsed) = parsed else { return };
        let said = String::from_utf8_lossy(&parsed.stderr);
        assert!(
            parsed.status.success() || said.contains("No module named"),
            "{said}\n{block}"
        );
    }
}
