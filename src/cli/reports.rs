//! Writes the reports of a run: results, changed fields, rejected rows. Each file is written whole or not at all.

use std::fs::File;
use std::io::{BufReader, Seek as _};
use std::path::PathBuf;

use crate::journal::{FinishedRows, Recovered, recover_file};
use crate::outcome::Unlisted;
use crate::platform::open_file;
use crate::report::Tally;
use crate::run::results::{ResultRow, Results, ResultsError, SendState};

use super::report_files::ReportFiles;
pub(super) use super::run_report::{
    ReportPaths, ReportsError, RunReport, Written, input_names, row_count,
};

impl RunReport<'_> {
    /// Writes all reports of the run: those in its folder and those that the user named.
    pub(super) fn write(&self, paths: &ReportPaths) -> Result<Written, ReportsError> {
        let mut files = ReportFiles::open(self, paths)?;
        let mut tally = Tally::default();
        let unlisted = self.each(|row| {
            tally.add(&row.result);
            files.write(&row, self)
        })?;
        tally.add_unlisted(unlisted);
        let files = files.commit()?;
        Ok(Written { tally, files })
    }

    /// Counts the results without writing a file.
    pub(super) fn tally(&self) -> Result<Tally, ReportsError> {
        let mut tally = Tally::default();
        let unlisted = self.each(|row| {
            tally.add(&row.result);
            Ok(())
        })?;
        tally.add_unlisted(unlisted);
        Ok(tally)
    }

    /// Passes each result to `take`, in the order of the input. Returns the number of rows that are not listed.
    pub(super) fn each(
        &self,
        mut take: impl FnMut(ResultRow) -> Result<(), ReportsError>,
    ) -> Result<Unlisted, ReportsError> {
        let recovered = self.recovered()?;
        let mut results = self.results(recovered.as_ref())?;
        let mut listed = 0;
        while let Some(row) = results.next_result()? {
            listed += u64::from(!row.result.is_missing);
            take(row)?;
        }
        let unlisted = results.unlisted();
        let found = match unlisted {
            Some(rows) => listed + rows.unchanged + rows.skipped,
            None => results.records(),
        };
        match self.rows {
            Some(expected) if expected != found => Err(ReportsError::Cut { expected, found }),
            _ => Ok(unlisted.unwrap_or_default()),
        }
    }

    fn results<'r>(
        &'r self,
        recovered: Option<&'r Recovered>,
    ) -> Result<RunResults<'r>, ReportsError> {
        let open = |path: PathBuf| open_file(&path).map(buffered);
        let (rows, plan) = (open(self.dir.rows())?, open(self.dir.plan())?);
        let sent = match recovered {
            Some(recovered) => SendState::Journal {
                recovered,
                finished: FinishedRows::open(&self.dir.journal(), recovered)?,
            },
            None if self.dry_run => SendState::DryRun,
            None => SendState::NotBegun,
        };
        let results = Results::new(rows, plan, self.sources, sent)?;
        let Some(all) = self.all_rows else {
            return Ok(results);
        };
        let mut file = all.try_clone().map_err(ResultsError::Rows)?;
        file.rewind().map_err(ResultsError::Rows)?;
        Ok(results.with_inputs(buffered(file))?)
    }

    /// The state of the run's journal, or `None` if it has no journal yet.
    fn recovered(&self) -> Result<Option<Recovered>, ReportsError> {
        let journal = self.dir.journal();
        let recovered = journal.exists().then(|| recover_file(&journal));
        Ok(recovered.transpose()?)
    }
}

type RunResults<'a> = Results<'a, BufReader<File>, BufReader<File>, File>;

fn buffered(file: File) -> BufReader<File> {
    BufReader::with_capacity(1 << 18, file)
}
