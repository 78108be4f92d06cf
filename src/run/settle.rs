//! Finds out what became of a create whose outcome is unknown: looks for its customer again and again until it is
//! old enough to be visible if it was made.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::domain::{
    Field, Issue, IssueKind, RemoteCustomer, RowKey, Value, email_eq, email_spellings,
};
use crate::helpcrunch::{CallError, Filter, ReadClient, Search, Term};
use crate::plan::{Create, Lane, Operation};

use super::by_date;

/// How a doubt was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    Found(Box<RemoteCustomer>),
    /// Neither search nor list has it by now: it was not made.
    NotMade,
    /// It cannot be told: the row is left in doubt and never sent again.
    Doubt(Issue),
    /// The run stops; the doubt stays in the journal.
    Stopped,
}

/// How long and how often to look.
#[derive(Debug, Clone)]
pub struct Settler {
    /// A customer may stay invisible to search for so long after its create.
    pub settle: Duration,
}

/// The pauses between looks grow by this factor.
const GROWTH: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// One look.
enum Look {
    Found(Box<RemoteCustomer>),
    Nobody,
    Several(usize),
}

impl Settler {
    /// Looks for the customer of a create with these keys, from now until `settle` has passed.
    ///
    /// When a create left that is in doubt since before an interruption is not known: its intent is written before
    /// it waits for its turn, and wall clocks jump. So it counts as sent just now.
    pub async fn settle(&self, client: &ReadClient, sought: &Sought) -> Settlement {
        let end = Instant::now() + self.settle;
        let mut pause = FIRST_PAUSE.min(self.settle);
        loop {
            let last = Instant::now() >= end;
            match self.look(client, sought, last).await {
                Ok(Look::Found(customer)) => return Settlement::Found(customer),
                Ok(Look::Several(count)) => return Settlement::Doubt(several(count)),
                Ok(Look::Nobody) if last => return Settlement::NotMade,
                Ok(Look::Nobody) => {}
                Err(error) if error.stop().is_some() => return Settlement::Stopped,
                Err(error) if last => return Settlement::Doubt(unanswered(&error)),
                Err(_) => {}
            }
            sleep_until((Instant::now() + pause).min(end.max(Instant::now()))).await;
            pause *= GROWTH;
        }
    }

    /// The last look also asks the listing, which need not lag as search does: at the date that the create gave,
    /// and among the newest, where the server did not take that date over.
    async fn look(
        &self,
        client: &ReadClient,
        sought: &Sought,
        last: bool,
    ) -> Result<Look, CallError> {
        let key = &sought.key;
        let mut found = matching(client.search(&search(key)).await.result?.customers, key);
        if found.is_empty() && last {
            found = matching(by_date::newest(client).await?, key);
        }
        if let (true, true, Some(instant)) = (found.is_empty(), last, sought.first_seen) {
            found = matching(by_date::around(client, instant).await?, key);
        }
        Ok(judge(found))
    }
}

/// The customer of a create in doubt.
#[derive(Debug, Clone)]
pub struct Sought {
    key: RowKey,
    /// When the create says that it was first seen (UNIX seconds), by which the listing is sorted.
    first_seen: Option<i64>,
}

impl Sought {
    #[must_use]
    pub fn of(key: &RowKey, create: Option<&Create>) -> Self {
        let date = |(field, value): &(Field, Value)| match value {
            Value::Date(seconds) if *field == Field::FirstSeen => Some(*seconds),
            _ => None,
        };
        let first_seen = create.and_then(|create| create.set.iter().find_map(date));
        Self {
            key: key.clone(),
            first_seen,
        }
    }

    /// Of a lane that creates.
    #[must_use]
    pub fn of_lane(lane: &Lane) -> Self {
        let create = lane
            .operations
            .iter()
            .find_map(|operation| match operation {
                Operation::Create(create) => Some(create),
                _ => None,
            });
        Self::of(&lane.key, create)
    }
}

fn judge(mut found: Vec<RemoteCustomer>) -> Look {
    match (found.len(), found.pop()) {
        (1, Some(one)) => Look::Found(Box::new(one)),
        (0, _) | (_, None) => Look::Nobody,
        (several, _) => Look::Several(several),
    }
}

/// By userId where the row has one, since e-mail addresses may be shared; else by address, in every spelling.
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
        customers.into_iter().filter(|c| is_meant(c, key)).collect();
    found.sort_unstable_by_key(|c| c.id);
    found.dedup_by_key(|c| c.id);
    found
}

pub(super) fn is_meant(customer: &RemoteCustomer, key: &RowKey) -> bool {
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
        .hint("look at them in HelpCrunch and remove the one that is too many")
}

fn unanswered(error: &CallError) -> Issue {
    let message = format!(
        "the create got no usable answer, and neither did the look-ups for its customer: {error}"
    );
    Issue::new(IssueKind::Network, "in_doubt", message)
        .hint("the next run looks for it again before it creates anything")
}
