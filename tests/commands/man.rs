//! `man`: a page for the program and one for each command.

use clap::CommandFactory;
use hcsync::cli::args::Args;

use crate::bench::{Bench, Running};

#[test]
fn every_command_has_its_page_and_every_page_its_sections() {
    let bench = Bench::empty();
    let pages = Running::start(bench.bare(&["man"])).wait().exits(0).out;
    let heads: Vec<&str> = pages
        .lines()
        .filter(|line| line.starts_with(".TH "))
        .collect();
    let program = Args::command();
    let commands: Vec<_> = program
        .get_subcommands()
        .map(|c| c.get_name().to_owned())
        .collect();
    assert_eq!(heads.len(), commands.len() + 1, "{heads:?}");
    for command in &commands {
        let head = format!(".TH hcsync-{command} 1");
        assert!(
            heads.iter().any(|line| line.starts_with(&head)),
            "{head}: {heads:?}"
        );
    }
    assert_eq!(pages.matches(".SH SYNOPSIS").count(), heads.len());
    assert_eq!(pages.matches(".SH DESCRIPTION").count(), heads.len());
}
