use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use minijinja::value::{Object, ValueKind};
use minijinja::{
    Environment, ErrorKind, Output, State, UndefinedBehavior, Value, escape_formatter,
};

use super::damage::Identifier;
use super::given::{Given, Scalar};
use super::inspector::Inspector;
use super::problem::Problem;
use super::schema_error::{Nearest, SchemaError};
use super::slot::{Inputs, Slot};
use crate::domain::Row;

/// Under this name all columns can be reached, also those that are no identifiers: `{{ row["Full name"] }}`.
const ROW: &str = "row";
const ONLY: &str = "value";
/// Instructions that a template may take for one row: a few for each part that it writes.
const FUEL: u64 = 100_000;
/// Bytes that it may make of one row, as long as any value that the API takes.
const MAX_TEXT: usize = 1 << 20;

/// A `template` of the config, with the columns that it names.
#[derive(Debug, Clone)]
pub(super) struct Template {
    environment: Environment<'static>,
    /// The names of the columns as the template writes them.
    names: Vec<String>,
    columns: Vec<Slot>,
}

impl Template {
    /// # Errors
    /// When the template does not parse, or names a column that no input has.
    pub(super) fn new(
        attribute: &str,
        source: &str,
        inputs: Inputs<'_>,
    ) -> Result<Self, SchemaError> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_formatter(plain);
        environment.set_fuel(Some(FUEL));
        let parsed = environment.add_template_owned(ONLY, source.to_owned());
        parsed.map_err(|error| syntax(attribute, &error))?;
        let names = names(attribute, &environment, source, inputs)?;
        let columns = names
            .iter()
            .map(|name| inputs.named(attribute, name))
            .collect::<Result<_, _>>()?;
        let template = Self {
            environment,
            names: names.into_iter().collect(),
            columns,
        };
        match template.render(Vec::new()) {
            Err(error) if is_always_wrong(&error) => Err(syntax(attribute, &error)),
            _ => Ok(template),
        }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(Slot::label)
    }

    /// The rendered text. Where all columns that the template names are empty, so is the result.
    pub(super) fn given(
        &self,
        row: &Row,
        inspector: &mut Inspector<'_>,
        identifier: Option<Identifier>,
    ) -> Result<Given<'static>, Problem> {
        let mut cells = Vec::with_capacity(self.columns.len());
        for slot in &self.columns {
            let cell = inspector.given(slot.cell(row));
            cells.push(inspector.sound_part(cell, identifier)?);
        }
        if let Some(silent) = all_silent(&cells) {
            return Ok(silent);
        }
        let values = self.names.iter().zip(cells);
        let values = values.filter_map(|(name, cell)| Some((name.clone(), value(cell)?)));
        let text = self.render(values.collect()).map_err(|error| {
            let reason = reason(&error);
            Problem::new(
                "bad_template",
                format!("cannot be made by its template: {reason}"),
            )
        })?;
        Ok(if text.trim().is_empty() {
            Given::Empty
        } else {
            Given::Scalar(Scalar::Text(Cow::Owned(text)))
        })
    }

    fn render(&self, values: Vec<(String, Value)>) -> Result<String, minijinja::Error> {
        let context = Value::from_object(Named {
            values: Arc::new(values),
            prefix: String::new(),
        });
        let mut made = Bounded::default();
        let template = self.environment.get_template(ONLY)?;
        let _ = template.render_captured_to(context, &mut made)?;
        Ok(String::from_utf8_lossy(&made.0).into_owned())
    }
}

/// A text that is refused beyond [`MAX_TEXT`].
#[derive(Default)]
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_TEXT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why a template failed. The engine's own words for the bounds do not say what to change.
fn reason(error: &minijinja::Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => format!("it takes more than {FUEL} steps"),
        ErrorKind::WriteFailure => format!("it makes more than {MAX_TEXT} bytes"),
        kind => kind.to_string(),
    }
}

