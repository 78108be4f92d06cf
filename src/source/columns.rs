use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use serde_json::value::RawValue;

use crate::domain::{Columns, RowNumber};

use super::RESERVED_COLUMNS;
use super::error::SourceError;
use super::json_numbers::with_words_quoted;
use super::open::InputFile;
use super::raw_members::Property;
use super::reader::Reader;
use super::settings::SourceSettings;

/// More member names than this are data used as names.
const MAX_NAMES: usize = 10_000;

/// Returns the columns of an input: the header of a table, or the names of all members of JSON objects in the order of their
/// first appearance, which takes a pass over the whole input. The members of a nested object have dotted names:
/// `customData.plan`.
///
/// # Errors
/// If reading the input fails or there are more than 10,000 names.
pub fn scan_columns(
    input: &InputFile,
    settings: &SourceSettings,
) -> Result<Arc<Columns>, SourceError> {
    let reader = Reader::open(input, settings, 0, RowNumber(1))?;
    columns_of(reader)
}

fn columns_of(mut reader: Reader) -> Result<Arc<Columns>, SourceError> {
    if reader.dialect().format.is_table() {
        return Ok(Arc::clone(reader.columns()));
    }
    let mut names = ColumnNames::default();
    while let Some(text) = reader.next_text()? {
        // Records that are not objects are reported when the rows are read.
        if names.take(&text).is_err()
            && let Some(quoted) = with_words_quoted(&text)
        {
            let _ = names.take(&quoted);
        }
        if names.list.len() > MAX_NAMES {
            return Err(SourceError::TooManyColumns {
                name: reader.name().to_owned(),
                limit: MAX_NAMES,
            });
        }
    }
    Ok(Arc::new(Columns::of_objects(names.finish())))
}

#[derive(Default)]
struct ColumnNames {
    list: Vec<String>,
    seen: HashSet<String>,
    /// Names with only `null` and `[]` as values, which the API answers for empty custom data (observed).
    empty: HashSet<String>,
    /// A buffer for dotted names.
    dotted: String,
}

impl ColumnNames {
    fn take(&mut self, object: &str) -> Result<(), serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(object);
        let within = None;
        MemberNames {
            names: self,
            within,
        }
        .deserialize(&mut deserializer)
    }

    /// All names, without those that are always empty in some records and objects in others.
    fn finish(mut self) -> Vec<String> {
        let outer = |name: &String| name.split_once('.').map(|(outer, _)| outer.to_owned());
        let outer: HashSet<String> = self.list.iter().filter_map(outer).collect();
        self.list
            .retain(|name| !self.empty.contains(name) || !outer.contains(name));
        self.list
    }

    fn add_leaf(&mut self, name: &str, is_empty: bool) {
        if !is_empty && !self.empty.is_empty() {
            self.empty.remove(name);
        } else if is_empty && !self.seen.contains(name) {
            self.empty.insert(name.to_owned());
        }
        self.add(None, name);
    }

    fn add(&mut self, within: Option<&str>, name: &str) {
        let name = match within {
            Some(outer) => {
                self.dotted.clear();
                self.dotted.extend([outer, ".", name]);
                self.dotted.as_str()
            }
            None => name,
        };
        if self.list.len() <= MAX_NAMES && !self.seen.contains(name) {
            self.seen.insert(name.to_owned());
            self.list.push(name.to_owned());
        }
    }
}

/// Collects the names of an object's members. For any other value, collects the name of the value itself.
struct MemberNames<'a> {
    names: &'a mut ColumnNames,
    within: Option<&'a str>,
}

impl MemberNames<'_> {
    fn leaf(self, is_empty: bool) {
        if let Some(name) = self.within {
            self.names.add_leaf(name, is_empty);
        }
    }
}

impl<'de> DeserializeSeed<'de> for MemberNames<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MemberNames<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.leaf(true);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.leaf(false);
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.leaf(false);
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.leaf(false);
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.leaf(false);
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.leaf(false);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut properties = Vec::new();
        let mut is_empty = true;
        while let Some(item) = items.next_element::<&RawValue>()? {
            is_empty = false;
            let Ok(Property { property, .. }) = serde_json::from_str(item.get()) else {
                properties.clear();
                break;
            };
            properties.push(property);
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        match self.within {
            Some(outer) if !properties.is_empty() => {
                let names = properties.iter();
                names.for_each(|name| self.names.add(Some(outer), name));
            }
            _ => self.leaf(is_empty),
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key_seed(BorrowedName)? {
            if self.within.is_some() {
                self.names.add(self.within, &name);
                members.next_value::<IgnoredAny>()?;
            } else if RESERVED_COLUMNS.contains(&&*name) {
                members.next_value::<IgnoredAny>()?;
            } else {
                members.next_value_seed(MemberNames {
                    names: &mut *self.names,
                    within: Some(&name),
                })?;
            }
        }
        Ok(())
    }
}

/// A name that is borrowed if it has no escapes.
struct BorrowedName;

impl<'de> DeserializeSeed<'de> for BorrowedName {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for BorrowedName {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn columns(text: &str) -> Result<Vec<String>, SourceError> {
        let settings = SourceSettings::default();
        let input = Cursor::new(text.as_bytes().to_vec());
        let reader = Reader::from_read(input, "in", &settings, 0, RowNumber(1))?;
        columns_of(reader).map(|columns| columns.names().to_vec())
    }

    #[test]
    fn names_are_the_union_in_order_of_appearance() {
        let text = "{\"z\":1,\"customData\":{\"b\":{\"x\":1},\"a\":2}}\nbroken\n{\"_line\":3,\"a\\u0062\":[{}],\"customData\":{\"c\":1},\"z\":null}\n";
        let expected = ["z", "customData.b", "customData.a", "ab", "customData.c"];
        assert_eq!(columns(text).unwrap(), expected);
        assert_eq!(columns("[{\"b\":1},\n{\"a\":\"\"}]").unwrap(), ["b", "a"]);
        assert_eq!(columns("a,b,a\n").unwrap(), ["a", "b", "a"]);
    }

    #[test]
    fn properties_of_an_array_have_dotted_names() {
        let text = "{\"customData\":[],\"tags\":[]}\n{\"customData\":[{\"property\":\"a b\",\"value\":1},{\"property\":\"c\",\"value\":2}]}\n{\"customData\":null}\n";
        let expected = ["tags", "customData.a b", "customData.c"];
        assert_eq!(columns(text).unwrap(), expected);
        let other =
            "{\"a\":[{\"property\":\"x\",\"value\":1},5],\"b\":[{\"property\":7}],\"c\":null}\n";
        assert_eq!(columns(other).unwrap(), ["a", "b", "c"]);
        let both = "{\"a\":null}\n{\"a\":{\"b\":1}}\n{\"a\":\"x\"}\n";
        assert_eq!(columns(both).unwrap(), ["a", "a.b"]);
    }

    #[test]
    fn names_behind_a_word_that_json_does_not_have_are_seen() {
        assert_eq!(columns("{\"a\":NaN,\"b\":1}\n").unwrap(), ["a", "b"]);
    }

    #[test]
    fn names_that_are_data_are_refused() {
        let lines = (0..=MAX_NAMES).map(|n| format!("{{\"n{n}\":1}}\n"));
        let refused = columns(&lines.collect::<String>());
        assert!(matches!(refused, Err(SourceError::TooManyColumns { .. })));
    }
}
