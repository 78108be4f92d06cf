//! `man`: a page for the program and one for each command.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use clap::CommandFactory;
use hcsync::cli::args::Args;

use crate::bench::{Bench, Running};

/// Every command and every command below one, as its page is named.
fn commands() -> Vec<String> {
    let mut names = Vec::new();
    for command in Args::command().get_subcommands() {
        let name = command.get_name();
        names.push(name.to_owned());
        names.extend(
            command
                .get_subcommands()
                .map(|below| format!("{name}-{}", below.get_name())),
        );
    }
    names
}

#[test]
fn every_command_has_its_page_and_every_page_its_sections() {
    let bench = Bench::empty();
    let pages = Running::start(bench.bare(&["man"])).wait().exits(0).out;
    let heads: Vec<&str> = pages
        .lines()
        .filter(|line| line.starts_with(".TH "))
        .collect();
    let commands = commands();
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

#[test]
fn pages_are_files_that_refer_to_each_other_and_that_formatters_accept() {
    let bench = Bench::empty();
    let folder = bench.path("share/man1");
    let mut command = bench.bare(&["man", "--out-dir", folder.to_str().unwrap()]);
    command.env("SOURCE_DATE_EPOCH", "1780272000");
    assert_eq!(Running::start(command).wait().exits(0).out, "");
    let files = fs::read_dir(&folder).unwrap().map(|file| file.unwrap());
    let files: Vec<_> = files.map(|file| file.path()).collect();
    assert_eq!(files.len(), commands().len() + 1);
    for file in &files {
        let page = fs::read_to_string(file).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap();
        let head = format!(
            ".TH {name} 1 2026-06-01 \"hcsync {}\"",
            env!("CARGO_PKG_VERSION")
        );
        assert!(page.contains(&head), "{head}: {page}");
        assert!(page.contains(".SH EXAMPLES"), "{page}");
        // Every page that is named exists.
        let (_, see_also) = page.split_once(".SH \"SEE ALSO\"\n").unwrap();
        for other in see_also.trim().split(", ") {
            let other = other.trim_start_matches("\\fI").trim_end_matches("\\fR(1)");
            let other = other.replace("\\-", "-");
            assert!(
                folder.join(format!("{other}.1")).exists(),
                "{name}: {other}"
            );
            assert_ne!(other, name);
        }
    }
    // scripts/test installs both where it can, and says so where it cannot.
    accepts("mandoc", &["-Tlint", "-Wwarning"], &files);
    accepts("groff", &["-ww", "-z", "-k", "-Tutf8", "-man"], &files);
}

/// Checks that a program, if it is installed, has nothing to say about any page.
fn accepts(program: &str, options: &[&str], pages: &[PathBuf]) {
    for page in pages {
        let Ok(ran) = Command::new(program).args(options).arg(page).output() else {
            return;
        };
        let said = [ran.stdout, ran.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(ran.status.success() && said.is_empty(), "{program}: {said}");
    }
}

#[test]
fn a_page_has_what_its_command_needs() {
    let bench = Bench::empty();
    let pages = Running::start(bench.bare(&["man"])).wait().exits(0).out;
    let page = |name: &str| {
        let (_, page) = pages.split_once(&format!(".TH {name} 1")).unwrap();
        page.split(".TH ").next().unwrap().to_owned()
    };
    let all = [".SH \"EXIT STATUS\"", ".SH ENVIRONMENT", ".SH FILES"];
    for (name, has) in [
        ("hcsync", [true, true, true]),
        ("hcsync-sync", [true, true, true]),
        ("hcsync-show", [false, false, true]),
        ("hcsync-init", [false, false, false]),
    ] {
        let page = page(name);
        assert_eq!(all.map(|title| page.contains(title)), has, "{name}");
        assert!(!page.contains('`'), "{name}: words in backticks are bold");
    }
    assert!(page("hcsync-plan").contains("\\fB6\\fR"));
    assert!(!page("hcsync-sync").contains("\\fB6\\fR"));
}

#[test]
fn a_folder_that_cannot_be_made_or_a_wrong_date_ends_with_a_message() {
    let bench = Bench::empty();
    bench.write("file", "");
    let ran = Running::start(bench.bare(&["man", "--out-dir", "file/man1"])).wait();
    assert!(ran.exits(2).err.contains("file/man1 cannot be written"));
    let mut command = bench.bare(&["man"]);
    command.env("SOURCE_DATE_EPOCH", "yesterday");
    let ran = Running::start(command).wait();
    assert!(ran.exits(2).err.contains("SOURCE_DATE_EPOCH"));
}
