//! JSON documents that consist of one object: finds out whether they contain the rows in an array or are a row themselves.

use super::json_members::{self, Member, skip_blanks};
use super::text_codec::TextCodec;
use crate::domain::text::fold;

/// The contents of a document that is not a row itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Document {
    /// The rows, in the only array of objects, which begins at offset `at`.
    Rows { at: usize, path: String },
    /// Something else: what is wrong, and the jq filter that extracts the rows.
    Other { problem: String, filter: String },
}

/// An array of objects, which may be the rows.
struct RowArray {
    at: usize,
    path: Vec<String>,
    strength: u8,
    is_empty: bool,
}

/// Arrays down to this depth may be the rows.
const MAX_DEPTH: usize = 2;
/// Arrays down to this depth are listed in messages.
const MAX_LISTED_DEPTH: usize = 6;

/// What is known about a document before it is examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct DocumentContext {
    /// The bytes are only the beginning of the document.
    pub(super) is_cut: bool,
    /// It is a line of JSON Lines, and therefore a row unless it has no data of its own.
    pub(super) is_line: bool,
}

/// Returns the contents of a document, or `None` if it is a row itself.
///
/// A row identifies a customer by an id or an e-mail address. So the objects of an array are the rows if they identify
/// customers better than the document around them.
pub(super) fn examine(
    bytes: &[u8],
    context: DocumentContext,
    codec: TextCodec,
) -> Option<Document> {
    let start = bytes.len() - bytes.trim_ascii_start().len();
    let members = json_members::members(bytes, start, codec);
    if !context.is_cut && are_alike(bytes, &members, codec) {
        return Some(Document::Other {
            problem: "is an object whose members are the rows".to_owned(),
            filter: "to_entries[] | {key: .key} + .value".to_owned(),
        });
    }
    let around = identity(bytes, &members, codec, 1);
    let has_text = members
        .iter()
        .any(|member| bytes.get(member.at) == Some(&b'"'));
    let (empty, arrays): (Vec<_>, Vec<_>) = candidates(bytes, start, codec, &[])
        .into_iter()
        .partition(|candidate| candidate.is_empty);
    let strengths = arrays.iter().map(|candidate| candidate.strength);
    let strength = strengths.max().unwrap_or(0);
    let is_envelope = around == 0 && !has_text;
    if !is_envelope && (context.is_line || strength <= around) {
        return None;
    }
    let (near, far): (Vec<_>, Vec<_>) = arrays
        .into_iter()
        .partition(|candidate| candidate.path.len() <= MAX_DEPTH);
    match (near.as_slice(), far.as_slice(), empty.as_slice()) {
        ([], [], []) => None,
        ([rows], ..) | ([], [], [rows, ..]) => Some(Document::Rows {
            at: rows.at,
            path: shown(&rows.path),
        }),
        ([], ..) => Some(choice(
            "is an object with deeply nested arrays of objects",
            &far,
        )),
        _ => Some(choice("is an object with several arrays of objects", &near)),
    }
}

/// Returns the path of another array of objects in a document from which the array of the rows was removed.
pub(super) fn second_array(bytes: &[u8], codec: TextCodec) -> Option<String> {
    let start = bytes.len() - bytes.trim_ascii_start().len();
    let mut others = candidates(bytes, start, codec, &[]).into_iter();
    let other = others.find(|other| !other.is_empty && other.path.len() <= MAX_DEPTH)?;
    Some(shown(&other.path))
}

/// Any of the arrays may be the rows. The filter takes the one whose objects identify customers best.
fn choice(problem: &str, arrays: &[RowArray]) -> Document {
    let paths: Vec<_> = arrays
        .iter()
        .map(|array| format!("`{}`", shown(&array.path)))
        .collect();
    let best = arrays
        .iter()
        .rev()
        .max_by_key(|candidate| candidate.strength);
    Document::Other {
        problem: format!("{problem}, which may be the rows: {}", paths.join(", ")),
        filter: best.map_or_else(String::new, |best| format!("{}[]", filter(&best.path))),
    }
}

