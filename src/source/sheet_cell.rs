//! Converts cells of a workbook to texts.

use calamine::{DataRef, ExcelDateTime, ExcelDateTimeType};

use crate::domain::CellKind;

/// Whole numbers from here on have more than the 15 digits that a spreadsheet keeps.
const MIN_INEXACT: f64 = 1e15;

/// Letters for the kinds of cells: text, numbers, and anything else, such as dates.
const TEXT: char = 't';
pub(super) const NUMBER: char = 'n';
pub(super) const OTHER: char = ' ';

pub(super) fn kind(value: &DataRef<'_>) -> char {
    match value {
        DataRef::String(_) | DataRef::SharedString(_) => TEXT,
        DataRef::Int(_) | DataRef::Float(_) => NUMBER,
        _ => OTHER,
    }
}

pub(super) fn kind_of(letter: u8) -> CellKind {
    match char::from(letter) {
        TEXT => CellKind::Text,
        NUMBER => CellKind::Number,
        _ => CellKind::Untyped,
    }
}

/// The text of a cell, and the code of its flaw.
pub(super) fn text_of(value: &DataRef<'_>, is_1904: bool) -> (String, Option<&'static str>) {
    let text = match value {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => return number_text(*number as f64, number.to_string()),
        DataRef::Float(number) => {
            let number = if *number == 0.0 { 0.0 } else { *number };
            return number_text(number, number.to_string());
        }
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(date) if date.is_duration() => duration(date.as_f64()),
        DataRef::DateTime(date) => match date_text(date.as_f64(), is_1904) {
            Some(text) => text,
            None => return (date.as_f64().to_string(), Some("bad_date")),
        },
        // As in text files, the mapping decides what to do about it.
        DataRef::Error(error) => error.to_string(),
    };
    (text, None)
}

fn number_text(number: f64, text: String) -> (String, Option<&'static str>) {
    let inexact = number.abs() >= MIN_INEXACT && number.fract() == 0.0;
    (text, inexact.then_some("inexact_number"))
}

/// A duration as hours, minutes and seconds.
fn duration(days: f64) -> String {
    let seconds = (days.abs() * 86_400.0).round();
    let sign = if days < 0.0 && seconds > 0.0 { "-" } else { "" };
    let (hours, rest) = ((seconds / 3600.0).floor(), seconds % 3600.0);
    format!(
        "{sign}{hours:02}:{:02.0}:{:02.0}",
        (rest / 60.0).floor(),
        rest % 60.0
    )
}

/// A serial date in ISO form, rounded to seconds, or `None` if there is no such date.
fn date_text(serial: f64, is_1904: bool) -> Option<String> {
    let seconds = (serial * 86_400.0).round();
    let (day, second) = ((seconds / 86_400.0).floor(), seconds.rem_euclid(86_400.0));
    let last = if is_1904 { 2_957_003.0 } else { 2_958_465.0 };
    if !(0.0..=last).contains(&day) || (!is_1904 && day == 60.0) {
        // Day 60 is February 29, 1900, which did not exist.
        return None;
    }
    let time = duration(second / 86_400.0);
    if day == 0.0 && !is_1904 {
        return Some(time);
    }
    let date = ExcelDateTime::new(day, ExcelDateTimeType::DateTime, is_1904);
    let (year, month, day, ..) = date.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    Some(if second == 0.0 {
        date
    } else {
        format!("{date} {time}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_iso() {
        let date = |serial| date_text(serial, false);
        assert_eq!(date(45943.0).as_deref(), Some("2025-10-13"));
        assert_eq!(date(45943.541).as_deref(), Some("2025-10-13 12:59:02"));
        assert_eq!(date(45_943.999_999_9).as_deref(), Some("2025-10-14"));
        assert_eq!(date(0.5).as_deref(), Some("12:00:00"));
        assert_eq!(date(59.0).as_deref(), Some("1900-02-28"));
        assert_eq!(date(61.0).as_deref(), Some("1900-03-01"));
        assert_eq!((date(60.0), date(-1.0), date(3e6)), (None, None, None));
        assert_eq!(date_text(1.0, true).as_deref(), Some("1904-01-02"));
        assert_eq!(duration(1.5), "36:00:00");
    }

    #[test]
    fn numbers_are_in_their_shortest_form() {
        let text = |number| text_of(&DataRef::Float(number), false);
        assert_eq!(text(12.0), ("12".to_owned(), None));
        assert_eq!(text(-0.0), ("0".to_owned(), None));
        assert_eq!(text(15.99), ("15.99".to_owned(), None));
        assert_eq!(text(1e-7), ("0.0000001".to_owned(), None));
        assert_eq!(text(1_234_567_890_123_450_000.0).1, Some("inexact_number"));
        assert_eq!(text_of(&DataRef::Bool(true), false).0, "true");
    }
}
