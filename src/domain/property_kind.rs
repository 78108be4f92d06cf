use serde::{Deserialize, Serialize};

use super::CustomValue;

/// The type of a custom property's values in HelpCrunch. A date comes back as a number (documented).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PropertyKind {
    Text,
    Number,
    Boolean,
}

impl PropertyKind {
    /// The kind of a value, or `None` for a blank text, which counts as no value.
    pub fn of<T: AsRef<str>>(value: &CustomValue<T>) -> Option<Self> {
        match value {
            value if value.is_no_value() => None,
            CustomValue::Text(_) => Some(Self::Text),
            CustomValue::Number(_) | CustomValue::Date(_) => Some(Self::Number),
            CustomValue::Bool(_) => Some(Self::Boolean),
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// How many customers have a value of each kind in one property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KindCounts {
    text: u64,
    number: u64,
    boolean: u64,
}

impl KindCounts {
    pub fn add<T: AsRef<str>>(&mut self, value: &CustomValue<T>) {
        if let Some(count) = self.count_of(value) {
            *count += 1;
        }
    }

    pub fn remove<T: AsRef<str>>(&mut self, value: &CustomValue<T>) {
        if let Some(count) = self.count_of(value) {
            *count = count.saturating_sub(1);
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.text += other.text;
        self.number += other.number;
        self.boolean += other.boolean;
    }

    fn count_of<T: AsRef<str>>(&mut self, value: &CustomValue<T>) -> Option<&mut u64> {
        Some(match PropertyKind::of(value)? {
            PropertyKind::Text => &mut self.text,
            PropertyKind::Number => &mut self.number,
            PropertyKind::Boolean => &mut self.boolean,
        })
    }

    /// The kind of more than half of the values, or `None` without such a majority.
    pub fn majority(&self) -> Option<PropertyKind> {
        let half = (self.text + self.number + self.boolean) / 2;
        let counts = [
            (self.text, PropertyKind::Text),
            (self.number, PropertyKind::Number),
            (self.boolean, PropertyKind::Boolean),
        ];
        let majority = counts.into_iter().find(|(count, _)| *count > half);
        majority.map(|(_, kind)| kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_needs_more_than_half_of_the_values() {
        let mut counts = KindCounts::default();
        assert_eq!(counts.majority(), None);
        counts.add(&CustomValue::<String>::Bool(true));
        counts.add(&CustomValue::Text(String::new()));
        assert_eq!(counts.majority(), Some(PropertyKind::Boolean));
        counts.add(&CustomValue::Text("yes"));
        assert_eq!(counts.majority(), None);
        counts.remove(&CustomValue::<String>::Bool(true));
        assert_eq!(counts.majority(), Some(PropertyKind::Text));
    }
}
