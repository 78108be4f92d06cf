//! Times as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Returns a time (RFC 3339) as people read it, in minutes: local with its offset, and UTC beside it.
pub fn local_time(time: &str, zone: &TimeZone) -> String {
    let Ok(at) = time.parse::<Timestamp>() else {
        return time.to_owned();
    };
    let (local, utc) = (at.to_zoned(zone.clone()), at.to_zoned(TimeZone::UTC));
    if local.offset().seconds() == 0 {
        return utc.strftime("%F %H:%M UTC").to_string();
    }
    let beside = match local.date() == utc.date() {
        true => utc.strftime("%H:%M UTC"),
        false => utc.strftime("%F %H:%M UTC"),
    };
    format!("{} ({beside})", local.strftime("%F %H:%M%:z"))
}

/// Returns a time (RFC 3339) in minutes, local with its offset; the ids of runs hold UTC.
pub fn short_time(time: &str, zone: &TimeZone) -> String {
    let at = time.parse::<Timestamp>();
    at.map_or_else(
        |_| time.to_owned(),
        |at| {
            let local = at.to_zoned(zone.clone());
            match local.offset().seconds() {
                0 => local.strftime("%F %H:%MZ").to_string(),
                _ => local.strftime("%F %H:%M%:z").to_string(),
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_stands_beside_utc() {
        let kyiv = TimeZone::posix("EET-2").unwrap();
        let text = |time| local_time(time, &kyiv);
        assert_eq!(
            text("2026-11-20T03:12:50Z"),
            "2026-11-20 05:12+02:00 (03:12 UTC)"
        );
        assert_eq!(
            text("2026-11-20T23:12:50Z"),
            "2026-11-21 01:12+02:00 (2026-11-20 23:12 UTC)"
        );
        assert_eq!(
            short_time("2026-11-20T03:12:50Z", &kyiv),
            "2026-11-20 05:12+02:00"
        );
        assert_eq!(text("soon"), "soon");
        let utc = local_time("2026-11-20T03:12:50Z", &TimeZone::UTC);
        assert_eq!(utc, "2026-11-20 03:12 UTC");
    }
}
