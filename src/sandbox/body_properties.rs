//! Reads the custom properties in a write's body.

use serde_json::Value;

use super::body_reader::BodyReader;
use super::error_reply::FieldError;
use super::quirks::UndefinedProperty;

impl BodyReader<'_> {
    pub(super) fn custom_data(&mut self, value: &Value) -> Option<Option<Vec<(String, Value)>>> {
        match value {
            Value::Null => Some(None),
            Value::Array(list) => {
                let list = list.iter().enumerate();
                Some(Some(
                    list.filter_map(|(index, entry)| self.property(index, entry))
                        .collect(),
                ))
            }
            _ => self.refuse(FieldError::wrong_type(self.path("customData"), "array")),
        }
    }

    fn property(&mut self, index: usize, entry: &Value) -> Option<(String, Value)> {
        let path = self.path(&format!("customData[{index}]"));
        let Value::Object(members) = entry else {
            return self.refuse(FieldError::wrong_type(path, "object"));
        };
        for name in members
            .keys()
            .filter(|name| !["property", "value"].contains(&name.as_str()))
        {
            self.report(FieldError::unexpected(format!("{path}.{name}")));
        }
        let name = match members.get("property") {
            Some(Value::String(name)) if !name.trim().is_empty() => name.clone(),
            None | Some(Value::Null | Value::String(_)) => {
                return self.refuse(FieldError::blank(format!("{path}.property")));
            }
            Some(_) => {
                return self.refuse(FieldError::wrong_type(format!("{path}.property"), "string"));
            }
        };
        let refused = self.quirks.undefined_property == UndefinedProperty::Refuse
            && !self.quirks.defined_properties.contains(&name);
        if refused {
            let message = "This custom attribute does not exist.";
            return self.refuse(FieldError::new(format!("{path}.property"), message));
        }
        match members.get("value") {
            None => self.refuse(FieldError::new(
                format!("{path}.value"),
                "This field is missing.",
            )),
            Some(Value::Array(_) | Value::Object(_)) => {
                self.refuse(FieldError::wrong_type(format!("{path}.value"), "scalar"))
            }
            Some(Value::String(text)) if self.is_too_long(text) => {
                self.refuse_long(format!("{path}.value"))
            }
            Some(value) => Some((name, value.clone())),
        }
    }
}
