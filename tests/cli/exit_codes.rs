//! Each exit code of a command that began its work.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;

use crate::bench::{Bench, KEY, RunEnd, Running};
use crate::files::fits;

/// New customers, none of them bad.
pub(crate) fn new_customers(count: u32) -> String {
    let rows = (0..count).map(|n| format!("n{n},Name {n}\n"));
    format!("userId,name\n{}", rows.collect::<String>())
}

#[track_caller]
pub(crate) fn ended(bench: &Bench, code: i32) -> RunEnd {
    let summary = bench.only_run().summary();
    assert_eq!(summary["exit_code"], code);
    fits("summary", [&summary]);
    let text = |name: &str| {
        summary["stop"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    RunEnd {
        reason: text("reason"),
        message: text("message"),
        next_command: text("next_command"),
    }
}

#[test]
fn all_rows_done_is_0() {
    let bench = Bench::empty();
    bench.write("new.csv", new_customers(5));
    let _ = bench.run("sync new.csv").exits(0);
    let run = bench.only_run();
    run.check_results();
    assert_eq!(run.count("created"), 5);
    assert!(run.summary()["stop"].is_null());
    assert_eq!(bench.sandbox().customers().len(), 5);
}

#[test]
fn tolerated_rows_are_0_and_one_more_is_3() {
    let bench = Bench::empty();
    let bad = "userId,email\na,x@y.example\nb,nobody\nc,neither\n";
    bench.write("rows.csv", bad);
    bench.write("two.toml", "[safety]\ntolerated_rows = 2\n");
    bench.write("one.toml", "[safety]\ntolerated_rows = 1\n");
    let _ = bench.run("sync rows.csv -c two.toml").exits(0);
    let _ = bench.run("sync rows.csv -c one.toml").exits(3);
}

#[test]
fn a_wrong_key_column_is_4_and_the_option_that_is_named_lifts_it() {
    let bench = Bench::bundled();
    let config = "[match]\nkeys = [\"userId\"]\n[fields]\nuserId = \"Phone\"\nname = \"Name\"\n";
    bench.sample("customers.csv").write("hcsync.toml", config);
    let ran = bench.run("sync customers.csv --summary s.json").exits(4);
    let end = ended(&bench, 4);
    assert_eq!(end.reason, "safety");
    for part in ["rows", "200 customers", "safety.min_match_percent", "50 %"] {
        assert!(
            end.message.contains(part) && ran.err.contains(part),
            "{part}: {}",
            end.message
        );
    }
    assert_eq!(bench.writes(), 0);
    let run = bench.only_run();
    run.check_results();
    let option = ran
        .err
        .split_whitespace()
        .skip_while(|w| *w != "--min-match-percent")
        .take(4);
    let option = option.collect::<Vec<_>>().join(" ");
    assert!(option.starts_with("--min-match-percent"), "{}", ran.err);
    let lifted = bench.run(&format!("sync customers.csv {option}"));
    assert_eq!(lifted.code, Some(3), "{}", lifted.err);
    assert!(bench.writes() > 0);
}

#[test]
fn more_creates_than_allowed_are_4() {
    let bench = Bench::empty();
    bench.write("new.csv", new_customers(6));
    let ran = bench.run("sync new.csv --max-creates 5").exits(4);
    assert!(
        ran.err.contains("6") && ran.err.contains("--max-creates 6"),
        "{}",
        ran.err
    );
    assert_eq!(bench.writes(), 0);
    let _ = bench.run("sync new.csv --max-creates 6").exits(0);
}

#[test]
fn a_dry_run_shows_a_plan_that_a_limit_would_refuse() {
    let bench = Bench::empty();
    bench.write("new.csv", new_customers(6));
    let ran = bench.run("sync new.csv --max-creates 5 --dry-run");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("6 to create"), "{}", ran.out);
}

const SLOW_LIST: &str = "[[fault]]\nkind = \"delay\"\ndelay-ms = 25000\nendpoint = \"list\"\n";

#[cfg(unix)]
#[test]
fn a_second_run_for_the_same_account_is_5_and_sends_nothing() {
    let bench = Bench::with(Vec::new(), SLOW_LIST);
    bench.write("new.csv", new_customers(2));
    let first = bench.start("sync new.csv");
    bench.until("the first run lists", |log| !log.is_empty());
    let ran = bench.run("sync new.csv --summary second.json").exits(5);
    assert!(ran.err.contains("another run"), "{}", ran.err);
    assert_eq!(bench.requests().len(), 1);
    let summary = crate::files::json(&crate::files::read_text(&bench.path("second.json")));
    assert_eq!(summary["exit_code"], 5);
    fits("summary", [&summary]);
    // A dry run and a plan need no lock, and other accounts have their own.
    let dry = bench.start("sync new.csv --dry-run");
    bench.until("the dry run lists", |log| log.len() == 2);
    drop(dry);
    first.signal("INT");
    first.signal("INT");
    let _ = first.wait().exits(130);
    // The lock ends with its process.
    let third = bench.start("sync new.csv");
    bench.until("the third run lists", |log| log.len() == 3);
    drop(third);
}

#[test]
fn changes_are_6_only_where_the_exit_code_is_to_tell() {
    let bench = Bench::empty();
    bench.write("new.csv", new_customers(2));
    let _ = bench.run("plan new.csv").exits(0);
    let _ = bench.run("plan new.csv --detailed-exitcode").exits(6);
    bench.write("bad.csv", "userId,email\na,x@y.example\nb,nobody\n");
    let _ = bench.run("plan bad.csv --detailed-exitcode").exits(3);
    let _ = bench.run("sync new.csv").exits(0);
    let _ = bench.run("plan new.csv --detailed-exitcode").exits(0);
}

#[test]
fn a_budget_of_requests_is_7_and_never_exceeded() {
    for most in [1, 2, 3, 9] {
        let bench = Bench::empty();
        bench.write("new.csv", new_customers(20));
        let ran = bench
            .run(&format!("sync new.csv --max-requests {most}"))
            .exits(7);
        assert_eq!(bench.requests().len(), most, "{}", ran.err);
        let end = ended(&bench, 7);
        assert_eq!(end.reason, "max_requests");
        let made = bench.sandbox().customers().len();
        if made > 0 {
            let run = bench.only_run();
            run.check_results();
            assert_eq!(run.count("created"), made);
            assert_eq!(run.count("pending"), 20 - made);
            assert!(
                end.next_command.starts_with("hcsync resume "),
                "{}",
                end.next_command
            );
            assert!(ran.err.contains(&end.next_command) || ran.out.contains(&end.next_command));
        }
        assert_eq!(
            bench.only_run().summary()["requests"]["total"],
            most,
            "as counted"
        );
        if made > 0 {
            goes_on(&bench, &end.next_command);
            assert_eq!(bench.sandbox().customers().len(), 20);
        }
    }
}

#[test]
fn a_budget_of_time_is_7() {
    let slow = "[[fault]]\nkind = \"delay\"\ndelay-ms = 700\nendpoint = \"create\"\n";
    let bench = Bench::with(Vec::new(), slow);
    bench.write("new.csv", new_customers(40));
    let _ = bench.run("sync new.csv --max-duration 2s").exits(7);
    let run = bench.only_run();
    run.check_results();
    assert_eq!(ended(&bench, 7).reason, "max_duration");
    assert!(run.count("pending") > 0);
    assert_eq!(run.count("created"), bench.sandbox().customers().len());
}

#[cfg(unix)]
fn stopped_by(signal: &str, code: i32) {
    let slow = "[[fault]]\nkind = \"delay\"\ndelay-ms = 300\nendpoint = \"create\"\n";
    let bench = Bench::with(Vec::new(), slow);
    bench.write("new.csv", new_customers(60));
    let running = bench.start("sync new.csv --summary s.json");
    bench.until("creates are sent", |log| {
        log.iter().filter(|r| r.writes).count() > 5
    });
    running.signal(signal);
    let ran = running.wait().exits(code);
    let end = ended(&bench, code);
    assert_eq!(end.reason, "signal");
    assert!(
        end.next_command.contains("hcsync resume"),
        "{}",
        end.next_command
    );
    assert!(ran.out.contains(&end.next_command), "{}", ran.out);
    // What was in flight was let end: nothing is in doubt.
    let run = bench.only_run();
    run.check_results();
    assert_eq!(run.count("created"), bench.sandbox().customers().len());
    assert_eq!(run.count("created") + run.count("pending"), 60);
    assert!(run.count("pending") > 0);
    goes_on(&bench, &end.next_command);
    bench.only_run().check_results();
    assert_eq!(bench.only_run().count("created"), 60);
}

#[test]
fn the_command_that_goes_on_writes_the_reports_where_they_were_to_be_written() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let reports = "--results r.jsonl --rejected j.csv --changes c.csv --summary s.json";
    let _ = bench
        .run(&format!("sync customers.csv --max-requests 9 {reports}"))
        .exits(7);
    let read = |name: &str| std::fs::read_to_string(bench.path(name)).unwrap();
    assert!(read("r.jsonl").contains("\"pending\""));
    let summary: Value = serde_json::from_str(&read("s.json")).unwrap();
    let next = summary["stop"]["next_command"].as_str().unwrap();
    let words: Vec<&str> = next.split_whitespace().skip(1).collect();
    let mut command = bench.bare(&words);
    command.env("HELPCRUNCH_API_KEY", KEY);
    let _ = Running::start(command).wait().exits(3);
    assert!(!read("r.jsonl").contains("\"pending\""));
    let size = std::fs::metadata(bench.path("customers.csv"))
        .unwrap()
        .len();
    let summary: Value = serde_json::from_str(&read("s.json")).unwrap();
    assert_eq!(
        (&summary["stop"], &summary["input"]["bytes"]),
        (&Value::Null, &size.into())
    );
}

