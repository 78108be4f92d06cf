use super::cells::{Syntax, spans};
use super::rejected_marks::own_header;
use super::sample::Sample;

pub(super) const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Detects the delimiter of a CSV from its first records.
///
/// The score of a delimiter is higher the more cells the header has with it, and the more records have as many cells.
///
/// # Errors
/// The delimiters with the highest score, if there are several.
pub(super) fn detect(
    sample: &Sample<'_>,
    quote: Option<u8>,
    hides_ascii: bool,
) -> Result<u8, Vec<u8>> {
    let mut best = (0.0, Vec::new());
    for delimiter in CANDIDATES {
        if hides_ascii && delimiter == b'|' || quote == Some(delimiter) {
            continue;
        }
        if sample.bytes().starts_with(&own_header(delimiter)) {
            return Ok(delimiter);
        }
        let syntax = Syntax {
            delimiter,
            quote,
            skips_blanks: true,
        };
        let score = score(sample, syntax);
        if score > best.0 {
            best = (score, vec![delimiter]);
        } else if score == best.0 && score > 0.0 {
            best.1.push(delimiter);
        }
    }
    match best.1.as_slice() {
        [] => Ok(b','),
        [delimiter] => Ok(*delimiter),
        _ => Err(best.1),
    }
}

/// A first line that declares the delimiter, as spreadsheets write and read it: `sep=;`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DeclaredDelimiter {
    pub(super) delimiter: u8,
    /// Bytes of the line including its line end.
    pub(super) skip: usize,
}

pub(super) fn declared(sample: &[u8]) -> Option<DeclaredDelimiter> {
    let (line, end) = match sample.iter().position(|b| matches!(b, b'\r' | b'\n')) {
        Some(at) => sample.split_at_checked(at)?,
        None => (sample, &[][..]),
    };
    let bare = line
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""))
        .unwrap_or(line);
    let (word, rest) = bare.split_at_checked(4)?;
    let &[delimiter] = rest else { return None };
    let is_valid = delimiter.is_ascii() && !matches!(delimiter, b'"' | 0);
    let end = match end {
        [b'\r', b'\n', ..] => 2,
        [_, ..] => 1,
        [] => 0,
    };
    (word.eq_ignore_ascii_case(b"sep=") && is_valid).then_some(DeclaredDelimiter {
        delimiter,
        skip: line.len() + end,
    })
}

fn score(sample: &Sample<'_>, syntax: Syntax) -> f64 {
    let mut counts = Vec::new();
    sample.records(syntax, |extent, record| {
        let is_fit = extent.flaw.is_none();
        counts.push(if is_fit {
            spans(record, syntax).len()
        } else {
            0
        });
    });
    let Some(header) = counts.first().copied().filter(|cells| *cells > 1) else {
        return 0.0;
    };
    let alike = counts.iter().filter(|cells| **cells == header).count();
    let share = alike as f64 / counts.len() as f64;
    share * share * (header - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::super::dialect::LineEnd;
    use super::*;

    fn of(text: &str) -> Result<u8, Vec<u8>> {
        let sample = Sample::new(text.as_bytes(), true, LineEnd::Lf);
        detect(&sample, Some(b'"'), false)
    }

    #[test]
    fn each_of_the_four_is_found() {
        for d in [",", ";", "\t", "|"] {
            let text = ["id", "name", "city"].join(d) + "\n" + &["1", "Ann", "x"].join(d) + "\n";
            assert_eq!(of(&text), Ok(d.as_bytes()[0]));
        }
    }

    #[test]
    fn other_candidates_in_cells_do_not_mislead() {
        assert_eq!(of("id;price\n1;1,5\n2;2,5\n"), Ok(b';'));
        assert_eq!(of("\"a;b;c;d\",x\n\"1;2;3;4\",y\n"), Ok(b','));
        assert_eq!(of("Name, first;Mail;Tel\nDoe, J;a;b\n"), Ok(b';'));
        assert_eq!(of("note\na,b,c\n"), Ok(b','));
        assert_eq!(of("a;b;c\n\"x\ny\";1,2;3\n"), Ok(b';'));
        assert_eq!(of("a;b\n1; \"x;y;z\"\n2; \"u;v;w\"\n"), Ok(b';'));
    }

    #[test]
    fn a_tie_is_not_guessed() {
        assert_eq!(of("a,b;c\n"), Err(vec![b',', b';']));
    }

    #[test]
    fn a_first_line_may_say_it() {
        let of = |text: &str| declared(text.as_bytes()).map(|d| (d.delimiter, d.skip));
        assert_eq!(of("sep=;\na;b\n"), Some((b';', 6)));
        assert_eq!(of("\"SEP=|\"\r\na|b"), Some((b'|', 9)));
        assert_eq!(of("sep=\t\ra\tb"), Some((b'\t', 6)));
        assert_eq!(of("sep=,"), Some((b',', 5)));
        for other in [
            "sep=",
            "sep=\n",
            "sep=;;\n",
            "sep=ж\n",
            "step=;\n",
            "userId\nsep=;\n",
            "sep=\"\n",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn our_own_files_are_certain() {
        assert_eq!(of("_line|_status|_error|a,b,c,d,e,f,g\n"), Ok(b'|'));
    }
}
