//! Reads the rows of a saved plan again from its inputs, for the rejected file: a plan holds what its rows want, and not their
//! records.

use std::fmt;
use std::fs;

use crate::domain::{RawRecord, RowNumber};
use crate::plan::codec::{PlanInput, PlannedLane};
use crate::source::{Dialect, Format, InputFile, LineEnd, Reader, Record, SourceSettings};

/// An input whose rows cannot be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostInput {
    pub name: String,
    pub why: LostReason,
}

/// Why the rows of an input cannot be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LostReason {
    /// It came over standard input or a pipe.
    Stream,
    Gone,
    Changed,
    Unreadable(String),
    /// It is the same file, but is read with other settings than for the plan.
    OtherSettings,
}

impl LostReason {
    /// Returns what is wrong with the input, as a clause, and what to do.
    fn explanation(&self) -> (&str, &'static str) {
        match self {
            Self::Stream => (
                "is not a file that can be read again",
                "plan from a file to get them",
            ),
            Self::Gone => ("no longer exists", "put it back to get them"),
            Self::Changed => (
                "has changed since the plan was made",
                "make the plan again to get them",
            ),
            Self::Unreadable(why) => (why.as_str(), "fix that to get them"),
            Self::OtherSettings => (
                "is read with other settings than when the plan was made",
                "use the [input] settings of that time to get them",
            ),
        }
    }

    /// Returns what is wrong with the input, as a clause.
    pub fn reason(&self) -> &str {
        self.explanation().0
    }
}

impl fmt::Display for LostInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (why, advice) = self.why.explanation();
        write!(
            f,
            "{}: {why}, so its rows that fail are listed in the results but not in a rejected file; {advice}",
            self.name
        )
    }
}

/// Reads the inputs of a plan again, in the order of its lanes.
#[derive(Debug)]
pub struct Rereading<'a> {
    settings: &'a SourceSettings,
    inputs: Vec<Result<UnchangedInput, LostInput>>,
    /// The input that is being read, with its index.
    current: Option<(u16, Reader)>,
}

#[derive(Debug)]
struct UnchangedInput {
    file: InputFile,
    first_row: u64,
    dialect: Dialect,
}

impl<'a> Rereading<'a> {
    /// Checks which inputs are unchanged since the plan was made: their rows can be read again.
    pub fn new(inputs: &[PlanInput], settings: &'a SourceSettings) -> Self {
        let mut first_row = 1;
        let mut checked = Vec::with_capacity(inputs.len());
        for input in inputs {
            let unchanged = check_input(input, first_row, settings);
            checked.push(unchanged.map_err(|why| LostInput {
                name: input.path.clone(),
                why,
            }));
            first_row += input.rows;
        }
        Self {
            settings,
            inputs: checked,
            current: None,
        }
    }

    /// Returns the record of a lane's row, or `None` if its input is lost. Lanes have to be passed in the order of the plan.
    pub fn record(&mut self, lane: &PlannedLane) -> Option<RawRecord> {
        let source = lane.place.source;
        let input = self.inputs.get_mut(usize::from(source))?;
        let unchanged = input.as_ref().ok()?;
        let name = unchanged.file.name.clone();
        match read_record(&mut self.current, unchanged, self.settings, lane) {
            Ok(record) => Some(record),
            Err(why) => {
                *input = Err(LostInput { name, why });
                None
            }
        }
    }

    /// Returns the dialect of each input, in their order; empty if none can be read. A lost input gets a placeholder, since
    /// none of its rows is written.
    pub fn dialects(&self) -> Vec<Dialect> {
        if self.inputs.iter().all(Result::is_err) {
            return Vec::new();
        }
        let dialect = |input: &Result<UnchangedInput, _>| match input {
            Ok(unchanged) => unchanged.dialect.clone(),
            Err(_) => placeholder_dialect(),
        };
        self.inputs.iter().map(dialect).collect()
    }

    /// Returns the inputs whose rows cannot be read again.
    pub fn lost(&self) -> impl Iterator<Item = &LostInput> {
        self.inputs.iter().filter_map(|input| input.as_ref().err())
    }
}

fn check_input(
    input: &PlanInput,
    first_row: u64,
    settings: &SourceSettings,
) -> Result<UnchangedInput, LostReason> {
    if input.path == "-" {
        return Err(LostReason::Stream);
    }
    match fs::metadata(&input.path) {
        Err(_) => return Err(LostReason::Gone),
        // Opening a pipe might wait forever.
        Ok(metadata) if !metadata.is_file() => return Err(LostReason::Stream),
        Ok(_) => {}
    }
    let file = InputFile::new(&input.path, &input.path);
    let unreadable = |e: crate::source::SourceError| LostReason::Unreadable(e.to_string());
    let reader = Reader::open(&file, settings, 0, RowNumber(1)).map_err(unreadable)?;
    let dialect = reader.dialect().clone();
    let provenance = reader.provenance().map_err(unreadable)?;
    if provenance.sha256 != input.sha256 {
        return Err(LostReason::Changed);
    }
    Ok(UnchangedInput {
        file,
        first_row,
        dialect,
    })
}

/// Reads up to a lane's row and returns its record.
fn read_record(
    current: &mut Option<(u16, Reader)>,
    input: &UnchangedInput,
    settings: &SourceSettings,
    lane: &PlannedLane,
) -> Result<RawRecord, LostReason> {
    let unreadable = |e: crate::source::SourceError| LostReason::Unreadable(e.to_string());
    let source = lane.place.source;
    let reader = match current {
        Some((open, reader)) if *open == source => reader,
        _ => {
            let first = RowNumber(input.first_row);
            let reader = Reader::open(&input.file, settings, source, first).map_err(unreadable)?;
            &mut current.insert((source, reader)).1
        }
    };
    while let Some(record) = reader.next_record().map_err(unreadable)? {
        let Record::Row(row) = record else { continue };
        if row.position.row < lane.lane.row {
            continue;
        }
        let is_same = row.position.row == lane.lane.row && row.position.line == lane.place.line;
        return if is_same {
            Ok(row.into_raw())
        } else {
            Err(LostReason::OtherSettings)
        };
    }
    Err(LostReason::OtherSettings)
}

fn placeholder_dialect() -> Dialect {
    Dialect {
        format: Format::Csv,
        encoding: encoding_rs::UTF_8,
        bom: false,
        delimiter: Some(b','),
        quote: Some(b'"'),
        skips_blanks: false,
        line_end: LineEnd::Lf,
        header: None,
        columns: Vec::new(),
        reserved: Vec::new(),
    }
}
