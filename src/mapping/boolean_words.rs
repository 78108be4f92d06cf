//! Words for yes and no that exports write in other languages. Used for proposals only.

use std::collections::BTreeSet;

use super::boolean;
use super::source_value::Scalar;

/// No word is in both lists: where languages contradict each other, neither is listed.
const YES: [&str; 13] = [
    "ja", "oui", "sí", "si", "sim", "sì", "tak", "так", "да", "ano", "igen", "evet", "kyllä",
];
const NO: [&str; 13] = [
    "nein", "non", "não", "nao", "nie", "ні", "нет", "ne", "nem", "hayır", "ei", "nej", "nee",
];

/// The words that all cells of a column consist of.
#[derive(Debug, Clone, Default)]
pub(super) struct BooleanWordSurvey {
    /// Some cell is neither true nor false in any language.
    has_others: bool,
    yes: BTreeSet<&'static str>,
    no: BTreeSet<&'static str>,
}

impl BooleanWordSurvey {
    pub(super) fn see(&mut self, scalar: &Scalar<'_>) {
        if self.has_others || boolean::read(scalar).is_ok() {
            return;
        }
        let text = scalar.to_text().trim().to_lowercase();
        let is = |word: &&&str| **word == text;
        match (YES.iter().find(is), NO.iter().find(is)) {
            (Some(word), _) => {
                self.yes.insert(word);
            }
            (_, Some(word)) => {
                self.no.insert(word);
            }
            (None, None) => self.has_others = true,
        }
    }

    /// The words for yes and for no, if every cell is one of them or true or false. They are none if no cell needs them.
    pub(super) fn words(&self) -> Option<[Vec<&'static str>; 2]> {
        let list = |words: &BTreeSet<&'static str>| words.iter().copied().collect();
        (!self.has_others).then(|| [list(&self.yes), list(&self.no)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_means_both() {
        assert!(YES.iter().all(|word| !NO.contains(word)));
    }
}
