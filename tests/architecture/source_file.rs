//! One file of the crate, and what is wrong with it.

use std::collections::{BTreeSet, HashSet};

use crate::shape::Shape;
use crate::tokens::{NamedPath, Token, paths, tokens, without_tests};
use crate::{ABSENCES, MODULES, PRINTING, SYSTEMS, TERMINAL};

/// A file under `src/`, as far as its own code goes: test code may name anything.
pub(crate) struct SourceFile {
    /// With `/`, from the crate's folder.
    pub(crate) path: String,
    pub(crate) shape: Shape,
    tokens: Vec<Token>,
    /// The files, or folders, of its test modules; relative to the crate's folder, without `.rs`.
    pub(crate) test_modules: Vec<String>,
}

impl SourceFile {
    pub(crate) fn new(path: &str, source: &str) -> Self {
        let (tokens, modules) = without_tests(&tokens(source));
        let stem = path.trim_end_matches(".rs");
        let folder = match stem.rsplit_once('/') {
            Some((folder, "mod" | "lib" | "main")) => folder,
            _ => stem,
        };
        let test_modules = modules
            .iter()
            .map(|name| format!("{folder}/{name}"))
            .collect();
        Self {
            path: path.to_owned(),
            shape: Shape::of(source),
            tokens,
            test_modules,
        }
    }

    /// `src/run/lane.rs` is `run`, `lane`; `src/run/mod.rs` is `run`.
    fn module_path(&self) -> Vec<&str> {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        inside.split('/').filter(|part| *part != "mod").collect()
    }

    pub(crate) fn module(&self) -> &str {
        self.module_path().first().copied().unwrap_or_default()
    }

    pub(crate) fn is_test_code(&self, test_modules: &HashSet<&str>) -> bool {
        let stem = self.path.trim_end_matches(".rs");
        stem.match_indices('/')
            .map(|(at, _)| stem.split_at(at).0)
            .chain([stem])
            .any(|part| test_modules.contains(part))
    }

    pub(crate) fn problems(&self) -> Vec<String> {
        let named = paths(&self.tokens);
        let mut problems = self.upward_arrows(&named);
        problems.extend(self.broken_absences(&named));
        problems.extend(self.prints());
        problems.extend(self.asks_for_the_system());
        problems.dedup();
        problems
    }

    fn at(&self, line: usize, problem: &str) -> String {
        format!("{}:{line}: {problem}", self.path)
    }

    fn upward_arrows(&self, named: &[NamedPath]) -> Vec<String> {
        let own = self.module();
        let Some(rules) = MODULES.iter().find(|module| module.name == own) else {
            return vec![self.at(
                1,
                &format!("`{own}` has no row in MODULES of tests/architecture.rs"),
            )];
        };
        let imports = named
            .iter()
            .filter_map(|path| Some((path.line, self.imported(path)?)));
        let forbidden =
            imports.filter(|(_, other)| *other != own && !rules.may_import.contains(other));
        let allowed = if rules.may_import.is_empty() {
            "nothing".to_owned()
        } else {
            rules.may_import.join(", ")
        };
        forbidden
            .map(|(line, other)| {
                self.at(
                    line,
                    &format!("`{own}` must not import `{other}`; it may import {allowed}"),
                )
            })
            .collect()
    }

    /// Whether it is the root of a folder of modules, which it hands on: `mod.rs`, or `lane.rs` beside `lane/`.
    pub(crate) fn is_parent(&self, files: &[&SourceFile]) -> bool {
        let folder = format!("{}/", self.path.trim_end_matches(".rs"));
        self.path.ends_with("/mod.rs") || files.iter().any(|file| file.path.starts_with(&folder))
    }

    /// The files of `files` that it names, `mod.rs` aside, which only hand on what others hold.
    pub(crate) fn imported_files(&self, files: &HashSet<&str>) -> BTreeSet<String> {
        let named = paths(&self.tokens);
        let full = named.iter().filter_map(|path| self.full_path(path));
        let file = |segments: Vec<&str>| {
            let prefixes = (1..=segments.len()).rev();
            let candidates = prefixes.map(|n| format!("src/{}.rs", segments[..n].join("/")));
            candidates
                .into_iter()
                .find(|file| files.contains(file.as_str()))
        };
        let imported = full.filter_map(file);
        imported.filter(|file| *file != self.path).collect()
    }

    /// The segments of a path from the crate's root on.
    fn full_path<'p>(&'p self, path: &'p NamedPath) -> Option<Vec<&'p str>> {
        let segments = path.segments.iter().map(String::as_str);
        let mut segments = segments.skip_while(|segment| *segment == "self").peekable();
        if let Some("crate" | "hcsync") = segments.peek().copied() {
            return Some(segments.skip(1).collect());
        }
        let mut own = self.module_path();
        let ups = std::iter::from_fn(|| segments.next_if(|s| *s == "super")).count();
        if ups > 0 {
            own.truncate(own.len().saturating_sub(ups));
            own.extend(segments);
            return Some(own);
        }
        // A child module, as `mod.rs` or `lane.rs` names it.
        own.extend(segments);
        Some(own)
    }

    /// The top-level module that a path leads into, also by way of `super`.
    fn imported<'p>(&self, path: &'p NamedPath) -> Option<&'p str> {
        let segments: Vec<&str> = path
            .segments
            .iter()
            .map(String::as_str)
            .skip_while(|s| *s == "self")
            .collect();
        let ups = segments
            .iter()
            .take_while(|segment| **segment == "super")
            .count();
        match segments.as_slice() {
            ["crate" | "hcsync", top, ..] => Some(top),
            _ if ups > 0 && ups >= self.module_path().len() => segments.get(ups).copied(),
            _ => None,
        }
    }

    fn broken_absences(&self, named: &[NamedPath]) -> Vec<String> {
        let mut problems = Vec::new();
        for absence in ABSENCES
            .iter()
            .filter(|absence| absence.holds_in.contains(self.module()))
        {
            for path in named {
                if absence.names.iter().any(|name| path.mentions(name)) {
                    let name = path.segments.join("::");
                    problems.push(self.at(path.line, &format!("`{name}`: {}", absence.reason)));
                }
            }
        }
        problems
    }

    fn prints(&self) -> Vec<String> {
        if TERMINAL.contains(&self.module()) {
            return Vec::new();
        }
        let calls = self.tokens.windows(2).filter_map(|pair| {
            let [name, bang] = pair else { return None };
            let word = name
                .word()
                .filter(|word| PRINTING.contains(word) && bang.is('!'))?;
            Some(self.at(name.line, &format!("`{word}!`: only cli prints and exits")))
        });
        calls.collect()
    }

    /// Words for a system inside `cfg(…)`, `cfg!(…)` or `cfg_attr(…)`.
    fn asks_for_the_system(&self) -> Vec<String> {
        if self.module() == "platform" {
            return Vec::new();
        }
        let mut problems = Vec::new();
        for (index, token) in self.tokens.iter().enumerate() {
            if !matches!(token.word(), Some("cfg" | "cfg_attr")) {
                continue;
            }
            let condition = self
                .tokens
                .iter()
                .skip(index + 1)
                .take_while(|token| !token.is(']') && !token.is('{') && !token.is(';'));
            let system = condition
                .filter_map(Token::word)
                .find(|word| SYSTEMS.contains(word));
            problems.extend(system.map(|word| {
                let problem =
                    format!("`cfg({word})`: what differs between systems lies in platform");
                self.at(token.line, &problem)
            }));
        }
        problems
    }
}
