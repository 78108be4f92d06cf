//! Reads customers again directly before they are written, many in one request, and decides what that means for
//! their lanes.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::domain::{CustomerId, Issue, IssueKind, RemoteCustomer, RowKey, fold_email};
use crate::helpcrunch::{CallError, ListQuery, Order, ReadClient, Sort};
use crate::journal::{WrittenError, WrittenReader};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::diff::{Against, diff, field_holds, property_holds};
use crate::plan::matching::{Match, Matcher, RemoteLookup, Target};
use crate::plan::{MatchSettings, Operation, Ownership};
use crate::remote::{
    EmailCase, NoProgress, Reading, ReadingError, RemoteError, WantedKeys, find_all, list_all,
    swapped_case_test,
};

use super::lane::LaneJob;
use super::memory::Memory;

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
    /// Nothing is sent: the row fails with this.
    Failed(LaneJob, Issue),
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
#[derive(Debug)]
pub struct Refresher {
    pub freshness: Freshness,
    pub matching: MatchSettings,
    pub ownership: Ownership,
    pub memory: Memory,
    /// Whether not finding an e-mail address by search means that nobody has it.
    absence: Mutex<Absence>,
}

/// What is known of e-mail search, found out when a row first depends on it.
#[derive(Debug, Default)]
enum Absence {
    #[default]
    Untested,
    Counts,
    /// Search does not ignore case: this listing, made at that time, answers instead.
    Listed(Instant, Box<Reading>),
}

/// A listing that stands in for search is made anew when it is older than this.
const LISTING_MAX_AGE: Duration = Duration::from_secs(30 * 60);

