//! `hcsync probe`: finds out how the account's API behaves where its documentation is silent.

use tokio_util::sync::CancellationToken;

use crate::cli::account::{admit_key, lock_failure};
use crate::cli::args::{ProbeArgs, When};
use crate::cli::asking::{ask, must_ask, refuse_without_terminal};
use crate::cli::beginning::Beginning;
use crate::cli::connection::Target;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure, chain};
use crate::cli::probed::{findings, settle};
use crate::cli::session::{Session, state_dir, state_failure};
use crate::config::{Overrides, Settings};
use crate::helpcrunch::{ReadClient, StopKind, WriteClient};
use crate::journal::{AccountDir, AccountId, AccountLock};
use crate::pace::Limiter;
use crate::probe::{
    Cleaned, End, Knowledge, Left, MOST_REQUESTS, Probe, ProbeError, ProbeStore, Report,
    StoreError, USUAL_REQUESTS, clean, render,
};

/// Random letters and digits of the customer's userId: enough for no two probes ever to share them.
const TOKEN: usize = 12;

pub(in crate::cli) async fn run(args: &ProbeArgs) -> Exit {
    let console = Console::new(args.output.output, When::Never, &args.log);
    let work = async |session: &mut Session| probe(session, args).await;
    Beginning::new("probe", console).run(work).await
}

async fn probe(session: &mut Session, args: &ProbeArgs) -> Result<Exit, Failure> {
    let settings = session.load(&Overrides::from(args))?.settings;
    if args.show {
        return show_known(session, &settings).await;
    }
    refuse_without_terminal(&args.ask)?;
    let target = Target::find(&settings, &session.console).await?;
    let client = patient_client(session, &settings, &target)?;
    let state = state_dir(&settings)?;
    let account = state
        .create_account(&target.account)
        .map_err(|e| state_failure(&e))?;
    let _lock =
        AccountLock::acquire(&account, &session.clock.rfc3339()).map_err(|e| lock_failure(&e))?;
    session.console.say(&announcement(&settings, &target));
    if must_ask(&args.ask, &target) {
        ask("Make this customer and delete it again?", &session.stopping).await?;
    }
    admit_key(&target, &account, &client).await?;
    let writer = WriteClient::new(client.clone());
    let store = ProbeStore::of(&account);
    let known = findings(session, &target, &account);
    let probe = Probe {
        client: &writer,
        store: &store,
        clock: session.clock,
        settle: settle(&settings, &known),
        stop: session.stopping.stops.soft.clone(),
    };
    let report = Box::pin(probe.run(token())).await;
    let mut report = report.map_err(|e| probe_failure(session, &client, &e))?;
    if let (Some(_), End::Closed(kind, _)) = (&report.left, &report.end)
        && *kind != StopKind::Signal
    {
        report.left = second_chance(session, &settings, &target, &probe).await?;
    }
    session.count_requests(&client, &settings);
    finish(session, &account, &client, report)
}

/// A client whose gate the first signal leaves open, so that the customer can be deleted after it.
fn patient_client(
    session: &Session,
    settings: &Settings,
    target: &Target,
) -> Result<ReadClient, Failure> {
    let mut stopping = session.stopping.clone();
    stopping.stops.soft = CancellationToken::new();
    target.connect(settings, session.clock, &stopping)
}

/// The probe's gate closed before the customer was deleted: another one may find the API in a better mood.
async fn second_chance(
    session: &Session,
    settings: &Settings,
    target: &Target,
    probe: &Probe<'_>,
) -> Result<Option<Left>, Failure> {
    let client = WriteClient::new(patient_client(session, settings, target)?);
    let cleaned = clean(&client, probe.store, probe.clock, probe.settle).await;
    match cleaned.map_err(|e| store_failure(&e))? {
        Cleaned::Left(left) => Ok(Some(left)),
        Cleaned::Nothing | Cleaned::Gone(_) => Ok(None),
    }
}

fn token() -> String {
    let letters = std::iter::repeat_with(fastrand::alphanumeric);
    letters.take(TOKEN).collect::<String>().to_lowercase()
}

