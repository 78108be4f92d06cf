use std::io::{self, Write};

use serde::Serialize;

use crate::plan::causes::CauseGroup;
use crate::plan::{Cause, Explanation};

use super::cause_list::what_to_do;
use super::ending::{Ending, NamedPath, RunOutcome, headline};
use super::json_text::write_line;
use super::preview_json::PreviewJson;
use super::summary::Summary;

#[derive(Serialize)]
struct EndingJson<'a> {
    hcsync_ending: u32,
    outcome: RunOutcome,
    headline: String,
    summary: &'a Summary,
    problems: Vec<CauseJson<'a>>,
    warnings: Vec<CauseJson<'a>>,
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<&'a Explanation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<PreviewJson<'a>>,
    files: &'a [NamedPath],
}

#[derive(Serialize)]
struct CauseJson<'a> {
    #[serde(flatten)]
    cause: &'a Cause,
    http_status: Option<u16>,
    what_to_do: &'a str,
}

impl<'a> From<&'a CauseGroup> for CauseJson<'a> {
    fn from(group: &'a CauseGroup) -> Self {
        Self {
            cause: &group.cause,
            http_status: group.http_status,
            what_to_do: what_to_do(&group.cause, group.http_status),
        }
    }
}

/// Writes the end of a run as one line of JSON: the summary, and every cause with what to do.
pub fn write_ending(out: impl Write, ending: &Ending<'_>) -> io::Result<()> {
    let json = EndingJson {
        hcsync_ending: 1,
        outcome: RunOutcome::of(ending.summary),
        headline: headline(ending.summary),
        summary: ending.summary,
        problems: ending.errors.iter().map(CauseJson::from).collect(),
        warnings: ending.warnings.iter().map(CauseJson::from).collect(),
        notes: ending.notes,
        explain: ending.explain,
        preview: ending.preview.map(PreviewJson::from),
        files: ending.files,
    };
    write_line(out, &json)
}
