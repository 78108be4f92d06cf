//! Bodies of writes: types of every member as documented, and nothing else.

use isolang::Language;
use serde_json::{Map, Value};

use super::field::{Field, Text};
use super::problem::{Complaint, Problem};
use super::quirks::{Quirks, UndefinedProperty, Verdict};
use super::tags::NamedTag;
use super::write::{Setting, Write};

/// The most customers in one batch. Documented.
const BATCH_MAX: usize = 10;

const READ_ONLY: [&str; 5] = ["id", "location", "device", "createdFrom", "integrationId"];

/// Which write a body is for, as far as its members depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Create,
    Update,
}

/// One entry of a batch, or what is wrong with it.
#[derive(Debug)]
pub(super) struct BatchEntry {
    pub(super) customer: u64,
    pub(super) write: Write,
}

/// Reads bodies, collecting everything that is wrong with them.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    quirks: &'a Quirks,
    kind: Kind,
    prefix: String,
    complaints: Vec<Complaint>,
}

pub(super) fn json(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|_| {
        Problem::of(Complaint::new(
            "body",
            "The request body is not valid JSON.",
        ))
    })
}

/// The body of a create or an update of one customer.
pub(super) fn write(value: &Value, kind: Kind, quirks: &Quirks) -> Result<Write, Problem> {
    let Value::Object(members) = value else {
        return Err(Problem::of(Complaint::wrong_type("body", "object")));
    };
    Reader::new(quirks, kind, String::new())
        .finish(members)
        .map_err(Problem::Invalid)
}

/// The body of a batch: a `Result` for each entry, so that the caller can
/// fail all or pass the good ones.
pub(super) fn batch(
    value: &Value,
    quirks: &Quirks,
) -> Result<Vec<Result<BatchEntry, Vec<Complaint>>>, Problem> {
    let Value::Array(entries) = value else {
        return Err(Problem::of(Complaint::wrong_type("body", "array")));
    };
    if entries.is_empty() {
        return Err(Problem::of(Complaint::blank("body")));
    }
    if entries.len() > BATCH_MAX {
        let message = "This collection should contain 10 elements or less.";
        return Err(Problem::of(Complaint::new("body", message)));
    }
    let entries = entries.iter().enumerate();
    Ok(entries
        .map(|(index, entry)| batch_entry(index, entry, quirks))
        .collect())
}

fn batch_entry(index: usize, entry: &Value, quirks: &Quirks) -> Result<BatchEntry, Vec<Complaint>> {
    let Value::Object(members) = entry else {
        return Err(vec![Complaint::wrong_type(format!("[{index}]"), "object")]);
    };
    let mut members = members.clone();
    let customer = members.remove("customer").as_ref().and_then(Value::as_u64);
    let mut reader = Reader::new(quirks, Kind::Update, format!("[{index}]."));
    if customer.is_none() {
        reader.complain(Complaint::wrong_type(
            format!("[{index}].customer"),
            "numeric",
        ));
    }
    let write = reader.finish(&members)?;
    Ok(BatchEntry {
        customer: customer.unwrap_or_default(),
        write,
    })
}

/// The body of "tag" and of "untag".
pub(super) fn tags(value: &Value, quirks: &Quirks) -> Result<Vec<NamedTag>, Problem> {
    let Value::Object(members) = value else {
        return Err(Problem::of(Complaint::wrong_type("body", "object")));
    };
    let mut reader = Reader::new(quirks, Kind::Update, String::new());
    for name in members.keys().filter(|name| *name != "tags") {
        reader.complain(Complaint::unexpected(name));
    }
    let tags = match members.get("tags") {
        None | Some(Value::Null) => None,
        Some(Value::Array(list)) if list.is_empty() => None,
        Some(tags) => reader.tags(tags),
    };
    if tags.is_none() && reader.complaints.is_empty() {
        reader.complain(Complaint::blank("tags"));
    }
    reader
        .done(tags.unwrap_or_default())
        .map_err(Problem::Invalid)
}

