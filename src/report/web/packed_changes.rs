use std::collections::BTreeSet;
use std::io::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};

use super::super::changes::LaneFacts;
use super::super::place::key_parts;
use super::super::terminal::clean;
use crate::domain::{Field, FieldKind};

/// Changes in a block: the first block is shown while the others are unpacked.
const BLOCK: usize = 2_000;
/// Changes in a page. Unpacked, more would take too much of a browser's memory.
const MAX_CHANGES: u64 = 200_000;
/// Characters of a value.
const MAX_VALUE: usize = 100_000;
/// Fields that the filter offers.
const MAX_FIELDS: usize = 500;

/// Which values of customers a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShownValues {
    /// None, and no keys: the fields that change, and the ids of customers.
    None,
    /// Those that change, and the keys of their rows.
    #[default]
    Changed,
    /// Those, and rejected rows as they are in the input.
    All,
}

/// Changes in compressed blocks, as a page unpacks them.
#[derive(Debug, Default)]
pub struct PackedChanges {
    pub(super) values: ShownValues,
    pub(super) sources: Vec<String>,
    pub(super) blocks: Vec<String>,
    pub(super) listed: u64,
    pub(super) left_out: u64,
    pub(super) operations: BTreeSet<&'static str>,
    pub(super) fields: BTreeSet<String>,
    pub(super) statuses: BTreeSet<String>,
    block: Vec<Json>,
}

impl PackedChanges {
    #[must_use]
    pub fn new(values: ShownValues) -> Self {
        Self {
            values,
            ..Self::default()
        }
    }

    /// Adds the changes of a customer.
    pub fn add(&mut self, lane: &LaneFacts<'_>) -> io::Result<()> {
        for change in lane.changes() {
            if self.listed >= MAX_CHANGES {
                self.left_out += 1;
                continue;
            }
            self.listed += 1;
            let keys = key_parts(&change.key);
            let key: Vec<_> = keys
                .iter()
                .map(|(name, text)| format!("{name} {text}"))
                .collect();
            let has_values = self.values != ShownValues::None;
            let is_date = Field::ALL
                .iter()
                .any(|field| field.kind() == FieldKind::Date && field.name() == change.field);
            let value = |value: &Json| {
                let date = is_date.then(|| date(value)).flatten();
                date.or_else(|| text(value)).filter(|_| has_values)
            };
            let status = change.status.map(|status| word(&status));
            let field = clean(&change.field).into_owned();
            if self.fields.len() < MAX_FIELDS {
                self.fields.insert(field.clone());
            }
            self.operations.insert(change.op.as_str());
            self.statuses.extend(status.clone());
            let source = self.source(&change.source);
            let key = if has_values {
                key.join(", ")
            } else {
                String::new()
            };
            self.block.push(json!([
                source,
                change.line,
                change.customer_id,
                clean(&key),
                change.op.as_str(),
                field,
                value(&change.old),
                value(&change.new),
                status,
            ]));
            if self.block.len() >= BLOCK {
                self.pack()?;
            }
        }
        Ok(())
    }

    /// Packs what is left.
    pub fn finish(&mut self) -> io::Result<()> {
        match self.block.is_empty() {
            true => Ok(()),
            false => self.pack(),
        }
    }

    fn pack(&mut self) -> io::Result<()> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        serde_json::to_writer(&mut packed, &self.block).map_err(io::Error::from)?;
        packed.flush()?;
        self.blocks.push(STANDARD.encode(packed.finish()?));
        self.block.clear();
        Ok(())
    }

    fn source(&mut self, name: &str) -> usize {
        let name = clean(name);
        match self.sources.iter().position(|known| *known == name) {
            Some(index) => index,
            None => {
                self.sources.push(name.into_owned());
                self.sources.len() - 1
            }
        }
    }
}

/// UNIX seconds as a time for people.
fn date(value: &Json) -> Option<String> {
    let at = jiff::Timestamp::from_second(value.as_i64()?);
    at.ok().map(|at| at.to_string())
}

