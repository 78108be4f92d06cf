//! Counts by name for the preview, and what is conspicuous about new names and types.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::text::nearest;
use crate::domain::{KindCounts, PropertyKind};

use super::{NewName, TypeChange};

/// Further distinct names are not counted: a longer preview would not be read.
pub(super) const MAX_NAMES: usize = 10_000;
/// Of the new names, the most frequent ones that others are compared with.
const MAX_COMPARED: usize = 500;
/// Type changes of one property: to each of three kinds, from either of the others.
const MAX_TYPE_CHANGES: usize = 9;

/// Names of tags and properties that customers have already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownNames {
    pub tags: BTreeSet<String>,
    pub properties: BTreeMap<String, KindCounts>,
}

impl KnownNames {
    /// The kind of value that most customers have in a property, or `None` if there is no majority.
    pub fn kind_of(&self, property: &str) -> Option<PropertyKind> {
        self.properties.get(property)?.majority()
    }
}

/// A property whose value changes: its name, the old kind if it had a value, and the new kind.
pub(super) type KindChange = (String, Option<PropertyKind>, PropertyKind);

pub(super) fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    if let Some(count) = counts.get_mut(name) {
        *count += 1;
    } else if counts.len() < MAX_NAMES {
        counts.insert(name.to_owned(), 1);
    }
}

/// Sorts names by their counts, the most frequent first.
pub fn by_count(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    // The map is sorted by name, and the sort is stable.
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts
}

/// Returns the names that no customer has yet, those that may be typing errors first.
pub(super) fn new_names<'a, K>(mut counts: BTreeMap<String, u64>, known: K) -> Vec<NewName>
where
    K: Iterator<Item = &'a String> + Clone,
{
    known.clone().for_each(|name| {
        counts.remove(name);
    });
    let new = by_count(counts);
    let near = |at: usize, name: &str| {
        // Of two new names that are near each other, the rarer one is the likelier error.
        let more_frequent = new.iter().take(at.min(MAX_COMPARED)).map(|(name, _)| name);
        let near = nearest(name, known.clone().map(String::as_str));
        near.or_else(|| nearest(name, more_frequent.map(String::as_str)))
            .map(str::to_owned)
    };
    let names = new
        .iter()
        .enumerate()
        .map(|(at, (name, customers))| NewName {
            near: near(at, name),
            name: name.clone(),
            customers: *customers,
        });
    let mut names: Vec<_> = names.collect();
    names.sort_by_key(|new| (new.near.is_none(), Reverse(new.customers)));
    names
}

/// Returns the properties of which customers get a value of another kind than they have or, having none, than most others
/// have.
pub(super) fn type_changes(
    kinds: BTreeMap<KindChange, u64>,
    known: &KnownNames,
) -> Vec<TypeChange> {
    let mut changes: Vec<TypeChange> = Vec::new();
    for ((property, old, to), customers) in kinds {
        let old = old.or_else(|| known.kind_of(&property));
        let Some(from) = old.filter(|from| *from != to) else {
            continue;
        };
        // The map is sorted by property, so the changes of one are next to each other.
        let is_same = |c: &&mut TypeChange| c.property == property && (c.from, c.to) == (from, to);
        let latest = changes.iter_mut().rev().take(MAX_TYPE_CHANGES);
        match latest.into_iter().find(is_same) {
            Some(change) => change.customers += customers,
            None => changes.push(TypeChange {
                property,
                from,
                to,
                customers,
            }),
        }
    }
    changes.sort_by_key(|change| Reverse(change.customers));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_names_show_the_more_frequent_one_that_they_are_near() {
        let counts = [("Leads", 2), ("lead", 40), ("trial", 7), ("Lead", 2)];
        let counts = counts.map(|(name, count)| (name.to_owned(), count));
        let names = new_names(counts.into(), BTreeSet::new().iter());
        let shown: Vec<_> = names
            .iter()
            .map(|new| (new.name.as_str(), new.near.as_deref()))
            .collect();
        let expected = [
            ("Lead", Some("lead")),
            ("Leads", Some("lead")),
            ("lead", None),
            ("trial", None),
        ];
        assert_eq!(shown, expected);
    }
}
