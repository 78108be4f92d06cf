//! The names of code in the docs for engineers exist where the docs say.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::{read, root};

/// What an engineer reads beside the code.
const PAGES: [&str; 5] = [
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/glossary.md",
    "docs/lifecycle-of-a-row.md",
    "src/lib.rs",
];

#[test]
fn names_of_code_in_the_docs_exist() {
    let sources = Sources::read();
    let mut unknown = Vec::new();
    let mut known = 0;
    for page in PAGES {
        for (number, line) in (1..).zip(read(page).lines()) {
            let names = line.split('`').skip(1).step_by(2);
            for name in names.filter(|name| is_code_name(name)) {
                match sources.have(name) {
                    true => known += 1,
                    false => unknown.push(format!("{page}:{number}: {name}")),
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(known > 100, "{known}");
}

#[test]
fn a_name_that_is_not_where_it_is_said_to_be_is_noticed() {
    let sources = Sources::read();
    for name in [
        "plan::scheduler::Scheduler",
        "plan::diff",
        "Scheduler::next_step",
        "LaneRun",
    ] {
        assert!(sources.have(name), "{name}");
    }
    for name in [
        "plan::scheduler::Lane",
        "plan::nothing",
        "Scheduler::no_step",
        "NoSuchType",
    ] {
        assert!(!sources.have(name), "{name}");
    }
}

/// `plan::diff`, `Decider::decide` and `Row` are names of the code; `--yes` and `plan.jsonl` are not.
fn is_code_name(text: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    text.split("::").all(is_word)
        && (text.contains("::") || text.starts_with(char::is_uppercase))
        && text.chars().any(char::is_lowercase)
}

/// The files of the crate by their path, such as `plan/diff`.
struct Sources(HashMap<String, Words>);

#[derive(Default)]
struct Words {
    all: HashSet<String>,
    /// Names of items, methods, members and variants.
    defined: HashSet<String>,
}

impl Sources {
    fn read() -> Self {
        let mut files = HashMap::new();
        let mut folders: Vec<PathBuf> = vec![root().join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let module = path.strip_prefix(root().join("src")).unwrap();
                    let module = module.with_extension("").to_str().unwrap().to_owned();
                    files.insert(module, Words::of(&text));
                }
            }
        }
        Self(files)
    }

    /// Whether the modules at the beginning of a path exist, and define the rest of it.
    fn have(&self, name: &str) -> bool {
        let words: Vec<&str> = name.split("::").collect();
        if let [only] = words[..] {
            return self.0.values().any(|file| file.all.contains(only));
        }
        let modules = (0..=words.len())
            .rev()
            .find(|count| self.is_module(&words[..*count]));
        let (modules, names) = words.split_at(modules.unwrap_or_default());
        let Some((last, owners)) = names.split_last() else {
            return true;
        };
        let mut files = self.0.iter().filter(|(path, _)| is_in(path, modules));
        files.any(|(_, file)| {
            file.defined.contains(*last) && owners.iter().all(|owner| file.all.contains(*owner))
        })
    }

    fn is_module(&self, words: &[&str]) -> bool {
        self.0.keys().any(|path| is_in(path, words))
    }
}

/// Whether a file is a module or in it. The docs leave out where a module is once that is clear.
fn is_in(path: &str, modules: &[&str]) -> bool {
    let modules = modules.iter().map(|module| format!("{module}/"));
    format!("/{path}/").contains(&format!("/{}", modules.collect::<String>()))
}

impl Words {
    fn of(text: &str) -> Self {
        const KEYWORDS: [&str; 8] = [
            "fn", "struct", "enum", "trait", "type", "const", "static", "mod",
        ];
        let mut words = Self::default();
        for line in text.lines() {
            let found = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            let found: Vec<&str> = found.filter(|word| !word.is_empty()).collect();
            words
                .all
                .extend(found.iter().map(|word| (*word).to_owned()));
            let is_exported = line.starts_with("pub") && found.contains(&"use");
            let named = (0..found.len()).filter(|at| {
                let is_variant = *at == 0 && !found[0].starts_with(char::is_lowercase);
                is_exported || is_variant || *at > 0 && KEYWORDS.contains(&found[at - 1])
            });
            words.defined.extend(named.map(|at| found[at].to_owned()));
            let member = line.trim().split_once(": ").map(|(member, _)| member);
            let member = member.and_then(|member| match member.rsplit_once(' ') {
                Some((visibility, name)) => visibility.starts_with("pub").then_some(name),
                None => Some(member),
            });
            words.defined.extend(member.map(str::to_owned));
        }
        words
    }
}
