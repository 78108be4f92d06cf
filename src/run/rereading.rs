//! The rows of a saved plan as they stood in its inputs, for those that will have to be mended and fed back: a plan
//! holds what its rows want, and not what they were.

use std::fmt;
use std::fs;

use crate::domain::{RawRecord, RowNumber};
use crate::plan::codec::{PlanInput, PlannedLane};
use crate::source::{Dialect, Format, InputFile, LineEnd, Reader, Record, SourceSettings};

/// An input of which the rows are not to be had again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostInput {
    pub name: String,
    pub why: Lost,
}

/// Why they are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// Nothing keeps what came over standard input or a pipe.
    Stream,
    Gone,
    Changed,
    Unreadable(String),
    /// It is the same file, and is read otherwise than it was for the plan.
    OtherSettings,
}

impl Lost {
    /// What is wrong with the input, as a clause, and what to do.
    fn because(&self) -> (&str, &'static str) {
        match self {
            Self::Stream => (
                "is no file that could be read again",
                "plan from a file to have them",
            ),
            Self::Gone => ("is not there any more", "put it back to have them"),
            Self::Changed => (
                "has changed since the plan was made",
                "make the plan again to have them",
            ),
            Self::Unreadable(why) => (why.as_str(), "fix that to have them"),
            Self::OtherSettings => (
                "is read otherwise than when the plan was made",
                "use the [input] settings of that time to have them",
            ),
        }
    }

    /// What is wrong with the input, as a clause.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.because().0
    }
}

impl fmt::Display for LostInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (why, advice) = self.why.because();
        write!(
            f,
            "{}: {why}, so rows of it that fail are in the results and not in a rejected file; {advice}",
            self.name
        )
    }
}

/// Reads the inputs of a plan again, in the order of its lanes.
#[derive(Debug)]
pub struct Rereading<'a> {
    settings: &'a SourceSettings,
    inputs: Vec<Result<Found, LostInput>>,
    /// The one that is being read, by its index.
    current: Option<(u16, Reader)>,
}

#[derive(Debug)]
struct Found {
    file: InputFile,
    first_row: u64,
    dialect: Dialect,
}

impl<'a> Rereading<'a> {
    /// Looks which inputs are what they were when the plan was made: their rows can be had.
    #[must_use]
    pub fn new(inputs: &[PlanInput], settings: &'a SourceSettings) -> Self {
        let mut first_row = 1;
        let mut looked_at = Vec::with_capacity(inputs.len());
        for input in inputs {
            let found = look(input, first_row, settings);
            looked_at.push(found.map_err(|why| LostInput {
                name: input.path.clone(),
                why,
            }));
            first_row += input.rows;
        }
        Self {
            settings,
            inputs: looked_at,
            current: None,
        }
    }

    /// The record of a lane's row. Lanes come in the order of the plan.
    pub fn record(&mut self, lane: &PlannedLane) -> Option<RawRecord> {
        let source = lane.place.source;
        let input = self.inputs.get_mut(usize::from(source))?;
        let found = input.as_ref().ok()?;
        let name = found.file.name.clone();
        let read = seek(&mut self.current, found, source, self.settings, lane);
        match read {
            Ok(record) => Some(record),
            Err(why) => {
                *input = Err(LostInput { name, why });
                None
            }
        }
    }

    /// How each input is written, in the order of the inputs; nothing where none can be read. One that is lost has
    /// no rows to be written.
    #[must_use]
    pub fn dialects(&self) -> Vec<Dialect> {
        if self.inputs.iter().all(Result::is_err) {
            return Vec::new();
        }
        let dialect = |input: &Result<Found, LostInput>| match input {
            Ok(found) => found.dialect.clone(),
            Err(_) => no_dialect(),
        };
        self.inputs.iter().map(dialect).collect()
    }

    /// The inputs of which rows are not to be had.
    pub fn lost(&self) -> impl Iterator<Item = &LostInput> {
        self.inputs.iter().filter_map(|input| input.as_ref().err())
    }
}

fn look(input: &PlanInput, first_row: u64, settings: &SourceSettings) -> Result<Found, Lost> {
    if input.path == "-" {
        return Err(Lost::Stream);
    }
    match fs::metadata(&input.path) {
        Err(_) => return Err(Lost::Gone),
        // To open a pipe might be to wait for ever.
        Ok(found) if !found.is_file() => return Err(Lost::Stream),
        Ok(_) => {}
    }
    let file = InputFile::new(&input.path, &input.path);
    let unreadable = |e: crate::source::SourceError| Lost::Unreadable(e.to_string());
    let reader = Reader::open(&file, settings, 0, RowNumber(1)).map_err(unreadable)?;
    let dialect = reader.dialect().clone();
    let provenance = reader.provenance().map_err(unreadable)?;
    if provenance.sha256 != input.sha256 {
        return Err(Lost::Changed);
    }
    Ok(Found {
        file,
        first_row,
        dialect,
    })
}

/// Reads on to a lane's row.
fn seek(
    current: &mut Option<(u16, Reader)>,
    found: &Found,
    source: u16,
    settings: &SourceSettings,
    lane: &PlannedLane,
) -> Result<RawRecord, Lost> {
    let unreadable = |e: crate::source::SourceError| Lost::Unreadable(e.to_string());
    let reader = match current {
        Some((open, reader)) if *open == source => reader,
        _ => {
            let first = RowNumber(found.first_row);
            let reader = Reader::open(&found.file, settings, source, first).map_err(unreadable)?;
            &mut current.insert((source, reader)).1
        }
    };
    while let Some(record) = reader.next_record().map_err(unreadable)? {
        let Record::Row(row) = record else { continue };
        if row.position.row < lane.lane.row {
            continue;
        }
        let same = row.position.row == lane.lane.row && row.position.line == lane.place.line;
        return if same {
            Ok(row.raw)
        } else {
            Err(Lost::OtherSettings)
        };
    }
    Err(Lost::OtherSettings)
}

/// Stands for an input that is lost.
fn no_dialect() -> Dialect {
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
