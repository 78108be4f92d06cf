use super::cells::{Syntax, quoted_part, spans};

const DOUBLE: u8 = b'"';
const APOSTROPHE: u8 = b'\'';

/// Detects the quote of a table from its first line: an apostrophe if it encloses every cell, otherwise a double quote.
pub(super) fn detect(sample: &[u8], delimiters: &[u8]) -> u8 {
    let end = sample.iter().position(|b| matches!(b, b'\r' | b'\n'));
    let line = sample
        .get(..end.unwrap_or(sample.len()))
        .unwrap_or_default();
    let fits = |delimiter: &u8| {
        let syntax = Syntax {
            delimiter: *delimiter,
            quote: Some(APOSTROPHE),
            skips_blanks: true,
        };
        let cells = spans(line, syntax).into_iter();
        let mut cells = cells.filter_map(|span| line.get(span));
        let is_quoted = |cell: &[u8]| {
            quoted_part(cell, syntax).is_some_and(|cell| is_enclosed(cell, APOSTROPHE))
        };
        *delimiter != APOSTROPHE && cells.all(is_quoted)
    };
    match delimiters.iter().any(fits) {
        true => APOSTROPHE,
        false => DOUBLE,
    }
}

fn is_enclosed(cell: &[u8], quote: u8) -> bool {
    let inner = cell.strip_prefix(&[quote]);
    let Some(inner) = inner.and_then(|inner| inner.strip_suffix(&[quote])) else {
        return false;
    };
    let mut rest = inner.iter();
    while let Some(byte) = rest.next() {
        if *byte == quote && rest.next() != Some(&quote) {
            return false;
        }
    }
    true
}

/// Detects the quote of a file of rejected rows from an `_error` cell, which is always quoted unless the dialect has no quote.
pub(super) fn own(sample: &[u8], delimiter: u8) -> Option<u8> {
    let mut lines = sample.split(|b| matches!(b, b'\r' | b'\n'));
    lines.find_map(|line| {
        let mut cells = line.splitn(3, |b| *b == delimiter);
        let (number, status, error) = (cells.next()?, cells.next()?, cells.next()?);
        let is_row = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
        let is_status = matches!(status, b"rejected" | b"failed" | b"in_doubt");
        let first = *error.first()?;
        (is_row && is_status && matches!(first, DOUBLE | APOSTROPHE)).then_some(first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apostrophes_are_quotes_where_all_of_the_first_line_says_so() {
        for sure in [
            "'id','name'\n1,Ann\n",
            "'id'\t'full ''name'''\r\n",
            "'a;b';'c'\n",
            "'id'\r'x'\r",
            "'id', 'name' \n",
        ] {
            assert_eq!(detect(sure.as_bytes(), b",;\t|"), b'\'', "{sure}");
        }
        for other in [
            "'id',name\n",
            "'id';name;'x'\n",
            "'tis\n",
            "\"id\",\"name\"\n'a','b'\n",
            "'\n",
            "",
        ] {
            assert_eq!(detect(other.as_bytes(), b",;\t|"), b'"', "{other}");
        }
        assert_eq!(detect(b"'a'^'b'\n", b"^"), b'\'');
        assert_eq!(detect(b"'a'\n", b"'"), b'"');
    }

    #[test]
    fn a_file_of_rejected_rows_shows_it_in_its_errors() {
        let file = "_line,_status,_error,name,\"x\n1,y\"\n12,rejected,'no luck','Ann','x'\n";
        assert_eq!(own(file.as_bytes(), b','), Some(b'\''));
        assert_eq!(
            own(b"_line;_status;_error;a\r\n3;failed;\"no\";1", b';'),
            Some(b'"')
        );
        assert_eq!(own(b"_line;_status;_error;a\n3;failed;no;1", b';'), None);
    }
}
