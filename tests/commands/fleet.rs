//! `fleet check`: the configs of a folder, what each needs, and the length of the night.

use serde_json::{Value, json};

use crate::bench::{Bench, KEY, Ran, Running};
use crate::files::fits;

/// A folder with a config for each of these accounts, and the rows of its input.
fn bench(accounts: &[(&str, u32)]) -> Bench {
    let bench = Bench::empty();
    std::fs::create_dir(bench.path("accounts")).unwrap();
    for (name, rows) in accounts {
        write_config(&bench, name, "");
        let rows: String = (0..*rows).map(|n| format!("{name}{n},Ann\n")).collect();
        bench.write(
            &format!("accounts/{name}.csv"),
            format!("userId,name\n{rows}"),
        );
        bench.write(&format!("accounts/{name}.key"), format!("{KEY}{name}"));
    }
    bench
}

fn write_config(bench: &Bench, name: &str, api: &str) {
    let config = format!(
        "[api]\nbase_url = \"{}\"\naccount = \"{name}\"\nkey_file = \"{name}.key\"\n{api}\n[limits]\nrequests_per_minute = 60000\n\
         [input]\nfiles = [\"{name}.csv\"]\n",
        bench.base_url()
    );
    bench.write(&format!("accounts/{name}.toml"), config);
}

fn check(bench: &Bench, words: &str) -> Ran {
    let words = format!("fleet check accounts --state-dir state {words}");
    Running::start(bench.bare(&words.split_whitespace().collect::<Vec<_>>())).wait()
}

fn report(bench: &Bench, exit: i32) -> Value {
    let report = check(bench, "--output json").exits(exit).json();
    fits("fleet-check", [&report]);
    report
}

