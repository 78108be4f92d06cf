//! `--log-file`: what standard error says, kept.

use crate::bench::{Bench, KEY, Running};

const PEOPLE: &str =
    "userId,email,name\nu1,ann@example.com,Ann Secretson\nu2,nothing,Bob Secretson\n";

fn read(bench: &Bench) -> String {
    std::fs::read_to_string(bench.path("hcsync.log")).unwrap()
}

#[test]
fn each_run_adds_its_lines_without_values_and_key_whatever_q_says() {
    let bench = Bench::empty();
    bench.write("people.csv", PEOPLE);
    let _ = bench
        .run("sync people.csv --log-file hcsync.log -vv")
        .exits(3);
    let first = read(&bench);
    assert!(
        first.contains("DEBUG") && first.contains("answered"),
        "{first}"
    );
    assert!(first.contains("exit code 3: "), "{first}");
    let ran = bench
        .run("sync people.csv --log-file hcsync.log -qq")
        .exits(3);
    assert_eq!(ran.err, "");
    let both = read(&bench);
    assert!(both.starts_with(&first), "{both}");
    assert!(
        both[first.len()..].contains(" WARN exit code 3: "),
        "{both}"
    );
    let mut command = bench.command("sync people.csv --log-file hcsync.log");
    command.env_remove("HELPCRUNCH_API_KEY");
    let _ = Running::start(command).wait().exits(2);
    let all = read(&bench);
    assert!(all.contains("ERROR no API key"), "{all}");
    for never in [KEY, "Secretson", "ann@example.com", "\u{1b}"] {
        assert!(!all.contains(never), "{never}: {all}");
    }
}

#[test]
fn in_json_each_line_is_an_object() {
    let bench = Bench::empty();
    bench.write("people.csv", PEOPLE);
    let words = "sync people.csv --log-file hcsync.log --log-format json";
    let ran = bench.run(words).exits(3);
    let text = read(&bench);
    assert!(text.lines().count() >= 1, "{}", ran.err);
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string(), "{line}");
    }
}

#[test]
fn a_log_file_that_cannot_be_written_ends_the_run_before_it_begins() {
    let bench = Bench::empty();
    bench.write("people.csv", PEOPLE);
    let _ = bench
        .run("sync people.csv --log-file no/such/hcsync.log")
        .exits(2)
        .says(&["hcsync.log"]);
    assert_eq!(bench.requests().len(), 0);
}

#[cfg(unix)]
#[test]
fn a_log_file_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::empty();
    bench.write("people.csv", PEOPLE);
    let _ = bench.run("sync people.csv --log-file hcsync.log").exits(3);
    let metadata = std::fs::metadata(bench.path("hcsync.log")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}
