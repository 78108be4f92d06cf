//! `hcsync sandbox` itself, and the commands that need nothing.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::bench::{Bench, KEY, Running};

/// As `export -o` writes them.
const EXPORTED: &str = "id,userId,email,name,unsubscribed,firstSeen,tags,customData.plan\n\
    7,u1,ann@example.com,Ann,true,2024-01-31T10:00:00Z,vip;beta,pro\n\
    9,,,Nobody known,,,,\n";

#[test]
fn a_sync_against_the_sandbox_starts_with_the_customers_of_an_export() {
    let bench = Bench::empty();
    let jsonl = "{\"id\":7,\"userId\":\"u1\",\"email\":\"ann@example.com\",\"name\":\"Ann\"}\n";
    bench.write("all.csv", EXPORTED).write("all.jsonl", jsonl);
    bench.write("a.csv", "userId,name\nu1,Anna\nu2,Ben\n");
    for file in ["all.csv", "all.jsonl"] {
        let before = bench.runs();
        let words = [
            "sync",
            "--sandbox",
            "--customers",
            file,
            "a.csv",
            "--state-dir",
            "state",
        ];
        let _ = Running::start(bench.bare(&words)).wait().exits(0);
        let run = bench.run_since(&before);
        assert_eq!(
            (run.count("updated"), run.count("created")),
            (1, 1),
            "{file}"
        );
    }
    let words = [
        "export",
        "--sandbox",
        "--customers",
        "all.csv",
        "-o",
        "out.jsonl",
    ];
    let _ = Running::start(bench.bare(&words)).wait().exits(0);
    let text = std::fs::read_to_string(bench.path("out.jsonl")).unwrap();
    let ann: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(ann["id"], 7);
    assert_eq!(ann["unsubscribed"], true);
    assert_eq!(ann["customData"]["plan"], "pro");
    assert_eq!(ann["tags"].as_array().unwrap().len(), 2);
    assert_eq!(text.lines().count(), 2);
    // Somebody who forgets `--sandbox` means no account.
    let _ = bench
        .run("sync --customers all.csv a.csv")
        .exits(2)
        .says(&["--customers is for --sandbox"]);
    assert_eq!(bench.requests().len(), 0);
    bench.write("all.csv", "id,email\n7,nothing\n");
    let words = ["sync", "--sandbox", "--customers", "all.csv", "a.csv"];
    let _ = Running::start(bench.bare(&words))
        .wait()
        .exits(2)
        .says(&["all.csv: line 2: `email`"]);
}

#[test]
fn the_demo_needs_nothing_and_ends_well() {
    let bench = Bench::empty();
    // It is made for other columns, and is not used.
    bench.write("hcsync.toml", "[fields]\nemail = \"Mail\"\n");
    let ran = Running::start(bench.bare(&["demo", "--state-dir", "state"])).wait();
    let _ = ran
        .exits(0)
        .says(&["demo: 300 made-up rows", "hcsync sync --sandbox FILE"]);
    let run = bench.only_run();
    assert_eq!(run.count("created"), 140);
    let json = Running::start(bench.bare(&["demo", "--state-dir", "other", "--output", "json"]));
    assert!(json.wait().exits(0).json().is_object());
}

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
