//! The man pages: what clap knows of a command, and the sections that it does not know.

use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use jiff::civil::Date;

use super::args::Args;

const EXIT_STATUS: [(&str, &str); 9] = [
    ("0", "Done: every row is in the requested state."),
    (
        "1",
        "Not finished: the key was refused, the API did not respond, or the disk is full. `hcsync resume` continues.",
    ),
    (
        "2",
        "Wrong usage or config, no key, unreadable input, a bad plan file, or changes that need consent without a terminal to \
         ask at. Nothing was sent.",
    ),
    (
        "3",
        "Finished, but rows were rejected, failed or left in doubt.",
    ),
    ("4", "A safety limit refused the plan. Nothing was sent."),
    ("5", "Another run is working on this account."),
    (
        "6",
        "There are changes (only `plan` with `--detailed-exitcode`).",
    ),
    (
        "7",
        "Stopped by `--max-requests`, `--max-duration` or `--pause`. `hcsync resume` continues.",
    ),
    (
        "130, 143",
        "Stopped by SIGINT or SIGTERM. `hcsync resume` continues.",
    ),
];

const ENVIRONMENT: [(&str, &str); 5] = [
    (
        "HELPCRUNCH_API_KEY",
        "The API key. There is no option for it, because other processes can see a command line.",
    ),
    (
        "HCSYNC_OPTION",
        "The value of an option, such as HCSYNC_MAX_REQUESTS for `--max-requests`. The option itself overrides it.",
    ),
    (
        "CREDENTIALS_DIRECTORY",
        "Set by systemd for a service with `LoadCredential=helpcrunch_api_key:FILE`: the key may be there, too.",
    ),
    (
        "HTTPS_PROXY, NO_PROXY",
        "The proxy to use, and the hosts that need none.",
    ),
    ("NO_COLOR", "If set, output has no colour."),
];

const FILES: [(&str, &str); 2] = [
    (
        "hcsync.toml",
        "The config, if it is in the current folder and `--config` names no other. `hcsync config` prints an example with every key.",
    ),
    (
        "~/.local/state/hcsync",
        "Runs, journals, snapshots and locks (`$XDG_STATE_HOME/hcsync` if that is set, or what `--state-dir` names). It holds personal data, \
      and only its owner can read it.",
    ),
];

/// The pages that each page refers to, besides hcsync(1).
const RELATED: [(&str, &[&str]); 26] = [
    ("sync", &["check", "plan", "resume", "undo", "status"]),
    ("plan", &["apply", "show", "sync"]),
    ("show", &["plan", "runs", "why"]),
    ("apply", &["plan", "resume", "show", "undo"]),
    ("resume", &["runs", "status", "sync"]),
    ("undo", &["apply", "runs", "show"]),
    ("why", &["runs", "show"]),
    ("forget", &["export"]),
    ("runs", &["history", "show", "status"]),
    ("status", &["history", "resume", "runs"]),
    ("history", &["runs", "status"]),
    ("fleet", &["fleet-check", "status", "sync"]),
    ("fleet-check", &["check", "fleet", "sync"]),
    ("fleet-status", &["fleet", "state", "status"]),
    ("state", &["fleet-status", "state-migrate"]),
    ("state-migrate", &["state"]),
    ("export", &["forget", "sandbox", "sync"]),
    ("probe", &["sync"]),
    ("check", &["config", "init", "sync"]),
    ("init", &["check", "config"]),
    ("sandbox", &["demo", "export", "sync"]),
    ("demo", &["sandbox", "sync"]),
    ("notify", &["config", "sync"]),
    ("config", &["check", "init"]),
    ("completions", &["man"]),
    ("man", &["completions"]),
];

/// Lines at the head of every rendering, which define an apostrophe.
const PREAMBLE_LINES: usize = 2;

/// A page, ready to be written to a file of this name.
pub(super) struct ManPage {
    pub(super) file_name: String,
    pub(super) text: String,
}

/// Makes the page of the program and one for each command, with the date that their heads show.
pub(super) fn man_pages(date: Date) -> io::Result<Vec<ManPage>> {
    let mut program = Args::command().disable_help_subcommand(true);
    program.build();
    let commands = program.get_subcommands();
    let commands = commands.flat_map(|c| std::iter::once(c).chain(c.get_subcommands()));
    let commands: Vec<Command> = commands.cloned().collect();
    let every_name: Vec<&str> = commands.iter().map(name_of_page).collect();

    let mut sections = Roff::new();
    examples(&mut sections, &program);
    section(&mut sections, "EXIT STATUS", &EXIT_STATUS);
    section(&mut sections, "ENVIRONMENT", &ENVIRONMENT);
    section(&mut sections, "FILES", &FILES);
    see_also(&mut sections, &[], &every_name);
    let mut pages = vec![page(&program, date, &sections)?];
    for command in &commands {
        pages.push(page(command, date, &sections_of(command))?);
    }
    Ok(pages)
}

