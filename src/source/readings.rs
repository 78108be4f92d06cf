//! Shows the first cells of a sample in several encodings, so that the user can choose one.

use std::fmt::Write;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// The number of cells that are shown, and the number of characters of each.
const MAX_CELLS: usize = 3;
const MAX_LETTERS: usize = 40;
/// Bytes of UTF-16 that are examined.
const UTF16_BYTES: usize = 4096;

/// Returns a line per encoding.
pub(super) fn readings(candidates: &[&'static Encoding], sample: &[u8]) -> String {
    let mut shown = String::new();
    let width = candidates.iter().map(|c| c.name().len()).max().unwrap_or(0);
    for candidate in candidates {
        let cells = if [UTF_16LE, UTF_16BE].contains(candidate) {
            let head = sample.get(..UTF16_BYTES).unwrap_or(sample);
            let text = candidate.decode_without_bom_handling(head).0;
            let cells = text
                .split(is_between)
                .filter(|cell| !cell.trim().is_empty());
            cells.take(MAX_CELLS).map(shortened).collect()
        } else {
            of_bytes(candidate, sample)
        };
        let name = candidate.name();
        let _ = write!(shown, "\n  {name:width$}  {}", cells.join(" | "));
    }
    shown
}

/// The first cells that are not ASCII.
fn of_bytes(encoding: &'static Encoding, sample: &[u8]) -> Vec<String> {
    let cells = sample.split(|byte| is_between(char::from(*byte)));
    let cells = cells.filter(|cell| !cell.is_ascii()).take(MAX_CELLS);
    let texts = cells.map(|cell| encoding.decode_without_bom_handling(cell).0);
    texts.map(|text| shortened(&text)).collect()
}

/// Whether a character separates cells in tables or texts in JSON.
fn is_between(c: char) -> bool {
    matches!(c, ',' | ';' | '\t' | '|' | '"' | '\r' | '\n')
}

fn shortened(cell: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut characters = cell.trim().chars().map(plain);
    let mut text: String = characters.by_ref().take(MAX_LETTERS).collect();
    if characters.next().is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{WINDOWS_1251, WINDOWS_1252};

    #[test]
    fn the_first_cells_beyond_ascii_are_shown_in_each() {
        let sample = b"id;name\n1;Jos\xE9\n2;Ann\n3;\"Ren\xE9, X\"\n4;\xE9\n5;\xE8\n";
        let expected = "\n  windows-1252  José | René | é\n  windows-1251  Josй | Renй | й";
        assert_eq!(readings(&[WINDOWS_1252, WINDOWS_1251], sample), expected);
        let wide: Vec<u8> = "id,Їжак\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let shown = readings(&[UTF_16LE, UTF_16BE], &wide);
        assert!(
            shown.starts_with("\n  UTF-16LE  id | Їжак\n  UTF-16BE  "),
            "{shown}"
        );
        let long = readings(&[WINDOWS_1251], &[0xE9; 99]);
        assert!(long.ends_with("ййй…"), "{long}");
    }
}
