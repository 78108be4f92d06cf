use std::collections::BTreeMap;

use minijinja::Value as Variable;

use super::schema_error::{Nearest, SchemaError};
use super::template::{environment, reason};
use super::template_values::of_json;
use crate::domain::{Field, RemoteCustomer, Reported, Value};

/// The names of an expression that are no fields.
const OTHER_NAMES: [&str; 3] = ["id", "tags", "customData"];

/// `[sync] scope`: an expression over a customer of HelpCrunch, such as `customData.plan == 'pro' and 'vip' in tags`. Fields
/// have the names of the API.
#[derive(Debug, Clone)]
pub struct CustomerFilter {
    source: String,
}

impl CustomerFilter {
    /// Returns `None` for an empty expression, which admits every customer.
    ///
    /// # Errors
    /// If the expression does not parse or uses a name that is no field of a customer.
    pub fn new(source: &str) -> Result<Option<Self>, SchemaError> {
        if source.trim().is_empty() {
            return Ok(None);
        }
        let environment = environment();
        let expression = environment.compile_expression(source).map_err(|error| {
            let detail = error.detail().map(|detail| format!(": {detail}"));
            SchemaError::Scope(format!("{}{}", reason(&error), detail.unwrap_or_default()))
        })?;
        let known: Vec<&str> = Field::ALL
            .into_iter()
            .map(Field::name)
            .chain(OTHER_NAMES)
            .collect();
        let mut names: Vec<String> = expression.undeclared_variables(false).into_iter().collect();
        names.sort();
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let nearest = Nearest::among(name, known.iter().copied());
            return Err(SchemaError::Scope(format!(
                "`{name}` is not a field of a customer{nearest}"
            )));
        }
        Ok(Some(Self {
            source: source.to_owned(),
        }))
    }

    /// Whether the expression is true for this customer. One that cannot be evaluated, or is neither true nor false, counts
    /// as false.
    #[must_use]
    pub fn admits(&self, customer: &RemoteCustomer) -> bool {
        let environment = environment();
        let result = environment
            .compile_expression(&self.source)
            .and_then(|expression| expression.eval(variables(customer)));
        result.is_ok_and(|value| bool::try_from(value).unwrap_or(false))
    }
}

fn variables(customer: &RemoteCustomer) -> BTreeMap<&'static str, Variable> {
    let field = |field: Field| {
        let value = match customer.value(field)? {
            Value::Text(text) => Variable::from(text.as_str()),
            Value::Date(seconds) => Variable::from(*seconds),
            Value::Bool(value) => Variable::from(*value),
        };
        Some((field.name(), value))
    };
    let mut variables: BTreeMap<_, _> = Field::ALL.into_iter().filter_map(field).collect();
    variables.insert("id", Variable::from(customer.id.0));
    if let Reported::Value(tags) = &customer.tags {
        let tags = tags.iter().map(|tag| Variable::from(tag.name.as_str()));
        variables.insert("tags", tags.collect());
    }
    if let Reported::Value(properties) = &customer.custom_data {
        let properties = properties.iter();
        let properties = properties.map(|(name, value)| (name.clone(), value.to_json()));
        let properties = serde_json::Value::Object(properties.collect());
        variables.insert("customData", of_json(&properties));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomValue, CustomerId, Number, Tag};

    fn customer() -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(7));
        customer.set_field(Field::Company, Some(Value::Text("Acme".into())));
        customer.set_field(Field::LastSeen, Some(Value::Date(1_700_000_000)));
        customer.set_field(Field::Blocked, Some(Value::Bool(false)));
        customer.tags = Reported::Value(vec![Tag::named("crm")]);
        let number = CustomValue::Number(Number::parse("15").unwrap());
        customer.custom_data = Reported::Value(BTreeMap::from([("mrr".into(), number)]));
        customer
    }

    #[test]
    fn an_expression_over_fields_tags_and_properties_decides() {
        let admits = |source: &str| {
            let filter = CustomerFilter::new(source).unwrap();
            filter.is_none_or(|filter| filter.admits(&customer()))
        };
        for source in [
            "",
            "company == 'Acme'",
            "'crm' in tags and 'vip' not in tags",
            "customData.mrr > 10",
            "not blocked and not phone",
            "lastSeen > 1600000000 and id == 7",
        ] {
            assert!(admits(source), "{source}");
        }
        for source in [
            "company == 'Other'",
            "'vip' in tags",
            "customData.plan == 'pro'",
            "company",
            "company + 1 > 2",
        ] {
            assert!(!admits(source), "{source}");
        }
    }

    #[test]
    fn an_expression_that_cannot_be_right_is_an_error() {
        for (source, part) in [
            ("company ==", "sync.scope: "),
            ("compny == 'Acme'", "did you mean `company`?"),
            ("rows > 2", "`rows` is not a field of a customer"),
        ] {
            let error = CustomerFilter::new(source).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
