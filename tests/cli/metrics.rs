//! `[metrics] textfile`: the figures of the last run, whole, over no other program's file.

use crate::bench::{Bench, Running};

const PEOPLE: &str = "userId,email,name\nu1,ann@example.com,Ann Secretson\n";
const CONFIG: &str = "api.account = \"production\"\n[metrics]\ntextfile = \"hcsync.prom\"\n";
const SYNC: &str = "sync people.csv -c c.toml";

fn bench() -> Bench {
    let bench = Bench::empty();
    bench.write("people.csv", PEOPLE).write("c.toml", CONFIG);
    bench
}

fn metrics(bench: &Bench) -> String {
    std::fs::read_to_string(bench.path("hcsync.prom")).unwrap()
}

/// The value of a metric, with the labels that it has besides those of every metric.
#[track_caller]
fn value(text: &str, name: &str, more: &str) -> f64 {
    let start = format!("{name}{{account=\"production\",config=\"c.toml\"{more}}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("no {start}in {text}"))
        .parse()
        .unwrap()
}

#[test]
fn the_file_has_the_last_run_and_remembers_the_last_success() {
    let bench = bench();
    let _ = bench.run(SYNC).exits(0);
    let first = metrics(&bench);
    assert_eq!(value(&first, "hcsync_run_rows", ",status=\"created\""), 1.0);
    assert!(value(&first, "hcsync_run_requests", ",kind=\"write\"") >= 1.0);
    let success = value(&first, "hcsync_run_last_success_timestamp_seconds", "");
    assert_eq!(
        value(&first, "hcsync_run_end_timestamp_seconds", ""),
        success
    );
    bench.write("people.csv", PEOPLE.replace("ann@example.com", "nothing"));
    let _ = bench.run(SYNC).exits(3);
    let second = metrics(&bench);
    assert_eq!(value(&second, "hcsync_run_exit_code", ""), 3.0);
    let bad = ",code=\"bad_email\",column=\"email\"";
    assert_eq!(value(&second, "hcsync_run_bad_rows", bad), 1.0);
    assert_eq!(
        value(&second, "hcsync_run_last_success_timestamp_seconds", ""),
        success
    );
    // Without a key the account's runs are not known, and the file itself remembers.
    let mut command = bench.command(SYNC);
    command.env_remove("HELPCRUNCH_API_KEY");
    let _ = Running::start(command).wait().exits(2);
    let third = metrics(&bench);
    assert_eq!(value(&third, "hcsync_run_exit_code", ""), 2.0);
    assert_eq!(
        value(&third, "hcsync_run_last_success_timestamp_seconds", ""),
        success
    );
    for text in [first, second, third] {
        assert!(
            !text.contains("Secretson") && !text.contains("ann@"),
            "{text}"
        );
    }
}

#[test]
fn a_file_of_somebody_else_is_left_alone_and_the_exit_code_stays() {
    let bench = bench();
    bench.write("hcsync.prom", "# HELP node_cpu_seconds_total x\n");
    let said = ["metrics: ", "hcsync.prom: ", "left alone"];
    let _ = bench.run(SYNC).exits(0).says(&said);
    assert_eq!(metrics(&bench), "# HELP node_cpu_seconds_total x\n");
    bench.write(
        "c.toml",
        CONFIG.replace("hcsync.prom", "no/such/folder.prom"),
    );
    let _ = bench.run(SYNC).exits(0).says(&["metrics: ", "folder.prom"]);
    bench.write("c.toml", CONFIG.replace("hcsync.prom", "people.csv"));
    let _ = bench
        .run(SYNC)
        .exits(2)
        .says(&["ends with .prom", "c.toml:3"]);
}

#[cfg(unix)]
#[test]
fn the_file_is_private_unless_it_was_opened_to_others_before() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = bench();
    let mode = || {
        let metadata = std::fs::metadata(bench.path("hcsync.prom")).unwrap();
        metadata.permissions().mode() & 0o777
    };
    let _ = bench.run(SYNC).exits(0);
    assert_eq!(mode(), 0o600);
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(bench.path("hcsync.prom"), open).unwrap();
    let _ = bench.run(SYNC).exits(0);
    assert_eq!(mode(), 0o644);
}

#[test]
fn trials_write_no_metrics() {
    let bench = bench();
    let _ = bench.run("sync people.csv -c c.toml --dry-run").exits(0);
    let _ = bench.run("sync people.csv -c c.toml --sandbox").exits(0);
    assert!(!bench.path("hcsync.prom").exists());
}
