//! What a pass over the rows adds up to, apart from the plan.

use std::collections::BTreeMap;

use crate::domain::{CustomValue, DesiredCustomer, Repairs, Value};
use crate::mapping::MappedRow;

/// What the mapping of rows adds up to.
#[derive(Debug, Clone, Default)]
pub struct MappingFigures {
    /// Rows that `[rows] where` leaves out.
    pub filtered_rows: u64,
    /// Texts that hold control characters other than tabs and line ends; they are sent as they are.
    pub control_texts: u64,
    /// Damaged cells that were put right, in rows that are not rejected.
    pub repairs: Repairs,
    /// Attributes whose value does not fit and is left out of its row, with the number of rows.
    pub left_out: BTreeMap<String, u64>,
}

impl MappingFigures {
    /// Adds those of a row.
    pub(super) fn see<T: AsRef<str>>(&mut self, mapped: &MappedRow<T>) {
        self.filtered_rows += u64::from(mapped.is_filtered);
        let Some(desired) = &mapped.desired else {
            return;
        };
        self.control_texts += control_texts(desired);
        self.repairs.add(mapped.repairs);
        for left in &mapped.left_out {
            *self.left_out.entry(left.attribute.clone()).or_default() += 1;
        }
    }

    /// Adds those of other rows.
    pub(super) fn add(&mut self, other: Self) {
        self.filtered_rows += other.filtered_rows;
        self.control_texts += other.control_texts;
        self.repairs.add(other.repairs);
        for (attribute, rows) in other.left_out {
            *self.left_out.entry(attribute).or_default() += rows;
        }
    }
}

/// How many of a row's texts hold control characters other than tabs and line ends.
fn control_texts<T: AsRef<str>>(desired: &DesiredCustomer<T>) -> u64 {
    // Most texts have no byte of any control character.
    let may_be_odd = |byte: u8| byte < b' ' || byte == 0x7f || byte == 0xc2;
    let is_odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    // Looking at all bytes is faster than stopping at the first odd one.
    let may_be_odd = |text: &str| text.bytes().fold(false, |odd, b| odd | may_be_odd(b));
    let is_odd = |text: &&str| may_be_odd(text) && text.contains(is_odd);
    let fields = desired.fields.iter().filter_map(|(_, wish)| wish.value());
    let fields = fields.filter_map(Value::as_text);
    let properties = desired
        .custom_data
        .iter()
        .filter_map(|(_, wish)| wish.value());
    let properties = properties.filter_map(|value| match value {
        CustomValue::Text(text) => Some(text.as_ref()),
        CustomValue::Number(_) | CustomValue::Bool(_) | CustomValue::Date(_) => None,
    });
    let tags = desired.tags.add.iter().map(|tag| tag.name.as_ref());
    let odd = fields.chain(properties).chain(tags).filter(is_odd);
    odd.count() as u64
}
