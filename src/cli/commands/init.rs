//! `hcsync init`: proposes a config from an input's columns, never over an existing file.

use std::io::Write;
use std::path::Path;

use crate::cli::args::InitArgs;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure, OrFail as _};
use crate::cli::inputs::{Inputs, Wait};
use crate::cli::shell::quoted;
use crate::cli::stopping::Stopping;
use crate::config::{Delimiter, InputEncoding};
use crate::mapping::{Proposal, ProposalInput, propose};
use crate::platform::{create_new_file, remove_file};
use crate::run::intake::{Survey, profile, survey};
use crate::source::{InputFile, SourceError, SourceSettings};

pub(in crate::cli) async fn run(args: &InitArgs) -> Exit {
    let console = Console::from(&args.console);
    let ended = init(args, &console).await;
    console.exit_code(ended.map(|()| Exit::Done))
}

async fn init(args: &InitArgs, console: &Console) -> Result<(), Failure> {
    if let Some(out) = &args.out {
        refuse_existing(out)?;
    }
    let paths = std::slice::from_ref(&args.input);
    let wait = Wait {
        stopping: &Stopping::default(),
        deadline: None,
    };
    let inputs = Inputs::open(paths, wait).await?;
    let Some(input) = inputs.files.first() else {
        return Ok(());
    };
    let proposal = propose_config(input)?;
    let next = next_command(args);
    match &args.out {
        Some(out) => {
            write_new(out, proposal.text.as_bytes())?;
            console.say(&format!("config written: {}", out.display()));
        }
        None if console.is_json() => {}
        None => console.print(&proposal.text),
    }
    if console.is_json() {
        console.print_json(&InitOutput {
            hcsync_init: 1,
            written: args.out.as_ref().map(|out| out.display().to_string()),
            config: &proposal.text,
            unsure_columns: &proposal.open,
            has_key: proposal.has_key,
            next_command: &next,
        });
    }
    if !proposal.open.is_empty() {
        let open: Vec<_> = proposal.open.iter().map(|c| format!("`{c}`")).collect();
        console.say(&format!(
            "left to you, as comments in the config: {}",
            open.join(", ")
        ));
    }
    if !proposal.has_key {
        console.warn("no column identifies customers: map one to userId or email in [fields]");
    }
    console.say(&format!("next: {next}"));
    Ok(())
}

/// The command that continues from here.
fn next_command(args: &InitArgs) -> String {
    let input = match args.input.as_os_str() == "-" {
        true => "FILE".to_owned(),
        false => quoted(&args.input.display().to_string()),
    };
    let config = match &args.out {
        None => return format!("hcsync init {input} -o hcsync.toml"),
        Some(out) if out.as_path() == Path::new("hcsync.toml") => String::new(),
        Some(out) => format!(" -c {}", quoted(&out.display().to_string())),
    };
    format!("hcsync check {input}{config}")
}

fn propose_config(input: &InputFile) -> Result<Proposal, Failure> {
    let readable = ReadableInput::of(input).or_usage("input")?;
    let columns = readable.survey.columns.first().cloned();
    let columns = columns.unwrap_or_default();
    let profile = profile(input, &readable.settings, &columns, None);
    let (profile, rows) = profile.or_usage("input")?;
    Ok(propose(ProposalInput {
        profile: &profile,
        input: &input.name,
        input_lines: &readable.lines,
        rows,
    }))
}

/// The output of `--output json`.
#[derive(serde::Serialize)]
struct InitOutput<'a> {
    hcsync_init: u32,
    /// The file that the config was written to.
    written: Option<String>,
    config: &'a str,
    /// Columns that are left to the user, as comments.
    unsure_columns: &'a [String],
    /// Whether a column identifies customers.
    has_key: bool,
    next_command: &'a str,
}

fn refuse_existing(path: &Path) -> Result<(), Failure> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Err(exists_failure(path)),
        Err(_) => Ok(()),
    }
}