fn announcement(settings: &Settings, target: &Target) -> String {
    let limits = &settings.limits;
    let gap = Limiter::new(limits.requests_per_minute, limits.reserve).gap();
    let time = gap.map_or(String::new(), |gap| {
        format!(", {} s", (gap * USUAL_REQUESTS).as_secs().max(1))
    });
    format!(
        "probing {} with one customer, which is deleted again: about {USUAL_REQUESTS} \
         requests{time}, at most {MOST_REQUESTS} where none has to be repeated",
        target.base_url_text
    )
}

/// Keeps and shows what was found; tells of a customer that stayed.
fn finish(
    session: &Session,
    account: &AccountDir,
    client: &ReadClient,
    report: Report,
) -> Result<Exit, Failure> {
    let store = ProbeStore::of(account);
    let knowledge = store.read().map_err(|e| store_failure(&e))?;
    let mut knowledge = knowledge.unwrap_or_default();
    knowledge.update(report.findings, report.made, session.clock.rfc3339());
    store.write(&knowledge).map_err(|e| store_failure(&e))?;
    if let Some(earlier) = &report.earlier {
        let told = format!("{earlier}, which an interrupted probe had made, is deleted");
        session.console.say(&told);
    }
    if let Some(left) = &report.left {
        return Err(left_failure(session, left));
    }
    let failure = match report.end {
        End::Through => {
            session
                .console
                .say(&format!("{} requests", session.summary.requests.total));
            print(session, &knowledge);
            return Ok(Exit::Done);
        }
        End::Stopped => {
            let message = "the probe was stopped; its customer is deleted";
            Failure::new(session.stopping.exit(), "signal", message)
        }
        End::Closed(_, why) => {
            let closed = || Failure::new(Exit::NotFinished, "not_finished", why);
            session.gate_failure(client).unwrap_or_else(closed)
        }
        End::NotMade(why) => {
            let message = format!("no customer could be made to ask with: {why}");
            Failure::new(Exit::NotFinished, "not_made", message)
        }
    };
    Err(failure.hint("what was found until then is kept: hcsync probe --show"))
}

fn left_failure(session: &Session, left: &Left) -> Failure {
    let stopped = session.stopping.is_stopped();
    let exit = if stopped {
        session.stopping.exit()
    } else {
        Exit::NotFinished
    };
    let message = format!(
        "{} was made by a probe and could not be deleted: {}",
        left.throwaway, left.why
    );
    Failure::new(exit, "left_customer", message)
        .hint("the next `hcsync probe` or `hcsync sync` deletes it; or delete it in HelpCrunch")
}

fn probe_failure(session: &Session, client: &ReadClient, error: &ProbeError) -> Failure {
    match error {
        ProbeError::Store(error) => store_failure(error),
        ProbeError::LeftOver(left) => {
            let gate = session.gate_failure(client);
            gate.unwrap_or_else(|| left_failure(session, left))
        }
    }
}

fn store_failure(error: &StoreError) -> Failure {
    Failure::from_error(Exit::NotFinished, "state", error)
}

/// Shows what is known, without a request.
async fn show_known(session: &Session, settings: &Settings) -> Result<Exit, Failure> {
    let account = state_dir(settings)?.account(&account_id(session, settings).await?);
    let known = ProbeStore::of(&account).read();
    let knowledge = known.map_err(|e| Failure::usage(chain(&e)))?;
    print(session, &knowledge.unwrap_or_default());
    Ok(Exit::Done)
}

/// A named account needs no key.
async fn account_id(session: &Session, settings: &Settings) -> Result<AccountId, Failure> {
    if settings.run.sandbox {
        return Ok(AccountId::named("sandbox", "sandbox"));
    }
    if let Some(name) = &settings.api.account {
        return Ok(AccountId::named(&settings.api.base_url, name));
    }
    Ok(Target::find(settings, &session.console).await?.account)
}

fn print(session: &Session, knowledge: &Knowledge) {
    let console = &session.console;
    if console.is_json() {
        let json = serde_json::to_string_pretty(knowledge).unwrap_or_default();
        console.print(&format!("{json}\n"));
    } else {
        console.print(&render(knowledge, console.view().width()));
    }
}