fn shown(path: &[String]) -> String {
    path.join(".")
}

/// The path in jq's syntax.
fn filter(path: &[String]) -> String {
    let part = |name: &String| {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_plain = name.chars().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit());
        match is_plain && !name.is_empty() {
            true => format!(".{name}"),
            false => format!(".[{}]", serde_json::Value::from(name.as_str())),
        }
    };
    path.iter().map(part).collect()
}

/// The arrays of objects in an object and its nested objects, without the API's lists of tags and properties.
fn candidates(bytes: &[u8], at: usize, codec: TextCodec, within: &[String]) -> Vec<RowArray> {
    let mut arrays = Vec::new();
    for member in json_members::members(bytes, at, codec) {
        let path = [within, &[member.name]].concat();
        match bytes.get(member.at) {
            Some(b'[') => arrays.extend(candidate(bytes, member.at, codec, path)),
            Some(b'{') if within.len() + 1 < MAX_LISTED_DEPTH => {
                arrays.extend(candidates(bytes, member.at, codec, &path));
            }
            _ => {}
        }
    }
    arrays
}

fn candidate(bytes: &[u8], at: usize, codec: TextCodec, path: Vec<String>) -> Option<RowArray> {
    let first = skip_blanks(bytes, at + 1);
    let is_empty = bytes.get(first) == Some(&b']');
    if !is_empty && bytes.get(first) != Some(&b'{') {
        return None;
    }
    let members = json_members::members(bytes, first, codec);
    let is_of_the_api = |api_names: [&str; 2]| {
        let mut names = members.iter().map(|member| member.name.as_str());
        !members.is_empty() && names.all(|name| api_names.contains(&name))
    };
    if is_of_the_api(["name", "color"]) || is_of_the_api(["property", "value"]) {
        return None;
    }
    Some(RowArray {
        at,
        strength: identity(bytes, &members, codec, 1),
        path,
        is_empty,
    })
}

/// How well an object identifies a customer: 2 by an e-mail address or the user's id, 1 by another id, else 0.
fn identity(bytes: &[u8], members: &[Member], codec: TextCodec, deeper: u8) -> u8 {
    let of = |member: &Member| {
        let value = bytes.get(member.at..member.end).unwrap_or_default();
        match value.first() {
            Some(b'{') if deeper > 0 => {
                let inner = json_members::members(bytes, member.at, codec);
                identity(bytes, &inner, codec, deeper - 1)
            }
            Some(b'{' | b'[') | None => 0,
            Some(b'"') if is_address(value) => 2,
            Some(_) => by_name(&member.name),
        }
    };
    members.iter().map(of).max().unwrap_or(0)
}

fn is_address(value: &[u8]) -> bool {
    let mut parts = value.splitn(2, |byte| *byte == b'@');
    let (local, domain) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let plain = |part: &[u8]| part.len() > 1 && !part.contains(&b' ') && !part.contains(&b'/');
    plain(local) && plain(domain) && domain.contains(&b'.')
}

fn by_name(name: &str) -> u8 {
    let folded = fold(name);
    let is_id = folded.ends_with("id") || folded == "key";
    match folded.as_str() {
        "userid" | "email" | "mail" | "emailaddress" => 2,
        _ => u8::from(is_id),
    }
}

