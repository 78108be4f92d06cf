//! Options that name files to write.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use super::option_group::OptionGroup;
use super::values::{self, PageValues};
use crate::config::Overrides;

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Reports")]
pub struct ReportArgs {
    #[command(flatten)]
    #[serde(flatten)]
    pub results: ResultsArg,

    /// Write the rows that were rejected or failed, in the input's format, with the reason
    #[arg(long, value_name = "FILE", env = "HCSYNC_REJECTED")]
    pub rejected: Option<PathBuf>,

    #[command(flatten)]
    pub changes: ChangesArg,

    /// Write the figures of the run as JSON, however it ends
    #[arg(long, value_name = "FILE", env = "HCSYNC_SUMMARY")]
    pub summary: Option<PathBuf>,

    #[command(flatten)]
    #[serde(flatten)]
    pub page: PageArgs,

    /// Put the files of the run into a folder of its id here: a folder, or s3://, gs:// or az:// [default: output.folder]
    #[arg(long, value_name = "DIR|URL", env = "HCSYNC_OUT_DIR", value_parser = values::utf8_path())]
    #[serde(default)]
    pub out_dir: Option<PathBuf>,
}

impl ReportArgs {
    /// Each option, and the file or folder that it names.
    pub fn files(&self) -> [(&'static str, Option<&Path>); 6] {
        [
            ("--results", self.results.results.as_deref()),
            ("--rejected", self.rejected.as_deref()),
            ("--changes", self.changes.changes.as_deref()),
            ("--summary", self.summary.as_deref()),
            ("--report", self.page.report.as_deref()),
            ("--out-dir", self.out_dir.as_deref()),
        ]
    }

    /// The paths of [`Self::files`], in the same order.
    pub fn files_mut(&mut self) -> [&mut Option<PathBuf>; 6] {
        [
            &mut self.results.results,
            &mut self.rejected,
            &mut self.changes.changes,
            &mut self.summary,
            &mut self.page.report,
            &mut self.out_dir,
        ]
    }
}

impl OptionGroup for ReportArgs {
    fn apply(&self, overrides: &mut Overrides) {
        let Self {
            results,
            rejected,
            changes,
            summary,
            page,
            out_dir,
        } = self.clone();
        overrides.run.results = results.results;
        overrides.run.rejected = rejected;
        overrides.run.changes = changes.changes;
        overrides.run.summary = summary;
        overrides.run.page = page.report;
        let out_dir = out_dir.as_deref().and_then(Path::to_str);
        overrides.set_as("--out-dir", "output.folder", out_dir);
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Reports")]
pub struct PageArgs {
    /// Write a page for people, .html (with a table of changes) or .md (short)
    #[arg(long, value_name = "FILE", env = "HCSYNC_REPORT", value_parser = values::page_file)]
    pub report: Option<PathBuf>,

    /// Values of customers in the page: none, those that change, or also rejected rows as they are
    #[arg(
        long,
        value_enum,
        value_name = "WHICH",
        env = "HCSYNC_REPORT_VALUES",
        default_value_t
    )]
    #[serde(default)]
    pub report_values: PageValues,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Reports")]
pub struct ResultsArg {
    /// Write the result of each row; .csv or .jsonl
    #[arg(long, value_name = "FILE", env = "HCSYNC_RESULTS", value_parser = values::table_file)]
    pub results: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Reports")]
pub struct ChangesArg {
    /// Write a line for each changed field, old and new; .csv or .jsonl
    #[arg(long, value_name = "FILE", env = "HCSYNC_CHANGES", value_parser = values::table_file)]
    pub changes: Option<PathBuf>,
}
