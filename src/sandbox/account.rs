//! What each endpoint does to the account's customers, and its reply.

use http::StatusCode;
use serde_json::json;

use super::applier::Applier;
use super::customer::Customer;
use super::endpoint::{Endpoint, Route, RouteTarget};
use super::error_reply::{ErrorReply, FieldError};
use super::quirks::{Acceptance, Quirks, TakenUserId, UpdateAnswer};
use super::reply::{JSON, Reply};
use super::store::CustomerStore;
use super::validate::{self, WriteKind};
use super::view::CustomerView;
use super::write::{ApplyRules, CustomerWrite};

/// The customers, and the quirks by which the server treats them.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) store: CustomerStore,
    pub(super) quirks: Quirks,
}

/// When a request is answered, and its random number.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestContext {
    pub(super) now_ms: u64,
    pub(super) now_unix: i64,
    pub(super) draw: u64,
}

impl Account {
    /// Answers a request that passed key, rate limit and faults.
    pub(super) fn answer(
        &mut self,
        route: Route,
        query: &str,
        body: &[u8],
        context: RequestContext,
    ) -> Result<Reply, ErrorReply> {
        let id = match route.target {
            RouteTarget::Collection => 0,
            RouteTarget::Customer(id) => id,
            RouteTarget::NotNumeric => {
                return Err(ErrorReply::of(FieldError::wrong_type(
                    "customer", "numeric",
                )));
            }
            RouteTarget::NoSuchPath => return Err(ErrorReply::NoSuchPath),
            RouteTarget::NoSuchMethod => return Err(ErrorReply::NoSuchMethod),
        };
        match route.endpoint {
            Endpoint::Create => self.create(body, context),
            Endpoint::Put => self.update(id, body, ApplyRules::put(&self.quirks), context),
            Endpoint::Patch => self.update(id, body, ApplyRules::patch(&self.quirks), context),
            Endpoint::Batch => self.batch(body, context),
            Endpoint::Tag | Endpoint::Untag => self.tags(route.endpoint, id, body, context),
            Endpoint::Get => self.one(StatusCode::OK, id),
            Endpoint::List => self.list(query, context),
            Endpoint::Search => self.search(body, context),
            Endpoint::Delete => self.delete(id),
            Endpoint::Organization => self.organization(),
            Endpoint::Unknown => Err(ErrorReply::NoSuchPath),
        }
    }

    /// The id follows from the name, so that accounts of two names are two accounts.
    fn organization(&self) -> Result<Reply, ErrorReply> {
        let name = &self.quirks.organization;
        if name.is_empty() {
            return Err(ErrorReply::NoSuchPath);
        }
        let id = name.bytes().fold(7, |id: u32, byte| {
            id.wrapping_mul(31).wrapping_add(u32::from(byte))
        });
        let answer = json!({"id": id, "name": name});
        Ok(Reply::json(StatusCode::OK, &answer))
    }

    /// Returns the id of a random customer.
    pub(super) fn any_id(&self, draw: u64) -> Option<u64> {
        let start = draw % self.store.next_id();
        let after = self.store.within(start..=u64::MAX).chain(self.store.all());
        after.map(|customer| customer.id).next()
    }

