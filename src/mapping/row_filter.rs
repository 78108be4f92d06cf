use minijinja::value::ValueKind;
use minijinja::{Error, Output, State, Value};

use super::column_binding::InputColumns;
use super::invalid_value::InvalidValue;
use super::mapped_row::MappedRow;
use super::schema::Schema;
use super::schema_error::{Nearest, SchemaError};
use super::source_value::{NullPolicy, Scalar, SourceValue};
use super::template::{Template, environment, reason};
use super::template_values::value;
use crate::domain::{Row, RowKey};

/// How messages name it.
pub(super) const WHERE: &str = "rows.where";

/// What the template writes for a result.
const TRUE: &str = "true";
const FALSE: &str = "false";

/// `[rows] where`: an expression over a row's cells that decides whether the row is processed.
#[derive(Debug, Clone)]
pub(super) struct RowFilter {
    /// Writes the value of the expression as a word.
    template: Template,
    /// The columns that the expression compares with a number: in a table their cells are read as numbers.
    numbers: Vec<String>,
}

impl RowFilter {
    /// Returns `None` for an empty expression, which processes every row.
    ///
    /// # Errors
    /// If the expression does not parse or uses a column that no input has.
    pub(super) fn new(source: &str, inputs: InputColumns<'_>) -> Result<Option<Self>, SchemaError> {
        if source.trim().is_empty() {
            return Ok(None);
        }
        let mut environment = environment();
        environment.set_formatter(write_result);
        // Without this, the text could end the template's expression and begin another one.
        environment
            .compile_expression(source)
            .map_err(|error| SchemaError::Where(explain(&error)))?;
        let text = format!("{{{{ {source} }}}}");
        let template = Template::compile(WHERE, &text, environment, inputs);
        let template = template.map_err(of_where)?;
        let numbers = template.bindings().map(|(name, _)| name.clone());
        Ok(Some(Self {
            numbers: numbers
                .filter(|name| is_compared_with_number(source, name))
                .collect(),
            template,
        }))
    }

    pub(super) fn columns(&self) -> Vec<&str> {
        let bindings = self.template.bindings();
        bindings.flat_map(|(_, binding)| binding.names()).collect()
    }

    /// Whether the row is to be processed. A result without a value, as of an empty cell, counts as false.
    ///
    /// # Errors
    /// If the expression cannot be evaluated for this row, or is neither true nor false.
    pub(super) fn admits(&self, row: &Row, nulls: &NullPolicy) -> Result<bool, InvalidValue> {
        let mut values = Vec::new();
        for (name, binding) in self.template.bindings() {
            let cell = nulls.value(binding.cell(row));
            let cell = match self.numbers.contains(name) {
                true => number(name, cell)?,
                false => value(cell),
            };
            values.extend(cell.map(|cell| (name.clone(), cell)));
        }
        let result = self.template.render(values);
        let result = result.map_err(|error| problem(format!("fails: {}", explain(&error))))?;
        match result.trim() {
            TRUE => Ok(true),
            FALSE => Ok(false),
            kind => Err(problem(format!(
                "is a {kind} here, not true or false: write a comparison, such as role == 'end-user'"
            ))),
        }
    }
}

impl Schema {
    /// Returns the row as far as it is read if `[rows] where` leaves it out or cannot be evaluated for it.
    pub(super) fn filtered<T: Default>(&self, row: &Row) -> Option<MappedRow<T>> {
        match self.filter.as_ref()?.admits(row, &self.null_policy) {
            Ok(true) => None,
            Ok(false) => Some(MappedRow::filtered()),
            Err(problem) => {
                let issue = problem.into_issue(WHERE, None);
                Some(MappedRow::rejected(row, RowKey::default(), vec![issue]))
            }
        }
    }
}

fn problem(what: String) -> InvalidValue {
    InvalidValue::new("bad_where", what)
}

fn explain(error: &Error) -> String {
    let detail = error
        .detail()
        .map_or_else(String::new, |d| format!(": {d}"));
    format!("{}{detail}", reason(error))
}

