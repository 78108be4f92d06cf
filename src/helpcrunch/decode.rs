//! Answers, read leniently: an older server's spelling of a value is as good as a newer one's, and a member that
//! cannot be read is unknown, which is never taken for empty.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::domain::{
    CustomValue, CustomerId, Field, FieldKind, Known, OpaqueValue, RemoteCustomer, Tag, Value,
};

/// A successful answer that does not say what it should. Its messages hold no values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Line and column are those of the answer.
    #[error("the answer is not the expected JSON (line {line}, column {column})")]
    Json { line: usize, column: usize },
    #[error("the answer holds no list of customers")]
    NoList,
    #[error("the answer holds a customer without a readable id")]
    NoId,
    #[error("the answer holds more than {MAX_PAGE} customers, where 100 were asked for")]
    TooMany,
}

/// Customers in one answer. The largest page that is ever asked for holds 1,000; a server that ignores the limit of a
/// page may send more, but not its whole account.
const MAX_PAGE: usize = 10_000;

impl From<serde_json::Error> for DecodeError {
    /// Keeps where and drops what: serde's own message repeats the value.
    fn from(error: serde_json::Error) -> Self {
        Self::Json {
            line: error.line(),
            column: error.column(),
        }
    }
}

/// One page of a listing or a search.
#[derive(Debug)]
pub struct Page {
    pub customers: Vec<RemoteCustomer>,
    /// The same customers as the API answered them, byte for byte.
    pub raw: Vec<Box<RawValue>>,
    /// Of all pages, where the answer says so.
    pub total: Option<u64>,
}

/// What the answer to a batch holds; not documented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchAnswer {
    /// As an array, or under `data`; perhaps none of them.
    Customers(Vec<RemoteCustomer>),
    Count(u64),
    /// Nothing, or something that tells nothing of customers.
    Nothing,
}

/// The members of an object in their order. Of a name that is there twice the last value counts.
struct Members<'a>(Vec<(Name<'a>, &'a RawValue)>);

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Members<'a> {
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let mut members = self.0.iter().rev();
        let found = members.find(|(member, _)| member.0 == name);
        found.map(|(_, value)| *value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<'de>, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// One customer, as every write answers.
///
/// # Errors
/// When it is not JSON, or has no id.
pub fn customer(body: &[u8]) -> Result<RemoteCustomer, DecodeError> {
    match std::str::from_utf8(body) {
        Ok(text) if text.trim_ascii_start().starts_with('{') => read_customer(text),
        _ => {
            let _: IgnoredAny = serde_json::from_slice(body)?;
            Err(DecodeError::NoId)
        }
    }
}

/// `{"data":[…],"total":N}`, the total also as text or missing, or the bare array.
///
/// # Errors
/// When it is not JSON, holds no list, or a customer without an id.
pub fn page(body: &[u8]) -> Result<Page, DecodeError> {
    let whole: &RawValue = serde_json::from_slice(body)?;
    let (list, total) = match whole.get().as_bytes().first() {
        Some(b'[') => (whole, None),
        Some(b'{') => {
            let members: Members<'_> = serde_json::from_str(whole.get())?;
            let list = members.get("data").ok_or(DecodeError::NoList)?;
            (list, members.get("total").and_then(unsigned))
        }
        _ => return Err(DecodeError::NoList),
    };
    if !list.get().starts_with('[') {
        return Err(DecodeError::NoList);
    }
    let raw: Vec<Box<RawValue>> = serde_json::from_str(list.get())?;
    if raw.len() > MAX_PAGE {
        return Err(DecodeError::TooMany);
    }
    let customers = raw
        .iter()
        .map(|raw| read_customer(raw.get()))
        .collect::<Result<_, _>>()?;
    Ok(Page {
        customers,
        raw,
        total,
    })
}

/// The status alone says that a batch was taken, so that no body is an error here.
#[must_use]
pub fn batch(body: &[u8]) -> BatchAnswer {
    if let Ok(page) = page(body) {
        return BatchAnswer::Customers(page.customers);
    }
    let members: Option<Members<'_>> = serde_json::from_slice(body).ok();
    let count = members.and_then(|members| unsigned(members.get("count")?));
    count.map_or(BatchAnswer::Nothing, BatchAnswer::Count)
}

/// The members of a customer that matter here. Of a name that is there twice the last value counts.
#[derive(Default)]
struct CustomerMembers<'a> {
    id: Option<&'a RawValue>,
    fields: [Option<&'a RawValue>; Field::ALL.len()],
    tags: Option<&'a RawValue>,
    custom_data: Option<&'a RawValue>,
}

impl<'a> CustomerMembers<'a> {
    fn slot(&mut self, name: &str) -> Option<&mut Option<&'a RawValue>> {
        match name {
            "id" => Some(&mut self.id),
            "tags" => Some(&mut self.tags),
            "customData" => Some(&mut self.custom_data),
            _ => self.fields.get_mut(Field::from_name(name)?.index()),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for CustomerMembers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Known;
        impl<'de> Visitor<'de> for Known {
            type Value = CustomerMembers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(
                self,
                mut map: M,
            ) -> Result<CustomerMembers<'de>, M::Error> {
                let mut members = CustomerMembers::default();
                while let Some(name) = map.next_key::<Name<'_>>()? {
                    match members.slot(&name.0) {
                        Some(slot) => *slot = Some(map.next_value()?),
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Known)
    }
}

fn read_customer(json: &str) -> Result<RemoteCustomer, DecodeError> {
    if !json.trim_ascii_start().starts_with('{') {
        return Err(DecodeError::NoId);
    }
    let members: CustomerMembers<'_> = serde_json::from_str(json)?;
    let id = members.id.and_then(unsigned).ok_or(DecodeError::NoId)?;
    let mut customer = RemoteCustomer::unknown(CustomerId(id));
    for (field, raw) in Field::ALL.into_iter().zip(members.fields) {
        if let Some(Known::Is(value)) = raw.map(|raw| field_value(field, raw)) {
            customer.set_field(field, value);
        }
    }
    customer.tags = members.tags.map_or(Known::Unknown, |raw| known(tags(raw)));
    if let Some(properties) = members.custom_data.and_then(properties) {
        let mut plain = BTreeMap::new();
        for (name, value) in properties {
            place_property(&mut plain, &mut customer.opaque, name, value);
        }
        customer.custom_data = Known::Is(plain);
    }
    Ok(customer)
}

fn known<T>(value: Option<T>) -> Known<T> {
    value.map_or(Known::Unknown, Known::Is)
}

/// A scalar of an answer. Numbers keep the digits that were sent: a `userId` or phone may be longer than a float.
enum Scalar<'a> {
    Null,
    Text(Cow<'a, str>),
    Number(&'a str),
    Bool(bool),
}

impl<'a> Scalar<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(digits) => Some(Cow::Borrowed(digits)),
            Self::Null | Self::Bool(_) => None,
        }
    }
}

