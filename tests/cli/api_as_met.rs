//! The API as people have met it: firewalls, 404s, outages of the proxy before it, userIds that exist.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::bench::{Bench, Ran, Running};
use crate::exit_codes::{ended, new_customers};

/// Forty customers with the company A.
fn forty() -> Vec<Value> {
    let customer = |n: u64| json!({"id": 100 + n, "userId": format!("u{n}"), "name": format!("Name {n}"), "company": "A"});
    (0..40).map(customer).collect()
}

/// Their rows with another company; that of row 7 is `odd`.
fn rows(odd: &str) -> String {
    let company = |n: u64| if n == 7 { odd } else { "B" };
    let rows = (0..40).map(|n| format!("u{n},{}\n", company(n)));
    format!("userId,company\n{}", rows.collect::<String>())
}

const FIREWALL: &str = "[quirks]\nfirewall = \"<script>\"\n";

#[test]
fn a_firewall_fails_the_row_that_it_dislikes_and_no_other() {
    for probes in [false, true] {
        let bench = Bench::with(forty(), FIREWALL);
        if probes {
            let _ = bench.run("probe").exits(0);
        }
        bench.write("rows.csv", rows("<script>"));
        let _ = bench.run("sync rows.csv").exits(3);
        let run = bench.only_run();
        run.check_results();
        assert_eq!((run.count("updated"), run.count("failed")), (39, 1));
        let failed = run.results().into_iter().find(|r| r["status"] == "failed");
        let error = &failed.unwrap()["error"];
        assert_eq!(
            (&error["code"], &error["http_status"]),
            (&json!("blocked"), &json!(403))
        );
        let before = bench.runs();
        let ran = bench.run("sync rows.csv").exits(3);
        assert!(ran.out.contains("firewall"), "{}", ran.out);
        assert_eq!(bench.run_since(&before).count("failed"), 1);
    }
}

#[test]
fn a_firewall_that_dislikes_every_write_stops_the_run_at_the_third_row() {
    let bench = Bench::with(forty(), "[quirks]\nfirewall = \"company\\\":\\\"B\"\n");
    bench.write("rows.csv", rows("B"));
    let ran = bench.run("sync rows.csv --concurrency 1").exits(1);
    let end = ended(&bench, 1);
    assert_eq!(end.reason, "blocked");
    assert!(
        end.message.contains("firewall") && ran.out.contains("firewall"),
        "{}",
        ran.out
    );
    assert_eq!(bench.writes(), 3);
    let run = bench.only_run();
    assert_eq!((run.count("failed"), run.count("pending")), (2, 38));
}

#[test]
fn a_firewall_before_the_reads_stops_the_run() {
    let bench = Bench::with(forty(), "[quirks]\nfirewall = \"/customers\"\n");
    bench.write("rows.csv", rows("B"));
    let ran = bench.run("sync rows.csv").exits(1);
    assert!(ran.err.contains("firewall"), "{}", ran.err);
    assert_eq!(bench.writes(), 0);
}

#[test]
fn a_search_may_answer_404_when_it_finds_no_customer() {
    for strategy in ["list", "lookup"] {
        let bench = Bench::with(forty(), "[quirks]\nsearch-404 = true\n");
        bench.write("new.csv", new_customers(30));
        bench.write("c.toml", format!("[remote]\nstrategy = \"{strategy}\"\n"));
        let _ = bench
            .run("sync new.csv -c c.toml --min-match-percent 0")
            .exits(0);
        assert_eq!(bench.sandbox().customers().len(), 70, "{strategy}");
        let _ = bench
            .run("sync new.csv -c c.toml --min-match-percent 0")
            .exits(0);
        assert_eq!(bench.sandbox().customers().len(), 70, "{strategy}");
    }
}

