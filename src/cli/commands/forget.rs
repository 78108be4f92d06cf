//! `hcsync forget`: erases people from what hcsync keeps, and with `--remote` from HelpCrunch.

use std::fs;
use std::io::Write as _;

use crate::cli::account::check_key;
use crate::cli::args::{ForgetArgs, overrides_of};
use crate::cli::command_runner::CommandRunner;
use crate::cli::confirmation::{ask, require_consent, require_terminal};
use crate::cli::connection::Target;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure, OrFail as _};
use crate::cli::forgetting::{Erased, LockedState};
use crate::cli::session::Session;
use crate::cli::shared_state::state_config;
use crate::cli::state::{named_state_dir, state_dir};
use crate::config::Settings;
use crate::domain::{CustomerId, RunId};
use crate::helpcrunch::{CallError, ReadClient, WriteClient};
use crate::journal::StateDir;
use crate::remote::customers_with_email;
use crate::report::plural;
use crate::run::erasure::People;

pub(in crate::cli) async fn run(args: &ForgetArgs) -> Exit {
    let console = Console::from(&args.console);
    let work = async |session: &mut Session| forget(session, args).await;
    CommandRunner::new("forget", console).run(work).await
}

async fn forget(session: &mut Session, args: &ForgetArgs) -> Result<Exit, Failure> {
    let mut people = People::new(addresses(args)?).or_usage("usage")?;
    let started_at = session.clock.rfc3339();
    let mut deleted = None;
    let state = match args.remote {
        false => {
            let settings = Settings {
                state: state_config(&overrides_of(&[&args.account]))?,
                ..Settings::default()
            };
            let state = named_state_dir(args.account.state.state_dir.as_deref())?;
            lock(session, &settings, state, &started_at).await?
        }
        true => {
            let (remote, settings) = Remote::open(session, args).await?;
            let state = lock(session, &settings, remote.state.clone(), &started_at).await?;
            let account = &remote.target.account;
            session.guard(account, remote.client.gate()).await?;
            // A run that is not finished refuses before anything is deleted.
            state.find(&mut people)?;
            deleted = Some(remote.delete(session, args, &mut people).await?);
            state
        }
    };
    state.find(&mut people)?;
    let erased = state.erase(&people)?;
    let removed = erased.removed.iter().filter_map(|id| RunId::new(id).ok());
    let removed: Vec<_> = removed.collect();
    session.push_everything(&removed).await?;
    print_receipt(session, people.emails().len(), &erased, deleted);
    if erased.left.is_empty() {
        return Ok(Exit::Done);
    }
    let left = erased.left.iter().map(|path| path.display().to_string());
    let message = format!(
        "an address still stands in {}",
        left.collect::<Vec<_>>().join(", ")
    );
    Err(Failure::new(Exit::NotFinished, "left", message).hint("remove these files yourself"))
}

/// Locks all accounts, here and in the state database, with all their runs at hand.
async fn lock(
    session: &mut Session,
    settings: &Settings,
    state: StateDir,
    started_at: &str,
) -> Result<LockedState, Failure> {
    session.lock_all_accounts(settings, &state).await?;
    let locked = LockedState::lock(state, started_at)?;
    session.pull_everything().await?;
    Ok(locked)
}

/// The addresses of `--email` and `--list`.
fn addresses(args: &ForgetArgs) -> Result<Vec<String>, Failure> {
    let mut addresses: Vec<String> = args.email.iter().map(|e| e.trim().to_owned()).collect();
    if addresses.iter().any(|address| !is_address(address)) {
        return Err(Failure::usage("--email names no e-mail address"));
    }
    if let Some(list) = &args.list {
        let text = fs::read_to_string(list);
        let text = text.map_err(|error| {
            Failure::usage(format!("{} cannot be read: {error}", list.display()))
        })?;
        let text = text.trim_start_matches('\u{feff}');
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            if !is_address(line) {
                let message = format!("{}:{number}: no e-mail address", list.display());
                return Err(Failure::usage(message).hint("the file has one address on each line"));
            }
            addresses.push(line.to_owned());
        }
        if addresses.is_empty() {
            return Err(Failure::usage(format!("{} is empty", list.display())));
        }
    }
    Ok(addresses)
}

