use super::sheet_cell::NUMBER;

/// Statistics of a sheet that distinguish a table from a cover page, notes or a summary.
#[derive(Debug, Default)]
pub(super) struct SheetProfile {
    /// Rows that are not empty, including the header.
    rows: u64,
    /// Filled cells of the first row, and how many of them are numbers.
    names: usize,
    numbers: usize,
    /// Rows below the first one with at least two cells.
    wide: u64,
    /// Rows below the first one whose only cell is a sentence.
    sentences: u64,
}

impl SheetProfile {
    /// Adds the next row: its texts, and a letter for the kind of each.
    pub(super) fn see(&mut self, texts: &[String], kinds: &str) {
        let filled = || {
            texts
                .iter()
                .zip(kinds.chars())
                .filter(|(text, _)| !text.trim().is_empty())
        };
        let count = filled().count();
        self.rows += u64::from(count > 0);
        if self.rows == 1 && self.names == 0 {
            self.names = count;
            self.numbers = filled().filter(|(_, kind)| *kind == NUMBER).count();
        } else if count > 1 {
            self.wide += 1;
        } else {
            let is_sentence = |text: &str| text.split_whitespace().count() > 2;
            self.sentences += u64::from(filled().any(|(text, _)| is_sentence(text)));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether the first row may name columns.
    pub(super) fn is_table(&self) -> bool {
        let below = self.rows.saturating_sub(1);
        match self.names {
            0 => false,
            // It may also be a title: above a table, alone on the sheet, or above a text.
            1 => below > 0 && self.wide * 2 <= below && self.sentences * 2 <= below,
            names => self.numbers * 2 < names,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(rows: &[&[&str]]) -> SheetProfile {
        let mut looks = SheetProfile::default();
        for row in rows {
            let texts: Vec<String> = row.iter().map(|text| (*text).to_owned()).collect();
            let kind = |text: &&str| {
                if text.parse::<f64>().is_ok() {
                    NUMBER
                } else {
                    't'
                }
            };
            looks.see(&texts, &row.iter().map(kind).collect::<String>());
        }
        looks
    }

    #[test]
    fn tables_are_told_from_other_sheets() {
        let tables: [&[&[&str]]; 4] = [
            &[&["userId"], &["a"]],
            &[&["email", "name"]],
            &[&["", "userId", "name", "2024"], &["", "a", "Ann", "7"]],
            &[&["Customer"], &["Ann Lee"], &["Ben"], &["c", "d"]],
        ];
        for table in tables {
            assert!(looks(table).is_table(), "{table:?}");
        }
        let others: [&[&[&str]]; 5] = [
            &[&["Customers"]],
            &[&["Customers 2024"], &["id", "name"], &["1", "Ann"]],
            &[
                &["How to use"],
                &["Fill in every row of the sheet."],
                &["Then save it."],
            ],
            &[&["Total", "120"], &["New", "7"]],
            &[],
        ];
        for other in others {
            assert!(!looks(other).is_table(), "{other:?}");
        }
        assert!(looks(&[]).is_empty());
    }
}