#[test]
fn a_proxy_that_cannot_reach_the_api_for_a_while_costs_no_row() {
    for endpoint in ["create", "patch"] {
        let scenario = format!(
            "[[fault]]\nkind = \"html\"\nstatus = 521\nmax = 5\n\
             [[fault]]\nkind = \"status\"\nstatus = 425\nendpoint = \"{endpoint}\"\nmax = 1\n"
        );
        let bench = Bench::with(forty(), &scenario);
        bench.write("c.toml", "[limits]\nsettle = \"1s\"\n");
        let input = if endpoint == "create" {
            new_customers(9)
        } else {
            rows("B")
        };
        bench.write("rows.csv", input);
        let ran = bench.run("sync rows.csv -c c.toml").exits(0);
        assert!(ran.err.contains("(the server answered 521)"), "{}", ran.err);
        let customers = bench.sandbox().customers();
        assert_eq!(customers.len(), if endpoint == "create" { 49 } else { 40 });
    }
}

/// Runs a sync of one new customer, which somebody else creates just before it is sent.
fn sync_into(quirks: &str, input: &str, edit: &str) -> (Bench, Ran) {
    let scenario = format!(
        "[quirks]\n{quirks}\n[[agent]]\nwhen = \"before\"\nnth = [1]\nendpoint = [\"create\", \"patch\"]\n{edit}\n"
    );
    let bench = Bench::with(forty(), &scenario);
    bench.write("row.csv", input);
    let ran = bench.run("sync row.csv");
    (bench, ran)
}

const SOMEBODY: &str =
    "create = { userId = \"new\", name = \"Typed by an agent\", notes = \"theirs\" }";

#[test]
fn a_customer_created_between_plan_and_send_is_patched() {
    for quirks in ["userid-unique = true", "create-taken-user-id = \"refuse\""] {
        let (bench, ran) = sync_into(quirks, "userId,name,company\nnew,Ann,B\n", SOMEBODY);
        let _ = ran.exits(0);
        let customers = bench.sandbox().customers();
        let mut new = customers.iter().filter(|c| c["userId"] == "new");
        let (customer, None) = (new.next().unwrap(), new.next()) else {
            panic!("two customers")
        };
        assert_eq!(customer["name"], "Ann");
        assert_eq!(
            (&customer["company"], &customer["notes"]),
            (&json!("B"), &json!("theirs"))
        );
        assert_eq!(bench.only_run().count("updated"), 1);
        let creates = bench
            .requests()
            .iter()
            .filter(|r| r.method == "POST" && r.writes)
            .count();
        assert_eq!(creates, 1);
        let before = bench.writes();
        let _ = bench.run("sync row.csv").exits(0);
        assert_eq!(bench.writes(), before);
    }
}

