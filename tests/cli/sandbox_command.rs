//! `hcsync sandbox` itself, and the commands that need nothing.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::bench::{Bench, KEY, Running};

#[cfg(unix)]
#[test]
fn the_sandbox_tells_its_address_serves_a_sync_and_ends_with_a_signal() {
    let bench = Bench::empty();
    bench.sample("customers.csv").write(
        "faults.toml",
        "[[fault]]\nkind = \"status\"\nstatus = 503\nnth = 1\n",
    );
    let words = [
        "sandbox",
        "--requests-per-minute",
        "0",
        "--faults",
        "faults.toml",
        "--seed",
        "3",
    ];
    let mut command = bench.bare(&words);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let url = line.trim().to_owned();
    assert!(
        url.starts_with("http://127.0.0.1:") && url.ends_with("/v1"),
        "{line}"
    );
    for code in [3, 3] {
        let mut command = bench.bare(&[
            "sync",
            "customers.csv",
            "--state-dir",
            "state",
            "--requests-per-minute",
            "0",
            "--base-url",
            &url,
        ]);
        command.env("HELPCRUNCH_API_KEY", KEY);
        let _ = Running::start(command).wait().exits(code);
    }
    let runs = bench.runs();
    let first = crate::files::RunFiles::new(runs[0].clone());
    let second = crate::files::RunFiles::new(runs[1].clone());
    let counts = [first.count("created"), second.count("created")];
    assert!(counts == [140, 0] || counts == [0, 140], "{counts:?}");
    let status = std::process::Command::new("kill")
        .args(["-s", "INT", &child.id().to_string()])
        .status();
    assert!(status.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_sandbox_with_a_bad_scenario_or_address_is_refused() {
    let bench = Bench::empty();
    bench
        .write("faults.toml", "[[fault]]\nkind = \"cut\"\n")
        .write("customers.jsonl", "{}\n{\"id\":");
    for (words, part) in [
        ("sandbox --faults faults.toml", "faults.toml"),
        ("sandbox --faults gone.toml", "gone.toml"),
        ("sandbox --customers customers.jsonl", "line 2"),
        ("sandbox --set pach-tags=add", "pach-tags"),
        ("sandbox --listen 203.0.113.1:1", "203.0.113.1"),
    ] {
        let words: Vec<&str> = words.split_whitespace().collect();
        let _ = Running::start(bench.bare(&words))
            .wait()
            .exits(2)
            .says(&[part]);
    }
}

#[test]
fn completions_man_help_and_version_need_nothing() {
    let bench = Bench::empty();
    for (words, part) in [
        ("completions bash", "hcsync"),
        ("completions zsh", "#compdef hcsync"),
        ("completions fish", "complete -c hcsync"),
        ("man", ".TH"),
        ("--help", "Exit codes:"),
        ("sync --help", "Examples:"),
        ("--version", "hcsync 0."),
    ] {
        let words: Vec<&str> = words.split_whitespace().collect();
        let _ = Running::start(bench.bare(&words))
            .wait()
            .exits(0)
            .shows(&[part]);
    }
}
