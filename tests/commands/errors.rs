//! Errors in a config: complete on the first line, and then the lines of the file.

use crate::bench::{Bench, Ran, Running};

fn sync(config: &str, words: &[&str]) -> Ran {
    let bench = Bench::empty();
    bench.write("c.toml", config).sample("customers.csv");
    let all: Vec<&str> = [
        "sync",
        "customers.csv",
        "--sandbox",
        "--state-dir",
        "state",
        "-c",
        "c.toml",
    ]
    .iter()
    .chain(words)
    .copied()
    .collect();
    Running::start(bench.bare(&all)).wait().exits(2)
}

#[test]
fn an_unknown_key_is_shown_where_it_stands() {
    let ran = sync("[fields]\nname = \"Name\"\nemial = \"E-mail\"\n", &[]);
    let lines: Vec<&str> = ran.err.lines().collect();
    assert_eq!(
        lines[0],
        "error: c.toml:3:1: unknown key `fields.emial`; did you mean `email`?"
    );
    let drawn = ran.err.lines().skip(1).collect::<Vec<_>>().join("\n");
    assert!(drawn.contains(" 3 │ emial = \"E-mail\""), "{drawn}");
    assert!(drawn.contains("──┬──"), "{drawn}");
    assert!(ran.err.contains("  help: "), "{}", ran.err);
    assert!(!ran.err.contains('\u{1b}'), "no colour without a terminal");
    assert!(
        lines.iter().skip(1).all(|line| line.chars().count() <= 80),
        "{}",
        ran.err
    );
}

#[test]
fn a_column_that_no_input_has_is_shown_in_the_config() {
    let ran = sync("[fields]\nemail = \"E-mial\"\n", &[]);
    let error = ran
        .err
        .lines()
        .find(|line| line.starts_with("error: "))
        .unwrap();
    assert!(error.starts_with("error: c.toml:2:9: `email` is mapped to column `E-mial`"));
    assert!(error.ends_with("did you mean `E-mail`?"), "{error}");
    assert!(ran.err.contains(" 2 │ email = \"E-mial\""), "{}", ran.err);
    let ran = sync(
        "[fields]\nemail = \"E-mail\"\n[custom_data]\nplan = { column = \"Plans\", type = \"text\" }\n",
        &[],
    );
    assert!(ran.err.contains("error: c.toml:4:19: "), "{}", ran.err);
}

#[test]
fn broken_toml_and_bad_values_point_at_their_place() {
    let ran = sync("[fields\n", &[]);
    assert!(ran.err.starts_with("error: c.toml:1:"), "{}", ran.err);
    let ran = sync("[limits]\nconcurrency = 0\n", &[]);
    assert!(ran.err.starts_with("error: c.toml:2:15: "), "{}", ran.err);
    assert!(ran.err.contains("this value"), "{}", ran.err);
}

#[test]
fn colour_is_as_asked_and_a_key_is_never_shown() {
    let ran = sync("[match]\nkyes = []\n", &["--color", "always"]);
    assert!(ran.err.contains("\u{1b}[31m"), "{:?}", ran.err);
    let key = "aB3dEfGhIjKlMnOpQrStUvWxYz0123456789";
    let ran = sync(&format!("[api]\nkey = \"{key}\"\n"), &[]);
    assert!(
        !ran.err.contains(key) && ran.err.contains("****"),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .lines()
            .next()
            .unwrap()
            .contains("HELPCRUNCH_API_KEY")
    );
}
