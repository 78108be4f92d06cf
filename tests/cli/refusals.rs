//! What cannot be begun: each case has its own message and exit code, and nothing is sent.

use std::process::Command;

use hcsync::sandbox::Options;
use serde_json::Value;

use crate::bench::{Bench, KEY, Ran, Running};
use crate::files::{fits, json, read_text};
use crate::server::{ByteServer, answer};

const GOOD: &str = "userId,name\na,Ann\n";

fn bench() -> Bench {
    let bench = Bench::empty();
    bench.write("good.csv", GOOD);
    bench
}

/// That it was refused with this code and these words, that nothing was sent and that the summary says the same.
#[track_caller]
fn refused(bench: &Bench, ran: Ran, code: i32, parts: &[&str]) -> Value {
    let ran = ran.exits(code).says(parts);
    assert!(
        ran.err.starts_with("error: ") || ran.err.contains("\nerror: "),
        "{}",
        ran.err
    );
    assert_eq!(
        ran.err.matches("error:").count(),
        1,
        "told once: {}",
        ran.err
    );
    assert_eq!(bench.requests(), []);
    let summary = json(&read_text(&bench.path("s.json")));
    fits("summary", [&summary]);
    assert_eq!(summary["exit_code"], code);
    assert_eq!(summary["requests"]["total"], 0);
    let message = summary["stop"]["message"].as_str().unwrap();
    assert!(ran.err.contains(message), "{message}");
    summary
}

#[track_caller]
fn input_refused(bench: &Bench, input: &str, parts: &[&str]) {
    for command in ["sync", "plan", "sync --dry-run"] {
        let ran = bench.run(&format!("{command} {input} --summary s.json"));
        let _ = refused(bench, ran, 2, parts);
    }
}

#[test]
fn a_missing_file() {
    input_refused(&bench(), "gone.csv", &["gone.csv", "does not exist"]);
    input_refused(
        &bench(),
        "good.csv gone.csv",
        &["gone.csv", "does not exist"],
    );
}

#[test]
fn a_folder() {
    let bench = bench();
    std::fs::create_dir(bench.path("folder.csv")).unwrap();
    input_refused(&bench, "folder.csv", &["folder.csv", "folder"]);
}

#[test]
fn an_empty_file() {
    let bench = bench();
    bench
        .write("empty.csv", "")
        .write("blank.csv", "\n\n")
        .write("bom.csv", "\u{feff}");
    for name in ["empty.csv", "blank.csv", "bom.csv"] {
        input_refused(&bench, name, &[name, "empty"]);
    }
}

/// There is nothing wrong with a table that has no rows today.
#[test]
fn a_header_and_no_rows() {
    let bench = bench();
    bench.write("header.csv", "userId,name\n");
    let ran = bench.run("sync header.csv --summary s.json");
    let code = ran.code.unwrap();
    assert!(code == 0 || code == 2, "{ran:?}");
    assert_eq!(bench.writes(), 0);
    let said = format!("{}{}", ran.out, ran.err);
    assert!(said.contains("no rows"), "{said}");
    assert_eq!(json(&read_text(&bench.path("s.json")))["exit_code"], code);
}

/// An output over an input, or two outputs in one file, would destroy what the user has or asked for.
#[test]
fn an_output_over_an_input_or_another_output() {
    let bench = bench();
    std::fs::create_dir(bench.path("sub")).unwrap();
    for command in ["sync", "plan", "sync --dry-run"] {
        for (options, parts) in [
            (
                "--results good.csv",
                ["--results", "overwrite the input", "good.csv"],
            ),
            (
                "--changes sub/../good.csv",
                ["--changes", "overwrite the input", "good.csv"],
            ),
            (
                "--rejected good.csv",
                ["--rejected", "overwrite the input", "good.csv"],
            ),
            (
                "--results r.csv --changes sub/../r.csv",
                ["--changes", "overwrite --results", "r.csv"],
            ),
        ] {
            let ran = bench.run(&format!("{command} good.csv {options} --summary s.json"));
            let _ = refused(&bench, ran, 2, &parts);
            assert_eq!(read_text(&bench.path("good.csv")), GOOD);
        }
        let ran = bench.run(&format!("{command} good.csv --summary good.csv"));
        let _ = ran.exits(2).says(&["--summary", "overwrite the input"]);
        assert_eq!(read_text(&bench.path("good.csv")), GOOD);
    }
    let ran = bench.run("plan good.csv --out good.csv");
    let _ = ran.exits(2).says(&["--out", "overwrite the input"]);
    assert_eq!(read_text(&bench.path("good.csv")), GOOD);
    assert_eq!(bench.requests(), []);
}

