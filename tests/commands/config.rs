//! `config`, and what is said of configs and variables that are wrong.

use serde_json::Value;

use crate::bench::{Bench, Ran, Running};
use crate::files::fits;

/// Without a key, a server or a state directory.
fn run(bench: &Bench, words: &str) -> Ran {
    Running::start(bench.bare(&words.split(' ').collect::<Vec<_>>())).wait()
}

/// A config as the JSON that its schema describes.
fn as_json(text: &str) -> Value {
    let table: toml::Table = text.parse().unwrap();
    serde_json::to_value(table).unwrap()
}

#[test]
fn the_schema_and_the_example_are_printed_and_fit_each_other() {
    let bench = Bench::empty();
    let example = run(&bench, "config --example").exits(0).out;
    assert_eq!(example, include_str!("../../config.example.toml"));
    let schema = run(&bench, "config --schema").exits(0).out;
    assert_eq!(
        schema,
        include_str!("../../docs/formats/config.schema.json")
    );
    fits("config", [&as_json(&example)]);
    let more = "[fields]\nemail = \"E\"\n[tags]\nmanaged = \"ours\"\n[safety]\ntolerated_rows = \"0.1%\"\n[state]\nkeep = \"1h30m\"\n";
    fits("config", [&as_json(more)]);
    bench.write("hcsync.toml", example);
    let _ = run(&bench, "config --show").exits(0);
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    for wrong in [
        "[limits]\nconcurency = 1\n",
        "[limits]\nconcurrency = 65\n",
        "[api]\ntimeout = 30\n",
        "[fields]\nmail = \"E\"\n",
        "[fields]\nemail = { colum = \"E\" }\n",
        "[safety]\ntolerated_rows = \"some\"\n",
        "[input]\ncommand = \"psql\"\n",
    ] {
        let fitting = std::panic::catch_unwind(|| fits("config", [&as_json(wrong)]));
        assert!(fitting.is_err(), "{wrong}");
        let bench = Bench::empty();
        bench.write("c.toml", wrong);
        let _ = run(&bench, "config --show -c c.toml").exits(2);
    }
}

#[test]
fn the_values_that_hold_say_where_they_come_from() {
    let bench = Bench::empty();
    let text = "[api]\naccount = \"shop\"\n[limits]\nconcurrency = 2\n\n[fields]\nemail = \"E\"\n";
    bench.write("hcsync.toml", text);
    let words = "config --show --concurrency 3"
        .split(' ')
        .collect::<Vec<_>>();
    let mut command = bench.bare(&words);
    command.env("HCSYNC_MAX_CREATES", "9");
    command.env("HELPCRUNCH_API_KEY", crate::bench::KEY);
    let shown = Running::start(command).wait().exits(0).shows(&[
        "# config: hcsync.toml (found in the current folder)",
        "# API key: HELPCRUNCH_API_KEY",
        "account = \"shop\"  # hcsync.toml:2",
        "concurrency = 3  # --concurrency",
        "settle = \"30s\"  # default",
        "max_creates = 9  # HCSYNC_MAX_CREATES",
        "email = \"E\"  # hcsync.toml:7",
        "[custom_data]\n# absent: filled from the input's columns",
        "# key_file is not set",
    ]);
    assert!(!shown.out.contains(crate::bench::KEY));
    fits("config", [&as_json(&shown.out)]);
    let json = run(&bench, "config --show --output json").exits(0).json();
    let values = json["values"].as_array().unwrap();
    let account = values.iter().find(|v| v["key"] == "api.account").unwrap();
    assert_eq!(
        (&account["value"], &account["source"]),
        (&"shop".into(), &"hcsync.toml:2".into())
    );
}

#[test]
fn one_of_the_three_is_needed() {
    let bench = Bench::empty();
    for words in ["config", "config --schema --show"] {
        let _ = run(&bench, words)
            .exits(2)
            .says(&["--schema, --example and --show"]);
    }
}

#[test]
fn all_that_is_wrong_with_a_config_is_shown_at_once() {
    let bench = Bench::empty();
    bench.write("a.csv", "userId\na\n");
    let text = "[api]\ntimeout = 30\n[limits]\nconcurency = 4\nmax_attempts = 0\n";
    bench.write("hcsync.toml", text);
    let _ = bench.run("sync a.csv --summary s.json").exits(2).says(&[
        "hcsync.toml:2:11: `api.timeout` must be a length of time",
        "2 │ timeout = 30",
        "hcsync.toml:4:1: unknown key `limits.concurency`; did you mean `concurrency`?",
        "hcsync.toml:5:16: `limits.max_attempts` must be from 1 to 100",
    ]);
    let summary: Value =
        serde_json::from_slice(&std::fs::read(bench.path("s.json")).unwrap()).unwrap();
    let message = summary["stop"]["message"].as_str().unwrap();
    assert!(
        message.contains(":2:11:") && message.contains(":5:16:"),
        "{message}"
    );
}

#[test]
fn options_without_effect_are_said() {
    let bench = Bench::empty();
    bench.write("a.csv", "userId,t\na,x\n");
    bench.write(
        "hcsync.toml",
        "[tags]\ncolumn = \"t\"\nmode = \"add\"\nmanaged = [\"vip\"]\n",
    );
    let _ = bench.run("sync a.csv").exits(0).says(&[
        "warning: hcsync.toml:4:11: `tags.managed` has no effect unless tags.mode is \"managed\"",
    ]);
}

#[test]
fn unknown_variables_are_errors_that_name_the_nearest() {
    let bench = Bench::empty();
    for (name, said) in [
        (
            "HCSYNC_CONFGI",
            "unknown variable HCSYNC_CONFGI; did you mean HCSYNC_CONFIG?",
        ),
        ("HCSYNC_MAX_CREATE", "did you mean HCSYNC_MAX_CREATES?"),
        ("HCSYNC_API_KEY", "did you mean HELPCRUNCH_API_KEY?"),
        (
            "HCSYNC_NOTHING_LIKE_IT",
            "unknown variable HCSYNC_NOTHING_LIKE_IT; unset it",
        ),
    ] {
        let mut command = bench.bare(&["runs"]);
        command.env(name, "1");
        let _ = Running::start(command).wait().exits(2).says(&[said]);
    }
    // Kubernetes sets such for a service of this name; a variable of another command is none of `runs`.
    let mut command = bench.bare(&["runs"]);
    command
        .env("HCSYNC_SERVICE_HOST", "10.0.0.1")
        .env("HCSYNC_PORT_80_TCP", "tcp://10.0.0.1:80");
    command.env("HCSYNC_LISTEN", "127.0.0.1:0");
    let _ = Running::start(command).wait().exits(0);
}
