//! Validates the bodies of writes: all members have the documented types, and there are no others.

use serde_json::Value;

use super::body_reader::BodyReader;
use super::error_reply::{ErrorReply, FieldError};
use super::quirks::Quirks;
use super::tags::NamedTag;
use super::write::CustomerWrite;

/// Maximum number of customers in a batch. Documented.
const MAX_BATCH: usize = 10;

/// The kind of write that a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteKind {
    Create,
    Update,
}

/// A valid entry of a batch.
#[derive(Debug)]
pub(super) struct BatchEntry {
    pub(super) customer: u64,
    pub(super) write: CustomerWrite,
}

pub(super) fn json(body: &[u8]) -> Result<Value, ErrorReply> {
    serde_json::from_slice(body).map_err(|_| {
        ErrorReply::of(FieldError::new(
            "body",
            "The request body is not valid JSON.",
        ))
    })
}

/// Reads the body of a create or an update of one customer.
pub(super) fn write(
    value: &Value,
    kind: WriteKind,
    quirks: &Quirks,
) -> Result<CustomerWrite, ErrorReply> {
    let Value::Object(members) = value else {
        return Err(ErrorReply::of(FieldError::wrong_type("body", "object")));
    };
    BodyReader::new(quirks, kind, String::new())
        .finish(members)
        .map_err(ErrorReply::Invalid)
}

/// Reads the body of a batch. There is a `Result` for each entry, so that the caller can fail all or let the good ones
/// pass.
pub(super) fn batch(
    value: &Value,
    quirks: &Quirks,
) -> Result<Vec<Result<BatchEntry, Vec<FieldError>>>, ErrorReply> {
    let Value::Array(entries) = value else {
        return Err(ErrorReply::of(FieldError::wrong_type("body", "array")));
    };
    if entries.is_empty() {
        return Err(ErrorReply::of(FieldError::blank("body")));
    }
    if entries.len() > MAX_BATCH {
        let message = "This collection should contain 10 elements or less.";
        return Err(ErrorReply::of(FieldError::new("body", message)));
    }
    let entries = entries.iter().enumerate();
    Ok(entries
        .map(|(index, entry)| batch_entry(index, entry, quirks))
        .collect())
}

fn batch_entry(
    index: usize,
    entry: &Value,
    quirks: &Quirks,
) -> Result<BatchEntry, Vec<FieldError>> {
    let Value::Object(members) = entry else {
        return Err(vec![FieldError::wrong_type(format!("[{index}]"), "object")]);
    };
    let mut members = members.clone();
    let customer = members.remove("customer").as_ref().and_then(Value::as_u64);
    let mut reader = BodyReader::new(quirks, WriteKind::Update, format!("[{index}]."));
    if customer.is_none() {
        reader.report(FieldError::wrong_type(
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

/// Reads the body of "tag" or "untag".
pub(super) fn tags(value: &Value, quirks: &Quirks) -> Result<Vec<NamedTag>, ErrorReply> {
    let Value::Object(members) = value else {
        return Err(ErrorReply::of(FieldError::wrong_type("body", "object")));
    };
    let mut reader = BodyReader::new(quirks, WriteKind::Update, String::new());
    for name in members.keys().filter(|name| *name != "tags") {
        reader.report(FieldError::unexpected(name));
    }
    let tags = match members.get("tags") {
        None | Some(Value::Null) => None,
        Some(Value::Array(list)) if list.is_empty() => None,
        Some(tags) => reader.tags(tags),
    };
    if tags.is_none() && reader.errors.is_empty() {
        reader.report(FieldError::blank("tags"));
    }
    reader
        .done(tags.unwrap_or_default())
        .map_err(ErrorReply::Invalid)
}

#[cfg(test)]
mod tests {
    use super::super::field::Field;
    use super::*;
    use serde_json::json;

    fn errors(body: Value, kind: WriteKind) -> Vec<String> {
        match write(&body, kind, &Quirks::default()) {
            Err(ErrorReply::Invalid(list)) => list.into_iter().map(|one| one.code).collect(),
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
            assert_eq!(errors(body.clone(), WriteKind::Create), [code], "{body}");
            assert_eq!(errors(body, WriteKind::Update), [code]);
        }
    }

    #[test]
    fn all_bad_members_are_named_together() {
        let body = json!({"name": 1, "email": 2, "tags": [{"name": 3}]});
        let mut codes = errors(body, WriteKind::Update);
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
            write(
                &json!({ name: null }),
                WriteKind::Update,
                &Quirks::default(),
            )
            .unwrap();
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
                matches!(batch(&bad, &Quirks::default()), Err(ErrorReply::Invalid(_))),
                "{bad}"
            );
        }
    }
}
