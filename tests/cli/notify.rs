//! `[notify]`: who is called when a run ends, and that no call changes how it ends.

use std::sync::{Arc, Mutex};

use hcsync::sandbox::Options;
use serde_json::Value;

use crate::bench::{Bench, KEY, bundled_customers};
use crate::files::fits;
use crate::server::{ByteServer, answer};

const PEOPLE: &str = "userId,email,name\nu1,ann@example.com,Ann Secretson\n";

/// A server of webhooks and pings. A path that ends in a status gets it as the answer.
struct Calls {
    server: ByteServer,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Calls {
    fn start() -> Self {
        let server = ByteServer::start(|head| {
            let path = head.split(' ').nth(1).unwrap_or_default();
            match path.rsplit('/').next().unwrap_or_default() {
                "500" => answer("500 Internal Server Error", "", "{}"),
                "302" => answer("302 Found", "Location: http://127.0.0.1:9/x\r\n", ""),
                "garbage" => "this is not HTTP\r\n\r\n".to_owned(),
                _ => answer("200 OK", "", "ok"),
            }
        });
        let bodies = server.bodies();
        Self { server, bodies }
    }

    fn address(&self, path: &str) -> String {
        format!("http://{}/s3cret/{path}", self.server.address)
    }

    /// The paths that were called, and the bodies that were sent.
    fn paths(&self) -> Vec<String> {
        let heads = self.server.heads();
        let paths = heads.iter().filter_map(|head| head.split(' ').nth(1));
        paths.map(|path| path.replace("/s3cret", "")).collect()
    }

    fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }

    /// The last body that is JSON.
    fn json(&self) -> Value {
        let bodies = self.bodies();
        let json = |body: &String| serde_json::from_str(body).ok();
        let last = bodies.iter().rev().find_map(json);
        last.unwrap_or_else(|| panic!("{bodies:?}"))
    }
}

/// A bench with a config that calls the webhook at this path, and pings.
fn bench_with(calls: &Calls, path: &str, notify: &str) -> Bench {
    let bench = Bench::empty();
    bench.write("people.csv", PEOPLE);
    bench.write("hook", calls.address(path));
    bench.write("ping", calls.address("ping"));
    let config = format!("[notify]\nwebhook_file = \"hook\"\nping_file = \"ping\"\n{notify}\n");
    bench.write("c.toml", config);
    bench
}

const SYNC: &str = "sync people.csv -c c.toml";

#[test]
fn a_run_pings_its_start_and_its_success_and_calls_only_for_a_reason() {
    let calls = Calls::start();
    let bench = bench_with(&calls, "hook", "");
    let _ = bench.run(SYNC).exits(0);
    assert_eq!(calls.paths(), ["/ping/start", "/ping"]);
    bench.write(
        "c.toml",
        "[notify]\nwebhook_file = \"hook\"\nwhen = [\"always\"]\n",
    );
    let ran = bench.run(SYNC).exits(0);
    assert!(!ran.err.contains("notify"), "{}", ran.err);
    assert_eq!(calls.paths().last().unwrap(), "/hook");
    let body = calls.json();
    assert_eq!(body["reasons"], serde_json::json!(["always"]));
    assert_eq!(body["config"], "c.toml");
    assert_eq!(body["summary"]["results"]["unchanged"], 1);
    fits("notification", std::slice::from_ref(&body));
}

#[test]
fn a_failure_calls_and_so_does_the_success_after_it() {
    let calls = Calls::start();
    let bench = bench_with(&calls, "hook", "");
    bench.write("bad.csv", PEOPLE.replace("ann@example.com", "nothing"));
    let config = "api.account = \"production\"\n[notify]\nwebhook_file = \"hook\"\nping_file = \"ping\"\nwhen = [\"rejected > 0\", \"recovered\"]\n";
    bench.write("c.toml", config);
    let _ = bench.run("sync bad.csv -c c.toml").exits(3);
    assert_eq!(calls.json()["reasons"], serde_json::json!(["rejected > 0"]));
    assert_eq!(calls.json()["account"], "production");
    assert!(calls.paths().contains(&"/ping/fail".to_owned()));
    let _ = bench.run(SYNC).exits(0);
    assert_eq!(calls.json()["reasons"], serde_json::json!(["recovered"]));
    let before = calls.paths().len();
    let _ = bench.run(SYNC).exits(0);
    assert_eq!(calls.paths().len(), before + 2, "{:?}", calls.paths());
}

#[test]
fn what_ends_before_the_account_is_known_calls_too() {
    let calls = Calls::start();
    let bench = bench_with(&calls, "hook", "");
    let mut command = bench.command(SYNC);
    command.env_remove("HELPCRUNCH_API_KEY");
    let _ = crate::bench::Running::start(command).wait().exits(2);
    assert_eq!(calls.json()["reasons"], serde_json::json!(["failed"]));
    assert_eq!(calls.json()["summary"]["stop"]["reason"], "no_key");
}

#[test]
fn a_call_that_fails_is_said_and_changes_no_exit_code() {
    for (path, said) in [
        ("500", "answered 500"),
        ("302", "a redirect is not followed"),
        ("garbage", "something that is not HTTP"),
    ] {
        let calls = Calls::start();
        let bench = bench_with(&calls, path, "when = [\"always\"]");
        let ran = bench
            .run(SYNC)
            .exits(0)
            .says(&["notify: the webhook at ", said]);
        assert!(!ran.err.contains("s3cret"), "{}", ran.err);
        assert_eq!(bench.sandbox().customers().len(), 1);
    }
    let calls = Calls::start();
    let bench = bench_with(&calls, "x", "when = [\"always\"]");
    bench.write("hook", "http://127.0.0.1:1/s3cret");
    bench.write("ping", "not an address: s3cret");
    let said = ["could not be reached", "ping must hold one address"];
    let ran = bench.run(SYNC).exits(0).says(&said);
    assert!(!ran.err.contains("s3cret"), "{}", ran.err);
    std::fs::remove_file(bench.path("hook")).unwrap();
    let _ = bench.run(SYNC).exits(0).says(&["hook cannot be read"]);
}

