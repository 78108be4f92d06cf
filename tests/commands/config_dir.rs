//! `--config-dir` and `--index`: one config of a folder.

use std::process::Command;

use crate::bench::{Bench, KEY, Ran, Running};

/// A folder with a config and an input for each of three accounts.
fn bench() -> Bench {
    let bench = Bench::empty();
    std::fs::create_dir(bench.path("accounts")).unwrap();
    for name in ["b", "a", "C"] {
        let config = format!(
            "[api]\nbase_url = \"{}\"\naccount = \"{name}\"\nkey_file = \"{name}.key\"\n[limits]\nrequests_per_minute = 0\n\
             [input]\nfiles = [\"{name}.csv\"]\n",
            bench.base_url()
        );
        bench.write(&format!("accounts/{name}.toml"), config);
        bench.write(&format!("accounts/{name}.key"), format!("{KEY}{name}"));
        bench.write(
            &format!("accounts/{name}.csv"),
            format!("userId,name\n{name},Ann\n"),
        );
    }
    bench
}

/// Without a key or an address but those of the config.
fn command(bench: &Bench, words: &str) -> Command {
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut command = bench.bare(&words);
    command.args(["--state-dir", "state"]);
    command
}

fn run(bench: &Bench, words: &str) -> Ran {
    Running::start(command(bench, words)).wait()
}

#[test]
fn the_index_counts_configs_in_byte_order_and_the_first_line_names_the_one() {
    let bench = bench();
    for (index, name) in ["C", "a", "b"].into_iter().enumerate() {
        let ran = run(
            &bench,
            &format!("sync --config-dir accounts --index {index}"),
        );
        let ran = ran.exits(0);
        let first = ran.err.lines().next().unwrap();
        assert_eq!(first, format!("config: accounts/{name}.toml"));
    }
    let customers = bench.sandbox().customers();
    let ids: Vec<_> = customers.iter().map(|c| c["userId"].clone()).collect();
    assert_eq!(ids, ["C", "a", "b"]);
}

#[test]
fn every_command_with_a_config_takes_it_also_by_variables() {
    let bench = bench();
    for words in [
        "sync",
        "plan",
        "check",
        "export",
        "probe --yes",
        "probe --show",
        "config --show",
        "why a --now",
    ] {
        let mut command = command(&bench, words);
        command
            .env("HCSYNC_CONFIG_DIR", "accounts")
            .env("HCSYNC_INDEX", "1");
        let ran = Running::start(command).wait().exits(0);
        assert!(
            ran.err.starts_with("config: accounts/a.toml\n"),
            "{words}: {}",
            ran.err
        );
    }
}

#[test]
fn a_run_is_resumed_with_the_config_that_the_index_took() {
    let bench = bench();
    let rows: String = (0..9).map(|n| format!("u{n},U\n")).collect();
    bench.write("accounts/b.csv", format!("userId,name\n{rows}"));
    let chosen = "--config-dir accounts --index 2";
    let stopped = run(&bench, &format!("sync {chosen} --max-requests 5")).exits(7);
    let _ = stopped.says(&["--config", "accounts/b.toml"]);
    // Started again before it sent anything, and continued.
    let _ = run(&bench, &format!("resume {chosen} --max-requests 1")).exits(7);
    let _ = run(&bench, &format!("resume {chosen}"))
        .exits(0)
        .says(&["config: accounts/b.toml"]);
    assert_eq!(bench.sandbox().customers().len(), 9);
}

#[test]
fn what_is_not_clear_or_not_there_is_refused_with_advice() {
    let bench = bench();
    std::fs::create_dir(bench.path("empty")).unwrap();
    for (options, said) in [
        (
            "--config-dir accounts",
            "--index (or HCSYNC_INDEX) says which of them",
        ),
        ("--index 0", "give both, or name one config"),
        (
            "--config-dir accounts --index 0 -c accounts/a.toml",
            "not clear which account is meant",
        ),
        (
            "--index 0 -c accounts/a.toml",
            "not clear which account is meant",
        ),
        (
            "--config-dir accounts --index 3",
            "accounts has 3 configs (*.toml), and counting from 0 the last is --index 2",
        ),
        (
            "--config-dir empty --index 0",
            "empty has no config (*.toml)",
        ),
        (
            "--config-dir absent --index 0",
            "--config-dir absent cannot be read",
        ),
    ] {
        for command in ["sync", "plan", "check", "export", "probe", "resume"] {
            let before = bench.requests().len();
            let ran = run(&bench, &format!("{command} {options}")).exits(2);
            // Without a run there is nothing to resume.
            let _ = match command {
                "resume" => ran,
                _ => ran.says(&[said]),
            };
            assert_eq!(bench.requests().len(), before);
        }
    }
}

#[test]
fn neither_the_config_nor_its_files_are_written_over() {
    let bench = bench();
    for (words, said) in [
        ("--results accounts/a.csv", "would overwrite the input"),
        ("--summary accounts/a.csv", "would overwrite the input"),
        ("--rejected accounts/a.toml", "would overwrite the config"),
    ] {
        for command in ["sync", "plan"] {
            let words = format!("{command} --config-dir accounts --index 1 {words}");
            let _ = run(&bench, &words).exits(2).says(&[said]);
        }
    }
    let out = "plan --config-dir accounts --index 1 --out accounts/a.csv";
    let _ = run(&bench, out)
        .exits(2)
        .says(&["--out would overwrite the input"]);
    let input = std::fs::read_to_string(bench.path("accounts/a.csv")).unwrap();
    assert_eq!(input, "userId,name\na,Ann\n");
}
