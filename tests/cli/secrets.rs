//! The API key is in no stream and in no file, whatever the server says.

use std::path::Path;

use hcsync::sandbox::Options;
use serde_json::json;

use crate::bench::{Bench, KEY, Ran, Running, bundled_customers, tree};
use crate::server::{ByteServer, answer};

/// As it is, as URLs write it, as JSON and forms may, and its parts.
fn spellings() -> Vec<String> {
    let encoded = |upper: bool| -> String {
        KEY.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                _ if upper => format!("%{byte:02X}"),
                _ => format!("%{byte:02x}"),
            })
            .collect()
    };
    let partly = KEY
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let escaped = KEY.replace('/', "\\/");
    vec![
        KEY.to_owned(),
        encoded(true),
        encoded(false),
        partly,
        escaped,
    ]
}

#[track_caller]
fn assert_no_key(bench: &Bench, ran: &Ran) {
    let mut texts = vec![
        ("stdout".to_owned(), ran.out.clone()),
        ("stderr".to_owned(), ran.err.clone()),
    ];
    for path in tree(&bench.path("")) {
        let name = path.display().to_string();
        // Names of files are as public as what is in them.
        texts.push((format!("name of {name}"), name.clone()));
        if path.is_file() {
            texts.push((name, lossy(&path)));
        }
    }
    assert!(texts.len() > 4, "{texts:?}");
    for spelling in spellings() {
        for (place, text) in &texts {
            assert!(!text.contains(&spelling), "`{spelling}` in {place}: {text}");
        }
    }
}

fn lossy(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

const OUTPUTS: &str = "--results r.jsonl --changes c.csv --rejected j.csv --summary s.json";

#[test]
fn after_success() {
    for format in ["text", "json"] {
        let bench = Bench::bundled();
        bench.sample("customers.csv");
        let ran = bench
            .run(&format!(
                "sync customers.csv -vvv --log-format {format} {OUTPUTS}"
            ))
            .exits(3);
        assert!(ran.err.lines().count() > 100);
        assert_no_key(&bench, &ran);
    }
}

#[test]
fn in_a_config_or_an_option_it_is_refused_and_not_shown() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    for config in [
        format!("[api]\naccount = \"{KEY}\"\n"),
        format!("[api]\n\"{KEY}\" = 1\n"),
        format!("[fields]\nname = 7 # {KEY}\n"),
        format!("[fields]\nname = \"name\" # {KEY}\n"),
    ] {
        bench.write("hcsync.toml", &config);
        for command in ["sync customers.csv", "check customers.csv"] {
            let ran = bench.run(command).exits(2).says(&["contains the API key"]);
            let shown = format!("{}{}", ran.out, ran.err);
            assert!(!shown.contains(KEY), "{shown}");
        }
    }
    bench.write("hcsync.toml", "");
    let option = format!("sync customers.csv --account {KEY}");
    let ran = bench.run(&option).exits(2);
    assert_no_key(
        &bench,
        &ran.says(&["an option or its variable contains the API key"]),
    );
    assert!(bench.runs().is_empty());
}

#[test]
fn after_a_plan_that_was_saved() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let ran = bench
        .run("plan customers.csv -vvv --out p.jsonl --output json")
        .exits(3);
    assert_no_key(&bench, &ran);
}

#[test]
fn after_a_refused_key() {
    let bench = Bench::of(Options {
        customers: bundled_customers(),
        refused_key: Some(KEY.to_owned()),
        ..Options::default()
    });
    bench.sample("customers.csv");
    let ran = bench
        .run(&format!("sync customers.csv -vvv {OUTPUTS}"))
        .exits(1);
    assert_no_key(&bench, &ran);
}

#[test]
fn after_answers_that_echo_it_in_every_spelling() {
    for status in [
        "400 Bad Request",
        "401 Unauthorized",
        "404 Not Found",
        "500 Oops",
        "302 Found",
    ] {
        let echo = spellings().join(" and ");
        let body = json!({"errors": [
            {"code": "invalid_request", "message": "Invalid request"},
            {"code": format!("key.{KEY}"), "message": format!("bad key {echo}")},
        ]})
        .to_string();
        let location = format!(
            "Location: https://elsewhere.example/?k={}\r\n",
            spellings()[1]
        );
        let server = ByteServer::start(move |head| {
            if head.starts_with("GET ") {
                return answer("200 OK", "", "{\"data\":[],\"total\":0}");
            }
            answer(status, &location, &body)
        });
        let bench = Bench::empty();
        bench
            .write("new.csv", "userId,name\na,Ann\nb,Ben\n")
            .write("hcsync.toml", "[limits]\nmax_attempts = 1\nsettle = \"1s\"\nmax_outage = \"1s\"\n[api]\ntimeout = \"1s\"\n");
        let words = format!(
            "sync new.csv -vvv --base-url {} --requests-per-minute 0 --state-dir state {OUTPUTS}",
            server.base_url()
        );
        let words: Vec<&str> = words.split_whitespace().collect();
        let mut command = bench.bare(&words);
        command.env("HELPCRUNCH_API_KEY", KEY);
        let ran = Running::start(command).wait();
        assert!(matches!(ran.code, Some(1 | 3)), "{status}: {ran:?}");
        assert!(server.heads().len() >= 2, "{status}");
        assert!(
            server.heads()[0].contains(&format!("Bearer {KEY}")),
            "it was sent"
        );
        assert_no_key(&bench, &ran);
    }
}

#[test]
fn html_and_headers_that_echo_it() {
    let page = format!(
        "<html><title>{KEY}</title>{}</html>",
        spellings().join("<br>")
    );
    let server = ByteServer::start(move |_| {
        answer(
            "502 Bad Gateway",
            &format!("X-Echo: {KEY}\r\nRetry-After: {KEY}\r\n"),
            &page,
        )
    });
    let bench = Bench::empty();
    bench.write("new.csv", "userId,name\na,Ann\n").write(
        "hcsync.toml",
        "[limits]\nmax_attempts = 2\nmax_outage = \"1s\"\n",
    );
    let words = format!(
        "sync new.csv -vvv --base-url {} --requests-per-minute 0 --state-dir state {OUTPUTS}",
        server.base_url()
    );
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut command = bench.bare(&words);
    command.env("HELPCRUNCH_API_KEY", KEY);
    let ran = Running::start(command).wait().exits(1);
    assert_no_key(&bench, &ran);
}

#[test]
fn a_key_in_a_config_file_is_refused_and_not_repeated() {
    let bench = Bench::empty();
    bench
        .write("new.csv", "userId\na\n")
        .write("inline.toml", "[api]\nkey = \"another-secret\"\n");
    let ran = bench
        .run("sync new.csv -vvv -c inline.toml --summary s.json")
        .exits(2);
    assert!(ran.err.contains("HELPCRUNCH_API_KEY"), "{}", ran.err);
    for text in [&ran.err, &ran.out, &lossy(&bench.path("s.json"))] {
        assert!(!text.contains("another-secret"), "{text}");
    }
    assert_eq!(bench.requests(), []);
}