#[test]
fn a_table_without_a_match_key() {
    let bench = bench();
    bench.write("names.csv", "Name,Firm\nAnn,A\n");
    input_refused(&bench, "names.csv", &["userId", "email", "match"]);
}

#[test]
fn two_columns_for_one_field() {
    let bench = bench();
    bench.write(
        "two.csv",
        "userId,E-mail,e_mail\na,x@y.example,z@y.example\n",
    );
    input_refused(&bench, "two.csv", &["email", "E-mail", "e_mail"]);
}

#[test]
fn a_mapped_column_that_is_not_there() {
    let bench = bench();
    bench.write(
        "hcsync.toml",
        "[fields]\nuserId = \"userId\"\nname = \"Nmae\"\n",
    );
    input_refused(&bench, "good.csv", &["Nmae", "name"]);
}

#[test]
fn unknown_config_keys_are_told_with_the_nearest_and_their_place() {
    for (config, place, parts) in [
        (
            "[api]\nbase_ulr = \"x\"\n",
            "hcsync.toml:2:1",
            ["base_ulr", "base_url"],
        ),
        (
            "[limits]\nsetle = \"1s\"\n",
            "hcsync.toml:2:1",
            ["setle", "settle"],
        ),
        (
            "[feilds]\nname = \"n\"\n",
            "hcsync.toml:1:",
            ["feilds", "fields"],
        ),
        (
            "[fields]\nnmae = \"n\"\n",
            "hcsync.toml:2:1",
            ["nmae", "name"],
        ),
        (
            "[sync]\nmode = \"upserts\"\n",
            "hcsync.toml:2:",
            ["upserts", "upsert"],
        ),
    ] {
        let bench = bench();
        bench.write("hcsync.toml", config);
        let ran = bench.run("sync good.csv --summary s.json");
        let summary = refused(&bench, ran, 2, &[place, parts[0], parts[1]]);
        assert_eq!(summary["stop"]["reason"], "config");
    }
}

#[test]
fn a_config_that_is_missing_or_no_toml() {
    let bench = bench();
    let ran = bench.run("sync good.csv -c gone.toml --summary s.json");
    let _ = refused(&bench, ran, 2, &["gone.toml"]);
    bench.write("bad.toml", "[api\n");
    let ran = bench.run("sync good.csv -c bad.toml --summary s.json");
    let _ = refused(&bench, ran, 2, &["bad.toml:1:", "TOML"]);
}

/// The command without the bench's own address.
fn at(bench: &Bench, base_url: &str, rest: &str) -> Command {
    let words =
        format!("sync good.csv --summary s.json --state-dir state --base-url {base_url} {rest}");
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut command = bench.bare(&words);
    command.env("HELPCRUNCH_API_KEY", KEY);
    command
}

#[test]
fn bad_base_urls() {
    for (url, part) in [
        ("not-a-url", "must be an address"),
        ("ftp://api.example/v1", "must be an address"),
        ("https://user:pass@api.example/v1", "user name or password"),
        ("https://api.example/v1?x=1", "query"),
        ("http://api.helpcrunch.com/v1", "loopback"),
        ("http://10.0.0.1/v1", "must begin with https://"),
        (
            "http://localhost.example.com/v1",
            "must begin with https://",
        ),
    ] {
        let bench = bench();
        let ran = Running::start(at(&bench, url, "")).wait();
        assert!(!ran.err.contains("pass@"), "{}", ran.err);
        let _ = refused(&bench, ran, 2, &["--base-url", part]);
    }
}

#[test]
fn no_rate_limit_is_for_a_loopback_host_only() {
    let bench = bench();
    let ran = Running::start(at(
        &bench,
        "https://api.helpcrunch.invalid/v1",
        "--requests-per-minute 0",
    ))
    .wait();
    let _ = refused(&bench, ran, 2, &["--requests-per-minute", "loopback"]);
}

#[test]
fn no_key() {
    let bench = bench();
    for key in [None, Some(""), Some("two words")] {
        let mut command = at(&bench, &bench.base_url(), "--requests-per-minute 0");
        command.env_remove("HELPCRUNCH_API_KEY");
        command.envs(key.map(|key| ("HELPCRUNCH_API_KEY", key)));
        let ran = Running::start(command).wait();
        assert!(!ran.err.contains("two words"), "{}", ran.err);
        let summary = refused(&bench, ran, 2, &["HELPCRUNCH_API_KEY"]);
        assert_eq!(summary["stop"]["reason"], "no_key");
    }
}

