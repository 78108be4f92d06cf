//! What hcsync last wrote to a customer, by which somebody else's edit is told: the base of a comparison whose other
//! sides are the customer as it is and the row. Pure; hashes alone, since values are personal data.

use std::collections::BTreeMap;

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

use crate::domain::{
    CustomValue, CustomerId, Field, Value, field_form, property_form, property_forms,
};

use super::Operation;

/// What the hashes of one account are mixed with: random, so that nothing can be looked up that was made elsewhere.
pub type Salt = [u8; 16];

/// The hashes of what hcsync last wrote to one customer. Of what it did not write there is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Nothing where nothing can be remembered.
    salt: Option<(Salt, CustomerId)>,
    /// By name; of a tag that was added, its name alone.
    values: BTreeMap<u64, u128>,
}

/// Bytes of one value: the hash of its name, and that of the value.
const RECORD: usize = 8 + 16;

impl Written {
    /// What is remembered of a customer, from its [bytes](Self::to_bytes); whole records only.
    #[must_use]
    pub fn from_bytes(salt: Salt, customer: CustomerId, bytes: &[u8]) -> Self {
        let records = bytes.chunks_exact(RECORD).filter_map(|record| {
            let (name, value) = record.split_at_checked(8)?;
            let name = u64::from_le_bytes(name.try_into().ok()?);
            Some((name, u128::from_le_bytes(value.try_into().ok()?)))
        });
        Self {
            salt: Some((salt, customer)),
            values: records.collect(),
        }
    }