/// The command that a stop names goes on from there, as it stands, and makes nobody twice.
#[track_caller]
fn goes_on(bench: &Bench, next_command: &str) {
    let words: Vec<&str> = next_command.split_whitespace().skip(1).collect();
    let mut command = bench.bare(&words);
    command.env("HELPCRUNCH_API_KEY", KEY);
    let _ = Running::start(command).wait().exits(0);
    let customers = bench.sandbox().customers();
    let ids: BTreeSet<_> = customers
        .iter()
        .filter_map(|c| c["userId"].as_str())
        .collect();
    assert_eq!(ids.len(), customers.len());
    assert_eq!(
        bench.sandbox().stats().applied_writes as usize,
        customers.len()
    );
}

#[cfg(unix)]
#[test]
fn sigint_is_130_and_resumable() {
    stopped_by("INT", 130);
}

#[cfg(unix)]
#[test]
fn sigterm_is_143_and_resumable() {
    stopped_by("TERM", 143);
}

#[cfg(unix)]
#[test]
fn a_lost_terminal_is_143_and_the_run_can_be_gone_on_with() {
    stopped_by("HUP", 143);
}

#[cfg(unix)]
#[test]
fn a_second_signal_drops_what_is_in_flight_and_leaves_it_in_doubt() {
    let slow = "[[fault]]\nkind = \"delay\"\ndelay-ms = 25000\nendpoint = \"create\"\nmax = 4\n";
    let bench = Bench::with(Vec::new(), slow);
    bench.write("new.csv", new_customers(9));
    let running = bench.start("sync new.csv");
    bench.until("creates are sent", |log| {
        log.iter().filter(|r| r.writes).count() == 4
    });
    running.signal("TERM");
    running.signal("INT");
    let _ = running.wait().exits(143);
    let run = bench.only_run();
    run.check_results();
    let statuses = run.statuses();
    assert_eq!(statuses.len(), 9);
    assert_eq!(run.count("created"), 0, "{statuses:?}");
    assert_eq!(bench.writes(), 4);
    let in_doubt = |r: &&Value| r["operations"][0]["status"] == "in_doubt";
    assert_eq!(run.results().iter().filter(in_doubt).count(), 4);
    // They were made all the same: the next run finds them.
    let before = bench.runs();
    let _ = bench.run("sync new.csv").exits(0);
    bench.run_since(&before).check_results();
    assert_eq!(bench.sandbox().customers().len(), 9);
    assert_eq!(bench.sandbox().stats().applied_writes, 9);
}