impl Refresher {
    #[must_use]
    pub fn new(
        freshness: Freshness,
        matching: MatchSettings,
        ownership: Ownership,
        memory: Memory,
    ) -> Self {
        Self {
            freshness,
            matching,
            ownership,
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

    /// Reads the customers of these lanes again, in as few requests as can be.
    ///
    /// # Errors
    /// When a reading got no usable answer; none of the lanes may be sent then.
    pub async fn refresh(
        &self,
        client: &ReadClient,
        jobs: Vec<LaneJob>,
    ) -> Result<Vec<Refreshed>, RefreshError> {
        let mut wanted = WantedKeys::default();
        for job in &jobs {
            match job.lane.customer {
                Some(id) => wanted.add(&RowKey {
                    id: Some(id),
                    ..RowKey::default()
                }),
                None => wanted.add(&job.lane.key),
            }
        }
        let mut found = Vec::new();
        find_all(client, &wanted, &mut found).await?;
        let mut fresh: Fresh = Fresh(found.into_iter().map(|c| (c.id, c)).collect());
        self.complete(client, &jobs, &mut fresh).await?;
        self.make_sure(client, &jobs, &mut fresh).await?;
        let written = self.memory.written(&self.ownership)?;
        let judged = jobs
            .into_iter()
            .map(|job| self.judge(job, &fresh, &written));
        Ok(judged.collect::<Result<_, _>>()?)
    }

    /// "Not found" by e-mail search counts only where search is known to ignore case (contract): else all customers
    /// are listed, and those of the rows' addresses are added to what was found.
    async fn make_sure(
        &self,
        client: &ReadClient,
        jobs: &[LaneJob],
        fresh: &mut Fresh,
    ) -> Result<(), RemoteError> {
        let creates = jobs.iter().filter(|job| job.lane.customer.is_none());
        let unseen = creates.filter_map(|job| job.lane.key.email.as_deref());
        let unseen: Vec<&str> = unseen
            .filter(|email| fresh.of_email(email).next().is_none())
            .collect();
        if unseen.is_empty() {
            return Ok(());
        }
        let mut absence = self.absence.lock().await;
        let is_old = matches!(&*absence, Absence::Listed(at, _) if at.elapsed() >= LISTING_MAX_AGE);
        if is_old || matches!(*absence, Absence::Untested) {
            *absence = learn_absence(client).await?;
        }
        if let Absence::Listed(_, reading) = &*absence {
            for email in unseen {
                for id in reading.by_email(email)? {
                    if let Some(customer) = reading.customer(id)? {
                        fresh.0.insert(id, customer);
                    }
                }
            }
        }
        Ok(())
    }

    /// A customer that a search does not find, or of whom it does not tell all, is asked for by its id.
    async fn complete(
        &self,
        client: &ReadClient,
        jobs: &[LaneJob],
        fresh: &mut Fresh,
    ) -> Result<(), RemoteError> {
        for id in jobs.iter().filter_map(|job| job.lane.customer) {
            let told = fresh
                .0
                .get(&id)
                .is_some_and(|c| c.tags.is_known() && c.custom_data.is_known());
            if told {
                continue;
            }
            match client.get(id).await.result {
                Ok(customer) => {
                    fresh.0.insert(id, customer);
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn judge(
        &self,
        mut job: LaneJob,
        fresh: &Fresh,
        written: &WrittenReader,
    ) -> Result<Refreshed, WrittenError> {
        Ok(match job.lane.customer {
            Some(id) => match fresh.0.get(&id) {
                Some(customer) => self.existing(job, customer, written)?,
                None => Refreshed::Failed(job, stale("its customer is gone")),
            },
            None => match self.find(&job, fresh) {
                Ok(None) => Refreshed::Same(job),
                Ok(Some(_)) if self.freshness == Freshness::Exactly => {
                    Refreshed::Failed(job, stale("a customer with its key exists now"))
                }
                Ok(Some(customer)) => {
                    job.lane.customer = Some(customer.id);
                    self.existing(job, customer, written)?
                }
                Err(issue) if self.freshness == Freshness::Exactly => {
                    Refreshed::Failed(job, stale(&issue.message))
                }
                Err(issue) => Refreshed::Failed(job, issue),
            },
        })
    }

    /// Whom a row that was to create finds now.
    fn find<'f>(
        &self,
        job: &LaneJob,
        fresh: &'f Fresh,
    ) -> Result<Option<&'f RemoteCustomer>, Issue> {
        let Ok(found) = Matcher::new(&self.matching, fresh).find(&job.lane.key);
        match found {
            Match::Found(Target::Remote(id)) => Ok(fresh.0.get(&id)),
            Match::Nobody | Match::Found(Target::New(_)) => Ok(None),
            Match::Rejected(issue) => Err(issue),
            Match::Ambiguous(ambiguity) => Err(ambiguity.issue()),
        }
    }

    fn existing(
        &self,
        mut job: LaneJob,
        customer: &RemoteCustomer,
        written: &WrittenReader,
    ) -> Result<Refreshed, WrittenError> {
        job.before = Some(customer.clone());
        if self.freshness == Freshness::Exactly {
            return Ok(match changed(&job.lane.operations, customer) {
                None => Refreshed::Same(job),
                Some(what) => Refreshed::Failed(
                    job,
                    stale(&format!("{what} changed since the plan was made")),
                ),
            });
        }
        let Some(desired) = &job.desired else {
            return Ok(Refreshed::Same(job));
        };
        let against = Against {
            remote: customer,
            written: &written.customer(customer.id)?,
            ownership: &self.ownership,
        };
        let mut diff = diff(desired, against);
        if diff.unknown {
            let issue = Issue::new(
                IssueKind::Api,
                "untold",
                "HelpCrunch does not say which tags or custom data this customer has",
            );
            return Ok(Refreshed::Failed(job, issue));
        }
        let _warned_in_the_plan = self.memory.drop_rewritten(customer.id, &mut diff);
        let operations = diff.operations();
        if operations == job.lane.operations {
            return Ok(Refreshed::Same(job));
        }
        job.lane.operations = operations;
        Ok(Refreshed::Anew(job))
    }
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

/// What a refresh found.
struct Fresh(BTreeMap<CustomerId, RemoteCustomer>);

impl Fresh {
    fn of_email(&self, email: &str) -> impl Iterator<Item = &RemoteCustomer> {
        let folded = fold_email(email);
        let same = move |c: &&RemoteCustomer| c.email().is_some_and(|e| fold_email(e) == folded);
        self.0.values().filter(same)
    }
}

/// Tests e-mail search with a known customer; lists all where it does not ignore case or nobody can tell.
async fn learn_absence(client: &ReadClient) -> Result<Absence, RemoteError> {
    let query = ListQuery {
        limit: 100,
        offset: 0,
        sort: Some(Sort::FirstSeen),
        order: Order::Ascending,
    };
    let page = client.list(&query).await.result?;
    for customer in &page.customers {
        match swapped_case_test(client, customer).await? {
            EmailCase::Ignored => return Ok(Absence::Counts),
            EmailCase::Matters => break,
            EmailCase::Unknown => {}
        }
    }
    let file = tempfile::tempfile().map_err(ReadingError::from)?;
    let reading = list_all(client, Reading::new(file), &NoProgress).await?;
    Ok(Absence::Listed(Instant::now(), Box::new(reading)))
}

impl RemoteLookup for Fresh {
    type Error = std::convert::Infallible;

    fn by_user_id(&self, user_id: &str) -> Result<Vec<CustomerId>, Self::Error> {
        Ok(self
            .0
            .values()
            .filter(|c| c.user_id() == Some(user_id))
            .map(|c| c.id)
            .collect())
    }

    fn by_email(&self, email: &str) -> Result<Vec<CustomerId>, Self::Error> {
        Ok(self.of_email(email).map(|c| c.id).collect())
    }

    fn customer(&self, id: CustomerId) -> Result<Option<RemoteCustomer>, Self::Error> {
        Ok(self.0.get(&id).cloned())
    }
}

/// The operations of a lane that was not sent.
#[must_use]
pub fn not_sent(operations: &[Operation]) -> Vec<OperationResult> {
    let result = |op| OperationResult {
        status: OperationStatus::NotSent,
        ..OperationResult::planned(op)
    };
    operations.iter().map(result).collect()
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
        let refresher = Refresher::new(
            freshness,
            MatchSettings::default(),
            Ownership::default(),
            Memory::default(),
        );
        let fresh = Fresh(fresh.iter().map(|c| (c.id, c.clone())).collect());
        refresher
            .judge(job, &fresh, &WrittenReader::nothing())
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
}
