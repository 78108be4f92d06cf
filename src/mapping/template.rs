use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use minijinja::value::ValueKind;
use minijinja::{
    Environment, ErrorKind, Output, State, UndefinedBehavior, Value, escape_formatter,
};

use super::column_binding::{ColumnBinding, InputColumns};
use super::damage::IdentifierKind;
use super::inspector::Inspector;
use super::invalid_value::InvalidValue;
use super::schema_error::SchemaError;
use super::source_value::{Scalar, SourceValue};
use super::template_columns::column_names;
use super::template_values::{TemplateValues, value};
use crate::domain::Row;

/// The variable with all columns, for names that are not identifiers: `{{ row["Full name"] }}`.
pub(super) const ROW: &str = "row";
/// The name of the only template in the environment.
pub(super) const TEMPLATE: &str = "value";
/// The maximum number of instructions that a template may execute for one row.
const MAX_FUEL: u64 = 100_000;
/// The maximum length of the result in bytes, longer than any value that the API accepts.
const MAX_BYTES: usize = 1 << 20;

/// A `template` of the config with the columns that it uses.
#[derive(Debug, Clone)]
pub(super) struct Template {
    environment: Environment<'static>,
    /// The names of the columns as written in the template.
    names: Vec<String>,
    columns: Vec<ColumnBinding>,
}

impl Template {
    /// # Errors
    /// If the template does not parse, uses a column that no input has, or fails for every row.
    pub(super) fn new(
        attribute: &str,
        source: &str,
        inputs: InputColumns<'_>,
    ) -> Result<Self, SchemaError> {
        let mut environment = environment();
        environment.set_formatter(format_value);
        Self::compile(attribute, source, environment, inputs)
    }

    /// The same with an environment of the caller's, which decides how values are written.
    pub(super) fn compile(
        attribute: &str,
        source: &str,
        mut environment: Environment<'static>,
        inputs: InputColumns<'_>,
    ) -> Result<Self, SchemaError> {
        let parsed = environment.add_template_owned(TEMPLATE, source.to_owned());
        parsed.map_err(|error| syntax(attribute, &error))?;
        let names = column_names(attribute, &environment, source, inputs)?;
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
        self.columns.iter().map(ColumnBinding::label)
    }

    /// The columns, each with its name as written in the template.
    pub(super) fn bindings(&self) -> impl Iterator<Item = (&String, &ColumnBinding)> {
        self.names.iter().zip(&self.columns)
    }

    /// Renders the template. The result is empty if all columns that it uses are empty.
    pub(super) fn value(
        &self,
        row: &Row,
        inspector: &mut Inspector<'_>,
        identifier: Option<IdentifierKind>,
    ) -> Result<SourceValue<'static>, InvalidValue> {
        let mut cells = Vec::with_capacity(self.columns.len());
        for binding in &self.columns {
            let cell = inspector.value(binding.cell(row));
            cells.push(inspector.sound_part(cell, identifier)?);
        }
        if let Some(empty) = combined_if_empty(&cells) {
            return Ok(empty);
        }
        let values = self.names.iter().zip(cells);
        let values = values.filter_map(|(name, cell)| Some((name.clone(), value(cell)?)));
        let text = self.render(values.collect()).map_err(|error| {
            let reason = reason(&error);
            InvalidValue::new(
                "bad_template",
                format!("cannot be rendered by its template: {reason}"),
            )
        })?;
        Ok(if text.trim().is_empty() {
            SourceValue::Empty
        } else {
            SourceValue::Scalar(Scalar::Text(Cow::Owned(text)))
        })
    }

    pub(super) fn render(&self, values: Vec<(String, Value)>) -> Result<String, minijinja::Error> {
        let context = Value::from_object(TemplateValues {
            values: Arc::new(values),
            prefix: String::new(),
        });
        let mut output = BoundedOutput::default();
        let template = self.environment.get_template(TEMPLATE)?;
        let _ = template.render_captured_to(context, &mut output)?;
        Ok(String::from_utf8_lossy(&output.0).into_owned())
    }
}

/// An environment with the limits and rules that hold for everything that a config may have evaluated.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(MAX_FUEL));
    environment
}

/// An output that fails beyond [`MAX_BYTES`].
#[derive(Default)]
struct BoundedOutput(Vec<u8>);

impl io::Write for BoundedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Describes why a template failed, with the limits, which the engine's messages do not contain.
pub(super) fn reason(error: &minijinja::Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => format!("it takes more than {MAX_FUEL} steps"),
        ErrorKind::WriteFailure => format!("it produces more than {MAX_BYTES} bytes"),
        kind => kind.to_string(),
    }
}

