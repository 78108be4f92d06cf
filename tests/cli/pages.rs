//! Pages for people: `--report` of a plan and of a run, and `history`.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::Value;

use crate::bench::{Bench, KEY};
use crate::files::fits;

const HOSTILE: &str = "userId,email,name\nu1,a@example.com,<script>alert(1)</script>\nu2,b@example.com,</style><img src=x>\nu3,not-an-address,Bad Secretson\n";
const SYNC: &str = "sync people.csv";

fn bench() -> Bench {
    let bench = Bench::empty();
    bench.write("people.csv", HOSTILE);
    bench
}

fn read(bench: &Bench, name: &str) -> String {
    std::fs::read_to_string(bench.path(name)).unwrap()
}

/// The rows of the table, as a browser unpacks them.
fn rows(page: &str) -> Vec<Value> {
    let blocks = page.split("class=\"block\">").skip(1);
    let unpack = |block: &str| -> Vec<Value> {
        let packed = STANDARD.decode(block.split('<').next().unwrap()).unwrap();
        let mut text = String::new();
        let mut plain = GzDecoder::new(packed.as_slice());
        plain.read_to_string(&mut text).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    blocks.flat_map(unpack).collect()
}

#[track_caller]
fn is_safe(page: &str) {
    for never in ["<img", "<script>alert", "http://", "https://", KEY] {
        assert!(!page.contains(never), "{never}");
    }
    assert!(page.contains("default-src &#x27;none&#x27;"));
}

#[test]
fn a_sync_writes_its_page_and_show_writes_the_same_again() {
    let bench = bench();
    let _ = bench
        .run("sync people.csv --report run.html --changes changes.jsonl")
        .exits(3)
        .says(&["report written: run.html"]);
    let page = read(&bench, "run.html");
    is_safe(&page);
    let changes = read(&bench, "changes.jsonl");
    let rows = rows(&page);
    assert_eq!(rows.len(), changes.lines().count());
    assert!(
        rows.iter()
            .any(|row| row[7] == "<script>alert(1)</script>" && row[8] == "done")
    );
    for part in [
        "people.csv:4",
        "holds personal data",
        "bad_email",
        "Requests a minute over time",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        !page.contains("Secretson"),
        "a rejected row's cells are only in `all`"
    );
    let id = bench.only_run().summary()["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut show = bench.bare(&[
        "show",
        &id,
        "--report",
        "again.html",
        "--state-dir",
        "state",
    ]);
    show.env("NO_COLOR", "1");
    let _ = crate::bench::Running::start(show).wait().exits(0);
    assert_eq!(read(&bench, "again.html"), page);
}

#[test]
fn customers_are_linked_where_the_config_says_where_they_are() {
    let bench = bench();
    bench.write(
        "c.toml",
        "api.customer_url = \"https://acme.example/c/{id}\"\n",
    );
    let _ = bench
        .run("sync people.csv -c c.toml --report p.html")
        .exits(3);
    assert!(read(&bench, "p.html").contains("acme.example&#x2f;c&#x2f;{id}"));
    for wrong in [
        "http://acme.example/{id}",
        "https://acme.example/",
        "javascript:{id}",
    ] {
        bench.write("c.toml", format!("api.customer_url = \"{wrong}\"\n"));
        let said = ["must begin with https:// and hold {id}"];
        let _ = bench.run("sync people.csv -c c.toml").exits(2).says(&said);
    }
}

