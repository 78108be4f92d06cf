//! Reads customers again directly before they are written, many in one request, and decides what that means for their
//! lanes.

mod absence;
mod by_id;
mod decision;
mod reads;
mod refreshed;
mod reread;
mod today;

use std::collections::BTreeSet;

use tokio::sync::Mutex;

use crate::domain::{Issue, IssueKind, RemoteCustomer};
use crate::helpcrunch::{CallError, ReadClient};
use crate::journal::{WrittenError, WrittenReader};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::diff::{Diff, DiffBaseline, diff};
use crate::plan::writes::WriteRules;
use crate::plan::{MatchSettings, Operation, Ownership, SyncMode};
use crate::remote::{EmailCase, RemoteError};

use super::in_doubt::{judge, judge_gone};
use super::lane::LaneJob;
use super::memory::Memory;
use absence::Absence;
pub use refreshed::Refreshed;
pub(super) use reread::given_keys;
use reread::{RereadCustomers, ResolvedTarget};
pub use today::{EarlierRow, RowPlan};

/// How lanes treat a customer that changed since the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshMode {
    /// `sync`: the row is replanned from what was read.
    Replan,
    /// `apply`: the lane is sent exactly as planned, or not at all.
    Exact,
}

/// Why lanes could not be read again.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Written(#[from] WrittenError),
}

/// The rules by which lanes are replanned.
#[derive(Debug, Clone, Default)]
pub struct RefreshRules {
    pub matching: MatchSettings,
    pub ownership: Ownership,
    pub mode: SyncMode,
    /// Whether creates are limited: then replanning adds none, since the limit did not count it.
    pub creates_are_limited: bool,
}

/// Reads lanes' customers again.
#[derive(Debug)]
pub struct Refresher {
    pub mode: RefreshMode,
    rules: RefreshRules,
    memory: Memory,
    /// Whether an e-mail address that search does not find belongs to no customer.
    absence: Mutex<Absence>,
}

impl Refresher {
    pub fn new(mode: RefreshMode, rules: RefreshRules, memory: Memory) -> Self {
        Self {
            mode,
            rules,
            memory,
            absence: Mutex::default(),
        }
    }

    /// Adds what is known of e-mail search, so that it need not be tested.
    #[must_use]
    pub fn with_email_case(mut self, case: EmailCase) -> Self {
        if case == EmailCase::Ignored {
            self.absence = Mutex::new(Absence::Reliable);
        }
        self
    }

    /// Reads the customers of these lanes again, in as few requests as possible: by their ids, and by the row's keys if
    /// the row creates its customer or gives it a key, or if the customer no longer has the row's keys.
    ///
    /// # Errors
    /// When a reading got no usable answer; then none of the lanes may be sent.
    pub async fn refresh(
        &self,
        client: &ReadClient,
        writes: &WriteRules,
        mut jobs: Vec<LaneJob>,
    ) -> Result<Vec<Refreshed>, RefreshError> {
        let mut customers = RereadCustomers::default();
        let read_at = self.read_planned(client, &jobs, &mut customers).await?;
        // Operations in doubt are judged only by readings that do not lag.
        let mut by_id = BTreeSet::new();
        let planned = jobs.iter().map(|job| (job, job.lane.customer));
        self.read_by_id(client, writes, planned, &mut customers, &mut by_id)
            .await?;
        for job in &mut jobs {
            match job.lane.customer.and_then(|id| customers.get(id)) {
                Some(customer) => judge(&job.lane, &mut job.progress, customer),
                None => judge_gone(&job.lane, &mut job.progress),
            }
        }
        let is_uncertain = self.uncertain_targets(&jobs, &customers)?;
        self.read_by_keys(client, &jobs, &is_uncertain, &mut customers)
            .await?;
        let targets: Vec<Result<ResolvedTarget, Issue>> = jobs
            .iter()
            .zip(is_uncertain)
            .map(|(job, is_uncertain)| self.resolve(job, is_uncertain, &customers))
            .collect();
        let ids = targets.iter().map(|target| match target {
            Ok(ResolvedTarget::Customer(id)) => Some(*id),
            _ => None,
        });
        self.read_missing(client, ids.clone().flatten(), &mut customers)
            .await?;
        let resolved = jobs.iter().zip(ids);
        self.read_by_id(client, writes, resolved, &mut customers, &mut by_id)
            .await?;
        let written = self.memory.written(&self.rules.ownership)?;
        let refreshed = jobs.into_iter().zip(targets).map(|(mut job, target)| {
            job.freshness.renew(read_at);
            let refreshed = self.decide(job, target, &customers, &written)?;
            Ok::<_, WrittenError>(refreshed.with_doubts())
        });
        Ok(refreshed.collect::<Result<_, _>>()?)
    }

