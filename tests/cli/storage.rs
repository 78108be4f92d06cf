//! What a run says that has done its work and cannot keep what it wants to, and state files that are not what they
//! were.

#![cfg(unix)]

use std::process::Command;

use crate::bench::{Bench, Running, entries};
use crate::exit_codes::new_customers;
use crate::files::{json, read_text};

/// The same command in a shell that has set a limit.
fn limited(limit: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limit} && exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.env_clear();
    let set = command.get_envs();
    shell.envs(set.filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(command.get_current_dir().unwrap());
    shell.stdin(std::process::Stdio::null());
    shell
}

/// What was written is remembered in a file that is larger from its beginning on.
#[test]
fn what_was_done_is_counted_and_told_although_the_end_of_the_run_fails() {
    let bench = Bench::empty();
    bench.write("new.csv", new_customers(40));
    let command = bench.command("sync new.csv --summary s.json");
    let ran = Running::start(limited("ulimit -f 200", &command))
        .wait()
        .exits(1);
    for text in [
        read_text(&bench.path("s.json")),
        bench.only_run().summary().to_string(),
    ] {
        let summary = json(&text);
        assert_eq!(summary["results"]["created"], 40, "{summary}");
        assert_eq!(
            (&summary["exit_code"], &summary["stop"]["reason"]),
            (&1.into(), &"state".into())
        );
    }
    assert!(
        ran.out.contains("+40 created") && ran.out.contains("hcsync resume"),
        "{}",
        ran.out
    );
    assert!(ran.err.contains("size limit"), "{}", ran.err);
    let next = bench.only_run().summary()["stop"]["next_command"].clone();
    let words: Vec<&str> = next.as_str().unwrap().split_whitespace().skip(1).collect();
    let mut resume = bench.bare(&words);
    resume.env("HELPCRUNCH_API_KEY", crate::bench::KEY);
    let _ = Running::start(resume).wait().exits(0);
    assert_eq!(bench.sandbox().customers().len(), 40);
}

fn account(bench: &Bench) -> std::path::PathBuf {
    entries(&bench.path("state").join("accounts"))
        .into_iter()
        .find(|path| path.is_dir())
        .unwrap()
}

const OWN_TAGS: &str = "[fields]\nuserId = \"userId\"\n[tags]\ncolumn = \"name\"\nmode = \"managed\"\nmanaged = \"ours\"\n\
    [remote]\nstrategy = \"snapshot\"\n";

#[test]
fn damaged_state_files_are_set_aside_with_a_word() {
    let bench = Bench::empty();
    bench
        .write("new.csv", new_customers(40))
        .write("hcsync.toml", OWN_TAGS);
    let _ = bench.run("sync new.csv").exits(0);
    for (name, forgotten) in [
        ("written.redb", "is lost"),
        ("account.json", "first one"),
        ("snapshot.redb", "snapshot cannot be used"),
    ] {
        let path = account(&bench).join(name);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 3]).unwrap();
        let ran = bench.run("sync new.csv").exits(0);
        assert!(ran.err.contains(forgotten), "{name}: {}", ran.err);
        let again = bench.run("sync new.csv").exits(0);
        assert!(!again.err.contains(forgotten), "{name}: {}", again.err);
    }
    assert_eq!(bench.sandbox().customers().len(), 40);
}

#[test]
fn a_pipe_in_place_of_a_state_file_is_refused_at_once() {
    for name in ["account.json", "written.redb", "lock"] {
        let bench = Bench::empty();
        bench
            .write("new.csv", new_customers(4))
            .write("hcsync.toml", OWN_TAGS);
        let _ = bench.run("sync new.csv").exits(0);
        let path = account(&bench).join(name);
        std::fs::remove_file(&path).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let ran = bench.run("sync new.csv").exits(1);
        for part in [name, "pipe"] {
            assert!(ran.err.contains(part), "{part}: {}", ran.err);
        }
    }
}

#[test]
fn too_few_files_end_a_run_with_1_and_the_limit_to_raise() {
    let bench = Bench::empty();
    bench.write("new.csv", new_customers(4));
    for files in (6..=16).chain([24, 32]) {
        let command = bench.command("sync new.csv");
        let limit = format!("ulimit -n {files}");
        let ran = Running::start(limited(&limit, &command)).wait().exits(1);
        let _ = ran.says(&["ulimit -n"]);
    }
    let _ = bench.run("sync new.csv").exits(0);
    assert_eq!(bench.sandbox().customers().len(), 4);
}

#[test]
fn a_state_folder_that_others_can_write_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::empty();
    bench.write("new.csv", new_customers(2));
    let ran = bench.run("sync new.csv").exits(0);
    assert!(!ran.err.contains("other users"), "{}", ran.err);
    let mode = std::fs::Permissions::from_mode(0o770);
    std::fs::set_permissions(bench.path("state"), mode).unwrap();
    let ran = bench.run("sync new.csv").exits(0);
    let _ = ran.says(&["can be written by other users (mode 0770)", "chmod go-w"]);
}

#[test]
fn a_small_workbook_that_unpacks_to_much_is_refused() {
    use std::io::Write as _;
    use zip::write::{SimpleFileOptions, ZipWriter};
    let text = "x".repeat(3 << 20);
    let bombs = [
        (
            "<sst uniqueCount=\"1000000000000\"></sst>".to_owned(),
            "20000000 different texts",
        ),
        (
            format!("<sst><si><t>{text}</t></si></sst>"),
            "a text or tag of more than 1 MiB",
        ),
        (
            format!("<sst><si>{}</si></sst>", "<t>12345678</t>".repeat(600_000)),
            "a cell of more than 4 MiB",
        ),
        (
            "<sst>".to_owned() + &"<a/>".repeat(17 << 20),
            "64 MiB outside of cells",
        ),
    ];
    let bench = Bench::empty();
    for (strings, problem) in bombs {
        let mut book = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        book.start_file("xl/sharedStrings.xml", SimpleFileOptions::default())
            .unwrap();
        book.write_all(strings.as_bytes()).unwrap();
        let book = book.finish().unwrap().into_inner();
        assert!(book.len() < 500_000, "{}", book.len());
        bench.write("bomb.xlsx", book);
        let ran = bench.run("check bomb.xlsx").exits(2);
        let _ = ran.says(&[
            "`bomb.xlsx` is too large to be read as a workbook",
            problem,
            "CSV",
        ]);
    }
}
