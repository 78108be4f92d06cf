//! Runs the real binary on a case and tells what came of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::case::{Case, Expected};

/// Values longer than this are told by their length.
const LONGEST: usize = 60;

/// What came of a case.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) rows: Vec<Told>,
    pub(crate) notes: Vec<String>,
    /// Rejected rows by cause.
    pub(crate) causes: Causes,
    /// The message of a refusal, on one line.
    pub(crate) message: String,
}

/// Counts by kind, code and column.
pub(crate) type Causes = BTreeMap<String, u64>;

/// A row as the test compares it, and for a rejected one as the user is told of it.
pub(crate) struct Told {
    pub(crate) line: u64,
    pub(crate) text: String,
    pub(crate) rejected: Option<Rejected>,
}

pub(crate) struct Rejected {
    pub(crate) column: Option<String>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Plans the case's file against its customers: no API, no key, nothing sent.
pub(crate) fn run(case: &Case) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("customers.jsonl"), case.remote).unwrap();
    let words = "--remote-file customers.jsonl --out out.plan --results out.jsonl --output json -q";
    let ran = command(case, folder.path(), "plan", words);
    let (out, err) = (text(&ran.stdout), text(&ran.stderr));
    assert!(!err.contains("panicked"), "{}: {err}", case.input);
    let code = ran.status.code().unwrap();
    if !matches!(code, 0 | 3) {
        assert!(
            !path("out.plan").exists(),
            "{}: a plan of what was refused",
            case.input
        );
        return Outcome {
            code,
            rows: Vec::new(),
            notes: Vec::new(),
            causes: Causes::new(),
            message: message(&err),
        };
    }
    let preview: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}\n{err}"));
    Outcome {
        code,
        rows: rows(&path("out.jsonl"), &path("out.plan")),
        notes: notes(&preview),
        causes: causes(&preview["rejected_by_cause"]),
        message: String::new(),
    }
}

/// Checks the case's file without API and key: the exit code, and the rejected rows by cause.
pub(crate) fn check(case: &Case) -> (i32, Causes) {
    let folder = tempfile::tempdir().unwrap();
    let ran = command(case, folder.path(), "check", "--output json -q");
    let code = ran.status.code().unwrap();
    let causes = match serde_json::from_slice::<Value>(&ran.stdout) {
        Ok(report) => causes(&report["bad"]),
        Err(_) => Causes::new(),
    };
    (code, causes)
}

