//! Reads lists of tags in a cell in the notations of other programs: JSON, Python, PostgreSQL, Java.

use serde_json::Value;

use crate::domain::text::trim;

/// How the tags in a cell are written.
#[derive(Debug, PartialEq)]
pub(super) enum TagNotation {
    /// A list in brackets or of quoted names.
    List(Vec<Value>),
    /// Names separated by the configured separator.
    Plain,
    /// A list that is incomplete or malformed.
    Broken,
}

/// Every list, and every piece of one, contains one of these.
fn has_list_mark(text: &str) -> bool {
    let is_mark = |byte: u8| matches!(byte, b'[' | b']' | b'{' | b'}' | b'(' | b')' | b'"' | b'\'');
    text.bytes().any(is_mark)
}

pub(super) fn notation(cell: &str, separator: &str) -> TagNotation {
    let cell = trim(cell);
    if !has_list_mark(cell) {
        return TagNotation::Plain;
    }
    let inside = |open: char, close: char| cell.strip_prefix(open)?.strip_suffix(close);
    if let Some(inner) = inside('[', ']') {
        return match json_list(cell).or_else(|| bracketed(inner, separator)) {
            Some(items) => TagNotation::List(items),
            // `[a];[b]` may be two names with brackets.
            None if cell.contains(separator) && !has_quote(cell) => TagNotation::Plain,
            None => TagNotation::Broken,
        };
    }
    if let Some(inner) = inside('{', '}') {
        return match items(inner, separator) {
            Some(items) => TagNotation::List(items.into_iter().map(|item| item.value).collect()),
            None if cell.contains(separator) && !has_quote(cell) => TagNotation::Plain,
            None => TagNotation::Broken,
        };
    }
    let quoted = match inside('(', ')') {
        Some(inner) => items(inner, separator),
        None => items(cell, separator).filter(|items| items.len() > 1 || cell.starts_with('"')),
    };
    match quoted.filter(|items| !items.is_empty() && items.iter().all(|item| item.is_quoted)) {
        Some(items) => TagNotation::List(items.into_iter().map(|item| item.value).collect()),
        None => TagNotation::Plain,
    }
}

/// The names in a cell that is no list.
pub(super) fn names_in<'c>(cell: &'c str, separator: &str) -> impl Iterator<Item = &'c str> {
    let mut rest = Some(cell);
    let names = std::iter::from_fn(move || {
        let cell = rest?;
        let split = match separator.as_bytes() {
            // A single character is found faster than a text.
            [byte] => cell.split_once(char::from(*byte)),
            _ => cell.split_once(separator),
        };
        rest = split.map(|(_, rest)| rest);
        Some(trim(split.map_or(cell, |(name, _)| name)))
    });
    names.filter(|name| !name.is_empty())
}

/// Whether a name is a piece of a torn list: it begins or ends with an unpaired bracket or quote.
pub(super) fn is_torn(name: &str) -> bool {
    if !has_list_mark(name) {
        return false;
    }
    let count = |c: char| name.matches(c).count();
    let is_torn = |open: char, close: char| {
        count(open) != count(close) && (name.starts_with(open) || name.ends_with(close))
    };
    let begins_list = ["[\"", "['", "{\"", "{'"];
    let ends_list = ["\"]", "']", "\"}", "'}"];
    is_torn('[', ']')
        || is_torn('{', '}')
        || begins_list.iter().any(|begin| name.starts_with(begin))
        || ends_list.iter().any(|end| name.ends_with(end))
        || (name.starts_with('"') && count('"') % 2 == 1)
}

fn has_quote(cell: &str) -> bool {
    cell.contains(['"', '\''])
}

/// Reads a JSON list. Numbers become names, as they are outside of lists.
fn json_list(cell: &str) -> Option<Vec<Value>> {
    let items: Vec<Value> = serde_json::from_str(cell).ok()?;
    let name = |item| match item {
        Value::Number(number) => Value::String(number.to_string()),
        other => other,
    };
    Some(items.into_iter().map(name).collect())
}

/// Reads the contents of brackets. A single bare word is not a list: it may be a name such as `[VIP]`.
fn bracketed(inner: &str, separator: &str) -> Option<Vec<Value>> {
    let items = items(inner, separator)?;
    let is_name =
        matches!(items.as_slice(), [only] if !only.is_quoted && only.value != Value::Null);
    (!is_name).then(|| items.into_iter().map(|item| item.value).collect())
}

struct ListItem {
    value: Value,
    is_quoted: bool,
}

/// Reads items that are separated by commas, by the separator or, if they are quoted, by a blank. Returns `None` if the text is
/// not such a list.
fn items(text: &str, separator: &str) -> Option<Vec<ListItem>> {
    let mut items = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (item, after) = item(rest, separator)?;
        let is_quoted = item.as_ref().is_some_and(|item| item.is_quoted);
        items.extend(item);
        let trimmed = after.trim_start();
        let next = trimmed.strip_prefix(',').or_else(|| {
            trimmed
                .strip_prefix(separator.trim())
                .filter(|_| !separator.trim().is_empty())
        });
        let is_spaced =
            is_quoted && trimmed.len() < after.len() && trimmed.starts_with(['"', '\'']);
        rest = match next {
            Some(next) => next.trim_start(),
            None if trimmed.is_empty() || is_spaced => trimmed,
            None => return None,
        };
    }
    Some(items)
}

