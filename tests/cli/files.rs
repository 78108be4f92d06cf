//! The files of a run, read back and held against the formats that are promised for them.

use std::path::{Path, PathBuf};
use std::process::Command;

use boon::{Compiler, Schemas};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The folder of one run.
#[derive(Debug)]
pub(crate) struct RunFiles(PathBuf);

impl RunFiles {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        read_text(&self.path(name))
    }

    pub(crate) fn summary(&self) -> Value {
        json(&self.text("summary.json"))
    }

    /// Of all rows, as `show` lists them.
    pub(crate) fn results(&self) -> Vec<Value> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results.jsonl");
        let shown = Command::new(env!("CARGO_BIN_EXE_hcsync"))
            .arg("show")
            .arg(&self.0)
            .arg("--results")
            .arg(&file)
            .output()
            .unwrap();
        assert!(
            shown.status.success(),
            "{}",
            String::from_utf8_lossy(&shown.stderr)
        );
        json_lines(&read_text(&file))
    }

    pub(crate) fn journal(&self) -> Vec<Value> {
        json_lines(&self.text("journal.jsonl"))
    }

    pub(crate) fn plan(&self) -> Vec<Value> {
        json_lines(&self.text("plan.jsonl"))
    }

    /// How many rows ended with each status; every result is checked to be honest in itself.
    #[track_caller]
    pub(crate) fn statuses(&self) -> Vec<String> {
        let results = self.results();
        results
            .iter()
            .map(|r| r["status"].as_str().unwrap().to_owned())
            .collect()
    }

    #[track_caller]
    pub(crate) fn count(&self, status: &str) -> usize {
        self.statuses().iter().filter(|s| *s == status).count()
    }

    /// That there is one result a row, in the input's order, that the summary counts the same, and that no result
    /// contradicts itself.
    #[track_caller]
    pub(crate) fn check_results(&self) {
        let (summary, results) = (self.summary(), self.results());
        let rows = summary["input"]["rows"].as_u64().unwrap();
        let numbers: Vec<u64> = results.iter().map(|r| r["row"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=rows).collect::<Vec<_>>(), "one result a row");
        let counts = summary["results"].as_object().unwrap();
        let total: u64 = counts.values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(total, rows, "{counts:?}");
        for (status, count) in counts {
            assert_eq!(
                count.as_u64().unwrap() as usize,
                self.count(status),
                "{status}"
            );
        }
        results.iter().for_each(check_result);
    }
}

#[track_caller]
fn check_result(result: &Value) {
    let operations: Vec<&str> = result["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["status"].as_str().unwrap())
        .collect();
    let all = |wanted: &str| operations.iter().all(|status| *status == wanted);
    let has = |wanted: &str| operations.contains(&wanted);
    let has_error = !result["error"].is_null();
    // A row that was merged into another has no operations of its own, and ends like that one.
    let merged = result["merged_into"].is_u64() && operations.is_empty();
    let honest = match result["status"].as_str().unwrap() {
        "created" | "updated" => {
            all("done") && !operations.is_empty() && !has_error && result["customer_id"].is_u64()
        }
        // A run keeps nothing of such a row: only `--results` of the run itself names its customer.
        "unchanged" => operations.is_empty() && !has_error,
        "rejected" => operations.is_empty() && has_error,
        "skipped" => operations.is_empty(),
        "failed" => has_error && (has("failed") || has("not_sent") || operations.is_empty()),
        "in_doubt" => (has("in_doubt") || merged) && has_error,
        // Begun or not: the run can be resumed.
        "pending" => {
            !has("failed") && (merged || has("planned") || has("not_sent") || has("in_doubt"))
        }
        "would_create" | "would_update" => all("planned") && !has_error,
        other => panic!("status {other}"),
    };
    assert!(honest, "{result}");
}

#[track_caller]
pub(crate) fn read_text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[track_caller]
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[track_caller]
pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(json).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Holds values against a schema of `docs/formats`, as it stands there.
#[track_caller]
pub(crate) fn fits<'a>(schema: &str, values: impl IntoIterator<Item = &'a Value>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/formats")
        .join(format!("{schema}.schema.json"));
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    let index = compiler
        .compile(path.to_str().unwrap(), &mut schemas)
        .unwrap();
    for value in values {
        if let Err(error) = schemas.validate(value, index) {
            panic!("{schema}: {error}\n{value}");
        }
    }
}
