//! `hcsync man`: the man pages, one after another, on standard output.

use std::io::{self, Write};

use clap::CommandFactory;

use crate::cli::args::Args;
use crate::cli::exit::Exit;

pub(in crate::cli) fn run() -> Exit {
    match pages() {
        Ok(pages) => print(&pages),
        Err(_) => Exit::NotFinished,
    }
}

fn pages() -> io::Result<Vec<u8>> {
    let mut program = Args::command();
    program.build();
    let mut pages = Vec::new();
    clap_mangen::Man::new(program.clone()).render(&mut pages)?;
    for command in program.get_subcommands().filter(|c| c.get_name() != "help") {
        let name = format!("hcsync-{}", command.get_name());
        clap_mangen::Man::new(command.clone().name(name)).render(&mut pages)?;
    }
    Ok(pages)
}

/// Prints bytes. A closed pipe is no error: the reader has seen enough.
pub(super) fn print(bytes: &[u8]) -> Exit {
    let mut out = io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
    Exit::Done
}