/// As with `hcsync sync … | head`.
#[test]
fn a_reader_that_goes_away_stops_nothing() {
    let bench = Bench::empty();
    bench.write("new.csv", new_customers(5));
    let mut command = bench.command("sync new.csv");
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(bench.sandbox().customers().len(), 5);
}

#[test]
fn an_api_that_is_gone_is_1_after_max_outage() {
    let bench = Bench::with(Vec::new(), "[[fault]]\nkind = \"cut-before\"\n");
    bench.write("new.csv", new_customers(3)).write(
        "hcsync.toml",
        "[limits]\nmax_outage = \"1s\"\nmax_attempts = 100\n",
    );
    let ran = bench.run("sync new.csv").exits(1);
    assert!(!ran.err.is_empty());
    assert_eq!(ended(&bench, 1).reason, "max_outage");
    assert_eq!(bench.writes(), 0);
}

#[test]
fn failed_rows_are_3_and_are_never_repeated() {
    let refuse =
        "[[fault]]\nkind = \"status\"\nstatus = 400\nendpoint = \"create\"\nnth = [2, 5]\n";
    let bench = Bench::with(Vec::new(), refuse);
    bench.write("new.csv", new_customers(8));
    let _ = bench.run("sync new.csv").exits(3);
    let run = bench.only_run();
    run.check_results();
    assert_eq!(run.count("failed"), 2);
    assert_eq!(run.count("created"), 6);
    assert_eq!(bench.writes(), 8);
    for result in run.results() {
        if result["status"] == "failed" {
            assert_eq!(result["error"]["kind"], "api");
            assert_eq!(result["error"]["http_status"], 400);
        }
    }
    // The next run tries them again: nothing remembers them as done.
    let before = bench.runs();
    let _ = bench.run("sync new.csv").exits(0);
    assert_eq!(bench.run_since(&before).count("created"), 2);
    assert_eq!(bench.sandbox().customers().len(), 8);
}

#[test]
fn as_many_failures_as_allowed_stop_the_run_with_1() {
    let bench = Bench::with(
        Vec::new(),
        "[[fault]]\nkind = \"status\"\nstatus = 400\nendpoint = \"create\"\n",
    );
    bench
        .write("new.csv", new_customers(60))
        .write("hcsync.toml", "[safety]\nmax_failures = 5\n");
    let _ = bench.run("sync new.csv").exits(1);
    let run = bench.only_run();
    run.check_results();
    assert_eq!(ended(&bench, 1).reason, "max_failures");
    let failed = run.count("failed");
    assert!((5..=8).contains(&failed), "{failed}: four are in flight");
    assert_eq!(run.count("pending"), 60 - failed);
    // It counts anew, and no row follows the last one that may fail.
    let _ = bench.run("resume --concurrency 1").exits(1);
    let again = bench.only_run();
    assert_eq!(again.count("failed"), failed + 5);
}
