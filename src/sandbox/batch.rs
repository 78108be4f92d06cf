//! The batch update.

use http::StatusCode;
use serde_json::json;

use super::account::{Account, RequestContext, user_id_error};
use super::error_reply::{ErrorReply, FieldError};
use super::listing::Listing;
use super::quirks::{BatchAnswer, BatchBadEntry};
use super::reply::{JSON, Reply};
use super::validate::{self, BatchEntry};
use super::write::ApplyRules;

impl Account {
    pub(super) fn batch(
        &mut self,
        body: &[u8],
        context: RequestContext,
    ) -> Result<Reply, ErrorReply> {
        let entries = validate::batch(&validate::json(body)?, &self.quirks)?;
        let good = self.applicable(entries)?;
        let rules = ApplyRules::batch(&self.quirks);
        let mut ids = Vec::new();
        for entry in good {
            match self.change(entry.customer, &entry.write, rules, context) {
                Ok(()) => ids.push(entry.customer),
                Err(_) if self.quirks.batch_bad_entry == BatchBadEntry::PassGood => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.batch_reply(&ids))
    }

    /// Returns the entries that can be applied, or an error if the batch must fail as a whole.
    fn applicable(
        &self,
        entries: Vec<Result<BatchEntry, Vec<FieldError>>>,
    ) -> Result<Vec<BatchEntry>, ErrorReply> {
        let mut good = Vec::new();
        let mut errors = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            match entry {
                Ok(entry) if self.steals_user_id(entry.customer, &entry.write) => {
                    errors.push(user_id_error(&format!("[{index}].userId")));
                }
                Ok(entry) => good.push(entry),
                Err(bad) => errors.extend(bad),
            }
        }
        if self.quirks.batch_bad_entry == BatchBadEntry::PassGood {
            return Ok(good);
        }
        if !errors.is_empty() {
            return Err(ErrorReply::Invalid(errors));
        }
        if good
            .iter()
            .any(|entry| self.store.get(entry.customer).is_none())
        {
            return Err(ErrorReply::NoCustomer);
        }
        Ok(good)
    }

    fn batch_reply(&self, ids: &[u64]) -> Reply {
        let customers = ids.iter().filter_map(|id| self.store.get(*id));
        let customers: Vec<_> = customers
            .map(|customer| self.view(customer, false))
            .collect();
        match self.quirks.batch_answer {
            BatchAnswer::Customers => Reply::json(StatusCode::OK, &customers),
            BatchAnswer::Data => Reply::json(
                StatusCode::OK,
                &Listing {
                    data: customers,
                    total: None,
                },
            ),
            BatchAnswer::Count => Reply::json(StatusCode::OK, &json!({ "count": ids.len() })),
            BatchAnswer::Nothing => Reply {
                status: StatusCode::OK,
                content_type: JSON,
                body: Vec::new(),
                customer: None,
            },
        }
    }
}
