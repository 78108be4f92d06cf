//! Builds the preview while rows are planned, in bounded memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{CustomValue, Issue, IssueKind, KindCounts, PropertyKind, Tag, Value};

use super::causes::Causes;
use super::near::nearest;
use super::safety::SafetyFigures;
use super::{
    Example, Lane, NewName, Operation, OperationKind, PlanCounts, Preview, ShownChange, TypeChange,
};

/// More distinct names than this are counted together: no preview is made for reading more.
const MOST_NAMES: usize = 10_000;
/// Of the new names, the most frequent ones that the others are compared with.
const MOST_COMPARED: usize = 500;

/// Names that the known customers have.
#[derive(Debug, Clone, Default)]
pub struct KnownNames {
    pub tags: BTreeSet<String>,
    /// With what the customers have as their values.
    pub properties: BTreeMap<String, KindCounts>,
}

impl KnownNames {
    /// The kind that a property has among the known customers.
    #[must_use]
    pub fn kind_of(&self, property: &str) -> Option<PropertyKind> {
        self.properties.get(property)?.prevailing()
    }
}

/// Where a row stands, for people.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub row: crate::domain::RowNumber,
    pub source: &'a str,
    pub line: u64,
}

/// A property that a customer gets a value of: what it had, if it had one, and what it gets.
type KindChange = (String, Option<PropertyKind>, PropertyKind);

/// Adds up what is shown of a plan.
#[derive(Debug)]
pub struct Previewer {
    preview: Preview,
    examples_of_each: usize,
    causes: Causes,
    fields: BTreeMap<String, u64>,
    edited: BTreeMap<String, u64>,
    tags: BTreeMap<String, u64>,
    properties: BTreeMap<String, u64>,
    kinds: BTreeMap<KindChange, u64>,
    shown: BTreeMap<OperationKind, usize>,
    changed: u64,
    rejected_for_content: u64,
    merged: u64,
    left_out: u64,
}

impl Previewer {
    #[must_use]
    pub fn new(examples_of_each: usize) -> Self {
        Self {
            preview: Preview::default(),
            examples_of_each,
            causes: match examples_of_each {
                0 => Causes::default(),
                _ => Causes::with_cells(),
            },
            fields: BTreeMap::new(),
            edited: BTreeMap::new(),
            tags: BTreeMap::new(),
            properties: BTreeMap::new(),
            kinds: BTreeMap::new(),
            shown: BTreeMap::new(),
            changed: 0,
            rejected_for_content: 0,
            merged: 0,
            left_out: 0,
        }
    }

    /// A row was read.
    pub fn row(&mut self) {
        self.preview.rows += 1;
    }

    /// A row's customer was found among those that HelpCrunch has.
    pub fn matched(&mut self) {
        self.preview.matched += 1;
    }

    pub fn unchanged(&mut self) {
        self.preview.counts.unchanged += 1;
    }

    pub fn skipped(&mut self) {
        self.preview.counts.skipped += 1;
    }

    /// A row that is merged into another: it is skipped, and for the safety limits no row of its own.
    pub fn merged(&mut self) {
        self.skipped();
        self.merged += 1;
    }

    /// A one-way boolean of a row stays true.
    pub fn kept_true(&mut self, count: u32) {
        self.preview.kept_true += u64::from(count);
    }

    /// Fields and properties of a row are left as somebody edited them.
    pub fn kept_edited(&mut self, names: &[String]) {
        names.iter().for_each(|name| count(&mut self.edited, name));
    }

    /// A row is left out for another of its customer, or since the config or the user says so: it says nothing of
    /// whether keys match.
    pub fn left_out(&mut self) {
        self.left_out += 1;
    }

    /// A row is rejected for these problems; it counts under the cause of each.
    pub fn rejected(&mut self, problems: &[Issue], place: Place<'_>) {
        self.preview.counts.rejected += 1;
        let is_input = |issue: &Issue| issue.kind == IssueKind::Input;
        self.rejected_for_content += u64::from(problems.iter().any(is_input));
        self.causes.add_all(problems, place);
    }

    /// A row that writes.
    pub fn lane(&mut self, lane: &Lane, place: Place<'_>) {
        let mut changed = false;
        let mut loses = false;
        for operation in &lane.operations {
            let counts = &mut self.preview.counts;
            match operation {
                Operation::Create(_) => counts.create += 1,
                Operation::Patch(_) => counts.patch += 1,
                Operation::Tag(_) => counts.tag += 1,
                Operation::Untag(_) => counts.untag += 1,
            }
            changed |= matches!(operation, Operation::Patch(_) | Operation::Untag(_));
            loses |= self.patched(operation);
            self.names(operation);
            self.kinds(operation);
            self.example(lane, operation, place);
        }
        self.changed += u64::from(changed);
        self.preview.cleared += u64::from(loses);
    }

