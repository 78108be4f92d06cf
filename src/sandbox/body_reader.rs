//! Reads the members of a write's body and collects all errors in them.

use serde_json::{Map, Value};

use super::error_reply::FieldError;
use super::field::{Field, TextField};
use super::formats::{is_colour, is_email, is_language, timestamp};
use super::quirks::{Acceptance, Quirks};
use super::tags::NamedTag;
use super::validate::WriteKind;
use super::write::{CustomerWrite, Setting};

const READ_ONLY: [&str; 5] = ["id", "location", "device", "createdFrom", "integrationId"];

/// Reads bodies and collects all errors in them.
#[derive(Debug)]
pub(super) struct BodyReader<'a> {
    pub(super) quirks: &'a Quirks,
    kind: WriteKind,
    prefix: String,
    pub(super) errors: Vec<FieldError>,
}

impl<'a> BodyReader<'a> {
    pub(super) fn new(quirks: &'a Quirks, kind: WriteKind, prefix: String) -> Self {
        Self {
            quirks,
            kind,
            prefix,
            errors: Vec::new(),
        }
    }

    pub(super) fn finish(
        mut self,
        members: &Map<String, Value>,
    ) -> Result<CustomerWrite, Vec<FieldError>> {
        let mut write = CustomerWrite::default();
        for (name, value) in members {
            if self.kind == WriteKind::Create && self.quirks.create_refuses.contains(name) {
                self.report(FieldError::unexpected(self.path(name)));
                continue;
            }
            match name.as_str() {
                "tags" => write.tags = self.tags(value),
                "customData" => write.custom_data = self.custom_data(value),
                _ => write.settings.extend(self.setting(name, value)),
            }
        }
        self.done(write)
    }

    pub(super) fn done<T>(self, value: T) -> Result<T, Vec<FieldError>> {
        if self.errors.is_empty() {
            Ok(value)
        } else {
            Err(self.errors)
        }
    }

    pub(super) fn report(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    pub(super) fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn setting(&mut self, name: &str, value: &Value) -> Option<Setting> {
        match Field::named(name) {
            Some(Field::Text(field)) => self
                .text(name, value)
                .map(|value| Setting::Text(field, value)),
            Some(Field::Date(field)) => self
                .date(name, value)
                .map(|value| Setting::Date(field, value)),
            Some(Field::Flag(field)) => match value {
                Value::Bool(value) => Some(Setting::Flag(field, *value)),
                Value::Null => Some(Setting::Flag(field, false)),
                _ => self.refuse(FieldError::wrong_type(self.path(name), "bool")),
            },
            None => self.legacy(name, value),
        }
    }

    /// Reads a member that only older examples have; refuses read-only and unknown ones.
    fn legacy(&mut self, name: &str, value: &Value) -> Option<Setting> {
        if self.quirks.legacy_fields == Acceptance::Accept {
            let text = match (self.kind, name) {
                (WriteKind::Create, "createdFrom") => Some(TextField::CreatedFrom),
                (WriteKind::Create, "integrationId") => Some(TextField::IntegrationId),
                _ => None,
            };
            if let Some(field) = text {
                return self
                    .text(name, value)
                    .map(|value| Setting::Text(field, value));
            }
            let parts = ["city", "regionCode", "countryCode"];
            let part = parts
                .into_iter()
                .find(|part| *part == name && self.kind == WriteKind::Update);
            if let Some(part) = part {
                return self
                    .text(name, value)
                    .map(|value| Setting::Place(part, value));
            }
        }
        if READ_ONLY.contains(&name) {
            return self.refuse(FieldError::new(self.path(name), "This field is read-only."));
        }
        self.refuse(FieldError::unexpected(self.path(name)))
    }

    fn text(&mut self, name: &str, value: &Value) -> Option<Option<String>> {
        let text = match value {
            Value::Null => return Some(None),
            Value::String(text) => text,
            _ => return self.refuse(FieldError::wrong_type(self.path(name), "string")),
        };
        let fault = match name {
            "email" if !text.is_empty() && !is_email(text) => "This value is not a valid email.",
            "locale" if !text.is_empty() && !is_language(text) => {
                "This value is not a valid ISO 639-1 code."
            }
            "notes" if self.is_too_long(text) => return self.refuse_long(self.path(name)),
            _ => return Some(Some(text.clone())),
        };
        self.refuse(FieldError::new(self.path(name), fault))
    }

    pub(super) fn is_too_long(&self, text: &str) -> bool {
        let max = self.quirks.text_limit;
        max > 0 && text.chars().count() > max
    }

    pub(super) fn refuse_long<T>(&mut self, path: String) -> Option<T> {
        let max = self.quirks.text_limit;
        let message = format!("This value is too long. It should have {max} characters or less.");
        self.refuse(FieldError::new(path, message))
    }

    fn date(&mut self, name: &str, value: &Value) -> Option<Option<i64>> {
        match value {
            Value::Null => Some(None),
            Value::String(text) => match timestamp(text) {
                Some(date) => Some(Some(date)),
                None => self.refuse(FieldError::new(
                    self.path(name),
                    "This value is not a valid UNIX timestamp.",
                )),
            },
            _ => self.refuse(FieldError::wrong_type(self.path(name), "string")),
        }
    }

    pub(super) fn refuse<T>(&mut self, error: FieldError) -> Option<T> {
        self.report(error);
        None
    }

    pub(super) fn tags(&mut self, value: &Value) -> Option<Vec<NamedTag>> {
        match value {
            Value::Null => Some(Vec::new()),
            Value::Array(list) => {
                let tags = list.iter().enumerate();
                Some(
                    tags.filter_map(|(index, tag)| self.tag(index, tag))
                        .collect(),
                )
            }
            _ => self.refuse(FieldError::wrong_type(self.path("tags"), "array")),
        }
    }

    fn tag(&mut self, index: usize, tag: &Value) -> Option<NamedTag> {
        let path = self.path(&format!("tags[{index}]"));
        let Value::Object(members) = tag else {
            return self.refuse(FieldError::wrong_type(path, "object"));
        };
        for name in members
            .keys()
            .filter(|name| !["name", "color"].contains(&name.as_str()))
        {
            self.report(FieldError::unexpected(format!("{path}.{name}")));
        }
        let colour = match members.get("color") {
            None | Some(Value::Null) => None,
            Some(Value::String(colour)) if is_colour(colour) => Some(colour.clone()),
            Some(Value::String(_)) => {
                let message = "This value is not a valid CSS color.";
                return self.refuse(FieldError::new(format!("{path}.color"), message));
            }
            Some(_) => {
                return self.refuse(FieldError::wrong_type(format!("{path}.color"), "string"));
            }
        };
        match members.get("name") {
            None | Some(Value::Null) => self.refuse(FieldError::blank(format!("{path}.name"))),
            Some(Value::String(name)) if name.trim().is_empty() => {
                self.refuse(FieldError::blank(format!("{path}.name")))
            }
            Some(Value::String(name)) => Some(NamedTag {
                name: name.clone(),
                colour,
            }),
            Some(_) => self.refuse(FieldError::wrong_type(format!("{path}.name"), "string")),
        }
    }
}
