//! The account's tags. A tag has the same colour for all customers.

use std::collections::HashMap;

use super::quirks::{Case, Quirks, TagColour};

/// The colour of a tag that was created without one. Documented.
const DEFAULT_COLOUR: &str = "#c377e0";

/// A tag as a write names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedTag {
    pub(super) name: String,
    pub(super) colour: Option<String>,
}

/// The account's tags, numbered in the order of their creation.
#[derive(Debug, Default)]
pub(super) struct TagBook {
    tags: Vec<(String, String)>,
    exact: HashMap<String, usize>,
    folded: HashMap<String, usize>,
}

impl TagBook {
    /// Returns the number of the tag, creating it if the account does not have it.
    pub(super) fn ensure(&mut self, tag: &NamedTag, quirks: &Quirks) -> usize {
        if let Some(number) = self.find(&tag.name, quirks) {
            if let (TagColour::Latest, Some(colour), Some(known)) =
                (quirks.tag_colour, &tag.colour, self.tags.get_mut(number))
            {
                known.1.clone_from(colour);
            }
            return number;
        }
        let number = self.tags.len();
        let colour = tag.colour.as_deref().unwrap_or(DEFAULT_COLOUR);
        self.tags.push((tag.name.clone(), colour.to_owned()));
        self.exact.insert(tag.name.clone(), number);
        self.folded.entry(tag.name.to_lowercase()).or_insert(number);
        number
    }

    pub(super) fn find(&self, name: &str, quirks: &Quirks) -> Option<usize> {
        match quirks.tag_names {
            Case::Sensitive => self.exact.get(name).copied(),
            Case::Insensitive => self.folded.get(&name.to_lowercase()).copied(),
        }
    }

    /// Returns name and colour of a tag.
    pub(super) fn get(&self, number: usize) -> Option<(&str, &str)> {
        self.tags
            .get(number)
            .map(|(name, colour)| (name.as_str(), colour.as_str()))
    }

    /// Returns name and colour of all tags in the order of their creation.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags
            .iter()
            .map(|(name, colour)| (name.as_str(), colour.as_str()))
    }
}
