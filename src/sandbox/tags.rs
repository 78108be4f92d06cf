//! The account's tags: a name has one colour, whoever carries it.

use std::collections::HashMap;

use super::quirks::{Case, Quirks, TagColour};

/// The colour of a tag that was made without one. Documented.
const DEFAULT_COLOUR: &str = "#c377e0";

/// A tag as a write names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedTag {
    pub(super) name: String,
    pub(super) colour: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct TagBook {
    tags: Vec<(String, String)>,
    exact: HashMap<String, usize>,
    folded: HashMap<String, usize>,
}

impl TagBook {
    /// Finds the tag, or makes it for the whole account.
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

    /// Name and colour.
    pub(super) fn get(&self, number: usize) -> Option<(&str, &str)> {
        self.tags
            .get(number)
            .map(|(name, colour)| (name.as_str(), colour.as_str()))
    }

    /// Every tag of the account, in the order in which they were made.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags
            .iter()
            .map(|(name, colour)| (name.as_str(), colour.as_str()))
    }
}
