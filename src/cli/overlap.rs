//! Refuses output files that are also inputs or other outputs of the command.

use std::fs;
use std::path::{Path, PathBuf};

use crate::objects::local_path;

use super::args::{ConfigArgs, ReportArgs, overrides_of};
use super::exit::Failure;
use super::rejected_files::numbered;

/// Two files of a command are the same one, so that writing one would destroy the other.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{output} would overwrite {other}: both are `{}`; name another file",
    path.display()
)]
pub(super) struct Overlap {
    output: &'static str,
    other: &'static str,
    path: PathBuf,
}

impl Overlap {
    /// The summary file of a command with this overlap, or `None` if the summary itself would destroy a file.
    pub(super) fn summary_file(overlap: Result<(), &Self>, report: &ReportArgs) -> Option<PathBuf> {
        let is_unsafe = overlap.is_err_and(|overlap| overlap.output == SUMMARY);
        report.summary.clone().filter(|_| !is_unsafe)
    }
}

impl From<Overlap> for Failure {
    fn from(overlap: Overlap) -> Self {
        Self::output(overlap)
    }
}

const SUMMARY: &str = "--summary";
const REJECTED: &str = "--rejected";

/// The files of one command, each with what messages call it.
#[derive(Debug, Default)]
pub(super) struct FilesInUse {
    files: Vec<(&'static str, PathBuf)>,
    inputs: usize,
}

impl FilesInUse {
    /// The input files and the config file: the named one, or `hcsync.toml` if it exists.
    pub(super) fn of(inputs: &[PathBuf], config: &ConfigArgs) -> Self {
        let empty = Self {
            inputs: inputs.len(),
            ..Self::default()
        };
        let named = inputs.iter().filter(|path| path.as_os_str() != "-");
        let files = named.fold(empty, |files, input| files.reads("the input", input));
        // Options that name no config are refused when it is loaded.
        let named = overrides_of(&[config]).named_config(Path::new(""));
        let named = named.ok().flatten();
        let default = Path::new("hcsync.toml");
        let default = default.exists().then_some(default);
        files.also_reads("the config", named.as_deref().or(default))
    }

    /// The inputs of a saved plan or an earlier run, if they still exist.
    pub(super) fn of_inputs<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let paths: Vec<PathBuf> = names.map(PathBuf::from).collect();
        let existing: Vec<PathBuf> = paths.iter().filter(|path| path.exists()).cloned().collect();
        Self {
            inputs: paths.len(),
            ..Self::of(&existing, &ConfigArgs::default())
        }
    }

    /// Adds a file that the command reads.
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

    /// Checks the report files of the options. The summary comes last, so that an overlap with it names it as the output.
    pub(super) fn reports(mut self, report: &ReportArgs) -> Result<(), Overlap> {
        let mut outputs = report.files();
        outputs.sort_by_key(|(word, _)| *word == SUMMARY);
        // A folder is no file of the command: each run has one of its own in it.
        let files = outputs.into_iter().filter(|(word, _)| *word != "--out-dir");
        for (word, path) in files.filter_map(|(word, path)| Some((word, path?))) {
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

    /// Adds a file that the command writes.
    ///
    /// # Errors
    /// If it was added already.
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

/// A path that is equal for all spellings of the same file; `None` for a pipe or device, which can be shared.
fn identity(path: &Path) -> Option<PathBuf> {
    let path = &local_path(path);
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => None,
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

        let distinct = files()
            .writes("--results", &new)
            .and_then(|files| files.writes("--changes", &folder.path().join("c.csv")));
        assert!(distinct.is_ok());
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
        let no_config = ConfigArgs::default();
        let overlap = FilesInUse::of(&inputs, &no_config).reports(&report("r.csv"));
        assert_eq!(overlap.unwrap_err().other, "the input");
        assert!(
            FilesInUse::of(&inputs, &no_config)
                .reports(&report("s.csv"))
                .is_ok()
        );
        assert!(
            FilesInUse::of(&inputs[..1], &no_config)
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
