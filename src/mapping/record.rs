use super::given::{Given, Scalar};
use super::identity::customer_id;
use super::mapped::Mapped;
use super::problem::Problem;
use super::rule::Rule;
use super::schema::Schema;
use super::slot::Slot;
use crate::domain::{
    CustomValue, CustomerId, DesiredCustomer, DesiredTags, Field, Issue, KeyField, Row, RowKey,
    Value, Wish,
};

impl Schema {
    /// What a row wants, or everything that is wrong with it.
    #[must_use]
    pub fn map(&self, row: &Row) -> Mapped {
        let mut reading = Reading {
            schema: self,
            row,
            issues: Vec::new(),
            bad: Vec::new(),
        };
        let id = reading.id();
        let fields = reading.fields();
        let custom_data = reading.custom_data();
        let tags = reading.tags();
        let key = RowKey {
            id,
            user_id: text_of(&fields, Field::UserId),
            email: text_of(&fields, Field::Email),
        };
        reading.check_key(&key);
        if !reading.issues.is_empty() {
            return Mapped::rejected(row, key, reading.issues);
        }
        Mapped::wanted(DesiredCustomer {
            key,
            fields,
            custom_data,
            tags,
        })
    }
}

fn text_of(fields: &[(Field, Wish<Value>)], field: Field) -> Option<String> {
    let (_, wish) = fields.iter().find(|(f, _)| *f == field)?;
    Some(wish.value()?.as_text()?.to_owned())
}

/// One row being read; what is wrong with it is gathered, so that all of it is reported at once.
struct Reading<'a> {
    schema: &'a Schema,
    row: &'a Row,
    issues: Vec<Issue>,
    /// The attributes whose values could not be read.
    bad: Vec<&'a str>,
}

impl<'a> Reading<'a> {
    fn id(&mut self) -> Option<CustomerId> {
        let rule = self.schema.id.as_ref()?;
        let wish = self.wish(rule, false, customer_id)?;
        wish.value().copied()
    }

    fn fields(&mut self) -> Vec<(Field, Wish<Value>)> {
        let mut fields = Vec::with_capacity(self.schema.fields.len());
        for mapped in &self.schema.fields {
            let wish = self.wish(&mapped.rule, mapped.clearable, |s| mapped.reader.read(s));
            fields.extend(wish.map(|wish| (mapped.field, wish)));
        }
        fields
    }

    fn custom_data(&mut self) -> Vec<(String, Wish<CustomValue>)> {
        let mut properties = Vec::with_capacity(self.schema.properties.len());
        for mapped in &self.schema.properties {
            let wish = self.wish(&mapped.rule, true, |s| mapped.reader.read(s));
            properties.extend(wish.map(|wish| (mapped.name.clone(), wish)));
        }
        properties
    }

    /// What the row says about one attribute; nothing where it says nothing, or nothing that can be read.
    fn wish<T>(
        &mut self,
        rule: &'a Rule,
        clearable: bool,
        read: impl FnOnce(Scalar<'_>) -> Result<T, Problem>,
    ) -> Option<Wish<T>> {
        let emptiness = &self.schema.emptiness;
        let read = rule
            .given(self.row, emptiness)
            .and_then(|given| match given {
                Given::Missing => Ok(None),
                Given::Null => Ok(clearable.then_some(Wish::Clear)),
                Given::Empty => Ok((clearable && emptiness.clears).then_some(Wish::Clear)),
                Given::Scalar(scalar) => read(scalar).map(|value| Some(Wish::Set(value))),
                Given::Nested(_) => Err(nested()),
            });
        read.unwrap_or_else(|problem| {
            self.issues.push(rule.issue(self.row, problem));
            self.bad.push(&rule.attribute);
            None
        })
    }

    fn tags(&mut self) -> DesiredTags {
        let Some(rule) = &self.schema.tags else {
            return DesiredTags::default();
        };
        let emptiness = &self.schema.emptiness;
        let wanted = rule.wanted(self.row, emptiness);
        let wanted = self.tag_cell(rule.column.as_ref(), wanted).flatten();
        let unwanted = rule.unwanted(self.row, emptiness);
        let unwanted = self.tag_cell(rule.remove_column.as_ref(), unwanted);
        rule.desired(wanted, unwanted.unwrap_or_default())
    }

    fn tag_cell<T>(&mut self, slot: Option<&Slot>, read: Result<T, Problem>) -> Option<T> {
        read.map_err(|problem| {
            self.issues
                .push(problem.into_issue("tags", slot.map(|slot| slot.name_for(self.row))));
        })
        .ok()
    }

    /// A row needs one value to find its customer by, unless the value that it has is reported as bad already.
    fn check_key(&mut self, key: &RowKey) {
        let has = |field: &KeyField| match field {
            KeyField::Id => key.id.is_some(),
            KeyField::UserId => key.user_id.is_some(),
            KeyField::Email => key.email.is_some(),
        };
        let keys = self.schema.keys();
        if keys.iter().any(has) {
            return;
        }
        let rules: Vec<&Rule> = keys
            .iter()
            .filter_map(|&key| self.schema.key_rule(key))
            .collect();
        if rules
            .iter()
            .any(|rule| self.bad.contains(&rule.attribute.as_str()))
        {
            return;
        }
        self.issues.push(no_key(&rules, self.row));
    }
}

fn no_key(rules: &[&Rule], row: &Row) -> Issue {
    let quoted = |names: Vec<&str>| {
        let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let names = quoted(rules.iter().map(|rule| rule.attribute.as_str()).collect());
    let columns = quoted(rules.iter().flat_map(|rule| rule.columns()).collect());
    let message = format!("no match key: the row has no {names} (columns {columns})");
    let mut issue = Issue::matching("no_key", message)
        .hint("a row finds its customer by a value in one of these columns");
    issue.column = rules
        .first()
        .and_then(|rule| rule.column(row))
        .map(str::to_owned);
    issue
}

fn nested() -> Problem {
    Problem::new("nested", "is a list or an object where one value is wanted")
        .advice("name the member that holds the value, as `object.member`")
}
