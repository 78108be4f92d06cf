//! Texts that break programs: each survives the way from a file over the API into an export and back, byte for byte.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use hcsync::sandbox::Options;
use serde_json::{Value, json};

use crate::served::Server;

/// One text a line, as a JSON string: control characters and half pairs of surrogates are readable there.
const STRINGS: &str = include_str!("naughty.jsonl");

fn strings() -> Vec<String> {
    let lines = STRINGS.lines().filter(|line| !line.starts_with("//"));
    let mut all: Vec<String> = lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
        .collect();
    // An error of a spreadsheet is no value: its row is rejected, in a text file as in a workbook.
    all.retain(|text| !["#N/A", "#REF!"].contains(&text.as_str()));
    all.extend([
        "x".repeat(100_000),
        "é".repeat(5_000),
        "e\u{301}\u{302}\u{303}".repeat(500),
        "👩‍👩‍👧‍👦".repeat(300),
        "a\r\n".repeat(900),
    ]);
    all
}

fn hcsync(folder: &Path, words: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hcsync"));
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    for name in ["SystemRoot", "PATH"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.env("HOME", folder).env("HELPCRUNCH_API_KEY", "any");
    command
        .args(words.split(' '))
        .args(more)
        .args(["--state-dir", "state"])
        .output()
        .unwrap()
}

#[track_caller]
fn exits(ran: &Output, code: i32) -> String {
    let (out, err) = (
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
    );
    assert_eq!(
        ran.status.code(),
        Some(code),
        "{}\n{}",
        &out[..out.len().min(2000)],
        &err[..err.len().min(2000)]
    );
    out.into_owned()
}

/// The customers of the file: each text in a name, a note, a company, a tag and a property of its own.
fn customers() -> Vec<Value> {
    let each = strings().into_iter().enumerate();
    each.map(|(at, text)| {
        let mut customer = json!({"userId": format!("u{at}"), "name": text, "notes": text, "company": text, "customData": {"text": text}});
        if is_tag(&text) {
            customer["tags"] = json!([text]);
        }
        customer
    })
    .collect()
}

/// Blanks around a tag are dropped, `;` parts tags, and brackets and quotes around all of them make a list, by promise; that is no
/// loss.
fn is_tag(text: &str) -> bool {
    let is_listed = text.starts_with(['[', '{', '"']) || text.ends_with([']', '}']);
    !is_listed
        && !text.is_empty()
        && text.trim() == text
        && !text.contains(';')
        && text.chars().count() < 100
}

fn csv(customers: &[Value]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record([
            "userId",
            "name",
            "notes",
            "company",
            "customData.text",
            "tags",
        ])
        .unwrap();
    for customer in customers {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let data = &customer["customData"]["text"];
        let cells = [
            &customer["userId"],
            &customer["name"],
            &customer["notes"],
            &customer["company"],
            data,
            &customer["tags"][0],
        ];
        writer.write_record(cells.map(text)).unwrap();
    }
    writer.into_inner().unwrap()
}

fn jsonl(customers: &[Value]) -> Vec<u8> {
    customers
        .iter()
        .flat_map(|customer| format!("{customer}\n").into_bytes())
        .collect()
}

/// As the config's own words say that a property is text, since `15` alone would be a number.
const CONFIG: &str = "[input]\ntrim = false\n[custom_data]\ntext = { column = \"customData.text\", type = \"text\" }\n";

#[test]
fn naughty_strings_come_back_as_they_went() {
    let customers = customers();
    assert!(customers.len() >= 150, "{}", customers.len());
    for (name, bytes) in [("in.csv", csv(&customers)), ("in.jsonl", jsonl(&customers))] {
        round(name, &bytes, &customers);
    }
}

fn round(name: &str, bytes: &[u8], customers: &[Value]) {
    let served = Server::start(Options {
        requests_per_minute: 0,
        ..Options::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join(name), bytes).unwrap();
    std::fs::write(path.join("text.toml"), CONFIG).unwrap();
    let url = format!("http://{}/v1", served.address);
    let api = ["--base-url", url.as_str(), "--requests-per-minute", "0"];
    exits(
        &hcsync(path, &format!("sync {name} -c text.toml -q"), &api),
        0,
    );
    arrived(&served.sandbox.customers(), customers);

    exits(&hcsync(path, "export -o out.csv", &api), 0);
    exits(&hcsync(path, "export -o out.jsonl", &api), 0);
    for (input, config) in [(name, "-c text.toml"), ("out.csv", ""), ("out.jsonl", "")] {
        let words = format!("plan {input} {config} --detailed-exitcode --output json -q");
        let told = exits(
            &hcsync(path, words.trim().replace("  ", " ").as_str(), &api),
            0,
        );
        let preview: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(
            preview["planned"]["unchanged"],
            customers.len(),
            "{name}, then {input}"
        );
    }
}

/// What the server holds is what stood in the file.
#[track_caller]
fn arrived(held: &[Value], customers: &[Value]) {
    assert_eq!(held.len(), customers.len());
    for wanted in customers {
        let there = held
            .iter()
            .find(|there| there["userId"] == wanted["userId"])
            .unwrap();
        for field in ["name", "notes", "company"] {
            // Blanks alone say nothing.
            let empty = |value: &Value| value.as_str().is_none_or(|text| text.trim().is_empty());
            assert!(
                there[field] == wanted[field] || (empty(&there[field]) && empty(&wanted[field])),
                "{field}: {:?} for {:?}",
                there[field],
                wanted[field]
            );
        }
        if wanted["name"]
            .as_str()
            .is_some_and(|text| !text.trim().is_empty())
        {
            let (kept, sent) = (&there["customData"]["text"], &wanted["customData"]["text"]);
            // The API gives back the text of a UNIX time as a number.
            let same = kept == sent || Some(kept.to_string().as_str()) == sent.as_str();
            assert!(same, "{kept:?} for {sent:?}");
        }
        if let Some(tag) = wanted["tags"].get(0) {
            assert_eq!(&there["tags"][0]["name"], tag);
        }
    }
}
