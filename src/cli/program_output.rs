//! Programs that a config names: where they are, what they say, and how they ended.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::console::Console;

/// Lines of the program's standard error that a quiet command shows if the program fails.
const MAX_LINES: usize = 20;
/// Bytes of a line of the program's standard error; the rest is shown as further lines.
const MAX_LINE: u64 = 4096;
/// Not for other programs.
pub(super) const API_KEY: &str = "HELPCRUNCH_API_KEY";

/// A path of a program is relative to the config; a name alone is looked for in PATH.
pub(super) fn resolved(program: &str, folder: &Path) -> PathBuf {
    let path = Path::new(program);
    match path.components().count() {
        1 => path.to_owned(),
        _ => folder.join(path),
    }
}

pub(super) fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => format!("was ended ({status})"),
    }
}

/// Shows each line of a program's output as it comes. The last lines are sent when there are no more.
pub(super) fn pass_on(
    output: impl io::Read + Send + 'static,
    name: &str,
    console: &Console,
) -> Receiver<VecDeque<String>> {
    let (sender, last_lines) = sync_channel(1);
    let (name, console) = (name.to_owned(), console.clone());
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut last = VecDeque::new();
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let mut line = output.by_ref().take(MAX_LINE);
            match line.read_until(b'\n', &mut bytes) {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&bytes);
            let line = format!("{name}: {}", text.trim_end());
            console.say(&line);
            last.push_back(line);
            if last.len() > MAX_LINES {
                last.pop_front();
            }
        }
        // Their receiver is gone if the command has stopped.
        let _ = sender.send(last);
    });
    last_lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_program_is_relative_to_the_config() {
        let folder = Path::new("/etc/hcsync");
        assert_eq!(resolved("psql", folder), Path::new("psql"));
        assert_eq!(
            resolved("./rows.sh", folder),
            Path::new("/etc/hcsync/./rows.sh")
        );
        assert_eq!(
            resolved("bin/rows", folder),
            Path::new("/etc/hcsync/bin/rows")
        );
        assert_eq!(
            resolved("/usr/bin/psql", folder),
            Path::new("/usr/bin/psql")
        );
    }
}