/// Reads the first item, if there is one before the next comma. Also returns the rest of the text.
fn item<'t>(text: &'t str, separator: &str) -> Option<(Option<ListItem>, &'t str)> {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let (name, after) = quoted(text, quote)?;
        let item = ListItem {
            value: Value::String(name),
            is_quoted: true,
        };
        return Some((Some(item), after));
    }
    let separator = text.find(separator).unwrap_or(text.len());
    let end = text
        .find(',')
        .map_or(separator, |comma| comma.min(separator));
    let (word, after) = text.split_at_checked(end)?;
    let word = word.trim();
    if word.contains(['[', ']', '{', '}', '(', ')', '"', ':']) {
        return None;
    }
    let value = match word {
        "" => return Some((None, after)),
        "null" | "NULL" | "None" | "nil" => Value::Null,
        name => Value::String(name.to_owned()),
    };
    let item = ListItem {
        value,
        is_quoted: false,
    };
    Some((Some(item), after))
}

/// Reads a quoted text, in which quotes are doubled or escaped by a backslash. Also returns the rest of the text.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\\' {
            name.push(characters.next()?.1);
        } else if c != quote {
            name.push(c);
        } else if characters.peek().is_some_and(|(_, next)| *next == quote) {
            characters.next();
            name.push(quote);
        } else {
            return Some((name, text.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn is_list(cell: &str, items: Value) {
        let Value::Array(items) = items else { panic!() };
        assert_eq!(notation(cell, ";"), TagNotation::List(items), "{cell}");
    }

    #[test]
    fn lists_in_other_notations_are_lists() {
        is_list(r#"["a","b"]"#, json!(["a", "b"]));
        is_list(
            r#" [ "a" , null, {"name":"b"} ] "#,
            json!(["a", null, {"name": "b"}]),
        );
        is_list("['a', 'b c']", json!(["a", "b c"]));
        is_list(r#"['a', "it's", None]"#, json!(["a", "it's", null]));
        is_list(r"['it\'s']", json!(["it's"]));
        is_list("['a' 'b']", json!(["a", "b"]));
        is_list("['a';'b']", json!(["a", "b"]));
        is_list("[a, b]", json!(["a", "b"]));
        is_list("[1, 2]", json!(["1", "2"]));
        is_list("{a,b}", json!(["a", "b"]));
        is_list(r#"{a,"b, c",NULL}"#, json!(["a", "b, c", null]));
        is_list("{a}", json!(["a"]));
        is_list("('a', 'b')", json!(["a", "b"]));
        is_list("('a',)", json!(["a"]));
        is_list(r#""a","b""#, json!(["a", "b"]));
        is_list(r#""a";"b""#, json!(["a", "b"]));
        is_list(r#""a""#, json!(["a"]));
        is_list("'a','b'", json!(["a", "b"]));
        for empty in ["[]", "{}", "[ ]", "[,]"] {
            is_list(empty, json!([]));
        }
        is_list("[null]", json!([null]));
    }

    #[test]
    fn names_stay_names() {
        for cell in [
            "a",
            "a;b",
            "a, b",
            "(vip)",
            "VIP [old]",
            "'90s",
            "'90s'",
            "it's",
            "[a];[b]",
            "TV 55\"",
            "a \"b\" c",
            "",
            "()",
        ] {
            assert_eq!(notation(cell, ";"), TagNotation::Plain, "{cell}");
            assert!(cell.split(';').all(|name| !is_torn(name)), "{cell}");
        }
    }

    #[test]
    fn pieces_of_lists_are_no_names() {
        for cell in [
            r#"["a", "b]"#,
            "[VIP]",
            r#"{"a":"b"}"#,
            "{{name}}",
            "[[a], b]",
        ] {
            assert_eq!(notation(cell, ";"), TagNotation::Broken, "{cell}");
        }
        for name in [r#"["a""#, "[a", "b]", "{a", "'b']", "\"a", r#"["a"]x"#] {
            assert!(
                notation(name, ";") == TagNotation::Plain && is_torn(name),
                "{name}"
            );
        }
    }

    proptest! {
        #[test]
        fn lists_of_json_are_read_back(names in prop::collection::vec("\\PC{0,5}", 0..4)) {
            let cell = serde_json::to_string(&names).unwrap();
            let items = names.into_iter().map(Value::String).collect();
            prop_assert_eq!(notation(&cell, ";"), TagNotation::List(items));
        }

        #[test]
        fn any_cell_is_read(cell in r#"[\[\]{}()'",;\\ ab]{0,10}|\PC{0,8}"#, separator in "[,;| ]|, |::") {
            let _ = (notation(&cell, &separator), is_torn(&cell));
        }
    }
}
