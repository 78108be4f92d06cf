//! `hcsync fleet`: commands about many accounts.

use crate::cli::args::{FleetArgs, FleetCommand};
use crate::cli::exit::Exit;

use super::fleet_check;

pub(in crate::cli) async fn run(args: &FleetArgs) -> Exit {
    match &args.command {
        FleetCommand::Check(args) => Box::pin(fleet_check::run(args)).await,
    }
}
