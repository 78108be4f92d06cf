use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use serde_json::value::RawValue;

use crate::domain::{Columns, RowNumber};

use super::RESERVED_COLUMNS;
use super::error::SourceError;
use super::open::InputFile;
use super::reader::Reader;
use super::settings::SourceSettings;
use super::strict_json::{Property, with_words_quoted};

/// More names than this are data that took the place of names.
const MOST_NAMES: usize = 10_000;

/// The columns of an input: of a table its header; of objects, after one pass over the whole input, the names of all members in
/// the order of their first appearance. A member that is an object gives a dotted name for each of its own: `customData.plan`.
///
/// # Errors
/// As reading the input does, and where there are more than 10,000 names.
pub fn scan_columns(
    input: &InputFile,
    settings: &SourceSettings,
) -> Result<Arc<Columns>, SourceError> {
    let reader = Reader::open(input, settings, 0, RowNumber(1))?;
    of_reader(reader)
}

fn of_reader(mut reader: Reader) -> Result<Arc<Columns>, SourceError> {
    if reader.dialect().format.is_table() {
        return Ok(Arc::clone(reader.columns()));
    }
    let mut names = Names::default();
    while let Some(text) = reader.next_text()? {
        // What is no object is reported when the rows are read.
        if names.take(&text).is_err()
            && let Some(quoted) = with_words_quoted(&text)
        {
            let _ = names.take(&quoted);
        }
        if names.list.len() > MOST_NAMES {
            return Err(SourceError::TooManyColumns {
                name: reader.name().to_owned(),
                limit: MOST_NAMES,
            });
        }
    }
    Ok(Arc::new(Columns::of_objects(names.finish())))
}

#[derive(Default)]
struct Names {
    list: Vec<String>,
    seen: HashSet<String>,
    /// Those under which only `null` and `[]` stood, as accounts answer for custom data that is empty.
    hollow: HashSet<String>,
    /// A dotted name, kept from one use to the next.
    dotted: String,
}

impl Names {
    fn take(&mut self, object: &str) -> Result<(), serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(object);
        let within = None;
        Members {
            names: self,
            within,
        }
        .deserialize(&mut deserializer)
    }

    /// All names. One that was always empty is none beside those of its own members.
    fn finish(mut self) -> Vec<String> {
        let outer = |name: &String| name.split_once('.').map(|(outer, _)| outer.to_owned());
        let outer: HashSet<String> = self.list.iter().filter_map(outer).collect();
        self.list
            .retain(|name| !self.hollow.contains(name) || !outer.contains(name));
        self.list
    }

    fn add_leaf(&mut self, name: &str, is_hollow: bool) {
        if !is_hollow && !self.hollow.is_empty() {
            self.hollow.remove(name);
        } else if is_hollow && !self.seen.contains(name) {
            self.hollow.insert(name.to_owned());
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
        if self.list.len() <= MOST_NAMES && !self.seen.contains(name) {
            self.seen.insert(name.to_owned());
            self.list.push(name.to_owned());
        }
    }
}

/// Takes the names of an object's members; of any other value it takes the name under which that stands.
struct Members<'a> {
    names: &'a mut Names,
    within: Option<&'a str>,
}

impl Members<'_> {
    fn leaf(self, is_hollow: bool) {
        if let Some(name) = self.within {
            self.names.add_leaf(name, is_hollow);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
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
        while let Some(name) = members.next_key_seed(Key)? {
            if self.within.is_some() {
                self.names.add(self.within, &name);
                members.next_value::<IgnoredAny>()?;
            } else if RESERVED_COLUMNS.contains(&&*name) {
                members.next_value::<IgnoredAny>()?;
            } else {
                members.next_value_seed(Members {
                    names: &mut *self.names,
                    within: Some(&name),
                })?;
            }
        }
        Ok(())
    }
}

/// A name that is borrowed where it has no escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
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
        of_reader(reader).map(|columns| columns.names().to_vec())
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
        let lines = (0..=MOST_NAMES).map(|n| format!("{{\"n{n}\":1}}\n"));
        let refused = columns(&lines.collect::<String>());
        assert!(matches!(refused, Err(SourceError::TooManyColumns { .. })));
    }
}