#[test]
fn no_body_holds_the_key_or_a_value() {
    let calls = Calls::start();
    for format in ["json", "slack", "teams", "discord"] {
        let config = format!("when = [\"always\"]\nwebhook_format = \"{format}\"");
        let bench = bench_with(&calls, "hook", &config);
        let rows = format!("{PEOPLE}u2,{KEY},Bob Secretson\nu1,ann@example.com,Twin Secretson\n");
        bench.write("people.csv", rows);
        let _ = bench.run(SYNC).exits(3);
    }
    let bodies = calls.bodies();
    assert!(bodies.len() >= 12, "{bodies:?}");
    for body in bodies {
        for secret in [KEY, "Secretson", "ann@example.com"] {
            assert!(!body.contains(secret), "{body}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_program_gets_the_facts_and_not_the_key() {
    let bench = Bench::empty();
    bench.write("people.csv", PEOPLE);
    let script = "env > env.txt; cat > in.json; echo seen; echo \"$1\" >&2; exit 3";
    let config = format!(
        "[notify]\nwhen = [\"always\"]\ncommand = ['sh', '-c', '{script}', 'x', 'an argument']\n"
    );
    bench.write("c.toml", config);
    let said = [
        "sh: seen",
        "sh: an argument",
        "the program `sh`",
        "exit code 3",
    ];
    let _ = bench.run(SYNC).exits(0).says(&said);
    let read = |name| std::fs::read_to_string(bench.path(name)).unwrap();
    let env = read("env.txt");
    for line in [
        "HCSYNC_NOTIFY_REASONS=always",
        "HCSYNC_NOTIFY_EXIT_CODE=0",
        "HCSYNC_NOTIFY_STOP_REASON=\n",
    ] {
        assert!(env.contains(line), "{env}");
    }
    assert!(!env.contains(KEY), "{env}");
    let facts: Value = serde_json::from_str(&read("in.json")).unwrap();
    assert_eq!(facts["summary"]["results"]["created"], 1);
}

#[test]
fn a_config_that_was_only_found_calls_nobody() {
    let calls = Calls::start();
    for key in [
        "webhook_file = \"hook\"",
        "ping_file = \"ping\"",
        "command = [\"cat\"]",
    ] {
        let bench = bench_with(&calls, "hook", "");
        bench.write("hcsync.toml", format!("[notify]\n{key}\n"));
        let said = ["only found in this folder", "hcsync.toml:2"];
        let _ = bench.run("sync people.csv").exits(2).says(&said);
        assert_eq!(bench.requests().len(), 0);
    }
    assert_eq!(calls.paths(), [""; 0]);
    // A variable is the user's own word.
    let bench = bench_with(&calls, "hook", "");
    bench.write("hcsync.toml", "[notify]\nwhen = [\"always\"]\n");
    let mut command = bench.command("sync people.csv");
    command.env("HCSYNC_NOTIFY_WEBHOOK", calls.address("variable"));
    let _ = crate::bench::Running::start(command).wait().exits(0);
    assert_eq!(calls.paths(), ["/variable"]);
}

#[test]
fn dry_runs_plans_and_the_sandbox_call_nobody() {
    let calls = Calls::start();
    let bench = bench_with(&calls, "hook", "when = [\"always\"]");
    let _ = bench.run("sync people.csv -c c.toml --dry-run").exits(0);
    let _ = bench.run("plan people.csv -c c.toml").exits(0);
    let _ = bench.run("sync people.csv -c c.toml --sandbox").exits(0);
    assert_eq!(calls.paths(), [""; 0]);
}

#[test]
fn a_refusal_by_a_safety_limit_calls() {
    let calls = Calls::start();
    let bench = Bench::of(Options {
        customers: bundled_customers(),
        requests_per_minute: 0,
        ..Options::default()
    });
    bench.write("people.csv", PEOPLE.to_owned() + "u2,b@example.com,B\n");
    bench.write("hook", calls.address("hook"));
    let config = "[notify]\nwebhook_file = \"hook\"\n[safety]\nmax_creates = 1\n";
    bench.write("c.toml", config);
    let _ = bench.run(SYNC).exits(4);
    assert_eq!(calls.json()["reasons"], serde_json::json!(["refused"]));
}

#[test]
fn a_test_calls_each_once_and_fails_if_one_does_not_arrive() {
    let calls = Calls::start();
    let bench = bench_with(&calls, "hook", "");
    let test = |bench: &Bench| {
        let mut command = bench.bare(&["notify", "--test", "-c", "c.toml"]);
        command.env("HELPCRUNCH_API_KEY", KEY);
        crate::bench::Running::start(command).wait()
    };
    let _ = test(&bench)
        .exits(0)
        .shows(&["arrived: the webhook at ", "arrived: the ping at "]);
    assert_eq!(calls.json()["test"], true);
    fits("notification", &[calls.json()]);
    let mut paths = calls.paths();
    paths.sort();
    assert_eq!(paths, ["/hook", "/ping"]);
    bench.write("hook", calls.address("500"));
    let _ = test(&bench)
        .exits(1)
        .shows(&["failed: the webhook at ", "answered 500"])
        .says(&["not every notification arrived"]);
    bench.write("c.toml", "");
    let _ = test(&bench).exits(2).says(&["there is no one to call"]);
}