/// A value as text, with hidden characters escaped; `None` for no value.
fn text(value: &Json) -> Option<String> {
    let text = match value {
        Json::Null => return None,
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = match text.char_indices().nth(MAX_VALUE) {
        None => text,
        Some((end, _)) => format!(
            "{}… (cut here: {} characters)",
            text.get(..end).unwrap_or_default(),
            text.chars().count()
        ),
    };
    Some(clean(&text).into_owned())
}

/// The word that an enum is in JSON.
fn word(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::super::super::samples;
    use super::*;
    use crate::domain::Value;
    use crate::plan::{Lane, Operation};

    pub(in super::super) fn unpacked(blocks: &[String]) -> Vec<Json> {
        let block = |base64: &String| -> Vec<Json> {
            let packed = STANDARD.decode(base64).unwrap();
            let mut text = String::new();
            let mut plain = GzDecoder::new(packed.as_slice());
            plain.read_to_string(&mut text).unwrap();
            serde_json::from_str(&text).unwrap()
        };
        blocks.iter().flat_map(block).collect()
    }

    pub(in super::super) fn packed(values: ShownValues, lanes: &[Lane]) -> PackedChanges {
        let mut changes = PackedChanges::new(values);
        for lane in lanes {
            let facts = LaneFacts {
                lane,
                source: "customers.csv",
                line: 3,
                result: None,
            };
            changes.add(&facts).unwrap();
        }
        changes.finish().unwrap();
        changes
    }

    /// The sample of a patch with other texts as its new values.
    pub(in super::super) fn lane(text: &str) -> Lane {
        let mut lane = samples::patch_lane();
        for operation in &mut lane.operations {
            if let Operation::Patch(patch) = operation {
                for change in &mut patch.set {
                    change.to = Some(Value::Text(text.to_owned()));
                }
            }
        }
        lane
    }

    #[test]
    fn changes_unpack_to_what_they_were() {
        let lanes: Vec<Lane> = (0..1_500).map(|n| lane(&format!("name {n}"))).collect();
        let changes = packed(ShownValues::Changed, &lanes);
        let rows = unpacked(&changes.blocks);
        assert_eq!(rows.len() as u64, changes.listed);
        assert_eq!(changes.blocks.len(), rows.len().div_ceil(BLOCK));
        let text = rows.last().unwrap().to_string();
        let names = rows
            .iter()
            .filter(|row| row[7].as_str().is_some_and(|t| t.starts_with("name ")));
        assert!(names.count() >= 1_500, "{text}");
        assert_eq!(changes.sources, ["customers.csv"]);
        assert!(changes.operations.contains("patch"));
    }

    #[test]
    fn without_values_neither_values_nor_keys_are_in_it() {
        let changes = packed(ShownValues::None, &[lane("Secretson")]);
        let text = format!("{:?}", unpacked(&changes.blocks));
        assert!(!text.contains("Secretson") && !text.contains('@'), "{text}");
        for row in unpacked(&changes.blocks) {
            assert_eq!(
                (&row[3], &row[6], &row[7]),
                (&json!(""), &Json::Null, &Json::Null)
            );
        }
    }

    #[test]
    fn values_are_cut_where_they_are_endless_and_hide_nothing() {
        let long = "x".repeat(5_000_000);
        let changes = packed(ShownValues::Changed, &[lane(&long), lane("a\u{202e}b")]);
        let rows = unpacked(&changes.blocks);
        let texts: Vec<&str> = rows.iter().filter_map(|row| row[7].as_str()).collect();
        assert!(
            texts
                .iter()
                .any(|t| t.ends_with("(cut here: 5000000 characters)"))
        );
        assert!(texts.iter().all(|t| t.len() < 2 * MAX_VALUE));
        assert!(texts.contains(&"a\\u{202e}b"), "{}", texts.len());
    }
}
