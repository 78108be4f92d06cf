//! Every option that changes what a run does is obeyed by every command that has it. What a run's options do in
//! detail is in the tests of the runs; here each is seen to arrive.

use serde_json::Value;

use crate::bench::{Bench, Running};

/// Commands that plan, with what they are given.
const PLANNERS: [&str; 3] = [
    "sync customers.csv",
    "sync customers.csv --dry-run",
    "plan customers.csv",
];

fn bench() -> Bench {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    bench
}

/// A bench with a plan to apply.
fn planned() -> Bench {
    let bench = bench();
    let _ = bench.run("plan customers.csv --out it.plan").exits(3);
    bench
}

/// A bench with a run to resume.
fn stopped() -> Bench {
    let bench = bench();
    let _ = bench.run("sync customers.csv --max-requests 20").exits(7);
    bench
}

/// The summary that `--summary` writes.
fn summary(bench: &Bench, words: &str, exit: i32) -> Value {
    let _ = bench.run(&format!("{words} --summary s.json")).exits(exit);
    let text = std::fs::read_to_string(bench.path("s.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn limit_and_examples_by_each_planner() {
    for words in PLANNERS {
        let bench = bench();
        let reported = summary(
            &bench,
            &format!("{words} --limit 10 --min-match-percent 0"),
            0,
        );
        assert_eq!(reported["input"]["rows"], 10, "{words}");
        let bench = self::bench();
        let ran = bench.run(&format!("{words} --examples 0"));
        assert!(!ran.out.contains("\nExamples\n"), "{}", ran.out);
    }
    let ran = planned().run("apply it.plan --examples 0").exits(0);
    assert!(!ran.out.contains("\nExamples\n"), "{}", ran.out);
}

#[test]
fn each_safety_limit_by_sync_and_apply() {
    for (option, names) in [
        ("--max-creates 1", "--max-creates"),
        ("--max-change-percent 1", "--max-change-percent"),
        ("--max-clear-percent 0.01", "--max-clear-percent"),
        ("--min-match-percent 99", "--min-match-percent"),
    ] {
        let config = "[rows]\nempty_cells = \"clear\"\n[fields]\nuserId = \"User ID\"\nphone = \"Phone\"\n\
            company = \"Company\"\n[safety]\nmax_change_percent = 0\nmax_clear_percent = 0\nmin_match_percent = 0\n";
        let bench = bench();
        bench.write("hcsync.toml", config);
        let _ = bench.run("plan customers.csv --out it.plan");
        for words in ["sync customers.csv", "apply it.plan"] {
            let ran = bench.run(&format!("{words} {option}")).exits(4);
            assert!(ran.err.contains(names), "{option}: {}", ran.err);
        }
        assert_eq!(bench.writes(), 0, "{option}");
    }
}

#[test]
fn request_and_time_budgets_by_every_command_that_sends() {
    for option in ["--max-requests 5", "--max-duration 1ms"] {
        for words in ["sync customers.csv", "apply it.plan", "resume"] {
            let bench = match words {
                "apply it.plan" => planned(),
                "resume" => stopped(),
                _ => bench(),
            };
            let before = bench.sandbox().stats().total;
            let reported = summary(&bench, &format!("{words} {option}"), 7);
            let reason = option
                .split(' ')
                .next()
                .unwrap()
                .trim_start_matches("--")
                .replace('-', "_");
            assert_eq!(reported["stop"]["reason"], reason, "{words} {option}");
            assert!(
                bench.sandbox().stats().total <= before + 5,
                "{words} {option}"
            );
        }
    }
}

#[test]
fn outputs_of_every_command_that_has_them() {
    let names = "--results r.csv --rejected j.csv --changes c.jsonl --summary s.json";
    for words in [
        "sync customers.csv",
        "plan customers.csv",
        "apply it.plan",
        "resume",
    ] {
        let bench = match words {
            "apply it.plan" => planned(),
            "resume" => stopped(),
            _ => bench(),
        };
        let ran = bench.run(&format!("{words} {names} --output json"));
        assert!(matches!(ran.code, Some(0 | 3)), "{words}: {}", ran.err);
        for line in ran.out.lines() {
            let json: Value = serde_json::from_str(line).unwrap();
            assert!(json.is_object(), "{words}: {line}");
        }
        for name in ["r.csv", "c.jsonl", "s.json"] {
            assert!(bench.path(name).exists(), "{words}: {name}");
        }
    }
}

#[test]
fn a_figure_of_requests_a_minute_is_the_one_of_the_run() {
    for words in ["sync customers.csv", "plan customers.csv"] {
        let bench = bench();
        let mut command = bench.bare(&words.split(' ').collect::<Vec<_>>());
        command.env("HELPCRUNCH_API_KEY", crate::bench::KEY);
        command.args(["--base-url", &bench.base_url(), "--state-dir", "state"]);
        command.args(["--requests-per-minute", "60000", "--summary", "s.json"]);
        let _ = Running::start(command).wait().exits(3);
        let reported = std::fs::read_to_string(bench.path("s.json")).unwrap();
        let reported: Value = serde_json::from_str(&reported).unwrap();
        assert_eq!(reported["rate"]["limit_per_minute"], 60000);
    }
}

#[test]
fn one_at_a_time_is_one_at_a_time() {
    let bench = bench();
    let mut quirks = bench.sandbox().quirks();
    quirks.set("latency-ms=5").unwrap();
    bench.sandbox().set_quirks(quirks).unwrap();
    let _ = bench.run("sync customers.csv --concurrency 1 --limit 40 --min-match-percent 0");
    let requests = bench.requests();
    assert!(requests.len() > 20);
    for pair in requests.windows(2) {
        assert!(
            pair[1].at_ms >= pair[0].at_ms + 5,
            "{} and {}",
            pair[0].number,
            pair[1].number
        );
    }
}

#[test]
fn an_account_by_its_name_has_a_folder_by_its_name() {
    for words in ["sync customers.csv", "plan customers.csv", "probe"] {
        let bench = bench();
        let _ = bench.run(&format!("{words} --account Shop"));
        let accounts = crate::bench::entries(&bench.path("state").join("accounts"));
        let names: Vec<_> = accounts
            .iter()
            .filter(|p| p.is_dir())
            .map(|p| p.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert!(
            names.len() == 1 && names[0].starts_with("n-shop-"),
            "{words}: {names:?}"
        );
    }
}

#[test]
fn another_config_is_taken_and_named() {
    let bench = bench();
    bench.write(
        "other.toml",
        "[fields]\nuserId = \"User ID\"\nname = \"Name\"\n",
    );
    for words in [
        "sync customers.csv --dry-run",
        "plan customers.csv",
        "check customers.csv",
    ] {
        let ran = bench.run(&format!("{words} --config other.toml"));
        assert!(
            ran.err.contains("config: other.toml") || ran.out.contains("other.toml"),
            "{words}: {}",
            ran.err
        );
        assert!(!ran.out.contains("bad_email"), "{words}: {}", ran.out);
    }
}

#[test]
fn logs_and_colours_are_as_they_are_asked_for() {
    for words in [
        "sync customers.csv",
        "plan customers.csv",
        "check customers.csv",
        "export",
        "probe",
    ] {
        let bench = bench();
        let ran = bench.run(&format!("{words} --log-format json -v"));
        for line in ran.err.lines() {
            let json: Result<Value, _> = serde_json::from_str(line);
            assert!(json.is_ok(), "{words}: {line}");
        }
    }
    for words in [
        "sync customers.csv",
        "plan customers.csv",
        "check customers.csv",
    ] {
        let bench = bench();
        assert!(
            bench
                .run(&format!("{words} --color always"))
                .out
                .contains("\u{1b}["),
            "{words}"
        );
        assert!(
            !bench
                .run(&format!("{words} --color never"))
                .out
                .contains('\u{1b}'),
            "{words}"
        );
        let quiet = self::bench().run(&format!("{words} -qq"));
        let loud = self::bench().run(&format!("{words} -vv"));
        assert!(quiet.err.len() < loud.err.len(), "{words}: {}", quiet.err);
    }
}

#[test]
fn every_variable_is_read() {
    let bench = bench();
    let mut command = bench.bare(&["sync", "customers.csv"]);
    command.env("HELPCRUNCH_API_KEY", crate::bench::KEY);
    for (name, value) in [
        ("HCSYNC_BASE_URL", bench.base_url().as_str()),
        ("HCSYNC_STATE_DIR", "elsewhere"),
        ("HCSYNC_REQUESTS_PER_MINUTE", "0"),
        ("HCSYNC_CONCURRENCY", "2"),
        ("HCSYNC_LIMIT", "30"),
        ("HCSYNC_MIN_MATCH_PERCENT", "0"),
        ("HCSYNC_SUMMARY", "s.json"),
        ("HCSYNC_RESULTS", "r.jsonl"),
        ("HCSYNC_REJECTED", "j.csv"),
        ("HCSYNC_CHANGES", "c.csv"),
        ("HCSYNC_OUTPUT", "json"),
        ("HCSYNC_DRY_RUN", "true"),
    ] {
        command.env(name, value);
    }
    let ran = Running::start(command).wait();
    assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.err);
    let reported: Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    assert!(reported.is_object());
    for name in ["s.json", "r.jsonl", "c.csv", "elsewhere/runs"] {
        assert!(bench.path(name).exists(), "{name}");
    }
    let text = std::fs::read_to_string(bench.path("s.json")).unwrap();
    let reported: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&reported["dry_run"], &reported["input"]["rows"]),
        (&true.into(), &30.into())
    );
    assert_eq!(bench.writes(), 0);
}