/// The name of a command's page, without the program's: `sync`, `fleet-check`.
fn name_of_page(command: &Command) -> &str {
    let name = command.get_display_name().unwrap_or_default();
    name.trim_start_matches("hcsync-")
}

fn sections_of(command: &Command) -> Roff {
    let name = name_of_page(command);
    let has_option = |id: &str| command.get_arguments().any(|option| option.get_id() == id);
    let mut sections = Roff::new();
    examples(&mut sections, command);
    if has_option("max_requests") {
        let can_end = |code: &str| code != "6" || has_option("detailed_exitcode");
        let codes: Vec<_> = EXIT_STATUS
            .into_iter()
            .filter(|(code, _)| can_end(code))
            .collect();
        section(&mut sections, "EXIT STATUS", &codes);
    }
    if has_option("base_url") {
        section(
            &mut sections,
            "ENVIRONMENT",
            ENVIRONMENT.get(..1).unwrap_or_default(),
        );
    }
    if has_option("state_dir") {
        section(&mut sections, "FILES", FILES.get(1..).unwrap_or_default());
    }
    let related = RELATED.iter().find(|(of, _)| *of == name);
    see_also(
        &mut sections,
        &["hcsync"],
        related.map_or(&[], |(_, names)| names),
    );
    sections
}

fn page(command: &Command, date: Date, sections: &Roff) -> io::Result<ManPage> {
    let version = command.get_version().unwrap_or_default();
    let man = Man::new(command.clone().after_help(None))
        .date(date.to_string())
        .source(format!("hcsync {version}"))
        .manual("hcsync manual");
    let mut bytes = Vec::new();
    man.render(&mut bytes)?;
    let of_clap = String::from_utf8_lossy(&bytes);
    // clap_mangen sets possible values apart by two breaks around an empty line, which formatters warn about.
    let of_clap = of_clap.replace(".br\n\n.br\n", ".sp\n");
    let sections = sections.render();
    let lines = of_clap.lines().chain(sections.lines().skip(PREAMBLE_LINES));
    let text = lines.map(|line| with_bold_words(line.trim_end()) + "\n");
    Ok(ManPage {
        file_name: man.get_filename(),
        text: text.collect(),
    })
}

/// Sets words in backticks in bold: roff would make quotation marks of them.
fn with_bold_words(line: &str) -> String {
    let mut parts = line.split('`');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (part, font) in parts.zip([r"\fB", r"\fR"].into_iter().cycle()) {
        text.push_str(font);
        text.push_str(part);
    }
    text
}

/// The examples at the end of `--help`, line by line. Of the program's they are the first paragraph.
fn examples(sections: &mut Roff, command: &Command) {
    let Some(help) = command.get_after_help() else {
        return;
    };
    let help = help.to_string();
    sections.control("SH", ["EXAMPLES"]);
    sections.control("nf", []);
    for line in help.lines().skip(1).take_while(|line| !line.is_empty()) {
        sections.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    sections.control("fi", []);
}

fn section(sections: &mut Roff, title: &str, entries: &[(&str, &str)]) {
    sections.control("SH", [title]);
    for (name, text) in entries {
        sections.control("TP", []);
        sections.text([bold(*name)]);
        sections.text([roman(*text)]);
    }
}

fn see_also(sections: &mut Roff, first: &[&str], commands: &[&str]) {
    let pages = first.iter().map(|name| (*name).to_owned());
    let pages: Vec<_> = pages
        .chain(commands.iter().map(|name| format!("hcsync-{name}")))
        .collect();
    sections.control("SH", ["SEE ALSO"]);
    let mut line: Vec<Inline> = Vec::new();
    for name in pages {
        if !line.is_empty() {
            line.push(roman(", "));
        }
        line.extend([italic(name), roman("(1)")]);
    }
    sections.text(line);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_names_related_ones_that_exist() {
        let mut program = Args::command().disable_help_subcommand(true);
        program.build();
        let commands = program.get_subcommands();
        let commands = commands.flat_map(|c| std::iter::once(c).chain(c.get_subcommands()));
        let names: BTreeSet<_> = commands.map(name_of_page).collect();
        assert_eq!(
            RELATED
                .map(|(name, _)| name)
                .into_iter()
                .collect::<BTreeSet<_>>(),
            names
        );
        for (name, related) in RELATED {
            let exist = |other: &&str| names.contains(other) && *other != name;
            assert!(related.iter().all(exist), "{name}");
        }
    }
}
