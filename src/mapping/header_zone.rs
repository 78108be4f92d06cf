//! Time zones in the names of columns, such as `Signed up (GMT +2)`. Used for proposals only.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

/// Returns the line for `[input]` that sets the zone which the names of columns give in brackets, if there is one.
pub(super) fn timezone_line<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let zones: BTreeSet<(String, &str)> = names
        .filter_map(|name| {
            let (_, written) = split(name)?;
            Some((zone(written)?, written))
        })
        .collect();
    let mut names = zones.iter().map(|(zone, _)| zone);
    let first = names.next()?;
    let (_, written) = zones.first()?;
    if names.any(|zone| zone != first) {
        return Some(
            "# timezone = \"Europe/Kyiv\"   # the column names give several zones: add `timezone` to each date instead"
                .to_owned(),
        );
    }
    let why = match first.starts_with("Etc/GMT") && first != "Etc/GMT" {
        true => format!(
            "from the column names ({written}); a place such as \"Europe/Kyiv\" also knows its summer time"
        ),
        false => format!("from the column names ({written})"),
    };
    Some(format!("timezone = \"{first}\"   # {why}"))
}

/// The name of a column without a time zone in brackets at its end.
pub(super) fn without_zone(name: &str) -> &str {
    split(name)
        .filter(|(_, written)| zone(written).is_some())
        .map_or(name, |(before, _)| before)
}

/// A name, and what stands in brackets at its end.
fn split(name: &str) -> Option<(&str, &str)> {
    let (before, after) = name.rsplit_once('(')?;
    let before = before.trim();
    let written = after.trim_end().strip_suffix(')')?.trim();
    (!before.is_empty()).then_some((before, written))
}

/// The IANA name of a zone as column names write it: `GMT +2`, `UTC+02:00`, `Europe/Kyiv`. `None` for other texts, and for
/// offsets that are not whole hours, which have no name.
fn zone(text: &str) -> Option<String> {
    let offset = ["GMT", "UTC"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix));
    let Some(offset) = offset.map(str::trim) else {
        let is_place = text.contains('/') && TimeZone::get(text).is_ok();
        return is_place.then(|| text.to_owned());
    };
    if offset.is_empty() {
        return Some("UTC".to_owned());
    }
    let (sign, digits) = match offset.strip_prefix('+') {
        Some(digits) => ('-', digits),
        // The minus sign proper is written too.
        None => ('+', offset.strip_prefix('-').or(offset.strip_prefix('−'))?),
    };
    let (hours, minutes) = digits
        .trim()
        .split_once(':')
        .unwrap_or((digits.trim(), "00"));
    let hours: u8 = hours.parse().ok()?;
    match (hours, minutes) {
        (0, "00") => Some("UTC".to_owned()),
        // In these names the sign is that of the other direction.
        (1..=12, "00") => Some(format!("Etc/GMT{sign}{hours}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_read_as_column_names_write_them() {
        for (text, name) in [
            ("GMT +2", Some("Etc/GMT-2")),
            ("GMT +02:00", Some("Etc/GMT-2")),
            ("UTC-5", Some("Etc/GMT+5")),
            ("UTC−05:00", Some("Etc/GMT+5")),
            ("GMT +00:00", Some("UTC")),
            ("UTC", Some("UTC")),
            ("Europe/Kyiv", Some("Europe/Kyiv")),
            ("GMT +5:30", None),
            ("GMT +20", None),
            ("EUR", None),
            ("a/b", None),
        ] {
            assert_eq!(zone(text).as_deref(), name, "{text}");
            assert!(name.is_none_or(|name| TimeZone::get(name).is_ok()));
        }
    }

    #[test]
    fn one_zone_is_proposed_and_several_are_left_to_the_user() {
        let line = |names: &[&str]| timezone_line(names.iter().copied());
        assert_eq!(line(&["Name", "Price (EUR)"]), None);
        let one = line(&["Seen (GMT +2)", "Signed up (GMT +02:00)"]).unwrap();
        assert!(
            one.starts_with("timezone = \"Etc/GMT-2\"   # from the column names"),
            "{one}"
        );
        let several = line(&["Seen (GMT +2)", "Signed up (GMT +3)"]).unwrap();
        assert!(several.starts_with("# timezone"), "{several}");
    }
}