/// Writes values as JSON and config files spell them: `true`, and nothing for none.
fn plain(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    match bool::try_from(value.clone()) {
        Ok(flag) if value.kind() == ValueKind::Bool => {
            out.write_str(if flag { "true" } else { "false" })?;
            Ok(())
        }
        _ if value.is_none() => Ok(()),
        _ => escape_formatter(out, state, value),
    }
}

/// Whether a template fails for every row: it takes too many steps with no values at all, or calls something that there
/// is not, which the engine notices only when it gets there.
fn is_always_wrong(error: &minijinja::Error) -> bool {
    use ErrorKind::{
        OutOfFuel, UnknownFilter, UnknownFunction, UnknownMethod, UnknownTest, WriteFailure,
    };
    matches!(
        error.kind(),
        OutOfFuel | WriteFailure | UnknownFilter | UnknownTest | UnknownFunction | UnknownMethod
    )
}

fn syntax(attribute: &str, error: &minijinja::Error) -> SchemaError {
    let detail = error
        .detail()
        .map_or_else(String::new, |detail| format!(": {detail}"));
    SchemaError::Template {
        attribute: attribute.to_owned(),
        line: error.line(),
        reason: format!(
            "{}{detail}; a column whose name is no identifier is written {{{{ row[\"Full name\"] }}}}",
            reason(error)
        ),
    }
}

/// What the cells say together where none holds a value; nothing where one does, or where there are none.
fn all_silent(cells: &[Given<'_>]) -> Option<Given<'static>> {
    let mut together = None;
    for cell in cells {
        together = match (cell, together) {
            (Given::Scalar(_) | Given::Nested(_), _) => return None,
            (Given::Missing, None) => Some(Given::Missing),
            (Given::Null, None | Some(Given::Missing)) => Some(Given::Null),
            (Given::Empty, _) => Some(Given::Empty),
            (_, together) => together,
        };
    }
    together
}

fn value(cell: Given<'_>) -> Option<Value> {
    match cell {
        Given::Missing | Given::Null | Given::Empty => None,
        Given::Scalar(Scalar::Text(text) | Scalar::Native(text) | Scalar::Digits(text)) => {
            Some(Value::from(&*text))
        }
        Given::Scalar(Scalar::Bool(b)) => Some(Value::from(b)),
        Given::Scalar(Scalar::Number(number)) => Some(of_number(number)),
        Given::Nested(json) => Some(of_json(json)),
    }
}

fn of_number(number: &serde_json::Number) -> Value {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(n), _, _) => Value::from(n),
        (_, Some(n), _) => Value::from(n),
        (_, _, Some(n)) => Value::from(n),
        _ => Value::UNDEFINED,
    }
}

fn of_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::UNDEFINED,
        serde_json::Value::Bool(b) => Value::from(*b),
        serde_json::Value::Number(number) => of_number(number),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => items.iter().map(of_json).collect(),
        serde_json::Value::Object(members) => Value::from_object(Named {
            values: Arc::new(
                members
                    .iter()
                    .map(|(k, v)| (k.clone(), of_json(v)))
                    .collect(),
            ),
            prefix: String::new(),
        }),
    }
}

/// Values under their full names; a name with dots is reached attribute by attribute as well as in one piece.
#[derive(Debug, Clone)]
struct Named {
    values: Arc<Vec<(String, Value)>>,
    prefix: String,
}

impl Object for Named {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = format!("{}{}", self.prefix, key.as_str()?);
        if let Some((_, value)) = self.values.iter().find(|(n, _)| *n == name) {
            return Some(value.clone());
        }
        let deeper = |prefix: String| {
            Value::from_object(Self {
                values: Arc::clone(&self.values),
                prefix,
            })
        };
        if self.prefix.is_empty() && name == ROW {
            return Some(deeper(String::new()));
        }
        let prefix = format!("{name}.");
        let inside = self.values.iter().any(|(n, _)| n.starts_with(&prefix));
        inside.then(|| deeper(prefix))
    }
}

