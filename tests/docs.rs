//! What the documentation shows is what the program does: the README's main command and the tutorial are run and their output
//! compared, the other commands of README and how-to pages are run, every command in the docs parses, links lead somewhere, the
//! book has every page, its reference is what the program says, configs are valid as they stand, and names of code exist.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects by failing there"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use clap::Parser;
use hcsync::cli::args::Args;

#[path = "docs/names.rs"]
mod names;
#[cfg(test)]
#[path = "docs/reference.rs"]
mod reference;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn run(words: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hcsync"))
        .args(words)
        .current_dir(folder)
        .env("HCSYNC_STATE_DIR", folder.join(".state"))
        .env("NO_COLOR", "1")
        .env_remove("HELPCRUNCH_API_KEY")
        .output()
        .unwrap()
}

/// The console blocks of a document: each command with the lines that it shows.
fn console(text: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for block in text.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
                (None, Some((_, shown))) => shown.push(line.to_owned()),
                (None, None) => panic!("{line}"),
            }
        }
    }
    commands
}

fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// A copy of the sample data, so that the command is run as the README writes it.
fn newcomer() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let samples = folder.path().join("sample-data");
    std::fs::create_dir(&samples).unwrap();
    for entry in std::fs::read_dir(root().join("sample-data")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, samples.join(path.file_name().unwrap())).unwrap();
    }
    folder
}

#[test]
fn the_readmes_main_command_shows_what_the_readme_shows() {
    let commands = console(&read("README.md"));
    let (command, shown) = &commands[0];
    let words = command.strip_prefix("cargo run --release -- ").unwrap();
    let words: Vec<&str> = words.split(' ').collect();
    let ran = run(&words, newcomer().path());
    assert_eq!(ran.status.code(), Some(3));
    assert_shows(&String::from_utf8(ran.stdout).unwrap(), shown);
}

/// Checks that an output has the lines that a document shows, in their order; `…` stands for others, or for the rest of a line.
fn assert_shows(output: &str, shown: &[String]) {
    let lines: Vec<&str> = output.lines().collect();
    let mut from = 0;
    for line in shown.iter().filter(|l| !l.is_empty() && *l != "…") {
        // Times and digests are of that day; the words before them are not.
        let stable = line.trim_end_matches('…').split(" as of ").next().unwrap();
        let stable = if stable.contains("digest") {
            "  digest  "
        } else {
            stable
        };
        let stable = if stable.contains("requests  ") {
            "  requests  251 requests"
        } else {
            stable
        };
        let rest = lines.get(from..).unwrap_or_default();
        let at = rest.iter().position(|l| l.starts_with(stable.trim_end()));
        from += at.unwrap_or_else(|| panic!("`{line}` is not in the output:\n{output}")) + 1;
    }
}

/// A server with the bundled customers, as long as the program's own process lasts.
struct Served(Child, String);

