//! What a person, cron and a program see of a run: place, one line under `-q`, why it did not end with 0, progress.

use crate::bench::Bench;

const ROWS: &str = "userId,email\na,x@y.example\nb,nobody\nc,neither\n";

fn bench() -> Bench {
    let bench = Bench::empty();
    bench.write("rows.csv", ROWS);
    bench
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

#[test]
fn quiet_prints_one_line_and_standard_error_says_why_and_what_next() {
    let bench = bench();
    for (command, start) in [
        ("plan", "Plan: +1 to create"),
        ("sync --dry-run", "Plan: +1 to create"),
        ("sync", "Finished with problems: "),
        ("check", "2 of 3 rows would be rejected"),
    ] {
        let words = match command {
            "check" => "check rows.csv".to_owned(),
            command => format!("{command} rows.csv"),
        };
        let run = |option: &str| match command {
            "check" => {
                let words: Vec<&str> = words.split(' ').chain([option]).collect();
                crate::bench::Running::start(bench.bare(&words)).wait()
            }
            _ => bench.run(&format!("{words} {option}")),
        };
        let quiet = run("-q").exits(3);
        assert_eq!(quiet.out.lines().count(), 1, "{}", quiet.out);
        assert!(quiet.out.starts_with(start), "{}", quiet.out);
        let why = last_line(&quiet.err);
        assert!(why.starts_with("exit code 3: "), "{command}: {why}");
        let mute = run("-qq").exits(3);
        assert_eq!(
            (mute.out.as_str(), mute.err.as_str()),
            ("", ""),
            "{command}"
        );
    }
}

#[test]
fn of_commands_that_show_something_quiet_leaves_one_line_and_mute_none() {
    let bench = bench();
    let _ = bench.run("sync rows.csv").exits(3);
    let run = bench.runs().remove(0).display().to_string();
    let _ = bench.run("plan rows.csv --out saved.plan").exits(3);
    for (words, start) in [
        ("runs", "2 runs, 0 can be resumed"),
        ("status", "1 account: 0 runs running, 0 interrupted"),
        ("show saved.plan", "2 of 3 rows are rejected"),
        (&format!("show {run}"), "Finished with problems: "),
        // The plan is not among them: it is a dry run.
        ("why a", "1 record of 1 run"),
        (
            "forget --email stranger@example.com",
            "1 e-mail address: 0 rows",
        ),
    ] {
        let shown = |option: &str| {
            let words = words.split(' ').chain([option, "--state-dir", "state"]);
            let words: Vec<&str> = words.collect();
            crate::bench::Running::start(bench.bare(&words))
                .wait()
                .exits(0)
        };
        let quiet = shown("-q");
        assert_eq!(quiet.out.lines().count(), 1, "{words}: {}", quiet.out);
        assert!(quiet.out.starts_with(start), "{words}: {}", quiet.out);
        let mute = shown("-qq");
        assert_eq!((mute.out.as_str(), mute.err.as_str()), ("", ""), "{words}");
    }
}

#[test]
fn every_exit_code_but_0_ends_with_why_and_what_next() {
    let bench = Bench::empty();
    let rows: String = (0..30).map(|n| format!("u{n},U{n}\n")).collect();
    bench.write("in.csv", format!("userId,name\n{rows}"));
    let changes = bench.run("plan in.csv -q --detailed-exitcode").exits(6);
    assert!(last_line(&changes.err).starts_with("exit code 6: there are changes"));
    let budget = bench.run("sync in.csv -q --max-requests 10").exits(7);
    let why = last_line(&budget.err);
    assert!(
        why.starts_with("exit code 7: ") && why.contains("to continue: hcsync resume"),
        "{why}"
    );
    let refused = bench.run("sync in.csv -q --max-creates 1").exits(4);
    let why = last_line(&refused.err);
    let is_whole = why.starts_with("error: the plan was refused") && why.contains("--max-creates");
    assert!(is_whole, "{why}");
    let _ = bench.run("sync in.csv -q").exits(0);
}

#[test]
fn account_host_and_mode_stand_at_the_head_and_in_json() {
    let bench = bench();
    let host = bench.base_url().replace("http://", "").replace("/v1", "");
    let ran = bench
        .run("sync rows.csv --account production --dry-run")
        .exits(3);
    let head: Vec<&str> = ran.out.lines().take(2).collect();
    assert!(
        head[1].contains(&format!("account production at {host} (dry run")),
        "{head:?}"
    );
    let ran = bench
        .run("sync rows.csv --account production --output json")
        .exits(3);
    let json = ran.json();
    for target in [&json["summary"]["target"], &json["preview"]["target"]] {
        assert_eq!(target["account"], "production");
        assert_eq!(target["base_url"], bench.base_url());
        assert_eq!(
            (&target["sandbox"], &target["dry_run"]),
            (&false.into(), &false.into())
        );
    }
    let ran = bench
        .run("sync rows.csv --sandbox --min-match-percent 0")
        .exits(3);
    let _ = ran.shows(&["  in        the sandbox in this process"]);
}

#[test]
fn progress_off_a_terminal_is_a_line_at_each_interval() {
    let bench = Bench::empty();
    bench.write("in.csv", "userId,name\na,A\nb,B\nc,C\n");
    // Each row is due at once.
    let logged = bench.run("sync in.csv --progress-interval 0s").exits(0);
    let _ = logged.says(&["sending: 3 of 3 customers"]);
    bench.write("in.csv", "userId,name\na,AA\nb,BB\nc,CC\n");
    let shown = bench.run("sync in.csv --progress always -q").exits(0);
    let lines: Vec<&str> = shown.err.lines().collect();
    assert!(
        lines[0].starts_with("sending: 0 of 3 customers"),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("sending: 3 of 3 customers"),
        "{lines:?}"
    );
}

#[test]
fn a_resume_counts_what_is_left() {
    let bench = Bench::empty();
    let rows: String = (0..30).map(|n| format!("u{n},U{n}\n")).collect();
    bench.write("in.csv", format!("userId,name\n{rows}"));
    let _ = bench.run("sync in.csv --max-requests 12").exits(7);
    let done = bench.sandbox().customers().len();
    assert!((1..30).contains(&done), "{done}");
    let resumed = bench.run("resume --progress always -q").exits(0);
    let left = 30 - done;
    let _ = resumed.says(&[
        &format!("sending: 0 of {left} customers"),
        &format!("sending: {left} of {left} customers"),
    ]);
}
