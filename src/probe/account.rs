//! What one page of customers shows of the account: how large a page may be, and which tags and properties exist.

use crate::domain::{CustomValue, CustomerId, Number, RemoteCustomer};
use crate::helpcrunch::{CallError, CustomerPage, ListQuery, SortField, SortOrder};

use super::finding::PageSize;
use super::session::{Halt, ProbeSession, refusal};
use super::verdict::{DOCUMENTED_PAGE, page_size};

/// The largest page that is requested. A larger one would save little.
const MAX_PAGE: u32 = 1000;
/// Number of further limits that are tried if the largest is refused.
const PAGE_TRIES: u32 = 3;

/// Tags taken from the account. With fewer, some have to be removed from the customer between two trials.
const MAX_TAGS: usize = 4;
/// One that the customer has, and one to send.
const MIN_TAGS: usize = 2;
const PROPERTIES: usize = 2;

/// Name of a property that no customer has. It is fixed, so that later probes do not define another one.
pub(super) const NEW_PROPERTY: &str = "hcsync_probe";

/// A tag that a probe may give its customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PoolTag {
    pub(super) name: String,
    /// The account may not have it yet.
    pub(super) is_new: bool,
}

/// A property that a probe may set, with two values of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PoolProperty {
    pub(super) name: String,
    pub(super) values: [CustomValue; 2],
    pub(super) is_new: bool,
}

/// Tags and properties for the probe's customer, taken from the account as far as possible.
#[derive(Debug, Default)]
pub(super) struct AccountSample {
    pub(super) tags: Vec<PoolTag>,
    pub(super) properties: Vec<PoolProperty>,
    /// An existing customer, which a search has to find.
    pub(super) anchor: Option<CustomerId>,
}

impl AccountSample {
    fn of(customers: &[RemoteCustomer]) -> Self {
        Self {
            tags: tags(customers),
            properties: properties(customers),
            anchor: customers.first().map(|customer| customer.id),
        }
    }
}

fn tags(customers: &[RemoteCustomer]) -> Vec<PoolTag> {
    let existing = customers.iter().filter_map(|c| c.tags.as_ref().ok());
    let mut pool: Vec<PoolTag> = Vec::new();
    for tag in existing.flatten() {
        // It is not documented whether `VIP` and `vip` are different tags.
        let is_near = |t: &PoolTag| t.name.to_lowercase() == tag.name.to_lowercase();
        if pool.len() < MAX_TAGS && !pool.iter().any(is_near) && tag.name.trim() == tag.name {
            pool.push(PoolTag {
                name: tag.name.clone(),
                is_new: false,
            });
        }
    }
    let new = ["hcsync-probe", "hcsync-probe-2"].map(|name| PoolTag {
        name: name.to_owned(),
        is_new: true,
    });
    let missing = MIN_TAGS.saturating_sub(pool.len());
    let is_free = |tag: &PoolTag| !pool.iter().any(|t| t.name == tag.name);
    let new: Vec<PoolTag> = new.into_iter().filter(is_free).take(missing).collect();
    pool.extend(new);
    pool
}

/// Texts come last, since the API may accept only dates or the items of a list for such a property.
fn properties(customers: &[RemoteCustomer]) -> Vec<PoolProperty> {
    let existing = customers.iter().filter_map(|c| c.custom_data.as_ref().ok());
    let mut all: Vec<(&String, &CustomValue)> = existing.flatten().collect();
    all.sort_by_key(|(_, value)| matches!(value, CustomValue::Text(_)));
    let mut pool: Vec<PoolProperty> = Vec::new();
    for (name, value) in all {
        let is_taken = pool.iter().any(|p| p.name == *name) || name.starts_with(NEW_PROPERTY);
        if pool.len() < PROPERTIES && !is_taken {
            pool.extend(values_like(value).map(|values| PoolProperty {
                name: name.clone(),
                values,
                is_new: false,
            }));
        }
    }
    let new = [NEW_PROPERTY.to_owned(), format!("{NEW_PROPERTY}_2")];
    let new = new.into_iter().take(PROPERTIES.saturating_sub(pool.len()));
    pool.extend(new.map(|name| PoolProperty {
        name,
        values: texts(),
        is_new: true,
    }));
    pool
}