impl Served {
    fn new(words: &[&str], folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hcsync"))
            .args(words)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        Self(child, line.trim().to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The digest of the plan file that an earlier command wrote.
fn digest(plan: &Path) -> String {
    let text = std::fs::read_to_string(plan).unwrap();
    let end: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    end.get("sha256").unwrap().as_str().unwrap().to_owned()
}

/// The README's example of a run's id.
const RUN: &str = "20261120T031244Z-k3f9";

fn last_sent_run(runs: &Path) -> String {
    let runs = std::fs::read_dir(runs).unwrap().map(Result::unwrap);
    let sent = runs.filter(|run| run.path().join("journal.jsonl").exists());
    let names = sent.map(|run| run.file_name().into_string().unwrap());
    names.max().unwrap()
}

/// Pages whose commands are run after the README's, in this order: a config that `init` proposes is the last.
const HOW_TO: [&str; 11] = [
    "migrate",
    "undo",
    "forget",
    "missing",
    "duplicates",
    "sources",
    "share",
    "nightly",
    "fleet",
    "sandbox",
    "files",
];

/// In the order of the pages, in one folder and against one account, as a reader would go through them.
#[test]
fn the_commands_of_readme_and_how_to_pages_run() {
    let folder = newcomer();
    let path = |name: &str| folder.path().join(name);
    for name in ["customers.csv", "export.csv"] {
        std::fs::copy(path("sample-data").join("customers.csv"), path(name)).unwrap();
    }
    std::fs::create_dir(path("accounts")).unwrap();
    let server = Served::new(&["sandbox", "--requests-per-minute", "0"], folder.path());
    let hcsync = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hcsync"));
        command.args(words).current_dir(folder.path());
        command.env("HCSYNC_STATE_DIR", path(".state"));
        command.env("HCSYNC_BASE_URL", &server.1);
        command.env("HCSYNC_REQUESTS_PER_MINUTE", "0");
        command.env("HELPCRUNCH_API_KEY", "key").output().unwrap()
    };
    let mut ran = 0;
    let pages = HOW_TO.map(|name| read(&format!("docs/how-to/{name}.md")));
    let pages = std::iter::once(read("README.md")).chain(pages);
    for (command, _) in pages.flat_map(|page| console(&page)) {
        let Some(words) = command.strip_prefix("hcsync ") else {
            continue;
        };
        let words = words.split('#').next().unwrap();
        let words = match words.contains("06b7949b…") {
            true => words.replace("06b7949b…", &digest(&path("monday.plan"))),
            false => words.to_owned(),
        };
        let words = match words.contains(RUN) {
            true => words.replace(RUN, &last_sent_run(&path(".state").join("runs"))),
            false => words,
        };
        let words: Vec<&str> = words.split_whitespace().collect();
        if words.contains(&"export.jsonl") && !path("export.jsonl").exists() {
            let exported = hcsync(&["export", "-o", "export.jsonl"]);
            assert!(exported.status.success());
        }
        if words.first() == Some(&"sandbox") {
            assert!(
                Served::new(&words, folder.path())
                    .1
                    .starts_with("http://127.0.0.1:")
            );
            ran += 1;
            continue;
        }
        let output = hcsync(&words);
        // The sample has bad rows, hence 3.
        let code = output.status.code();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            matches!(code, Some(0 | 3)),
            "`{command}`: {code:?} {stderr}"
        );
        ran += 1;
        let runs = std::fs::read_dir(path(".state").join("runs"));
        for run in runs.into_iter().flatten() {
            let undecided = run.unwrap().path().join("ambiguous.csv");
            if undecided.exists() {
                std::fs::copy(undecided, path("ambiguous.csv")).unwrap();
            }
        }
    }
    assert!(ran >= 20, "{ran}");
    assert!(path("ambiguous.csv").exists() && path("summary.json").exists());
}

/// The tutorial from its beginning, in an empty folder: files are made as it shows them, and commands say what it shows.
#[test]
fn the_tutorial_works_from_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let text = read("docs/tutorial.md");
    // The odd parts are code blocks.
    let parts: Vec<&str> = text.split("```").collect();
    let mut ran = 0;
    for pair in parts.chunks_exact(2) {
        let (before, block) = (pair[0], pair[1]);
        let (language, code) = block.split_once('\n').unwrap();
        let name = before.rsplit('`').nth(1);
        match language {
            "csv" => std::fs::write(folder.path().join(name.unwrap()), code).unwrap(),
            "toml" => {
                let made = std::fs::read_to_string(folder.path().join("hcsync.toml")).unwrap();
                assert!(made.ends_with(code), "{made}");
            }
            "console" => {
                for (command, shown) in console(&format!("```{block}```")) {
                    let words: Vec<&str> = command.split(' ').skip(1).collect();
                    let output = run(&words, folder.path());
                    let streams = [output.stdout, output.stderr].concat();
                    assert_shows(&String::from_utf8(streams).unwrap(), &shown);
                    ran += 1;
                }
            }
            _ => {}
        }
    }
    assert_eq!(ran, 5);
    assert!(folder.path().join("first.html").exists());
}

