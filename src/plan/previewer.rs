//! Builds the preview while rows are planned, in bounded memory.

use std::collections::BTreeMap;

use crate::domain::{CustomValue, Issue, IssueKind, PropertyKind, Value};

use super::attribute::{Attribute, AttributeChange, AttributeValue};
use super::causes::Causes;
use super::diff::Diff;
use super::name_counts::{KindChange, MAX_NAMES, count, new_names, type_changes};
use super::safety::SafetyFigures;
use super::{
    Example, Lane, LeftReason, Operation, OperationKind, PlanCounts, Preview, RowPlace, ShownChange,
};

pub use super::name_counts::{KnownNames, by_count};

/// Adds up what the preview of a plan shows.
#[derive(Debug, Default)]
pub struct Previewer {
    preview: Preview,
    examples_per_kind: usize,
    causes: Causes,
    fields: BTreeMap<String, u64>,
    edited: BTreeMap<String, u64>,
    tags: BTreeMap<String, u64>,
    properties: BTreeMap<String, u64>,
    long_texts: BTreeMap<String, u64>,
    kinds: BTreeMap<KindChange, u64>,
    examples: BTreeMap<OperationKind, usize>,
    changed: u64,
    rejected_for_content: u64,
    merged: u64,
    left_out: u64,
    conflict_advice: Option<String>,
}

impl Previewer {
    /// `examples_per_kind` is the number of customers shown with their values for each kind of operation.
    pub fn new(examples_per_kind: usize) -> Self {
        Self {
            examples_per_kind,
            causes: match examples_per_kind {
                0 => Causes::default(),
                _ => Causes::with_cells(),
            },
            ..Self::default()
        }
    }

    pub fn count_row(&mut self) {
        self.preview.rows += 1;
    }

    /// Counts a row whose customer exists.
    pub fn count_matched(&mut self) {
        self.preview.matched += 1;
    }

    pub fn count_unchanged(&mut self) {
        self.preview.counts.unchanged += 1;
    }

    pub fn count_skipped(&mut self) {
        self.preview.counts.skipped += 1;
    }

    /// Counts a row that is merged into another: it is skipped, and not a row of its own for the safety limits.
    pub fn count_merged(&mut self) {
        self.count_skipped();
        self.merged += 1;
    }

    /// Counts a row's one-way booleans that stay true, and its fields and properties that stay as they were edited in
    /// HelpCrunch.
    pub fn count_left(&mut self, diff: &Diff) {
        self.preview.kept_true += diff.left_for(LeftReason::OneWay).count() as u64;
        diff.left_for(LeftReason::IfUnedited)
            .for_each(|name| count(&mut self.edited, name));
    }

    /// Counts a property's text that HelpCrunch may refuse as too long.
    pub fn count_long_text(&mut self, property: String) {
        *self.long_texts.entry(property).or_default() += 1;
    }

    /// Warns of texts that HelpCrunch may refuse. Some types of properties take longer ones (observed for URLs).
    pub fn long_texts_note(&self, max: Option<usize>) -> Option<String> {
        let texts = by_count(self.long_texts.clone());
        let (worst, count) = texts.first()?;
        let others = match texts.len() {
            1 => String::new(),
            n => format!(" and {} other properties", n - 1),
        };
        Some(format!(
            "{count} texts for {worst}{others} are longer than the {} characters that HelpCrunch took for a property in a \
             probe; their rows fail if it refuses them",
            max?
        ))
    }

    /// Counts a row left out for another of its customer, or by config or the user's decision: it says nothing about
    /// whether keys match.
    pub fn count_left_out(&mut self) {
        self.left_out += 1;
    }

    /// Counts a rejected row under the cause of each of its problems.
    pub fn add_rejected(&mut self, problems: &[Issue], place: RowPlace<'_>) {
        self.preview.counts.rejected += 1;
        let is_input = |issue: &Issue| issue.kind == IssueKind::Input;
        self.rejected_for_content += u64::from(problems.iter().any(is_input));
        self.causes.add_all(problems, place);
    }

    /// Sets what to do about rows in conflict, in place of each row's own advice.
    pub fn advise_on_conflicts(&mut self, advice: String) {
        self.conflict_advice = Some(advice);
    }

