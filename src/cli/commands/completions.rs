//! `hcsync completions`: prints a completion script for a shell.

use clap::CommandFactory;

use crate::cli::args::{Args, CompletionsArgs};
use crate::cli::exit::Exit;

pub(in crate::cli) fn run(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "hcsync", &mut script);
    super::man::print(&script)
}
