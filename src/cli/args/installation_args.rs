//! The commands that print what an installation needs beside the program.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// Prints shell completions
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync completions bash > ~/.local/share/bash-completion/completions/hcsync
  hcsync completions fish > ~/.config/fish/completions/hcsync.fish")]
pub struct CompletionsArgs {
    /// The shell to complete in
    pub shell: Shell,
}

/// Prints the man pages, in roff
///
/// One page for the program and one for each command. SOURCE_DATE_EPOCH, if set, is the date in their heads.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hcsync man --out-dir ~/.local/share/man/man1    hcsync.1, hcsync-sync.1, ...
  hcsync man > all.1                              all of them, one after another")]
pub struct ManArgs {
    /// Write a file for each page into this folder, which is created if it does not exist
    #[arg(long, value_name = "DIR", env = "HCSYNC_OUT_DIR")]
    pub out_dir: Option<PathBuf>,
}