#[cfg(unix)]
#[test]
fn a_page_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = bench();
    let _ = bench.run("sync people.csv --report run.html").exits(3);
    let metadata = std::fs::metadata(bench.path("run.html")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

#[test]
fn plans_dry_runs_applies_and_undos_have_pages() {
    let bench = bench();
    let _ = bench
        .run("plan people.csv --out p.plan --report plan.html")
        .exits(3);
    let _ = bench
        .run("sync people.csv --dry-run --report dry.html")
        .exits(3);
    let mut show = bench.bare(&["show", "p.plan", "--report", "shown.html"]);
    show.env("NO_COLOR", "1");
    let _ = crate::bench::Running::start(show).wait().exits(0);
    let before = bench.runs();
    let _ = bench.run("apply p.plan --report applied.html").exits(0);
    let id = bench.run_since(&before).summary()["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let _ = bench
        .run(&format!("undo {id} --report undone.html"))
        .exits(0);
    for (name, status) in [
        ("plan.html", Value::Null),
        ("dry.html", Value::Null),
        ("shown.html", Value::Null),
        ("applied.html", "done".into()),
        ("undone.html", "done".into()),
    ] {
        let page = read(&bench, name);
        is_safe(&page);
        let rows = rows(&page);
        assert!(!rows.is_empty(), "{name}");
        assert!(rows.iter().all(|row| row[8] == status), "{name}: {rows:?}");
    }
    let dry = read(&bench, "dry.html");
    assert!(dry.contains("Plan: +2 to create") && dry.contains("people.csv:4"));
}

#[test]
fn what_a_page_shows_of_customers_is_the_users_choice() {
    let bench = bench();
    let page = |values: &str| {
        let words = format!("sync people.csv --dry-run --report p.html --report-values {values}");
        let _ = bench.run(&words).exits(3);
        read(&bench, "p.html")
    };
    let none = page("none");
    let rows_of_none = format!("{:?}", rows(&none));
    for personal in ["@", "alert(1)", "u1"] {
        assert!(!rows_of_none.contains(personal), "{rows_of_none}");
    }
    assert!(!none.contains("holds personal data") && !none.contains("not-an-address"));
    let changed = page("changed");
    assert!(format!("{:?}", rows(&changed)).contains("a@example.com"));
    assert!(!changed.contains("not-an-address"));
    assert!(page("all").contains("not-an-address"));
}

#[test]
fn a_page_in_markdown_has_figures_and_causes_and_no_values() {
    let bench = bench();
    let _ = bench.run("sync people.csv --report run.md").exits(3);
    let page = read(&bench, "run.md");
    for part in [
        "## hcsync sync",
        "| created | 2 |",
        "| rejected | 1 |",
        "people.csv:4",
        "| requests |",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for never in ["alert(1)", "Secretson", "@example", KEY] {
        assert!(!page.contains(never), "{page}");
    }
}

#[test]
fn a_page_cannot_be_an_input_or_of_another_kind_and_a_run_without_a_plan_has_none() {
    let bench = bench();
    bench.write("people.html", HOSTILE);
    let _ = bench
        .run("sync people.html --report people.html")
        .exits(2)
        .says(&["--report would overwrite the input"]);
    let _ = bench
        .run("sync people.csv --report page.pdf")
        .exits(2)
        .says(&[".html or .md"]);
    let _ = bench.run("sync people.csv --report no/page.html").exits(2);
    assert_eq!(bench.requests().len(), 0);
}

#[test]
fn history_shows_runs_over_time_and_what_is_wrong_since_when() {
    let bench = bench();
    let history = |words: &[&str]| {
        let mut all = vec!["history", "--state-dir", "state"];
        all.extend(words);
        crate::bench::Running::start(bench.bare(&all))
            .wait()
            .exits(0)
    };
    let _ = history(&[]).shows(&["no runs that could write"]);
    let _ = bench.run("sync people.csv --dry-run").exits(3);
    for _ in 0..2 {
        let _ = bench.run(SYNC).exits(3);
    }
    let said = [
        "exit code 3: since ",
        "2 runs one after another",
        "1 row with bad_email in `email`",
    ];
    let _ = history(&[]).shows(&said).shows(&["started", "requests"]);
    let json = history(&["--output", "json"]).json();
    let account = &json["accounts"][0];
    assert_eq!(account["runs"].as_array().unwrap().len(), 2);
    assert_eq!(account["runs"][0]["results"]["created"], 2);
    assert_eq!(account["troubles"][0]["runs"], 2);
    fits("history", std::slice::from_ref(&json));
    let _ = history(&["-o", "history.html"]).says(&["history written"]);
    let page = read(&bench, "history.html");
    is_safe(&page);
    assert!(page.contains("Customers created and updated") && page.contains("exit code 3"));
}
