//! Reads customers again directly before they are written, many in one request, and decides what that means for
//! their lanes.

mod absence;
mod by_id;
mod found;

use std::collections::BTreeSet;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::domain::{CustomerId, Issue, IssueKind, RemoteCustomer, RowKey};
use crate::helpcrunch::{CallError, ReadClient};
use crate::journal::{WrittenError, WrittenReader};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::diff::{Against, Diff, create, diff, field_holds, property_holds};
use crate::plan::writes::WriteRules;
use crate::plan::{MatchSettings, Operation, Ownership, SyncMode};
use crate::remote::{EmailCase, RemoteError, WantedKeys, find_all};

use super::in_doubt::{has_doubts, judge};
use super::lane::LaneJob;
use super::memory::Memory;
use super::recent::ask_for;
use absence::Absence;
pub(super) use found::given_keys;
use found::{Fresh, Meant};

/// How lanes treat a customer that changed since the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// `sync`: the row is planned anew from what was read.
    PlanAnew,
    /// `apply`: the lane is sent exactly as planned, or not at all.
    Exactly,
}

/// What a fresh reading makes of a lane.
#[derive(Debug)]
pub enum Refreshed {
    /// Goes on as it was planned.
    Same(LaneJob),
    /// Goes on with other operations.
    Anew(LaneJob),
    /// Nothing is sent: the row is left out, as the mode says.
    Skipped(LaneJob),
    /// Nothing is sent: the row fails with this.
    Failed(LaneJob, Issue),
}

impl Refreshed {
    /// What was sent for a row that fails is not denied: it may have been applied and changed since.
    fn with_doubts(self) -> Self {
        match self {
            Self::Failed(job, issue) if has_doubts(&job.lane, &job.progress) => {
                let message = format!(
                    "{}; what was sent before may have been applied",
                    issue.message
                );
                let hint = "look at the customer in HelpCrunch, and make the plan again";
                Self::Failed(job, Issue { message, ..issue }.hint(hint))
            }
            other => other,
        }
    }
}

/// Why lanes could not be read again.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Written(#[from] WrittenError),
}

/// The rules under which lanes are planned anew.
#[derive(Debug, Clone, Default)]
pub struct RefreshRules {
    pub matching: MatchSettings,
    pub ownership: Ownership,
    pub mode: SyncMode,
    /// Whether creates are limited: then none is made that the limit did not count.
    pub creates_are_limited: bool,
}

/// Reads lanes' customers again.
#[derive(Debug)]
pub struct Refresher {
    pub freshness: Freshness,
    rules: RefreshRules,
    memory: Memory,
    /// Whether not finding an e-mail address by search means that nobody has it.
    absence: Mutex<Absence>,
}

impl Refresher {
    #[must_use]
    pub fn new(freshness: Freshness, rules: RefreshRules, memory: Memory) -> Self {
        Self {
            freshness,
            rules,
            memory,
            absence: Mutex::default(),
        }
    }

    /// Takes over what is known of e-mail search, so that it need not be tested.
    #[must_use]
    pub fn with_email_case(mut self, case: EmailCase) -> Self {
        if case == EmailCase::Ignored {
            self.absence = Mutex::new(Absence::Counts);
        }
        self
    }

