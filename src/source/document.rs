//! JSON documents that are one object: which of them hold the rows in an array, and which are a row themselves.

use super::array::Nesting;
use super::coding::Coding;

/// What a document holds that is no row itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Document {
    /// The rows, in the one array of objects that there is, from its bracket on.
    Rows { at: usize, path: String },
    /// Something else: what it is, and the filter of jq that makes rows of it.
    Other { problem: String, filter: String },
}

/// An array that may hold the rows.
struct Candidate {
    at: usize,
    path: Vec<String>,
    strength: u8,
    is_empty: bool,
}

/// Arrays that are members of members of the document may be the rows; those further in are only named.
const MAX_DEPTH: usize = 2;
const MAX_DEPTH_NAMED: usize = 6;

/// What is known of a document before it is looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Known {
    /// It goes on behind the bytes, and is judged by its beginning.
    pub(super) is_cut: bool,
    /// It stands on a line of a file of JSON Lines, where it is a row unless it says nothing itself.
    pub(super) is_line: bool,
}

/// What a document holds; None if it is a row itself.
///
/// A row says who it is: it has an id or an e-mail address. So the objects of an array are the rows if they say that better than what
/// is around them.
pub(super) fn examine(bytes: &[u8], known: Known, coding: Coding) -> Option<Document> {
    let start = bytes.len() - bytes.trim_ascii_start().len();
    let members = members(bytes, start, coding);
    if !known.is_cut && are_alike(bytes, &members, coding) {
        return Some(Document::Other {
            problem: "is an object whose members are the rows".to_owned(),
            filter: "to_entries[] | {key: .key} + .value".to_owned(),
        });
    }
    let around = identity(bytes, &members, coding, 1);
    let has_text = members
        .iter()
        .any(|member| bytes.get(member.at) == Some(&b'"'));
    let (empty, arrays): (Vec<_>, Vec<_>) = candidates(bytes, start, coding, &[])
        .into_iter()
        .partition(|candidate| candidate.is_empty);
    let strengths = arrays.iter().map(|candidate| candidate.strength);
    let strength = strengths.max().unwrap_or(0);
    let is_envelope = around == 0 && !has_text;
    if !is_envelope && (known.is_line || strength <= around) {
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
            "is an object with arrays of objects deep within it",
            &far,
        )),
        _ => Some(choice("is an object with several arrays of objects", &near)),
    }
}

/// What a document says besides the rows, once the array of the rows was taken out of it: the path of a second array of objects.
pub(super) fn second_array(bytes: &[u8], coding: Coding) -> Option<String> {
    let start = bytes.len() - bytes.trim_ascii_start().len();
    let mut others = candidates(bytes, start, coding, &[]).into_iter();
    let other = others.find(|other| !other.is_empty && other.path.len() <= MAX_DEPTH)?;
    Some(shown(&other.path))
}