    /// Counts changed fields; tells whether a value is lost.
    fn patched(&mut self, operation: &Operation) -> bool {
        let Operation::Patch(patch) = operation else {
            return false;
        };
        for name in operation.fields() {
            count(&mut self.fields, &name);
        }
        let back = |c: &&super::FieldChange| {
            c.from == Some(Value::Bool(true)) && c.to == Some(Value::Bool(false))
        };
        self.preview.turned_false += patch.set.iter().filter(back).count() as u64;
        let field = patch.set.iter().any(|c| c.from.is_some() && c.to.is_none());
        field
            || patch
                .custom_data
                .iter()
                .any(|c| c.from.is_some() && c.to.is_none())
    }

    fn names(&mut self, operation: &Operation) {
        match operation {
            Operation::Create(create) => {
                create
                    .tags
                    .iter()
                    .for_each(|t| count(&mut self.tags, &t.name));
                create
                    .custom_data
                    .iter()
                    .for_each(|(name, _)| count(&mut self.properties, name));
            }
            Operation::Patch(patch) => {
                let set = patch.custom_data.iter().filter(|c| c.to.is_some());
                set.for_each(|c| count(&mut self.properties, &c.name));
            }
            Operation::Tag(tags) => tags.iter().for_each(|t| count(&mut self.tags, &t.name)),
            Operation::Untag(_) => {}
        }
    }

    fn kinds(&mut self, operation: &Operation) {
        match operation {
            Operation::Create(create) => {
                let given = create.custom_data.iter();
                given.for_each(|(name, to)| self.kind(name, None, to));
            }
            Operation::Patch(patch) => {
                for change in &patch.custom_data {
                    if let Some(to) = &change.to {
                        self.kind(&change.name, change.from.as_ref(), to);
                    }
                }
            }
            Operation::Tag(_) | Operation::Untag(_) => {}
        }
    }

    fn kind(&mut self, name: &str, from: Option<&CustomValue>, to: &CustomValue) {
        let from = from.and_then(PropertyKind::of);
        if let Some(to) = PropertyKind::of(to).filter(|to| from != Some(*to)) {
            let change = (name.to_owned(), from, to);
            if self.kinds.len() < MOST_NAMES || self.kinds.contains_key(&change) {
                *self.kinds.entry(change).or_default() += 1;
            }
        }
    }

    fn example(&mut self, lane: &Lane, operation: &Operation, place: Place<'_>) {
        let shown = self.shown.entry(operation.kind()).or_default();
        if *shown >= self.examples_of_each {
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
            changes: shown_changes(operation),
        });
    }

    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> PlanCounts {
        self.preview.counts
    }

    /// The figures for the safety limits.
    #[must_use]
    pub fn figures(&self, customers: Option<u64>, finished_runs: u64) -> SafetyFigures {
        SafetyFigures {
            counts: self.preview.counts,
            rows: self.preview.rows - self.rejected_for_content - self.merged - self.left_out,
            matched: self.preview.matched,
            changed: self.changed,
            cleared: self.preview.cleared,
            customers,
            finished_runs,
        }
    }

    /// The preview, but for the facts that only the caller has: estimate, remote, digest, columns, notes.
    #[must_use]
    pub fn finish(self, known: &KnownNames) -> Preview {
        let mut preview = self.preview;
        let causes = self.causes.sorted().into_iter();
        preview.rejected_by_cause = causes.map(|group| group.cause).collect();
        preview.changed_fields = most_first(self.fields);
        preview.kept_edited = most_first(self.edited);
        preview.new_tags = new_names(self.tags, &known.tags);
        let properties = known.properties.keys().cloned().collect();
        preview.new_properties = new_names(self.properties, &properties);
        preview.type_changes = type_changes(self.kinds, known);
        preview.examples.sort_by_key(|example| example.op);
        preview
    }
}

/// Customers who get a value of another kind than they have, or, having none, than most others have.
fn type_changes(kinds: BTreeMap<KindChange, u64>, known: &KnownNames) -> Vec<TypeChange> {
    let mut changes: Vec<TypeChange> = Vec::new();
    for ((property, from, to), customers) in kinds {
        let Some(from) = from
            .or_else(|| known.kind_of(&property))
            .filter(|from| *from != to)
        else {
            continue;
        };
        let same = |c: &&mut TypeChange| c.property == property && c.from == from && c.to == to;
        match changes.iter_mut().rev().take(SAME_PROPERTY).find(same) {
            Some(change) => change.customers += customers,
            None => changes.push(TypeChange {
                property,
                from,
                to,
                customers,
            }),
        }
    }
    changes.sort_by_key(|change| std::cmp::Reverse(change.customers));
    changes
}

/// Of one property there are no more changes than this: three kinds, each from another or from none.
const SAME_PROPERTY: usize = 9;

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    if let Some(count) = counts.get_mut(name) {
        *count += 1;
    } else if counts.len() < MOST_NAMES {
        counts.insert(name.to_owned(), 1);
    }
}

