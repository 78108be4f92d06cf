//! Settles a create in doubt: looks for its customer repeatedly, until the customer would be visible if it was created.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::domain::{
    Field, Issue, IssueKind, RemoteCustomer, RowKey, Value, email_eq, email_spellings,
};
use crate::helpcrunch::{CallError, Filter, ReadClient, Search, Term};
use crate::plan::{Lane, Operation};

use super::by_date;

/// How a doubt was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    Found(Box<RemoteCustomer>),
    /// Neither search nor listing shows the customer: it was not created.
    NotCreated,
    /// Not known: the row stays in doubt and is never sent again.
    Doubt(Issue),
    /// The run stops; the doubt stays in the journal.
    Stopped,
}

/// Looks for the customers of creates in doubt.
#[derive(Debug, Clone)]
pub struct Settler {
    /// How long a customer may be invisible to search after its create.
    pub settle: Duration,
}

/// The pauses between looks grow by this factor.
const GROWTH: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The result of one look.
enum Look {
    Found(Box<RemoteCustomer>),
    NoCustomer,
    Several(usize),
}

impl Settler {
    /// Looks for the customer of a create, from now until `settle` has passed.
    ///
    /// The time at which a create of an interrupted run was sent is not known: its intent is written before it waits for
    /// its turn, and wall clocks jump. So it counts as sent just now.
    pub async fn settle(&self, client: &ReadClient, create: &CreateInDoubt) -> Settlement {
        let end = Instant::now() + self.settle;
        let mut pause = FIRST_PAUSE.min(self.settle);
        loop {
            let last = Instant::now() >= end;
            match self.look(client, create, last).await {
                Ok(Look::Found(customer)) => return Settlement::Found(customer),
                Ok(Look::Several(count)) => return Settlement::Doubt(several(count)),
                Ok(Look::NoCustomer) if last => return Settlement::NotCreated,
                Ok(Look::NoCustomer) => {}
                Err(error) if error.stop().is_some() => return Settlement::Stopped,
                Err(error) if last => return Settlement::Doubt(unanswered(&error)),
                Err(_) => {}
            }
            let next = (Instant::now() + pause).min(end.max(Instant::now()));
            // Once the gate is closed, the next look says that the run stops.
            tokio::select! {
                () = sleep_until(next) => {}
                () = client.gate().closed() => {}
            }
            pause *= GROWTH;
        }
    }

    /// Looks once. The last look also reads the listing, which need not lag as search does: at the first-seen date of the
    /// create, and among the newest customers in case the server did not keep that date.
    async fn look(
        &self,
        client: &ReadClient,
        create: &CreateInDoubt,
        last: bool,
    ) -> Result<Look, CallError> {
        let key = &create.key;
        let mut found = matching(client.search(&search(key)).await.result?.customers, key);
        if found.is_empty() && last {
            found = matching(by_date::newest(client).await?, key);
        }
        if let (true, true, Some(instant)) = (found.is_empty(), last, create.first_seen) {
            found = matching(by_date::around(client, instant).await?, key);
        }
        Ok(judge(found))
    }
}

/// How to recognise the customer of a create in doubt.
#[derive(Debug, Clone)]
pub struct CreateInDoubt {
    key: RowKey,
    /// The first-seen date of the create (UNIX seconds), by which the listing is sorted.
    first_seen: Option<i64>,
}

impl CreateInDoubt {
    pub fn of_lane(lane: &Lane) -> Self {
        let mut values = lane
            .operations
            .iter()
            .flat_map(|operation| match operation {
                Operation::Create(create) => create.set.as_slice(),
                _ => &[],
            });
        let first_seen = values.find_map(|(field, value)| match value {
            Value::Date(seconds) if *field == Field::FirstSeen => Some(*seconds),
            _ => None,
        });
        Self {
            key: lane.key.clone(),
            first_seen,
        }
    }
}

fn judge(mut found: Vec<RemoteCustomer>) -> Look {
    match (found.len(), found.pop()) {
        (1, Some(one)) => Look::Found(Box::new(one)),
        (0, _) | (_, None) => Look::NoCustomer,
        (several, _) => Look::Several(several),
    }
}

/// Searches by userId if the row has one, since customers may share an e-mail address; otherwise by address, in every
/// spelling.
fn search(key: &RowKey) -> Search {
    let filters = match (&key.user_id, &key.email) {
        (Some(user_id), _) => vec![Filter::equal(Term::UserId(user_id.clone()))],
        (None, Some(email)) => email_spellings(email)
            .into_iter()
            .map(|e| Filter::equal(Term::Email(e)))
            .collect(),
        (None, None) => Vec::new(),
    };
    Search::any(filters)
}

fn matching(customers: Vec<RemoteCustomer>, key: &RowKey) -> Vec<RemoteCustomer> {
    let mut found: Vec<RemoteCustomer> =
        customers.into_iter().filter(|c| has_key(c, key)).collect();
    found.sort_unstable_by_key(|c| c.id);
    found.dedup_by_key(|c| c.id);
    found
}

pub(super) fn has_key(customer: &RemoteCustomer, key: &RowKey) -> bool {
    match (&key.user_id, &key.email) {
        (Some(user_id), _) => customer.user_id() == Some(user_id),
        (None, Some(email)) => customer
            .email()
            .is_some_and(|theirs| email_eq(theirs, email)),
        (None, None) => false,
    }
}

fn several(count: usize) -> Issue {
    let message =
        format!("the create got no usable answer, and {count} customers have its key now");
    Issue::new(IssueKind::Network, "in_doubt", message)
        .hint("check them in HelpCrunch and remove the duplicate")
}

fn unanswered(error: &CallError) -> Issue {
    let message = format!(
        "the create got no usable answer, and neither did the look-ups for its customer: {error}"
    );
    Issue::new(IssueKind::Network, "in_doubt", message)
        .hint("the next run looks for the customer again before it creates anything")
}