/// Writes booleans as `true` and `false` like JSON, and missing values as the empty text.
fn format_value(
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

/// Whether a template fails for every row: it exceeds a limit even without values, or calls something that does not exist,
/// which the engine reports only at run time.
fn is_always_wrong(error: &minijinja::Error) -> bool {
    use ErrorKind::{
        OutOfFuel, UnknownFilter, UnknownFunction, UnknownMethod, UnknownTest, WriteFailure,
    };
    matches!(
        error.kind(),
        OutOfFuel | WriteFailure | UnknownFilter | UnknownTest | UnknownFunction | UnknownMethod
    )
}

pub(super) fn syntax(attribute: &str, error: &minijinja::Error) -> SchemaError {
    let detail = error
        .detail()
        .map_or_else(String::new, |detail| format!(": {detail}"));
    SchemaError::Template {
        attribute: attribute.to_owned(),
        line: error.line(),
        reason: format!(
            "{}{detail}; a column whose name is not an identifier is written {{{{ row[\"Full name\"] }}}}",
            reason(error)
        ),
    }
}

/// Combines cells of which none has a value. Returns `None` if one has a value or there are no cells.
fn combined_if_empty(cells: &[SourceValue<'_>]) -> Option<SourceValue<'static>> {
    let mut together = None;
    for cell in cells {
        together = match (cell, together) {
            (SourceValue::Scalar(_) | SourceValue::Nested(_), _) => return None,
            (SourceValue::Missing, None) => Some(SourceValue::Missing),
            (SourceValue::Null, None | Some(SourceValue::Missing)) => Some(SourceValue::Null),
            (SourceValue::Empty, _) => Some(SourceValue::Empty),
            (_, together) => together,
        };
    }
    together
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::sync::LazyLock;

    use super::super::column_binding::ColumnIndex;
    use super::super::source_value::NullPolicy;
    use super::super::{EmptyCells, Repair};
    use super::*;
    use crate::domain::{Cells, Columns, Position, RowNumber};

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
            raw: None,
        }
    }

    fn columns(names: &[&str]) -> Arc<Columns> {
        Arc::new(Columns::new(names.iter().map(|&n| n.to_owned()).collect()))
    }

    fn inspector() -> Inspector<'static> {
        static EMPTINESS: LazyLock<NullPolicy> =
            LazyLock::new(|| NullPolicy::new(&["NULL".into()], EmptyCells::Keep));
        Inspector::new(&EMPTINESS, Repair::Report)
    }

    fn table(source: &str, cells: &[(&str, &str)]) -> SourceValue<'static> {
        let columns = columns(&cells.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        let template = Template::new(
            "company",
            source,
            InputColumns(&ColumnIndex::new(&[&columns])),
        )
        .unwrap();
        let texts = cells.iter().map(|(_, text)| (*text).to_owned()).collect();
        template
            .value(
                &row(Cells::Table { columns, texts }),
                &mut inspector(),
                None,
            )
            .unwrap()
    }

    fn text(text: &str) -> SourceValue<'static> {
        SourceValue::Scalar(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn error(source: &str, names: &[&str]) -> SchemaError {
        let columns = columns(names);
        Template::new(
            "company",
            source,
            InputColumns(&ColumnIndex::new(&[&columns])),
        )
        .unwrap_err()
    }

    #[test]
    fn a_template_takes_so_many_steps_and_makes_so_much_text() {
        let endless =
            "{% for a in range(1000) %}{% for b in range(1000) %}{{ org }}{% endfor %}{% endfor %}";
        let message = error(endless, &["org"]).to_string();
        assert!(message.contains("more than 100000 steps"), "{message}");
        let columns = columns(&["org"]);
        let template = "{% for a in range(10000) %}{{ org }}{% endfor %}";
        let template = Template::new(
            "company",
            template,
            InputColumns(&ColumnIndex::new(&[&columns])),
        )
        .unwrap();
        let texts = ["x".repeat(1_000)].into_iter().collect();
        let row = row(Cells::Table { columns, texts });
        let problem = template.value(&row, &mut inspector(), None).unwrap_err();
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
            SourceValue::Empty
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
        let template = Template::new(
            "company",
            source,
            InputColumns(&ColumnIndex::new(&[&columns])),
        )
        .unwrap();
        let json = serde_json::json!({
            "person": {"name": "Ann"}, "tags": ["a", "b"], "age": 30, "vip": true, "none": null
        });
        let serde_json::Value::Object(members) = json else {
            panic!()
        };
        let value = template
            .value(&row(Cells::Object(members)), &mut inspector(), None)
            .unwrap();
        assert_eq!(value, text("Ann a/b 30 true"));
        let silent = |json: &str| {
            let members = serde_json::from_str(json).unwrap();
            template
                .value(&row(Cells::Object(members)), &mut inspector(), None)
                .unwrap()
        };
        assert_eq!(silent("{}"), SourceValue::Missing);
        assert_eq!(silent(r#"{"age":null}"#), SourceValue::Null);
        assert_eq!(silent(r#"{"age":null,"tags":""}"#), SourceValue::Empty);
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
            if let Ok(template) = Template::new("company", &source, InputColumns(&ColumnIndex::new(&[&columns]))) {
                let texts = [cell.clone(), cell].into_iter().collect();
                let _ = template.value(&row(Cells::Table { columns, texts }), &mut inspector(), None);
            }
        }
    }
}
