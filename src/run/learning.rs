//! What a run wrote, taken over into what is remembered of its customers. Derived from its plan and its journal alone,
//! so that it can be done again after a crash, and by another process.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::domain::{CustomerId, RunId};
use crate::journal::{
    FinishedRows, Recovered, RecoveryError, RowState, RunDir, WrittenError, WrittenUpdate,
    WrittenUpdates, recover_file, update_written,
};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::codec::{LaneReader, PlanFileError, lane_from_json, replan};
use crate::plan::{Create, Lane, Operation, Patch, Salt};
use crate::platform::{FileError, open_file};

use super::lane::NOT_KEPT;

/// Why it cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum LearningError {
    #[error(transparent)]
    Written(#[from] WrittenError),
    #[error(transparent)]
    Journal(#[from] RecoveryError),
    #[error("the run's plan cannot be read")]
    Plan(#[from] PlanFileError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the journal's record of row {row} cannot be read: {reason}")]
    Record { row: u64, reason: String },
}

/// Takes over what a run wrote since it was taken over last: operations that the API's answers confirmed, and nothing
/// of what it does not know. A run that is `over` does not come again. `salt` is for a file that is new.
///
/// # Errors
/// See [`LearningError`]. Nothing was taken over then.
pub fn learn(
    run: &RunDir,
    id: &RunId,
    over: bool,
    file: &Path,
    salt: Salt,
) -> Result<(), LearningError> {
    match learn_once(run, id, over, file, salt) {
        // It was set aside: a new file takes the run in from its beginning.
        Err(LearningError::Written(WrittenError::Damaged { .. })) => {
            learn_once(run, id, over, file, salt)
        }
        learned => learned,
    }
}

/// The same for many runs that are over: all of them, or none.
///
/// # Errors
/// Where one of them cannot be taken over.
pub fn learn_all(runs: &[(&RunDir, &RunId)], file: &Path, salt: Salt) -> Result<(), LearningError> {
    let sent_any = runs.iter().any(|(run, _)| run.journal().exists());
    if !sent_any {
        return Ok(());
    }
    update_written(file, salt, |updates| {
        let mut runs = runs.iter();
        runs.try_for_each(|(run, id)| learn_run(run, id, true, updates))
    })
}

fn learn_once(
    run: &RunDir,
    id: &RunId,
    over: bool,
    file: &Path,
    salt: Salt,
) -> Result<(), LearningError> {
    if !run.journal().exists() {
        return Ok(());
    }
    update_written(file, salt, |updates| learn_run(run, id, over, updates))
}

fn learn_run(
    run: &RunDir,
    id: &RunId,
    over: bool,
    updates: &WrittenUpdates<'_>,
) -> Result<(), LearningError> {
    let Some((recovered, mut lanes)) = sent(run)? else {
        return Ok(());
    };
    let mut finished = FinishedRows::open(&run.journal(), &recovered)?;
    updates.run(id, over, |update| {
        lanes.try_for_each(|lane| learn_lane(lane?.lane, &recovered, &mut finished, update))?;
        Ok(recovered.valid_len)
    })
}

/// A run's journal, and the lanes of its plan; nothing where nothing was sent.
pub(super) fn sent(run: &RunDir) -> Result<Option<(Recovered, PlanLanes)>, LearningError> {
    if !run.journal().exists() {
        return Ok(None);
    }
    let recovered = match recover_file(&run.journal()) {
        Err(RecoveryError::Empty { .. }) => return Ok(None),
        recovered => recovered?,
    };
    let plan = open_file(&run.plan())?;
    let lanes = LaneReader::new(BufReader::with_capacity(1 << 18, plan))?;
    Ok(Some((recovered, lanes)))
}

type PlanLanes = LaneReader<BufReader<File>>;

fn learn_lane(
    lane: Lane,
    recovered: &Recovered,
    finished: &mut FinishedRows<'_, File>,
    update: &mut WrittenUpdate<'_>,
) -> Result<(), LearningError> {
    let row = lane.row;
    let is_finished = matches!(recovered.row(row), RowState::Finished);
    if is_finished && !recovered.was_finished_since(row, update.since) {
        return Ok(());
    }
    let Some(history) = History::of(lane, recovered, finished)? else {
        return Ok(());
    };
    if let Some(customer) = history.customer {
        let (operations, results) = (history.lane.operations, history.results);
        let kept = if history.not_kept {
            finished.kept(row)?
        } else {
            None
        };
        let confirmed = match kept {
            Some(payload) => {
                let bad = |reason| LearningError::Record { row: row.0, reason };
                kept_otherwise(
                    operations,
                    &results,
                    lane_from_json(&payload).map_err(bad)?.1,
                )
            }
            None => confirmed(operations, &results),
        };
        update.learn(customer, &confirmed)?;
    }
    Ok(())
}

/// A lane as it was sent at last, and what the journal says came of it.
#[derive(Debug)]
pub(super) struct History {
    pub(super) lane: Lane,
    /// Nothing where no customer was made.
    pub(super) customer: Option<CustomerId>,
    pub(super) results: Vec<OperationResult>,
    /// HelpCrunch kept other values than it was sent.
    not_kept: bool,
}

impl History {
    /// Nothing where the lane was not begun. Lanes have to come in the order of the plan.
    pub(super) fn of(
        mut lane: Lane,
        recovered: &Recovered,
        finished: &mut FinishedRows<'_, File>,
    ) -> Result<Option<Self>, LearningError> {
        let row = lane.row;
        let (customer, results, replanned, not_kept) = match recovered.row(row) {
            RowState::Untouched => return Ok(None),
            RowState::Unfinished(progress) => {
                let results = progress.operations.clone();
                let replanned = progress.replanned.clone();
                (progress.customer_id, results, replanned, false)
            }
            RowState::Finished => {
                let Some(end) = finished.get(row)? else {
                    return Ok(None);
                };
                let not_kept = end.error.is_some_and(|error| error.code == NOT_KEPT);
                let replanned = finished.replanned(row)?;
                (end.customer_id, end.operations, replanned, not_kept)
            }
        };
        if let Some(payload) = replanned {
            let bad = |reason| LearningError::Record { row: row.0, reason };
            replan(&mut lane, &payload).map_err(bad)?;
        }
        Ok(Some(Self {
            customer: customer.or(lane.customer),
            lane,
            results,
            not_kept,
        }))
    }
}

/// The operations that took, without what further operations were to mend in them and did not, or were not sent for.
fn confirmed(operations: Vec<Operation>, results: &[OperationResult]) -> Vec<Operation> {
    let done = |operation: &Operation| {
        let of_kind = |r: &&OperationResult| r.op == operation.kind();
        results
            .iter()
            .find(of_kind)
            .is_some_and(|r| r.status == OperationStatus::Done)
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
        .map(|operation| without(operation, &fields, &tags))
        .collect()
}

/// The same where HelpCrunch answered well and kept other values than it was sent: these are what was written, and the
/// rest of the write took.
fn kept_otherwise(
    operations: Vec<Operation>,
    results: &[OperationResult],
    kept: Vec<Operation>,
) -> Vec<Operation> {
    let (mut written, mut names) = (Vec::new(), BTreeSet::new());
    for operation in kept {
        names.extend(operation.fields());
        if let Operation::Patch(mut patch) = operation {
            // What was lost beside the write and written back is not the row's.
            let ours = |name: &str| operations.iter().any(|op| speaks_of(op, name));
            patch.set.retain(|change| ours(change.field.name()));
            patch
                .custom_data
                .retain(|change| ours(&format!("customData.{}", change.name)));
            let set = patch.set.iter_mut();
            set.for_each(|change| change.to = change.from.take());
            let custom_data = patch.custom_data.iter_mut();
            custom_data.for_each(|change| change.to = change.from.take());
            written.push(Operation::Patch(patch));
        }
    }
    let fields: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    // The write itself counts as failed for these values alone.
    let results: Vec<OperationResult> = results
        .iter()
        .map(|result| match result.status {
            OperationStatus::Failed if !result.fields.is_empty() => OperationResult {
                status: OperationStatus::Done,
                ..result.clone()
            },
            _ => result.clone(),
        })
        .collect();
    let took = confirmed(operations, &results).into_iter();
    took.map(|operation| without(operation, &fields, &BTreeSet::new()))
        .chain(written)
        .collect()
}

fn speaks_of(operation: &Operation, name: &str) -> bool {
    let cleared = |create: &Create| create.clear.iter().any(|field| field.name() == name);
    operation.fields().iter().any(|field| field == name)
        || matches!(operation, Operation::Create(create) if cleared(create))
}

fn without(operation: Operation, fields: &BTreeSet<&str>, tags: &BTreeSet<&str>) -> Operation {
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
        tagging @ (Operation::Tag(_) | Operation::Untag(_)) => tagging,
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
        let mend = Operation::Patch(Patch {
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
            result(&mend, OperationStatus::Failed),
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