/// Whether all members are objects with the same members.
fn are_alike(bytes: &[u8], members: &[Member], codec: TextCodec) -> bool {
    let names = |member: &Member| {
        let is_object = bytes.get(member.at) == Some(&b'{');
        let inner = json_members::members(bytes, member.at, codec);
        let names: Vec<String> = inner.into_iter().map(|inner| inner.name).collect();
        Some(names).filter(|names| is_object && !names.is_empty())
    };
    let first = members.first().and_then(names);
    first.is_some() && members.len() > 1 && members.iter().all(|member| names(member) == first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::UTF_8;

    fn of(text: &str) -> Option<Document> {
        examine(
            text.as_bytes(),
            DocumentContext::default(),
            TextCodec(UTF_8),
        )
    }

    fn rows(text: &str) -> Option<String> {
        match of(text)? {
            Document::Rows { at, path } => {
                assert!(text.get(at..).unwrap().starts_with('['), "{text}");
                Some(path)
            }
            Document::Other { filter, .. } => Some(format!("jq {filter}")),
        }
    }

    #[test]
    fn the_only_array_of_objects_is_the_rows() {
        for (text, path) in [
            (r#"{"data":[{"userId":"a"}],"total":2}"#, "data"),
            (
                r#" {"status":"ok","id":7,"items": [ {"email":"a"} ]}"#,
                "items",
            ),
            (
                r#"{"result":{"count":1,"items":[{"id":1}]},"page":1}"#,
                "result.items",
            ),
            (
                r#"{"a b":[{"mail":"x@y.zz"}],"tags":[{"name":"x"}],"errors":[]}"#,
                "a b",
            ),
            (r#"{"data":[{"nick":"x"}],"total":1}"#, "data"),
            (r#"{"data":[],"total":0}"#, "data"),
        ] {
            assert_eq!(rows(text).as_deref(), Some(path), "{text}");
        }
    }

    #[test]
    fn a_row_is_no_document() {
        for text in [
            r#"{"userId":"a","tags":[{"name":"x"}]}"#,
            r#"{"userId":"a","orders":[{"id":1},{"id":2}]}"#,
            r#"{"Kundennummer":"12","bestellungen":[{"nr":1}]}"#,
            r#"{"customData":[{"property":"a","value":1}],"n":1}"#,
            r#"{"user":{"email":"a@b.cc"},"orders":[{"id":1}]}"#,
            r#"{"id":"a","address":{"city":"Kyiv"}}"#,
            r#"{"user":{"email":"a@b.cc"},"company":{"name":"X"}}"#,
            r#"{"email":"a@b.cc","tags":[]}"#,
            "{}",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn a_line_is_a_row_unless_it_says_nothing_itself() {
        let known = DocumentContext {
            is_line: true,
            ..DocumentContext::default()
        };
        let of = |text: &str| examine(text.as_bytes(), known, TextCodec(UTF_8));
        assert_eq!(
            of(r#"{"account":"acme","contacts":[{"email":"a@b.cc"}]}"#),
            None
        );
        assert_eq!(of(r#"{"id":1,"contacts":[{"email":"a@b.cc"}]}"#), None);
        let envelope = of(r#"{"data":[{"email":"a@b.cc"}],"total":1}"#);
        assert!(matches!(envelope, Some(Document::Rows { .. })));
    }

    #[test]
    fn other_documents_get_a_filter() {
        for (text, filter) in [
            (r#"{"a":{"b":{"c":[{"id":1}]}}}"#, "jq .a.b.c[]"),
            (r#"{"users":[{"id":1}],"logs":[{"n":1}]}"#, "jq .users[]"),
            (
                r#"{"logs":[{"n":1}],"re sult":{"1":[{"id":1}]}}"#,
                "jq .[\"re sult\"].[\"1\"][]",
            ),
            (
                r#"{"u1":{"name":"A"},"u2":{"name":"B"}}"#,
                "jq to_entries[] | {key: .key} + .value",
            ),
        ] {
            assert_eq!(rows(text).as_deref(), Some(filter), "{text}");
        }
    }

    #[test]
    fn a_second_array_is_found_behind_the_rows() {
        let found = |text: &str| second_array(text.as_bytes(), TextCodec(UTF_8));
        assert_eq!(
            found(r#"{"data":[],"x":{"logs":[{"n":1}]}}"#).as_deref(),
            Some("x.logs")
        );
        assert_eq!(
            found(r#"{"data":[],"total":2,"tags":[{"name":"x"}]}"#),
            None
        );
    }
}
