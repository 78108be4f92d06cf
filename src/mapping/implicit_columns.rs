use super::column_binding::{ColumnBinding, InputColumns};
use super::schema_error::SchemaError;
use crate::domain::{Field, is_invisible};

/// What stands before the dot in the name of a property's column: `customData.plan`.
const PROPERTY_PREFIXES: [&str; 2] = ["customdata", "custom"];

/// A name in lower case without white space, invisible characters, `_` and `-`.
pub(super) fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !is_invisible(*c) && !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The columns whose names match the API's fields. `id` is not among them: a file's own column `id` seldom holds
/// HelpCrunch's ids.
pub(super) fn fields(inputs: InputColumns<'_>) -> Result<Vec<(Field, ColumnBinding)>, SchemaError> {
    let mut fields = Vec::new();
    for field in Field::ALL {
        let name = folded(field.name());
        if let Some(binding) = inputs.matching(field.name(), |column| folded(column) == name)? {
            fields.push((field, binding));
        }
    }
    Ok(fields)
}

/// The columns `customData.NAME` and `custom.NAME`, each with its NAME.
pub(super) fn properties(
    inputs: InputColumns<'_>,
) -> Result<Vec<(String, ColumnBinding)>, SchemaError> {
    inputs.grouped(property, |name| format!("customData.{name}"))
}

/// Returns the NAME of a column `customData.NAME` or `custom.NAME`.
pub(super) fn property(column: &str) -> Option<&str> {
    let (prefix, name) = column.split_once('.')?;
    let is_property = PROPERTY_PREFIXES.contains(&folded(prefix).as_str());
    (is_property && !name.trim().is_empty()).then_some(name)
}

/// The column `tags`.
pub(super) fn tags(inputs: InputColumns<'_>) -> Result<Option<ColumnBinding>, SchemaError> {
    inputs.matching("tags", |column| folded(column) == "tags")
}

#[cfg(test)]
mod tests {
    use super::super::column_binding::ColumnIndex;
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
        let found = fields(InputColumns(&ColumnIndex::new(&[&columns]))).unwrap();
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
        let error = fields(InputColumns(&ColumnIndex::new(&[&twice])))
            .unwrap_err()
            .to_string();
        assert!(error.contains("`email` and `E-mail`"), "{error}");
        let both = columns(&["customData.plan", "custom.plan"]);
        assert!(properties(InputColumns(&ColumnIndex::new(&[&both]))).is_err());
        let (one, other) = (columns(&["email"]), columns(&["E-mail"]));
        assert_eq!(
            fields(InputColumns(&ColumnIndex::new(&[&one, &other])))
                .unwrap()
                .len(),
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
        let found = properties(InputColumns(&ColumnIndex::new(&[&columns]))).unwrap();
        let found: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(found, ["Last Plan", "a.b", "X"]);
    }
}
