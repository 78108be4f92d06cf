//! Errors in a config file, with the lines around them.

use crate::config::{ConfigError, ConfigProblem, Document};

use super::exit::Failure;
use super::snippet::{Blame, Snippet};

/// The failure of an invalid config.
pub(super) fn config_failure(error: &ConfigError) -> Failure {
    let mut failure = Failure {
        reason: "config",
        ..Failure::usage(error)
    };
    let errors = match error {
        ConfigError::Several(errors) => errors.as_slice(),
        error => std::slice::from_ref(error),
    };
    let snippets = errors.iter().filter_map(|error| match error {
        ConfigError::InFile { place, problem } => {
            failure.hint.get_or_insert_with(|| help(problem).to_owned());
            Some(Snippet::new(error.to_string(), label(problem), place))
        }
        _ => None,
    });
    let snippets: Vec<_> = snippets.collect();
    if !snippets.is_empty() {
        failure.blame = Some(Box::new(Blame::Lines(snippets)));
    }
    failure
}

/// Adds the lines of the config that caused the failure, if the file has them.
pub(super) fn at_config(mut failure: Failure, document: Option<&Document>) -> Failure {
    let Some(Blame::Keys(paths)) = failure.blame.as_deref() else {
        return failure;
    };
    let place_of = |path: &String| document?.place_of(path);
    let Some(place) = paths.iter().find_map(place_of) else {
        return failure;
    };
    let message = format!("{place}: {}", failure.message);
    let snippet = Snippet::new(message, "this value", &place);
    failure.blame = Some(Box::new(Blame::Lines(vec![snippet])));
    failure
}

fn label(problem: &ConfigProblem) -> &'static str {
    match problem {
        ConfigProblem::NotText => "from here on",
        ConfigProblem::Syntax(_) => "here",
        ConfigProblem::UnknownKey { .. } => "not a key that hcsync knows",
        ConfigProblem::InlineKey { .. } => "the API key does not belong here",
        ConfigProblem::InlinePassword { .. } => "the password does not belong here",
        ConfigProblem::Value { .. } => "this value",
    }
}

fn help(problem: &ConfigProblem) -> &'static str {
    match problem {
        ConfigProblem::NotText => "save the file as UTF-8",
        ConfigProblem::Syntax(_) => "the file is TOML: key = \"value\" under a [section]",
        ConfigProblem::UnknownKey { .. } | ConfigProblem::Value { .. } => {
            "config.example.toml shows every key with its default"
        }
        ConfigProblem::InlinePassword { .. } => {
            "change the password if others could read this file"
        }
        ConfigProblem::InlineKey { .. } => {
            "set HELPCRUNCH_API_KEY, or name a file with api.key_file"
        }
    }
}
