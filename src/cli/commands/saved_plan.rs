//! A plan file that is read again: verified first, then gone over as often as it is needed.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};

use crate::cli::exit::{Cause, Exit, Failure};
use crate::plan::Preview;
use crate::plan::codec::{LaneReader, PlanFileError, PlannedLane, VerifiedPlan, verify};
use crate::plan::previewer::{KnownNames, Place, Previewer};
use crate::report::human_count;
use crate::run::rows::{RowLine, RowReader, RowRecord, RowTotals, Verdict};

pub(super) fn source_of(sources: &[String], index: u16) -> &str {
    sources.get(usize::from(index)).map_or("", String::as_str)
}

/// A plan file that was found to be whole and unchanged.
pub(super) struct OpenPlan {
    file: File,
    path: PathBuf,
    pub(super) verified: VerifiedPlan,
}

impl OpenPlan {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let bad = |error: PlanFileError| plan_failure(path, &error);
        let file = File::open(path).map_err(|e| bad(e.into()))?;
        let verified = verify(BufReader::with_capacity(1 << 18, &file)).map_err(bad)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            verified,
        })
    }

    /// The inputs as the user named them.
    pub(super) fn sources(&self) -> Vec<String> {
        let inputs = self.verified.header.inputs.iter();
        inputs.map(|input| input.path.clone()).collect()
    }

    pub(super) fn each(
        &mut self,
        mut take: impl FnMut(&PlannedLane) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let bad = |error: PlanFileError| plan_failure(&self.path, &error);
        self.file.rewind().map_err(|e| bad(e.into()))?;
        let lanes = LaneReader::new(BufReader::with_capacity(1 << 18, &self.file)).map_err(bad)?;
        for lane in lanes {
            take(&lane.map_err(bad)?)?;
        }
        Ok(())
    }

    /// The preview again. A plan alone does not say what is wrong with rejected rows; a run's rows do.
    pub(super) fn preview(
        &mut self,
        examples: usize,
        sources: &[String],
        rows: Option<&Path>,
    ) -> Result<Preview, Failure> {
        let mut previewer = Previewer::new(examples);
        let mut existing = 0;
        self.each(|planned| {
            existing += u64::from(planned.lane.customer.is_some());
            let place = Place {
                row: planned.lane.row,
                source: source_of(sources, planned.place.source),
                line: planned.place.line,
            };
            previewer.lane(&planned.lane, place);
            Ok(())
        })?;
        let totals = match rows {
            Some(rows) => read_rows(rows, sources, &mut previewer)?,
            None => None,
        };
        let VerifiedPlan { header, end } = &self.verified;
        let shown = previewer.finish(&KnownNames::default());
        Ok(Preview {
            rows: header.inputs.iter().map(|input| input.rows).sum(),
            matched: match (totals, rows) {
                (Some(totals), _) => totals.matched,
                (None, Some(_)) => shown.matched,
                (None, None) => existing + end.counts.unchanged,
            },
            counts: end.counts,
            // Which names are new is not in the plan: the remote side that had or had not known them is gone.
            new_tags: Vec::new(),
            new_properties: Vec::new(),
            notes: vec![self.origin()],
            remote: header.remote.clone(),
            digest: end.sha256.clone(),
            ..shown
        })
    }

    fn origin(&self) -> String {
        let header = &self.verified.header;
        let input = |input: &crate::plan::codec::PlanInput| {
            format!("{} ({} rows)", input.path, human_count(input.rows))
        };
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

/// Gives the totals, where the rows have them.
fn read_rows(
    path: &Path,
    sources: &[String],
    previewer: &mut Previewer,
) -> Result<Option<RowTotals>, Failure> {
    let failed = |e: &Cause| Failure::from_error(Exit::NotFinished, "run", e);
    let file = crate::platform::open_file(path).map_err(|e| failed(&e))?;
    let mut totals = None;
    for line in RowReader::new(BufReader::with_capacity(1 << 18, file)) {
        match line.map_err(|e| failed(&e))? {
            RowLine::Row(record) => add_row(&record, sources, previewer),
            RowLine::Skipped(_) => {}
            RowLine::End(end) => totals = Some(end),
        }
    }
    Ok(totals)
}

fn add_row(record: &RowRecord, sources: &[String], previewer: &mut Previewer) {
    previewer.row();
    if record.customer_id.is_some() {
        previewer.matched();
    }
    if record.verdict == Verdict::Rejected {
        let place = Place {
            row: record.row,
            source: source_of(sources, record.source),
            line: record.line,
        };
        previewer.rejected(record.problems(), place);
    }
}

fn plan_failure(path: &Path, error: &PlanFileError) -> Failure {
    let message = format!(
        "{} cannot be shown: {}",
        path.display(),
        crate::cli::exit::chain(error)
    );
    Failure {
        reason: "plan",
        ..Failure::usage(message)
    }
}
