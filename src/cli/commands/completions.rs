//! `hcsync completions`: prints a completion script for a shell.

use std::io::{self, Write};

use clap::CommandFactory;

use crate::cli::args::{Args, CompletionsArgs};
use crate::cli::exit::Exit;

pub(in crate::cli) fn run(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "hcsync", &mut script);
    // A closed pipe is no error: the reader has seen enough.
    let mut out = io::stdout().lock();
    let _ = out.write_all(&script).and_then(|()| out.flush());
    Exit::Done
}
