use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, HtmlEscape, Value, context};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// What every page begins with; a template continues in its header.
const HEAD: &str = include_str!("head.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Renders a template with what every page has. All values are escaped, unless the template says that they are markup.
pub(super) fn write_page(
    mut out: impl Write,
    template: &str,
    page: &impl Serialize,
) -> io::Result<()> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("prose", |text: &str| Value::from_safe_string(prose(text)));
    let shell = context! {
        policy => policy(),
        style => STYLE,
        script => SCRIPT,
        version => env!("CARGO_PKG_VERSION"),
    };
    let values = context! { ..Value::from(Serde(page)), ..shell };
    let text = environment.render_str(&format!("{HEAD}{template}"), values);
    out.write_all(text.map_err(io::Error::other)?.as_bytes())
}

fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// A message as markup: what stands between backquotes is code.
fn prose(text: &str) -> String {
    let parts: Vec<_> = text.split('`').map(escaped).collect();
    if parts.len() % 2 == 0 {
        return escaped(text);
    }
    let with_tags = parts.iter().enumerate().map(|(n, part)| match n % 2 {
        0 => part.clone(),
        _ => format!("<code>{part}</code>"),
    });
    with_tags.collect()
}

/// A text as markup, also within an attribute.
pub(super) fn escaped(text: &str) -> String {
    HtmlEscape(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_in_a_message_stands_out_and_stays_text() {
        let text = "`<b>` is no date: set `format`";
        let markup = "<code>&lt;b&gt;</code> is no date: set <code>format</code>";
        assert_eq!(prose(text), markup);
        assert_eq!(prose("one ` alone"), "one ` alone");
    }
}
