//! All customers as the API answers them, for an export.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use crate::domain::{CustomerId, Known, RemoteCustomer};
use crate::helpcrunch::{Page, ReadClient};

use super::listing::{Gathering, first_page, list_rest};
use super::reading::ReadingError;
use super::side::{ReadProgress, RemoteError};

const BUFFER: usize = 1 << 20;

#[derive(Debug, Clone, Copy)]
struct Slot {
    offset: u64,
    length: u32,
}

/// Every customer once, as it was answered last. Memory holds some dozen bytes for each, the answers are in a file.
#[derive(Debug)]
pub struct RawReading {
    out: BufWriter<File>,
    written: u64,
    slots: BTreeMap<CustomerId, Slot>,
    properties: BTreeSet<String>,
}

impl RawReading {
    /// An empty reading whose answers go to the file, which is overwritten.
    #[must_use]
    pub fn new(file: File) -> Self {
        Self {
            out: BufWriter::with_capacity(BUFFER, file),
            written: 0,
            slots: BTreeMap::new(),
            properties: BTreeSet::new(),
        }
    }

    fn put(&mut self, customer: &RemoteCustomer, raw: &str) -> Result<(), ReadingError> {
        let line = compact(raw);
        self.out.write_all(&line)?;
        let slot = Slot {
            offset: self.written,
            length: u32::try_from(line.len()).map_err(io::Error::other)?,
        };
        self.written += line.len() as u64;
        self.slots.insert(customer.id, slot);
        if let Known::Is(properties) = &customer.custom_data {
            for name in properties.keys() {
                if !self.properties.contains(name) {
                    self.properties.insert(name.clone());
                }
            }
        }
        Ok(())
    }

    /// Number of distinct customers.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.slots.len() as u64
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Names of the custom properties that any customer has.
    #[must_use]
    pub fn properties(&self) -> &BTreeSet<String> {
        &self.properties
    }

    /// Goes over the answers by ascending id, each as JSON on one line without its end.
    ///
    /// # Errors
    /// When the file cannot be read, or what `take` answers.
    pub fn each<E: From<io::Error>>(
        self,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let file = self.out.into_inner().map_err(|e| e.into_error())?;
        let mut input = BufReader::with_capacity(BUFFER, file);
        input.seek(SeekFrom::Start(0))?;
        let mut at = 0;
        let mut line = Vec::new();
        for slot in self.slots.values() {
            // Mostly the next one, for which nothing but the buffer is needed.
            input.seek_relative(distance(at, slot.offset))?;
            line.resize(slot.length as usize, 0);
            input.read_exact(&mut line)?;
            at = slot.offset + u64::from(slot.length);
            take(&line)?;
        }
        Ok(())
    }
}

fn distance(from: u64, to: u64) -> i64 {
    let (from, to) = (i64::try_from(from), i64::try_from(to));
    to.unwrap_or(i64::MAX)
        .saturating_sub(from.unwrap_or(i64::MAX))
}

impl Gathering for RawReading {
    fn put_page(&mut self, page: &Page) -> Result<(), ReadingError> {
        let answers = page.customers.iter().zip(&page.raw);
        answers
            .into_iter()
            .try_for_each(|(customer, raw)| self.put(customer, raw.get()))
    }

    fn known(&self) -> u64 {
        self.len()
    }

    fn known_ids(&self) -> Vec<CustomerId> {
        self.slots.keys().copied().collect()
    }
}

/// Reads all customers, as complete as for a plan; `file` holds their answers.
///
/// # Errors
/// When a request got no usable answer, or the file cannot be written.
pub async fn list_raw(
    client: &ReadClient,
    file: File,
    progress: &dyn ReadProgress,
) -> Result<RawReading, RemoteError> {
    let mut reading = RawReading::new(file);
    let first = first_page(client).await?;
    list_rest(client, &first, &mut reading, progress).await?;
    Ok(reading)
}

/// The JSON without the spaces and line ends between its parts; every other byte stays as it is.
fn compact(json: &str) -> Vec<u8> {
    let mut compact = Vec::with_capacity(json.len());
    let (mut quoted, mut escaped) = (false, false);
    for byte in json.bytes() {
        if quoted {
            quoted = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            continue;
        } else {
            quoted = byte == b'"';
        }
        compact.push(byte);
    }
    compact
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::helpcrunch::decode_customer;

    #[test]
    fn spaces_go_and_everything_else_stays() {
        let pretty = "{ \"id\" : 1,\r\n\t\"name\": \"a  \\\" b \\\\\" , \"n\": 1.50e+3 }";
        assert_eq!(
            String::from_utf8(compact(pretty)).unwrap(),
            "{\"id\":1,\"name\":\"a  \\\" b \\\\\",\"n\":1.50e+3}"
        );
    }

    proptest! {
        #[test]
        fn what_is_compact_means_the_same(name in "\\PC{0,20}|[\"\\\\ \n]{0,8}", number: f64) {
            let value = json!({ "id": 1, &name: [name, number, null, {"a b": " \" "}] });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            let line = compact(&pretty);
            prop_assert!(!line.contains(&b'\n'));
            prop_assert_eq!(String::from_utf8(line).unwrap(), value.to_string());
        }
    }

    #[test]
    fn each_customer_comes_once_as_it_was_answered_last() {
        let mut reading = RawReading::new(tempfile::tempfile().unwrap());
        for (id, name) in [(9, "i"), (2, "first"), (5, "e"), (2, "last")] {
            let raw = json!({"id": id, "name": name, "customData": {name: 1}}).to_string();
            let customer = decode_customer(raw.as_bytes()).unwrap();
            reading.put(&customer, &raw).unwrap();
        }
        assert_eq!(reading.len(), 3);
        assert_eq!(reading.known_ids(), [2, 5, 9].map(CustomerId));
        assert!(reading.properties().contains("first"));
        let mut names = Vec::new();
        let each = reading.each(|line| {
            let customer: Value = serde_json::from_slice(line)?;
            names.push(customer["name"].as_str().unwrap().to_owned());
            Ok::<_, io::Error>(())
        });
        each.unwrap();
        assert_eq!(names, ["last", "e", "i"]);
    }
}
