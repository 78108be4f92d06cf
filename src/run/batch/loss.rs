//! What a customer lost of that which a batch did not name. Pure.

use crate::domain::{
    CustomValue, Field, FieldKind, Known, OpaqueValue, RemoteCustomer, Tag, Value,
};

use crate::plan::writes::Carried;

use super::Watched;

/// What is to be written back. Empty where nothing was lost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loss {
    pub fields: Vec<(Field, Value)>,
    pub properties: Vec<(String, CustomValue)>,
    pub opaque: Vec<(String, OpaqueValue)>,
    pub tags: Vec<Tag>,
}

/// Which kinds of members were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LostKinds {
    pub fields: bool,
    pub properties: bool,
    pub tags: bool,
}

impl LostKinds {
    #[must_use]
    pub fn any(self) -> bool {
        self.fields || self.properties || self.tags
    }

    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            fields: self.fields || other.fields,
            properties: self.properties || other.properties,
            tags: self.tags || other.tags,
        }
    }
}

impl Watched {
    /// What there is that the update does not name, and could take away.
    pub(super) fn at_stake(&self) -> Carried {
        let before = &self.before;
        let mut fields = Field::ALL.into_iter();
        let fields = fields.any(|field| {
            let value = before.value(field);
            !self.fields.contains(&field) && value.is_some_and(|value| is_kept(field, value))
        });
        let unnamed = |name: &String| !self.properties.contains(name);
        let properties = match &before.custom_data {
            Known::Is(had) => had
                .iter()
                .any(|(n, value)| unnamed(n) && !value.is_no_value()),
            Known::Unknown => false,
        };
        let tags = match &before.tags {
            Known::Is(had) => had.iter().any(|tag| !self.untagged.contains(&tag.name)),
            Known::Unknown => false,
        };
        Carried {
            fields,
            properties: properties || before.opaque.keys().any(unnamed),
            tags,
        }
    }
}

impl Loss {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.kinds().any()
    }

    #[must_use]
    pub fn kinds(&self) -> LostKinds {
        LostKinds {
            fields: !self.fields.is_empty(),
            properties: !self.properties.is_empty() || !self.opaque.is_empty(),
            tags: !self.tags.is_empty(),
        }
    }

    /// Names for people; never values.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let fields = self.fields.iter().map(|(field, _)| field.name().to_owned());
        let opaque = self.opaque.iter().map(|(name, _)| name);
        let properties = self.properties.iter().map(|(name, _)| name).chain(opaque);
        let tags = (!self.tags.is_empty()).then(|| "tags".to_owned());
        fields
            .chain(properties.map(|name| format!("customData.{name}")))
            .chain(tags)
            .collect()
    }

    /// What the customer had before, the batch did not name, and is gone. A value that became another one is somebody
    /// else's edit. Nothing where the reading does not tell of all that there was.
    #[must_use]
    pub(super) fn between(watched: &Watched, after: &RemoteCustomer) -> Option<Self> {
        let before = &watched.before;
        let mut loss = Self::default();
        for field in Field::ALL
            .into_iter()
            .filter(|f| !watched.fields.contains(f))
        {
            let Some(had) = before.value(field).filter(|value| is_kept(field, value)) else {
                continue;
            };
            let Known::Is(has) = after.field(field) else {
                return None;
            };
            if !has.is_some_and(|value| is_kept(field, value)) {
                loss.fields.push((field, had.clone()));
            }
        }
        loss.properties(watched, after)?;
        if let Known::Is(had) = &before.tags
            && !had.is_empty()
        {
            after.tags.as_ref().ok()?;
            let gone = had
                .iter()
                .filter(|tag| !after.has_tag(&tag.name) && !watched.untagged.contains(&tag.name));
            loss.tags = gone.cloned().collect();
        }
        Some(loss)
    }

    fn properties(&mut self, watched: &Watched, after: &RemoteCustomer) -> Option<()> {
        let before = &watched.before;
        let unnamed = |name: &&String| !watched.properties.contains(name);
        let Known::Is(had) = &before.custom_data else {
            return Some(());
        };
        let had: Vec<_> = had
            .iter()
            .filter(|(name, value)| unnamed(name) && !value.is_no_value())
            .collect();
        let opaque: Vec<_> = before.opaque.iter().filter(|(n, _)| unnamed(n)).collect();
        if had.is_empty() && opaque.is_empty() {
            return Some(());
        }
        after.custom_data.as_ref().ok()?;
        let is_gone =
            |name: &str| after.property(name).is_none() && !after.opaque.contains_key(name);
        for (name, value) in had.into_iter().filter(|(name, _)| is_gone(name)) {
            self.properties.push((name.clone(), value.clone()));
        }
        for (name, value) in opaque.into_iter().filter(|(name, _)| is_gone(name)) {
            self.opaque.push((name.clone(), value.clone()));
        }
        Some(())
    }
}