#[test]
fn a_refused_key_is_1_and_asked_once() {
    let bench = Bench::of(Options {
        refused_key: Some(KEY.to_owned()),
        ..Options::default()
    });
    bench.write("good.csv", GOOD);
    let _ = bench
        .run("sync good.csv --summary s.json")
        .exits(1)
        .says(&["key", "401"]);
    assert_eq!(bench.requests().len(), 1);
    assert_eq!(bench.writes(), 0);
    let summary = json(&read_text(&bench.path("s.json")));
    assert_eq!(summary["exit_code"], 1);
    assert_eq!(summary["stop"]["reason"], "unauthorized");
}

#[test]
fn outputs_that_cannot_be_written_are_found_before_the_work() {
    let bench = bench();
    std::fs::create_dir(bench.path("folder.csv")).unwrap();
    for (option, part) in [
        ("--results gone/r.csv", "gone"),
        ("--changes gone/c.csv", "gone"),
        ("--rejected gone/j.csv", "gone"),
        ("--results folder.csv", "folder"),
    ] {
        let ran = bench.run(&format!("sync good.csv {option} --summary s.json"));
        let summary = refused(&bench, ran, 2, &[part]);
        assert_eq!(summary["stop"]["reason"], "output");
    }
    let ran = bench.run("plan good.csv --out gone/p --summary s.json");
    let _ = refused(&bench, ran, 2, &["gone"]);
    let ran = bench
        .run("sync good.csv --summary gone/s.json")
        .exits(2)
        .says(&["gone"]);
    assert_eq!(
        ran.err.matches("error:").count(),
        1,
        "told once: {}",
        ran.err
    );
    assert!(!ran.err.contains(".tmp"), "{}", ran.err);
    assert_eq!(bench.requests(), []);
}

#[test]
fn a_redirect_is_an_error_that_names_where_it_points() {
    let server = ByteServer::start(|_| {
        answer(
            "301 Moved Permanently",
            "Location: https://elsewhere.example/v2/customers\r\n",
            "",
        )
    });
    let bench = bench();
    let command = at(&bench, &server.base_url(), "--requests-per-minute 0");
    let _ = Running::start(command)
        .wait()
        .exits(1)
        .says(&["elsewhere.example", "redirect"]);
    assert_eq!(server.heads().len(), 1);
    let summary = json(&read_text(&bench.path("s.json")));
    assert_eq!(summary["stop"]["reason"], "redirected");
    assert_eq!(summary["exit_code"], 1);
}

#[test]
fn a_host_that_refuses_connections_is_1() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let bench = bench();
    bench.write("hcsync.toml", "[limits]\nmax_outage = \"1s\"\n");
    let url = format!("http://127.0.0.1:{port}/v1");
    let _ = Running::start(at(&bench, &url, "--requests-per-minute 0"))
        .wait()
        .exits(1);
    assert_eq!(json(&read_text(&bench.path("s.json")))["exit_code"], 1);
}

#[test]
fn unknown_options_and_commands_are_answered_with_the_nearest() {
    let bench = bench();
    for (words, parts) in [
        (
            "sync good.csv --concurency 3",
            ["--concurency", "--concurrency"],
        ),
        ("snyc good.csv", ["snyc", "sync"]),
        ("sync", ["no input", "hcsync sync customers.csv"]),
        ("sync good.csv --max-duration 30", ["30", "1h30m"]),
        ("sync good.csv --results r.xlsx", ["r.xlsx", ".jsonl"]),
        ("sync good.csv --color blue", ["blue", "always"]),
    ] {
        let words: Vec<&str> = words.split_whitespace().collect();
        let ran = Running::start(bench.bare(&words))
            .wait()
            .exits(2)
            .says(&parts);
        assert_eq!(ran.out, "");
    }
    let nothing = Running::start(bench.bare(&[])).wait();
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.err.contains("Usage"), "{nothing:?}");
}

#[test]
fn confirm_without_a_terminal() {
    let bench = bench();
    let ran = bench.run("sync good.csv --confirm --summary s.json");
    let _ = refused(&bench, ran, 2, &["--confirm", "terminal"]);
}

#[cfg(unix)]
#[test]
fn a_state_directory_that_is_a_file() {
    let bench = bench();
    bench.write("file", "");
    let words = [
        "sync",
        "good.csv",
        "--state-dir",
        "file",
        "--summary",
        "s.json",
        "--requests-per-minute",
        "0",
        "--base-url",
    ];
    let mut command = bench.bare(&words);
    command.arg(bench.base_url()).env("HELPCRUNCH_API_KEY", KEY);
    let ran = Running::start(command).wait();
    let _ = refused(&bench, ran, 1, &["file", "--state-dir"]);
}