    /// Counts the operation of a customer that the input no longer holds, which is not one of its rows.
    pub fn add_missing(&mut self, lane: &Lane) {
        let (changed, cleared) = (self.changed, self.preview.cleared);
        let place = RowPlace {
            row: lane.row,
            source: "",
            line: 0,
        };
        self.add_lane(lane, place);
        (self.changed, self.preview.cleared) = (changed, cleared);
    }

    /// Counts a row that writes.
    pub fn add_lane(&mut self, lane: &Lane, place: RowPlace<'_>) {
        let mut changes_existing = false;
        let mut clears = false;
        for operation in &lane.operations {
            let counts = &mut self.preview.counts;
            match operation {
                Operation::Create(_) => counts.create += 1,
                Operation::Patch(_) => counts.patch += 1,
                Operation::Tag(_) => counts.tag += 1,
                Operation::Untag(_) => counts.untag += 1,
                Operation::Delete(_) => counts.delete += 1,
            }
            changes_existing |= matches!(operation, Operation::Patch(_) | Operation::Untag(_));
            let changes = operation.changes();
            for change in &changes {
                self.count_names(change);
                if matches!(operation, Operation::Patch(_)) {
                    count(&mut self.fields, &change.attribute.to_string());
                    self.preview.turned_false += u64::from(turns_false(change));
                    clears |= change.old.is_some() && change.new.is_none();
                }
            }
            self.add_example(lane, operation, place);
        }
        self.changed += u64::from(changes_existing);
        self.preview.cleared += u64::from(clears);
    }

    /// Counts the tag or property that a customer gets, and the kind of the property's value.
    fn count_names(&mut self, change: &AttributeChange<'_>) {
        match (change.attribute, change.new) {
            (Attribute::Tag(name), Some(_)) => count(&mut self.tags, name),
            (Attribute::Property(name), Some(AttributeValue::Property(new))) => {
                count(&mut self.properties, name);
                self.count_kind(name, change.old, new);
            }
            _ => {}
        }
    }

    fn count_kind(&mut self, name: &str, old: Option<AttributeValue<'_>>, new: &CustomValue) {
        let from = match old {
            Some(AttributeValue::Property(old)) => PropertyKind::of(old),
            _ => None,
        };
        if let Some(to) = PropertyKind::of(new).filter(|to| from != Some(*to)) {
            let change = (name.to_owned(), from, to);
            if self.kinds.len() < MAX_NAMES || self.kinds.contains_key(&change) {
                *self.kinds.entry(change).or_default() += 1;
            }
        }
    }

    fn add_example(&mut self, lane: &Lane, operation: &Operation, place: RowPlace<'_>) {
        let shown = self.examples.entry(operation.kind()).or_default();
        if *shown >= self.examples_per_kind {
            return;
        }
        *shown += 1;
        self.preview.examples.push(Example {
            op: operation.kind(),
            row: lane.row,
            source: place.source.to_owned(),
            line: place.line,
            key: lane.key.clone(),
            customer_id: lane.customer,
            changes: operation.changes().iter().map(ShownChange::of).collect(),
        });
    }

    /// The counts so far.
    pub fn counts(&self) -> PlanCounts {
        self.preview.counts
    }

    /// The figures that the safety limits check.
    pub fn figures(&self, customers: Option<u64>, finished_runs: u64) -> SafetyFigures {
        SafetyFigures {
            counts: self.preview.counts,
            all_rows: self.preview.rows,
            rows: self.preview.rows - self.rejected_for_content - self.merged - self.left_out,
            matched: self.preview.matched,
            changed: self.changed,
            cleared: self.preview.cleared,
            customers,
            finished_runs,
            missing: None,
        }
    }

    /// Returns the preview, except for the facts that only the caller has: estimate, remote, digest, columns, notes.
    pub fn finish(self, known: &KnownNames) -> Preview {
        let mut preview = self.preview;
        let causes = self.causes.sorted().into_iter();
        preview.rejected_by_cause = causes.map(|group| group.cause).collect();
        if let Some(advice) = self.conflict_advice {
            let causes = preview.rejected_by_cause.iter_mut();
            for cause in causes.filter(|cause| cause.code == "conflict") {
                cause.hint = Some(advice.clone());
            }
        }
        preview.changed_fields = by_count(self.fields);
        preview.kept_edited = by_count(self.edited);
        preview.new_tags = new_names(self.tags, known.tags.iter());
        preview.new_properties = new_names(self.properties, known.properties.keys());
        preview.type_changes = type_changes(self.kinds, known);
        preview.examples.sort_by_key(|example| example.op);
        preview
    }
}

