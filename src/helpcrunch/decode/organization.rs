use serde_json::Value;

use crate::domain::Organization;

/// Maximum length of the texts that are kept, in characters.
const MAX_TEXT: usize = 100;

/// Members that may hold the object with the name.
const WRAPPERS: [&str; 2] = ["data", "organization"];

/// Reads the answer of `GET /organization`. Its shape is not documented: an object with a `name`, at the top or in `data`
/// or `organization`.
pub(in crate::helpcrunch) fn organization(body: &[u8]) -> Option<Organization> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let inner = WRAPPERS.iter().filter_map(|name| answer.get(name));
    std::iter::once(&answer).chain(inner).find_map(of)
}

fn of(object: &Value) -> Option<Organization> {
    let id = match object.get("id") {
        Some(Value::String(id)) => text(id),
        Some(Value::Number(id)) => text(&id.to_string()),
        _ => None,
    };
    let name = text(object.get("name")?.as_str()?)?;
    Some(Organization { id, name })
}

fn text(text: &str) -> Option<String> {
    let text = text.trim().chars().filter(|c| !c.is_control());
    Some(text.take(MAX_TEXT).collect()).filter(|text: &String| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(body: &str) -> Option<(Option<String>, String)> {
        let organization = organization(body.as_bytes())?;
        Some((organization.id, organization.name))
    }

    #[test]
    fn a_name_is_found_at_the_top_or_in_a_wrapper() {
        let expected = Some((Some("7".to_owned()), "Example Inc.".to_owned()));
        for body in [
            r#"{"id":7,"name":" Example Inc. ","timezone":"UTC"}"#,
            r#"{"data":{"id":"7","name":"Example Inc."}}"#,
            r#"{"organization":{"id":7,"name":"Example\u0007 Inc."}}"#,
        ] {
            assert_eq!(decode(body), expected, "{body}");
        }
        assert_eq!(decode(r#"{"name":"A"}"#), Some((None, "A".to_owned())));
    }

    #[test]
    fn anything_else_is_no_answer() {
        for body in [
            "",
            "Ok",
            "<html></html>",
            "[]",
            r#"{"id":7}"#,
            r#"{"name":" "}"#,
            r#"{"name":7}"#,
            r#"{"errors":[{"code":"not_found","message":"x"}]}"#,
        ] {
            assert_eq!(decode(body), None, "{body}");
        }
    }
}