    /// Reads the customers of these lanes again, in as few requests as can be: by their ids, and by the row's keys
    /// where the row creates its customer or gives it a key, or the customer is not known by them any more.
    ///
    /// # Errors
    /// When a reading got no usable answer; none of the lanes may be sent then.
    pub async fn refresh(
        &self,
        client: &ReadClient,
        writes: &WriteRules,
        mut jobs: Vec<LaneJob>,
    ) -> Result<Vec<Refreshed>, RefreshError> {
        let asked = Instant::now();
        let (mut wanted, mut keys) = (WantedKeys::default(), WantedKeys::default());
        for job in &jobs {
            match job.lane.customer {
                Some(id) => wanted.add(&by_id_alone(id)),
                None => wanted.add(&job.lane.key),
            }
            wanted.add(&given_keys(&job.lane.operations));
        }
        let mut fresh = Fresh::default();
        read(client, &wanted, &mut fresh).await?;
        let read_at = client.gate().calm_since(asked);
        self.complete(
            client,
            jobs.iter().filter_map(|j| j.lane.customer),
            &mut fresh,
        )
        .await?;
        // Also what became of writes in doubt is judged by what is not behind.
        let mut by_id = BTreeSet::new();
        let known = jobs.iter().map(|job| (job, job.lane.customer));
        self.read_by_id(client, writes, known, &mut fresh, &mut by_id)
            .await?;
        for job in &mut jobs {
            if let Some(customer) = job.lane.customer.and_then(|id| fresh.get(id)) {
                judge(&job.lane, &mut job.progress, customer);
            }
        }
        let is_lost = self.lost(&jobs, &fresh)?;
        let lost = jobs.iter().zip(&is_lost).filter(|(_, is_lost)| **is_lost);
        let mut lost: Vec<&LaneJob> = lost.map(|(job, _)| job).collect();
        lost.iter().for_each(|job| keys.add(&job.lane.key));
        read(client, &keys, &mut fresh).await?;
        self.ask_for_recent(client, &jobs, &mut fresh).await?;
        lost.extend(jobs.iter().filter(|job| job.lane.customer.is_none()));
        self.make_sure(client, &lost, &mut fresh).await?;
        let meant = jobs
            .iter()
            .zip(is_lost)
            .map(|(job, is_lost)| self.meant(job, is_lost, &fresh))
            .collect::<Vec<_>>();
        let found = meant.iter().filter_map(|meant| match meant {
            Ok(Meant::Customer(id)) => Some(*id),
            _ => None,
        });
        self.complete(client, found, &mut fresh).await?;
        let found = jobs.iter().zip(&meant).map(|(job, meant)| match meant {
            Ok(Meant::Customer(id)) => (job, Some(*id)),
            _ => (job, None),
        });
        self.read_by_id(client, writes, found, &mut fresh, &mut by_id)
            .await?;
        let written = self.memory.written(&self.rules.ownership)?;
        jobs.iter_mut().for_each(|job| job.standing.renew(read_at));
        let judged = jobs.into_iter().zip(meant);
        let judged = judged.map(|(job, meant)| {
            let judged = self.judge(job, meant, &fresh, &written)?;
            Ok::<_, WrittenError>(judged.with_doubts())
        });
        Ok(judged.collect::<Result<_, _>>()?)
    }

    /// Of each lane whether its customer is gone, or is not certain to be meant any more: it is not known by the row's
    /// key, or it would get a key that the plan did not give it. What took a part of its operations already is not
    /// asked again who it is.
    fn lost(&self, jobs: &[LaneJob], fresh: &Fresh) -> Result<Vec<bool>, WrittenError> {
        let written = self.memory.written(&self.rules.ownership)?;
        let is_lost = |job: &LaneJob| {
            let Some(id) = job.lane.customer else {
                return Ok(false);
            };
            if job.progress.has_applied(false) {
                return Ok(false);
            }
            let Some(customer) = fresh.get(id) else {
                return Ok(true);
            };
            if !fresh.is_known_by_its_key(job, &self.rules.matching) {
                return Ok(true);
            }
            let Some(diff) = self.difference(job, customer, &written)? else {
                return Ok(false);
            };
            let (given, planned) = (
                given_keys(&diff.operations()),
                given_keys(&job.lane.operations),
            );
            Ok((given.user_id.is_some() && planned.user_id.is_none())
                || (given.email.is_some() && planned.email.is_none()))
        };
        jobs.iter().map(is_lost).collect()
    }

    /// What the row wants otherwise than the customer is; nothing where it is sent as planned.
    fn difference(
        &self,
        job: &LaneJob,
        customer: &RemoteCustomer,
        written: &WrittenReader,
    ) -> Result<Option<Diff>, WrittenError> {
        let desired = job.desired.as_ref();
        let Some(desired) = desired.filter(|_| self.freshness == Freshness::PlanAnew) else {
            return Ok(None);
        };
        let against = Against {
            remote: customer,
            written: &written.customer(customer.id)?,
            ownership: &self.rules.ownership,
        };
        let mut diff = diff(desired, against);
        let _warned_in_the_plan = self.memory.drop_rewritten(customer.id, &mut diff);
        Ok(Some(diff))
    }

