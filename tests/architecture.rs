//! The arrows between the crate's modules go down, and what a module never sees it never names.
//!
//! `docs/architecture.md` tells why; the tables here are what holds. A new module is a new row.

#[cfg(test)]
#[path = "architecture/checks.rs"]
mod checks;
#[cfg(test)]
#[path = "architecture/shape.rs"]
mod shape;
#[cfg(test)]
#[path = "architecture/source_file.rs"]
mod source_file;
#[cfg(test)]
#[path = "architecture/tokens.rs"]
mod tokens;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use shape::{MAX_FILE_LINES, circles, crowded_names};
use source_file::SourceFile;

struct Module {
    level: u8,
    name: &'static str,
    may_import: &'static [&'static str],
}

const fn module(level: u8, name: &'static str, may_import: &'static [&'static str]) -> Module {
    Module {
        level,
        name,
        may_import,
    }
}

/// Every module under `src/`, lowest first. A module imports from lower levels only.
const MODULES: &[Module] = &[
    module(0, "domain", &[]),
    module(0, "pace", &[]),
    module(0, "platform", &[]),
    // Below everything and known to `cli` alone: a misreading of the API that both sides shared would be hidden.
    module(0, "sandbox", &[]),
    module(1, "objects", &[]),
    module(1, "source", &["domain"]),
    module(1, "mapping", &["domain"]),
    module(1, "plan", &["domain"]),
    module(2, "outcome", &["domain", "plan"]),
    module(3, "helpcrunch", &["domain", "plan", "outcome", "pace"]),
    module(
        3,
        "journal",
        &["domain", "pace", "plan", "outcome", "platform"],
    ),
    module(3, "report", &["domain", "plan", "outcome"]),
    module(4, "notify", &["report"]),
    module(
        4,
        "postgres",
        &["domain", "pace", "platform", "journal", "report"],
    ),
    module(4, "remote", &["domain", "plan", "helpcrunch", "platform"]),
    module(4, "probe", BELOW_PROBE),
    module(5, "run", BELOW_RUN),
    module(6, "config", BELOW_CONFIG),
    module(7, "cli", BELOW_CLI),
    module(8, "main", &["cli"]),
    module(8, "lib", &[]),
];

const BELOW_PROBE: &[&str] = &[
    "domain",
    "pace",
    "platform",
    "plan",
    "helpcrunch",
    "journal",
];

const BELOW_RUN: &[&str] = &[
    "domain",
    "pace",
    "platform",
    "source",
    "mapping",
    "plan",
    "outcome",
    "helpcrunch",
    "journal",
    "report",
    "remote",
];

/// Settings types alone: each module owns its own, and `config` fills them.
const BELOW_CONFIG: &[&str] = &[
    "domain",
    "pace",
    "platform",
    "objects",
    "source",
    "mapping",
    "plan",
    "outcome",
    "helpcrunch",
    "journal",
    "report",
    "notify",
    "postgres",
    "remote",
    "run",
];

const BELOW_CLI: &[&str] = &[
    "domain",
    "pace",
    "platform",
    "sandbox",
    "objects",
    "source",
    "mapping",
    "plan",
    "outcome",
    "helpcrunch",
    "journal",
    "report",
    "notify",
    "postgres",
    "remote",
    "probe",
    "run",
    "config",
];

/// Names that only some modules may use.
struct Absence {
    names: &'static [&'static [&'static str]],
    reason: &'static str,
    holds_in: Scope,
}

enum Scope {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

impl Scope {
    fn contains(&self, module: &str) -> bool {
        match self {
            Self::Only(modules) => modules.contains(&module),
            Self::AllBut(modules) => !modules.contains(&module),
        }
    }
}

const PURE: &[&str] = &["domain", "plan", "mapping", "outcome", "report"];

const ABSENCES: &[Absence] = &[
    Absence {
        names: &[&["object_store"]],
        reason: "only objects speaks with object stores",
        holds_in: Scope::AllBut(&["objects"]),
    },
    Absence {
        names: &[&["reqwest"]],
        reason: "only helpcrunch speaks HTTP with HelpCrunch, and notify with others",
        holds_in: Scope::AllBut(&["helpcrunch", "notify"]),
    },
    Absence {
        names: &[&["tokio_postgres"]],
        reason: "only postgres speaks with the state database",
        holds_in: Scope::AllBut(&["postgres"]),
    },
    Absence {
        names: &[
            &["std", "fs"],
            &["std", "env"],
            &["std", "net"],
            &["std", "process"],
            &["tokio"],
        ],
        reason: "the core is pure: data comes in as arguments",
        holds_in: Scope::Only(PURE),
    },
    Absence {
        names: &[
            &["SystemTime", "now"],
            &["Instant", "now"],
            &["Timestamp", "now"],
            &["Zoned", "now"],
        ],
        reason: "the core is pure: time comes in as an argument",
        holds_in: Scope::Only(PURE),
    },
    Absence {
        names: &[&["process", "exit"], &["io", "stdout"], &["io", "stderr"]],
        reason: "only cli prints and exits",
        holds_in: Scope::AllBut(TERMINAL),
    },
    Absence {
        names: &[&["std", "os"]],
        reason: "what differs between systems lies in platform",
        holds_in: Scope::AllBut(&["platform"]),
    },
];

const TERMINAL: &[&str] = &["cli", "main"];
const PRINTING: [&str; 4] = ["print", "println", "eprint", "eprintln"];
const SYSTEMS: [&str; 5] = [
    "unix",
    "windows",
    "target_os",
    "target_family",
    "target_env",
];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

fn source_files() -> io::Result<Vec<SourceFile>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    rust_files(&root.join("src"), &mut found)?;
    found.sort();
    let read = |path: &PathBuf| {
        let inside = path.strip_prefix(root).unwrap_or(path);
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        Ok(SourceFile::new(
            &parts.join("/"),
            &fs::read_to_string(path)?,
        ))
    };
    found.iter().map(read).collect()
}

#[test]
fn the_docs_have_the_same_levels() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("| `"));
    let mut documented = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let (Ok(level), [_, name, .., imports]) = (cells[0].parse::<u8>(), &cells[..]) else {
            continue;
        };
        let name = name.trim_matches('`');
        let module = MODULES.iter().find(|module| module.name == name).unwrap();
        assert_eq!(module.level, level, "{name}");
        documented += 1;
        if matches!(name, "config" | "cli") {
            assert!(imports.contains("all"), "{row}");
            continue;
        }
        let imports = imports.split(", ").filter(|name| *name != "–");
        let may_import = module.may_import.iter().copied();
        assert_eq!(
            imports.collect::<BTreeSet<_>>(),
            may_import.collect(),
            "{name}"
        );
    }
    // All but `main` and `lib`.
    assert_eq!(documented, MODULES.len() - 2);
}