    /// The form that is kept: 24 bytes for each value.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.values.len() * RECORD);
        for (name, value) in &self.values {
            bytes.extend(name.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether a field is as hcsync last wrote it. Where it never did, whether it has no value: what nobody wrote,
    /// nobody edited.
    #[must_use]
    pub fn is_unedited(&self, field: Field, remote: Option<&Value>) -> bool {
        self.holds(
            Name::Field(field),
            field_form(field, remote).into_iter().collect(),
        )
    }

    /// The same of a custom property.
    #[must_use]
    pub fn is_property_unedited(&self, name: &str, remote: Option<&CustomValue>) -> bool {
        self.holds(Name::Property(name), property_forms(remote))
    }

    /// Whether the customer has this tag from hcsync.
    #[must_use]
    pub fn added_tag(&self, tag: &str) -> bool {
        self.hash(Name::Tag(tag))
            .is_some_and(|name| self.values.contains_key(&low(name)))
    }

    /// Takes in an operation that took, with all that is in it.
    pub fn learn(&mut self, operation: &Operation) {
        match operation {
            Operation::Create(create) => {
                for (field, value) in &create.set {
                    self.keep(Name::Field(*field), field_form(*field, Some(value)));
                }
                for field in &create.clear {
                    self.keep(Name::Field(*field), None);
                }
                for (name, value) in &create.custom_data {
                    self.keep(Name::Property(name), property_form(Some(value)));
                }
                create.tags.iter().for_each(|t| self.keep_tag(&t.name));
            }
            Operation::Patch(patch) => {
                for change in &patch.set {
                    let form = field_form(change.field, change.to.as_ref());
                    self.keep(Name::Field(change.field), form);
                }
                for change in &patch.custom_data {
                    let form = property_form(change.to.as_ref());
                    self.keep(Name::Property(&change.name), form);
                }
            }
            Operation::Tag(tags) => tags.iter().for_each(|t| self.keep_tag(&t.name)),
            Operation::Untag(tags) => {
                for tag in tags {
                    if let Some(name) = self.hash(Name::Tag(&tag.name)) {
                        self.values.remove(&low(name));
                    }
                }
            }
        }
    }

    fn holds(&self, name: Name<'_>, forms: Vec<String>) -> bool {
        let kept = self
            .hash(name)
            .and_then(|name| self.values.get(&low(name)).copied());
        let Some(kept) = kept else {
            return forms.is_empty();
        };
        match forms.is_empty() {
            true => self.value(name, None) == Some(kept),
            false => forms
                .iter()
                .any(|form| self.value(name, Some(form)) == Some(kept)),
        }
    }

    fn keep(&mut self, name: Name<'_>, form: Option<String>) {
        let value = self.value(name, form.as_deref());
        if let (Some(name), Some(value)) = (self.hash(name), value) {
            self.values.insert(low(name), value);
        }
    }

    fn keep_tag(&mut self, tag: &str) {
        self.keep(Name::Tag(tag), None);
    }

    fn hash(&self, name: Name<'_>) -> Option<u128> {
        Some(self.hasher(name)?.finish128().as_u128())
    }

    /// The hash of a value, which is another one for each customer and name.
    fn value(&self, name: Name<'_>, form: Option<&str>) -> Option<u128> {
        let mut hasher = self.hasher(name)?;
        hasher.write_u8(u8::from(form.is_some()));
        hasher.write(form.unwrap_or_default().as_bytes());
        Some(hasher.finish128().as_u128())
    }

    fn hasher(&self, name: Name<'_>) -> Option<SipHasher13> {
        let (salt, customer) = self.salt.as_ref()?;
        let mut hasher = SipHasher13::new_with_key(salt);
        let (kind, name) = match name {
            Name::Field(field) => (0, field.name()),
            Name::Property(name) => (1, name),
            Name::Tag(name) => (2, name),
        };
        // In bytes of one order, since the hashes are kept.
        hasher.write(&customer.0.to_le_bytes());
        hasher.write(&[kind]);
        hasher.write(&(name.len() as u64).to_le_bytes());
        hasher.write(name.as_bytes());
        Some(hasher)
    }
}

#[derive(Clone, Copy)]
enum Name<'a> {
    Field(Field),
    Property(&'a str),
    Tag(&'a str),
}

/// A customer has few names: 64 bits tell them apart.
fn low(hash: u128) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = hash.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Number, Tag};
    use crate::plan::{Create, FieldChange, Patch, PropertyChange};

    fn empty() -> Written {
        Written::from_bytes([7; 16], CustomerId(1), &[])
    }

    fn text(t: &str) -> Value {
        Value::Text(t.to_owned())
    }

    fn created() -> Written {
        let mut written = empty();
        written.learn(&Operation::Create(Create {
            set: vec![(Field::Name, text("Ann")), (Field::Email, text("A@x.org"))],
            clear: vec![Field::FirstSeen],
            custom_data: vec![(
                "mrr".into(),
                CustomValue::Number(Number::parse("15").unwrap()),
            )],
            tags: vec![Tag::named("vip")],
        }));
        written
    }

    #[test]
    fn what_was_written_is_known_again_by_its_meaning_and_from_the_disk() {
        let written = created();
        let written = Written::from_bytes([7; 16], CustomerId(1), &written.to_bytes());
        assert!(written.is_unedited(Field::Name, Some(&text("Ann"))));
        assert!(written.is_unedited(Field::Email, Some(&text("a@X.org"))));
        assert!(written.is_unedited(Field::FirstSeen, None));
        let spelt = CustomValue::Text("15.0".into());
        assert!(written.is_property_unedited("mrr", Some(&spelt)));
        assert!(written.added_tag("vip"));

        assert!(!written.is_unedited(Field::Name, Some(&text("Anna"))));
        assert!(!written.is_unedited(Field::FirstSeen, Some(&Value::Date(1))));
        let other = CustomValue::Text("16".into());
        assert!(!written.is_property_unedited("mrr", Some(&other)));
        assert!(!written.added_tag("Vip"));
        // Cleared by somebody: that is an edit as well.
        assert!(!written.is_unedited(Field::Name, None));
        assert!(!written.is_property_unedited("mrr", None));
    }

    #[test]
    fn what_was_never_written_counts_as_edited_where_there_is_a_value() {
        for nothing in [Written::default(), empty()] {
            assert!(!nothing.is_unedited(Field::Name, Some(&text("Ann"))));
            assert!(nothing.is_unedited(Field::Name, None));
            assert!(nothing.is_property_unedited("mrr", None));
            assert!(!nothing.added_tag("vip"));
        }
        let mut forgetful = Written::default();
        forgetful.learn(&Operation::Tag(vec![Tag::named("vip")]));
        assert!(forgetful.is_empty() && !forgetful.added_tag("vip"));
    }

    #[test]
    fn the_last_write_holds() {
        let mut written = created();
        written.learn(&Operation::Patch(Patch {
            set: vec![FieldChange {
                field: Field::Name,
                from: Some(text("Ann")),
                to: None,
            }],
            custom_data: vec![PropertyChange {
                name: "mrr".into(),
                from: None,
                to: Some(CustomValue::Text("x".into())),
            }],
        }));
        written.learn(&Operation::Untag(vec![Tag::named("vip")]));
        assert!(written.is_unedited(Field::Name, None));
        assert!(!written.is_unedited(Field::Name, Some(&text("Ann"))));
        let x = CustomValue::Text("x".into());
        assert!(written.is_property_unedited("mrr", Some(&x)));
        assert!(!written.added_tag("vip"));
    }

    #[test]
    fn the_same_value_is_another_hash_for_each_account_and_customer() {
        let bytes = |salt, customer| {
            let mut written = Written::from_bytes([salt; 16], CustomerId(customer), &[]);
            written.learn(&Operation::Tag(vec![Tag::named("vip")]));
            written.to_bytes()
        };
        assert_eq!(bytes(1, 1).len(), RECORD);
        assert_ne!(bytes(1, 1), bytes(2, 1));
        assert_ne!(bytes(1, 1), bytes(1, 2));
    }
}
