use std::fmt;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};

/// Parses a length of time with its unit, such as `30s`, `1h30m` or `30d`. A day is 24 hours. `None` for months and years,
/// which have no fixed length, and for negative lengths.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let span: Span = text.trim().parse().ok()?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(length).ok()
}

/// For `#[serde(deserialize_with)]`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = Duration;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(
                "a length of time with its unit, e.g. \"30s\", \"15m\", \"1h30m\" or \"30d\"",
            )
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
            parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
        }
    }
    // Not `deserialize_str`: the error about a number would then expect "a string" instead of the visitor's words.
    deserializer.deserialize_any(Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_with_their_unit() {
        assert_eq!(parse("30s"), Some(Duration::from_secs(30)));
        assert_eq!(parse("15m"), Some(Duration::from_secs(15 * 60)));
        assert_eq!(parse("20h"), Some(Duration::from_secs(20 * 3600)));
        assert_eq!(parse("30d"), Some(Duration::from_secs(30 * 86_400)));
        assert_eq!(parse("1h30m"), Some(Duration::from_secs(5_400)));
        assert_eq!(parse("1 hour 30 minutes"), Some(Duration::from_secs(5_400)));
        assert_eq!(parse("1w"), Some(Duration::from_secs(7 * 86_400)));
        assert_eq!(parse("0s"), Some(Duration::ZERO));
        for wrong in ["", "30", "s", "-30s", "1mo", "2y", "soon"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
