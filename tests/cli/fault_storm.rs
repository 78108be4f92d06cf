//! Faults of every kind at once: the end is the same, nobody is there twice, and every row says what became of it.

use std::collections::BTreeMap;

use hcsync::sandbox::LoggedRequest;
use serde_json::Value;

use crate::bench::Bench;
use crate::model::{Model, state};
use crate::target_state::{assert_state, assert_statuses, csv_of, customers, rows};

/// The first fault that picks a request happens. Delays are beyond the time-out below.
const STORM: &str = r#"
[[fault]]
kind = "rate-limit"
retry-after = "seconds"
request = [12]
[[fault]]
kind = "rate-limit"
retry-after = "date"
request = [60]
[[fault]]
kind = "rate-limit"
retry-after = "none"
request = [120]
[[fault]]
kind = "status"
status = 503
probability = 0.04
[[fault]]
kind = "status"
status = 500
processed = true
probability = 0.03
[[fault]]
kind = "status"
status = 408
endpoint = ["create", "patch"]
probability = 0.02
[[fault]]
kind = "cut-before"
probability = 0.04
[[fault]]
kind = "cut-after"
probability = 0.04
[[fault]]
kind = "cut-body"
probability = 0.04
[[fault]]
kind = "html"
probability = 0.02
[[fault]]
kind = "html"
status = 200
processed = true
probability = 0.03
[[fault]]
kind = "delay"
delay-ms = 4500
endpoint = ["create", "patch", "tag"]
probability = 0.02
[[fault]]
kind = "delay"
delay-ms = 4300
late = true
endpoint = "create"
probability = 0.03
"#;

const PATIENT: &str = r#"
[limits]
settle = "2s"
max_attempts = 40
concurrency = 16
[api]
timeout = "3s"
[safety]
min_match_percent = 0
max_rejected_percent = 0
"#;

/// How many customers have each userId, and each address.
fn holders(customers: &[Value], field: &str) -> BTreeMap<String, usize> {
    let mut holders = BTreeMap::new();
    for text in customers.iter().filter_map(|c| c[field].as_str()) {
        *holders.entry(text.to_lowercase()).or_default() += 1;
    }
    holders
}

#[track_caller]
fn storm(quirks: &str) {
    let bench = Bench::with(customers(), &format!("{quirks}{STORM}"));
    let rows = rows();
    bench
        .write("rows.csv", csv_of(&rows))
        .write("hcsync.toml", PATIENT);
    let model = Model::of(&bench.sandbox().customers(), &rows, false);
    let ran = bench.run("sync rows.csv").exits(3);
    let run = bench.only_run();
    run.check_results();
    check_requests(&bench);
    assert_eq!(run.count("in_doubt"), 0, "{}", ran.out);
    let (statuses, failed) = without_failures(&run.results(), &model);
    assert!(failed.len() < 10, "{failed:#?}");
    assert_statuses(&statuses, &model, &rows);
    failed
        .iter()
        .for_each(|result| was_not_made(&bench, result));
    // What failed is tried again by the next run.
    for _ in 0..3 {
        if state(&bench.sandbox().customers()) != model.state() {
            let _ = bench.run("sync rows.csv").exits(3);
        }
    }
    assert_state(&bench, &model);
    let customers = bench.sandbox().customers();
    let user_ids = holders(&customers, "userId");
    assert!(user_ids.values().all(|count| *count == 1), "{user_ids:?}");
    let addresses = holders(&customers, "email");
    let new = addresses
        .iter()
        .filter(|(email, _)| email.ends_with("@example.org"));
    assert!(new.clone().count() > 20);
    assert!(
        new.into_iter().all(|(_, count)| *count == 1),
        "{addresses:?}"
    );
}

/// The statuses as the model would have them, and the results of creates that got no usable answer twice: such a
/// row is failed, since it was sent once more and no more.
fn without_failures(results: &[Value], model: &Model) -> (Vec<String>, Vec<Value>) {
    let mut statuses = Vec::new();
    let mut failed = Vec::new();
    for (result, wanted) in results.iter().zip(&model.statuses) {
        if result["status"] == "failed" {
            failed.push(result.clone());
            statuses.push((*wanted).to_owned());
        } else {
            statuses.push(result["status"].as_str().unwrap().to_owned());
        }
    }
    (statuses, failed)
}

/// That a result which says so is honest: nobody has the row's keys, and it was sent twice, not counting what was
/// answered with 429.
#[track_caller]
fn was_not_made(bench: &Bench, result: &Value) {
    assert_eq!(result["operations"][0]["op"], "create", "{result}");
    let log = bench.requests();
    let is_of_row = |r: &&LoggedRequest| {
        r.endpoint.name() == "create"
            && ["userId", "email"]
                .iter()
                .all(|key| r.body[key] == result["key"][key])
    };
    let sends: Vec<_> = log.iter().filter(is_of_row).collect();
    assert_eq!(result["operations"][0]["attempts"], sends.len(), "{result}");
    let refused = sends.iter().filter(|r| r.status == Some(429)).count();
    assert_eq!(sends.len() - refused, 2, "{result}");
    assert_eq!(result["error"]["kind"], "network");
    for customer in bench.sandbox().customers() {
        for key in ["userId", "email"] {
            let key_of_row = &result["key"][key];
            assert!(
                key_of_row.is_null() || customer[key] != *key_of_row,
                "{result}\n{customer}"
            );
        }
    }
}

