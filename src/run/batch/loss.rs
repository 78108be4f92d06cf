//! What a customer lost although the update did not name it. Pure.

use crate::domain::{
    CustomValue, Field, FieldKind, OpaqueValue, RemoteCustomer, Reported, Tag, Value,
};

use crate::plan::writes::UpdateScope;

use super::WatchedUpdate;

/// What a customer lost and is to be written back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loss {
    pub fields: Vec<(Field, Value)>,
    pub properties: Vec<(String, CustomValue)>,
    pub opaque: Vec<(String, OpaqueValue)>,
    pub tags: Vec<Tag>,
}

impl WatchedUpdate {
    /// Returns the kinds of members that the update could remove without naming them.
    pub(super) fn at_stake(&self) -> UpdateScope {
        let before = &self.before;
        let mut fields = Field::ALL.into_iter();
        let fields = fields.any(|field| {
            let value = before.value(field);
            !self.fields.contains(&field) && value.is_some_and(|value| can_be_lost(field, value))
        });
        let unnamed = |name: &String| !self.properties.contains(name);
        let has_properties = match &before.custom_data {
            Reported::Value(had) => had
                .iter()
                .any(|(n, value)| unnamed(n) && !value.is_no_value()),
            Reported::Missing | Reported::Unreadable => false,
        };
        let tags = match &before.tags {
            Reported::Value(had) => had.iter().any(|tag| !self.untagged.contains(&tag.name)),
            Reported::Missing | Reported::Unreadable => false,
        };
        UpdateScope {
            fields,
            properties: has_properties || before.opaque.keys().any(unnamed),
            tags,
        }
    }
}

impl Loss {
    pub fn is_empty(&self) -> bool {
        self.kinds() == UpdateScope::default()
    }

    pub fn kinds(&self) -> UpdateScope {
        UpdateScope {
            fields: !self.fields.is_empty(),
            properties: !self.properties.is_empty() || !self.opaque.is_empty(),
            tags: !self.tags.is_empty(),
        }
    }

    /// Returns the names of what was lost, never values.
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

    /// Returns what the customer had before, the update did not name, and is gone, or `None` if the reading does not report
    /// all that there was. A value that changed into another one is no loss but somebody else's edit.
    pub(super) fn between(update: &WatchedUpdate, after: &RemoteCustomer) -> Option<Self> {
        let before = &update.before;
        let mut loss = Self::default();
        for field in Field::ALL
            .into_iter()
            .filter(|f| !update.fields.contains(f))
        {
            let Some(had) = before
                .value(field)
                .filter(|value| can_be_lost(field, value))
            else {
                continue;
            };
            let Reported::Value(has) = after.field(field) else {
                return None;
            };
            if !has.is_some_and(|value| can_be_lost(field, value)) {
                loss.fields.push((field, had.clone()));
            }
        }
        loss.add_properties(update, after)?;
        if let Reported::Value(had) = &before.tags
            && !had.is_empty()
        {
            after.tags.as_ref().ok()?;
            let lost = had
                .iter()
                .filter(|tag| !after.has_tag(&tag.name) && !update.untagged.contains(&tag.name));
            loss.tags = lost.cloned().collect();
        }
        Some(loss)
    }

    fn add_properties(&mut self, update: &WatchedUpdate, after: &RemoteCustomer) -> Option<()> {
        let before = &update.before;
        let unnamed = |name: &&String| !update.properties.contains(name);
        let Reported::Value(had) = &before.custom_data else {
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
        let is_lost =
            |name: &str| after.property(name).is_none() && !after.opaque.contains_key(name);
        for (name, value) in had.into_iter().filter(|(name, _)| is_lost(name)) {
            self.properties.push((name.clone(), value.clone()));
        }
        for (name, value) in opaque.into_iter().filter(|(name, _)| is_lost(name)) {
            self.opaque.push((name.clone(), value.clone()));
        }
        Some(())
    }
}

/// Whether a value can be lost: a flag that is not set cannot.
fn can_be_lost(field: Field, value: &Value) -> bool {
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
        customer.custom_data = Reported::Value(BTreeMap::from([property("plan"), property("mrr")]));
        customer.tags = Reported::Value(vec![Tag::named("vip")]);
        let opaque = OpaqueValue::new(serde_json::json!({"a": [1]}));
        customer.opaque.insert("address".into(), opaque);
        customer
    }

    fn watched() -> WatchedUpdate {
        WatchedUpdate {
            row: RowNumber(1),
            before: full(),
            fields: vec![Field::Name],
            properties: vec!["plan".into()],
            untagged: vec![],
            is_whole: false,
        }
    }

    /// After a crash the row's own requests may have followed the batch before it is checked.
    #[test]
    fn a_tag_that_the_row_itself_removes_is_no_loss() {
        let mut after = full();
        after.tags = Reported::Value(vec![]);
        let own = WatchedUpdate {
            untagged: vec!["vip".into()],
            ..watched()
        };
        assert!(Loss::between(&own, &after).unwrap().is_empty());
        assert!(!Loss::between(&watched(), &after).unwrap().is_empty());
    }

    #[test]
    fn everything_reset_and_not_named_is_lost() {
        let mut after = full();
        for field in Field::ALL {
            let value = (field.kind() == FieldKind::OneWay).then_some(Value::Bool(false));
            after.set_field(field, value);
        }
        after.custom_data = Reported::Value(BTreeMap::new());
        after.opaque.clear();
        after.tags = Reported::Value(vec![]);
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
    fn an_edit_by_somebody_else_is_no_loss() {
        let mut after = full();
        after.set_field(Field::Company, Some(text("another")));
        after.set_field(Field::LastSeen, Some(Value::Date(9)));
        after.tags = Reported::Value(vec![Tag::named("vip"), Tag::named("new")]);
        assert!(Loss::between(&watched(), &after).unwrap().is_empty());
    }

    #[test]
    fn a_partial_answer_shows_no_loss() {
        let mut after = full();
        after.tags = Reported::Missing;
        assert_eq!(Loss::between(&watched(), &after), None);
        let mut after = full();
        after.custom_data = Reported::Missing;
        assert_eq!(Loss::between(&watched(), &after), None);
        let empty = RemoteCustomer::unknown(CustomerId(1));
        assert_eq!(Loss::between(&watched(), &empty), None);
        let bare = WatchedUpdate {
            before: empty.clone(),
            ..watched()
        };
        assert!(Loss::between(&bare, &empty).unwrap().is_empty());
    }
}
