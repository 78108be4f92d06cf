//! Exports of contacts from other tools, recognized by the names of their columns. Used for proposals only.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::profile::ColumnProfile;
use crate::domain::{Field, text};

static EXPORTS: LazyLock<Vec<Export>> = LazyLock::new(|| {
    let file = toml::from_str(include_str!("../../data/exports.toml"));
    // A unit test guarantees that the file parses.
    file.map_or_else(|_| Vec::new(), |file: ExportFile| file.export)
});

/// `data/exports.toml`, which explains its members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportFile {
    export: Vec<Export>,
}

/// The export of one tool.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Export {
    pub(super) tool: String,
    recognized_by: Vec<Vec<String>>,
    fields: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    first_name: Vec<String>,
    #[serde(default)]
    last_name: Vec<String>,
    tags: Option<TagColumns>,
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    unused: Vec<String>,
    property_prefix: Option<String>,
    people: Option<People>,
    pub(super) hint: Option<String>,
}

/// Which rows of an export are customers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct People {
    column: String,
    #[serde(rename = "where")]
    expression: String,
    note: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TagColumns {
    columns: Vec<String>,
    separator: char,
}

/// What a column of an export holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnMeaning {
    Field(Field),
    FirstName,
    LastName,
    /// Tags, with the separator that the tool writes between them.
    Tags(char),
    /// A custom property, although its name could mean a field.
    Property,
    /// Nothing of use outside of the tool.
    Unused,
}

/// Returns the export that has these columns.
pub(super) fn recognize(columns: &[(&str, &ColumnProfile)]) -> Option<&'static Export> {
    let names: Vec<String> = columns.iter().map(|(name, _)| fold(name)).collect();
    let has = |name: &String| names.contains(&fold(name));
    EXPORTS
        .iter()
        .find(|export| export.recognized_by.iter().all(|any| any.iter().any(has)))
}

impl Export {
    /// Returns what a column holds, or `None` if the export does not list it.
    pub(super) fn meaning(&self, column: &str) -> Option<ColumnMeaning> {
        let name = fold(column);
        let is_in = |columns: &[String]| columns.iter().any(|column| fold(column) == name);
        let field = self.fields.iter().find(|(_, columns)| is_in(columns));
        if let Some((field, _)) = field {
            return Field::from_name(field).map(ColumnMeaning::Field);
        }
        match &self.tags {
            Some(tags) if is_in(&tags.columns) => Some(ColumnMeaning::Tags(tags.separator)),
            _ if is_in(&self.first_name) => Some(ColumnMeaning::FirstName),
            _ if is_in(&self.last_name) => Some(ColumnMeaning::LastName),
            _ if is_in(&self.properties) => Some(ColumnMeaning::Property),
            _ if is_in(&self.unused) => Some(ColumnMeaning::Unused),
            _ => None,
        }
    }

    /// The input's columns that may hold a field: in the order of the export, but filled ones first.
    pub(super) fn field_columns<'a>(
        &self,
        field: Field,
        columns: &[(&'a str, &'a ColumnProfile)],
    ) -> Vec<&'a str> {
        let names = self.fields.get(field.name());
        ordered(names.map_or(&[], Vec::as_slice), columns)
    }

    /// The columns of the first and of the last name, if the input has both.
    pub(super) fn name_parts<'a>(
        &self,
        columns: &[(&'a str, &'a ColumnProfile)],
    ) -> Option<(&'a str, &'a str)> {
        let first = ordered(&self.first_name, columns).first().copied();
        first.zip(ordered(&self.last_name, columns).first().copied())
    }

    /// The line of `[rows]` that leaves out rows which are no customers.
    pub(super) fn where_line(&self, columns: &[(&str, &ColumnProfile)]) -> Option<String> {
        let people = self.people.as_ref()?;
        let has_column = columns.iter().any(|(name, _)| *name == people.column);
        let People {
            expression, note, ..
        } = people;
        has_column.then(|| format!("where = {expression:?}   # {note}"))
    }

    /// Returns the name of the custom property that a column holds, if its name says so.
    pub(super) fn property<'a>(&self, column: &'a str) -> Option<&'a str> {
        let name = column.strip_prefix(self.property_prefix.as_ref()?)?;
        (!name.trim().is_empty()).then_some(name)
    }
}

/// A known export whose columns a run without a config leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmappedExport {
    pub tool: &'static str,
    /// Columns that a proposed config would use, those of consent first.
    pub lost: Vec<String>,
    /// Of these, columns that say that somebody does not want to be written to.
    pub consent: Vec<String>,
}

