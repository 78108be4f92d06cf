//! `--report`: a run or plan as a page for people, HTML or Markdown by the ending of its name.

use std::path::Path;

use crate::cli::args::{PageArgs, PageValues};
use crate::cli::exit::{Exit, Failure, OrFail as _};
use crate::cli::reports::{RunReport, input_names, row_count};
use crate::journal::RunDir;
use crate::outcome::RowStatus;
use crate::plan::{Estimate, Preview, RowPlace};
use crate::platform::AtomicFile;
use crate::report::{
    BadRowList, BadRows, LaneFacts, PackedChanges, PageFacts, ShownValues, Summary, View,
    write_report_md, write_report_page,
};
use crate::run::results::ResultRow;

use super::saved_plan::{SavedPlan, cannot_show, source_of};

/// Bytes of a rejected row.
const MAX_ROW: usize = 300;

/// A run that a page shows.
pub(in crate::cli) struct ShownRun<'a> {
    pub(in crate::cli) dir: &'a RunDir,
    pub(in crate::cli) summary: &'a Summary,
    /// The address of a customer's page, with `{id}`.
    pub(in crate::cli) customer_url: Option<&'a str>,
    pub(in crate::cli) view: View,
}

/// Writes the page of a run from the files in its folder. Returns false if it has no plan, so that there is nothing to show.
pub(in crate::cli) fn write_run_page(args: &PageArgs, run: &ShownRun<'_>) -> Result<bool, Failure> {
    let ShownRun { dir, summary, .. } = *run;
    let Some(path) = &args.report else {
        return Ok(true);
    };
    if !dir.plan().exists() || !dir.rows().exists() {
        return Ok(false);
    }
    let Ok(plan) = SavedPlan::open(&dir.plan()) else {
        // The plan was not finished.
        return Ok(false);
    };
    let meta = dir.read_meta()?;
    let names = input_names(&meta);
    let mut preview = plan.preview_of_run(0, &names, dir)?;
    preview.estimate = Estimate {
        requests: summary.estimate.requests,
        reads: 0,
        duration_s: summary.estimate.duration_s,
        requests_per_minute: summary.rate.limit_per_minute,
    };
    let report = RunReport {
        dir,
        sources: &names,
        dialects: &[],
        dry_run: summary.dry_run,
        rows: row_count(&meta),
        all_rows: None,
    };
    let mut content = PageContent::new(args.report_values);
    report
        .each(|row| {
            content.add_problems(&row);
            let Some(planned) = row.lane.as_ref() else {
                return Ok(());
            };
            let lane = LaneFacts {
                lane: &planned.lane,
                source: &row.result.source,
                line: row.result.line,
                result: (!summary.dry_run).then_some(&row.result),
            };
            content
                .changes
                .add(&lane)
                .map_err(crate::cli::reports::ReportsError::Finish)
        })
        .or_not_finished("report")?;
    content.write(path, &preview, Some(run), &names, run.view)?;
    Ok(true)
}

/// Writes the page of a plan file.
pub(super) fn write_plan_page(
    args: &PageArgs,
    plan: &SavedPlan,
    path_of_plan: &Path,
    preview: &Preview,
    view: View,
) -> Result<(), Failure> {
    let Some(path) = &args.report else {
        return Ok(());
    };
    let sources = plan.sources();
    let mut content = PageContent::new(args.report_values);
    let lanes = plan.lanes().map_err(|e| cannot_show(path_of_plan, &e))?;
    for planned in lanes {
        let planned = planned.map_err(|e| cannot_show(path_of_plan, &e))?;
        let facts = LaneFacts {
            lane: &planned.lane,
            source: source_of(&sources, planned.place.source),
            line: planned.place.line,
            result: None,
        };
        content.changes.add(&facts).or_not_finished("report")?;
    }
    content.write(path, preview, None, &sources, view)
}

/// What a page lists of rows.
struct PageContent {
    changes: PackedChanges,
    errors: BadRowList,
    warnings: BadRowList,
    /// Whether rejected rows are shown as they are.
    shows_rows: bool,
}

impl PageContent {
    fn new(values: PageValues) -> Self {
        let list = || match values {
            PageValues::All => BadRowList::default(),
            PageValues::None | PageValues::Changed => BadRowList::without_cells(),
        };
        let shown = match values {
            PageValues::None => ShownValues::None,
            PageValues::Changed => ShownValues::Changed,
            PageValues::All => ShownValues::All,
        };
        Self {
            changes: PackedChanges::new(shown),
            errors: list(),
            warnings: list(),
            shows_rows: values == PageValues::All,
        }
    }

    fn add_problems(&mut self, row: &ResultRow) {
        let result = &row.result;
        let raw = row.record.raw.as_ref().filter(|_| self.shows_rows);
        let raw = raw.map(|raw| start_of(&raw.0));
        let place = RowPlace {
            row: result.row,
            source: &result.source,
            line: result.line,
        };
        if result.status != RowStatus::Skipped {
            let problems = result.problems().iter();
            problems.for_each(|issue| self.errors.add(issue, place, raw.as_deref()));
        }
        let warnings = result.warnings.iter();
        warnings.for_each(|issue| self.warnings.add(issue, place, None));
    }

    fn write(
        self,
        path: &Path,
        preview: &Preview,
        run: Option<&ShownRun<'_>>,
        inputs: &[String],
        view: View,
    ) -> Result<(), Failure> {
        let mut changes = self.changes;
        changes.finish().or_not_finished("report")?;
        let (errors, warnings): (Vec<BadRows>, Vec<BadRows>) =
            (self.errors.finish(), self.warnings.finish());
        let facts = PageFacts {
            preview,
            summary: run.map(|run| run.summary),
            inputs,
            errors: &errors,
            warnings: &warnings,
            view,
        };
        let failed = |error: &dyn std::error::Error| {
            Failure::new(
                Exit::NotFinished,
                "output",
                format!("{} cannot be written: {error}", path.display()),
            )
        };
        let mut file = AtomicFile::create_output(path).or_not_finished("output")?;
        let written = match is_markdown(path) {
            true => write_report_md(&mut file, &facts),
            false => {
                let link = run.and_then(|run| run.customer_url);
                write_report_page(&mut file, &facts, &changes, link)
            }
        };
        written.map_err(|error| failed(&error))?;
        file.commit().or_not_finished("output")
    }
}

/// The start of a row, as text.
fn start_of(row: &[u8]) -> String {
    let start = row.get(..MAX_ROW.min(row.len())).unwrap_or(row);
    let text = String::from_utf8_lossy(start);
    let more = if start.len() < row.len() { "…" } else { "" };
    format!("{}{more}", text.trim_end())
}

fn is_markdown(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("md"))
}
