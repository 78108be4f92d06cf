//! Reads customers again directly before they are written, many in one request, and decides what that means for
//! their lanes.

use std::collections::BTreeMap;

use crate::domain::{CustomerId, Issue, IssueKind, RemoteCustomer, RowKey, fold_email};
use crate::helpcrunch::{CallError, ReadClient};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::diff::{diff, field_holds, property_holds};
use crate::plan::matching::{Match, Matcher, RemoteLookup, Target};
use crate::plan::{MatchSettings, Operation, Ownership};
use crate::remote::{RemoteError, WantedKeys, find_all};

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

/// The rules under which lanes are planned anew.
#[derive(Debug)]
pub struct Refresher {
    pub freshness: Freshness,
    pub matching: MatchSettings,
    pub ownership: Ownership,
    pub memory: Memory,
}

impl Refresher {
    /// Reads the customers of these lanes again, in as few requests as can be.
    ///
    /// # Errors
    /// When a reading got no usable answer; none of the lanes may be sent then.
    pub async fn refresh(
        &self,
        client: &ReadClient,
        jobs: Vec<LaneJob>,
    ) -> Result<Vec<Refreshed>, RemoteError> {
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
        jobs.into_iter()
            .map(|job| Ok(self.judge(job, &fresh)))
            .collect()
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

    fn judge(&self, mut job: LaneJob, fresh: &Fresh) -> Refreshed {
        match job.lane.customer {
            Some(id) => match fresh.0.get(&id) {
                Some(customer) => self.existing(job, customer),
                None => Refreshed::Failed(job, stale("its customer is gone")),
            },
            None => match self.find(&job, fresh) {
                Ok(None) => Refreshed::Same(job),
                Ok(Some(_)) if self.freshness == Freshness::Exactly => {
                    Refreshed::Failed(job, stale("a customer with its key exists now"))
                }
                Ok(Some(customer)) => {
                    job.lane.customer = Some(customer.id);
                    self.existing(job, customer)
                }
                Err(issue) if self.freshness == Freshness::Exactly => {
                    Refreshed::Failed(job, stale(&issue.message))
                }
                Err(issue) => Refreshed::Failed(job, issue),
            },
        }
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
            Match::SkippedAmbiguous => Err(Issue::matching(
                "ambiguous",
                "its key matches several customers now",
            )),
        }
    }

    fn existing(&self, mut job: LaneJob, customer: &RemoteCustomer) -> Refreshed {
        job.before = Some(customer.clone());
        if self.freshness == Freshness::Exactly {
            return match changed(&job.lane.operations, customer) {
                None => Refreshed::Same(job),
                Some(what) => Refreshed::Failed(
                    job,
                    stale(&format!("{what} changed since the plan was made")),
                ),
            };
        }
        let Some(desired) = &job.desired else {
            return Refreshed::Same(job);
        };
        let mut diff = diff(desired, customer, &self.ownership);
        if diff.unknown {
            let issue = Issue::new(
                IssueKind::Api,
                "untold",
                "HelpCrunch does not say which tags or custom data this customer has",
            );
            return Refreshed::Failed(job, issue);
        }
        let _warned_in_the_plan = self.memory.drop_rewritten(customer.id, &mut diff);
        let operations = diff.operations();
        if operations == job.lane.operations {
            return Refreshed::Same(job);
        }
        job.lane.operations = operations;
        Refreshed::Anew(job)
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
        let folded = fold_email(email);
        let same = |c: &&RemoteCustomer| c.email().is_some_and(|e| fold_email(e) == folded);
        Ok(self.0.values().filter(same).map(|c| c.id).collect())
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
pub fn stops(error: &RemoteError) -> bool {
    matches!(error, RemoteError::Call(call) if CallError::stop(call).is_some())
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
        let refresher = Refresher {
            freshness,
            matching: MatchSettings::default(),
            ownership: Ownership::default(),
            memory: Memory::default(),
        };
        refresher.judge(
            job,
            &Fresh(fresh.iter().map(|c| (c.id, c.clone())).collect()),
        )
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
