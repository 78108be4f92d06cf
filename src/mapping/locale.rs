use std::collections::HashMap;
use std::sync::LazyLock;

use isolang::Language;

use super::given::Scalar;
use super::problem::Problem;

/// A language as the API wants it (ISO 639-1, documented), from a two- or three-letter code, a language tag such
/// as `uk-UA` or `en_US.UTF-8`, or the language's name in English or in itself.
pub(super) fn read(scalar: &Scalar<'_>) -> Result<String, Problem> {
    let text = match scalar {
        Scalar::Text(text) | Scalar::Native(text) => text.trim(),
        Scalar::Number(_) | Scalar::Bool(_) => return Err(refused()),
    };
    of_code(text)
        .or_else(|| of_name(text))
        .map(str::to_owned)
        .ok_or_else(refused)
}

/// `Chinese (Simplified)` is Chinese: the two letters say no more than that.
fn of_name(text: &str) -> Option<&'static str> {
    let name = text.split('(').next().unwrap_or(text).trim();
    NAMES.get(&name.to_lowercase()).copied().flatten()
}

fn refused() -> Problem {
    Problem::new("bad_locale", "is not a language code").advice(
        "a two-letter ISO 639-1 code such as uk; other spellings can be translated with `map`",
    )
}

fn of_code(text: &str) -> Option<&'static str> {
    let tag = text.split(['.', '@']).next()?;
    let mut subtags = tag.split(['-', '_']);
    let language = subtags.next()?.to_ascii_lowercase();
    let well_formed = |subtag: &str| {
        (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if !subtags.all(well_formed) {
        return None;
    }
    match language.len() {
        2 => Language::from_639_1(&language)?.to_639_1(),
        3 => Language::from_639_3(&language)?.to_639_1(),
        _ => None,
    }
}

/// Names in lower case, English ones and the languages' own; nothing under a name that two languages with a
/// two-letter code share.
static NAMES: LazyLock<HashMap<String, Option<&'static str>>> = LazyLock::new(|| {
    let mut names: HashMap<String, Option<&'static str>> = HashMap::new();
    for language in Language::match_names(|_| true) {
        let Some(code) = language.to_639_1() else {
            continue;
        };
        for name in [Some(language.to_name()), language.to_autonym()] {
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                continue;
            };
            names
                .entry(name.to_lowercase())
                .and_modify(|known| *known = known.filter(|known| *known == code))
                .or_insert(Some(code));
        }
    }
    names
});

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    fn locale(text: &str) -> Option<String> {
        read(&Scalar::Text(Cow::Borrowed(text))).ok()
    }

    #[test]
    fn codes_tags_and_names_become_two_letters() {
        for (cell, code) in [
            ("uk", "uk"),
            (" EN ", "en"),
            ("uk-UA", "uk"),
            ("en_US", "en"),
            ("en_US.UTF-8", "en"),
            ("zh-Hans-CN", "zh"),
            ("ukr", "uk"),
            ("deu", "de"),
            ("ukrainian", "uk"),
            ("English", "en"),
            ("German", "de"),
            ("Swahili", "sw"),
            ("Deutsch", "de"),
            ("Chinese (Simplified)", "zh"),
            ("English (United Kingdom)", "en"),
            ("Українська", "uk"),
            ("français", "fr"),
        ] {
            assert_eq!(locale(cell).as_deref(), Some(code), "{cell}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for cell in [
            "xx",
            "ua",
            "und",
            "cmn",
            "uk UA",
            "uk-",
            "Klingonish",
            "12",
            "u",
            "ук",
        ] {
            assert_eq!(locale(cell), None, "{cell}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_two_lower_case_letters(cell in r"\PC{0,12}|[a-zA-Z]{2,3}([-_][a-zA-Z]{2})?") {
            if let Some(code) = locale(&cell) {
                prop_assert_eq!(code.len(), 2);
                prop_assert!(code.bytes().all(|b| b.is_ascii_lowercase()));
                prop_assert_eq!(locale(&code), Some(code.clone()));
            }
        }
    }
}