fn scalar(raw: &RawValue) -> Option<Scalar<'_>> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'n' => Some(Scalar::Null),
        b't' => Some(Scalar::Bool(true)),
        b'f' => Some(Scalar::Bool(false)),
        b'"' => unescaped(text).map(Scalar::Text),
        b'[' | b'{' => None,
        _ => Some(Scalar::Number(text)),
    }
}

/// The text of a JSON string. One without escapes is what stands between its quotes.
fn unescaped(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    match inner.contains('\\') {
        false => Some(Cow::Borrowed(inner)),
        true => serde_json::from_str(json).ok().map(Cow::Owned),
    }
}

fn unsigned(raw: &RawValue) -> Option<u64> {
    scalar(raw)?.text()?.trim().parse().ok()
}

fn field_value(field: Field, raw: &RawValue) -> Known<Option<Value>> {
    let Some(scalar) = scalar(raw) else {
        return Known::Unknown;
    };
    match scalar {
        Scalar::Null => Known::Is(None),
        Scalar::Text(text) if text.is_empty() => Known::Is(None),
        present => known(
            match field.kind() {
                FieldKind::Text => present.text().map(|text| Value::Text(text.into_owned())),
                FieldKind::Date => date(present),
                FieldKind::OneWay => boolean(present),
            }
            .map(Some),
        ),
    }
}

fn date(scalar: Scalar<'_>) -> Option<Value> {
    scalar.text()?.trim().parse().ok().map(Value::Date)
}

