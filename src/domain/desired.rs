use serde::{Deserialize, Serialize};

use super::{CustomValue, Field, RowKey, Tag, Value};

/// What a row says about one attribute. An attribute that it does not speak of has no wish at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wish<T> {
    Set(T),
    /// A cell as it is written, which has no type of its own: it takes the one that its property has in HelpCrunch. Planning
    /// makes `Set` of it (`mapping::decide_types`).
    Untyped(T),
    /// The row wants the attribute to have no value.
    Clear,
}

impl<T> Wish<T> {
    /// The wanted value; nothing where none is wanted.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) | Self::Untyped(value) => Some(value),
            Self::Clear => None,
        }
    }
}

/// What a row says about its customer's tags.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DesiredTags {
    /// Tags that the customer shall have, without doubles: the row's own and those that are always added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<Tag>,
    /// Names that the row asks to remove. One that is also in `add` stays (contract).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Whether the row's tag cell spoke, so that `add` is the whole list that it wants. An empty cell does not
    /// speak unless empty cells clear; tags that are always added never make it speak.
    #[serde(default)]
    pub spoken: bool,
}

/// What a row wants of its customer: managed attributes only, already checked and coerced.
///
/// Operations are made from nothing else, so what no row speaks of cannot get into one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DesiredCustomer {
    pub key: RowKey,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(Field, Wish<Value>)>,
    /// Property names are unique and keep the order of the mapping.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_data: Vec<(String, Wish<CustomValue>)>,
    #[serde(default)]
    pub tags: DesiredTags,
}

impl DesiredCustomer {
    #[must_use]
    pub fn field(&self, field: Field) -> Option<&Wish<Value>> {
        self.fields
            .iter()
            .find(|(f, _)| *f == field)
            .map(|(_, wish)| wish)
    }

    /// Merges a later row of the same customer into this one: of each field and property the first value holds, a
    /// value goes before the wish for none, and tags are united. A tag that one row wants and the other removes stays,
    /// as within one row.
    pub fn merge(&mut self, later: Self) {
        self.key.complete_with(later.key);
        merge_wishes(&mut self.fields, later.fields);
        self.fields.sort_by_key(|(field, _)| *field);
        merge_wishes(&mut self.custom_data, later.custom_data);
        self.tags.merge(later.tags);
    }
}

impl DesiredTags {
    fn merge(&mut self, later: Self) {
        self.spoken |= later.spoken;
        for tag in later.add {
            if self.add.iter().all(|known| known.name != tag.name) {
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
        // Rows of one table speak of the same attributes in the same order: no search for each of thousands.
        let same_place = wishes.get(index).is_some_and(|(known, _)| *known == name);
        let place = match same_place {
            true => Some(index),
            false => wishes.iter().position(|(known, _)| *known == name),
        };
        match place.and_then(|place| wishes.get_mut(place)) {
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

    fn tags(add: &[&str], remove: &[&str], spoken: bool) -> DesiredTags {
        let tag = |name: &&str| Tag {
            name: (*name).to_owned(),
            color: None,
        };
        DesiredTags {
            add: add.iter().map(tag).collect(),
            remove: remove.iter().map(|name| (*name).to_owned()).collect(),
            spoken,
        }
    }

    #[test]
    fn the_first_value_of_each_attribute_holds_and_tags_are_united() {
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