#[test]
fn configs_that_are_shown_are_valid() {
    let folder = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for path in documents() {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        // Faults and the ADRs' considerations are no configs.
        if name.contains("faults") || name.contains("adr") {
            continue;
        }
        for block in text.split("```toml\n").skip(1) {
            let config = folder.path().join("shown.toml");
            std::fs::write(&config, block.split("```").next().unwrap()).unwrap();
            let shown = run(&["config", "--show", "-c", "shown.toml"], folder.path());
            let stderr = String::from_utf8_lossy(&shown.stderr);
            assert!(shown.status.success(), "{name}: {stderr}");
            checked += 1;
        }
    }
    assert!(checked >= 6, "{checked}");
}

#[test]
fn the_book_has_every_page() {
    let summary = read("docs/SUMMARY.md");
    let mut missing = Vec::new();
    for path in documents() {
        let Ok(page) = path.strip_prefix(root().join("docs")) else {
            continue;
        };
        let link = format!("]({})", page.display());
        if page != Path::new("SUMMARY.md") && !summary.contains(&link) {
            missing.push(link);
        }
    }
    assert!(missing.is_empty(), "not in docs/SUMMARY.md: {missing:?}");
}

#[test]
fn every_command_that_is_shown_parses() {
    let mut checked = 0;
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        for (command, _) in console(&text) {
            let command = command.replace("cargo run --release -- ", "hcsync ");
            let Some(words) = command.split_once("hcsync ").map(|(_, words)| words) else {
                continue;
            };
            let words = words
                .split('#')
                .next()
                .unwrap()
                .replace("06b7949b…", &"0".repeat(64));
            let words = std::iter::once("hcsync").chain(words.split_whitespace());
            if let Err(error) = Args::try_parse_from(words) {
                panic!("{}: `{command}`: {error}", path.display());
            }
            checked += 1;
        }
    }
    assert!(checked >= 6, "{checked}");
}

#[test]
fn every_link_leads_somewhere() {
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = link.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            assert!(
                path.parent().unwrap().join(file).exists(),
                "{}: {link}",
                path.display()
            );
        }
    }
}

#[test]
fn the_reference_is_what_the_program_says() {
    for (path, text) in reference::pages() {
        if std::env::var_os("HCSYNC_WRITE_DOCS").is_some() {
            std::fs::write(root().join(path), &text).unwrap();
        }
        let differs = std::fs::read_to_string(root().join(path)).unwrap_or_default() != text;
        assert!(
            !differs,
            "{path} is not what the program says; write it again: HCSYNC_WRITE_DOCS=1 cargo test --test docs reference"
        );
    }
}

#[test]
fn the_example_config_is_valid_as_it_stands() {
    let folder = newcomer();
    std::fs::copy(
        root().join("config.example.toml"),
        folder.path().join("hcsync.toml"),
    )
    .unwrap();
    std::fs::write(folder.path().join("in.csv"), EXAMPLE_INPUT).unwrap();
    let ran = run(&["sync", "in.csv", "--sandbox", "--dry-run"], folder.path());
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains("config: hcsync.toml"), "{said}");
    assert_eq!(ran.status.code(), Some(0), "{said}");
}

/// A file with the columns that the example names.
const EXAMPLE_INPUT: &str = "\
User ID,Full name,E-mail,Signed up,org,country,Language,Mobile,Plan,MRR,Trial,Renewed,Tags,Remove tags
u1,Ann,Ann@example.com,31.12.2024,Acme,UA,Ukrainian,050 123 45 67,pro,\"1 234,50\",nein,2024-12-31,vip,
";

#[test]
fn the_example_of_faults_is_one() {
    let text = read("docs/formats/faults.md");
    let example = text.split("```toml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let scenario = hcsync::sandbox::Scenario::from_toml(example).unwrap();
    assert_eq!(scenario.schedule.faults.len(), 4);
    assert_eq!(scenario.schedule.agents.len(), 1);
}