    /// Returns for each lane whether its customer is gone or may no longer be the row's: it does not have the row's key, or
    /// replanning would give it a key that the plan did not. A lane that was sent in part keeps its customer.
    fn uncertain_targets(
        &self,
        jobs: &[LaneJob],
        customers: &RereadCustomers,
    ) -> Result<Vec<bool>, WrittenError> {
        let written = self.memory.written(&self.rules.ownership)?;
        let is_uncertain = |job: &LaneJob| {
            let Some(id) = job.lane.customer else {
                return Ok(false);
            };
            if job.progress.has_applied(false) || deletes(job) || self.is_rowless(job) {
                return Ok(false);
            }
            let Some(customer) = customers.get(id) else {
                return Ok(true);
            };
            if !customers.has_deciding_key(job, &self.rules.matching) {
                return Ok(true);
            }
            let Some(diff) = self.difference(job, customer, &written)? else {
                return Ok(false);
            };
            let given = given_keys(&diff.operations());
            let planned = given_keys(&job.lane.operations);
            Ok((given.user_id.is_some() && planned.user_id.is_none())
                || (given.email.is_some() && planned.email.is_none()))
        };
        jobs.iter().map(is_uncertain).collect()
    }

    /// Returns how the row differs from its customer, or `None` if the lane is sent as planned.
    fn difference(
        &self,
        job: &LaneJob,
        customer: &RemoteCustomer,
        written: &WrittenReader,
    ) -> Result<Option<Diff>, WrittenError> {
        let desired = job.desired.as_ref();
        let Some(desired) = desired.filter(|_| self.mode == RefreshMode::Replan) else {
            return Ok(None);
        };
        let against = DiffBaseline {
            remote: customer,
            written: &written.customer(customer.id)?,
            ownership: &self.rules.ownership,
        };
        let mut diff = diff(desired, against);
        let _warned_in_the_plan = self.memory.drop_overridden(customer.id, &mut diff);
        Ok(Some(diff))
    }

    /// Whether the lane is of a customer that the input no longer holds, which its id alone decides.
    fn is_rowless(&self, job: &LaneJob) -> bool {
        self.mode == RefreshMode::Replan && job.desired.is_none()
    }

    fn resolve(
        &self,
        job: &LaneJob,
        is_uncertain: bool,
        customers: &RereadCustomers,
    ) -> Result<ResolvedTarget, Issue> {
        match job.lane.customer {
            Some(id) if job.progress.has_applied(false) => Ok(ResolvedTarget::Customer(id)),
            _ => customers.resolve(job, is_uncertain, &self.rules.matching),
        }
    }
}

/// Whether the lane deletes its customer, which its id alone decides.
fn deletes(job: &LaneJob) -> bool {
    matches!(job.lane.operations.as_slice(), [Operation::Delete(_)])
}

fn stale(message: &str) -> Issue {
    Issue::new(IssueKind::Stale, "stale", message)
        .hint("nothing was sent for this row; make the plan again")
}

