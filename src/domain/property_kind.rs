use serde::{Deserialize, Serialize};

use super::CustomValue;

/// What the values of a custom property are in HelpCrunch. A date comes back as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PropertyKind {
    Text,
    Number,
    Boolean,
}

impl PropertyKind {
    /// None for a value that counts as none.
    #[must_use]
    pub fn of(value: &CustomValue) -> Option<Self> {
        match value {
            value if value.is_no_value() => None,
            CustomValue::Text(_) => Some(Self::Text),
            CustomValue::Number(_) | CustomValue::Date(_) => Some(Self::Number),
            CustomValue::Bool(_) => Some(Self::Boolean),
        }
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// How many customers have a property with values of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KindCounts {
    text: u64,
    number: u64,
    boolean: u64,
}

impl KindCounts {
    pub fn add(&mut self, value: &CustomValue) {
        if let Some(count) = self.of(value) {
            *count += 1;
        }
    }

    pub fn remove(&mut self, value: &CustomValue) {
        if let Some(count) = self.of(value) {
            *count = count.saturating_sub(1);
        }
    }

    /// Adds what was counted elsewhere.
    pub fn join(&mut self, other: Self) {
        self.text += other.text;
        self.number += other.number;
        self.boolean += other.boolean;
    }

    fn of(&mut self, value: &CustomValue) -> Option<&mut u64> {
        Some(match PropertyKind::of(value)? {
            PropertyKind::Text => &mut self.text,
            PropertyKind::Number => &mut self.number,
            PropertyKind::Boolean => &mut self.boolean,
        })
    }

    /// The kind that more than half of the values have.
    #[must_use]
    pub fn prevailing(&self) -> Option<PropertyKind> {
        let half = (self.text + self.number + self.boolean) / 2;
        let counts = [
            (self.text, PropertyKind::Text),
            (self.number, PropertyKind::Number),
            (self.boolean, PropertyKind::Boolean),
        ];
        let most = counts.into_iter().find(|(count, _)| *count > half);
        most.map(|(_, kind)| kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_the_one_of_most_values() {
        let mut counts = KindCounts::default();
        assert_eq!(counts.prevailing(), None);
        counts.add(&CustomValue::Bool(true));
        counts.add(&CustomValue::Text(String::new()));
        assert_eq!(counts.prevailing(), Some(PropertyKind::Boolean));
        counts.add(&CustomValue::Text("yes".into()));
        assert_eq!(counts.prevailing(), None);
        counts.remove(&CustomValue::Bool(true));
        assert_eq!(counts.prevailing(), Some(PropertyKind::Text));
    }
}
