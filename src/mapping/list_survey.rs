use std::collections::HashSet;

/// More distinct items are no tags.
const MAX_ITEMS: usize = 200;
/// Longer items, in bytes, are no tags.
const MAX_ITEM: usize = 60;
/// Each item occurs this often on average, at least.
const MIN_REPEATS: u64 = 2;

/// Whether the cells of a column look like lists of tags: short items of a few kinds, several in a cell.
#[derive(Debug, Clone, Default)]
pub(super) struct ListSurvey {
    is_excluded: bool,
    items: HashSet<String>,
    count: u64,
    /// Cells with several items.
    lists: u64,
}

impl ListSurvey {
    /// Takes in a cell. Its first separator of `separators` separates the items.
    pub(super) fn see(&mut self, text: &str, separators: &[char]) {
        if self.is_excluded {
            return;
        }
        let separator = separators
            .iter()
            .find(|separator| text.contains(**separator));
        let whole = std::iter::once(text);
        match separator {
            Some(separator) => {
                self.lists += 1;
                text.split(*separator).for_each(|item| self.add(item));
            }
            None => whole.for_each(|item| self.add(item)),
        }
        if self.items.len() > MAX_ITEMS {
            self.exclude();
        }
    }

    fn add(&mut self, item: &str) {
        let item = item.trim();
        if item.len() > MAX_ITEM {
            return self.exclude();
        }
        self.count += 1;
        if !self.items.contains(item) {
            self.items.insert(item.to_owned());
        }
    }

    fn exclude(&mut self) {
        self.is_excluded = true;
        self.items = HashSet::new();
    }

    pub(super) fn are_tags(&self) -> bool {
        !self.is_excluded && self.lists >= 2 && self.count >= self.items.len() as u64 * MIN_REPEATS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_tags(cells: &[&str]) -> bool {
        let mut survey = ListSurvey::default();
        cells.iter().for_each(|cell| survey.see(cell, &[';', ',']));
        survey.are_tags()
    }

    #[test]
    fn lists_of_few_short_items_are_tags() {
        assert!(are_tags(&["vip, beta", "vip", "beta, vip", "beta"]));
        assert!(!are_tags(&["vip", "vip", "beta", "beta"]), "no lists");
        assert!(
            !are_tags(&["Berlin, 1", "Paris, 2", "Rome, 3"]),
            "each item once"
        );
        let long = format!("{}, x", "a sentence without a comma ".repeat(4));
        assert!(!are_tags(&[&long, &long, &long]));
    }
}
