//! The flaws of single members of a JSON object.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::domain::Issue;

use super::json_numbers::{QUOTED_WORD, is_exact};
use super::raw_members::{Property, RawMembers};

/// Collects the flaws of the members of a valid JSON text, each with its dotted name.
pub(super) fn find_flaws(path: &str, text: &str, flaws: &mut Vec<Issue>) {
    if let Some(members) = members_of(text) {
        let mut seen = HashSet::new();
        for (name, value) in &members {
            let path = match path {
                "" => name.to_string(),
                outer => format!("{outer}.{name}"),
            };
            if !seen.insert(name) {
                add_flaw(flaws, &path, twice());
            }
            find_flaws(&path, value.get(), flaws);
        }
        return;
    }
    if text.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
        for item in items {
            find_flaws(path, item.get(), flaws);
        }
    } else if let Some(word) = text.strip_prefix(QUOTED_WORD) {
        add_flaw(flaws, path, no_number(word.trim_end_matches('"')));
    } else if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && !is_exact(text) {
        add_flaw(flaws, path, inexact());
    }
}

fn add_flaw(flaws: &mut Vec<Issue>, path: &str, issue: Issue) {
    let issue = issue.column(path);
    if !flaws.contains(&issue) {
        flaws.push(issue);
    }
}

/// The members of an object, or the properties of an array in the form that the API accepts.
fn members_of(text: &str) -> Option<Vec<(Cow<'_, str>, &RawValue)>> {
    if text.starts_with('{') {
        return serde_json::from_str(text).ok().map(|RawMembers(m)| m);
    }
    let properties: Vec<Property<'_>> = serde_json::from_str(text).ok()?;
    let members = properties.into_iter();
    let members = members.filter_map(|p| Some((p.property, p.value?)));
    Some(members.collect()).filter(|members: &Vec<_>| !members.is_empty())
}

fn twice() -> Issue {
    Issue::input("duplicate_member", "an object has two members of this name")
}

fn inexact() -> Issue {
    Issue::input(
        "inexact_number",
        "a number has more digits than can be stored",
    )
    .hint("write it as text, in quotes")
}

fn no_number(word: &str) -> Issue {
    if word.contains(|c: char| c.is_ascii_digit()) {
        let message = "the number is too large";
        return Issue::input("bad_number", message).hint("write it as text, in quotes");
    }
    let message = format!("the value is `{word}`, which is not a number and not valid in JSON");
    Issue::input("bad_number", message)
        .hint("write null to clear the value, or leave the member out to keep it")
}