impl<'a> Reader<'a> {
    fn new(quirks: &'a Quirks, kind: Kind, prefix: String) -> Self {
        Self {
            quirks,
            kind,
            prefix,
            complaints: Vec::new(),
        }
    }

    fn finish(mut self, members: &Map<String, Value>) -> Result<Write, Vec<Complaint>> {
        let mut write = Write::default();
        for (name, value) in members {
            if self.kind == Kind::Create && self.quirks.create_refuses.contains(name) {
                self.complain(Complaint::unexpected(self.path(name)));
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

    fn done<T>(self, value: T) -> Result<T, Vec<Complaint>> {
        if self.complaints.is_empty() {
            Ok(value)
        } else {
            Err(self.complaints)
        }
    }

    fn complain(&mut self, complaint: Complaint) {
        self.complaints.push(complaint);
    }

    fn path(&self, name: &str) -> String {
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
                _ => self.refuse(Complaint::wrong_type(self.path(name), "bool")),
            },
            None => self.legacy(name, value),
        }
    }

    /// Members that only older examples have, and those that nobody may set.
    fn legacy(&mut self, name: &str, value: &Value) -> Option<Setting> {
        if self.quirks.legacy_fields == Verdict::Accept {
            let text = match (self.kind, name) {
                (Kind::Create, "createdFrom") => Some(Text::CreatedFrom),
                (Kind::Create, "integrationId") => Some(Text::IntegrationId),
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
                .find(|part| *part == name && self.kind == Kind::Update);
            if let Some(part) = part {
                return self
                    .text(name, value)
                    .map(|value| Setting::Place(part, value));
            }
        }
        if READ_ONLY.contains(&name) {
            return self.refuse(Complaint::new(self.path(name), "This field is read-only."));
        }
        self.refuse(Complaint::unexpected(self.path(name)))
    }

    fn text(&mut self, name: &str, value: &Value) -> Option<Option<String>> {
        let text = match value {
            Value::Null => return Some(None),
            Value::String(text) => text,
            _ => return self.refuse(Complaint::wrong_type(self.path(name), "string")),
        };
        let fault = match name {
            "email" if !text.is_empty() && !is_email(text) => "This value is not a valid email.",
            "locale" if !text.is_empty() && Language::from_639_1(text).is_none() => {
                "This value is not a valid ISO 639-1 code."
            }
            _ => return Some(Some(text.clone())),
        };
        self.refuse(Complaint::new(self.path(name), fault))
    }

    fn date(&mut self, name: &str, value: &Value) -> Option<Option<i64>> {
        match value {
            Value::Null => Some(None),
            Value::String(text) => match timestamp(text) {
                Some(date) => Some(Some(date)),
                None => self.refuse(Complaint::new(
                    self.path(name),
                    "This value is not a valid UNIX timestamp.",
                )),
            },
            _ => self.refuse(Complaint::wrong_type(self.path(name), "string")),
        }
    }

    fn refuse<T>(&mut self, complaint: Complaint) -> Option<T> {
        self.complain(complaint);
        None
    }

    fn tags(&mut self, value: &Value) -> Option<Vec<NamedTag>> {
        match value {
            Value::Null => Some(Vec::new()),
            Value::Array(list) => {
                let tags = list.iter().enumerate();
                Some(
                    tags.filter_map(|(index, tag)| self.tag(index, tag))
                        .collect(),
                )
            }
            _ => self.refuse(Complaint::wrong_type(self.path("tags"), "array")),
        }
    }

    fn tag(&mut self, index: usize, tag: &Value) -> Option<NamedTag> {
        let path = self.path(&format!("tags[{index}]"));
        let Value::Object(members) = tag else {
            return self.refuse(Complaint::wrong_type(path, "object"));
        };
        for name in members
            .keys()
            .filter(|name| !["name", "color"].contains(&name.as_str()))
        {
            self.complain(Complaint::unexpected(format!("{path}.{name}")));
        }
        let colour = match members.get("color") {
            None | Some(Value::Null) => None,
            Some(Value::String(colour)) if is_colour(colour) => Some(colour.clone()),
            Some(Value::String(_)) => {
                let message = "This value is not a valid CSS color.";
                return self.refuse(Complaint::new(format!("{path}.color"), message));
            }
            Some(_) => {
                return self.refuse(Complaint::wrong_type(format!("{path}.color"), "string"));
            }
        };
        match members.get("name") {
            None | Some(Value::Null) => self.refuse(Complaint::blank(format!("{path}.name"))),
            Some(Value::String(name)) if name.trim().is_empty() => {
                self.refuse(Complaint::blank(format!("{path}.name")))
            }
            Some(Value::String(name)) => Some(NamedTag {
                name: name.clone(),
                colour,
            }),
            Some(_) => self.refuse(Complaint::wrong_type(format!("{path}.name"), "string")),
        }
    }

    fn custom_data(&mut self, value: &Value) -> Option<Option<Vec<(String, Value)>>> {
        match value {
            Value::Null => Some(None),
            Value::Array(list) => {
                let list = list.iter().enumerate();
                Some(Some(
                    list.filter_map(|(index, entry)| self.property(index, entry))
                        .collect(),
                ))
            }
            _ => self.refuse(Complaint::wrong_type(self.path("customData"), "array")),
        }
    }

    fn property(&mut self, index: usize, entry: &Value) -> Option<(String, Value)> {
        let path = self.path(&format!("customData[{index}]"));
        let Value::Object(members) = entry else {
            return self.refuse(Complaint::wrong_type(path, "object"));
        };
        for name in members
            .keys()
            .filter(|name| !["property", "value"].contains(&name.as_str()))
        {
            self.complain(Complaint::unexpected(format!("{path}.{name}")));
        }
        let name = match members.get("property") {
            Some(Value::String(name)) if !name.trim().is_empty() => name.clone(),
            None | Some(Value::Null | Value::String(_)) => {
                return self.refuse(Complaint::blank(format!("{path}.property")));
            }
            Some(_) => {
                return self.refuse(Complaint::wrong_type(format!("{path}.property"), "string"));
            }
        };
        let refused = self.quirks.undefined_property == UndefinedProperty::Refuse
            && !self.quirks.defined_properties.contains(&name);
        if refused {
            let message = "This custom attribute does not exist.";
            return self.refuse(Complaint::new(format!("{path}.property"), message));
        }
        match members.get("value") {
            None => self.refuse(Complaint::new(
                format!("{path}.value"),
                "This field is missing.",
            )),
            Some(Value::Array(_) | Value::Object(_)) => {
                self.refuse(Complaint::wrong_type(format!("{path}.value"), "scalar"))
            }
            Some(value) => Some((name, value.clone())),
        }
    }
}

/// A UNIX timestamp in text: digits, after a minus sign for one before 1970.
pub(super) fn timestamp(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// One `@` with something on both sides and no space.
fn is_email(text: &str) -> bool {
    let spaced = text.chars().any(char::is_whitespace);
    text.split_once('@').is_some_and(|(local, domain)| {
        !spaced && !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    })
}

/// CSS writes a hexadecimal colour with a `#`, which the parser does not ask for.
fn is_colour(text: &str) -> bool {
    let bare_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    !bare_hex && csscolorparser::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complaints(body: Value, kind: Kind) -> Vec<String> {
        match write(&body, kind, &Quirks::default()) {
            Err(Problem::Invalid(list)) => list.into_iter().map(|one| one.code).collect(),
            other => panic!("{body} gave {other:?}"),
        }
    }

    #[test]
    fn a_member_of_the_wrong_type_is_named() {
        for (body, code) in [
            (json!({"name": 1}), "name"),
            (json!({"email": ["a@b.c"]}), "email"),
            (json!({"email": "a@b@c"}), "email"),
            (json!({"email": "a b@c.d"}), "email"),
            (json!({"userId": 17}), "userId"),
            (json!({"firstSeen": 1603885746}), "firstSeen"),
            (json!({"lastSeen": "2020-09-01"}), "lastSeen"),
            (json!({"lastSeen": ""}), "lastSeen"),
            (json!({"unsubscribed": "true"}), "unsubscribed"),
            (json!({"blocked": 0}), "blocked"),
            (json!({"locale": "english"}), "locale"),
            (json!({"locale": "zz"}), "locale"),
            (json!({"tags": "vip"}), "tags"),
            (json!({"tags": ["vip"]}), "tags[0]"),
            (
                json!({"tags": [{"name": "a"}, {"color": "red"}]}),
                "tags[1].name",
            ),
            (json!({"tags": [{"name": " "}]}), "tags[0].name"),
            (json!({"tags": [{"name": 5}]}), "tags[0].name"),
            (
                json!({"tags": [{"name": "a", "color": "reddish"}]}),
                "tags[0].color",
            ),
            (
                json!({"tags": [{"name": "a", "color": "ff0000"}]}),
                "tags[0].color",
            ),
            (
                json!({"tags": [{"name": "a", "color": 7}]}),
                "tags[0].color",
            ),
            (
                json!({"tags": [{"name": "a", "colour": "red"}]}),
                "tags[0].colour",
            ),
            (json!({"customData": {"plan": "pro"}}), "customData"),
            (json!({"customData": ["plan"]}), "customData[0]"),
            (
                json!({"customData": [{"value": 1}]}),
                "customData[0].property",
            ),
            (
                json!({"customData": [{"property": "", "value": 1}]}),
                "customData[0].property",
            ),
            (
                json!({"customData": [{"property": 1, "value": 1}]}),
                "customData[0].property",
            ),
            (
                json!({"customData": [{"property": "a"}]}),
                "customData[0].value",
            ),
            (
                json!({"customData": [{"property": "a", "value": []}]}),
                "customData[0].value",
            ),
            (
                json!({"customData": [{"property": "a", "value": {}}]}),
                "customData[0].value",
            ),
            (
                json!({"customData": [{"property": "a", "value": 1, "x": 1}]}),
                "customData[0].x",
            ),
            (json!({"custom_data": []}), "custom_data"),
            (json!({"city": "Kyiv"}), "city"),
            (json!({"id": 5}), "id"),
            (json!({"location": null}), "location"),
            (json!({"device": null}), "device"),
            (json!({"createdFrom": "api"}), "createdFrom"),
            (json!({"integrationId": "1"}), "integrationId"),
            (json!([]), "body"),
        ] {
            assert_eq!(complaints(body.clone(), Kind::Create), [code], "{body}");
            assert_eq!(complaints(body, Kind::Update), [code]);
        }
    }

    #[test]
    fn all_bad_members_are_named_together() {
        let body = json!({"name": 1, "email": 2, "tags": [{"name": 3}]});
        let mut codes = complaints(body, Kind::Update);
        codes.sort();
        assert_eq!(codes, ["email", "name", "tags[0].name"]);
    }

    #[test]
    fn null_is_good_for_every_field() {
        for name in Field::ALL
            .map(Field::name)
            .into_iter()
            .chain(["tags", "customData"])
        {
            write(&json!({ name: null }), Kind::Update, &Quirks::default()).unwrap();
        }
    }

    #[test]
    fn every_kind_of_css_colour_is_one() {
        for colour in [
            "#f00",
            "#ff0000",
            "red",
            "rgb(255, 0, 0)",
            "hsl(0, 100%, 50%)",
            "Tomato",
        ] {
            assert!(is_colour(colour), "{colour}");
        }
    }

    #[test]
    fn entries_of_a_batch_are_read_one_by_one() {
        let body = json!([{"customer": 1, "phone": "1"}, {"customer": "2"}, 3]);
        let entries = batch(&body, &Quirks::default()).unwrap();
        let codes: Vec<_> = entries
            .iter()
            .map(|entry| {
                entry
                    .as_ref()
                    .map(|good| good.customer)
                    .map_err(|bad| bad[0].code.as_str())
            })
            .collect();
        assert_eq!(codes, [Ok(1), Err("[1].customer"), Err("[2]")]);
        for bad in [
            json!({}),
            json!([]),
            Value::Array(vec![json!({"customer": 1}); 11]),
        ] {
            assert!(
                matches!(batch(&bad, &Quirks::default()), Err(Problem::Invalid(_))),
                "{bad}"
            );
        }
    }
}
