//! What the account is known to refuse is rejected, or left out, before it costs a request.

use std::io::{Read, Seek, Write};

use super::{Ground, Planner, RowRecord};
use crate::plan::field_limits::{FieldLimits, text_of};
use crate::plan::{Attribute, AttributeValue, LeftReason, LeftValue, Operation};

impl<B: Read + Write + Seek, R: Write> Planner<'_, B, R> {
    /// Rejects a row that the account is known to refuse, or takes the values out that may be left out.
    pub(super) fn without_refused(
        &mut self,
        record: &mut RowRecord,
        mut operations: Vec<Operation>,
    ) -> Vec<Operation> {
        let refused = Operation::Patch(self.limits.take_out(&mut operations));
        let fields = refused.fields();
        let Some(issue) = self.limits.issue(&fields) else {
            self.count_long_texts(&operations);
            return operations;
        };
        if !fields
            .iter()
            .all(|field| self.rules.skippable.contains(field))
        {
            return self.reject(record, Some(issue));
        }
        record.warnings.push(issue);
        let left = refused.changes().into_iter();
        record
            .left
            .extend(left.map(|change| LeftValue::of_change(&change, LeftReason::Refused)));
        if operations.is_empty() {
            return self.unchanged(record);
        }
        operations
    }

    /// Counts texts that may be too long for their property.
    fn count_long_texts(&mut self, operations: &[Operation]) {
        let Some(max) = self.ground.memory.property_length() else {
            return;
        };
        for change in operations.iter().flat_map(Operation::changes) {
            if let (Attribute::Property(_), Some(AttributeValue::Property(value))) =
                (change.attribute, change.new)
                && text_of(value).is_some_and(|text| text.chars().count() > max)
            {
                let name = change.attribute.to_string();
                self.sinks.previewer.count_long_text(name);
            }
        }
    }
}

/// Without the properties that customers have meanwhile, and what the user wants to be sent anyway.
pub(super) fn known_limits(ground: Ground<'_>) -> FieldLimits {
    let mut limits = ground.memory.limits().clone();
    let known = &ground.reading.names().properties;
    limits.retain(|field, limit| {
        let property = field.strip_prefix("customData.");
        let is_defined = property.is_some_and(|name| known.contains_key(name));
        !ground.rules.forced.iter().any(|forced| forced == field)
            && (limit.max_length.is_some() || !is_defined)
    });
    limits
}
