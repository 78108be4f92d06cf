//! Request bodies, strictly as documented: named fields only, dates as text of UNIX seconds, `customData` as an array of
//! `{"property","value"}`, `null` to clear.

use serde_json::{Map, Value as Json, json};

use crate::domain::{CustomValue, CustomerId, Field, OpaqueValue, Tag, Value};
use crate::plan::Create;

/// The attributes that a `PATCH` names; all others stay as they are (documented).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatchBody {
    /// `None` clears the field.
    pub set: Vec<(Field, Option<Value>)>,
    /// The properties to send. While it is not known that the API merges them, all that the customer has.
    pub custom_data: Option<Vec<(String, PropertyWrite)>>,
    /// For the probe, which finds out whether they add or replace; a sync adds and removes tags by requests of their own.
    pub tags: Option<Vec<Tag>>,
}

/// One customer's part of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchEntry {
    /// `None`: an entry that the API must refuse ("this value should be of type numeric", documented), with which the probe
    /// finds out how the other entries fare.
    pub customer: Option<CustomerId>,
    pub patch: PatchBody,
}

/// What to write to one custom property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyWrite {
    Set(CustomValue),
    Clear,
    /// Sent again as it was read.
    Resend(OpaqueValue),
}

pub(super) fn create(create: &Create) -> String {
    let mut body = Map::new();
    for (field, value) in &create.set {
        body.insert(field.name().to_owned(), field_value(Some(value)));
    }
    if !create.custom_data.is_empty() {
        let properties = create
            .custom_data
            .iter()
            .map(|(name, value)| property(name, custom_value(value)));
        body.insert("customData".to_owned(), properties.collect());
    }
    if !create.tags.is_empty() {
        body.insert("tags".to_owned(), tag_list(&create.tags));
    }
    Json::Object(body).to_string()
}

pub(super) fn patch(patch: &PatchBody) -> String {
    Json::Object(members(patch)).to_string()
}

/// An array with the customer's id beside what is set (documented); at most ten (documented, not checked here).
pub(super) fn batch(entries: &[BatchEntry]) -> String {
    let entry = |entry: &BatchEntry| {
        let mut body = members(&entry.patch);
        let customer = entry
            .customer
            .map_or_else(|| "nobody".into(), |id| Json::from(id.0));
        body.insert("customer".to_owned(), customer);
        Json::Object(body)
    };
    Json::Array(entries.iter().map(entry).collect()).to_string()
}

fn members(patch: &PatchBody) -> Map<String, Json> {
    let mut body = Map::new();
    for (field, value) in &patch.set {
        body.insert(field.name().to_owned(), field_value(value.as_ref()));
    }
    if let Some(properties) = &patch.custom_data {
        let properties = properties
            .iter()
            .map(|(name, write)| property(name, property_value(write)));
        body.insert("customData".to_owned(), properties.collect());
    }
    if let Some(tags) = &patch.tags {
        body.insert("tags".to_owned(), tag_list(tags));
    }
    body
}

pub(super) fn tag(tags: &[Tag]) -> String {
    json!({ "tags": tag_list(tags) }).to_string()
}

/// Tags are removed by their name alone (documented).
pub(super) fn untag(tags: &[Tag]) -> String {
    let names: Vec<Json> = tags.iter().map(|tag| json!({ "name": tag.name })).collect();
    json!({ "tags": names }).to_string()
}

fn tag_list(tags: &[Tag]) -> Json {
    tags.iter()
        .map(|tag| match &tag.color {
            Some(color) => json!({ "name": tag.name, "color": color }),
            None => json!({ "name": tag.name }),
        })
        .collect()
}

fn field_value(value: Option<&Value>) -> Json {
    match value {
        None => Json::Null,
        Some(Value::Text(text)) => text.as_str().into(),
        Some(Value::Bool(b)) => (*b).into(),
        Some(Value::Date(seconds)) => seconds.to_string().into(),
    }
}

fn property(name: &str, value: Json) -> Json {
    json!({ "property": name, "value": value })
}

fn property_value(write: &PropertyWrite) -> Json {
    match write {
        PropertyWrite::Set(value) => custom_value(value),
        PropertyWrite::Clear => Json::Null,
        PropertyWrite::Resend(opaque) => opaque.as_json().clone(),
    }
}

fn custom_value(value: &CustomValue) -> Json {
    match value {
        CustomValue::Date(seconds) => seconds.to_string().into(),
        plain => plain.to_json(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Number;

    fn parsed(body: &str) -> Json {
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn a_create_carries_everything_in_the_apis_own_form() {
        let body = create(&Create {
            set: vec![
                (Field::Name, Value::Text("Ann \"A\"".into())),
                (Field::FirstSeen, Value::Date(1_603_885_746)),
                (Field::Unsubscribed, Value::Bool(true)),
            ],
            clear: vec![Field::LastSeen],
            custom_data: vec![
                ("last payment".into(), CustomValue::Date(5)),
                (
                    "mrr".into(),
                    CustomValue::Number(Number::parse("15.99").unwrap()),
                ),
                ("ok".into(), CustomValue::Bool(false)),
            ],
            tags: vec![
                Tag::named("lead"),
                Tag {
                    name: "vip".into(),
                    color: Some("#ff0000".into()),
                },
            ],
        });
        assert_eq!(
            parsed(&body),
            json!({
                "name": "Ann \"A\"", "firstSeen": "1603885746", "unsubscribed": true,
                "customData": [
                    {"property": "last payment", "value": "5"},
                    {"property": "mrr", "value": 15.99},
                    {"property": "ok", "value": false}
                ],
                "tags": [{"name": "lead"}, {"name": "vip", "color": "#ff0000"}]
            })
        );
    }

    #[test]
    fn a_patch_names_only_what_it_was_given() {
        assert_eq!(patch(&PatchBody::default()), "{}");
        let body = patch(&PatchBody {
            set: vec![(Field::Company, None)],
            custom_data: Some(vec![
                ("a".into(), PropertyWrite::Clear),
                (
                    "b".into(),
                    PropertyWrite::Resend(OpaqueValue::new(json!({"c": [1]}))),
                ),
            ]),
            tags: None,
        });
        assert_eq!(
            parsed(&body),
            json!({
                "company": null,
                "customData": [{"property": "a", "value": null}, {"property": "b", "value": {"c": [1]}}]
            })
        );
    }

    #[test]
    fn an_empty_set_of_properties_or_tags_is_still_named() {
        let body = patch(&PatchBody {
            custom_data: Some(vec![]),
            tags: Some(vec![]),
            ..Default::default()
        });
        assert_eq!(parsed(&body), json!({"customData": [], "tags": []}));
    }

    #[test]
    fn a_batch_names_its_customers_and_an_entry_for_nobody_is_bad() {
        let patch = PatchBody {
            set: vec![(Field::Phone, Some(Value::Text("1".into())))],
            ..PatchBody::default()
        };
        let of = |customer| BatchEntry {
            customer,
            patch: patch.clone(),
        };
        assert_eq!(
            parsed(&batch(&[of(Some(CustomerId(7))), of(None)])),
            json!([{"customer": 7, "phone": "1"}, {"customer": "nobody", "phone": "1"}])
        );
    }

    #[test]
    fn untagging_names_no_colour() {
        let vip = [Tag {
            name: "vip".into(),
            color: Some("red".into()),
        }];
        assert_eq!(untag(&vip), r#"{"tags":[{"name":"vip"}]}"#);
        assert_eq!(
            parsed(&tag(&vip)),
            json!({"tags": [{"name": "vip", "color": "red"}]})
        );
    }
}