/// Every kind of fault has happened, and the summary counted what the server saw.
#[track_caller]
fn check_requests(bench: &Bench) {
    let log = bench.requests();
    for kind in [
        "rate-limit",
        "status",
        "cut-before",
        "cut-after",
        "cut-body",
        "html",
        "delay",
    ] {
        assert!(
            log.iter().any(|r| r.fault == Some(kind)),
            "no {kind} in this seed"
        );
    }
    let requests = bench.only_run().summary()["requests"].clone();
    assert_eq!(requests["total"], log.len());
    assert_eq!(requests["write"], log.iter().filter(|r| r.writes).count());
    assert_eq!(
        requests["rate_limited"],
        log.iter().filter(|r| r.status == Some(429)).count()
    );
    // A create that was taken in is never sent again.
    let mut taken = BTreeMap::<String, usize>::new();
    for request in log.iter().filter(|r| r.method == "POST" && r.applied) {
        *taken.entry(request.body.to_string()).or_default() += 1;
    }
    assert!(taken.values().all(|times| *times == 1), "{taken:?}");
}

#[test]
fn a_storm_of_faults_leaves_the_right_state_and_nobody_twice() {
    storm("");
}

#[test]
fn also_where_search_lags_and_custom_data_is_replaced() {
    storm(
        "[quirks]\nsearch-lag-ms = 700\nlist-lag-ms = 200\npatch-custom-data = \"replace\"\npatch-tags = \"replace\"\n",
    );
}

/// Found by neither search nor list until it is old enough: it was not made, and is sent once more.
#[test]
fn a_create_that_was_cut_off_before_the_server_saw_it_is_made_once() {
    for kind in ["cut-before", "cut-after", "cut-body"] {
        let faults = format!("[[fault]]\nkind = \"{kind}\"\nendpoint = \"create\"\nnth = 1\n");
        let bench = Bench::with(Vec::new(), &faults);
        bench.write("hcsync.toml", PATIENT);
        bench.write("one.csv", "userId,name,firstSeen\na,Ann,2019-01-01\n");
        let _ = bench.run("sync one.csv").exits(0);
        bench.only_run().check_results();
        assert_eq!(bench.only_run().count("created"), 1, "{kind}");
        assert_eq!(bench.sandbox().customers().len(), 1, "{kind}");
        let log = bench.requests();
        let creates = log.iter().filter(|r| r.endpoint.name() == "create").count();
        assert_eq!(creates, if kind == "cut-before" { 2 } else { 1 });
        if kind == "cut-before" {
            let at = |name| {
                log.iter()
                    .filter(move |r| r.endpoint.name() == name)
                    .map(|r| r.at_ms)
            };
            let (first, second) = (at("create").min().unwrap(), at("create").max().unwrap());
            assert!(second - first >= 2000, "settle: {first} {second}");
            assert!(at("search").any(|t| t > first && t < second));
        }
    }
}

/// The listing is asked last, and a create may carry a date of years ago: the newest by that date need not hold it.
#[test]
fn a_customer_that_search_does_not_show_in_time_is_found_in_the_listing() {
    let lagging = "[quirks]\nsearch-lag-ms = 60000\n[[fault]]\nkind = \"cut-after\"\nendpoint = \"create\"\nnth = 1\n";
    let bench = Bench::with(customers(), lagging);
    bench.write("hcsync.toml", PATIENT);
    bench.write("one.csv", "userId,name,firstSeen\nnobody,Ann,2015-01-01\n");
    let _ = bench.run("sync one.csv").exits(0);
    let holders = holders(&bench.sandbox().customers(), "userId");
    assert_eq!(holders["nobody"], 1);
}

#[test]
fn where_no_look_up_tells_the_row_is_in_doubt_and_not_sent_again() {
    let faults = r#"
        [[fault]]
        kind = "cut-after"
        endpoint = "create"
        nth = 1
        [[fault]]
        kind = "status"
        status = 400
        endpoint = "search"
    "#;
    let bench = Bench::with(Vec::new(), faults);
    bench.write("new.csv", NEW).write("hcsync.toml", HASTY);
    let _ = bench.run("sync new.csv").exits(3);
    let run = bench.only_run();
    run.check_results();
    assert_eq!(run.statuses(), ["in_doubt", "created", "created"]);
    let doubtful = &run.results()[0];
    assert_eq!(doubtful["error"]["kind"], "network");
    assert_eq!(doubtful["operations"][0]["attempts"], 1);
    let log = bench.requests();
    let creates = log.iter().filter(|r| r.endpoint.name() == "create").count();
    assert_eq!(creates, 3);
    assert_eq!(bench.sandbox().customers().len(), 3);
}

/// Nothing is sent on and on to an API that is gone, and what it may have done is not called done or failed.
#[test]
fn where_the_api_goes_away_after_a_create_the_row_stays_open() {
    let faults = r#"
        [[fault]]
        kind = "cut-after"
        endpoint = "create"
        nth = 1
        [[fault]]
        kind = "status"
        status = 500
        endpoint = ["search", "list"]
        from = 3
    "#;
    let bench = Bench::with(Vec::new(), faults);
    bench.write("new.csv", NEW).write("hcsync.toml", HASTY);
    let ran = bench.run("sync new.csv").exits(1);
    let run = bench.only_run();
    assert_eq!(run.summary()["stop"]["reason"], "max_outage", "{}", ran.err);
    assert!(
        ["in_doubt", "pending"].contains(&run.statuses()[0].as_str()),
        "{:?}",
        run.results()
    );
    assert_eq!(run.results().len(), 3);
    let log = bench.requests();
    let of_first = |r: &&LoggedRequest| r.endpoint.name() == "create" && r.body["userId"] == "a";
    assert_eq!(log.iter().filter(of_first).count(), 1);
}

const NEW: &str = "userId,name\na,Ann\nb,Ben\nc,Cid\n";

const HASTY: &str = r#"
[limits]
settle = "1s"
max_attempts = 2
concurrency = 1
max_outage = "2s"
[api]
timeout = "3s"
"#;
