//! All customers of the account, indexed so that listings and searches stay fast with 200,000 of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::customer::Customer;
use super::field::{DateField, TextField};
use super::given::GivenCustomer;
use super::page::PageRequest;
use super::quirks::Quirks;
use super::tags::TagBook;

/// The two documented ways to sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SortOrder {
    pub(super) by: DateField,
    pub(super) descending: bool,
}

impl Default for SortOrder {
    fn default() -> Self {
        Self {
            by: DateField::FirstSeen,
            descending: false,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct CustomerStore {
    customers: BTreeMap<u64, Customer>,
    by_user_id: BTreeSet<(Box<str>, u64)>,
    by_email: BTreeSet<(Box<str>, u64)>,
    by_first_seen: BTreeSet<(Option<i64>, u64)>,
    by_last_seen: BTreeSet<(Option<i64>, u64)>,
    highest_id: u64,
    /// Cached ids sorted by one of the dates. A change to the dates clears it.
    order: Option<(DateField, Vec<u64>)>,
    pub(super) tags: TagBook,
}

impl CustomerStore {
    pub(super) fn len(&self) -> usize {
        self.customers.len()
    }

    pub(super) fn get(&self, id: u64) -> Option<&Customer> {
        self.customers.get(&id)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Customer> {
        self.customers.values()
    }

    pub(super) fn within(&self, ids: RangeInclusive<u64>) -> impl Iterator<Item = &Customer> {
        // `BTreeMap::range` panics if the start is greater than the end.
        let ids = if ids.is_empty() { 0..=0 } else { ids };
        self.customers.range(ids).map(|(_, customer)| customer)
    }

    pub(super) fn next_id(&self) -> u64 {
        self.highest_id.saturating_add(1)
    }

    /// Adds a customer unchanged and returns its id. One without an id gets the next one. Fails if the id is taken.
    pub(super) fn add(&mut self, given: GivenCustomer, quirks: &Quirks) -> Result<u64, u64> {
        let GivenCustomer { mut customer, tags } = given;
        if customer.id == 0 {
            customer.id = self.next_id();
        }
        if self.customers.contains_key(&customer.id) {
            return Err(customer.id);
        }
        for tag in &tags {
            let number = self.tags.ensure(tag, quirks);
            if !customer.tags.contains(&number) {
                customer.tags.push(number);
            }
        }
        Ok(self.insert(customer))
    }

    pub(super) fn insert(&mut self, customer: Customer) -> u64 {
        let id = customer.id;
        let dates = (customer.first_seen, customer.last_seen);
        let old = self.unindex(id);
        if old.is_none_or(|old| (old.first_seen, old.last_seen) != dates) {
            self.order = None;
        }
        self.highest_id = self.highest_id.max(id);
        if let Some(user_id) = customer.text(TextField::UserId) {
            self.by_user_id.insert((user_id.into(), id));
        }
        if let Some(email) = customer.text(TextField::Email) {
            self.by_email.insert((email.to_lowercase().into(), id));
        }
        self.by_first_seen.insert((customer.first_seen, id));
        self.by_last_seen.insert((customer.last_seen, id));
        self.customers.insert(id, customer);
        id
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Customer> {
        let customer = self.unindex(id)?;
        self.order = None;
        Some(customer)
    }

    fn unindex(&mut self, id: u64) -> Option<Customer> {
        let customer = self.customers.remove(&id)?;
        if let Some(user_id) = customer.text(TextField::UserId) {
            self.by_user_id.remove(&(user_id.into(), id));
        }
        if let Some(email) = customer.text(TextField::Email) {
            self.by_email.remove(&(email.to_lowercase().into(), id));
        }
        self.by_first_seen.remove(&(customer.first_seen, id));
        self.by_last_seen.remove(&(customer.last_seen, id));
        Some(customer)
    }

    pub(super) fn with_user_id(&self, user_id: &str) -> impl Iterator<Item = u64> {
        same_text(&self.by_user_id, user_id.into())
    }

    /// Ignores the case of the address.
    pub(super) fn with_email(&self, email: &str) -> impl Iterator<Item = u64> {
        same_text(&self.by_email, email.to_lowercase().into())
    }

    /// Returns the ids of one page. Customers with the same date are sorted by id.
    pub(super) fn page(&mut self, page: PageRequest) -> Vec<u64> {
        let PageRequest {
            limit,
            offset,
            sort,
        } = page;
        let order = match self.order.take() {
            Some((by, ids)) if by == sort.by => ids,
            _ => self.ordered(sort.by),
        };
        let (_, ids) = self.order.insert((sort.by, order));
        if sort.descending {
            ids.iter().rev().skip(offset).take(limit).copied().collect()
        } else {
            ids.iter().skip(offset).take(limit).copied().collect()
        }
    }

    fn ordered(&self, by: DateField) -> Vec<u64> {
        let index = match by {
            DateField::FirstSeen => &self.by_first_seen,
            DateField::LastSeen => &self.by_last_seen,
        };
        index.iter().map(|(_, id)| *id).collect()
    }
}

fn same_text(index: &BTreeSet<(Box<str>, u64)>, text: Box<str>) -> impl Iterator<Item = u64> {
    index
        .range((text.clone(), 0)..=(text, u64::MAX))
        .map(|(_, id)| *id)
}