    /// "Not found" by e-mail search counts only where search is known to ignore case (contract): else all customers
    /// are listed, and those of the rows' addresses are added to what was found.
    async fn make_sure(
        &self,
        client: &ReadClient,
        jobs: &[&LaneJob],
        fresh: &mut Fresh,
    ) -> Result<(), RemoteError> {
        let emails = jobs.iter().filter_map(|job| job.lane.key.email.as_deref());
        let unseen: Vec<&str> = emails
            .filter(|email| fresh.of_email(email).next().is_none())
            .collect();
        if !unseen.is_empty() {
            let found = self.absence.lock().await.find(client, &unseen).await?;
            fresh.add(found);
        }
        Ok(())
    }

    /// Whoever got one of the rows' keys a short while ago may not be found by search yet.
    async fn ask_for_recent(
        &self,
        client: &ReadClient,
        jobs: &[LaneJob],
        fresh: &mut Fresh,
    ) -> Result<(), RemoteError> {
        let recent = self.memory.recent();
        let keys = jobs.iter().flat_map(|job| {
            let given = given_keys(&job.lane.operations);
            recent
                .of(&job.lane.key)
                .chain(recent.of(&given))
                .collect::<Vec<_>>()
        });
        let ids: BTreeSet<CustomerId> = keys.filter(|id| fresh.get(*id).is_none()).collect();
        self.complete(client, ids.into_iter(), fresh).await
    }

    /// A customer that a search does not find, or of whom it does not tell all, is asked for by its id.
    async fn complete(
        &self,
        client: &ReadClient,
        ids: impl Iterator<Item = CustomerId>,
        fresh: &mut Fresh,
    ) -> Result<(), RemoteError> {
        for id in ids {
            if fresh.get(id).is_some_and(RemoteCustomer::is_whole) {
                continue;
            }
            fresh.add(ask_for(client, id).await?);
        }
        Ok(())
    }

    fn meant(&self, job: &LaneJob, is_lost: bool, fresh: &Fresh) -> Result<Meant, Issue> {
        match job.lane.customer {
            Some(id) if job.progress.has_applied(false) => Ok(Meant::Customer(id)),
            _ => fresh.meant(job, is_lost, &self.rules.matching),
        }
    }

    fn judge(
        &self,
        job: LaneJob,
        meant: Result<Meant, Issue>,
        fresh: &Fresh,
        written: &WrittenReader,
    ) -> Result<Refreshed, WrittenError> {
        let is_exact = self.freshness == Freshness::Exactly;
        let found = match meant {
            Ok(Meant::Customer(id)) => Some(fresh.get(id)),
            Ok(Meant::Nobody) => None,
            Err(issue) if is_exact => return Ok(Refreshed::Failed(job, stale(&issue.message))),
            Err(issue) => return Ok(Refreshed::Failed(job, issue)),
        };
        Ok(match (job.lane.customer, found) {
            (None, None) => Refreshed::Same(job),
            (Some(_), None) if is_exact => {
                let is_there = job.lane.customer.is_some_and(|id| fresh.get(id).is_some());
                let message = match is_there {
                    true => "its customer does not have its key any more",
                    false => "its customer is gone",
                };
                Refreshed::Failed(job, stale(message))
            }
            (Some(_), None) => self.nobody(job),
            (_, Some(None)) => Refreshed::Failed(job, stale("its customer is gone")),
            (None, Some(Some(_))) if is_exact => {
                Refreshed::Failed(job, stale("a customer with its key exists now"))
            }
            (None, Some(Some(_))) if self.rules.mode == SyncMode::Create => Refreshed::Skipped(job),
            (Some(id), Some(Some(customer))) if is_exact && id != customer.id => {
                Refreshed::Failed(job, stale("another customer has its key now"))
            }
            (_, Some(Some(customer))) => self.existing(job, customer, written)?,
        })
    }

