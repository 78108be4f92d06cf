//! All customers exactly as the API returned them, for an export.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use crate::domain::{CustomerId, RemoteCustomer, Reported, email_eq, email_spellings};
use crate::helpcrunch::{CallError, CustomerPage, Filter, ReadClient, Search, Term};

use super::listing::{CustomerSink, first_page, list_rest};
use super::reading::ReadingError;
use super::side::{ReadProgress, RemoteError};

const BUFFER: usize = 1 << 20;

/// Where a customer's line is in the file.
#[derive(Debug, Clone, Copy)]
struct LineRange {
    offset: u64,
    length: u32,
}

/// Each customer once, as it was last returned. The lines are in a file; memory holds a few dozen bytes per customer.
#[derive(Debug)]
pub struct RawReading {
    out: BufWriter<File>,
    written: u64,
    lines: BTreeMap<CustomerId, LineRange>,
    properties: BTreeSet<String>,
}

impl RawReading {
    /// Creates an empty reading that overwrites the file.
    #[must_use]
    pub fn new(file: File) -> Self {
        Self {
            out: BufWriter::with_capacity(BUFFER, file),
            written: 0,
            lines: BTreeMap::new(),
            properties: BTreeSet::new(),
        }
    }

    fn put(&mut self, customer: &RemoteCustomer, raw: &str) -> Result<(), ReadingError> {
        let line = compact(raw);
        self.out.write_all(&line)?;
        let range = LineRange {
            offset: self.written,
            length: u32::try_from(line.len()).map_err(io::Error::other)?,
        };
        self.written += line.len() as u64;
        self.lines.insert(customer.id, range);
        if let Reported::Value(properties) = &customer.custom_data {
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
        self.lines.len() as u64
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Names of the custom properties that any customer has.
    #[must_use]
    pub fn properties(&self) -> &BTreeSet<String> {
        &self.properties
    }

    /// Passes each customer to `visit` by ascending id, as JSON on one line without the line end.
    pub fn for_each<E: From<io::Error>>(
        self,
        mut visit: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let file = self.out.into_inner().map_err(|e| e.into_error())?;
        let mut input = BufReader::with_capacity(BUFFER, file);
        input.seek(SeekFrom::Start(0))?;
        let mut at = 0;
        let mut line = Vec::new();
        for range in self.lines.values() {
            // Mostly the next line, so the seek stays within the buffer.
            input.seek_relative(distance(at, range.offset))?;
            line.resize(range.length as usize, 0);
            input.read_exact(&mut line)?;
            at = range.offset + u64::from(range.length);
            visit(&line)?;
        }
        Ok(())
    }
}

fn distance(from: u64, to: u64) -> i64 {
    let (from, to) = (i64::try_from(from), i64::try_from(to));
    to.unwrap_or(i64::MAX)
        .saturating_sub(from.unwrap_or(i64::MAX))
}

impl CustomerSink for RawReading {
    fn put_page(&mut self, page: &CustomerPage) -> Result<(), ReadingError> {
        let mut answers = page.customers.iter().zip(&page.raw);
        answers.try_for_each(|(customer, raw)| self.put(customer, raw.get()))
    }

    fn count(&self) -> u64 {
        self.len()
    }

    fn sorted_ids(&self) -> Result<Vec<CustomerId>, ReadingError> {
        Ok(self.lines.keys().copied().collect())
    }
}

/// Reads all customers as completely as for a plan. `file` receives them as they were returned.
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

/// Reads the customers with an e-mail address, in any case as far as search finds them.
pub async fn find_raw(
    client: &ReadClient,
    file: File,
    email: &str,
) -> Result<RawReading, RemoteError> {
    let mut reading = RawReading::new(file);
    for (customer, raw) in customers_with_email(client, email).await? {
        reading.put(&customer, &raw)?;
    }
    Ok(reading)
}

/// The customers with an e-mail address, each as read and as answered. A 404 of a search means that there is none.
pub async fn customers_with_email(
    client: &ReadClient,
    email: &str,
) -> Result<Vec<(RemoteCustomer, String)>, CallError> {
    let spellings = email_spellings(email).into_iter();
    let filters = spellings.map(|text| Filter::equal(Term::Email(text)));
    let page = match client.search(&Search::any(filters.collect())).await.result {
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        page => page?,
    };
    let answers = page.customers.into_iter().zip(page.raw);
    let answers = answers.map(|(customer, raw)| (customer, raw.get().to_owned()));
    // A search whose filters are ignored answers with any customers.
    let is_theirs =
        |customer: &RemoteCustomer| customer.email().is_some_and(|found| email_eq(found, email));
    Ok(answers
        .filter(|(customer, _)| is_theirs(customer))
        .collect())
}

/// Removes the white space between the tokens of a JSON text. All other bytes stay as they are.
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
    fn only_white_space_between_tokens_is_removed() {
        let pretty = "{ \"id\" : 1,\r\n\t\"name\": \"a  \\\" b \\\\\" , \"n\": 1.50e+3 }";
        assert_eq!(
            String::from_utf8(compact(pretty)).unwrap(),
            "{\"id\":1,\"name\":\"a  \\\" b \\\\\",\"n\":1.50e+3}"
        );
    }

    proptest! {
        #[test]
        fn compact_json_means_the_same(name in "\\PC{0,20}|[\"\\\\ \n]{0,8}", number: f64) {
            let value = json!({ "id": 1, &name: [name, number, null, {"a b": " \" "}] });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            let line = compact(&pretty);
            prop_assert!(!line.contains(&b'\n'));
            prop_assert_eq!(String::from_utf8(line).unwrap(), value.to_string());
        }
    }

    #[test]
    fn each_customer_comes_once_as_it_was_last_returned() {
        let mut reading = RawReading::new(tempfile::tempfile().unwrap());
        for (id, name) in [(9, "i"), (2, "first"), (5, "e"), (2, "last")] {
            let raw = json!({"id": id, "name": name, "customData": {name: 1}}).to_string();
            let customer = decode_customer(raw.as_bytes()).unwrap();
            reading.put(&customer, &raw).unwrap();
        }
        assert_eq!(reading.len(), 3);
        assert_eq!(reading.sorted_ids().unwrap(), [2, 5, 9].map(CustomerId));
        assert!(reading.properties().contains("first"));
        let mut names = Vec::new();
        let visited = reading.for_each(|line| {
            let customer: Value = serde_json::from_slice(line)?;
            names.push(customer["name"].as_str().unwrap().to_owned());
            Ok::<_, io::Error>(())
        });
        visited.unwrap();
        assert_eq!(names, ["last", "e", "i"]);
    }
}
