//! A plan file that is read again: verified first, then read as often as it is needed.

use std::fs::File;
use std::io::{BufReader, Seek as _};
use std::path::Path;

use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::exit::{Failure, OrFail as _, chain};
use crate::cli::run_report::ReportsError;
use crate::journal::RunDir;
use crate::plan::Preview;
use crate::plan::RowPlace;
use crate::plan::codec::{LaneReader, PlanFileError, PlanInput, VerifiedPlan, verify};
use crate::plan::previewer::{KnownNames, Previewer};
use crate::platform::open_file;
use crate::report::{human_count, preview_headline, render_preview, write_preview};
use crate::run::rows::{RowLine, RowReader, RowRecord, RowTotals, Verdict};

/// A plan file that is complete and unchanged.
pub(super) struct SavedPlan {
    file: File,
    pub(super) verified: VerifiedPlan,
}

impl SavedPlan {
    pub(super) fn open(path: &Path) -> Result<Self, PlanFileError> {
        let file = File::open(path)?;
        let verified = verify(BufReader::with_capacity(1 << 18, &file))?;
        Ok(Self { file, verified })
    }

    /// The inputs as the user named them.
    pub(super) fn sources(&self) -> Vec<String> {
        let inputs = self.verified.header.inputs.iter();
        inputs.map(|input| input.path.clone()).collect()
    }

    /// Reads the file from its start.
    pub(super) fn reader(&self) -> Result<BufReader<&File>, PlanFileError> {
        (&self.file).rewind()?;
        Ok(BufReader::with_capacity(1 << 18, &self.file))
    }

    pub(super) fn lanes(&self) -> Result<LaneReader<BufReader<&File>>, PlanFileError> {
        LaneReader::new(self.reader()?)
    }

    /// The preview of the plan, without the problems of rejected rows, which are not in it.
    pub(super) fn preview(&self, examples: usize) -> Result<Preview, PlanFileError> {
        let (previewer, existing) = self.previewer(examples, &self.sources())?;
        let shown = previewer.finish(&KnownNames::default());
        Ok(Preview {
            matched: existing + self.verified.end.counts.unchanged,
            ..self.complete(shown)
        })
    }

    /// The preview of a run's plan, with the problems of its rejected rows.
    pub(super) fn preview_of_run(
        &self,
        examples: usize,
        sources: &[String],
        dir: &RunDir,
    ) -> Result<Preview, Failure> {
        let previewer = self.previewer(examples, sources);
        let (mut previewer, _) = previewer.map_err(|e| cannot_show(&dir.plan(), &e))?;
        let totals = add_rows(&dir.rows(), sources, &mut previewer)?;
        let shown = previewer.finish(&KnownNames::default());
        Ok(Preview {
            matched: totals.map_or(shown.matched, |totals| totals.matched),
            ..self.complete(shown)
        })
    }

    /// A previewer with all lanes of the plan, and the number of lanes of existing customers.
    fn previewer(
        &self,
        examples: usize,
        sources: &[String],
    ) -> Result<(Previewer, u64), PlanFileError> {
        let mut previewer = Previewer::new(examples);
        let mut existing = 0;
        for planned in self.lanes()? {
            let planned = planned?;
            existing += u64::from(planned.lane.customer.is_some());
            let place = RowPlace {
                row: planned.lane.row,
                source: source_of(sources, planned.place.source),
                line: planned.place.line,
            };
            previewer.add_lane(&planned.lane, place);
        }
        Ok((previewer, existing))
    }

    fn complete(&self, shown: Preview) -> Preview {
        let VerifiedPlan { header, end } = &self.verified;
        Preview {
            rows: header.inputs.iter().map(|input| input.rows).sum(),
            counts: end.counts,
            // Which names are new depends on the remote side at that time, which the plan does not contain.
            new_tags: Vec::new(),
            new_properties: Vec::new(),
            notes: vec![self.origin()],
            remote: header.remote.clone(),
            digest: end.sha256.clone(),
            ..shown
        }
    }

    fn origin(&self) -> String {
        let header = &self.verified.header;
        let input =
            |input: &PlanInput| format!("{} ({} rows)", input.path, human_count(input.rows));
        let inputs: Vec<_> = header.inputs.iter().map(input).collect();
        format!(
            "planned at {} by run {} from {}, for {}",
            header.created_at,
            header.run_id,
            inputs.join(", "),
            header.base_url
        )
    }
}

pub(super) fn source_of(sources: &[String], index: u16) -> &str {
    sources.get(usize::from(index)).map_or("", String::as_str)
}

pub(super) fn cannot_show(path: &Path, error: &PlanFileError) -> Failure {
    let message = format!("{} cannot be shown: {}", path.display(), chain(error));
    Failure {
        reason: "plan",
        ..Failure::usage(message)
    }
}

/// Adds the rows of a run to the preview. Returns their totals, if the file has them.
fn add_rows(
    path: &Path,
    sources: &[String],
    previewer: &mut Previewer,
) -> Result<Option<RowTotals>, Failure> {
    let file = open_file(path).or_not_finished("run")?;
    let mut totals = None;
    for line in RowReader::new(BufReader::with_capacity(1 << 18, file)) {
        match line.or_not_finished("run")? {
            RowLine::Row(record) => add_row(&record, sources, previewer),
            RowLine::Skipped(_) => {}
            RowLine::End(end) => totals = Some(end),
        }
    }
    Ok(totals)
}

fn add_row(record: &RowRecord, sources: &[String], previewer: &mut Previewer) {
    previewer.count_row();
    if record.customer_id.is_some() {
        previewer.count_matched();
    }
    if record.verdict == Verdict::Rejected {
        let place = RowPlace {
            row: record.row,
            source: source_of(sources, record.source),
            line: record.line,
        };
        previewer.add_rejected(record.problems(), place);
    }
}

pub(super) fn print_preview(console: &Console, preview: &Preview) {
    console.print_result(
        |out| write_preview(out, preview),
        || preview_headline(preview),
        |view| render_preview(preview, view),
    );
}

pub(super) fn output_failure(error: ReportsError) -> Failure {
    Failure::from_error(Exit::Usage, "output", &error)
}
