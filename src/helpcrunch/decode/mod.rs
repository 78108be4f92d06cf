//! Decodes answers leniently: all known spellings of a value are accepted, and a member that cannot be read is unknown,
//! which is never taken for empty.

mod customer;
mod json;
mod organization;
mod walk;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use self::customer::read_customer;
use self::json::unsigned;
pub(super) use self::organization::organization;
use self::walk::each_member;
use crate::domain::RemoteCustomer;

/// Why a successful answer cannot be used. The messages hold no values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Line and column in the answer.
    #[error("the answer is not the expected JSON (line {line}, column {column})")]
    Json { line: usize, column: usize },
    #[error("the answer holds no list of customers")]
    NoList,
    #[error("the answer holds a customer without a readable id")]
    NoId,
    #[error("the answer holds more than {MAX_PAGE} customers, where 100 were asked for")]
    TooMany,
}

/// Customers in one answer. The largest page that is ever requested holds 1,000; a server that ignores `limit` may send
/// more, but not the whole account.
const MAX_PAGE: usize = 10_000;

impl From<serde_json::Error> for DecodeError {
    /// Keeps the position only: serde's own message repeats the value.
    fn from(error: serde_json::Error) -> Self {
        Self::Json {
            line: error.line(),
            column: error.column(),
        }
    }
}

impl DecodeError {
    /// What is wrong with a text that is no object of which the names can be read.
    fn of_object(json: &str) -> Self {
        let members = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(json);
        members.map_or_else(Self::from, |_| Self::Json { line: 1, column: 1 })
    }
}
/// The answer to a search that finds no customer.
pub(super) const EMPTY_PAGE: &[u8] = br#"{"data":[],"total":0}"#;

/// One page of a listing or a search.
#[derive(Debug, Clone)]
pub struct CustomerPage {
    pub customers: Vec<RemoteCustomer>,
    /// The same customers as the API sent them, byte for byte.
    pub raw: Vec<Box<RawValue>>,
    /// Over all pages, if the answer says so.
    pub total: Option<u64>,
}

impl CustomerPage {
    /// Customers over all pages, if known: an empty first page means that there are none.
    pub fn known_total(&self) -> Option<u64> {
        self.total.or(self.customers.is_empty().then_some(0))
    }
}

/// The content of the answer to a batch; not documented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchAnswer {
    /// As an array, or under `data`; may be empty.
    Customers(Vec<RemoteCustomer>),
    Count(u64),
    /// No body, or one that says nothing about customers.
    Nothing,
}

/// Decodes one customer, as every write answers.
///
/// # Errors
/// It is not JSON, or has no id.
pub fn customer(body: &[u8]) -> Result<RemoteCustomer, DecodeError> {
    borrowed_customer(body).map(RemoteCustomer::into_owned)
}

/// Whether a body that is no customer leaves no doubt that it is whole: empty, JSON about something else, or `Ok`.
pub(super) fn is_bare_success(body: &[u8], error: &DecodeError) -> bool {
    let text = body.trim_ascii();
    text.is_empty() || text.eq_ignore_ascii_case(b"ok") || *error == DecodeError::NoId
}

/// Like [`customer()`], with texts borrowed from the answer where they hold no escapes.
///
/// # Errors
/// As [`customer()`].
pub fn borrowed_customer(body: &[u8]) -> Result<RemoteCustomer<Cow<'_, str>>, DecodeError> {
    match simdutf8::basic::from_utf8(body) {
        Ok(text) if text.trim_ascii_start().starts_with('{') => read_customer(text),
        _ => {
            let _: IgnoredAny = serde_json::from_slice(body)?;
            Err(DecodeError::NoId)
        }
    }
}

/// Decodes a page: `{"data":[…],"total":N}`, the total also as text or missing, or the bare array.
///
/// # Errors
/// It is not JSON, holds no list, or a customer without an id.
pub fn page(body: &[u8]) -> Result<CustomerPage, DecodeError> {
    let whole: &RawValue = serde_json::from_slice(body)?;
    let (list, total) = match whole.get().as_bytes().first() {
        Some(b'[') => (whole.get(), None),
        Some(b'{') => {
            let [list, total] = members(whole.get(), ["data", "total"])?;
            (list.ok_or(DecodeError::NoList)?, total.and_then(unsigned))
        }
        _ => return Err(DecodeError::NoList),
    };
    if !list.starts_with('[') {
        return Err(DecodeError::NoList);
    }
    let raw: Vec<Box<RawValue>> = serde_json::from_str(list)?;
    if raw.len() > MAX_PAGE {
        return Err(DecodeError::TooMany);
    }
    let customers = raw
        .iter()
        .map(|raw| Ok(read_customer(raw.get())?.into_owned()))
        .collect::<Result<_, DecodeError>>()?;
    Ok(CustomerPage {
        customers,
        raw,
        total,
    })
}

/// Decodes the answer to a batch. The status alone says that the batch was accepted, so any body will do.
#[must_use]
pub fn batch(body: &[u8]) -> BatchAnswer {
    if let Ok(page) = page(body) {
        return BatchAnswer::Customers(page.customers);
    }
    let count = std::str::from_utf8(body).ok().and_then(|body| {
        let [count] = members(body, ["count"]).ok()?;
        unsigned(count?)
    });
    count.map_or(BatchAnswer::Nothing, BatchAnswer::Count)
}

/// The members of an object with these names. If a name occurs twice, the last value counts.
fn members<'a, const N: usize>(
    json: &'a str,
    names: [&str; N],
) -> Result<[Option<&'a str>; N], DecodeError> {
    let mut found = [None; N];
    let walked = each_member(json, |name, value| {
        let mut slots = found.iter_mut().zip(names);
        if let Some((slot, _)) = slots.find(|(_, wanted)| *wanted == name) {
            *slot = Some(value);
        }
    });
    walked.ok_or_else(|| DecodeError::of_object(json))?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::{
        CustomValue, CustomerId, Field, Number, OpaqueValue, Reported, Tag, Value,
    };

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
        assert_eq!(customer.field(Field::Phone), Reported::Value(None));
        assert_eq!(customer.field(Field::Notes), Reported::Value(None));
        assert_eq!(customer.field(Field::Company), Reported::Missing);
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
            Reported::Value(vec![Tag {
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
        assert_eq!(empty.tags, Reported::Value(vec![]));
        assert_eq!(empty.custom_data, Reported::Value(BTreeMap::new()));
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
            assert_eq!(customer.field(field), Reported::Missing, "{field}");
        }
        assert_eq!(customer.tags, Reported::Unreadable);
        assert_eq!(customer.custom_data, Reported::Unreadable);
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
