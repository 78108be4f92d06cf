use serde::{Deserialize, Serialize};

/// Counts of damaged cells that were fixed (`[input] repair = "fix"`), by kind of damage. A cell with two kinds of damage
/// counts under both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Repairs {
    /// `101.0`
    pub decimals: u64,
    /// `="00123"`, `'00123`
    pub guards: u64,
    /// Zero-width and direction marks.
    pub invisible: u64,
    /// `NULL`, `N/A`: taken as no value.
    pub placeholders: u64,
}

impl Repairs {
    pub fn add(&mut self, other: Self) {
        self.decimals += other.decimals;
        self.guards += other.guards;
        self.invisible += other.invisible;
        self.placeholders += other.placeholders;
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A sentence for people, or `None` if nothing was fixed.
    pub fn sentence(&self) -> Option<String> {
        let kinds = [
            (self.decimals, "whole numbers with decimals"),
            (self.guards, "spreadsheet guards"),
            (self.invisible, "invisible characters"),
            (self.placeholders, "placeholders, taken as no value"),
        ];
        let kinds = kinds.iter().filter(|(count, _)| *count > 0);
        let kinds: Vec<_> = kinds
            .map(|(count, kind)| format!("{kind}: {count}"))
            .collect();
        (!kinds.is_empty()).then(|| {
            format!(
                "damaged cells of ids, e-mails and phones that were fixed ({})",
                kinds.join("; ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_only_the_damage_that_was_fixed() {
        let mut repairs = Repairs::default();
        assert_eq!(repairs.sentence(), None);
        repairs.add(Repairs {
            decimals: 2,
            ..Repairs::default()
        });
        repairs.add(Repairs {
            decimals: 1,
            guards: 1,
            ..Repairs::default()
        });
        assert_eq!(
            repairs.sentence().unwrap(),
            "damaged cells of ids, e-mails and phones that were fixed \
             (whole numbers with decimals: 3; spreadsheet guards: 1)"
        );
    }
}
