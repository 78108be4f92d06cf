//! Odd inputs, each with what has to come of it, run through the real binary; and the table of them in
//! `docs/odd-inputs.md`, which is written from what was seen.
//!
//! A new one is a [`case::Case`] in the file of its theme. `HCSYNC_WRITE_DOCS=1 cargo test --test odd_inputs` writes the page again.

#[cfg(test)]
mod case;
#[cfg(test)]
mod page;
#[cfg(test)]
mod runner;
#[cfg(test)]
#[path = "../support/server.rs"]
mod served;
#[cfg(test)]
mod workbook;

#[cfg(test)]
mod csv_spectrum;
#[cfg(test)]
mod naughty;

#[cfg(test)]
mod blanks;
#[cfg(test)]
mod contacts;
#[cfg(test)]
mod damaged;
#[cfg(test)]
mod dialects;
#[cfg(test)]
mod encodings;
#[cfg(test)]
mod identifiers;
#[cfg(test)]
mod json;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod packing;
#[cfg(test)]
mod quoting;
#[cfg(test)]
mod shape;
#[cfg(test)]
mod tag_cells;
#[cfg(test)]
mod values;
#[cfg(test)]
mod xlsx;

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use crate::case::Case;
    use crate::page::{Section, path, table, with_table};
    use crate::runner::{Outcome, check, differences, run};
    use crate::{
        blanks, contacts, damaged, dialects, encodings, identifiers, json, keys, packing, quoting,
        shape, tag_cells, values, xlsx,
    };

    struct Theme {
        title: &'static str,
        cases: fn() -> Vec<Case>,
        run: OnceLock<Vec<(Case, Outcome)>>,
    }

    impl Theme {
        const fn new(title: &'static str, cases: fn() -> Vec<Case>) -> Self {
            let run = OnceLock::new();
            Self { title, cases, run }
        }

        /// Each is run once, whichever test comes first.
        fn entries(&self) -> &[(Case, Outcome)] {
            self.run.get_or_init(|| {
                let each = (self.cases)().into_iter();
                each.map(|case| {
                    let outcome = run(&case);
                    (case, outcome)
                })
                .collect()
            })
        }

        #[track_caller]
        fn holds(&self) {
            let entries = self.entries().iter();
            let wrong: Vec<_> = entries
                .filter_map(|(case, outcome)| differences(case, outcome))
                .collect();
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        }
    }

    static THEMES: [Theme; 14] = [
        Theme::new("Encodings", encodings::cases),
        Theme::new("Packed files", packing::cases),
        Theme::new("Delimiters, headers and line ends", dialects::cases),
        Theme::new("Quotes", quoting::cases),
        Theme::new("Shape and size", shape::cases),
        Theme::new("JSON", json::cases),
        Theme::new("Workbooks", xlsx::cases),
        Theme::new("Values", values::cases),
        Theme::new("Keys and duplicates", keys::cases),
        Theme::new("Wrong and damaged files", damaged::cases),
        Theme::new("Damaged ids, e-mails and phones", identifiers::cases),
        Theme::new("Lists of tags in a cell", tag_cells::cases),
        Theme::new("Phone numbers, e-mails and languages", contacts::cases),
        Theme::new("Blanks, titles and missing delimiters", blanks::cases),
    ];

    #[test]
    fn encodings() {
        THEMES[0].holds();
    }

    #[test]
    fn packed_files() {
        THEMES[1].holds();
    }

    #[test]
    fn delimiters_headers_and_line_ends() {
        THEMES[2].holds();
    }

    #[test]
    fn quotes() {
        THEMES[3].holds();
    }

    #[test]
    fn shape_and_size() {
        THEMES[4].holds();
    }

    #[test]
    fn json() {
        THEMES[5].holds();
    }

    #[test]
    fn workbooks() {
        THEMES[6].holds();
    }

    #[test]
    fn values() {
        THEMES[7].holds();
    }

    #[test]
    fn keys_and_duplicates() {
        THEMES[8].holds();
    }

    #[test]
    fn wrong_and_damaged_files() {
        THEMES[9].holds();
    }

    /// A plan against an account without customers needs no more than a check has.
    #[test]
    fn a_check_says_what_a_plan_says() {
        let entries = THEMES.iter().flat_map(|theme| theme.entries());
        let entries = entries.filter(|(case, _)| case.remote.is_empty());
        for (case, planned) in entries {
            let (code, causes) = check(case);
            assert_eq!(
                (code, &causes),
                (planned.code, &planned.causes),
                "{}",
                case.input
            );
        }
    }

    #[test]
    fn damaged_ids_emails_and_phones() {
        THEMES[10].holds();
    }

    #[test]
    fn lists_of_tags_in_a_cell() {
        THEMES[11].holds();
    }

    #[test]
    fn phone_numbers_emails_and_languages() {
        THEMES[12].holds();
    }

    #[test]
    fn blanks_titles_and_missing_delimiters() {
        THEMES[13].holds();
    }

    #[test]
    fn the_page_tells_what_was_seen() {
        let sections: Vec<_> = THEMES
            .iter()
            .map(|theme| Section {
                title: theme.title,
                entries: theme
                    .entries()
                    .iter()
                    .map(|(case, outcome)| (case, outcome))
                    .collect(),
            })
            .collect();
        assert!(
            sections
                .iter()
                .map(|section| section.entries.len())
                .sum::<usize>()
                >= 80
        );
        let page = std::fs::read_to_string(path()).unwrap();
        let wanted = with_table(&page, &table(&sections));
        if std::env::var_os("HCSYNC_WRITE_DOCS").is_some() {
            std::fs::write(path(), &wanted).unwrap();
            return;
        }
        let differ = page
            .lines()
            .zip(wanted.lines())
            .find(|(there, wanted)| there != wanted);
        assert!(
            page == wanted,
            "docs/odd-inputs.md is not what was seen; first difference:\n{differ:#?}\n\
             if that is meant: HCSYNC_WRITE_DOCS=1 cargo test --test odd_inputs"
        );
    }
}
