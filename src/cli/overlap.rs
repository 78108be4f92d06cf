//! Keeps the files that a command writes apart from each other and from those that it reads.

use std::fs;
use std::path::{Path, PathBuf};

use super::args::ReportArgs;
use super::exit::Failure;
use super::reports::numbered;

/// Two of the files that a command was given are one and the same, so one of them would be lost.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{output} would be written over {other}: both are `{}`; name another file",
    path.display()
)]
pub(super) struct Overlap {
    output: &'static str,
    other: &'static str,
    path: PathBuf,
}

impl Overlap {
    /// Where the summary may be written that tells of this; not over the file that it would destroy.
    pub(super) fn summary_file(apart: Result<(), &Self>, report: &ReportArgs) -> Option<PathBuf> {
        let spoilt = apart.is_err_and(|overlap| overlap.output == SUMMARY);
        report.summary.clone().filter(|_| !spoilt)
    }
}

impl From<Overlap> for Failure {
    fn from(overlap: Overlap) -> Self {
        Self::output(overlap)
    }
}

const SUMMARY: &str = "--summary";
const REJECTED: &str = "--rejected";

/// The files of one command, each with the word by which the user knows it.
#[derive(Debug, Default)]
pub(super) struct FilesInUse {
    files: Vec<(&'static str, PathBuf)>,
    inputs: usize,
}

impl FilesInUse {
    /// The input files, and the config: the one that is named, or the usual one where it is there.
    pub(super) fn of(inputs: &[PathBuf], config: Option<&Path>) -> Self {
        let counted = Self {
            inputs: inputs.len(),
            ..Self::default()
        };
        let named = inputs.iter().filter(|path| path.as_os_str() != "-");
        let files = named.fold(counted, |files, input| files.reads("the input", input));
        let usual = Path::new("hcsync.toml");
        files.also_reads("the config", config.or(usual.exists().then_some(usual)))
    }

    /// The inputs of a plan or a run that is taken up again, as far as they are still there.
    pub(super) fn of_inputs<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let paths: Vec<PathBuf> = names.map(PathBuf::from).collect();
        let there: Vec<PathBuf> = paths.iter().filter(|path| path.exists()).cloned().collect();
        Self {
            inputs: paths.len(),
            ..Self::of(&there, None)
        }
    }

    /// A file that the command reads.
    pub(super) fn reads(mut self, word: &'static str, path: &Path) -> Self {
        self.files.extend(identity(path).map(|path| (word, path)));
        self
    }

    pub(super) fn also_reads(self, word: &'static str, path: Option<&Path>) -> Self {
        match path {
            Some(path) => self.reads(word, path),
            None => self,
        }
    }

    /// The files that the options ask for; the summary last, so that an overlap with it is laid to it.
    ///
    /// # Errors
    /// When one of them is another one, or one of those before.
    pub(super) fn reports(mut self, report: &ReportArgs) -> Result<(), Overlap> {
        let outputs = [
            ("--results", &report.results.results),
            (REJECTED, &report.rejected),
            ("--changes", &report.changes.changes),
            (SUMMARY, &report.summary),
        ];
        let given = outputs
            .into_iter()
            .filter_map(|(word, path)| Some((word, path.as_deref()?)));
        for (word, path) in given {
            // Each input has a rejected file of its own.
            let files = if word == REJECTED {
                self.inputs.max(1)
            } else {
                1
            };
            for input in 0..files {
                self = self.writes(word, &numbered(path, input, files))?;
            }
        }
        Ok(())
    }

    /// A file that the command writes.
    ///
    /// # Errors
    /// When it is one of those before.
    pub(super) fn writes(mut self, word: &'static str, path: &Path) -> Result<Self, Overlap> {
        let Some(identity) = identity(path) else {
            return Ok(self);
        };
        if let Some((other, _)) = self.files.iter().find(|(_, taken)| *taken == identity) {
            return Err(Overlap {
                output: word,
                other,
                path: path.to_owned(),
            });
        }
        self.files.push((word, identity));
        Ok(self)
    }
}

/// What makes two spellings of a path one file; nothing for a pipe or a device, which loses nothing by being shared.
fn identity(path: &Path) -> Option<PathBuf> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => None,
        Ok(_) => fs::canonicalize(path).ok(),
        Err(_) => {
            let full = std::path::absolute(path).ok()?;
            let folder = fs::canonicalize(full.parent()?).ok()?;
            Some(folder.join(full.file_name()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_neither_an_input_nor_another_output_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.csv");
        fs::write(&input, "userId\n").unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        let files = || FilesInUse::default().reads("the input", &input);

        let same = folder.path().join("sub/../in.csv");
        let overlap = files().writes("--results", &same).unwrap_err();
        assert_eq!((overlap.output, overlap.other), ("--results", "the input"));

        let new = folder.path().join("out.csv");
        let twice = files()
            .writes("--results", &new)
            .and_then(|files| files.writes("--changes", &folder.path().join("sub/../out.csv")));
        assert_eq!(twice.unwrap_err().other, "--results");

        let apart = files()
            .writes("--results", &new)
            .and_then(|files| files.writes("--changes", &folder.path().join("c.csv")));
        assert!(apart.is_ok());
    }

    #[test]
    fn the_rejected_file_of_each_input_is_none_of_the_inputs() {
        let folder = tempfile::tempdir().unwrap();
        let inputs = ["r-1.csv", "r-2.csv"].map(|name| folder.path().join(name));
        inputs
            .iter()
            .for_each(|path| fs::write(path, "userId\n").unwrap());
        let report = |name: &str| ReportArgs {
            rejected: Some(folder.path().join(name)),
            ..ReportArgs::default()
        };
        let overlap = FilesInUse::of(&inputs, None).reports(&report("r.csv"));
        assert_eq!(overlap.unwrap_err().other, "the input");
        assert!(
            FilesInUse::of(&inputs, None)
                .reports(&report("s.csv"))
                .is_ok()
        );
        assert!(
            FilesInUse::of(&inputs[..1], None)
                .reports(&report("r.csv"))
                .is_ok()
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_device_may_be_given_twice() {
        let null = Path::new("/dev/null");
        let files = FilesInUse::default().writes("--results", null).unwrap();
        assert!(files.writes("--changes", null).is_ok());
    }
}