/// Any of the arrays may be the rows; the filter takes the one whose objects say best who they are.
fn choice(problem: &str, arrays: &[Candidate]) -> Document {
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

/// The path as jq writes it.
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

/// The arrays of objects of an object and of the objects within it, without those in which the API has tags and
/// properties.
fn candidates(bytes: &[u8], at: usize, coding: Coding, within: &[String]) -> Vec<Candidate> {
    let mut found = Vec::new();
    for member in members(bytes, at, coding) {
        let path = [within, &[member.name]].concat();
        match bytes.get(member.at) {
            Some(b'[') => found.extend(candidate(bytes, member.at, coding, path)),
            Some(b'{') if within.len() + 1 < MAX_DEPTH_NAMED => {
                found.extend(candidates(bytes, member.at, coding, &path));
            }
            _ => {}
        }
    }
    found
}

fn candidate(bytes: &[u8], at: usize, coding: Coding, path: Vec<String>) -> Option<Candidate> {
    let first = skip_blanks(bytes, at + 1);
    let is_empty = bytes.get(first) == Some(&b']');
    if !is_empty && bytes.get(first) != Some(&b'{') {
        return None;
    }
    let members = members(bytes, first, coding);
    let is_of_the_api = |known: [&str; 2]| {
        let mut names = members.iter().map(|member| member.name.as_str());
        !members.is_empty() && names.all(|name| known.contains(&name))
    };
    if is_of_the_api(["name", "color"]) || is_of_the_api(["property", "value"]) {
        return None;
    }
    Some(Candidate {
        at,
        strength: identity(bytes, &members, coding, 1),
        path,
        is_empty,
    })
}

/// How well an object says who it is: 2 by an e-mail address or the user's id, 1 by another id, else 0.
fn identity(bytes: &[u8], members: &[Member], coding: Coding, deeper: u8) -> u8 {
    let of = |member: &Member| {
        let value = bytes.get(member.at..member.end).unwrap_or_default();
        match value.first() {
            Some(b'{') if deeper > 0 => {
                let inner = self::members(bytes, member.at, coding);
                identity(bytes, &inner, coding, deeper - 1)
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
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    let folded: String = letters.flat_map(char::to_lowercase).collect();
    let is_id = folded.ends_with("id") || folded == "key";
    match folded.as_str() {
        "userid" | "email" | "mail" | "emailaddress" => 2,
        _ => u8::from(is_id),
    }
}

/// Whether all members are objects with the same members.
fn are_alike(bytes: &[u8], members: &[Member], coding: Coding) -> bool {
    let names = |member: &Member| {
        let is_object = bytes.get(member.at) == Some(&b'{');
        let inner = self::members(bytes, member.at, coding);
        let names: Vec<String> = inner.into_iter().map(|inner| inner.name).collect();
        Some(names).filter(|names| is_object && !names.is_empty())
    };
    let first = members.first().and_then(names);
    first.is_some() && members.len() > 1 && members.iter().all(|member| names(member) == first)
}

struct Member {
    name: String,
    at: usize,
    end: usize,
}

/// The members of the object that begins at a place, as far as they go; none where there is no object.
fn members(bytes: &[u8], at: usize, coding: Coding) -> Vec<Member> {
    let mut found = Vec::new();
    if bytes.get(at) != Some(&b'{') {
        return found;
    }
    let mut next = skip_blanks(bytes, at + 1);
    while bytes.get(next) == Some(&b'"') {
        let name_end = value_end(bytes, next);
        let colon = skip_blanks(bytes, name_end);
        let value = skip_blanks(bytes, colon + 1);
        let name = coding.text(bytes.get(next..name_end).unwrap_or_default());
        let name = name.and_then(|name| serde_json::from_str(&name).ok());
        let (Some(b':'), Some(name), true) = (bytes.get(colon), name, value < bytes.len()) else {
            break;
        };
        let end = value_end(bytes, value);
        found.push(Member {
            name,
            at: value,
            end,
        });
        next = skip_blanks(bytes, end);
        if bytes.get(next) != Some(&b',') {
            break;
        }
        next = skip_blanks(bytes, next + 1);
    }
    found
}

/// Where the value that begins at a place ends, or the bytes do.
fn value_end(bytes: &[u8], at: usize) -> usize {
    let mut nesting = Nesting::default();
    let value = bytes.get(at..).unwrap_or_default();
    nesting.end_in(value).map_or(bytes.len(), |end| at + end)
}

fn skip_blanks(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    bytes.len() - rest.trim_ascii_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::UTF_8;

    fn of(text: &str) -> Option<Document> {
        examine(text.as_bytes(), Known::default(), Coding(UTF_8))
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
        let known = Known {
            is_line: true,
            ..Known::default()
        };
        let of = |text: &str| examine(text.as_bytes(), known, Coding(UTF_8));
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
        let found = |text: &str| second_array(text.as_bytes(), Coding(UTF_8));
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
