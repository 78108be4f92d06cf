//! Finds out which columns a template uses.

use std::collections::BTreeSet;

use minijinja::Environment;

use super::column_binding::InputColumns;
use super::schema_error::{Nearest, SchemaError};
use super::template::{ROW, TEMPLATE, syntax};

/// Returns the columns that a template uses, as variables and in `row["…"]`.
pub(super) fn column_names(
    attribute: &str,
    environment: &Environment<'_>,
    source: &str,
    inputs: InputColumns<'_>,
) -> Result<BTreeSet<String>, SchemaError> {
    let template = environment.get_template(TEMPLATE);
    let variables = template
        .map_err(|error| syntax(attribute, &error))?
        .undeclared_variables(true);
    let global = |name: &str| environment.globals().any(|(global, _)| global == name);
    let mut names = BTreeSet::new();
    for variable in variables {
        if variable == ROW && !inputs.has(ROW) {
            let quoted = quoted_names(source).ok_or_else(|| SchemaError::Template {
                attribute: attribute.to_owned(),
                line: None,
                reason: "`row` needs the column's name in quotes: {{ row[\"Full name\"] }}"
                    .to_owned(),
            })?;
            names.extend(quoted);
        } else if !global(&variable) {
            let of_row = variable.strip_prefix("row.").filter(|_| !inputs.has(ROW));
            let name = of_row.unwrap_or(&variable);
            names.insert(column_of(attribute, name, inputs)?);
        }
    }
    Ok(names)
}

/// The column that a variable such as `person.name` stands for: its longest prefix that is a column.
fn column_of(
    attribute: &str,
    variable: &str,
    inputs: InputColumns<'_>,
) -> Result<String, SchemaError> {
    let mut name = variable;
    loop {
        if inputs.has(name) || inputs.are_unknown() {
            return Ok(name.to_owned());
        }
        match name.rsplit_once('.') {
            Some((shorter, _)) => name = shorter,
            None if inputs.may_omit_columns() => return Ok(variable.to_owned()),
            None => {
                return Err(SchemaError::NoSuchColumn {
                    attribute: attribute.to_owned(),
                    column: variable.to_owned(),
                    nearest: Nearest::among(variable, inputs.names()),
                });
            }
        }
    }
}

/// The names in all `row["…"]` of a template, or `None` if a `row` has no such name.
fn quoted_names(source: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(ROW) {
        let (before, after) = rest.split_at_checked(at)?;
        let after = after.get(ROW.len()..)?;
        let inside_a_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        rest = after;
        let Some(subscript) = after.trim_start().strip_prefix('[') else {
            continue;
        };
        if before.ends_with(inside_a_word) {
            continue;
        }
        let subscript = subscript.trim_start();
        let quote = subscript
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\''))?;
        let (name, end) = subscript.get(1..)?.split_once(quote)?;
        end.trim_start().strip_prefix(']')?;
        names.push(name.to_owned());
        rest = end;
    }
    (!names.is_empty()).then_some(names)
}