#[test]
fn arrows_go_down_and_absences_hold() {
    let files = source_files().unwrap();
    let test_modules: HashSet<&str> = files
        .iter()
        .flat_map(|file| &file.test_modules)
        .map(String::as_str)
        .collect();
    let own: Vec<_> = files
        .iter()
        .filter(|file| !file.is_test_code(&test_modules))
        .collect();
    assert!(
        own.len() > MODULES.len(),
        "too few files were found under src/"
    );
    let problems: Vec<_> = own.iter().flat_map(|file| file.problems()).collect();
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// Folders without circles between their files.
const WITHOUT_CIRCLES: &[&str] = &["source", "cli", "run"];

#[test]
fn files_and_functions_are_small_and_names_and_imports_clear() {
    let files = source_files().unwrap();
    let test_modules = files.iter().flat_map(|file| &file.test_modules);
    let test_modules: HashSet<&str> = test_modules.map(String::as_str).collect();
    let own = files
        .iter()
        .filter(|file| !file.is_test_code(&test_modules));
    let own: Vec<&SourceFile> = own.collect();
    let mut problems = BTreeSet::new();
    for SourceFile { path, shape, .. } in &own {
        if shape.lines > MAX_FILE_LINES {
            problems.insert(format!("{path} is long"));
        }
        for (name, ..) in &shape.long_functions {
            problems.insert(format!("{path}: `{name}` is long"));
        }
    }
    let shapes = own.iter().map(|file| (file.path.as_str(), &file.shape));
    for (name, files) in crowded_names(shapes) {
        problems.insert(format!("`{name}` is a type in {}", files.join(", ")));
    }
    for folder in WITHOUT_CIRCLES {
        let inside = own.iter().filter(|file| file.module() == *folder);
        let inside = inside.filter(|file| !file.is_parent(&own));
        let inside: Vec<&&SourceFile> = inside.collect();
        let paths: HashSet<&str> = inside.iter().map(|file| file.path.as_str()).collect();
        let imports = inside
            .iter()
            .map(|file| (file.path.clone(), file.imported_files(&paths)));
        for circle in circles(&imports.collect()) {
            let circle: Vec<&str> = circle.into_iter().collect();
            problems.insert(format!("{} import each other", circle.join(", ")));
        }
    }
    // The list only ever becomes shorter.
    let known: BTreeSet<String> = EXCEPTIONS.lines().map(str::to_owned).collect();
    let new: Vec<&str> = problems.difference(&known).map(String::as_str).collect();
    let gone: Vec<&str> = known.difference(&problems).map(String::as_str).collect();
    assert!(new.is_empty(), "\n{}\n", new.join("\n"));
    let list = "take these out of tests/architecture/exceptions.txt";
    assert!(gone.is_empty(), "{list}:\n{}\n", gone.join("\n"));
}

/// What does not keep to the limits yet.
const EXCEPTIONS: &str = include_str!("architecture/exceptions.txt");

#[test]
fn the_table_itself_has_only_downward_arrows_and_modules_that_exist() {
    let level = |name: &str| {
        MODULES
            .iter()
            .find(|module| module.name == name)
            .map(|module| module.level)
    };
    for module in MODULES {
        for import in module.may_import {
            let below = level(import).is_some_and(|level| level < module.level);
            assert!(
                below,
                "`{}` may not be allowed to import `{import}`: it is not below",
                module.name
            );
        }
    }
    let files = source_files().unwrap();
    let there: HashSet<&str> = files.iter().map(SourceFile::module).collect();
    let gone: Vec<_> = MODULES
        .iter()
        .map(|module| module.name)
        .filter(|name| !there.contains(name))
        .collect();
    assert!(
        gone.is_empty(),
        "MODULES names what is not under src/: {gone:?}"
    );
}
