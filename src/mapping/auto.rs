use super::schema_error::SchemaError;
use super::slot::{Inputs, Slot};
use crate::domain::{Field, is_invisible};

/// Beginnings of a column's name behind which a property's name stands.
const PROPERTY_PREFIXES: [&str; 2] = ["customdata", "custom"];

/// A name without what spreadsheets and programmers write differently: case, spaces, `_` and `-`, and what cannot be seen.
pub(super) fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !is_invisible(*c) && !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The columns whose names match the API's fields. `id` is none of them: that a file has a column `id` does not
/// mean that it holds HelpCrunch's.
pub(super) fn fields(inputs: Inputs<'_>) -> Result<Vec<(Field, Slot)>, SchemaError> {
    let mut found = Vec::new();
    for field in Field::ALL {
        let name = folded(field.name());
        if let Some(slot) = inputs.matching(field.name(), |column| folded(column) == name)? {
            found.push((field, slot));
        }
    }
    Ok(found)
}

/// The columns `customData.NAME` and `custom.NAME`, with NAME as it is written.
pub(super) fn properties(inputs: Inputs<'_>) -> Result<Vec<(String, Slot)>, SchemaError> {
    inputs.grouped(property, |name| format!("customData.{name}"))
}

pub(super) fn property(column: &str) -> Option<&str> {
    let (prefix, name) = column.split_once('.')?;
    let known = PROPERTY_PREFIXES.contains(&folded(prefix).as_str());
    (known && !name.trim().is_empty()).then_some(name)
}

/// The column `tags`.
pub(super) fn tags(inputs: Inputs<'_>) -> Result<Option<Slot>, SchemaError> {
    inputs.matching("tags", |column| folded(column) == "tags")
}

#[cfg(test)]
mod tests {
    use super::super::slot::Index;
    use super::*;
    use crate::domain::Columns;

    fn columns(names: &[&str]) -> Columns {
        Columns::new(names.iter().map(|&n| n.to_owned()).collect())
    }

    #[test]
    fn names_match_fields_however_they_are_written() {
        let columns = columns(&[
            "E-mail",
            "User ID",
            "first_seen",
            "LASTPAGE",
            "N\u{200b}ame\u{a0}",
            "id",
            "Id",
            "Emails",
        ]);
        let found = fields(Inputs(&Index::new(&[&columns]))).unwrap();
        let found: Vec<_> = found.iter().map(|(f, s)| (f.name(), s.label())).collect();
        let expected = [
            ("name", "N\u{200b}ame\u{a0}"),
            ("email", "E-mail"),
            ("userId", "User ID"),
            ("firstSeen", "first_seen"),
            ("lastPage", "LASTPAGE"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn two_columns_of_one_input_for_one_field_are_an_error() {
        let twice = columns(&["email", "E-mail"]);
        let error = fields(Inputs(&Index::new(&[&twice])))
            .unwrap_err()
            .to_string();
        assert!(error.contains("`email` and `E-mail`"), "{error}");
        let both = columns(&["customData.plan", "custom.plan"]);
        assert!(properties(Inputs(&Index::new(&[&both]))).is_err());
        let (one, other) = (columns(&["email"]), columns(&["E-mail"]));
        assert_eq!(
            fields(Inputs(&Index::new(&[&one, &other]))).unwrap().len(),
            1
        );
    }

    #[test]
    fn property_names_stay_as_written() {
        let columns = columns(&[
            "customData.Last Plan",
            "custom.a.b",
            "Custom.X",
            "custom.",
            "customs.y",
        ]);
        let found = properties(Inputs(&Index::new(&[&columns]))).unwrap();
        let found: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(found, ["Last Plan", "a.b", "X"]);
    }
}