#[test]
fn without_state_each_row_counts_as_a_write_and_nothing_is_sent_or_made() {
    let bench = bench(&[("small", 3), ("large", 300)]);
    let report = report(&bench, 0);
    let configs = report["configs"].as_array().unwrap();
    let of = |key: &str| configs.iter().map(|c| c[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("config"), ["large.toml", "small.toml"]);
    assert_eq!(of("account"), ["large", "small"]);
    assert_eq!(of("rows"), [300, 3]);
    // A write for each row, the searches for userIds, two first reads, and the searches for those that were created.
    let need = |requests: u64| json!({"from": "upper_bound", "requests": requests});
    for (config, expected) in configs
        .iter()
        .zip([need(300 + 3 + 2 + 3), need(3 + 1 + 2 + 1)])
    {
        assert_eq!(config["need"]["from"], expected["from"]);
        assert_eq!(config["need"]["requests"], expected["requests"], "{config}");
    }
    assert_eq!(report["chains"][0]["configs"], json!(["large.toml"]));
    assert_eq!(
        report["night"]["duration_s"],
        configs[0]["need"]["duration_s"]
    );
    let _ = check(&bench, "").exits(0).shows(&[
        "2 configs in accounts",
        "config      account  rows  requests",
        "at most",
        "as long as large.toml",
    ]);
    assert_eq!(bench.requests().len(), 0);
    assert!(!bench.path("state").exists());
}

#[test]
fn the_bound_is_kept_and_then_the_last_run_is_what_counts() {
    let bench = bench(&[("shop", 120)]);
    let before = report(&bench, 0)["configs"][0]["need"].clone();
    let words = "sync -c accounts/shop.toml --state-dir state";
    let sync = || {
        let command = bench.bare(&words.split(' ').collect::<Vec<_>>());
        let _ = Running::start(command).wait().exits(0);
    };
    sync();
    let sent = bench.requests().len() as u64;
    let after = report(&bench, 0)["configs"][0]["need"].clone();
    assert_eq!(after["from"], "last_run");
    assert_eq!(after["requests"], sent);
    assert_eq!(after["rows"], 120);
    assert!(
        before["requests"].as_u64().unwrap() >= sent,
        "{before} {sent}"
    );
    sync();
    let last = report(&bench, 0)["configs"][0]["need"].clone();
    assert_ne!(last["run_id"], after["run_id"]);
    let _ = check(&bench, "").exits(0).shows(&["last run"]);
}

#[test]
fn all_errors_of_all_configs_are_reported_at_once() {
    let bench = bench(&[("good", 2), ("late", 1)]);
    bench.write("accounts/one.toml", "[api]\nacount = \"x\"\ntimeout = 30\n");
    bench.write("accounts/two.toml", "[limits]\nconcurrency = 0\n");
    std::fs::remove_file(bench.path("accounts/late.csv")).unwrap();
    let ran = check(&bench, "").exits(2);
    let ran = ran.says(&[
        "accounts/one.toml:2:1: unknown key `api.acount`",
        "accounts/one.toml:3:11: `api.timeout`",
        "accounts/two.toml:2:15: `limits.concurrency`",
        "accounts/late.toml: ",
        "late.csv",
        "3 problems",
    ]);
    let _ = ran.shows(&["good.toml", "not usable"]);
    let report = report(&bench, 2);
    let problems = report["configs"].as_array().unwrap().iter();
    let problems: Vec<_> = problems.map(|c| c["problem"].is_string()).collect();
    assert_eq!(problems, [false, true, true, true]);
}

#[test]
fn configs_for_one_account_are_refused_unless_all_say_so_and_then_take_turns() {
    let bench = bench(&[("a", 40), ("b", 50), ("c", 60)]);
    // The same key under another name is the same account.
    bench.write("accounts/b.key", format!("{KEY}a"));
    let _ = check(&bench, "").exits(2).says(&[
        "a.toml and b.toml are for one account: their key files hold the same key",
        "shares_account = true",
    ]);
    write_config(&bench, "a", "shares_account = true");
    let _ = check(&bench, "").exits(2);
    write_config(&bench, "b", "shares_account = true");
    let report = report(&bench, 0);
    assert_eq!(report["chains"][0]["configs"], json!(["a.toml", "b.toml"]));
    assert_eq!(report["chains"][1]["configs"], json!(["c.toml"]));
    let _ = check(&bench, "")
        .exits(0)
        .shows(&["as long as a.toml, then b.toml"]);
}

#[test]
fn rows_that_would_be_rejected_are_exit_code_3() {
    let bench = bench(&[("a", 2), ("b", 2)]);
    bench.write("accounts/b.csv", "userId,email\nb0,nothing\nb1,b@ex.co\n");
    let _ = check(&bench, "")
        .exits(3)
        .shows(&["b.toml: 1 of 2 rows would be rejected"])
        .says(&["exit code 3"]);
    let report = report(&bench, 3);
    assert_eq!(report["configs"][1]["bad_rows"], 1);
}

#[test]
fn what_is_not_known_is_said() {
    let bench = bench(&[("a", 2)]);
    let base = bench.base_url();
    let api = |more: &str| format!("[api]\nbase_url = \"{base}\"\n{more}");
    bench.write(
        "accounts/sql.toml",
        api("account = \"sql\"\n[input]\ncommand = [\"touch\", \"ran\"]\n"),
    );
    bench.write("accounts/none.toml", api("account = \"none\"\n"));
    bench.write("accounts/key.toml", api("key_file = \"absent\"\n"));
    let ran = check(&bench, "").exits(0).shows(&[
        "sql.toml: its rows are not counted: input.command is not run here",
        "none.toml: its rows are not counted: it has no input.files",
        "key.toml: cannot read the key file",
        "plus what is not known",
    ]);
    assert!(
        ran.out.lines().all(|line| line.chars().count() <= 80),
        "{}",
        ran.out
    );
    assert!(!bench.path("accounts/ran").exists() && !bench.path("ran").exists());
    let report = report(&bench, 0);
    assert_eq!(report["night"]["is_complete"], false);
    assert_eq!(report["configs"][1]["account_id"], Value::Null);
}

#[test]
fn a_key_of_the_environment_is_warned_of_and_makes_no_two_accounts_one() {
    let bench = bench(&[("a", 1), ("b", 1)]);
    let mut command = bench.bare(&["fleet", "check", "accounts", "--state-dir", "state"]);
    command.env("HELPCRUNCH_API_KEY", KEY);
    let ran = Running::start(command).wait().exits(0);
    let _ = ran.says(&["HELPCRUNCH_API_KEY is set: each sync would use it"]);
}

#[test]
fn a_folder_without_configs_and_one_that_is_not_there_are_usage_errors() {
    let bench = bench(&[]);
    let _ = check(&bench, "")
        .exits(2)
        .says(&["accounts has no config (*.toml)", "hcsync init"]);
    let absent = bench.bare(&["fleet", "check", "absent"]);
    let _ = Running::start(absent)
        .wait()
        .exits(2)
        .says(&["absent cannot be read"]);
    let _ = Running::start(bench.bare(&["fleet"]))
        .wait()
        .exits(2)
        .says(&["hcsync fleet <COMMAND>"]);
}