/// Words an error of the template as one about the expression.
fn of_where(error: SchemaError) -> SchemaError {
    match error {
        SchemaError::NoSuchColumn {
            column, nearest, ..
        } => {
            let Nearest(near) = &nearest;
            let quoting = match near {
                Some(near) if !near.chars().all(|c| c.is_alphanumeric() || c == '_') => {
                    format!("; such a name is written row[\"{near}\"]")
                }
                _ => String::new(),
            };
            SchemaError::Where(format!(
                "no input has a column `{column}`{nearest}{quoting}"
            ))
        }
        SchemaError::Template { reason, .. } => SchemaError::Where(reason),
        other => other,
    }
}

fn write_result(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let word = match value.kind() {
        ValueKind::Bool if value.is_true() => TRUE.to_owned(),
        ValueKind::Bool | ValueKind::Undefined | ValueKind::None => FALSE.to_owned(),
        ValueKind::String => "text".to_owned(),
        kind => kind.to_string(),
    };
    Ok(out.write_str(&word)?)
}

/// The cell as a number. A text is less than, equal to or greater than a number by its type alone, so that a comparison of
/// the two would always have the same result.
fn number(name: &str, cell: SourceValue<'_>) -> Result<Option<Value>, InvalidValue> {
    let SourceValue::Scalar(Scalar::Text(text) | Scalar::Native(text) | Scalar::Digits(text)) =
        &cell
    else {
        return Ok(value(cell));
    };
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_decimal = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(whole), _) if is_decimal => Ok(Some(Value::from(whole))),
        (_, Ok(number)) if is_decimal => Ok(Some(Value::from(number))),
        _ => Err(problem(format!(
            "compares `{name}` with a number, and the cell is not a number such as 12.5"
        ))),
    }
}

/// Whether an expression compares a column with a number, as `mrr >= 100` and `100 <= row["MRR"]` do.
fn is_compared_with_number(source: &str, name: &str) -> bool {
    let spellings = [
        name.to_owned(),
        format!("row.{name}"),
        format!("row[\"{name}\"]"),
        format!("row['{name}']"),
    ];
    let tokens = tokens(source);
    let is_column = |token: &str| spellings.iter().any(|spelling| spelling == token);
    let is_number = |token: &str| token.starts_with(|c: char| c.is_ascii_digit());
    let is_operator = |token: &str| ["<", ">", "=", "!"].iter().any(|op| token.starts_with(op));
    let pairs = tokens.windows(3).any(|three| match three {
        [left, operator, right] if is_operator(operator) => {
            is_column(left) && is_number(right) || is_number(left) && is_column(right)
        }
        _ => false,
    });
    // The result of a filter has a type of its own.
    let filtered = tokens.windows(2).any(|two| match two {
        [left, right] => is_column(left) && *right == "|",
        _ => false,
    });
    pairs && !filtered
}

/// Splits an expression into names with their subscripts, numbers, texts and operators. The sign of a number is dropped.
fn tokens(source: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let mut tokens = Vec::new();
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' => end_of_text(rest),
            c if is_word(c) => {
                let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                let subscript = rest.get(word..).filter(|after| after.starts_with('['));
                let subscript = subscript.filter(|_| !c.is_ascii_digit());
                let inside = subscript.and_then(|after| after.get(1..));
                word + inside.map_or(0, |inside| end_of_text(inside) + 2)
            }
            '<' | '>' | '=' | '!' => rest
                .find(|c| !matches!(c, '<' | '>' | '=' | '!'))
                .unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if token != "-" {
            tokens.push(token);
        }
        rest = after.trim_start();
    }
    tokens
}

