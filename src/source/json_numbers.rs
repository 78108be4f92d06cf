//! Numbers in JSON texts that a parser would reject or round.

use serde_json::value::RawValue;

/// Words that programs write for numbers that JSON cannot represent.
const WORDS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];
/// The beginning of such a word after it was quoted: NUL marks it, which does not occur in real texts.
pub(super) const QUOTED_WORD: &str = "\"\\u0000";

/// Quotes such words, and numbers that are too large for a float. Returns `None` if there are none.
pub(super) fn with_words_quoted(text: &str) -> Option<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
    let (mut quoted, mut rest, mut any) = (String::new(), text, false);
    while let Some(at) = rest.find(|c: char| c == '"' || part(c)) {
        let (before, from) = rest.split_at(at);
        quoted.push_str(before);
        if let Some(inside) = from.strip_prefix('"') {
            let after = after_string(inside)?;
            quoted.push_str(from.get(..from.len() - after.len())?);
            rest = after;
            continue;
        }
        let (word, after) = from.split_at(from.find(|c| !part(c)).unwrap_or(from.len()));
        let is_value = matches!(after.trim_start().chars().next(), Some(',' | ']' | '}'));
        if is_value && (WORDS.contains(&word) || is_beyond_floats(word)) {
            any = true;
            quoted.push_str(&format!("{QUOTED_WORD}{word}\""));
        } else {
            quoted.push_str(word);
        }
        rest = after;
    }
    quoted.push_str(rest);
    any.then_some(quoted)
}

fn is_beyond_floats(number: &str) -> bool {
    let is_json = serde_json::from_str::<&RawValue>(number).is_ok();
    is_json
        && number.ends_with(|c: char| c.is_ascii_digit())
        && serde_json::from_str::<f64>(number).is_err()
}

/// The numbers of a valid JSON text.
pub(super) fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit())?;
            rest = rest.get(start..)?;
            if let Some(inside) = rest.strip_prefix('"') {
                rest = after_string(inside)?;
                continue;
            }
            let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            rest = after;
            return Some(number);
        }
    })
}

fn after_string(mut inside: &str) -> Option<&str> {
    loop {
        let at = inside.find(['"', '\\'])?;
        let step = if inside.get(at..)?.starts_with('"') {
            1
        } else {
            2
        };
        inside = inside.get(at + step..)?;
        if step == 1 {
            return Some(inside);
        }
    }
}

pub(super) fn is_exact(number: &str) -> bool {
    if number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return true;
    }
    // The parser's result, which need not be the nearest float.
    let Ok(value) = serde_json::from_str::<f64>(number) else {
        return false;
    };
    decimal(number) == decimal(&format!("{value:e}"))
}

/// A number as its sign, its significant digits and the power of ten of the last digit.
fn decimal(number: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
        None => (number, 0),
    };
    let negative = mantissa.starts_with('-');
    let unsigned = mantissa.trim_start_matches('-');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let dropped = i64::try_from(digits.len() - significant.len()).ok()?;
    let significant = significant.trim_start_matches('0').to_owned();
    if significant.is_empty() {
        return Some((false, significant, 0));
    }
    let power = exponent - i64::try_from(fraction.len()).ok()? + dropped;
    Some((negative, significant, power))
}