fn boolean(scalar: Scalar<'_>) -> Option<Value> {
    if let Scalar::Bool(b) = scalar {
        return Some(Value::Bool(b));
    }
    match scalar.text()?.trim() {
        "1" | "true" => Some(Value::Bool(true)),
        "0" | "false" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// Tags as objects or as plain names; `null` is none.
fn tags(raw: &RawValue) -> Option<Vec<Tag>> {
    if raw.get() == "null" {
        return Some(Vec::new());
    }
    let list: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
    list.into_iter().map(tag).collect()
}

fn tag(raw: &RawValue) -> Option<Tag> {
    if let Some(name) = scalar(raw) {
        return name.text().map(Tag::named);
    }
    let members: Members<'_> = serde_json::from_str(raw.get()).ok()?;
    let member = |name: &str| scalar(members.get(name)?)?.text().map(Cow::into_owned);
    Some(Tag {
        name: member("name")?,
        color: member("color").filter(|color| !color.is_empty()),
    })
}

/// Properties as an object, or as an array of `{"property","value"}`; `null` is none.
fn properties(raw: &RawValue) -> Option<Vec<(String, &RawValue)>> {
    match raw.get().as_bytes().first()? {
        b'n' => Some(Vec::new()),
        b'{' => {
            let members: Members<'_> = serde_json::from_str(raw.get()).ok()?;
            let named = members.0.into_iter();
            Some(
                named
                    .map(|(name, value)| (name.0.into_owned(), value))
                    .collect(),
            )
        }
        b'[' => {
            let list: Vec<Property<'_>> = serde_json::from_str(raw.get()).ok()?;
            Some(list.into_iter().map(|p| (p.property, p.value)).collect())
        }
        _ => None,
    }
}

#[derive(Deserialize)]
struct Property<'a> {
    property: String,
    #[serde(borrow)]
    value: &'a RawValue,
}

fn place_property(
    plain: &mut BTreeMap<String, CustomValue>,
    opaque: &mut BTreeMap<String, OpaqueValue>,
    name: String,
    raw: &RawValue,
) {
    // The same name again takes the place of what it had.
    plain.remove(&name);
    opaque.remove(&name);
    if let Some(Scalar::Text(text)) = scalar(raw) {
        plain.insert(name, CustomValue::Text(text.into_owned()));
        return;
    }
    let Ok(json) = serde_json::from_str::<serde_json::Value>(raw.get()) else {
        return;
    };
    if let Some(value) = CustomValue::from_json(&json) {
        plain.insert(name, value);
    } else if !json.is_null() {
        opaque.insert(name, OpaqueValue::new(json));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::Number;

    fn read(body: &str) -> RemoteCustomer {
        customer(body.as_bytes()).unwrap()
    }

    fn text(text: &str) -> Option<Value> {
        Some(Value::Text(text.into()))
    }

    #[test]
    fn the_documented_customer_is_read() {
        let customer = read(
            r##"{"id":542335,"name":"John Doe","email":"a@b.c","userId":"u1","phone":null,
            "firstSeen":"1603885746","lastSeen":1603885747,"unsubscribed":false,"blocked":true,"notes":"",
            "device":{"id":542335},"tags":[{"name":"vip","color":"#ff0000"}],
            "customData":{"a b":15.99,"on":true,"none":null,"at":1603885746}}"##,
        );
        assert_eq!(customer.id, CustomerId(542_335));
        assert_eq!(customer.value(Field::Name).cloned(), text("John Doe"));
        assert_eq!(customer.field(Field::Phone), Known::Is(None));
        assert_eq!(customer.field(Field::Notes), Known::Is(None));
        assert_eq!(customer.field(Field::Company), Known::Unknown);
        assert_eq!(
            customer.value(Field::FirstSeen),
            Some(&Value::Date(1_603_885_746))
        );
        assert_eq!(
            customer.value(Field::LastSeen),
            Some(&Value::Date(1_603_885_747))
        );
        assert_eq!(customer.value(Field::Blocked), Some(&Value::Bool(true)));
        assert_eq!(
            customer.tags,
            Known::Is(vec![Tag {
                name: "vip".into(),
                color: Some("#ff0000".into())
            }])
        );
        let properties = customer.custom_data.clone().ok().unwrap();
        assert_eq!(properties.len(), 3);
        assert_eq!(
            properties["a b"],
            CustomValue::Number(Number::parse("15.99").unwrap())
        );
    }

    #[test]
    fn missing_null_and_empty_are_three_things() {
        let bare = read(r#"{"id":"7"}"#);
        assert_eq!(bare, RemoteCustomer::unknown(CustomerId(7)));
        let empty = read(r#"{"id":7,"tags":null,"customData":[]}"#);
        assert_eq!(empty.tags, Known::Is(vec![]));
        assert_eq!(empty.custom_data, Known::Is(BTreeMap::new()));
        assert_eq!(
            read(r#"{"id":7,"customData":null}"#).custom_data,
            empty.custom_data
        );
    }

    #[test]
    fn other_spellings_mean_the_same() {
        let customer = read(
            r#"{"id":7,"userId":12345678901234567890123,"phone":380501234567,"blocked":0,"unsubscribed":"true",
            "tags":["a",{"name":"b"}],"customData":[{"property":"p q","value":"x"},{"property":"n","value":null}]}"#,
        );
        assert_eq!(customer.user_id(), Some("12345678901234567890123"));
        assert_eq!(customer.value(Field::Phone).cloned(), text("380501234567"));
        assert_eq!(customer.value(Field::Blocked), Some(&Value::Bool(false)));
        assert_eq!(
            customer.value(Field::Unsubscribed),
            Some(&Value::Bool(true))
        );
        assert!(customer.has_tag("a") && customer.has_tag("b"));
        assert_eq!(
            customer.property("p q"),
            Some(&CustomValue::Text("x".into()))
        );
        assert_eq!(customer.custom_data.ok().unwrap().len(), 1);
    }

    #[test]
    fn a_member_that_cannot_be_read_is_unknown_and_costs_nothing_else() {
        let customer = read(
            r#"{"id":7,"name":{"first":"A"},"firstSeen":"2020-01-01","lastSeen":1.5,"blocked":"maybe","email":true,
            "tags":[{"color":"red"}],"customData":[{"name":"x"}],"company":"C"}"#,
        );
        for field in [
            Field::Name,
            Field::FirstSeen,
            Field::LastSeen,
            Field::Blocked,
            Field::Email,
        ] {
            assert_eq!(customer.field(field), Known::Unknown, "{field}");
        }
        assert_eq!(customer.tags, Known::Unknown);
        assert_eq!(customer.custom_data, Known::Unknown);
        assert_eq!(customer.value(Field::Company).cloned(), text("C"));
    }

    #[test]
    fn nested_properties_are_kept_aside() {
        let customer = read(r#"{"id":7,"customData":{"a":{"b":[1]},"c":1}}"#);
        assert_eq!(customer.opaque["a"], OpaqueValue::new(json!({"b": [1]})));
        assert_eq!(customer.custom_data.clone().ok().unwrap().len(), 1);
    }

    #[test]
    fn no_id_no_customer() {
        for body in [
            "{}",
            r#"{"id":null}"#,
            r#"{"id":1.5}"#,
            r#"{"id":-1}"#,
            "[]",
            "7",
            "\"Ok\"",
        ] {
            assert_eq!(customer(body.as_bytes()), Err(DecodeError::NoId), "{body}");
        }
        assert_eq!(
            customer(b"{\"id\": 7"),
            Err(DecodeError::Json { line: 1, column: 8 })
        );
    }

    #[test]
    fn pages_in_their_forms() {
        let total = |body: &str| page(body.as_bytes()).map(|p| (p.customers.len(), p.total));
        assert_eq!(
            total(r#"{"data":[{"id":1},{"id":2}],"total":57}"#),
            Ok((2, Some(57)))
        );
        assert_eq!(total(r#"{"total":"57","data":[]}"#), Ok((0, Some(57))));
        assert_eq!(total(r#"{"data":[{"id":1}]}"#), Ok((1, None)));
        assert_eq!(total(r#" [{"id":1}] "#), Ok((1, None)));
        assert_eq!(total(r#"{"data":null}"#), Err(DecodeError::NoList));
        assert_eq!(total(r#"{"customers":[]}"#), Err(DecodeError::NoList));
        assert_eq!(total(r#"{"data":[{"name":"x"}]}"#), Err(DecodeError::NoId));
        assert_eq!(total("\"Ok\""), Err(DecodeError::NoList));
    }

    #[test]
    fn a_batch_is_answered_in_any_form() {
        for body in [r#"[{"id":1}]"#, r#"{"data":[{"id":1}]}"#] {
            let BatchAnswer::Customers(customers) = batch(body.as_bytes()) else {
                panic!("{body}")
            };
            assert_eq!(customers[0].id, CustomerId(1));
        }
        assert_eq!(batch(br#"{"count":2}"#), BatchAnswer::Count(2));
        for body in ["", "\"Ok\"", "Ok", "{}", "[1]"] {
            assert_eq!(batch(body.as_bytes()), BatchAnswer::Nothing, "{body}");
        }
    }

    #[test]
    fn the_raw_customer_is_the_apis_own() {
        let raw = r#"{"id" : 1, "x":1.50}"#;
        let page = page(format!(r#"{{"data":[{raw}],"total":1}}"#).as_bytes()).unwrap();
        assert_eq!(page.raw[0].get(), raw);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (customer(&body), page(&body));
        }
    }
}