fn is_address(text: &str) -> bool {
    let (name, host) = text.rsplit_once('@').unwrap_or_default();
    !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace)
}

/// The account whose customers are deleted.
struct Remote {
    target: Target,
    client: ReadClient,
    state: StateDir,
}

impl Remote {
    async fn open(session: &mut Session, args: &ForgetArgs) -> Result<(Self, Settings), Failure> {
        let settings = session.load(&overrides_of(&[&args.account]))?.settings;
        require_terminal(&args.ask)?;
        let target = Target::find(&settings, &session.console).await?;
        // Deleting takes chats along, so it is never unasked, not even on loopback.
        require_consent(&args.ask, false)?;
        session.set_target(&settings, &target);
        let client = target.connect(&settings, session.clock, &session.stopping)?;
        let state = state_dir(&settings)?;
        let account = state.create_account(&target.account)?;
        check_key(&target, &account, &client).await?;
        let remote = Self {
            target,
            client,
            state,
        };
        Ok((remote, settings))
    }

    /// Deletes the customers that have the addresses, after a question. Returns their number.
    async fn delete(
        &self,
        session: &Session,
        args: &ForgetArgs,
        people: &mut People,
    ) -> Result<usize, Failure> {
        let customers = self.find(session, people).await?;
        if customers.is_empty() {
            return Ok(0);
        }
        if args.ask.confirm || !args.ask.yes {
            let question = format!(
                "Delete {} with all their chats at {}? This cannot be taken back.",
                plural(customers.len() as u64, "customer", "customers"),
                self.target.base_url_text
            );
            ask(&question, &session.stopping).await?;
        }
        people.learn_ids(customers.iter().copied());
        let writer = WriteClient::new(self.client.clone());
        for id in &customers {
            match writer.delete(*id).await.result {
                Ok(()) => {}
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(self.failure(session, &error)),
            }
        }
        Ok(customers.len())
    }

    async fn find(&self, session: &Session, people: &People) -> Result<Vec<CustomerId>, Failure> {
        let mut found = Vec::new();
        for email in people.emails() {
            let customers = customers_with_email(&self.client, email).await;
            let customers = customers.map_err(|error| self.failure(session, &error))?;
            found.extend(customers.into_iter().map(|(customer, _)| customer.id));
        }
        Ok(found)
    }

    fn failure(&self, session: &Session, error: &CallError) -> Failure {
        let gate = session.gate_failure(&self.client);
        gate.unwrap_or_else(|| Failure::from_error(Exit::NotFinished, "remote", error))
            .or_hint("nothing was erased here; run the command again")
    }
}

/// Prints what was erased, without any of the data.
fn print_receipt(session: &Session, people: usize, erased: &Erased, deleted: Option<usize>) {
    let rows: usize = erased.runs.iter().map(|(_, rows)| rows).sum();
    let runs: Vec<_> = erased
        .runs
        .iter()
        .map(|(id, rows)| serde_json::json!({ "run_id": id, "rows": rows }))
        .collect();
    let headline = format!(
        "{}: {} erased from {}",
        plural(people as u64, "e-mail address", "e-mail addresses"),
        plural(rows as u64, "row", "rows"),
        plural(erased.runs.len() as u64, "run", "runs")
    );
    session.console.print_result(
        |out| {
            let receipt = serde_json::json!({
                "hcsync_forget": 1,
                "at": session.clock.rfc3339(),
                "addresses": people,
                "runs": runs,
                "removed_runs": erased.removed,
                "customers_deleted": deleted,
            });
            serde_json::to_writer_pretty(&mut *out, &receipt)?;
            out.write_all(b"\n")
        },
        || headline.clone(),
        |_| {
            let mut text = format!("{headline}\n");
            for run in &erased.removed {
                text.push_str(&format!(
                    "run {run} was removed: it had sent nothing, or could not be read\n"
                ));
            }
            if let Some(deleted) = deleted {
                let customers = plural(deleted as u64, "customer", "customers");
                text.push_str(&format!("{customers} deleted in HelpCrunch\n"));
                if deleted > 0 {
                    text.push_str(
                        "a sync of an input that still has them creates them again; saved plans and reports are yours to erase\n",
                    );
                }
            }
            text
        },
    );
}