#[test]
fn a_user_id_that_another_customer_got_meanwhile_is_a_conflict_that_names_that_customer() {
    let bench_of = || {
        let mut customers = forty();
        customers.push(json!({"id": 900, "email": "ann@example.net"}));
        let scenario = format!(
            "[quirks]\nuserid-unique = true\n[[agent]]\nwhen = \"before\"\nnth = [1]\nendpoint = \"patch\"\n{SOMEBODY}\n"
        );
        Bench::with(customers, &scenario)
    };
    let bench = bench_of();
    bench.write("row.csv", "userId,email,name\nnew,ann@example.net,Ann\n");
    let _ = bench.run("sync row.csv").exits(3);
    let run = bench.only_run();
    let result = run.results().remove(0);
    assert_eq!(result["status"], "failed");
    let message = result["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("customer 901"), "{message}");
    assert_eq!(bench.writes(), 1);
}

#[test]
fn where_a_user_id_is_unique_a_create_in_doubt_is_sent_again_without_the_wait() {
    for fault in ["cut-before", "cut-after"] {
        let scenario = format!(
            "[quirks]\nuserid-unique = true\n[[fault]]\nkind = \"{fault}\"\nendpoint = \"create\"\nnth = [3, 5]\n"
        );
        let bench = Bench::with(forty(), &scenario);
        let _ = bench.run("probe").exits(0);
        assert_eq!(
            bench.sandbox().customers().len(),
            40,
            "the probe leaves no customer"
        );
        // The default `settle` is 30 s: a run that waited would not end in time for the test's own limit of requests.
        bench.write("new.csv", new_customers(4));
        let before = bench.requests().len();
        let _ = bench.run("sync new.csv").exits(0);
        let customers = bench.sandbox().customers();
        assert_eq!(customers.len(), 44);
        let requests = bench.requests().split_off(before);
        let searches = requests.iter().filter(|r| r.path.ends_with("/search"));
        assert!(searches.count() <= 6, "{fault}");
    }
}

#[test]
fn updates_that_are_answered_without_the_customer_are_read_back() {
    for answer in ["empty", "no-content"] {
        let bench = Bench::with(
            forty(),
            &format!("[quirks]\nupdate-answer = \"{answer}\"\n"),
        );
        bench.write("rows.csv", rows("C"));
        let _ = bench.run("sync rows.csv").exits(0);
        let _ = bench.run("probe").exits(0);
        let before = bench.writes();
        let _ = bench.run("sync rows.csv").exits(0);
        assert_eq!(bench.writes(), before, "{answer}");
    }
}

#[test]
fn a_listing_that_ends_early_is_completed_by_ranges_of_ids() {
    let customer = |n: u64| json!({"id": 100 + n, "userId": format!("u{n}"), "name": "x"});
    let customers: Vec<Value> = (0..950).map(customer).collect();
    let bench = Bench::with(customers, "[quirks]\nmax-offset = 300\n");
    let ran = bench.run("export -o all.jsonl").exits(0);
    let all = std::fs::read_to_string(bench.path("all.jsonl")).unwrap();
    assert_eq!(all.lines().count(), 950, "{}", ran.err);
}

/// Checks a host that cannot be reached. Returns the exit code and what was said.
fn check(base_url: &str, variables: &[(&str, &str)]) -> Ran {
    let bench = Bench::empty();
    let mut command = bench.bare(&["check", "--state-dir", "state", "--base-url", base_url]);
    command.env("HELPCRUNCH_API_KEY", "a-key");
    command.envs(variables.iter().copied());
    Running::start(command).wait()
}

#[test]
fn a_host_or_proxy_that_cannot_work_is_named_by_the_first_attempt() {
    let unused = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let dead = format!("http://ann:hush@{unused}");
    let proxy = |value: &str| check("https://api.example.com/v1", &[("HTTPS_PROXY", value)]);
    let _ = check("https://no-such-host.invalid/v1", &[])
        .exits(1)
        .says(&["the host no-such-host.invalid was not found"]);
    let named = format!("the proxy {unused} (HTTPS_PROXY) gave no connection");
    let ran = proxy(&dead).exits(1).says(&[&named]);
    assert!(
        !ran.err.contains("WARN") && !ran.err.contains("hush"),
        "{}",
        ran.err
    );
    let ran = proxy("http//ann:hush@proxy").exits(2);
    let ran = ran.says(&["HTTPS_PROXY is not the address of a proxy"]);
    assert!(!ran.err.contains("hush"), "{}", ran.err);
}

#[test]
fn a_check_does_not_wait_for_an_api_that_refuses_connections() {
    let unused = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let ran = check(&format!("http://{unused}/v1"), &[]).exits(1);
    let _ = ran.says(&["max_outage is 1 s", "no connection"]);
}

/// Customers with properties, without, and two rows that clear the last one and set the first one.
fn with_and_without(quirks: &str) -> Bench {
    let customers = vec![
        json!({"id": 1, "userId": "with", "customData": {"plan": "pro"}, "tags": [{"name": "a"}]}),
        json!({"id": 2, "userId": "without"}),
    ];
    let bench = Bench::with(customers, &format!("[quirks]\n{quirks}\n"));
    bench.write(
        "rows.csv",
        "userId,customData.plan,tags\nwith,,b\nwithout,free,a\n",
    );
    let config = "[rows]\nempty_cells = \"clear\"\n[tags]\ncolumn = \"tags\"\nmode = \"exact\"\n";
    bench.write("hcsync.toml", config);
    bench
}

#[test]
fn a_member_that_is_left_out_is_empty_where_others_show_it() {
    for quirks in [
        "missing-members = \"left-out\"",
        "missing-members = \"left-out\"\npatch-custom-data = \"replace\"\nmax-filters = 1",
        "missing-members = \"null\"",
    ] {
        for probes in [false, true] {
            let bench = with_and_without(quirks);
            if probes {
                let _ = bench.run("probe").exits(0);
            }
            let sync = "sync rows.csv --max-clear-percent 0 --max-change-percent 0";
            let _ = bench.run(sync).exits(0);
            let all = bench.sandbox().customers();
            let plan = |n: usize| all[n]["customData"]["plan"].clone();
            assert_eq!((plan(0), plan(1)), (Value::Null, json!("free")), "{quirks}");
            let tag = |n: usize| all[n]["tags"][0]["name"].clone();
            assert_eq!((tag(0), tag(1)), (json!("b"), json!("a")), "{quirks}");
            let before = bench.writes();
            let _ = bench.run(sync).exits(0);
            assert_eq!(bench.writes(), before, "{quirks}");
        }
    }
}

#[test]
fn what_nothing_shows_is_not_written_until_a_probe_has_asked() {
    let customers = vec![json!({"id": 2, "userId": "without"})];
    let bench = Bench::with(customers, "[quirks]\nmissing-members = \"left-out\"\n");
    bench.write("rows.csv", "userId,customData.plan\nwithout,free\n");
    bench.write("tags.csv", "userId,tags\nwithout,a\n");
    let ran = bench.run("sync rows.csv").exits(3);
    assert!(ran.out.contains("hcsync probe"), "{}", ran.out);
    assert_eq!(bench.writes(), 0);
    // Adding a tag loses nothing.
    let _ = bench.run("sync tags.csv").exits(0);
    let _ = bench.run("probe").exits(0);
    let _ = bench.run("sync rows.csv").exits(0);
    let all = bench.sandbox().customers();
    assert_eq!(all[0]["customData"]["plan"], "free");
    assert_eq!(all[0]["tags"][0]["name"], "a");
}

/// Three hundred customers with the company A, and rows that change it and set a property that the account lacks.
fn undefined(creates: bool) -> Bench {
    let customer = |n: u64| json!({"id": 100 + n, "userId": format!("u{n}"), "company": "A"});
    let customers = (0..300).filter(|_| !creates).map(customer).collect();
    let scenario = "[quirks]\nundefined-property = \"refuse\"\ndefined-properties = [\"plan\"]\n";
    let bench = Bench::with(customers, scenario);
    let rows = (0..300).map(|n| format!("u{n},B,x,pro\n"));
    let head = "userId,company,customData.undefined,customData.plan\n";
    bench.write("rows.csv", format!("{head}{}", rows.collect::<String>()));
    let rows = (0..300).map(|n| format!("u{n},B,pro\n"));
    let head = "userId,company,customData.plan\n";
    bench.write("without.csv", format!("{head}{}", rows.collect::<String>()));
    bench
}

#[test]
fn a_property_that_is_refused_for_every_row_costs_a_few_requests_and_no_other_change() {
    for creates in [false, true] {
        let without = undefined(creates);
        let _ = without
            .run("sync without.csv --max-change-percent 0")
            .exits(0);
        let bench = undefined(creates);
        let _ = bench.run("sync rows.csv --max-change-percent 0").exits(3);
        let (with, without) = (bench.requests().len(), without.requests().len());
        assert!(
            with <= without + 15,
            "{with} requests, and {without} without the property"
        );
        let run = bench.only_run();
        run.check_results();
        assert_eq!(run.count("failed"), 300);
        let results = run.results();
        let left_out = results.iter().filter(|r| r["error"]["code"] == "not_sent");
        assert!(left_out.count() >= 280);
        let last = results.last().unwrap();
        let operations = last["operations"].as_array().unwrap();
        assert_eq!(operations.last().unwrap()["status"], "not_sent", "{last}");
        let done = bench.sandbox().customers();
        let done = done
            .iter()
            .filter(|c| c["company"] == "B" && c["customData"]["plan"] == "pro");
        assert!(done.count() >= 280);
    }
}