/// Returns the export that has these columns, if some of its columns are among the `unused` ones.
#[must_use]
pub fn unmapped_export(columns: &[String], unused: &[String]) -> Option<UnmappedExport> {
    let profile = ColumnProfile::default();
    let named: Vec<_> = columns
        .iter()
        .map(|name| (name.as_str(), &profile))
        .collect();
    let export = recognize(&named)?;
    let meaning = |name: &String| export.meaning(name);
    let lost = unused.iter();
    let mut lost: Vec<String> = lost
        .filter(|name| meaning(name) != Some(ColumnMeaning::Unused))
        .cloned()
        .collect();
    let is_consent = |name: &String| {
        let consent = [Field::Unsubscribed, Field::Blocked].map(ColumnMeaning::Field);
        meaning(name).is_some_and(|meaning| consent.contains(&meaning))
    };
    lost.sort_by_key(|name| !is_consent(name));
    let consent = lost.iter().filter(|name| is_consent(name)).cloned();
    (!lost.is_empty()).then(|| UnmappedExport {
        tool: &export.tool,
        consent: consent.collect(),
        lost: lost.clone(),
    })
}

/// The columns with these names, in the order of the names, but filled ones first.
fn ordered<'a>(names: &[String], columns: &[(&'a str, &'a ColumnProfile)]) -> Vec<&'a str> {
    let column = |name: &String| {
        let name = fold(name);
        columns.iter().find(|(column, _)| fold(column) == name)
    };
    let mut found: Vec<_> = names.iter().filter_map(column).collect();
    found.sort_by_key(|(_, profile)| profile.filled() == 0);
    found.into_iter().map(|(name, _)| *name).collect()
}

/// Letters and digits in lower case, without what stands in brackets.
fn fold(name: &str) -> String {
    text::fold(name.split('(').next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_parses_and_names_only_fields_of_the_api() {
        let file: ExportFile = toml::from_str(include_str!("../../data/exports.toml")).unwrap();
        assert_eq!(file.export.len(), EXPORTS.len());
        for export in &file.export {
            for field in export.fields.keys() {
                assert!(Field::from_name(field).is_some(), "{field}");
            }
        }
    }

    fn tool(header: &str) -> Option<&'static str> {
        let profile = ColumnProfile::default();
        let columns: Vec<_> = header.split(',').map(|name| (name, &profile)).collect();
        recognize(&columns).map(|export| export.tool.as_str())
    }

    #[test]
    fn exports_are_known_by_their_headers_and_others_are_not() {
        for (header, known) in [
            (
                "Name,Email,User ID,Signed up (GMT +2),Last seen (GMT +2),Web sessions",
                Some("Intercom"),
            ),
            (
                "id,name,email,created_at,time_zone,role,external_id,tags",
                Some("Zendesk"),
            ),
            (
                "Record ID,First Name,Last Name,Email,Lifecycle Stage,Create Date",
                Some("HubSpot"),
            ),
            (
                "Full name,Email,Work phone,Mobile phone,Twitter,Company",
                Some("Freshdesk"),
            ),
            ("email,nickname,phone,segments", Some("Crisp")),
            (
                "Contact ID,First Name,Last Name,Account Name,Email,Lead Source",
                Some("Salesforce"),
            ),
            (
                "Id,IsDeleted,AccountId,LastName,FirstName,Email,CreatedDate",
                Some("Salesforce"),
            ),
            ("id,email,name,created_at", None),
            ("User ID,Email,Full name,Phone,Tags", None),
            ("Kundennummer,E-Mail,Vorname,Nachname", None),
        ] {
            assert_eq!(tool(header), known, "{header}");
        }
    }

    #[test]
    fn what_a_run_without_a_config_loses_of_an_export_is_known_consent_first() {
        let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let columns = owned(&[
            "id",
            "locale_id",
            "email",
            "time_zone",
            "role",
            "external_id",
            "suspended",
        ]);
        let unused = owned(&["id", "locale_id", "time_zone", "suspended"]);
        let lost = unmapped_export(&columns, &unused).unwrap();
        assert_eq!(lost.tool, "Zendesk");
        assert_eq!(lost.lost, ["suspended", "id", "time_zone"]);
        assert_eq!(lost.consent, ["suspended"]);
        assert_eq!(unmapped_export(&columns, &owned(&["locale_id"])), None);
        assert_eq!(
            unmapped_export(&owned(&["email", "plan"]), &owned(&["plan"])),
            None
        );
    }

    #[test]
    fn no_export_gives_one_column_two_meanings() {
        for export in EXPORTS.iter() {
            let tags = export.tags.iter().flat_map(|tags| &tags.columns);
            let mut names: Vec<_> = export
                .fields
                .values()
                .flatten()
                .chain(&export.first_name)
                .chain(&export.last_name)
                .chain(&export.properties)
                .chain(&export.unused)
                .chain(tags)
                .map(|name| fold(name))
                .collect();
            let count = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), count, "{}", export.tool);
        }
    }
}
