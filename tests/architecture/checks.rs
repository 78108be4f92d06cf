//! The checks, proved on small sources: each finds what it is for and nothing else.

use crate::source_file::SourceFile;

fn problems(path: &str, source: &str) -> Vec<String> {
    SourceFile::new(path, source).problems()
}

#[track_caller]
fn finds(path: &str, source: &str, line: usize, what: &str) {
    let found = problems(path, source);
    let expected = format!("{path}:{line}: ");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found
            .iter()
            .all(|p| p.starts_with(&expected) && p.contains(what)),
        "{found:?}"
    );
}

#[track_caller]
fn passes(path: &str, source: &str) {
    assert_eq!(problems(path, source), [""; 0]);
}

#[test]
fn an_upward_arrow_is_found_however_it_is_written() {
    let report = "src/report/summary.rs";
    passes(
        report,
        "use crate::domain::Row;\nuse crate::{outcome, plan::{Lane, diff}};\nuse crate::report::Page;",
    );
    finds(
        report,
        "use crate::domain::Row;\nuse crate::run::lane;",
        2,
        "`report` must not import `run`",
    );
    finds(
        report,
        "use crate::{\n    domain::Row,\n    remote::{self, Reading},\n};",
        3,
        "`remote`",
    );
    finds(
        report,
        "fn f() -> crate::helpcrunch::CustomerPage { todo() }",
        1,
        "`helpcrunch`",
    );
    finds(report, "use super::super::journal::Entry;", 1, "`journal`");
    finds("src/report/mod.rs", "pub use super::run;", 1, "`run`");
    finds(report, "pub use crate::*;", 1, "`*`");
    passes("src/report/page/wide.rs", "use super::super::domain::Row;");
}

#[test]
fn the_same_level_counts_as_upward() {
    finds(
        "src/mapping/schema.rs",
        "use crate::source::Reader;",
        1,
        "may import domain",
    );
    finds(
        "src/domain/row.rs",
        "use crate::pace::Clock;",
        1,
        "may import nothing",
    );
}

#[test]
fn the_sandbox_is_alone() {
    finds(
        "src/sandbox/store.rs",
        "use crate::domain::Field;",
        1,
        "`sandbox`",
    );
    finds(
        "src/run/job.rs",
        "use crate::sandbox::Sandbox;",
        1,
        "`sandbox`",
    );
    passes(
        "src/cli/commands/sandbox.rs",
        "use crate::sandbox::Sandbox;",
    );
}

#[test]
fn a_new_module_needs_a_row() {
    finds("src/helpers.rs", "fn f() {}", 1, "`helpers` has no row");
    finds("src/cli/mod.rs", "use crate::helpers::f;", 1, "`helpers`");
}

#[test]
fn main_knows_the_command_line_only() {
    passes("src/main.rs", "fn main() { hcsync::cli::main() }");
    finds(
        "src/main.rs",
        "fn main() { hcsync::run::main() }",
        1,
        "`run`",
    );
}

#[test]
fn visibility_comments_strings_and_tests_are_no_imports() {
    let source = r##"
            //! See [`crate::run`] and crate::run.
            /* crate::run /* crate::run */ crate::run */
            pub(crate) struct A<'a>(pub(in crate::plan) &'a str);
            const TEXT: (&str, &str, char) = ("crate::run \" crate::run", r#"crate::run " crate::run"#, '"');
            #[cfg(test)]
            use crate::run;
            #[cfg(all(test, unix))]
            #[expect(dead_code, reason = "x")]
            fn f(a: [u8; 3]) { crate::run::f(); }
            #[cfg(test)]
            mod tests { use crate::run::{A, B}; fn f() { println!("{}", std::env::args()) } }
        "##;
    passes("src/plan/diff.rs", source);
    let after = format!("{source}\nuse crate::run;");
    finds("src/plan/diff.rs", &after, after.lines().count(), "`run`");
    finds(
        "src/plan/diff.rs",
        "#[cfg(not(test))]\nuse crate::run;",
        2,
        "`run`",
    );
    finds(
        "src/plan/diff.rs",
        "#[cfg(any(test, doc))]\nuse crate::run;",
        2,
        "`run`",
    );
}

#[test]
fn test_modules_in_files_of_their_own_are_known() {
    let file = SourceFile::new("src/plan/mod.rs", "mod diff;\n#[cfg(test)]\nmod samples;");
    assert_eq!(file.test_modules, ["src/plan/samples"]);
    let tests = file.test_modules.iter().map(String::as_str).collect();
    for (path, is_test) in [
        ("src/plan/samples.rs", true),
        ("src/plan/samples/big.rs", true),
        ("src/plan/samples_too.rs", false),
    ] {
        assert_eq!(
            SourceFile::new(path, "").is_test_code(&tests),
            is_test,
            "{path}"
        );
    }
    assert_eq!(
        SourceFile::new("src/plan/diff.rs", "#[cfg(test)] mod tests;").test_modules,
        ["src/plan/diff/tests"]
    );
}

#[test]
fn only_helpcrunch_speaks_http() {
    finds(
        "src/run/job.rs",
        "fn f(c: &reqwest::Client) {}",
        1,
        "`reqwest::Client`",
    );
    passes(
        "src/helpcrunch/http_transport.rs",
        "use reqwest::{Client, redirect};",
    );
}

#[test]
fn the_core_has_no_files_environment_runtime_or_clock() {
    for module in ["domain", "plan", "mapping", "outcome", "report"] {
        let file = format!("src/{module}/x.rs");
        passes(
            &file,
            "use std::io::{self, Write};\nuse std::time::{Duration, SystemTime};",
        );
        finds(
            &file,
            "use std::{\n    fmt,\n    fs::File,\n};",
            3,
            "`std::fs::File`",
        );
        finds(
            &file,
            "fn f() { ::std::env::var(\"A\"); }",
            1,
            "`std::env::var`",
        );
        finds(&file, "use tokio as t;", 1, "`tokio`");
        finds(
            &file,
            "fn f() { SystemTime::now(); }",
            1,
            "`SystemTime::now`",
        );
        finds(
            &file,
            "fn f() { std::time::Instant::now(); }",
            1,
            "time comes in",
        );
    }
    passes("src/source/open.rs", "use std::fs::File;");
}

#[test]
fn only_the_command_line_prints_and_exits() {
    for call in [
        "println!(\"a\")",
        "eprint!(\"a\")",
        "std::process::exit(1)",
        "std::io::stdout()",
    ] {
        let source = format!("fn f() {{\n    {call};\n}}");
        finds("src/run/job.rs", &source, 2, "only cli prints and exits");
        passes("src/cli/exit.rs", &source);
    }
    passes("src/run/job.rs", "fn print(a: bool) -> bool { print(!a) }");
}

#[test]
fn only_platform_asks_for_the_system() {
    let sources = [
        "#[cfg(unix)]\nfn f() {}",
        "#[cfg(not(windows))]\nfn f() {}",
        "fn f() -> bool { cfg!(target_os = \"linux\") }",
    ];
    for source in sources {
        finds("src/run/job.rs", source, 1, "lies in platform");
        passes("src/platform/private.rs", source);
    }
    finds(
        "src/source/open.rs",
        "use std::os::unix::fs::PermissionsExt;",
        1,
        "lies in platform",
    );
    passes("src/run/job.rs", "#[cfg(debug_assertions)]\nfn unix() {}");
}
