//! `hcsync fleet status`: all accounts of the state database at a glance.

use std::time::SystemTime;

use crate::cli::args::{FleetStatusArgs, overrides_of};
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::overlap::FilesInUse;
use crate::cli::shared_state::{open_database, refreshed_state_dir, state_config};
use crate::pace::Clock;
use crate::postgres::{AccountStatus, PulledRuns, fleet_status};
use crate::report::{
    FleetAccountStatus, FleetState, FleetStatus, fleet_status_headline, render_fleet_status,
    write_fleet_status,
};

use super::history::{history_of, write_page};

pub(in crate::cli) async fn run(args: &FleetStatusArgs) -> Exit {
    let console = Console::from(&args.console);
    console.exit_code(status(args, &console).await.map(|()| Exit::Done))
}

async fn status(args: &FleetStatusArgs, console: &Console) -> Result<(), Failure> {
    let config = state_config(&overrides_of(&[&args.config, &args.state]))?;
    let Some(database) = open_database(&config).await? else {
        return Err(Failure::usage("no state database is named").hint(
            "give --state-url, or set state.url in the config; `hcsync status` shows the accounts of this machine",
        ));
    };
    if let Some(path) = &args.out {
        FilesInUse::default().writes("--out", path)?;
        let state_dir = args.state.state_dir.as_deref();
        let state = refreshed_state_dir(state_dir, &config, PulledRuns::Facts).await?;
        write_page(path, &history_of(&state)?, console)?;
        console.say(&format!("history written: {}", path.display()));
        return Ok(());
    }
    let now = Clock::start(SystemTime::now());
    let accounts = fleet_status(&database).await?;
    let report = FleetStatus {
        database: database.shown().to_owned(),
        now: now.rfc3339(),
        accounts: accounts
            .into_iter()
            .map(|account| described(account, now))
            .collect(),
    };
    console.print_result(
        |out| write_fleet_status(out, &report),
        || fleet_status_headline(&report),
        |view| render_fleet_status(&report, view),
    );
    Ok(())
}

fn described(account: AccountStatus, now: Clock) -> FleetAccountStatus {
    let state = match (&account.holder, &account.last_run) {
        (Some(_), _) => FleetState::Running,
        (None, None) => FleetState::Never,
        (None, Some(run)) => FleetState::of_exit(run.exit_code),
    };
    let age = |at: &String| {
        let at: jiff::Timestamp = at.parse().ok()?;
        Some(now.wall().duration_since(at).as_secs_f64())
    };
    FleetAccountStatus {
        account: account.name,
        account_id: account.id,
        base_url: account.base_url,
        state,
        running: account.holder.map(|holder| holder.to_string()),
        last_run: account.last_run,
        last_success_age_s: account.last_success.as_ref().and_then(age),
        last_success: account.last_success,
    }
}
