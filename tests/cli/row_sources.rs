//! Where rows come from and which of them are processed: `[rows] where`, `[input] command`, `[input] timezone`.

use serde_json::Value;

use crate::bench::{Bench, KEY};

const WHERE: &str = "[fields]\nuserId = \"id\"\nemail = \"mail\"\nname = \"name\"\n[rows]\nwhere = \"role == 'end-user'\"\n";
/// The second row has no valid address, the third has the keys of the first.
const PEOPLE: &str = "id,mail,name,role\na,a@ex.co,Ann,end-user\nb,nothing,Ben,agent\na,a@ex.co,Ann again,agent\nc,c@ex.co,Cid,end-user\n";

fn statuses(results: &[Value]) -> Vec<&str> {
    results
        .iter()
        .map(|r| r["status"].as_str().unwrap())
        .collect()
}

#[test]
fn rows_that_where_leaves_out_are_skipped_counted_and_seen_by_nothing_else() {
    let bench = Bench::empty();
    bench.write("people.csv", PEOPLE).write("c.toml", WHERE);
    let words = "sync people.csv -c c.toml --concurrency 1 --results r.jsonl";
    let _ = bench
        .run(words)
        .exits(0)
        .shows(&["rows skipped because rows.where leaves them out: 2"]);
    let run = bench.only_run();
    run.check_results();
    let text = std::fs::read_to_string(bench.path("r.jsonl")).unwrap();
    let results: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(
        statuses(&results),
        ["created", "skipped", "skipped", "created"]
    );
    assert_eq!(run.summary()["results"]["skipped"], 2);
    assert_eq!(bench.sandbox().customers().len(), 2);
    let before = bench.runs();
    let _ = bench.run(words).exits(0);
    let again = bench.run_since(&before).summary();
    let planned = &again["planned"];
    assert_eq!(
        (&planned["create"], &planned["patch"]),
        (&0.into(), &0.into())
    );
    assert_eq!(
        (&planned["unchanged"], &planned["skipped"]),
        (&2.into(), &2.into())
    );
    let _ = bench
        .run("check people.csv -c c.toml")
        .exits(0)
        .shows(&["rows.where leaves them out: 2"]);
}

#[test]
fn a_where_that_cannot_work_is_a_config_error_with_its_place() {
    let bench = Bench::empty();
    bench.write("people.csv", PEOPLE);
    for (text, said) in [
        ("rol == 'end-user'", "did you mean `role`?"),
        ("role = 'end-user'", "rows.where: syntax error"),
    ] {
        bench.write("c.toml", WHERE.replace("role == 'end-user'", text));
        let _ = bench
            .run("sync people.csv -c c.toml")
            .exits(2)
            .says(&[said, "c.toml:6:9"]);
    }
    assert_eq!(bench.writes(), 0);
}

#[test]
fn a_row_for_which_where_is_neither_true_nor_false_is_rejected() {
    let bench = Bench::empty();
    bench.write("people.csv", PEOPLE);
    bench.write("c.toml", WHERE.replace("role == 'end-user'", "role"));
    let _ = bench.run("sync people.csv -c c.toml").exits(3);
    let results = bench.only_run().results();
    assert_eq!(results[0]["error"]["code"], "bad_where");
    assert_eq!(bench.writes(), 0);
}

#[test]
fn dates_without_a_zone_have_that_of_the_input_unless_their_rule_names_one() {
    let bench = Bench::empty();
    bench.write(
        "d.csv",
        "userId,one,two\na,2026-01-15 12:00:00,2026-01-15 12:00:00\n",
    );
    let rules = "[input]\ntimezone = \"Europe/Kyiv\"\n[custom_data]\none = { column = \"one\", type = \"date\" }\n\
                 two = { column = \"two\", type = \"date\", timezone = \"UTC\" }\n";
    bench.write("c.toml", rules);
    let _ = bench.run("sync d.csv -c c.toml").exits(0);
    let data = bench.sandbox().customers()[0]["customData"].clone();
    assert_eq!(
        data["two"].as_i64().unwrap() - data["one"].as_i64().unwrap(),
        7_200
    );
}

mod config_files {
    use super::*;
    use crate::bench::Running;

    const CONFIG: &str = "[input]\nfiles = [\"a.csv\", \"more/b.csv\"]\n";

    /// A config in a folder of its own, with two files.
    fn bench() -> Bench {
        let bench = Bench::empty();
        std::fs::create_dir_all(bench.path("conf/more")).unwrap();
        bench.write("conf/c.toml", CONFIG);
        bench.write("conf/a.csv", "userId,name\na,Ann\n");
        bench.write("conf/more/b.csv", "userId,name\nb,Ben\n");
        bench
    }