    /// The customer of the row is gone, or has other keys by now, and nobody else has the row's.
    fn nobody(&self, mut job: LaneJob) -> Refreshed {
        if self.rules.mode == SyncMode::Update {
            return Refreshed::Skipped(job);
        }
        let Some(desired) = job
            .desired
            .as_ref()
            .filter(|_| !self.rules.creates_are_limited)
        else {
            return Refreshed::Failed(job, stale("its customer is gone, or has another key"));
        };
        let create = create(desired, &self.rules.ownership);
        job.lane.operations = vec![Operation::Create(create)];
        job.lane.customer = None;
        job.before = None;
        Refreshed::Anew(job)
    }

    fn existing(
        &self,
        mut job: LaneJob,
        customer: &RemoteCustomer,
        written: &WrittenReader,
    ) -> Result<Refreshed, WrittenError> {
        job.before = Some(customer.clone());
        let creates = job.lane.customer.is_none();
        if !creates && job.progress.has_applied(creates) {
            return Ok(Refreshed::Same(job));
        }
        job.lane.customer = Some(customer.id);
        if self.freshness == Freshness::Exactly {
            return Ok(match changed(&job.lane.operations, customer) {
                None => Refreshed::Same(job),
                Some(what) => Refreshed::Failed(
                    job,
                    stale(&format!("{what} changed since the plan was made")),
                ),
            });
        }
        let Some(diff) = self.difference(&job, customer, written)? else {
            return Ok(Refreshed::Same(job));
        };
        if diff.unknown {
            let issue = Issue::new(
                IssueKind::Api,
                "untold",
                "HelpCrunch does not say which tags or custom data this customer has",
            );
            return Ok(Refreshed::Failed(job, issue));
        }
        let operations = diff.operations();
        if operations == job.lane.operations {
            return Ok(Refreshed::Same(job));
        }
        job.lane.operations = operations;
        Ok(Refreshed::Anew(job))
    }
}

fn by_id_alone(id: CustomerId) -> RowKey {
    RowKey {
        id: Some(id),
        ..RowKey::default()
    }
}

async fn read(
    client: &ReadClient,
    wanted: &WantedKeys,
    fresh: &mut Fresh,
) -> Result<(), RemoteError> {
    let mut found = Vec::new();
    find_all(client, wanted, &mut found).await?;
    fresh.add(found);
    Ok(())
}

fn stale(message: &str) -> Issue {
    Issue::new(IssueKind::Stale, "stale", message)
        .hint("nothing was sent for this row; make the plan again")
}

/// The first thing that is no longer as the operations assume.
fn changed(operations: &[Operation], customer: &RemoteCustomer) -> Option<String> {
    operations.iter().find_map(|operation| match operation {
        Operation::Create(_) => None,
        Operation::Patch(patch) => {
            let field = patch
                .set
                .iter()
                .find(|c| !field_holds(c.field, c.from.as_ref(), customer.value(c.field)));
            let property = patch
                .custom_data
                .iter()
                .find(|c| !property_holds(c.from.as_ref(), customer.property(&c.name)));
            field
                .map(|c| c.field.name().to_owned())
                .or_else(|| property.map(|c| format!("customData.{}", c.name)))
        }
        Operation::Tag(tags) => tags
            .iter()
            .find(|t| customer.has_tag(&t.name))
            .map(|_| "a tag".to_owned()),
        Operation::Untag(tags) => tags
            .iter()
            .find(|t| !customer.has_tag(&t.name))
            .map(|_| "a tag".to_owned()),
    })
}

/// The operations of a lane that goes no further: what is not done or in doubt is not sent.
#[must_use]
pub fn left_unsent(job: &LaneJob) -> Vec<OperationResult> {
    let stays = |result: &&OperationResult| {
        matches!(
            result.status,
            OperationStatus::Done | OperationStatus::InDoubt
        )
    };
    let result = |op: &Operation| match job.progress.result(op.kind()).filter(stays) {
        Some(known) => known.clone(),
        None => OperationResult {
            status: OperationStatus::NotSent,
            ..OperationResult::planned(op)
        },
    };
    job.lane.operations.iter().map(result).collect()
}

