use super::cells::{Syntax, quoted_part, spans};
use super::sample::Sample;

/// Whether each delimiter of a table is followed by a blank, so that a quote after the blank opens a cell: `u1, "Doe, Ann", x`.
///
/// It is if the header has these blanks, if the rows do, or if most rows with a quote after a blank have the header's number
/// of cells when read like that. The first `leading` cells of each record are hcsync's own.
pub(super) fn follow_delimiters(sample: &Sample<'_>, syntax: Syntax, leading: usize) -> bool {
    let syntax = Syntax {
        skips_blanks: true,
        ..syntax
    };
    let (mut header, mut is_header_padded) = (None, false);
    let (mut good, mut bad, mut padded, mut others) = (0, 0, 0, 0);
    sample.records(syntax, |extent, record| {
        let cells = spans(record, syntax);
        let own = cells.iter().skip(leading);
        let own: Vec<&[u8]> = own.filter_map(|span| record.get(span.clone())).collect();
        let follows = |cell: &&[u8]| cell.first().is_some_and(|byte| syntax.is_blank(*byte));
        let is_padded = own.len() > 1 && own.iter().skip(1).all(follows);
        let Some(width) = header else {
            header = Some(cells.len());
            is_header_padded = is_padded;
            return;
        };
        let is_behind_blank = |cell: &&[u8]| follows(cell) && quoted_part(cell, syntax).is_some();
        let has_width = extent.flaw.is_none() && cells.len() == width;
        match own.iter().any(is_behind_blank) {
            true if has_width => good += 1,
            true => bad += 1,
            false if is_padded => padded += 1,
            false => others += 1,
        }
    });
    is_header_padded || good > bad || (good >= bad && padded > others)
}

#[cfg(test)]
mod tests {
    use super::super::dialect::LineEnd;
    use super::*;

    fn of(text: &str) -> bool {
        let sample = Sample::new(text.as_bytes(), true, LineEnd::Lf);
        follow_delimiters(&sample, Syntax::quoted(b','), 0)
    }

    #[test]
    fn blanks_follow_delimiters_where_the_header_or_most_rows_say_so() {
        for sure in [
            "id, name\nu1, Ann\n",
            "id,name\nu1, \"Doe, Ann\"\n",
            "id,name\nu1,Ann\nu2, \"Doe, Ben\"\nu3,\"Cid\"\n",
            "id,name\nu1, Ann\nu2, Ben\n",
            "id,name\nu1,\t\"Ann\" \nu2, \"tiny\" Ben\nu3,  \"Cid\"\n",
            " \"id\", \"name\"\n",
        ] {
            assert!(of(sure), "{sure}");
        }
        for other in [
            "id,name\nu1,Ann\n",
            "id,name\nu1, Ann\nu2,Ben\nu3,Cid\n",
            "id,name\nu1, \"tiny\" Ann\n",
            "id,name\nu1, \"Doe, Ann\", x\n",
            "id\n \"u1\n",
            "",
        ] {
            assert!(!of(other), "{other}");
        }
    }
}