fn turns_false(change: &AttributeChange<'_>) -> bool {
    let is = |value, b| matches!(value, Some(AttributeValue::Field(Value::Bool(v))) if *v == b);
    is(change.old, true) && is(change.new, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomerId, Field, RowKey, RowNumber, Tag};
    use crate::plan::{FieldChange, NewName, Patch, PropertyChange, TypeChange};

    fn place() -> RowPlace<'static> {
        RowPlace {
            row: RowNumber(1),
            source: "a.csv",
            line: 2,
        }
    }

    fn lane(operations: Vec<Operation>) -> Lane {
        Lane {
            row: RowNumber(1),
            key: RowKey::default(),
            customer: Some(CustomerId(1)),
            operations,
        }
    }

    fn change(field: Field, from: Option<Value>, to: Option<Value>) -> Operation {
        Operation::Patch(Patch {
            set: vec![FieldChange { field, from, to }],
            custom_data: vec![],
        })
    }

    #[test]
    fn losses_changes_and_new_names_are_counted_by_customer() {
        let mut previewer = Previewer::new(1);
        let text = |t: &str| Some(Value::Text(t.into()));
        previewer.add_lane(
            &lane(vec![
                change(Field::Phone, text("1"), None),
                Operation::Untag(vec![Tag::named("x")]),
            ]),
            place(),
        );
        previewer.add_lane(
            &lane(vec![change(
                Field::Blocked,
                Some(Value::Bool(true)),
                Some(Value::Bool(false)),
            )]),
            place(),
        );
        previewer.add_lane(
            &lane(vec![Operation::Tag(vec![
                Tag::named("Leads"),
                Tag::named("vip"),
            ])]),
            place(),
        );
        let figures = previewer.figures(None, 0);
        assert_eq!((figures.changed, figures.cleared), (2, 1));
        let known = KnownNames {
            tags: ["Lead".into(), "vip".into()].into(),
            ..KnownNames::default()
        };
        let preview = previewer.finish(&known);
        assert_eq!(preview.turned_false, 1);
        assert_eq!(
            preview.new_tags,
            [NewName {
                name: "Leads".into(),
                customers: 1,
                near: Some("Lead".into())
            }]
        );
        assert_eq!(preview.examples.len(), 3);
        assert_eq!(
            preview.changed_fields,
            [("blocked".to_owned(), 1), ("phone".to_owned(), 1)]
        );
    }

    #[test]
    fn properties_whose_type_would_change_are_listed() {
        let mut previewer = Previewer::new(0);
        let mut patch = |from: Option<CustomValue>, to: CustomValue| {
            let custom_data = vec![PropertyChange {
                name: "vip".into(),
                from,
                to: Some(to),
            }];
            let patch = Patch {
                set: vec![],
                custom_data,
            };
            previewer.add_lane(&lane(vec![Operation::Patch(patch)]), place());
        };
        let text = |text: &str| CustomValue::Text(text.into());
        patch(Some(CustomValue::Bool(true)), text("no"));
        patch(Some(text("no")), text("maybe"));
        patch(None, text("maybe"));
        patch(None, CustomValue::Bool(true));
        let mut known = KnownNames::default();
        let counts = known.properties.entry("vip".into()).or_default();
        counts.add(&CustomValue::<String>::Bool(true));
        let change = TypeChange {
            property: "vip".into(),
            from: PropertyKind::Boolean,
            to: PropertyKind::Text,
            customers: 2,
        };
        assert_eq!(previewer.finish(&known).type_changes, [change]);
    }

    #[test]
    fn rejected_rows_are_grouped_by_cause() {
        let mut previewer = Previewer::new(0);
        for _ in 0..3 {
            let date = Issue::input("bad_date", "not a date").column("Signed up");
            previewer.add_rejected(&[date], place());
        }
        let both = [
            Issue::matching("ambiguous", "two"),
            Issue::input("bad_date", "not a date").column("Signed up"),
        ];
        previewer.add_rejected(&both, place());
        let preview = previewer.finish(&KnownNames::default());
        assert_eq!(
            preview
                .rejected_by_cause
                .iter()
                .map(|c| c.count)
                .collect::<Vec<_>>(),
            [4, 1],
            "a row counts under each of its problems"
        );
        assert_eq!(preview.counts.rejected, 4);
    }
}
