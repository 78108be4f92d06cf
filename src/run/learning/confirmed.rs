//! What of a lane's operations the API's answers confirmed.

use std::collections::BTreeSet;

use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::{Create, Operation, Patch};

/// Returns the operations that took effect, without the parts that their repairs did not bring about.
pub(super) fn confirmed(operations: Vec<Operation>, results: &[OperationResult]) -> Vec<Operation> {
    with_result(operations, results, OperationResult::is_done)
}

/// Like [`confirmed`], with the operations that are in doubt. Values that HelpCrunch stored differently, as `kept` says,
/// count as written.
pub(super) fn possibly_written(
    operations: Vec<Operation>,
    results: &[OperationResult],
    kept: &[Operation],
) -> Vec<Operation> {
    let accepted = accepted(results);
    let results = if kept.is_empty() { results } else { &accepted };
    let mut written = with_result(operations, results, |result| {
        result.is_done() || result.status == OperationStatus::InDoubt
    });
    let kept = kept.iter().filter_map(|operation| match operation {
        Operation::Patch(patch) => Some(patch),
        _ => None,
    });
    for stored in kept {
        for operation in &mut written {
            if let Operation::Patch(patch) = operation {
                replace_stored(patch, stored);
            }
        }
    }
    written
}

fn replace_stored(patch: &mut Patch, stored: &Patch) {
    for change in &mut patch.set {
        if let Some(stored) = stored.set.iter().find(|s| s.field == change.field) {
            change.to.clone_from(&stored.from);
        }
    }
    for change in &mut patch.custom_data {
        if let Some(stored) = stored.custom_data.iter().find(|s| s.name == change.name) {
            change.to.clone_from(&stored.from);
        }
    }
}

fn with_result(
    operations: Vec<Operation>,
    results: &[OperationResult],
    is_wanted: impl Fn(&OperationResult) -> bool,
) -> Vec<Operation> {
    let done = |operation: &Operation| {
        let of_kind = |r: &&OperationResult| r.op == operation.kind();
        results.iter().find(of_kind).is_some_and(&is_wanted)
    };
    let failed = || {
        results
            .iter()
            .filter(|r| matches!(r.status, OperationStatus::Failed | OperationStatus::NotSent))
    };
    let fields: BTreeSet<&str> = failed()
        .flat_map(|r| r.fields.iter())
        .map(|n| &**n)
        .collect();
    let tags: BTreeSet<&str> = failed().flat_map(|r| r.tags.iter()).map(|n| &**n).collect();
    operations
        .into_iter()
        .filter(done)
        .map(|operation| without_names(operation, &fields, &tags))
        .collect()
}

/// Returns the operations that took effect where HelpCrunch kept other values than were sent: the kept values count as
/// written, and the rest of the write took effect.
pub(super) fn confirmed_with_kept(
    operations: Vec<Operation>,
    results: &[OperationResult],
    kept: Vec<Operation>,
) -> Vec<Operation> {
    let (mut written, mut names) = (Vec::new(), BTreeSet::new());
    for operation in kept {
        names.extend(operation.fields());
        if let Operation::Patch(mut patch) = operation {
            // What the write removed and was written back is not the row's.
            let is_of_row = |name: &str| operations.iter().any(|op| names_field(op, name));
            patch.set.retain(|change| is_of_row(change.field.name()));
            patch
                .custom_data
                .retain(|change| is_of_row(&format!("customData.{}", change.name)));
            let set = patch.set.iter_mut();
            set.for_each(|change| change.to = change.from.take());
            let custom_data = patch.custom_data.iter_mut();
            custom_data.for_each(|change| change.to = change.from.take());
            written.push(Operation::Patch(patch));
        }
    }
    let fields: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let results = accepted(results);
    let confirmed = confirmed(operations, &results).into_iter();
    confirmed
        .map(|operation| without_names(operation, &fields, &BTreeSet::new()))
        .chain(written)
        .collect()
}