fn values_like(value: &CustomValue) -> Option<[CustomValue; 2]> {
    let number = |text| Number::parse(text).map(CustomValue::Number);
    match value {
        CustomValue::Bool(_) => Some([true, false].map(CustomValue::Bool)),
        CustomValue::Number(_) | CustomValue::Date(_) => Some([number("1")?, number("2")?]),
        CustomValue::Text(_) => Some(texts()),
    }
}

fn texts() -> [CustomValue; 2] {
    ["hcsync probe", "hcsync probe again"].map(|text| CustomValue::Text(text.to_owned()))
}

impl ProbeSession<'_> {
    /// Reads one page, as large as the API returns it.
    pub(super) async fn sample_account(&mut self) -> Result<(), Halt> {
        match self.page(MAX_PAGE).await? {
            Ok(page) => {
                let got = u32::try_from(page.customers.len()).unwrap_or(u32::MAX);
                let answer = page_size(MAX_PAGE, got, page.total);
                let total = page
                    .total
                    .map_or("an unknown number".to_owned(), |t| t.to_string());
                let evidence = format!(
                    "a listing with limit {MAX_PAGE} answered with {got} of {total} customers"
                );
                self.findings.largest_page = self.finding(answer, evidence);
                self.account = AccountSample::of(&page.customers);
            }
            Err(error) if refusal(&error).is_some() => self.try_smaller_pages().await?,
            Err(error) => {
                let evidence = format!("the listing got no usable answer: {error}");
                self.findings.largest_page = self.finding(None, evidence);
                self.account = AccountSample::of(&[]);
            }
        }
        Ok(())
    }

    /// Narrows down which limit is accepted after the largest was refused.
    async fn try_smaller_pages(&mut self) -> Result<(), Halt> {
        let (mut works, mut refused, mut limit) = (0, MAX_PAGE, DOCUMENTED_PAGE);
        for _ in 0..=PAGE_TRIES {
            match self.page(limit).await? {
                Ok(page) => {
                    works = limit;
                    self.account = AccountSample::of(&page.customers);
                }
                Err(error) if refusal(&error).is_some() => refused = limit,
                Err(_) => break,
            }
            limit = u32::midpoint(works, refused);
        }
        if self.account.tags.is_empty() {
            self.account = AccountSample::of(&[]);
        }
        let evidence = match works {
            0 => format!("a listing with limit {refused} was refused"),
            _ => format!("a listing with limit {refused} was refused, one with {works} answered"),
        };
        self.findings.largest_page =
            self.finding(Some(PageSize::Refused { works, refused }), evidence);
        Ok(())
    }

    async fn page(&self, limit: u32) -> Result<Result<CustomerPage, CallError>, Halt> {
        let query = ListQuery {
            limit,
            offset: 0,
            sort: Some(SortField::FirstSeen),
            order: SortOrder::Descending,
        };
        self.call(self.probe.client.list(&query)).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{Reported, Tag};

    fn customer(tags: &[&str], properties: &[(&str, CustomValue)]) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(7));
        customer.tags = Reported::Value(tags.iter().map(|t| Tag::named(*t)).collect());
        let owned = properties.iter().map(|(n, v)| ((*n).to_owned(), v.clone()));
        customer.custom_data = Reported::Value(owned.collect::<BTreeMap<_, _>>());
        customer
    }

    #[test]
    fn the_accounts_own_tags_and_properties_come_first() {
        let text = CustomValue::Text("x".into());
        let all = [
            customer(
                &["vip", "VIP", "lead"],
                &[("plan", text.clone()), ("city", text)],
            ),
            customer(&["a", "b", "c"], &[("paid", CustomValue::Bool(false))]),
        ];
        let sample = AccountSample::of(&all);
        let names: Vec<_> = sample.tags.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["vip", "lead", "a", "b"]);
        let names: Vec<_> = sample.properties.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["paid", "city"]);
        assert!(sample.tags.iter().all(|t| !t.is_new));
        assert_eq!(sample.anchor, Some(CustomerId(7)));
    }

    #[test]
    fn an_empty_account_gets_new_tags_and_properties() {
        let sample = AccountSample::of(&[]);
        assert_eq!((sample.tags.len(), sample.properties.len()), (2, 2));
        assert!(sample.tags.iter().all(|t| t.is_new));
        assert!(sample.properties.iter().all(|p| p.is_new));
        assert_eq!(sample.anchor, None);
    }
}