    #[test]
    fn files_of_the_config_are_the_input_and_their_paths_start_at_the_config() {
        let bench = bench();
        let _ = bench.run("sync -c conf/c.toml --results r.jsonl").exits(0);
        let results = bench.only_run().results();
        let sources: Vec<_> = results.iter().map(|r| r["source"].clone()).collect();
        assert_eq!(sources, ["conf/a.csv", "conf/more/b.csv"]);
        let _ = bench
            .run("plan -c conf/c.toml")
            .exits(0)
            .shows(&["Nothing to change: 2 rows"]);
        let _ = bench
            .run("check -c conf/c.toml")
            .exits(0)
            .shows(&["conf/more/b.csv"]);
        // Also of a config that was only found.
        bench.write("hcsync.toml", "[input]\nfiles = [\"conf/a.csv\"]\n");
        let _ = bench.run("plan").exits(0).shows(&["1 row"]);
    }

    #[test]
    fn named_inputs_take_precedence_and_a_program_is_not_set_beside_files() {
        let bench = bench();
        bench.write("other.csv", "userId,name\nc,Cid\n");
        let _ = bench
            .run("sync other.csv -c conf/c.toml")
            .exits(0)
            .says(&["input.files are not read"]);
        assert_eq!(bench.sandbox().customers().len(), 1);
        bench.write(
            "conf/c.toml",
            format!("{CONFIG}command = [\"touch\", \"ran\"]\n"),
        );
        for words in ["sync", "plan", "check", "sync other.csv"] {
            let _ = bench
                .run(&format!("{words} -c conf/c.toml"))
                .exits(2)
                .says(&["c.toml:2:9: `input.files` must not be set beside input.command"]);
        }
        assert!(!bench.path("conf/ran").exists());
        bench.write("conf/c.toml", "[input]\nfiles = [\"absent.csv\"]\n");
        let _ = bench
            .run("sync -c conf/c.toml")
            .exits(2)
            .says(&["conf/absent.csv"]);
    }

    #[test]
    fn an_interrupted_run_resumes_from_another_folder() {
        // With one request it is stopped before its plan is made, so that it starts again.
        for limit in [1, 5] {
            let bench = bench();
            let rows: String = (0..9).map(|n| format!("u{n},U\n")).collect();
            bench.write("conf/a.csv", format!("userId,name\n{rows}"));
            let words = format!("sync -c conf/c.toml --concurrency 1 --max-requests {limit}");
            let _ = bench.run(&words).exits(7);
            let summary = bench.only_run().summary();
            let next = summary["stop"]["next_command"].as_str().unwrap();
            let words: Vec<&str> = next.split_whitespace().skip(1).collect();
            let mut resume = bench.bare(&words);
            resume
                .arg("--yes")
                .current_dir(bench.path("conf/more"))
                .env("HELPCRUNCH_API_KEY", KEY);
            let _ = Running::start(resume).wait().exits(0);
            assert_eq!(bench.sandbox().customers().len(), 10, "{limit}");
        }
    }
}

#[cfg(unix)]
mod programs {
    use std::time::Instant;

    use super::*;
    use crate::bench::{Running, entries};

