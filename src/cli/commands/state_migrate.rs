//! `hcsync state migrate`: creates or updates the tables of the state database.

use std::io::Write as _;

use serde_json::json;

use crate::cli::args::{MigrateArgs, StateCommand, StateCommandArgs, overrides_of};
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::shared_state::state_config;
use crate::postgres::Database;

pub(in crate::cli) async fn run(args: &StateCommandArgs) -> Exit {
    let StateCommand::Migrate(args) = &args.command;
    let console = Console::from(&args.console);
    console.exit_code(migrate(args, &console).await.map(|()| Exit::Done))
}

async fn migrate(args: &MigrateArgs, console: &Console) -> Result<(), Failure> {
    let state = state_config(&overrides_of(&[&args.config, &args.state]))?;
    let Some(settings) = state.database() else {
        return Err(Failure::usage("no state database is named")
            .hint("give --state-url, or set state.url in the config"));
    };
    let (before, after) = Database::migrate(&settings).await?;
    let text = match before {
        0 => format!("{}: created the tables (schema {after})", settings.shown()),
        _ if before == after => format!("{}: nothing to do (schema {after})", settings.shown()),
        _ => format!(
            "{}: updated from schema {before} to {after}",
            settings.shown()
        ),
    };
    console.print_result(
        |out| {
            let result = json!({ "hcsync_state_migrate": 1, "from": before, "to": after });
            serde_json::to_writer_pretty(&mut *out, &result)?;
            out.write_all(b"\n")
        },
        || text.clone(),
        |_| format!("{text}\n"),
    );
    Ok(())
}
