//! What each endpoint does to the account's customers and answers.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::customer::{Answer, Customer};
use super::endpoint::{Endpoint, Route, Target};
use super::page::Page;
use super::problem::{Complaint, Problem};
use super::quirks::{
    BatchAnswer, BatchBadEntry, Offset, Quirks, TakenUserId, Ties, Total, Verdict,
};
use super::search::Query;
use super::select::draw;
use super::store::{Sort, Store};
use super::validate::{self, BatchEntry, Kind};
use super::write::{Pen, Rules, Write};

/// The customers, and the way this server treats them.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) store: Store,
    pub(super) quirks: Quirks,
}

/// When a request is answered, and its share of chance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) now_ms: u64,
    pub(super) now_unix: i64,
    pub(super) draw: u64,
}

/// An answer that is not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
    /// The customer that it is about.
    pub(super) customer: Option<u64>,
}

pub(super) const JSON: &str = "application/json";

#[derive(Serialize)]
struct Listing<'a> {
    data: Vec<Answer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<usize>,
}

impl Reply {
    pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        // Nothing that is answered has a key that is not text.
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self {
            status,
            content_type: JSON,
            body,
            customer: None,
        }
    }
}

/// Who tells how many customers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    ByListing,
    BySearch,
}

impl Account {
    /// Answers a request that got past key, rate limit and faults.
    pub(super) fn answer(
        &mut self,
        route: Route,
        query: &str,
        body: &[u8],
        context: Context,
    ) -> Result<Reply, Problem> {
        let id = match route.target {
            Target::Collection => 0,
            Target::Customer(id) => id,
            Target::NotNumeric => {
                return Err(Problem::of(Complaint::wrong_type("customer", "numeric")));
            }
            Target::NoSuchPath => return Err(Problem::NoSuchPath),
            Target::NoSuchMethod => return Err(Problem::NoSuchMethod),
        };
        match route.endpoint {
            Endpoint::Create => self.create(body, context),
            Endpoint::Put => self.update(id, body, Rules::put(&self.quirks), context),
            Endpoint::Patch => self.update(id, body, Rules::patch(&self.quirks), context),
            Endpoint::Batch => self.batch(body, context),
            Endpoint::Tag | Endpoint::Untag => self.tags(route.endpoint, id, body, context),
            Endpoint::Get => self.one(StatusCode::OK, id),
            Endpoint::List => self.list(query, context),
            Endpoint::Search => self.search(body, context),
            Endpoint::Delete => self.delete(id),
            Endpoint::Unknown => Err(Problem::NoSuchPath),
        }
    }

    /// Any customer's id, by a draw.
    pub(super) fn any_id(&self, draw: u64) -> Option<u64> {
        let start = draw % self.store.next_id();
        let after = self.store.within(start..=u64::MAX).chain(self.store.all());
        after.map(|customer| customer.id).next()
    }