/// The length of the text in quotes that begins here.
fn end_of_text(source: &str) -> usize {
    let mut chars = source.char_indices();
    let Some((_, quote)) = chars.next() else {
        return 0;
    };
    let mut is_escaped = false;
    for (at, c) in chars {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    source.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{object, schema, table};

    fn result(source: &str, cells: &[(&str, &str)]) -> Result<bool, String> {
        let config = format!("[fields]\nemail = \"e\"\n[rows]\nwhere = {source:?}");
        let names: Vec<_> = cells.iter().map(|(name, _)| *name).collect();
        let schema = schema(&config, &names).map_err(|e| e.to_string())?;
        let mapped = schema.map(&table(cells)).into_owned();
        match mapped.issues.first() {
            Some(issue) => Err(format!("{}: {}", issue.code, issue.message)),
            None => Ok(!mapped.is_filtered),
        }
    }

    fn of_role(source: &str) -> Result<bool, String> {
        let cells = [
            ("e", "a@b.co"),
            ("role", "agent"),
            ("Full name", "Ann"),
            ("mrr", "12.5"),
        ];
        result(source, &cells)
    }

    #[test]
    fn an_expression_over_the_cells_decides() {
        for (source, expected) in [
            ("role == 'agent'", true),
            ("role == 'end-user'", false),
            ("role != 'agent' or row[\"Full name\"] == 'Ann'", true),
            ("role in ['agent', 'admin']", true),
            ("not role", false),
            ("role|upper == 'AGENT'", true),
            ("role is startingwith('ag')", true),
            ("role == '}}'", false),
            ("mrr > 100", false),
            ("mrr > 9", true),
            ("-3 < mrr and 12.5 == mrr", true),
            ("mrr == '12.5'", true),
            ("mrr|float > 12", true),
            ("mrr > 9 and role == 'x > 5'", false),
        ] {
            assert_eq!(of_role(source), Ok(expected), "{source}");
        }
    }

    #[test]
    fn an_expression_that_is_wrong_is_refused_before_any_row() {
        for (source, message) in [
            ("role = 'agent'", "rows.where: syntax error"),
            ("role == ", "rows.where: syntax error"),
            ("role == 'a' }}{{ role", "rows.where: syntax error"),
            (
                "rol == 'agent'",
                "no input has a column `rol`; did you mean `role`?",
            ),
            ("Fullname == 'x'", "written row[\"Full name\"]"),
            ("role|nosuch == 'a'", "unknown filter"),
        ] {
            let refusal = of_role(source).unwrap_err();
            assert!(refusal.contains(message), "{source}: {refusal}");
        }
    }

    #[test]
    fn a_result_that_is_neither_true_nor_false_rejects_the_row() {
        for (source, message) in [
            ("role", "bad_where: `rows.where` is a text here"),
            ("mrr|float", "bad_where: `rows.where` is a number here"),
            (
                "role > 5",
                "bad_where: `rows.where` compares `role` with a number",
            ),
            ("role|int > 5", "bad_where: `rows.where` fails: "),
        ] {
            let refusal = of_role(source).unwrap_err();
            assert!(refusal.starts_with(message), "{source}: {refusal}");
        }
    }

    #[test]
    fn no_value_is_false_and_json_has_its_own_types() {
        assert_eq!(
            result("role == 'x'", &[("e", "a@b.co"), ("role", "")]),
            Ok(false)
        );
        assert_eq!(result("role", &[("e", "a@b.co"), ("role", "")]), Ok(false));
        let config = "[fields]\nemail = \"e\"\n[rows]\nwhere = \"active and age >= 18\"";
        let schema = schema(config, &["e", "active", "age"]).unwrap();
        for (row, expected) in [
            (json!({"e": "a@b.co", "active": true, "age": 18}), true),
            (json!({"e": "a@b.co", "active": true, "age": 17.5}), false),
            (json!({"e": "a@b.co", "active": false, "age": 18}), false),
            (json!({"e": "a@b.co"}), false),
        ] {
            let is_filtered = schema.map(&object(&row.to_string())).is_filtered;
            assert_eq!(!is_filtered, expected, "{row}");
        }
    }

    #[test]
    fn a_row_that_is_left_out_is_not_checked_further() {
        let refused = result("role == 'x'", &[("e", "no address"), ("role", "x")]);
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(
            result("role == 'x'", &[("e", "no address"), ("role", "y")]),
            Ok(false)
        );
    }
}
