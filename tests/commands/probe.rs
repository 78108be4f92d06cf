//! `hcsync probe` by the real binary: what it shows, what it leaves, and what a sync makes of it.

use hcsync::sandbox::{Endpoint, LoggedRequest};
use serde_json::{Value, json};

use crate::bench::{Bench, KEY, bundled_customers};
use crate::files::fits;

const ROW: &str = "userId,customData.plan\nu-1001,gold\n";

fn bodies(requests: &[LoggedRequest], endpoint: Endpoint) -> Vec<Value> {
    let of = requests.iter().filter(|r| r.endpoint == endpoint);
    of.map(|r| r.body.clone()).collect()
}

#[test]
fn a_probe_leaves_no_customer_and_its_findings_can_be_shown_without_the_api() {
    let bench = Bench::bundled();
    let before = bench.sandbox().customers();
    let probed = bench.run("probe").exits(0);
    assert_eq!(bench.sandbox().customers(), before);
    let sent = bench.requests().len();
    let shown = bench.run("probe --show").exits(0);
    assert_eq!(bench.requests().len(), sent);
    assert_eq!(probed.out, shown.out);
    assert!(
        shown.out.lines().all(|line| line.chars().count() <= 80),
        "{}",
        shown.out
    );
    for part in [
        "PATCH keeps properties that it does not name: yes",
        "e-mail search ignores case: yes",
    ] {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    assert!(
        probed.err.contains("one customer, which is deleted again")
            && probed.err.contains("requests"),
        "{}",
        probed.err
    );
    let known = bench.run("probe --show --output json").exits(0).json();
    fits("probe", [&known]);
    assert_eq!(
        known["findings"]["patch_merges_custom_data"]["answer"],
        true
    );
    for customer in before.iter().take(20) {
        let name = customer["name"].as_str().unwrap();
        assert!(!known.to_string().contains(name), "{name}");
    }
    assert!(!known.to_string().contains(KEY));
}

#[test]
fn without_a_probe_there_is_advice_and_an_empty_document() {
    let bench = Bench::empty();
    let shown = bench
        .run("probe --show")
        .exits(0)
        .shows(&["Nothing was probed yet"]);
    assert!(shown.err.is_empty(), "{}", shown.err);
    let known = bench.run("probe --show --output json").exits(0).json();
    fits("probe", [&known]);
    assert!(bench.requests().is_empty());
}

/// Syncs one change of a property, after a probe or without; gives the PATCH and how many searches there were.
fn sync_a_property(scenario: &str, probes: bool) -> (Value, usize) {
    let bench = Bench::with(bundled_customers(), scenario);
    bench.write("row.csv", ROW);
    if probes {
        let probed = bench.run("probe").exits(0);
        let _ = probed.says(&["These stay in the account", "`hcsync_probe_2`"]);
    }
    let before = bench.requests().len();
    let _ = bench.run("sync row.csv --yes").exits(0);
    let requests = bench.requests().split_off(before);
    let mut patches = bodies(&requests, Endpoint::Patch);
    assert_eq!(patches.len(), 1);
    let searches = bodies(&requests, Endpoint::Search).len();
    (patches.remove(0), searches)
}

#[test]
fn a_sync_after_a_probe_sends_changed_properties_alone_and_reads_nothing_before() {
    let changed = json!({"customData": [{"property": "plan", "value": "gold"}]});
    let (patch, searches) = sync_a_property("", true);
    assert_eq!(patch, changed);
    let (whole, more_searches) = sync_a_property("", false);
    assert!(whole["customData"].as_array().unwrap().len() > 1, "{whole}");
    assert_eq!(more_searches, searches + 1);
    let replaces = "[quirks]\npatch-custom-data = \"replace\"\n";
    let (whole, _) = sync_a_property(replaces, true);
    assert!(whole["customData"].as_array().unwrap().len() > 1, "{whole}");
}

#[test]
fn a_sync_after_a_probe_does_not_test_the_case_of_search_again() {
    let searches = |probes: bool| {
        let bench = Bench::bundled();
        bench.write("new.csv", "email,name\nnobody@new.example,Nobody\n");
        bench.write("hcsync.toml", "[remote]\nstrategy = \"lookup\"\n");
        if probes {
            let _ = bench.run("probe").exits(0);
        }
        let before = bench.requests().len();
        let _ = bench.run("sync new.csv --yes").exits(0);
        let requests = bench.requests().split_off(before);
        bodies(&requests, Endpoint::Search).len()
    };
    assert_eq!(searches(true) + 1, searches(false));
}

/// Two attempts a request, and no delete works the first two times.
fn stubborn() -> Bench {
    let fault = "[quirks]\nuserid-unique = true\n\
                 [[fault]]\nkind = \"status\"\nstatus = 500\nendpoint = \"delete\"\nmax = 2\n";
    let bench = Bench::with(bundled_customers(), fault);
    bench.write("hcsync.toml", "[limits]\nmax_attempts = 2\n");
    bench
}

#[test]
fn a_customer_that_stays_is_named_and_deleted_by_the_next_sync() {
    let bench = stubborn();
    let before = bench.sandbox().customers();
    let failed = bench.run("probe").exits(1);
    let there = bench.sandbox().customers();
    let id = there.iter().find(|c| !before.contains(c)).unwrap()["id"].to_string();
    for part in [
        id.as_str(),
        "hcsync-probe-",
        "the next `hcsync probe` or `hcsync sync`",
    ] {
        assert!(failed.err.contains(part), "{part}: {}", failed.err);
    }
    bench.write("row.csv", ROW);
    let _ = bench.run("sync row.csv --dry-run").exits(0);
    assert_eq!(
        bench.sandbox().customers().len(),
        before.len() + 1,
        "a dry run writes nothing"
    );
    let _ = bench
        .run("sync row.csv --yes")
        .exits(0)
        .says(&[id.as_str(), "was deleted"]);
    assert_eq!(bench.sandbox().customers().len(), before.len());
    // What was found although its end went wrong is known.
    let _ = bench
        .run("probe --show")
        .exits(0)
        .shows(&["PATCH keeps properties that it does not name: yes"]);
}

#[cfg(unix)]
#[test]
fn a_probe_that_is_interrupted_deletes_its_customer() {
    let bench = Bench::with(bundled_customers(), "[quirks]\nlatency-ms = 60\n");
    let before = bench.sandbox().customers();
    let running = bench.start("probe");
    bench.until("the customer is made and patched", |requests| {
        requests.iter().any(|r| r.endpoint == Endpoint::Patch)
    });
    running.signal("INT");
    let _ = running
        .wait()
        .exits(130)
        .says(&["its customer was deleted"]);
    assert_eq!(bench.sandbox().customers(), before);
}

#[test]
fn questions_need_a_terminal_and_a_key_has_to_be_there() {
    let bench = Bench::bundled();
    let _ = bench
        .run("probe --confirm")
        .exits(2)
        .says(&["--confirm", "terminal"]);
    let mut command = bench.command("probe");
    command.env_remove("HELPCRUNCH_API_KEY");
    let _ = crate::bench::Running::start(command).wait().exits(2);
    assert!(bench.requests().is_empty());
}
