use std::fmt;

use serde_json::Value as Json;

use super::Scrubber;

/// Limits of the texts that are taken from the server, in characters.
const MAX_MESSAGE: usize = 300;
const MAX_CODE: usize = 100;
const MAX_SNIPPET: usize = 120;
const MAX_ERRORS: usize = 20;
const MAX_NAME: usize = 40;
/// Bytes shown of an answer that is no text.
const MAX_BYTES: usize = 16;

/// One entry of the API's error body. Both texts are bounded, on one line and without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The API's own (`unauthorized`, a field's path such as `filter[0].field`), or `http_502` if it gave none.
    pub code: String,
    pub message: String,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// Reads the errors from an answer with an error status, at least one: the API's entries, without the generic first one
/// if others follow; else an entry that says what came instead.
#[must_use]
pub fn read(status: u16, body: &[u8], scrubber: &Scrubber) -> Vec<ApiError> {
    let json: Option<Json> = serde_json::from_slice(body).ok();
    let mut errors = json
        .map(|json| entries(&json, status, scrubber))
        .unwrap_or_default();
    if errors.len() > 1 && errors.first().is_some_and(|e| e.code == "invalid_request") {
        errors.remove(0);
    }
    if errors.is_empty() {
        errors.push(unknown_body(status, body, scrubber));
    }
    errors
}

/// Describes how a body begins that is not what was expected. Of JSON it shows the first member's name at most, since
/// values may be personal data.
pub(super) fn beginning(body: &[u8], scrubber: &Scrubber) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start();
    if text.is_empty() {
        return "it is empty".to_owned();
    }
    let shown = if text.contains('\u{fffd}') {
        let bytes = body.iter().take(MAX_BYTES);
        let bytes: Vec<String> = bytes.map(|byte| format!("{byte:02x}")).collect();
        bytes.join(" ")
    } else if text.starts_with(['{', '[', '"']) {
        let name = text.split_inclusive(':').next().unwrap_or_default();
        let is_name = name.len() < MAX_NAME && name.ends_with(':') && !name.starts_with('"');
        scrubber.clean(
            if is_name {
                name
            } else {
                text.get(..1).unwrap_or_default()
            },
            MAX_NAME,
        )
    } else {
        scrubber.clean(text, MAX_SNIPPET)
    };
    format!("it begins with `{shown}` and has {} bytes", body.len())
}

/// Whether the body is the API's own error body (documented: an object with `errors`), and not of something in front of it.
#[must_use]
pub(super) fn is_from_api(body: &[u8]) -> bool {
    let json: Option<Json> = serde_json::from_slice(body).ok();
    json.is_some_and(|json| json.get("errors").is_some_and(Json::is_array))
}

fn entries(json: &Json, status: u16, scrubber: &Scrubber) -> Vec<ApiError> {
    let Some(list) = json.get("errors").and_then(Json::as_array) else {
        // A single error, as other servers send it.
        return entry(json, status, scrubber).into_iter().collect();
    };
    list.iter()
        .filter_map(|json| entry(json, status, scrubber))
        .take(MAX_ERRORS)
        .collect()
}

fn entry(json: &Json, status: u16, scrubber: &Scrubber) -> Option<ApiError> {
    let text = |json: Option<&Json>, max_chars| match json? {
        Json::String(text) => Some(scrubber.clean(text, max_chars)).filter(|text| !text.is_empty()),
        Json::Number(number) => Some(scrubber.clean(&number.to_string(), max_chars)),
        _ => None,
    };
    let code = text(json.get("code"), MAX_CODE);
    let message = text(json.get("message"), MAX_MESSAGE).or_else(|| text(Some(json), MAX_MESSAGE));
    if code.is_none() && message.is_none() {
        return None;
    }
    Some(ApiError {
        code: code.unwrap_or_else(|| format!("http_{status}")),
        message: message.unwrap_or_else(|| "no message given".to_owned()),
    })
}

fn unknown_body(status: u16, body: &[u8], scrubber: &Scrubber) -> ApiError {
    let text = String::from_utf8_lossy(body);
    let snippet = scrubber.clean(&text, MAX_SNIPPET);
    let message = if snippet.is_empty() {
        "an answer without a body".to_owned()
    } else if snippet.starts_with('<') {
        format!("an HTML page, probably from a proxy: `{snippet}`")
    } else {
        format!("an answer in a foreign form: `{snippet}`")
    };
    ApiError {
        code: format!("http_{status}"),
        message,
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn shown(body: &str) -> Vec<String> {
        let scrubber = Scrubber::new(&SecretString::from("hush-hush"));
        read(400, body.as_bytes(), &scrubber)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_generic_entry_gives_way_to_those_that_say_more() {
        let generic = r#"{"code":"invalid_request","message":"Invalid request"}"#;
        let email = r#"{"code":"email","message":"Not an e-mail."}"#;
        assert_eq!(
            shown(&format!(r#"{{"errors":[{generic},{email}]}}"#)),
            ["email: Not an e-mail."]
        );
        assert_eq!(
            shown(&format!(r#"{{"errors":[{generic}]}}"#)),
            ["invalid_request: Invalid request"]
        );
    }

    #[test]
    fn entries_in_part_are_better_than_none() {
        assert_eq!(
            shown(r#"{"errors":[{"code":7},"no",{}]}"#),
            ["7: no message given", "http_400: no"]
        );
        assert_eq!(shown(r#"{"message":"Nope"}"#), ["http_400: Nope"]);
    }

    #[test]
    fn anything_else_is_a_bounded_word() {
        assert_eq!(shown(""), ["http_400: an answer without a body"]);
        assert_eq!(
            shown("<html>\n<h1>\u{1b}Bad</h1>"),
            ["http_400: an HTML page, probably from a proxy: `<html> <h1>Bad</h1>`"]
        );
        let long = &shown(&"x ".repeat(10_000))[0];
        assert!(long.chars().count() < 200, "{long}");
        assert_eq!(
            shown("[1,2]"),
            ["http_400: an answer in a foreign form: `[1,2]`"]
        );
    }

    #[test]
    fn an_echoed_key_is_masked_in_codes_messages_and_bodies() {
        for body in [
            r#"{"errors":[{"code":"hush-hush","message":"Bearer hush%2Dhush"}]}"#,
            r#"{"errors":[{"message":"hush-\u0068ush"}]}"#,
            "<p>hush&#45;hush</p>",
            r"{ hush\u002dhush",
        ] {
            let all = shown(body).join("\n");
            assert!(all.contains("[API key]") && !all.contains("hush"), "{all}");
        }
    }
}