    pub(super) fn answers(&self) -> impl Iterator<Item = Answer<'_>> {
        self.store.all().map(|customer| self.shown(customer, false))
    }

    fn shown<'a>(&'a self, customer: &'a Customer, listed: bool) -> Answer<'a> {
        Answer {
            customer,
            tags: &self.store.tags,
            quirks: &self.quirks,
            listed,
        }
    }

    fn one(&self, status: StatusCode, id: u64) -> Result<Reply, Problem> {
        let customer = self.store.get(id).ok_or(Problem::NoCustomer)?;
        let reply = Reply::json(status, &self.shown(customer, false));
        Ok(Reply {
            customer: Some(id),
            ..reply
        })
    }

    fn create(&mut self, body: &[u8], context: Context) -> Result<Reply, Problem> {
        let mut write = validate::write(&validate::json(body)?, Kind::Create, &self.quirks)?;
        write.forget(&self.quirks.create_ignores);
        let taken = write
            .user_id()
            .and_then(|user_id| self.store.with_user_id(user_id).next());
        match (taken, self.quirks.create_taken_user_id) {
            (Some(_), TakenUserId::Refuse) => return Err(taken_user_id("userId")),
            (Some(id), TakenUserId::UpdateFirst) => {
                self.change(id, &write, Rules::patch(&self.quirks), context)?;
                return self.one(StatusCode::CREATED, id);
            }
            (Some(_), TakenUserId::Second) | (None, _) => {}
        }
        let mut customer = Customer::new(self.store.next_id());
        let rules = Rules::create(&self.quirks);
        self.pen(rules).apply(&write, &mut customer);
        customer.first_seen.get_or_insert(context.now_unix);
        let id = self.put(customer, context);
        self.one(StatusCode::CREATED, id)
    }

    fn update(
        &mut self,
        id: u64,
        body: &[u8],
        rules: Rules,
        context: Context,
    ) -> Result<Reply, Problem> {
        let write = validate::write(&validate::json(body)?, Kind::Update, &self.quirks)?;
        self.change(id, &write, rules, context)?;
        self.one(StatusCode::OK, id)
    }

    fn batch(&mut self, body: &[u8], context: Context) -> Result<Reply, Problem> {
        let read = validate::batch(&validate::json(body)?, &self.quirks)?;
        let good = self.sound(read)?;
        let rules = Rules::batch(&self.quirks);
        let mut ids = Vec::new();
        for entry in good {
            match self.change(entry.customer, &entry.write, rules, context) {
                Ok(()) => ids.push(entry.customer),
                Err(_) if self.quirks.batch_bad_entry == BatchBadEntry::PassGood => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(self.batch_reply(&ids))
    }

    /// The entries of a batch that can be applied, or why none will be.
    fn sound(
        &self,
        read: Vec<Result<BatchEntry, Vec<Complaint>>>,
    ) -> Result<Vec<BatchEntry>, Problem> {
        let mut good = Vec::new();
        let mut complaints = Vec::new();
        for (index, entry) in read.into_iter().enumerate() {
            match entry {
                Ok(entry) if self.steals_user_id(entry.customer, &entry.write) => {
                    complaints.push(user_id_complaint(&format!("[{index}].userId")));
                }
                Ok(entry) => good.push(entry),
                Err(bad) => complaints.extend(bad),
            }
        }
        if self.quirks.batch_bad_entry == BatchBadEntry::PassGood {
            return Ok(good);
        }
        if !complaints.is_empty() {
            return Err(Problem::Invalid(complaints));
        }
        if good
            .iter()
            .any(|entry| self.store.get(entry.customer).is_none())
        {
            return Err(Problem::NoCustomer);
        }
        Ok(good)
    }

    fn batch_reply(&self, ids: &[u64]) -> Reply {
        let customers = ids.iter().filter_map(|id| self.store.get(*id));
        let customers: Vec<_> = customers
            .map(|customer| self.shown(customer, false))
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

    fn tags(
        &mut self,
        endpoint: Endpoint,
        id: u64,
        body: &[u8],
        context: Context,
    ) -> Result<Reply, Problem> {
        let tags = validate::tags(&validate::json(body)?, &self.quirks)?;
        let mut customer = self.store.get(id).cloned().ok_or(Problem::NoCustomer)?;
        let rules = Rules::patch(&self.quirks);
        let mut pen = self.pen(rules);
        if pen.quirks.never_stored.iter().any(|name| name == "tags") {
            return self.one(StatusCode::OK, id);
        }
        if endpoint == Endpoint::Tag {
            pen.add_tags(&tags, &mut customer);
        } else {
            pen.remove_tags(&tags, &mut customer);
        }
        self.put(customer, context);
        self.one(StatusCode::OK, id)
    }

    fn delete(&mut self, id: u64) -> Result<Reply, Problem> {
        self.store.remove(id).ok_or(Problem::NoCustomer)?;
        let body = b"Ok".to_vec();
        Ok(Reply {
            status: StatusCode::OK,
            content_type: "text/plain",
            body,
            customer: Some(id),
        })
    }

    fn list(&mut self, query: &str, context: Context) -> Result<Reply, Problem> {
        let mut page = Page::of_query(query, &self.quirks)?;
        if self.quirks.list_offset == Offset::Ignored {
            page.offset = 0;
        }
        let lag = self.quirks.list_lag_ms;
        if lag > 0 || self.quirks.ties == Ties::Shuffled {
            let seen = self
                .store
                .all()
                .filter_map(|customer| customer.seen(context.now_ms, lag));
            return Ok(self.page(seen.collect(), page, Told::ByListing, context));
        }
        let ids = self.store.page(page).into_iter();
        let customers: Vec<&Customer> = ids.filter_map(|id| self.store.get(id)).collect();
        let total = self.total(Told::ByListing, self.store.len(), customers.len());
        Ok(self.listing(customers, total))
    }

    fn search(&self, body: &[u8], context: Context) -> Result<Reply, Problem> {
        let query = Query::read(&validate::json(body)?, &self.quirks)?;
        let lag = self.quirks.search_lag_ms;
        let found = query.matches(&self.store, &self.quirks, |customer| {
            customer.seen(context.now_ms, lag)
        });
        Ok(self.page(found, query.page, Told::BySearch, context))
    }

    fn total(&self, told: Told, fitting: usize, shown: usize) -> Option<usize> {
        match (self.quirks.total, told) {
            (Total::Absent, _) | (Total::AbsentInList, Told::ByListing) => None,
            (Total::OneMore, _) => Some(fitting + 1),
            (Total::AccountInSearch, Told::BySearch) => Some(self.store.len()),
            (Total::OfPage, _) => Some(shown),
            (Total::Present | Total::AbsentInList | Total::AccountInSearch, _) => Some(fitting),
        }
    }

    /// Sorts customers and cuts out the page.
    fn page(
        &self,
        mut customers: Vec<&Customer>,
        page: Page,
        told: Told,
        context: Context,
    ) -> Reply {
        let fitting = customers.len();
        self.sort(&mut customers, page.sort, context);
        let cut: Vec<&Customer> = customers
            .into_iter()
            .skip(page.offset)
            .take(page.limit)
            .collect();
        let total = self.total(told, fitting, cut.len());
        self.listing(cut, total)
    }

    fn sort(&self, customers: &mut [&Customer], sort: Sort, context: Context) {
        let tie = |id| match self.quirks.ties {
            Ties::Stable => id,
            Ties::Shuffled => draw(context.draw, id, 0),
        };
        customers.sort_by_key(|customer| (customer.date(sort.by), tie(customer.id)));
        if sort.descending {
            customers.reverse();
        }
    }

    fn listing(&self, customers: Vec<&Customer>, total: Option<usize>) -> Reply {
        let data = customers
            .into_iter()
            .map(|customer| self.shown(customer, true))
            .collect();
        Reply::json(StatusCode::OK, &Listing { data, total })
    }

    fn change(
        &mut self,
        id: u64,
        write: &Write,
        rules: Rules,
        context: Context,
    ) -> Result<(), Problem> {
        let mut customer = self.store.get(id).cloned().ok_or(Problem::NoCustomer)?;
        if self.steals_user_id(id, write) {
            return Err(taken_user_id("userId"));
        }
        self.pen(rules).apply(write, &mut customer);
        self.put(customer, context);
        Ok(())
    }

    /// Stores a customer who was just written, and keeps what lagging views still show of him.
    pub(super) fn put(&mut self, mut customer: Customer, context: Context) -> u64 {
        customer.written(self.store.get(customer.id), context.now_ms);
        let lag = self.quirks.search_lag_ms.max(self.quirks.list_lag_ms);
        customer.forget_former(context.now_ms, lag);
        self.store.insert(customer)
    }

    fn steals_user_id(&self, id: u64, write: &Write) -> bool {
        self.quirks.update_taken_user_id == Verdict::Refuse
            && write
                .user_id()
                .is_some_and(|user_id| self.store.with_user_id(user_id).any(|other| other != id))
    }

    fn pen(&mut self, rules: Rules) -> Pen<'_> {
        Pen {
            quirks: &self.quirks,
            book: &mut self.store.tags,
            rules,
        }
    }
}

fn taken_user_id(code: &str) -> Problem {
    Problem::of(user_id_complaint(code))
}

fn user_id_complaint(code: &str) -> Complaint {
    Complaint::new(code, "This value is already used.")
}
