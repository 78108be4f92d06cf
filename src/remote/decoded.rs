//! Customers on their way into a reading, and what is learned of them all.

use std::borrow::Borrow;
use std::io;

use crate::domain::{CustomValue, CustomerId, KindCounts, RemoteCustomer, Reported};
use crate::plan::fingerprint::Fingerprinter;
use crate::plan::previewer::KnownNames;

use super::index::{Entry, Place};
use super::reading::ReadingError;

/// Distinct tag and property names that are remembered; more are no help in finding typing errors.
const MAX_NAMES: usize = 100_000;

/// Customers that were decoded apart from the reading that they are for, such as on another thread.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DecodedCustomers {
    pub(super) entries: Vec<Entry>,
    pub(super) names: KnownNames,
    pub(super) is_silent: bool,
}

impl DecodedCustomers {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds a customer whose record stands there.
    pub(super) fn add<T: AsRef<str> + Borrow<str> + Ord>(
        &mut self,
        customer: &RemoteCustomer<T>,
        place: Place,
        fingerprinter: Option<&Fingerprinter>,
    ) {
        learn_names(&mut self.names, customer);
        self.is_silent |= !customer.is_complete();
        let entry = Entry::new(customer, place, fingerprinter);
        self.entries.push(entry);
    }

    /// Adds a customer from its `Reading::record`.
    ///
    /// # Errors
    /// When the record is of no customer or of another.
    pub(super) fn add_record(
        &mut self,
        id: CustomerId,
        record: &[u8],
        place: Place,
        fingerprinter: Option<&Fingerprinter>,
    ) -> Result<(), ReadingError> {
        self.add(&customer(id.0, record)?, place, fingerprinter);
        Ok(())
    }
}

/// Decodes a customer from its `Reading::record`.
///
/// # Errors
/// When the record is of no customer or of another.
pub(super) fn customer(id: u64, record: &[u8]) -> Result<RemoteCustomer, ReadingError> {
    let customer: RemoteCustomer = serde_json::from_slice(record)?;
    if customer.id != CustomerId(id) {
        return Err(io::Error::other("a record is of another customer").into());
    }
    Ok(customer)
}

/// Takes note of the names of a customer's tags and properties, and of the kinds of its values.
pub(super) fn learn_names<T>(names: &mut KnownNames, customer: &RemoteCustomer<T>)
where
    T: AsRef<str> + Ord,
{
    if let Reported::Value(tags) = &customer.tags {
        for tag in tags {
            let name = tag.name.as_ref();
            if !names.tags.contains(name) && names.tags.len() < MAX_NAMES {
                names.tags.insert(name.to_owned());
            }
        }
    }
    count_kinds(names, customer, KindCounts::add);
}

pub(super) fn count_kinds<T: AsRef<str> + Ord>(
    names: &mut KnownNames,
    customer: &RemoteCustomer<T>,
    count: fn(&mut KindCounts, &CustomValue<T>),
) {
    let Reported::Value(properties) = &customer.custom_data else {
        return;
    };
    let known = &mut names.properties;
    for (name, value) in properties {
        let name = name.as_ref();
        let has_room = known.len() < MAX_NAMES;
        match known.get_mut(name) {
            Some(counts) => count(counts, value),
            None if has_room => {
                count(known.entry(name.to_owned()).or_default(), value);
            }
            None => {}
        }
    }
}

/// Adds the names that were learned elsewhere.
pub(super) fn join_names(names: &mut KnownNames, more: KnownNames) {
    for tag in more.tags {
        if names.tags.len() < MAX_NAMES {
            names.tags.insert(tag);
        }
    }
    for (name, counts) in more.properties {
        let is_known = names.properties.contains_key(&name);
        if is_known || names.properties.len() < MAX_NAMES {
            names.properties.entry(name).or_default().merge(counts);
        }
    }
}