/// Runs a command on the case's file, in a folder of its own.
fn command(case: &Case, folder: &Path, name: &str, words: &str) -> Output {
    std::fs::write(folder.join(case.file), &case.bytes).unwrap();
    std::fs::write(folder.join("hcsync.toml"), case.config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hcsync"));
    command.current_dir(folder).env_clear();
    for name in ["SystemRoot", "PATH"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.env("HOME", folder).stdin(Stdio::null());
    command.args([name, if case.on_stdin { "-" } else { case.file }]);
    command
        .args(["--state-dir", "state"])
        .args(words.split(' '));
    if case.on_stdin {
        command.stdin(File::open(folder.join(case.file)).unwrap());
    }
    command.output().unwrap()
}

fn causes(list: &Value) -> Causes {
    let mut causes = Causes::new();
    for cause in list.as_array().unwrap() {
        let name = format!("{} {} {}", cause["kind"], cause["code"], cause["column"]);
        *causes.entry(name).or_default() += cause["count"].as_u64().unwrap();
    }
    causes
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn message(err: &str) -> String {
    let (_, told) = err.split_once("error: ").unwrap_or(("", err));
    // What follows is a picture of the config's line.
    let told = told.split('╭').next().unwrap_or(told);
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn notes(preview: &Value) -> Vec<String> {
    let texts = |name: &str| {
        let list = preview[name].as_array().unwrap().clone();
        list.into_iter()
            .map(|note| without_folders(note.as_str().unwrap()))
    };
    let ignored = texts("ignored_columns").map(|column| format!("ignored column `{column}`"));
    texts("notes").chain(ignored).collect()
}

/// With the names of files in place of their paths, which are other ones each time.
fn without_folders(note: &str) -> String {
    let name = |word: &str| match word.rsplit_once('/') {
        Some((folder, name)) if folder.starts_with('/') => name.to_owned(),
        _ => word.to_owned(),
    };
    note.split(' ').map(name).collect::<Vec<_>>().join(" ")
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn rows(results: &Path, plan: &Path) -> Vec<Told> {
    let plan = lines(plan);
    let results = lines(results);
    results.iter().map(|result| told(result, &plan)).collect()
}

/// `3: create name="Ann"`, `4: rejected bad_email @ E-mail`, `5: unchanged`.
fn told(result: &Value, plan: &[Value]) -> Told {
    let line = result["line"].as_u64().unwrap();
    if result["status"] == "rejected" {
        let error = &result["error"];
        let (code, column) = (error["code"].as_str().unwrap(), error["column"].as_str());
        let place = column.map_or_else(String::new, |column| format!(" @ {}", shortened(column)));
        let message = error["message"].as_str().unwrap().to_owned();
        return Told {
            line,
            text: format!("{line}: rejected {code}{place}"),
            rejected: Some(Rejected {
                column: column.map(shortened),
                message,
                hint: error["hint"].as_str().map(str::to_owned),
            }),
        };
    }
    let operations = plan
        .iter()
        .filter(|operation| operation["row"] == result["row"]);
    let mut parts: Vec<String> = operations.map(operation).collect();
    if parts.is_empty() {
        parts.push(result["status"].as_str().unwrap().to_owned());
    }
    let text = format!("{line}: {}", parts.join("; "));
    Told {
        line,
        text,
        rejected: None,
    }
}

/// A create without its word, since most are.
fn operation(operation: &Value) -> String {
    let mut parts = Vec::new();
    for (section, prefix) in [("set", ""), ("custom_data", "customData.")] {
        let members = operation[section].as_object().into_iter().flatten();
        for (name, value) in members {
            let value = if operation["op"] == "create" {
                value
            } else {
                &value["to"]
            };
            parts.push(format!(
                "{}={}",
                shortened(&format!("{prefix}{name}")),
                shortened(&value.to_string())
            ));
        }
    }
    let tags = operation["tags"].as_array().into_iter().flatten();
    let tags: Vec<_> = tags.map(|tag| tag["name"].as_str().unwrap()).collect();
    if !tags.is_empty() {
        parts.push(format!("tags={}", tags.join("|")));
    }
    let word = match operation["op"].as_str().unwrap() {
        "create" => String::new(),
        other => format!("{other} "),
    };
    word + &parts.join(", ")
}

fn shortened(value: &str) -> String {
    let length = value.chars().count();
    if length > LONGEST {
        format!("<{length} characters>")
    } else {
        value.to_owned()
    }
}

/// What is wrong with an outcome; nothing where it is as expected.
pub(crate) fn differences(case: &Case, outcome: &Outcome) -> Option<String> {
    let found: Vec<&str> = outcome.rows.iter().map(|row| row.text.as_str()).collect();
    let fits = |parts: &[&str], texts: &[String]| {
        parts.len() == texts.len()
            && parts
                .iter()
                .zip(texts)
                .all(|(part, text)| text.contains(part))
    };
    let good = match &case.expected {
        Expected::Refused(parts) => {
            outcome.code == 2 && parts.iter().all(|part| outcome.message.contains(part))
        }
        Expected::Rows { rows, notes } => {
            let code = if found.iter().any(|row| row.contains(": rejected ")) {
                3
            } else {
                0
            };
            found == *rows && outcome.code == code && fits(notes, &outcome.notes)
        }
    };
    (!good).then(|| {
        format!(
            "{} ({}): exit {}\n  rows {found:#?}\n  notes {:#?}\n  message {}\n",
            case.input, case.file, outcome.code, outcome.notes, outcome.message
        )
    })
}