/// Names with their counts, the most frequent first.
#[must_use]
pub fn most_first(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

fn new_names(mut counts: BTreeMap<String, u64>, known: &BTreeSet<String>) -> Vec<NewName> {
    counts.retain(|name, _| !known.contains(name));
    let new = most_first(counts);
    // Of two new names that are near each other the rarer one is the likelier error.
    let common = |of: usize| new.iter().take(of.min(MOST_COMPARED)).map(|(n, _)| n);
    let mut names: Vec<_> = new
        .iter()
        .enumerate()
        .map(|(at, (name, customers))| {
            let near = nearest(name, known.iter().map(String::as_str));
            let near = near.or_else(|| nearest(name, common(at).map(String::as_str)));
            NewName {
                near: near.map(Into::into),
                name: name.clone(),
                customers: *customers,
            }
        })
        .collect();
    names.sort_by(|a, b| {
        b.near
            .is_some()
            .cmp(&a.near.is_some())
            .then(b.customers.cmp(&a.customers))
    });
    names
}

/// An operation's changes as old and new texts, for people.
#[must_use]
pub fn shown_changes(operation: &Operation) -> Vec<ShownChange> {
    let shown = |field: String, old, new| ShownChange { field, old, new };
    let tag = |tag: &Tag| Some(tag.name.clone());
    let property = |name: &str| format!("customData.{name}");
    match operation {
        Operation::Create(create) => {
            let fields = create.set.iter();
            let fields = fields.map(|(f, v)| shown(f.name().into(), None, field_text(Some(v))));
            let custom = create.custom_data.iter();
            let custom = custom.map(|(n, v)| shown(property(n), None, property_text(Some(v))));
            let tags = create
                .tags
                .iter()
                .map(|t| shown("tags".into(), None, tag(t)));
            fields.chain(custom).chain(tags).collect()
        }
        Operation::Patch(patch) => {
            let fields = patch.set.iter().map(|c| {
                let (old, new) = (field_text(c.from.as_ref()), field_text(c.to.as_ref()));
                shown(c.field.name().into(), old, new)
            });
            let custom = patch.custom_data.iter().map(|c| {
                let (old, new) = (property_text(c.from.as_ref()), property_text(c.to.as_ref()));
                shown(property(&c.name), old, new)
            });
            fields.chain(custom).collect()
        }
        Operation::Tag(added) => added
            .iter()
            .map(|t| shown("tags".into(), None, tag(t)))
            .collect(),
        Operation::Untag(removed) => removed
            .iter()
            .map(|t| shown("tags".into(), tag(t), None))
            .collect(),
    }
}

fn field_text(value: Option<&Value>) -> Option<String> {
    value.map(|value| match value {
        Value::Date(seconds) => instant_text(*seconds),
        other => other.to_string(),
    })
}

fn property_text(value: Option<&CustomValue>) -> Option<String> {
    value.map(|value| match value {
        CustomValue::Date(seconds) => instant_text(*seconds),
        other => other.to_string(),
    })
}

/// UNIX seconds as people read them; the figure itself where it is no date of this calendar.
fn instant_text(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomerId, Field, RowKey, RowNumber};
    use crate::plan::{FieldChange, Patch, PropertyChange};

    fn place() -> Place<'static> {
        Place {
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
        previewer.lane(
            &lane(vec![
                change(Field::Phone, text("1"), None),
                Operation::Untag(vec![Tag::named("x")]),
            ]),
            place(),
        );
        previewer.lane(
            &lane(vec![change(
                Field::Blocked,
                Some(Value::Bool(true)),
                Some(Value::Bool(false)),
            )]),
            place(),
        );
        previewer.lane(
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
    fn new_names_that_are_near_each_other_are_told() {
        let counts = [("Leads", 2), ("lead", 40), ("trial", 7), ("Lead", 2)];
        let counts = counts.map(|(name, count)| (name.to_owned(), count));
        let names = new_names(counts.into(), &BTreeSet::new());
        let shown: Vec<_> = names
            .iter()
            .map(|new| (new.name.as_str(), new.near.as_deref()))
            .collect();
        let expected = [
            ("Lead", Some("lead")),
            ("Leads", Some("lead")),
            ("lead", None),
            ("trial", None),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn properties_whose_type_would_change_are_told() {
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
            previewer.lane(&lane(vec![Operation::Patch(patch)]), place());
        };
        let text = |text: &str| CustomValue::Text(text.into());
        patch(Some(CustomValue::Bool(true)), text("no"));
        patch(Some(text("no")), text("maybe"));
        patch(None, text("maybe"));
        patch(None, CustomValue::Bool(true));
        let mut known = KnownNames::default();
        let counts = known.properties.entry("vip".into()).or_default();
        counts.add(&CustomValue::Bool(true));
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
            previewer.rejected(&[date], place());
        }
        let both = [
            Issue::matching("ambiguous", "two"),
            Issue::input("bad_date", "not a date").column("Signed up"),
        ];
        previewer.rejected(&both, place());
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
