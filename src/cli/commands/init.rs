//! `hcsync init`: proposes a config from an input's columns, never over an existing file.

use std::io::Write;
use std::path::Path;

use crate::cli::args::{InitArgs, When};
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::inputs::Inputs;
use crate::cli::stopping::Stopping;
use crate::mapping::{ProposalOf, propose};
use crate::platform::{create_new_file, remove_file};
use crate::run::intake::{Survey, profile, survey};
use crate::source::{InputFile, SourceError, SourceSettings, SourceTexts};

pub(in crate::cli) async fn run(args: &InitArgs) -> Exit {
    let console = Console::new(args.output.output, When::Never, &args.log);
    match init(args, &console).await {
        Ok(()) => Exit::Done,
        Err(failure) => {
            console.fail(&failure);
            failure.exit
        }
    }
}

async fn init(args: &InitArgs, console: &Console) -> Result<(), Failure> {
    if let Some(out) = &args.out {
        refuse_existing(out)?;
    }
    let inputs = Inputs::open(
        std::slice::from_ref(&args.input),
        &Stopping::default(),
        None,
    )
    .await?;
    let Some(input) = inputs.files.first() else {
        return Ok(());
    };
    let failed = |e: SourceError| Failure::from_error(Exit::Usage, "input", &e);
    let understood = Understood::of(input).map_err(failed)?;
    let columns = understood.survey.columns.first().cloned();
    let (profile, rows) = profile(
        input,
        &understood.settings,
        &columns.unwrap_or_default(),
        None,
    )
    .map_err(failed)?;
    let proposal = propose(ProposalOf {
        profile: &profile,
        input: &input.name,
        input_lines: &understood.lines,
        rows,
    });
    match &args.out {
        Some(out) => {
            write_new(out, proposal.text.as_bytes())?;
            console.say(&format!("config written: {}", out.display()));
        }
        None if console.is_json() => {}
        None => console.print(&proposal.text),
    }
    if console.is_json() {
        let told = Told {
            hcsync_init: 1,
            written: args.out.as_ref().map(|out| out.display().to_string()),
            config: &proposal.text,
            unsure_columns: &proposal.open,
            has_key: proposal.has_key,
        };
        console.print_json(&told);
    }
    if !proposal.open.is_empty() {
        let open: Vec<_> = proposal.open.iter().map(|c| format!("`{c}`")).collect();
        console.say(&format!("left to you, as comments: {}", open.join(", ")));
    }
    if !proposal.has_key {
        console.warn(
            "no column was found that tells customers apart: map one to userId or email in [fields]",
        );
    }
    Ok(())
}

/// For `--output json`.
#[derive(serde::Serialize)]
struct Told<'a> {
    hcsync_init: u32,
    /// The file that the config was written to, if it was.
    written: Option<String>,
    config: &'a str,
    /// Columns that are left to the user, as comments.
    unsure_columns: &'a [String],
    /// Whether a column was found that tells customers apart.
    has_key: bool,
}

fn refuse_existing(path: &Path) -> Result<(), Failure> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Err(exists(path)),
        Err(_) => Ok(()),
    }
}

fn exists(path: &Path) -> Failure {
    let message = format!("{} is there already, and is not touched", path.display());
    Failure::output(message).hint("name another file with -o, or move that one away")
}

/// Also where the file came into being since it was looked for.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut file = create_new_file(path).map_err(|error| {
        if error.already_exists() {
            exists(path)
        } else {
            Failure::from_error(Exit::Usage, "output", &error)
        }
    })?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Whole or not at all.
        let _ = remove_file(path);
        Failure::from_error(Exit::NotFinished, "output", &error)
    })
}

/// An input as far as it must be understood to read its rows.
struct Understood {
    settings: SourceSettings,
    survey: Survey,
    /// Lines for `[input]`: what was decided on grounds that a user should see.
    lines: Vec<String>,
}

/// A delimiter, an encoding and the header's line may all be unclear; each is taken once.
const MOST_GUESSES: usize = 4;

impl Understood {
    fn of(input: &InputFile) -> Result<Self, SourceError> {
        let mut settings = SourceSettings::default();
        let mut lines = Vec::new();
        for _ in 0..MOST_GUESSES {
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

/// Takes the likeliest candidate, and says so in the config.
fn guess(
    error: SourceError,
    settings: &mut SourceSettings,
    lines: &mut Vec<String>,
) -> Result<(), SourceError> {
    match &error {
        SourceError::UndecidedDelimiter { candidates, .. } => {
            let Some(first) = candidates.first() else {
                return Err(error);
            };
            let texts = SourceTexts {
                delimiter: first.clone(),
                ..SourceTexts::default()
            };
            settings.delimiter = SourceSettings::try_from(texts)?.delimiter;
            lines.push(unsure("delimiter", first, candidates));
        }
        SourceError::UndecidedEncoding { candidates, .. } => {
            let Some(first) = candidates.first() else {
                return Err(error);
            };
            let texts = SourceTexts {
                encoding: (*first).to_owned(),
                ..SourceTexts::default()
            };
            settings.encoding = SourceSettings::try_from(texts)?.encoding;
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
        "{key} = {taken:?}   # cannot be told from the file, which may be {}: check it",
        all.join(" or ")
    )
}

/// What was guessed need not be guessed again.
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
