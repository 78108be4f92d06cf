//! `hcsync fleet`: commands about many accounts.

use crate::cli::args::{FleetArgs, FleetCommand};
use crate::cli::exit::Exit;

use super::{fleet_check, fleet_status};

pub(in crate::cli) async fn run(args: &FleetArgs) -> Exit {
    match &args.command {
        FleetCommand::Check(args) => Box::pin(fleet_check::run(args)).await,
        FleetCommand::Status(args) => fleet_status::run(args).await,
    }
}
