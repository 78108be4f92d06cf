//! `hcsync probe`: finds out how the account's API behaves where its documentation is silent.

use std::io::Write as _;

use tokio_util::sync::CancellationToken;

use crate::cli::account::{check_key, remember_organization};
use crate::cli::account_findings::{knowledge, settle_time};
use crate::cli::args::ProbeArgs;
use crate::cli::command_runner::CommandRunner;
use crate::cli::confirmation::{ask, needs_question, require_terminal};
use crate::cli::connection::{Target, sandbox_account};
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure, OrFail as _, chain};
use crate::cli::learned;
use crate::cli::session::Session;
use crate::cli::shared_state::Access;
use crate::cli::state::state_dir;
use crate::config::Settings;
use crate::helpcrunch::{ReadClient, StopKind, WriteClient, describe_members};
use crate::journal::{AccountDir, AccountId, AccountLock};
use crate::pace::Limiter;
use crate::probe::{
    Cleanup, Knowledge, Leftover, MAX_REQUESTS, Probe, ProbeEnd, ProbeError, ProbeReport,
    ProbeStore, TYPICAL_REQUESTS, clean_up, render,
};
use crate::report::clean;

/// Length of the random part of the customer's userId: enough that no two probes draw the same.
const TOKEN_LENGTH: usize = 12;

pub(in crate::cli) async fn run(args: &ProbeArgs) -> Exit {
    let console = Console::from(&args.console);
    let work = async |session: &mut Session| probe(session, args).await;
    CommandRunner::new("probe", console).run(work).await
}

async fn probe(session: &mut Session, args: &ProbeArgs) -> Result<Exit, Failure> {
    let settings = session.load(&args.overrides())?.settings;
    if args.show {
        return show_known(session, &settings).await;
    }
    require_terminal(&args.ask)?;
    let target = Target::find(&settings, &session.console).await?;
    session.set_target(&settings, &target);
    let state = state_dir(&settings)?;
    let account = state.create_account(&target.account)?;
    let client = patient_client(session, &settings, &target)?;
    let _lock = AccountLock::acquire(&account, &session.clock.rfc3339())?;
    if !target.is_sandbox {
        let gate = (client.gate(), Access::Write);
        let local = (&state, &account);
        session.share_state(&settings, &target, local, gate).await?;
    }
    session.console.say(&announcement(&settings, &target));
    if needs_question(&args.ask, &target) {
        ask(
            "Create this customer and delete it again?",
            &session.stopping,
        )
        .await?;
    }
    check_key(&target, &account, &client).await?;
    let writer = WriteClient::new(client.clone());
    let store = ProbeStore::of(&account);
    let lasting = (!target.is_sandbox).then_some(&account);
    let earlier = knowledge(&session.console, lasting).findings;
    let probe = Probe {
        client: &writer,
        store: &store,
        clock: session.clock,
        settle: settle_time(&settings, &earlier),
        stop: session.stopping.stops.soft.clone(),
    };
    let report = Box::pin(probe.run(random_token())).await;
    let mut report = report.map_err(|e| probe_failure(session, &client, &e))?;
    if let (Some(_), ProbeEnd::Closed(kind, _)) = (&report.leftover, &report.end)
        && !matches!(kind, StopKind::Signal | StopKind::LeaseLost)
    {
        report.leftover = delete_again(session, &settings, &target, &probe).await?;
    }
    if let Some(found) = client.organization().await {
        session.console.say(&format!(
            "HelpCrunch calls this account {}",
            clean(&found.name)
        ));
        if let Some(account) = lasting {
            remember_organization(account, &settings, found)?;
        }
    }
    session.count_requests(&client, &settings);
    learned::save(&client, lasting);
    finish(session, &account, &client, report)
}

/// A client that still works after the first signal, so that the customer can be deleted then.
fn patient_client(
    session: &Session,
    settings: &Settings,
    target: &Target,
) -> Result<ReadClient, Failure> {
    let mut stopping = session.stopping.clone();
    stopping.stops.soft = CancellationToken::new();
    target.connect(settings, session.clock, &stopping)
}

/// Tries again, through another gate, to delete the customer: the probe's gate closed before it could.
async fn delete_again(
    session: &Session,
    settings: &Settings,
    target: &Target,
    probe: &Probe<'_>,
) -> Result<Option<Leftover>, Failure> {
    let client = patient_client(session, settings, target)?;
    session.guard(&target.account, client.gate()).await?;
    let client = WriteClient::new(client);
    let cleaned = clean_up(&client, probe.store, probe.clock, probe.settle).await;
    match cleaned.or_not_finished("state")? {
        Cleanup::Failed(left) => Ok(Some(left)),
        Cleanup::NothingToDo | Cleanup::Deleted(_) => Ok(None),
    }
}