/// The results of a write that the journal records as failed only because HelpCrunch stored other values.
fn accepted(results: &[OperationResult]) -> Vec<OperationResult> {
    let results = results.iter().map(|result| match result.status {
        OperationStatus::Failed if !result.fields.is_empty() => {
            result.clone().with_status(OperationStatus::Done)
        }
        _ => result.clone(),
    });
    results.collect()
}

fn names_field(operation: &Operation, name: &str) -> bool {
    let cleared = |create: &Create| create.clear.iter().any(|field| field.name() == name);
    operation.fields().iter().any(|field| field == name)
        || matches!(operation, Operation::Create(create) if cleared(create))
}

fn without_names(
    operation: Operation,
    fields: &BTreeSet<&str>,
    tags: &BTreeSet<&str>,
) -> Operation {
    let property = |name: &str| fields.contains(format!("customData.{name}").as_str());
    match operation {
        Operation::Create(mut create) => {
            let Create {
                set,
                clear,
                custom_data,
                tags: added,
            } = &mut create;
            set.retain(|(field, _)| !fields.contains(field.name()));
            clear.retain(|field| !fields.contains(field.name()));
            custom_data.retain(|(name, _)| !property(name));
            added.retain(|tag| !tags.contains(tag.name.as_str()));
            Operation::Create(create)
        }
        Operation::Patch(Patch {
            mut set,
            mut custom_data,
        }) => {
            set.retain(|change| !fields.contains(change.field.name()));
            custom_data.retain(|change| !property(&change.name));
            Operation::Patch(Patch { set, custom_data })
        }
        whole @ (Operation::Tag(_) | Operation::Untag(_) | Operation::Delete(_)) => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomValue, Field, Tag, Value};

    fn create() -> Operation {
        Operation::Create(Create {
            set: vec![
                (Field::Name, Value::Text("Ann".into())),
                (Field::Phone, Value::Text("1".into())),
            ],
            clear: vec![Field::FirstSeen],
            custom_data: vec![("plan".into(), CustomValue::Text("pro".into()))],
            tags: vec![Tag::named("a"), Tag::named("b")],
        })
    }

    fn result(operation: &Operation, status: OperationStatus) -> OperationResult {
        OperationResult {
            status,
            ..OperationResult::planned(operation)
        }
    }

    #[test]
    fn only_what_was_confirmed_is_learned() {
        use OperationStatus::{Done, Failed, InDoubt, NotSent};
        let untag = Operation::Untag(vec![Tag::named("old")]);
        let operations = || vec![create(), untag.clone()];
        let all = [result(&create(), Done), result(&untag, Done)];
        assert_eq!(confirmed(operations(), &all), operations());
        for status in [Failed, InDoubt, NotSent] {
            let some = [result(&create(), Done), result(&untag, status)];
            assert_eq!(confirmed(operations(), &some), [create()], "{status:?}");
        }
        assert_eq!(confirmed(operations(), &[]), []);
    }

    #[test]
    fn what_a_create_lacks_after_it_was_mended_is_not_learned() {
        let repair = Operation::Patch(Patch {
            set: vec![crate::plan::FieldChange {
                field: Field::Phone,
                from: None,
                to: Some(Value::Text("1".into())),
            }],
            custom_data: vec![],
        });
        let tag = Operation::Tag(vec![Tag::named("b")]);
        let results = [
            result(&create(), OperationStatus::Done),
            result(&repair, OperationStatus::Failed),
            result(&tag, OperationStatus::Failed),
        ];
        let learned = confirmed(vec![create()], &results);
        let [Operation::Create(learned)] = learned.as_slice() else {
            panic!("{learned:?}");
        };
        assert_eq!(
            learned.set.iter().map(|s| s.0).collect::<Vec<_>>(),
            [Field::Name]
        );
        assert_eq!(learned.tags, [Tag::named("a")]);
        assert_eq!((learned.clear.len(), learned.custom_data.len()), (1, 1));
    }
}
