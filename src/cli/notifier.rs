//! Calls whoever `[notify]` names, and says what did not arrive. Nothing here changes how a run ends.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::LoadedConfig;
use crate::notify::{
    ADDRESS_VARIABLES, Caller, Condition, Message, Ping, SecretAddress, WebhookFormat,
};
use crate::platform::{Program, mode_open_to_others};

use super::console::Console;
use super::exit::chain;
use super::program_output::{API_KEY, ended, pass_on, resolved};

/// An address has some hundred bytes.
const MAX_ADDRESS: u64 = 16 * 1024;
/// How long a program may take.
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two looks whether a program has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// The calls that a config makes.
#[derive(Debug, Clone)]
pub(super) struct Notifier {
    when: Vec<Condition>,
    webhook: Option<SecretAddress>,
    format: WebhookFormat,
    ping: Option<SecretAddress>,
    command: Vec<String>,
    /// Of the config: the program runs in it.
    folder: PathBuf,
    /// Addresses that cannot be used, a sentence each.
    pub(super) unusable: Vec<String>,
}

/// How one call went.
#[derive(Debug)]
pub(super) struct Called {
    /// What was called, without anything secret.
    pub(super) name: String,
    pub(super) result: Result<(), String>,
}

impl Notifier {
    /// The calls of a config; `None` if it makes none. Warns about a file with an address that others can read.
    pub(super) fn of(loaded: &LoadedConfig, console: &Console) -> Option<Self> {
        let config = &loaded.settings.notify;
        let mut unusable = Vec::new();
        let mut address = |variable: &str, file: Option<&Path>| {
            let found = read_address(variable, file, console);
            found.unwrap_or_else(|problem| {
                unusable.push(problem);
                None
            })
        };
        let [webhook, ping] = ADDRESS_VARIABLES;
        let webhook = address(webhook, config.webhook_file.as_deref());
        let ping = address(ping, config.ping_file.as_deref());
        let notifier = Self {
            when: config.when.iter().map(|condition| condition.0).collect(),
            format: config.webhook_format,
            webhook,
            ping,
            command: config.command.clone(),
            folder: loaded.folder(),
            unusable,
        };
        let has_calls = notifier.webhook.is_some()
            || notifier.ping.is_some()
            || !notifier.command.is_empty()
            || !notifier.unusable.is_empty();
        has_calls.then_some(notifier)
    }

    pub(super) fn conditions(&self) -> &[Condition] {
        &self.when
    }

    /// Calls the ping address, if there is one.
    pub(super) async fn ping(&self, ping: Ping, text: String) -> Option<Called> {
        let address = self.ping.as_ref()?;
        let result = match Caller::new() {
            Ok(caller) => caller.ping(address, ping, text).await,
            Err(error) => Err(error),
        };
        Some(called(format!("the ping at {}", address.host()), result))
    }

    /// Calls the webhook and the program.
    pub(super) async fn call(&self, message: &Message, console: &Console) -> Vec<Called> {
        let (webhook, program) =
            tokio::join!(self.webhook(message), self.program(message, console));
        webhook.into_iter().chain(program).collect()
    }

    async fn webhook(&self, message: &Message) -> Option<Called> {
        let address = self.webhook.as_ref()?;
        let body = message.body(self.format.at(&address.host()));
        let result = match Caller::new() {
            Ok(caller) => caller.post(address, body).await,
            Err(error) => Err(error),
        };
        Some(called(format!("the webhook at {}", address.host()), result))
    }

    async fn program(&self, message: &Message, console: &Console) -> Option<Called> {
        let program = Path::new(self.command.first()?).file_name();
        let name = program
            .unwrap_or(OsStr::new(""))
            .to_string_lossy()
            .into_owned();
        let result = self.run(&name, message, console).await;
        Some(Called {
            name: format!("the program `{name}`"),
            result,
        })
    }

    async fn run(&self, name: &str, message: &Message, console: &Console) -> Result<(), String> {
        let cannot_start = |error: io::Error| format!("it cannot be started: {error}");
        let Some((program, arguments)) = self.command.split_first() else {
            return Ok(());
        };
        let mut command = Command::new(resolved(program, &self.folder));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .envs(message.variables())
            .env_remove(API_KEY);
        for secret in ADDRESS_VARIABLES {
            command.env_remove(secret);
        }
        let stdin = facts_file(message).map_err(cannot_start)?;
        let mut program = Program::start_with(command, io::stderr().is_terminal(), stdin)
            .map_err(cannot_start)?;
        let mut lines = None;
        if let Some((stdout, stderr)) = program.take_streams() {
            lines = Some((
                pass_on(stdout, name, console),
                pass_on(stderr, name, console),
            ));
        }
        let deadline = Instant::now() + PROGRAM_TIMEOUT;
        while !program.has_ended() {
            if Instant::now() >= deadline {
                let limit = PROGRAM_TIMEOUT.as_secs();
                return Err(format!("it took longer than {limit} seconds and was ended"));
            }
            tokio::time::sleep(PAUSE).await;
        }
        let status = program.wait().map_err(|error| error.to_string())?;
        if let Some((out, err)) = lines {
            // Its last lines come before what is said about it.
            let _ = (out.recv_timeout(PAUSE * 10), err.recv_timeout(PAUSE * 10));
        }
        match status.success() {
            true => Ok(()),
            false => Err(format!("it {}", ended(status))),
        }
    }
}

/// The facts as a file: a program that does not read its standard input cannot block on it.
fn facts_file(message: &Message) -> io::Result<Stdio> {
    let mut file = tempfile::tempfile()?;
    writeln!(file, "{}", message.json())?;
    file.rewind()?;
    Ok(file.into())
}

fn called(name: String, result: Result<(), crate::notify::CallError>) -> Called {
    Called {
        name,
        result: result.map_err(|error| chain(&error)),
    }
}

/// The address from its variable or file, if one is set. The error says what is wrong, and nothing of the address.
fn read_address(
    variable: &str,
    file: Option<&Path>,
    console: &Console,
) -> Result<Option<SecretAddress>, String> {
    let value = std::env::var_os(variable).filter(|value| !value.is_empty());
    let (origin, text) = match (value, file) {
        (Some(value), _) => (
            variable.to_owned(),
            Ok(value.to_string_lossy().into_owned()),
        ),
        (None, Some(file)) => (file.display().to_string(), read_secret(file, console)),
        (None, None) => return Ok(None),
    };
    let text = text.map_err(|error| format!("{origin} cannot be read: {error}"))?;
    let address = SecretAddress::parse(&text);
    address
        .map(Some)
        .map_err(|error| format!("{origin} {error}"))
}

fn read_secret(path: &Path, console: &Console) -> io::Result<String> {
    let file = File::open(path)?;
    if let Some(mode) = mode_open_to_others(&file)? {
        console.warn(&format!(
            "{} can be read by other users (mode {mode:04o}); run chmod 600 on it",
            path.display()
        ));
    }
    let mut text = String::new();
    file.take(MAX_ADDRESS).read_to_string(&mut text)?;
    Ok(text)
}