/// Whether a refresh failed because the run stops.
#[must_use]
pub fn stops(error: &RefreshError) -> bool {
    matches!(error, RefreshError::Remote(RemoteError::Call(call)) if CallError::stop(call).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DesiredCustomer, Field, Known, RowNumber, Tag, Value, Wish};
    use crate::plan::{Create, FieldChange, Lane, Patch};
    use crate::run::lane::Standing;
    use std::collections::BTreeMap;

    fn text(t: &str) -> Value {
        Value::Text(t.into())
    }

    fn customer(company: &str, tags: &[&str]) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(1));
        customer.set_field(Field::UserId, Some(text("u1")));
        customer.set_field(Field::Company, Some(text(company)));
        customer.tags = Known::Is(tags.iter().map(|t| Tag::named(*t)).collect());
        customer.custom_data = Known::Is(BTreeMap::new());
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
        LaneJob {
            lane,
            desired,
            before: None,
            progress: Default::default(),
            batched: None,
            notice: None,
            standing: Standing::default(),
        }
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

    fn judge(freshness: Freshness, job: LaneJob, fresh: &[RemoteCustomer]) -> Refreshed {
        judge_by(freshness, RefreshRules::default(), job, fresh)
    }

    fn judge_by(
        freshness: Freshness,
        rules: RefreshRules,
        job: LaneJob,
        customers: &[RemoteCustomer],
    ) -> Refreshed {
        let refresher = Refresher::new(freshness, rules, Memory::default());
        let mut fresh = Fresh::default();
        fresh.add(customers.iter().cloned());
        let lost = refresher.lost(std::slice::from_ref(&job), &fresh).unwrap();
        let meant = refresher.meant(&job, lost[0], &fresh);
        refresher
            .judge(job, meant, &fresh, &WrittenReader::nothing())
            .unwrap()
    }

    #[test]
    fn apply_sends_exactly_the_plan_or_nothing() {
        let exactly = |job, fresh: &[RemoteCustomer]| judge(Freshness::Exactly, job, fresh);
        assert!(matches!(
            exactly(job(Some(1), patch()), &[customer("A", &[])]),
            Refreshed::Same(_)
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
            Refreshed::Same(_)
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
    fn sync_plans_anew_from_what_was_read() {
        let anew = |job, fresh: &[RemoteCustomer]| match judge(Freshness::PlanAnew, job, fresh) {
            Refreshed::Anew(job) => job.lane,
            other => panic!("{other:?}"),
        };
        let created_meanwhile = anew(
            job(None, vec![Operation::Create(Create::default())]),
            &[customer("A", &[])],
        );
        assert_eq!(
            (created_meanwhile.customer, created_meanwhile.operations),
            (Some(CustomerId(1)), patch())
        );
        assert_eq!(
            anew(job(Some(1), patch()), &[customer("B", &[])]).operations,
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
        match judge(Freshness::PlanAnew, job(Some(1), patch()), &fresh) {
            Refreshed::Anew(job) | Refreshed::Same(job) => {
                assert_eq!(job.lane.customer, Some(CustomerId(2)));
                assert_eq!(job.lane.operations, patch());
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            judge(Freshness::Exactly, job(Some(1), patch()), &fresh),
            Refreshed::Failed(..)
        ));
    }

    #[test]
    fn a_row_whose_customer_is_gone_or_has_another_key_is_as_new() {
        for fresh in [vec![], vec![with_user_id(Some("u7"))]] {
            let refreshed = judge(Freshness::PlanAnew, job(Some(1), patch()), &fresh);
            let Refreshed::Anew(job) = refreshed else {
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
            judge_by(Freshness::PlanAnew, rules, job, fresh)
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
        let alone = judge(Freshness::PlanAnew, job(Some(1), give()), &[keyless()]);
        assert!(
            matches!(&alone, Refreshed::Anew(job) if job.lane.customer == Some(CustomerId(1))),
            "{alone:?}"
        );
        let claimed = [keyless(), other("u1")];
        assert!(matches!(
            judge(Freshness::PlanAnew, job(Some(1), give()), &claimed),
            Refreshed::Failed(..)
        ));
    }
}
