//! Parsers of option values: each error says what is expected, with an example.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{PathBufValueParser, TypedValueParser};
use jiff::{Span, SpanRelativeTo};
use serde::{Deserialize, Serialize};

use crate::plan::MissingAction;

/// The format of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
pub enum OutputFormat {
    /// For people
    #[default]
    Text,
    /// For programs: the same facts as JSON
    Json,
}

/// How log lines are written to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
pub enum When {
    /// If there is a terminal
    #[default]
    Auto,
    Always,
    Never,
}

/// What happens to customers that the input no longer holds.
pub(super) fn missing_action(text: &str) -> Result<MissingAction, String> {
    use MissingAction::{Block, Delete, Ignore, Tag};
    let mut actions = [Ignore, Tag, Block, Delete].into_iter();
    let action = actions.find(|action| action.as_str() == text);
    action.ok_or_else(|| "ignore, tag, block or delete".to_owned())
}

/// Which values of customers a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
pub enum PageValues {
    /// No values and no keys
    None,
    /// Those that change, old and new
    #[default]
    Changed,
    /// Also rejected rows as they are in the input
    All,
}

/// `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub name: String,
    pub value: String,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or("write it as NAME=VALUE, e.g. patch-custom-data=replace")?;
        if name.trim().is_empty() {
            return Err("the name before `=` is missing".into());
        }
        Ok(Self {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
        })
    }
}

/// Parses a duration with its unit. Days have 24 hours; months and years have no fixed length and are refused.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let length = text
        .trim()
        .parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    length
        .ok()
        .and_then(|length| Duration::try_from(length).ok())
        .ok_or_else(|| "write a duration with its unit, e.g. 30s, 15m, 2h, 1h30m or 7d".into())
}

/// Parses a [`duration`] longer than zero.
pub(super) fn budget(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it must be longer than zero, e.g. 30s or 2h".into()),
        length => Ok(length),
    }
}

/// Parses a number of bytes with its unit.
pub(super) fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u32); 4] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];
    let unit_of = |text: &str| {
        let (figure, bits) = UNITS
            .iter()
            .find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, bits)))?;
        let figure: u64 = figure.trim_end().parse().ok()?;
        figure.checked_mul(1 << bits).filter(|bytes| *bytes > 0)
    };
    unit_of(text.trim()).ok_or_else(|| "write a size with its unit, e.g. 256MiB or 1GiB".into())
}

pub(super) fn percent(text: &str) -> Result<f64, String> {
    let figure = text.trim();
    let figure = figure.strip_suffix('%').unwrap_or(figure).trim_end();
    figure
        .parse()
        .ok()
        .filter(|share: &f64| (0.0..=100.0).contains(share))
        .ok_or_else(|| "write a percentage from 0 to 100, e.g. 80; 0 switches the limit off".into())
}

/// Parses a path that is also a value of the config, which is UTF-8.
pub(super) fn utf8_path() -> impl TypedValueParser<Value = PathBuf> {
    let is_utf8 = |path: PathBuf| match path.to_str() {
        Some(_) => Ok(path),
        None => Err("write it in UTF-8"),
    };
    PathBufValueParser::new().try_map(is_utf8)
}

/// Parses the path of a page for people.
pub(super) fn page_file(text: &str) -> Result<PathBuf, String> {
    let ending = Path::new(text).extension().and_then(|e| e.to_str());
    let is_page =
        ending.is_some_and(|e| e.eq_ignore_ascii_case("html") || e.eq_ignore_ascii_case("md"));
    is_page
        .then(|| PathBuf::from(text))
        .ok_or_else(|| "its extension determines the format: name a .html or .md file".into())
}

/// Parses the path of a file whose extension determines its format.
pub(super) fn table_file(text: &str) -> Result<PathBuf, String> {
    let ending = Path::new(text).extension().and_then(|e| e.to_str());
    let is_table =
        ending.is_some_and(|e| e.eq_ignore_ascii_case("csv") || e.eq_ignore_ascii_case("jsonl"));
    is_table
        .then(|| PathBuf::from(text))
        .ok_or_else(|| "its extension determines the format: name a .csv or .jsonl file".into())
}

/// Parses a SHA-256 in hexadecimal, and returns it in lower case.
pub(super) fn digest(text: &str) -> Result<String, String> {
    let digits = text.trim();
    if digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(digits.to_ascii_lowercase())
    } else {
        Err("a digest has 64 hexadecimal digits, as `plan` and `show` print it".into())
    }
}

/// Parses an address that only this machine can reach.
pub(super) fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "write an address and a port, e.g. 127.0.0.1:0 or [::1]:8080")?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("only a loopback address can be served, e.g. 127.0.0.1:0 or [::1]:8080".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_a_fixed_length() {
        let seconds = |text: &str| duration(text).map(|d| d.as_secs());
        assert_eq!(seconds("30s"), Ok(30));
        assert_eq!(seconds("15m"), Ok(900));
        assert_eq!(seconds("2h"), Ok(7_200));
        assert_eq!(seconds("1h30m"), Ok(5_400));
        assert_eq!(seconds(" 1h 30m "), Ok(5_400));
        assert_eq!(seconds("7d"), Ok(604_800));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for wrong in [
            "",
            "30",
            "h",
            "-2h",
            "2h ago",
            "1mo",
            "1y",
            "2 parsecs",
            "99999999999999999999s",
        ] {
            assert!(
                duration(wrong).is_err_and(|e| e.contains("1h30m")),
                "{wrong}"
            );
        }
        assert!(budget("0s").is_err());
        assert_eq!(budget("1s"), Ok(Duration::from_secs(1)));
    }

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(size("256MiB"), Ok(256 << 20));
        assert_eq!(size(" 1 GiB "), Ok(1 << 30));
        for wrong in [
            "",
            "MiB",
            "1",
            "0MiB",
            "-1MiB",
            "1.5GiB",
            "1MB",
            "99999999999999TiB",
        ] {
            assert!(size(wrong).is_err_and(|e| e.contains("256MiB")), "{wrong}");
        }
    }

    #[test]
    fn percentages_are_from_0_to_100() {
        assert_eq!(percent("80"), Ok(80.0));
        assert_eq!(percent("0.5 %"), Ok(0.5));
        for wrong in ["", "-1", "100.1", "NaN", "inf", "half"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_table_file_says_its_format() {
        assert!(table_file("out/results.CSV").is_ok());
        assert!(table_file("results.jsonl").is_ok());
        assert!(table_file("results.json").is_err());
        assert!(table_file("csv").is_err());
    }

    #[test]
    fn digests_are_complete() {
        assert_eq!(digest(&"AB".repeat(32)), Ok("ab".repeat(32)));
        assert!(digest("ab").is_err());
        assert!(digest(&"xy".repeat(32)).is_err());
    }

    #[test]
    fn settings_have_a_name() {
        let setting: Setting = "a = b=c".parse().unwrap();
        assert_eq!(
            (setting.name.as_str(), setting.value.as_str()),
            ("a", "b=c")
        );
        assert_eq!(setting.to_string(), "a=b=c");
        assert!("a".parse::<Setting>().is_err());
        assert!("=b".parse::<Setting>().is_err());
    }

    #[test]
    fn only_loopback_is_served() {
        assert!(loopback("127.0.0.1:0").is_ok());
        assert!(loopback("[::1]:80").is_ok());
        assert!(loopback("0.0.0.0:80").is_err_and(|e| e.contains("loopback")));
        assert!(loopback("127.0.0.1").is_err());
    }
}
