//! What people call the API's fields in the headers of their files. Used for proposals only: a sync takes a column for a
//! field only if the column has the field's own name.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::domain::Field;
use crate::domain::text::fold;

static SYNONYMS: LazyLock<Synonyms> = LazyLock::new(|| {
    // A unit test guarantees that the file parses.
    parse(include_str!("../../data/synonyms.toml")).unwrap_or_default()
});

/// `data/synonyms.toml` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SynonymFile {
    fields: BTreeMap<String, Vec<String>>,
    first_name: HashSet<String>,
    last_name: HashSet<String>,
    tags: HashSet<String>,
}

/// All names [folded](fold).
#[derive(Debug, Default)]
struct Synonyms {
    fields: HashMap<String, Field>,
    first_name: HashSet<String>,
    last_name: HashSet<String>,
    tags: HashSet<String>,
}

/// Members of the API's customers that cannot be written (documented).
const READ_ONLY: [&str; 4] = ["createdFrom", "integrationId", "location", "device"];

fn parse(text: &str) -> Result<Synonyms, toml::de::Error> {
    let file: SynonymFile = toml::from_str(text)?;
    let folded = |names: HashSet<String>| names.iter().map(|name| fold(name)).collect();
    let fields = file.fields.iter().flat_map(|(field, names)| {
        let field = Field::from_name(field);
        names
            .iter()
            .filter_map(move |name| Some((fold(name), field?)))
    });
    Ok(Synonyms {
        fields: fields.collect(),
        first_name: folded(file.first_name),
        last_name: folded(file.last_name),
        tags: folded(file.tags),
    })
}

/// Returns the field that a column of this name usually holds.
pub(super) fn field(column: &str) -> Option<Field> {
    SYNONYMS.fields.get(&fold(column)).copied()
}

pub(super) fn is_first_name(column: &str) -> bool {
    SYNONYMS.first_name.contains(&fold(column))
}

pub(super) fn is_last_name(column: &str) -> bool {
    SYNONYMS.last_name.contains(&fold(column))
}

pub(super) fn is_tags(column: &str) -> bool {
    SYNONYMS.tags.contains(&fold(column))
}

/// Whether a column, such as `location.city`, is one of the members that cannot be written.
pub(super) fn is_read_only(column: &str) -> bool {
    let member = column.split('.').next().unwrap_or(column);
    READ_ONLY.contains(&member)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_parses_and_names_only_fields_of_the_api() {
        let text = include_str!("../../data/synonyms.toml");
        parse(text).unwrap();
        let file: SynonymFile = toml::from_str(text).unwrap();
        for field in file.fields.keys() {
            assert!(Field::from_name(field).is_some(), "{field}");
        }
    }

    #[test]
    fn every_field_is_known_by_its_own_name_and_no_name_stands_for_two() {
        for field in Field::ALL {
            assert_eq!(super::field(field.name()), Some(field));
        }
        let file: SynonymFile = toml::from_str(include_str!("../../data/synonyms.toml")).unwrap();
        let mut names: Vec<_> = file.fields.values().flatten().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(SYNONYMS.fields.len(), count);
    }

    #[test]
    fn spelling_does_not_matter() {
        for (column, field) in [
            ("E-mail", Field::Email),
            ("Email Address:", Field::Email),
            ("Full name", Field::Name),
            ("MOBILE", Field::Phone),
            ("Company name", Field::Company),
            ("Created at", Field::FirstSeen),
            ("Signed up", Field::FirstSeen),
            ("Language", Field::Locale),
            ("User ID", Field::UserId),
            ("External_ID", Field::UserId),
            ("Kunden-Nr.", Field::UserId),
            ("Ідентифікатор", Field::UserId),
            ("Letzter Besuch", Field::LastSeen),
            ("Dernière visite", Field::LastSeen),
            ("Електронна пошта", Field::Email),
            ("Дата реєстрації", Field::FirstSeen),
            ("Téléphone", Field::Phone),
            ("Newsletter abbestellt", Field::Unsubscribed),
        ] {
            assert_eq!(super::field(column), Some(field), "{column}");
        }
        for none in ["id", "ID", "Plan", "", "Vorname"] {
            assert_eq!(field(none), None, "{none}");
        }
        assert!(is_first_name("First Name") && is_last_name("Nachname") && is_tags("Tags"));
        assert!(is_tags("Schlagwort"));
        assert!(is_read_only("location.city") && !is_read_only("Location"));
    }
}
