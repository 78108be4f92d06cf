//! What the account shows of itself on one page: how large a page may be, and tags and properties that it has.

use crate::domain::{CustomValue, CustomerId, Number, RemoteCustomer};
use crate::helpcrunch::{CallError, ListQuery, Order, Page, Sort};

use super::asking::{Asking, Halt, refusal};
use super::finding::PageSize;
use super::verdict::{USUAL_PAGE, page_size};

/// The largest page that is asked for. A larger one would save little.
const LARGEST_PAGE: u32 = 1000;
/// So many more limits are tried where the largest is refused.
const PAGES_TRIED: u32 = 3;

/// Tags that are taken from the account; with fewer, some of ours have to be taken off in between.
const MOST_TAGS: usize = 4;
/// For one to be there while another is sent.
const LEAST_TAGS: usize = 2;
const PROPERTIES: usize = 2;

/// What a property that no customer has is called: one name, so that later probes make no further one.
pub(super) const NEW_PROPERTY: &str = "hcsync_probe";

/// A tag that a probe may give its customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PoolTag {
    pub(super) name: String,
    /// Whether the account may not have it yet.
    pub(super) is_new: bool,
}

/// A property that a probe may set, with two values of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PoolProperty {
    pub(super) name: String,
    pub(super) values: [CustomValue; 2],
    pub(super) is_new: bool,
}

/// What a probe works with.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) tags: Vec<PoolTag>,
    pub(super) properties: Vec<PoolProperty>,
    /// Somebody whom a search has to find.
    pub(super) anchor: Option<CustomerId>,
}

impl Surroundings {
    fn of(customers: &[RemoteCustomer]) -> Self {
        Self {
            tags: tags(customers),
            properties: properties(customers),
            anchor: customers.first().map(|customer| customer.id),
        }
    }
}

fn tags(customers: &[RemoteCustomer]) -> Vec<PoolTag> {
    let known = customers.iter().filter_map(|c| c.tags.as_ref().ok());
    let mut pool: Vec<PoolTag> = Vec::new();
    for tag in known.flatten() {
        // It is not documented whether an API tells `VIP` from `vip`.
        let is_near = |t: &PoolTag| t.name.to_lowercase() == tag.name.to_lowercase();
        if pool.len() < MOST_TAGS && !pool.iter().any(is_near) && tag.name.trim() == tag.name {
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
    let missing = LEAST_TAGS.saturating_sub(pool.len());
    let is_free = |tag: &PoolTag| !pool.iter().any(|t| t.name == tag.name);
    let new: Vec<PoolTag> = new.into_iter().filter(is_free).take(missing).collect();
    pool.extend(new);
    pool
}

/// Properties whose type is plain come first: a text may have to be a date or one of a list.
fn properties(customers: &[RemoteCustomer]) -> Vec<PoolProperty> {
    let known = customers.iter().filter_map(|c| c.custom_data.as_ref().ok());
    let mut all: Vec<(&String, &CustomValue)> = known.flatten().collect();
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
        values: ["hcsync probe", "hcsync probe again"].map(|t| CustomValue::Text(t.to_owned())),
        is_new: true,
    }));
    pool
}

fn values_like(value: &CustomValue) -> Option<[CustomValue; 2]> {
    let number = |text| Number::parse(text).map(CustomValue::Number);
    match value {
        CustomValue::Bool(_) => Some([true, false].map(CustomValue::Bool)),
        CustomValue::Number(_) | CustomValue::Date(_) => Some([number("1")?, number("2")?]),
        CustomValue::Text(_) => {
            Some(["hcsync probe", "hcsync probe again"].map(|t| CustomValue::Text(t.to_owned())))
        }
    }
}

impl Asking<'_> {
    /// Reads one page, as large as it comes.
    pub(super) async fn look_around(&mut self) -> Result<(), Halt> {
        match self.page(LARGEST_PAGE).await? {
            Ok(page) => {
                let got = u32::try_from(page.customers.len()).unwrap_or(u32::MAX);
                let answer = page_size(LARGEST_PAGE, got, page.total);
                let total = page
                    .total
                    .map_or("an unknown number".to_owned(), |t| t.to_string());
                let evidence = format!(
                    "a listing with limit {LARGEST_PAGE} answered with {got} of {total} customers"
                );
                self.findings.largest_page = self.found(answer, evidence);
                self.account = Surroundings::of(&page.customers);
            }
            Err(error) if refusal(&error).is_some() => self.smaller_pages().await?,
            Err(error) => {
                let evidence = format!("the listing got no usable answer: {error}");
                self.findings.largest_page = self.found(None, evidence);
                self.account = Surroundings::of(&[]);
            }
        }
        Ok(())
    }

    /// The largest limit is refused: which one is not?
    async fn smaller_pages(&mut self) -> Result<(), Halt> {
        let (mut works, mut refused, mut limit) = (0, LARGEST_PAGE, USUAL_PAGE);
        for _ in 0..=PAGES_TRIED {
            match self.page(limit).await? {
                Ok(page) => {
                    works = limit;
                    self.account = Surroundings::of(&page.customers);
                }
                Err(error) if refusal(&error).is_some() => refused = limit,
                Err(_) => break,
            }
            limit = u32::midpoint(works, refused);
        }
        if self.account.tags.is_empty() {
            self.account = Surroundings::of(&[]);
        }
        let evidence = match works {
            0 => format!("a listing with limit {refused} was refused"),
            _ => format!("a listing with limit {refused} was refused, one with {works} answered"),
        };
        self.findings.largest_page =
            self.found(Some(PageSize::Refused { works, refused }), evidence);
        Ok(())
    }

    async fn page(&self, limit: u32) -> Result<Result<Page, CallError>, Halt> {
        let query = ListQuery {
            limit,
            offset: 0,
            sort: Some(Sort::FirstSeen),
            order: Order::Descending,
        };
        self.call(self.probe.client.list(&query)).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{Known, Tag};

    fn customer(tags: &[&str], properties: &[(&str, CustomValue)]) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(7));
        customer.tags = Known::Is(tags.iter().map(|t| Tag::named(*t)).collect());
        let owned = properties.iter().map(|(n, v)| ((*n).to_owned(), v.clone()));
        customer.custom_data = Known::Is(owned.collect::<BTreeMap<_, _>>());
        customer
    }

    #[test]
    fn the_accounts_own_tags_and_properties_go_first() {
        let text = CustomValue::Text("x".into());
        let all = [
            customer(
                &["vip", "VIP", "lead"],
                &[("plan", text.clone()), ("city", text)],
            ),
            customer(&["a", "b", "c"], &[("paid", CustomValue::Bool(false))]),
        ];
        let found = Surroundings::of(&all);
        let names: Vec<_> = found.tags.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["vip", "lead", "a", "b"]);
        let names: Vec<_> = found.properties.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["paid", "city"]);
        assert!(found.tags.iter().all(|t| !t.is_new));
        assert_eq!(found.anchor, Some(CustomerId(7)));
    }

    #[test]
    fn what_an_account_does_not_have_is_made_up() {
        let found = Surroundings::of(&[]);
        assert_eq!((found.tags.len(), found.properties.len()), (2, 2));
        assert!(found.tags.iter().all(|t| t.is_new) && found.properties.iter().all(|p| p.is_new));
        assert_eq!(found.anchor, None);
    }
}