/// Returns the results of a lane that is not sent further: operations that are not done or in doubt are not sent.
pub fn unsent_results(job: &LaneJob) -> Vec<OperationResult> {
    let is_kept =
        |result: &&OperationResult| result.is_done() || result.status == OperationStatus::InDoubt;
    let result = |op: &Operation| match job.progress.result(op.kind()).filter(is_kept) {
        Some(earlier) => earlier.clone(),
        None => OperationResult::planned(op).with_status(OperationStatus::NotSent),
    };
    job.lane.operations.iter().map(result).collect()
}

/// Whether a refresh failed because the run stops.
pub fn is_stop(error: &RefreshError) -> bool {
    matches!(error, RefreshError::Remote(RemoteError::Call(call)) if CallError::stop(call).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        CustomerId, DesiredCustomer, Field, Reported, RowKey, RowNumber, Tag, Value, Wish,
    };
    use crate::plan::{Create, FieldChange, Lane, Patch};
    use std::collections::BTreeMap;

    fn text(t: &str) -> Value {
        Value::Text(t.into())
    }

    fn customer(company: &str, tags: &[&str]) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(1));
        customer.set_field(Field::UserId, Some(text("u1")));
        customer.set_field(Field::Company, Some(text(company)));
        customer.tags = Reported::Value(tags.iter().map(|t| Tag::named(*t)).collect());
        customer.custom_data = Reported::Value(BTreeMap::new());
        customer
    }

    fn job(customer: Option<u64>, operations: Vec<Operation>) -> LaneJob {
        let key = RowKey {
            user_id: Some("u1".into()),
            ..RowKey::default()
        };
        let fields = vec![
            (Field::UserId, Wish::Set(text("u1"))),
            (Field::Company, Wish::Set(text("B"))),
        ];
        let desired = Some(DesiredCustomer {
            key: key.clone(),
            fields,
            ..DesiredCustomer::default()
        });
        let lane = Lane {
            row: RowNumber(1),
            key,
            customer: customer.map(CustomerId),
            operations,
        };
        LaneJob::new(lane, desired)
    }

    fn patch() -> Vec<Operation> {
        let set = vec![FieldChange {
            field: Field::Company,
            from: Some(text("A")),
            to: Some(text("B")),
        }];
        vec![Operation::Patch(Patch {
            set,
            custom_data: vec![],
        })]
    }

    fn decide(mode: RefreshMode, job: LaneJob, customers: &[RemoteCustomer]) -> Refreshed {
        decide_by(mode, RefreshRules::default(), job, customers)
    }

    fn decide_by(
        mode: RefreshMode,
        rules: RefreshRules,
        job: LaneJob,
        customers: &[RemoteCustomer],
    ) -> Refreshed {
        let refresher = Refresher::new(mode, rules, Memory::default());
        let mut reread = RereadCustomers::default();
        reread.add(customers.iter().cloned());
        let jobs = std::slice::from_ref(&job);
        let is_uncertain = refresher.uncertain_targets(jobs, &reread).unwrap();
        let target = refresher.resolve(&job, is_uncertain[0], &reread);
        refresher
            .decide(job, target, &reread, &WrittenReader::empty())
            .unwrap()
    }

    #[test]
    fn apply_sends_exactly_the_plan_or_nothing() {
        let exactly = |job, fresh: &[RemoteCustomer]| decide(RefreshMode::Exact, job, fresh);
        assert!(matches!(
            exactly(job(Some(1), patch()), &[customer("A", &[])]),
            Refreshed::Unchanged(_)
        ));
        assert!(matches!(
            exactly(job(Some(1), patch()), &[customer("C", &[])]),
            Refreshed::Failed(..)
        ));
        assert!(matches!(
            exactly(job(Some(1), patch()), &[]),
            Refreshed::Failed(..)
        ));
        let create = || vec![Operation::Create(Create::default())];
        assert!(matches!(
            exactly(job(None, create()), &[]),
            Refreshed::Unchanged(_)
        ));
        assert!(matches!(
            exactly(job(None, create()), &[customer("A", &[])]),
            Refreshed::Failed(..)
        ));
        let tag = || vec![Operation::Tag(vec![Tag::named("vip")])];
        assert!(matches!(
            exactly(job(Some(1), tag()), &[customer("A", &["vip"])]),
            Refreshed::Failed(..)
        ));
    }

    #[test]
    fn sync_replans_from_what_was_read() {
        let replanned =
            |job, fresh: &[RemoteCustomer]| match decide(RefreshMode::Replan, job, fresh) {
                Refreshed::Replanned(job) => job.lane,
                other => panic!("{other:?}"),
            };
        let created_meanwhile = replanned(
            job(None, vec![Operation::Create(Create::default())]),
            &[customer("A", &[])],
        );
        assert_eq!(
            (created_meanwhile.customer, created_meanwhile.operations),
            (Some(CustomerId(1)), patch())
        );
        assert_eq!(
            replanned(job(Some(1), patch()), &[customer("B", &[])]).operations,
            []
        );
    }

    /// Somebody else, with these keys.
    fn other(user_id: &str) -> RemoteCustomer {
        let mut other = customer("A", &[]);
        other.id = CustomerId(2);
        other.set_field(Field::UserId, Some(text(user_id)));
        other
    }

    fn with_user_id(user_id: Option<&str>) -> RemoteCustomer {
        let mut customer = customer("A", &[]);
        customer.set_field(Field::UserId, user_id.map(text));
        customer
    }

    #[test]
    fn a_key_that_moved_takes_the_row_along() {
        let fresh = [with_user_id(Some("u7")), other("u1")];
        match decide(RefreshMode::Replan, job(Some(1), patch()), &fresh) {
            Refreshed::Replanned(job) | Refreshed::Unchanged(job) => {
                assert_eq!(job.lane.customer, Some(CustomerId(2)));
                assert_eq!(job.lane.operations, patch());
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            decide(RefreshMode::Exact, job(Some(1), patch()), &fresh),
            Refreshed::Failed(..)
        ));
    }

    #[test]
    fn a_row_whose_customer_is_gone_or_has_another_key_is_as_new() {
        for fresh in [vec![], vec![with_user_id(Some("u7"))]] {
            let refreshed = decide(RefreshMode::Replan, job(Some(1), patch()), &fresh);
            let Refreshed::Replanned(job) = refreshed else {
                panic!("{refreshed:?}")
            };
            assert_eq!(job.lane.customer, None);
            assert!(matches!(
                job.lane.operations.as_slice(),
                [Operation::Create(_)]
            ));
        }
    }

    #[test]
    fn the_mode_decides_about_rows_whose_customer_came_or_went() {
        let by = |mode, job, fresh: &[RemoteCustomer]| {
            let rules = RefreshRules {
                mode,
                ..RefreshRules::default()
            };
            decide_by(RefreshMode::Replan, rules, job, fresh)
        };
        let create = || job(None, vec![Operation::Create(Create::default())]);
        let came = by(SyncMode::Create, create(), &[customer("A", &[])]);
        assert!(matches!(came, Refreshed::Skipped(_)));
        let went = by(SyncMode::Update, job(Some(1), patch()), &[]);
        assert!(matches!(went, Refreshed::Skipped(_)));
    }

    #[test]
    fn a_key_that_the_row_gives_is_its_own_unless_somebody_else_has_it_by_now() {
        let give = || {
            vec![Operation::Patch(Patch {
                set: vec![FieldChange {
                    field: Field::UserId,
                    from: None,
                    to: Some(text("u1")),
                }],
                custom_data: vec![],
            })]
        };
        let keyless = || with_user_id(None);
        let alone = decide(RefreshMode::Replan, job(Some(1), give()), &[keyless()]);
        assert!(
            matches!(&alone, Refreshed::Replanned(job) if job.lane.customer == Some(CustomerId(1))),
            "{alone:?}"
        );
        let claimed = [keyless(), other("u1")];
        assert!(matches!(
            decide(RefreshMode::Replan, job(Some(1), give()), &claimed),
            Refreshed::Failed(..)
        ));
    }
}
