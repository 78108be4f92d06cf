use serde::{Deserialize, Serialize};

use super::{CustomValue, Field, RowKey, Tag, Value};

/// What a row wants of one attribute. An attribute that the row does not mention has no wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wish<T> {
    Set(T),
    /// The text of a cell without a type of its own. Planning turns it into a `Set` of the type that the property has in
    /// HelpCrunch (`mapping::decide_types`).
    Untyped(T),
    /// The attribute is to have no value.
    Clear,
}

impl<T> Wish<T> {
    /// The wanted value, or `None` for `Clear`.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) | Self::Untyped(value) => Some(value),
            Self::Clear => None,
        }
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Wish<U> {
        match self {
            Self::Set(value) => Wish::Set(change(value)),
            Self::Untyped(value) => Wish::Untyped(change(value)),
            Self::Clear => Wish::Clear,
        }
    }
}

/// What a row wants of its customer's tags.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DesiredTags<T = String> {
    /// Tags that the customer is to have, each once: the row's own and those that the config always adds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<Tag<T>>,
    /// Names to remove. One that is also in `add` stays (contract).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<T>,
    /// Whether the row lists its tags, so that `add` is all that it wants. An empty cell is a list only if empty cells clear;
    /// tags that the config always adds do not make a list.
    #[serde(default, rename = "spoken")]
    pub is_full_list: bool,
}

/// What a row wants of its customer: managed attributes only, checked and converted to their types.
///
/// Operations are made from this alone, so they cannot touch an attribute that no row mentions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(bound(
    serialize = "T: AsRef<str> + Serialize",
    deserialize = "T: Default + From<String> + Deserialize<'de>"
))]
pub struct DesiredCustomer<T = String> {
    pub key: RowKey<T>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(Field, Wish<Value<T>>)>,
    /// Property names are unique and keep the order of the mapping.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_data: Vec<(T, Wish<CustomValue<T>>)>,
    #[serde(default)]
    pub tags: DesiredTags<T>,
}

impl<T: Into<String>> DesiredCustomer<T> {
    pub fn into_owned(self) -> DesiredCustomer {
        let fields = self.fields.into_iter();
        let properties = self.custom_data.into_iter();
        let tags = self.tags.add.into_iter();
        let removed = self.tags.remove.into_iter();
        DesiredCustomer {
            key: self.key.into_owned(),
            fields: fields
                .map(|(field, wish)| (field, wish.map(Value::into_owned)))
                .collect(),
            custom_data: properties
                .map(|(name, wish)| (name.into(), wish.map(CustomValue::into_owned)))
                .collect(),
            tags: DesiredTags {
                add: tags.map(Tag::into_owned).collect(),
                remove: removed.map(Into::into).collect(),
                is_full_list: self.tags.is_full_list,
            },
        }
    }
}

impl DesiredCustomer {
    pub fn field(&self, field: Field) -> Option<&Wish<Value>> {
        self.fields
            .iter()
            .find(|(f, _)| *f == field)
            .map(|(_, wish)| wish)
    }

    /// Merges a later row of the same customer into this one. The first value of each field and property wins, a value wins
    /// over `Clear`, and tags are united. As within one row, a tag that one row adds and the other removes stays.
    pub fn merge(&mut self, later: Self) {
        self.key.fill_from(later.key);
        merge_wishes(&mut self.fields, later.fields);
        self.fields.sort_by_key(|(field, _)| *field);
        merge_wishes(&mut self.custom_data, later.custom_data);
        self.tags.merge(later.tags);
    }
}

impl DesiredTags {
    fn merge(&mut self, later: Self) {
        self.is_full_list |= later.is_full_list;
        for tag in later.add {
            if self.add.iter().all(|own| own.name != tag.name) {
                self.add.push(tag);
            }
        }
        for name in later.remove {
            if !self.remove.contains(&name) {
                self.remove.push(name);
            }
        }
        let added = &self.add;
        self.remove
            .retain(|name| added.iter().all(|tag| tag.name != *name));
    }
}

fn merge_wishes<N: PartialEq, T>(wishes: &mut Vec<(N, Wish<T>)>, later: Vec<(N, Wish<T>)>) {
    for (index, (name, wish)) in later.into_iter().enumerate() {
        // Rows of one table have the same attributes in the same order, so the search is rarely needed.
        let at = match wishes.get(index) {
            Some((own, _)) if *own == name => Some(index),
            _ => wishes.iter().position(|(own, _)| *own == name),
        };
        match at.and_then(|at| wishes.get_mut(at)) {
            None => wishes.push((name, wish)),
            Some((_, first)) if first.value().is_none() => *first = wish,
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Wish<Value> {
        Wish::Set(Value::Text(text.into()))
    }

    fn tags(add: &[&str], remove: &[&str], is_full_list: bool) -> DesiredTags {
        let tag = |name: &&str| Tag {
            name: (*name).to_owned(),
            color: None,
        };
        DesiredTags {
            add: add.iter().map(tag).collect(),
            remove: remove.iter().map(|name| (*name).to_owned()).collect(),
            is_full_list,
        }
    }

    #[test]
    fn the_first_value_of_each_attribute_wins_and_tags_are_united() {
        let mut first = DesiredCustomer {
            key: RowKey {
                email: Some("a@b.c".into()),
                ..RowKey::default()
            },
            fields: vec![(Field::Name, text("Ann")), (Field::Company, Wish::Clear)],
            custom_data: vec![("plan".into(), Wish::Clear)],
            tags: tags(&["vip"], &["old"], false),
        };
        first.merge(DesiredCustomer {
            key: RowKey {
                user_id: Some("u1".into()),
                email: Some("other@b.c".into()),
                ..RowKey::default()
            },
            fields: vec![
                (Field::Name, text("Anna")),
                (Field::UserId, text("u1")),
                (Field::Company, text("Firm")),
                (Field::Phone, Wish::Clear),
            ],
            custom_data: vec![
                ("plan".into(), Wish::Set(CustomValue::Bool(true))),
                ("seats".into(), Wish::Clear),
            ],
            tags: tags(&["old", "vip", "lead"], &["trial", "vip"], true),
        });
        assert_eq!(first.key.user_id.as_deref(), Some("u1"));
        assert_eq!(first.key.email.as_deref(), Some("a@b.c"));
        assert_eq!(first.field(Field::Name), Some(&text("Ann")));
        assert_eq!(first.field(Field::Company), Some(&text("Firm")));
        assert_eq!(first.field(Field::Phone), Some(&Wish::Clear));
        assert!(first.fields.is_sorted_by_key(|(field, _)| *field));
        let plan = ("plan".to_owned(), Wish::Set(CustomValue::Bool(true)));
        assert_eq!(first.custom_data, [plan, ("seats".to_owned(), Wish::Clear)]);
        assert_eq!(first.tags, tags(&["vip", "old", "lead"], &["trial"], true));
    }
}