/// A flag that is not set is as good as none.
fn is_kept(field: Field, value: &Value) -> bool {
    field.kind() != FieldKind::OneWay || *value == Value::Bool(true)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{CustomerId, RowNumber};

    fn text(t: &str) -> Value {
        Value::Text(t.into())
    }

    fn full() -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(1));
        for field in Field::ALL {
            let value = match field.kind() {
                FieldKind::Text => text(field.name()),
                FieldKind::Date => Value::Date(5),
                FieldKind::OneWay => Value::Bool(true),
            };
            customer.set_field(field, Some(value));
        }
        let property = |name: &str| (name.to_owned(), CustomValue::Text("x".into()));
        customer.custom_data = Known::Is(BTreeMap::from([property("plan"), property("mrr")]));
        customer.tags = Known::Is(vec![Tag::named("vip")]);
        let opaque = OpaqueValue::new(serde_json::json!({"a": [1]}));
        customer.opaque.insert("address".into(), opaque);
        customer
    }

    fn watched() -> Watched {
        Watched {
            row: RowNumber(1),
            before: full(),
            fields: vec![Field::Name],
            properties: vec!["plan".into()],
            untagged: vec![],
        }
    }

    /// After a crash the row's own requests may have followed the batch before it is looked at.
    #[test]
    fn a_tag_that_the_row_itself_takes_away_is_no_loss() {
        let mut after = full();
        after.tags = Known::Is(vec![]);
        let own = Watched {
            untagged: vec!["vip".into()],
            ..watched()
        };
        assert!(Loss::between(&own, &after).unwrap().is_empty());
        assert!(!Loss::between(&watched(), &after).unwrap().is_empty());
    }

    #[test]
    fn everything_that_was_reset_and_not_named_is_lost() {
        let mut after = full();
        for field in Field::ALL {
            let value = (field.kind() == FieldKind::OneWay).then_some(Value::Bool(false));
            after.set_field(field, value);
        }
        after.custom_data = Known::Is(BTreeMap::new());
        after.opaque.clear();
        after.tags = Known::Is(vec![]);
        let loss = Loss::between(&watched(), &after).unwrap();
        assert_eq!(loss.fields.len(), Field::ALL.len() - 1);
        assert!(!loss.names().contains(&"name".to_owned()));
        assert_eq!(
            &loss.names()[Field::ALL.len() - 1..],
            ["customData.mrr", "customData.address", "tags"]
        );
        assert!(Loss::between(&watched(), &full()).unwrap().is_empty());
    }

    #[test]
    fn an_edit_of_somebody_else_is_no_loss() {
        let mut after = full();
        after.set_field(Field::Company, Some(text("another")));
        after.set_field(Field::LastSeen, Some(Value::Date(9)));
        after.tags = Known::Is(vec![Tag::named("vip"), Tag::named("new")]);
        assert!(Loss::between(&watched(), &after).unwrap().is_empty());
    }

    #[test]
    fn an_answer_that_does_not_tell_of_all_tells_nothing() {
        let mut after = full();
        after.tags = Known::Unknown;
        assert_eq!(Loss::between(&watched(), &after), None);
        let mut after = full();
        after.custom_data = Known::Unknown;
        assert_eq!(Loss::between(&watched(), &after), None);
        let silent = RemoteCustomer::unknown(CustomerId(1));
        assert_eq!(Loss::between(&watched(), &silent), None);
        let bare = Watched {
            before: silent.clone(),
            ..watched()
        };
        assert!(Loss::between(&bare, &silent).unwrap().is_empty());
    }
}