fn random_token() -> String {
    let letters = std::iter::repeat_with(fastrand::alphanumeric);
    letters
        .take(TOKEN_LENGTH)
        .collect::<String>()
        .to_lowercase()
}

/// What the API cannot remove again.
const LEFT_BEHIND: &str = "These stay in the account unless you remove them there: the tags `hcsync-probe` and \
                           `hcsync-probe-2`, and the properties `hcsync_probe` and `hcsync_probe_2`, where it has too few of its own";

fn announcement(settings: &Settings, target: &Target) -> String {
    let limits = &settings.limits;
    let gap = Limiter::new(limits.requests_per_minute, limits.reserve).gap();
    let time = gap.map_or(String::new(), |gap| {
        format!(", {} s", (gap * TYPICAL_REQUESTS).as_secs().max(1))
    });
    format!(
        "probing {} with one customer, which is deleted again: about {TYPICAL_REQUESTS} \
         requests{time}, at most {MAX_REQUESTS} if none has to be repeated. {LEFT_BEHIND}",
        target.base_url_text
    )
}

/// Saves and shows the findings. A customer that could not be deleted is a failure.
fn finish(
    session: &Session,
    account: &AccountDir,
    client: &ReadClient,
    report: ProbeReport,
) -> Result<Exit, Failure> {
    let store = ProbeStore::of(account);
    let knowledge = store.read().or_not_finished("state")?;
    let mut knowledge = knowledge.unwrap_or_default();
    knowledge.update(report.findings, report.made, session.clock.rfc3339());
    store.write(&knowledge).or_not_finished("state")?;
    if let Some(earlier) = &report.earlier {
        let message = format!("{earlier}, left by an interrupted probe, was deleted");
        session.console.say(&message);
    }
    if let Some(left) = &report.leftover {
        return Err(left_failure(session, left));
    }
    let failure = match report.end {
        ProbeEnd::Completed => {
            session
                .console
                .say(&format!("{} requests", session.summary.requests.total));
            print(session, &knowledge, client.shown_members());
            return Ok(Exit::Done);
        }
        ProbeEnd::Stopped => {
            let message = "the probe was stopped; its customer was deleted";
            Failure::new(session.stopping.exit(), "signal", message)
        }
        ProbeEnd::Closed(_, why) => {
            let closed = || Failure::new(Exit::NotFinished, "not_finished", why);
            session.gate_failure(client).unwrap_or_else(closed)
        }
        ProbeEnd::NotCreated(why) => {
            let message = format!("the probe could not create its customer: {why}");
            Failure::new(Exit::NotFinished, "not_made", message)
        }
    };
    Err(failure.hint("the findings until then are saved: hcsync probe --show"))
}

fn left_failure(session: &Session, left: &Leftover) -> Failure {
    let exit = match session.stopping.is_stopped() {
        true => session.stopping.exit(),
        false => Exit::NotFinished,
    };
    let message = format!(
        "{} was created by the probe and could not be deleted: {}",
        left.throwaway, left.why
    );
    Failure::new(exit, "left_customer", message)
        .hint("the next `hcsync probe` or `hcsync sync` deletes it; or delete it in HelpCrunch")
}

fn probe_failure(session: &Session, client: &ReadClient, error: &ProbeError) -> Failure {
    match error {
        ProbeError::Store(error) => Failure::from_error(Exit::NotFinished, "state", error),
        ProbeError::Leftover(left) => {
            let gate = session.gate_failure(client);
            gate.unwrap_or_else(|| left_failure(session, left))
        }
    }
}

/// Shows what is known, without sending a request.
async fn show_known(session: &Session, settings: &Settings) -> Result<Exit, Failure> {
    let account = state_dir(settings)?.account(&account_id(session, settings).await?);
    let knowledge = ProbeStore::of(&account).read();
    let knowledge = knowledge.map_err(|e| Failure::usage(chain(&e)))?;
    let members = learned::shown_members(&account);
    print(session, &knowledge.unwrap_or_default(), members);
    Ok(Exit::Done)
}

/// The account's id, which needs no key if the account has a name.
async fn account_id(session: &Session, settings: &Settings) -> Result<AccountId, Failure> {
    if settings.run.sandbox {
        return Ok(sandbox_account());
    }
    if let Some(name) = &settings.api.account {
        return Ok(AccountId::named(&settings.api.base_url, name));
    }
    Ok(Target::find(settings, &session.console).await?.account)
}

fn print(session: &Session, knowledge: &Knowledge, members: u16) {
    let probed = || match &knowledge.probed_at {
        Some(at) => format!("last probed {at}"),
        None => "nothing was probed yet".to_owned(),
    };
    session.console.print_result(
        |out| {
            serde_json::to_writer_pretty(&mut *out, knowledge)?;
            out.write_all(b"\n")
        },
        probed,
        |view| render(knowledge, &describe_members(members), view.width()),
    );
}