fn exists_failure(path: &Path) -> Failure {
    let message = format!("{} exists already and is not overwritten", path.display());
    Failure::output(message).hint("name another file with -o, or move that one away")
}

/// Writes a new file. Fails if it was created since `refuse_existing`.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut file = create_new_file(path).map_err(|error| {
        if error.already_exists() {
            exists_failure(path)
        } else {
            Failure::from_error(Exit::Usage, "output", &error)
        }
    })?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Leave no incomplete file.
        let _ = remove_file(path);
        Failure::from_error(Exit::NotFinished, "output", &error)
    })
}

/// An input with settings by which its rows can be read.
struct ReadableInput {
    settings: SourceSettings,
    survey: Survey,
    /// Lines for `[input]`: what was guessed, for the user to check.
    lines: Vec<String>,
}

/// Delimiter, encoding and header line may each have to be guessed once.
const MAX_GUESSES: usize = 4;

impl ReadableInput {
    fn of(input: &InputFile) -> Result<Self, SourceError> {
        let mut settings = SourceSettings::default();
        let mut lines = Vec::new();
        for _ in 0..MAX_GUESSES {
            match survey(std::slice::from_ref(input), &settings) {
                Ok(survey) => {
                    let below = survey.headers_below.first().copied().flatten();
                    if let Some(line) = below.filter(|_| settings.skip_lines == 0) {
                        skip_titles(line, &mut settings, &mut lines);
                        continue;
                    }
                    lines.extend(guessed_encoding(&survey));
                    return Ok(Self {
                        settings,
                        survey,
                        lines,
                    });
                }
                Err(error) => guess(error, &mut settings, &mut lines)?,
            }
        }
        let survey = survey(std::slice::from_ref(input), &settings)?;
        Ok(Self {
            settings,
            survey,
            lines,
        })
    }
}

/// Uses the likeliest candidate, and adds a line for the config that says so.
fn guess(
    error: SourceError,
    settings: &mut SourceSettings,
    lines: &mut Vec<String>,
) -> Result<(), SourceError> {
    match &error {
        SourceError::UndecidedDelimiter { candidates, .. } => {
            let first = candidates.first().cloned().unwrap_or_default();
            let Ok(delimiter) = Delimiter::try_from(first.clone()) else {
                return Err(error);
            };
            settings.delimiter = delimiter.into();
            lines.push(unsure("delimiter", &first, candidates));
        }
        SourceError::UndecidedEncoding { candidates, .. } => {
            let first = candidates.first().copied().unwrap_or_default();
            let Ok(encoding) = InputEncoding::try_from(first.to_owned()) else {
                return Err(error);
            };
            settings.encoding = encoding.into();
            lines.push(unsure("encoding", first, candidates));
        }
        SourceError::HeaderBelow { line, .. } if settings.skip_lines == 0 => {
            skip_titles(*line, settings, lines);
        }
        _ => return Err(error),
    }
    Ok(())
}

fn skip_titles(header_line: u64, settings: &mut SourceSettings, lines: &mut Vec<String>) {
    settings.skip_lines = header_line.saturating_sub(1);
    lines.push(format!(
        "skip_lines = {}   # the lines above line {header_line} look like titles: check it",
        settings.skip_lines
    ));
}

fn unsure<T: AsRef<str>>(key: &str, taken: &str, candidates: &[T]) -> String {
    let all: Vec<_> = candidates.iter().map(AsRef::as_ref).collect();
    format!(
        "{key} = {taken:?}   # not certain from the file, which may be {}: check it",
        all.join(" or ")
    )
}

/// The line for an encoding that was guessed.
fn guessed_encoding(survey: &Survey) -> Option<String> {
    let guessed = survey
        .notes
        .iter()
        .any(|note| note.contains("encoding guessed"));
    let dialect = survey.dialects.first().filter(|_| guessed)?;
    Some(format!(
        "encoding = {:?}   # guessed; set another one if names look wrong",
        dialect.encoding.name()
    ))
}