    /// A config beside which the program lies, in a folder of its own.
    fn config(bench: &Bench, script: &str, command: &str) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::create_dir_all(bench.path("conf")).unwrap();
        let path = bench.path("conf/rows.sh");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        bench.write("conf/c.toml", format!("[input]\ncommand = {command}\n"));
    }

    #[test]
    fn rows_come_from_the_output_of_a_program_beside_the_config() {
        let bench = Bench::empty();
        // No shell: the argument arrives as it is. The API key is not for other programs.
        let script = "printf 'userId,name,notes\\na,\"%s\",\"%s\"\\n' \"$1\" \"$HELPCRUNCH_API_KEY\"; echo two rows >&2";
        config(&bench, script, "[\"./rows.sh\", \"$(id) *\"]");
        let _ = bench
            .run("sync -c conf/c.toml")
            .exits(0)
            .says(&["rows.sh: two rows", "running `rows.sh`"]);
        let customer = &bench.sandbox().customers()[0];
        assert_eq!(customer["name"], "$(id) *");
        assert_eq!(customer["notes"].as_str().unwrap_or(""), "");
        assert_eq!(bench.only_run().results()[0]["source"], "rows.sh");
        let _ = bench
            .run("plan -c conf/c.toml")
            .exits(0)
            .shows(&["Nothing to change: 1 row"]);
        let _ = bench
            .run("check -c conf/c.toml")
            .exits(0)
            .shows(&["rows.sh"]);
    }

    #[test]
    fn a_program_that_fails_or_does_not_exist_sends_nothing() {
        let bench = Bench::empty();
        let script = "echo userId; echo a; echo 'no such table' >&2; exit 3";
        config(&bench, script, "[\"./rows.sh\"]");
        for quiet in ["", " -q"] {
            let _ = bench
                .run(&format!("sync -c conf/c.toml{quiet}"))
                .exits(2)
                .says(&[
                    "rows.sh: no such table",
                    "`rows.sh` ended with exit code 3, so its rows are not used; nothing was sent",
                ]);
        }
        config(&bench, "", "[\"no-such-program\"]");
        let _ = bench
            .run("sync -c conf/c.toml")
            .exits(2)
            .says(&["`no-such-program` cannot be started"]);
        config(&bench, "", "\"rows.sh\"");
        let _ = bench
            .run("sync -c conf/c.toml")
            .exits(2)
            .says(&["`input.command` must be a list"]);
        assert_eq!(bench.requests().len(), 0);
    }

    #[test]
    fn named_inputs_take_precedence_and_without_any_there_is_an_error() {
        let bench = Bench::empty();
        config(&bench, "exit 3", "[\"./rows.sh\"]");
        bench.write("a.csv", "userId\na\n");
        let _ = bench
            .run("sync a.csv -c conf/c.toml")
            .exits(0)
            .says(&["input.command is not run"]);
        let _ = bench
            .run("sync")
            .exits(2)
            .says(&["no input", "`files` or `command` under [input]"]);
    }

    #[test]
    fn a_config_that_was_only_found_runs_nothing() {
        let bench = Bench::empty();
        bench.write("hcsync.toml", "[input]\ncommand = [\"touch\", \"ran\"]\n");
        for words in ["sync", "sync --sandbox", "plan", "check"] {
            let _ = bench.run(words).exits(2).says(&[
                "hcsync.toml:2:11",
                "`input.command` would run `touch`",
                "--config hcsync.toml",
            ]);
        }
        assert!(!bench.path("ran").exists());
        let _ = bench.run("sync -c hcsync.toml");
        assert!(bench.path("ran").exists());
    }

    #[test]
    fn a_stopped_run_ends_the_program_and_all_that_it_started() {
        let bench = Bench::empty();
        // The grandchild would keep the file's lock for longer than the test may run.
        let script = "echo userId\nsleep 600 &\necho $! > pid.tmp && mv pid.tmp pid\nwait";
        config(&bench, script, "[\"./rows.sh\"]");
        let running = bench.start("sync -c conf/c.toml");
        let start = Instant::now();
        while !bench.path("conf/pid").exists() {
            assert!(start.elapsed().as_secs() < 60, "it does not start");
            std::thread::yield_now();
        }
        running.signal("INT");
        let _ = running
            .wait()
            .exits(130)
            .says(&["stopped while `rows.sh` was read"]);
        let pid = std::fs::read_to_string(bench.path("conf/pid")).unwrap();
        let state =
            std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        // A process that init has not collected yet is a zombie.
        assert!(state.is_empty() || state.contains(") Z "), "{state}");
        assert_eq!(entries(&bench.path("state/runs")).len(), 0);
    }

    #[test]
    fn an_interrupted_run_resumes_without_running_the_program_again() {
        let bench = Bench::empty();
        let script =
            "echo ran >> runs\necho userId,name\nfor i in 1 2 3 4 5 6 7 8 9; do echo u$i,Ann; done";
        config(&bench, script, "[\"./rows.sh\"]");
        let _ = bench
            .run("sync -c conf/c.toml --concurrency 1 --max-requests 6")
            .exits(7);
        let mut resume = bench.bare(&[
            "resume",
            "--state-dir",
            "state",
            "--requests-per-minute",
            "0",
        ]);
        resume
            .env("HELPCRUNCH_API_KEY", KEY)
            .env("HCSYNC_BASE_URL", bench.base_url());
        let _ = Running::start(resume).wait().exits(0);
        assert_eq!(bench.sandbox().customers().len(), 9);
        let runs = std::fs::read_to_string(bench.path("conf/runs")).unwrap();
        assert_eq!(runs.lines().count(), 1);
    }
}
