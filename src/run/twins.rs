//! Customers that exist twice after a run. Another run with a state folder of its own may have created them at the same
//! time: no lock covers both.

use crate::domain::{CustomerId, Issue, IssueKind, RemoteCustomer, RowKey, fold_email};
use crate::helpcrunch::ReadClient;
use crate::journal::{FinishedRow, FinishedRows, RowState, RunDir};
use crate::outcome::{CREATED_TWICE, RowStatus};
use crate::plan::OperationKind;
use crate::remote::{LookupKeys, RemoteError, find_all};

use super::learning::{LearningError, open_sent};
use super::settle::has_key;

/// Why it is not known whether a customer exists twice.
#[derive(Debug, thiserror::Error)]
pub enum TwinsError {
    #[error(transparent)]
    Run(#[from] LearningError),
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

/// Searches once for the keys of all customers that the run created, with as many keys in one request as possible.
/// Returns the rows whose key another customer has too, with that as their error.
///
/// # Errors
/// When the run's files cannot be read, or a search gets no usable answer.
pub async fn find_twins(run: &RunDir, client: &ReadClient) -> Result<Vec<FinishedRow>, TwinsError> {
    let mut twins = Vec::new();
    let Some((recovered, lanes)) = open_sent(run)? else {
        return Ok(twins);
    };
    let mut finished =
        FinishedRows::open(&run.journal(), &recovered).map_err(LearningError::from)?;
    let mut group = Group::default();
    for lane in lanes {
        let lane = lane.map_err(LearningError::from)?.lane;
        if !matches!(recovered.row(lane.row), RowState::Finished) {
            continue;
        }
        let end = finished.get(lane.row).map_err(LearningError::from)?;
        let Some(created) = end.and_then(|end| Created::of(&lane.key, end)) else {
            continue;
        };
        if group.filters + created.filters() > client.max_filters() {
            twins.append(&mut group.search(client).await?);
        }
        group.add(created);
    }
    twins.append(&mut group.search(client).await?);
    Ok(twins)
}

/// A row that succeeded and created its customer.
struct Created {
    /// The userId, or else the e-mail: e-mails may be shared by customers with different userIds.
    key: RowKey,
    customer: CustomerId,
    end: FinishedRow,
}

impl Created {
    fn of(key: &RowKey, end: FinishedRow) -> Option<Self> {
        let is_done = end
            .operations
            .iter()
            .any(|o| o.op == OperationKind::Create && o.is_done());
        let is_created = end.status == RowStatus::Created && is_done && end.error.is_none();
        let email = key.email.clone().filter(|_| key.user_id.is_none());
        let key = RowKey {
            id: None,
            user_id: key.user_id.clone(),
            email,
        };
        let customer = end.customer_id.filter(|_| is_created)?;
        Some(Self { key, customer, end })
    }

    fn filters(&self) -> u64 {
        match &self.key.email {
            Some(email) if fold_email(email) != *email => 2,
            _ => 1,
        }
    }

    /// Returns the finished row with its error, if another customer has its key.
    fn into_twin(self, found: &[RemoteCustomer]) -> Option<FinishedRow> {
        let others = found
            .iter()
            .filter(|c| c.id != self.customer && has_key(c, &self.key));
        let mut ids: Vec<CustomerId> = others.map(|customer| customer.id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return None;
        }
        let key = match self.key.user_id {
            Some(_) => "userId",
            None => "e-mail",
        };
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let message = format!(
            "customer {} was created, and another customer has the same {key} now: {}",
            self.customer,
            ids.join(", ")
        );
        let issue = Issue::new(IssueKind::Match, CREATED_TWICE, message).hint(
            "another run or integration created it at the same time; remove the duplicate in HelpCrunch, \
             and let all runs of the account use one state folder",
        );
        Some(FinishedRow {
            error: Some(issue),
            ..self.end
        })
    }
}

/// Rows whose keys are searched for in one request.
#[derive(Default)]
struct Group {
    wanted: LookupKeys,
    filters: u64,
    created: Vec<Created>,
}

impl Group {
    fn add(&mut self, created: Created) {
        self.wanted.add(&created.key);
        self.filters += created.filters();
        self.created.push(created);
    }

    /// Searches for the keys of the group and empties it.
    async fn search(&mut self, client: &ReadClient) -> Result<Vec<FinishedRow>, RemoteError> {
        let group = std::mem::take(self);
        if group.created.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        find_all(client, &group.wanted, &mut found).await?;
        let created = group.created.into_iter();
        Ok(created.filter_map(|row| row.into_twin(&found)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Field, RowNumber, Value};
    use crate::outcome::{OperationResult, OperationStatus};

    fn customer(id: u64, user_id: &str, email: &str) -> RemoteCustomer {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let mut customer = RemoteCustomer::unknown(CustomerId(id));
        customer.set_field(Field::UserId, text(user_id));
        customer.set_field(Field::Email, text(email));
        customer
    }

    fn created(user_id: Option<&str>, email: &str) -> Created {
        let key = RowKey {
            id: None,
            user_id: user_id.map(str::to_owned),
            email: Some(email.to_owned()),
        };
        let operation = OperationResult {
            op: OperationKind::Create,
            fields: Vec::new(),
            tags: Vec::new(),
            status: OperationStatus::Done,
            attempts: 1,
            http_status: Some(201),
            at: None,
        };
        let end = FinishedRow {
            row: RowNumber(3),
            status: RowStatus::Created,
            customer_id: Some(CustomerId(7)),
            operations: vec![operation],
            error: None,
            warnings: Vec::new(),
        };
        Created::of(&key, end).unwrap()
    }

    #[test]
    fn a_row_is_a_twin_if_another_customer_has_its_user_id() {
        let own = customer(7, "u1", "ann@x.org");
        let shared = customer(8, "u2", "ann@x.org");
        assert!(
            created(Some("u1"), "ann@x.org")
                .into_twin(&[own.clone(), shared])
                .is_none()
        );
        let twin = customer(9, "u1", "other@x.org");
        let row = created(Some("u1"), "ann@x.org").into_twin(&[own, twin.clone(), twin]);
        let error = row.unwrap().error.unwrap();
        assert_eq!(error.code, CREATED_TWICE);
        assert!(
            error.message.ends_with("userId now: 9"),
            "{}",
            error.message
        );
    }

    #[test]
    fn a_row_without_user_id_is_a_twin_by_its_email() {
        let found = [customer(7, "", "ann@x.org"), customer(8, "", "ANN@x.org")];
        let row = created(None, "Ann@x.org");
        assert_eq!(row.filters(), 2);
        assert!(row.into_twin(&found).is_some());
    }
}