/// The columns that a template names, in its variables and in its `row["…"]`.
fn names(
    attribute: &str,
    environment: &Environment<'_>,
    source: &str,
    inputs: Inputs<'_>,
) -> Result<BTreeSet<String>, SchemaError> {
    let template = environment.get_template(ONLY);
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
                reason: "row needs the column's name in quotes: {{ row[\"Full name\"] }}"
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

/// The column that a variable such as `person.name` stands for: the longest beginning that is one.
fn column_of(attribute: &str, variable: &str, inputs: Inputs<'_>) -> Result<String, SchemaError> {
    let mut name = variable;
    loop {
        if inputs.has(name) || inputs.are_unknown() {
            return Ok(name.to_owned());
        }
        match name.rsplit_once('.') {
            Some((shorter, _)) => name = shorter,
            None if inputs.may_lack() => return Ok(variable.to_owned()),
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

/// The names in all `row["…"]` of a template; nothing where one `row` goes without such a name.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::sync::LazyLock;

    use super::super::given::Emptiness;
    use super::super::slot::Index;
    use super::super::{EmptyCells, Repair};
    use super::*;
    use crate::domain::{Cells, Columns, Position, RawRecord, RowNumber};

    fn row(cells: Cells) -> Row {
        let position = Position {
            source: 0,
            row: RowNumber(1),
            line: 2,
        };
        Row {
            flaws: Vec::new(),
            kinds: Vec::new(),
            position,
            cells,
            raw: RawRecord::default(),
        }
    }

    fn columns(names: &[&str]) -> Arc<Columns> {
        Arc::new(Columns::new(names.iter().map(|&n| n.to_owned()).collect()))
    }

    fn inspector() -> Inspector<'static> {
        static EMPTINESS: LazyLock<Emptiness> =
            LazyLock::new(|| Emptiness::new(&["NULL".into()], EmptyCells::Keep));
        Inspector::new(&EMPTINESS, Repair::Report)
    }

    fn table(source: &str, cells: &[(&str, &str)]) -> Given<'static> {
        let columns = columns(&cells.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        let template = Template::new("company", source, Inputs(&Index::new(&[&columns]))).unwrap();
        let texts = cells.iter().map(|(_, text)| (*text).to_owned()).collect();
        template
            .given(
                &row(Cells::Table { columns, texts }),
                &mut inspector(),
                None,
            )
            .unwrap()
    }

    fn text(text: &str) -> Given<'static> {
        Given::Scalar(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn error(source: &str, names: &[&str]) -> SchemaError {
        let columns = columns(names);
        Template::new("company", source, Inputs(&Index::new(&[&columns]))).unwrap_err()
    }

    #[test]
    fn a_template_takes_so_many_steps_and_makes_so_much_text() {
        let endless =
            "{% for a in range(1000) %}{% for b in range(1000) %}{{ org }}{% endfor %}{% endfor %}";
        let message = error(endless, &["org"]).to_string();
        assert!(message.contains("more than 100000 steps"), "{message}");
        let columns = columns(&["org"]);
        let template = "{% for a in range(10000) %}{{ org }}{% endfor %}";
        let template =
            Template::new("company", template, Inputs(&Index::new(&[&columns]))).unwrap();
        let texts = ["x".repeat(1_000)].into_iter().collect();
        let row = row(Cells::Table { columns, texts });
        let problem = template.given(&row, &mut inspector(), None).unwrap_err();
        let message = format!("{problem:?}");
        assert!(message.contains("more than 1048576 bytes"), "{message}");
    }

    #[test]
    fn columns_are_put_together_and_never_escaped() {
        let source = "{{ org }} ({{ country }})";
        assert_eq!(
            table(source, &[("org", "A & <B>"), ("country", "UA")]),
            text("A & <B> (UA)")
        );
        assert_eq!(
            table(source, &[("org", "A"), ("country", "NULL")]),
            text("A ()")
        );
        assert_eq!(
            table(source, &[("org", " "), ("country", "")]),
            Given::Empty
        );
        assert_eq!(table("fixed", &[("org", "")]), text("fixed"));
        assert_eq!(table("{{ org|upper }}", &[("org", "a")]), text("A"));
    }

    #[test]
    fn columns_that_are_no_identifiers_are_reached_through_row() {
        let cells = [("Full name", "Ann"), ("customData.plan", "pro"), ("x", "1")];
        assert_eq!(table("{{ row[\"Full name\"] }}", &cells), text("Ann"));
        assert_eq!(
            table("{{ row['Full name'] ~ row.x }}", &cells),
            text("Ann1")
        );
        assert_eq!(table("{{ customData.plan }}", &cells), text("pro"));
        assert_eq!(table("{{ row[\"customData.plan\"] }}", &cells), text("pro"));
    }

    #[test]
    fn objects_are_reached_by_their_members() {
        let columns = columns(&["person.name", "tags", "age", "vip", "none"]);
        let source = "{{ person.name }} {{ tags|join('/') }} {{ age }} {{ vip }}{{ row['none'] }}";
        let template = Template::new("company", source, Inputs(&Index::new(&[&columns]))).unwrap();
        let json = serde_json::json!({
            "person": {"name": "Ann"}, "tags": ["a", "b"], "age": 30, "vip": true, "none": null
        });
        let serde_json::Value::Object(members) = json else {
            panic!()
        };
        let given = template
            .given(&row(Cells::Object(members)), &mut inspector(), None)
            .unwrap();
        assert_eq!(given, text("Ann a/b 30 true"));
        let silent = |json: &str| {
            let members = serde_json::from_str(json).unwrap();
            template
                .given(&row(Cells::Object(members)), &mut inspector(), None)
                .unwrap()
        };
        assert_eq!(silent("{}"), Given::Missing);
        assert_eq!(silent(r#"{"age":null}"#), Given::Null);
        assert_eq!(silent(r#"{"age":null,"tags":""}"#), Given::Empty);
    }

    #[test]
    fn a_template_that_cannot_work_is_refused() {
        let names = ["org", "Full name"];
        let SchemaError::Template { line, .. } = error("a\n{{ org", &names) else {
            panic!()
        };
        assert_eq!(line, Some(2));
        assert!(matches!(
            error("{{ org|uper }}", &names),
            SchemaError::Template { .. }
        ));
        assert!(matches!(
            error("{{ row[org] }}", &names),
            SchemaError::Template { .. }
        ));
        let missing = error("{{ orgg }}", &names).to_string();
        assert!(missing.contains("did you mean `org`?"), "{missing}");
        let missing = error("{{ row['Full nam'] }}", &names).to_string();
        assert!(missing.contains("did you mean `Full name`?"), "{missing}");
    }

    #[test]
    fn the_engines_own_words_are_no_columns() {
        let source = "{% for i in range(2) %}{{ org }}{{ loop.index }}{% endfor %}";
        assert_eq!(table(source, &[("org", "a")]), text("a1a2"));
        assert_eq!(
            table("{% set x = org %}{{ x }}", &[("org", "a")]),
            text("a")
        );
    }

    proptest! {
        #[test]
        fn arbitrary_templates_and_cells_never_panic(source in r"\PC{0,20}|(\{\{|\}\}|row|\[|\]|[a'\x22. |%-]){0,12}", cell in any::<String>()) {
            let columns = columns(&["a", "row x"]);
            if let Ok(template) = Template::new("company", &source, Inputs(&Index::new(&[&columns]))) {
                let texts = [cell.clone(), cell].into_iter().collect();
                let _ = template.given(&row(Cells::Table { columns, texts }), &mut inspector(), None);
            }
        }
    }
}