    pub(super) fn answers(&self) -> impl Iterator<Item = CustomerView<'_>> {
        self.store.all().map(|customer| self.view(customer, false))
    }

    pub(super) fn view<'a>(&'a self, customer: &'a Customer, listed: bool) -> CustomerView<'a> {
        CustomerView {
            customer,
            tags: &self.store.tags,
            quirks: &self.quirks,
            listed,
        }
    }

    fn one(&self, status: StatusCode, id: u64) -> Result<Reply, ErrorReply> {
        let customer = self.store.get(id).ok_or(ErrorReply::NoCustomer)?;
        let reply = Reply::json(status, &self.view(customer, false));
        Ok(Reply {
            customer: Some(id),
            ..reply
        })
    }

    fn create(&mut self, body: &[u8], context: RequestContext) -> Result<Reply, ErrorReply> {
        let mut write = validate::write(&validate::json(body)?, WriteKind::Create, &self.quirks)?;
        write.drop_members(&self.quirks.create_ignores);
        let taken = write
            .user_id()
            .and_then(|user_id| self.store.with_user_id(user_id).next());
        match (taken, self.quirks.create_taken_user_id) {
            (Some(_), _) if self.quirks.unique_user_ids => return Err(ErrorReply::UserIdTaken),
            (Some(_), TakenUserId::Refuse) => return Err(taken_user_id("userId")),
            (Some(id), TakenUserId::UpdateFirst) => {
                self.change(id, &write, ApplyRules::patch(&self.quirks), context)?;
                return self.one(StatusCode::CREATED, id);
            }
            (Some(_), TakenUserId::Second) | (None, _) => {}
        }
        let mut customer = Customer::new(self.store.next_id());
        let rules = ApplyRules::create(&self.quirks);
        self.applier(rules).apply(&write, &mut customer);
        customer.first_seen.get_or_insert(context.now_unix);
        let id = self.put(customer, context);
        self.one(StatusCode::CREATED, id)
    }

    fn update(
        &mut self,
        id: u64,
        body: &[u8],
        rules: ApplyRules,
        context: RequestContext,
    ) -> Result<Reply, ErrorReply> {
        let write = validate::write(&validate::json(body)?, WriteKind::Update, &self.quirks)?;
        self.change(id, &write, rules, context)?;
        self.updated(id)
    }

    /// The answer to an update of one customer.
    fn updated(&self, id: u64) -> Result<Reply, ErrorReply> {
        let status = match self.quirks.update_answer {
            UpdateAnswer::Customer => return self.one(StatusCode::OK, id),
            UpdateAnswer::Empty => StatusCode::OK,
            UpdateAnswer::NoContent => StatusCode::NO_CONTENT,
        };
        Ok(Reply {
            status,
            content_type: JSON,
            body: Vec::new(),
            customer: Some(id),
        })
    }

    fn tags(
        &mut self,
        endpoint: Endpoint,
        id: u64,
        body: &[u8],
        context: RequestContext,
    ) -> Result<Reply, ErrorReply> {
        let tags = validate::tags(&validate::json(body)?, &self.quirks)?;
        let mut customer = self.store.get(id).cloned().ok_or(ErrorReply::NoCustomer)?;
        let rules = ApplyRules::patch(&self.quirks);
        let mut applier = self.applier(rules);
        if applier
            .quirks
            .never_stored
            .iter()
            .any(|name| name == "tags")
        {
            return self.updated(id);
        }
        if endpoint == Endpoint::Tag {
            applier.add_tags(&tags, &mut customer);
        } else {
            applier.remove_tags(&tags, &mut customer);
        }
        self.put(customer, context);
        self.updated(id)
    }

    fn delete(&mut self, id: u64) -> Result<Reply, ErrorReply> {
        self.store.remove(id).ok_or(ErrorReply::NoCustomer)?;
        let body = b"Ok".to_vec();
        Ok(Reply {
            status: StatusCode::OK,
            content_type: "text/plain",
            body,
            customer: Some(id),
        })
    }

    pub(super) fn change(
        &mut self,
        id: u64,
        write: &CustomerWrite,
        rules: ApplyRules,
        context: RequestContext,
    ) -> Result<(), ErrorReply> {
        let mut customer = self.store.get(id).cloned().ok_or(ErrorReply::NoCustomer)?;
        if self.steals_user_id(id, write) {
            if self.quirks.unique_user_ids {
                return Err(ErrorReply::UserIdTaken);
            }
            return Err(taken_user_id("userId"));
        }
        self.applier(rules).apply(write, &mut customer);
        self.put(customer, context);
        Ok(())
    }

    /// Stores a customer that was just written, and the earlier versions that lagging views still show.
    pub(super) fn put(&mut self, mut customer: Customer, context: RequestContext) -> u64 {
        customer.mark_written(self.store.get(customer.id), context.now_ms);
        let lag = self.quirks.search_lag_ms.max(self.quirks.list_lag_ms);
        customer.forget_former(context.now_ms, lag);
        self.store.insert(customer)
    }

    pub(super) fn steals_user_id(&self, id: u64, write: &CustomerWrite) -> bool {
        let refuses =
            self.quirks.unique_user_ids || self.quirks.update_taken_user_id == Acceptance::Refuse;
        refuses
            && write
                .user_id()
                .is_some_and(|user_id| self.store.with_user_id(user_id).any(|other| other != id))
    }

    fn applier(&mut self, rules: ApplyRules) -> Applier<'_> {
        Applier {
            quirks: &self.quirks,
            book: &mut self.store.tags,
            rules,
        }
    }
}

fn taken_user_id(code: &str) -> ErrorReply {
    ErrorReply::of(user_id_error(code))
}

pub(super) fn user_id_error(code: &str) -> FieldError {
    FieldError::new(code, "This value is already used.")
}
