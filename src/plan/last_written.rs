//! What hcsync last wrote to a customer, as hashes, since values are personal data. It is the base of a three-way comparison
//! with the customer and its row, which shows what was edited in HelpCrunch.

use std::collections::BTreeMap;
use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::domain::{
    CustomValue, CustomerId, Field, Value, field_form, property_form, property_forms,
};

use super::{Attribute, Operation};

/// The random hash key of one account, so that hashes cannot be looked up in a precomputed table.
pub type Salt = [u8; 16];

/// Hashes of the values that hcsync last wrote to one customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastWritten {
    /// `None` if nothing can be recorded.
    salt: Option<(Salt, CustomerId)>,
    /// Hash of the value by hash of the attribute. An added tag has no value.
    values: BTreeMap<u64, u128>,
}

/// Bytes of one value: the hash of the attribute, and that of the value.
const RECORD: usize = 8 + 16;

impl LastWritten {
    /// Reads [`to_bytes`](Self::to_bytes). An incomplete record at the end is ignored.
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

    /// The form on disk: 24 bytes per value.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.values.len() * RECORD);
        for (name, value) in &self.values {
            bytes.extend(name.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether a field has the value that hcsync last wrote; if it never wrote one, whether the field is empty.
    pub fn is_unedited(&self, field: Field, remote: Option<&Value>) -> bool {
        self.has_form(
            Attribute::Field(field),
            field_form(field, remote).into_iter().collect(),
        )
    }

    /// Like [`is_unedited`](Self::is_unedited), for a custom property.
    pub fn is_property_unedited(&self, name: &str, remote: Option<&CustomValue>) -> bool {
        self.has_form(Attribute::Property(name), property_forms(remote))
    }

    /// Whether hcsync added this tag.
    pub fn has_added_tag(&self, tag: &str) -> bool {
        self.hash(Attribute::Tag(tag))
            .is_some_and(|name| self.values.contains_key(&low(name)))
    }

    /// Records everything that a successful operation wrote.
    pub fn record(&mut self, operation: &Operation) {
        match operation {
            Operation::Create(create) => {
                for (field, value) in &create.set {
                    self.insert(Attribute::Field(*field), field_form(*field, Some(value)));
                }
                for field in &create.clear {
                    self.insert(Attribute::Field(*field), None);
                }
                for (name, value) in &create.custom_data {
                    self.insert(Attribute::Property(name), property_form(Some(value)));
                }
                create.tags.iter().for_each(|t| self.insert_tag(&t.name));
            }
            Operation::Patch(patch) => {
                for change in &patch.set {
                    let form = field_form(change.field, change.to.as_ref());
                    self.insert(Attribute::Field(change.field), form);
                }
                for change in &patch.custom_data {
                    let form = property_form(change.to.as_ref());
                    self.insert(Attribute::Property(&change.name), form);
                }
            }
            Operation::Tag(tags) => tags.iter().for_each(|t| self.insert_tag(&t.name)),
            Operation::Untag(tags) => {
                for tag in tags {
                    if let Some(name) = self.hash(Attribute::Tag(&tag.name)) {
                        self.values.remove(&low(name));
                    }
                }
            }
            Operation::Delete(_) => self.values.clear(),
        }
    }

    fn has_form(&self, name: Attribute<'_>, forms: Vec<String>) -> bool {
        let hash = self.hash(name);
        let Some(written) = hash.and_then(|hash| self.values.get(&low(hash)).copied()) else {
            return forms.is_empty();
        };
        let is_written = |form: Option<&str>| self.value(name, form) == Some(written);
        match forms.is_empty() {
            true => is_written(None),
            false => forms.iter().any(|form| is_written(Some(form))),
        }
    }

    fn insert(&mut self, name: Attribute<'_>, form: Option<String>) {
        let value = self.value(name, form.as_deref());
        if let (Some(name), Some(value)) = (self.hash(name), value) {
            self.values.insert(low(name), value);
        }
    }

    fn insert_tag(&mut self, tag: &str) {
        self.insert(Attribute::Tag(tag), None);
    }

    fn hash(&self, name: Attribute<'_>) -> Option<u128> {
        Some(self.hasher(name)?.finish128().as_u128())
    }

    /// The hash of a value, different for each customer and attribute.
    fn value(&self, name: Attribute<'_>, form: Option<&str>) -> Option<u128> {
        let mut hasher = self.hasher(name)?;
        hasher.write_u8(u8::from(form.is_some()));
        hasher.write(form.unwrap_or_default().as_bytes());
        Some(hasher.finish128().as_u128())
    }

    fn hasher(&self, name: Attribute<'_>) -> Option<SipHasher13> {
        let (salt, customer) = self.salt.as_ref()?;
        let mut hasher = SipHasher13::new_with_key(salt);
        let (kind, name) = match name {
            Attribute::Field(field) => (0, field.name()),
            Attribute::Property(name) => (1, name),
            Attribute::Tag(name) => (2, name),
        };
        // In a fixed byte order, since the hashes are stored.
        hasher.write(&customer.0.to_le_bytes());
        hasher.write(&[kind]);
        hasher.write(&(name.len() as u64).to_le_bytes());
        hasher.write(name.as_bytes());
        Some(hasher)
    }
}

/// The lower 64 bits, which are enough for the few attributes of one customer.
fn low(hash: u128) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = hash.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Number, Tag};
    use crate::plan::{Create, FieldChange, Patch, PropertyChange};

    fn empty() -> LastWritten {
        LastWritten::from_bytes([7; 16], CustomerId(1), &[])
    }

    fn text(t: &str) -> Value {
        Value::Text(t.to_owned())
    }

    fn created() -> LastWritten {
        let mut written = empty();
        written.record(&Operation::Create(Create {
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
    fn written_values_are_recognized_by_their_meaning_and_from_disk() {
        let written = created();
        let written = LastWritten::from_bytes([7; 16], CustomerId(1), &written.to_bytes());
        assert!(written.is_unedited(Field::Name, Some(&text("Ann"))));
        assert!(written.is_unedited(Field::Email, Some(&text("a@X.org"))));
        assert!(written.is_unedited(Field::FirstSeen, None));
        let spelled = CustomValue::Text("15.0".into());
        assert!(written.is_property_unedited("mrr", Some(&spelled)));
        assert!(written.has_added_tag("vip"));

        assert!(!written.is_unedited(Field::Name, Some(&text("Anna"))));
        assert!(!written.is_unedited(Field::FirstSeen, Some(&Value::Date(1))));
        let other = CustomValue::Text("16".into());
        assert!(!written.is_property_unedited("mrr", Some(&other)));
        assert!(!written.has_added_tag("Vip"));
        // Clearing a value is an edit as well.
        assert!(!written.is_unedited(Field::Name, None));
        assert!(!written.is_property_unedited("mrr", None));
    }

    #[test]
    fn a_value_that_was_never_written_counts_as_edited() {
        for nothing in [LastWritten::default(), empty()] {
            assert!(!nothing.is_unedited(Field::Name, Some(&text("Ann"))));
            assert!(nothing.is_unedited(Field::Name, None));
            assert!(nothing.is_property_unedited("mrr", None));
            assert!(!nothing.has_added_tag("vip"));
        }
        let mut forgetful = LastWritten::default();
        forgetful.record(&Operation::Tag(vec![Tag::named("vip")]));
        assert!(forgetful.is_empty() && !forgetful.has_added_tag("vip"));
    }

    #[test]
    fn the_last_write_counts() {
        let mut written = created();
        written.record(&Operation::Patch(Patch {
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
        written.record(&Operation::Untag(vec![Tag::named("vip")]));
        assert!(written.is_unedited(Field::Name, None));
        assert!(!written.is_unedited(Field::Name, Some(&text("Ann"))));
        let x = CustomValue::Text("x".into());
        assert!(written.is_property_unedited("mrr", Some(&x)));
        assert!(!written.has_added_tag("vip"));
    }

    #[test]
    fn the_same_value_has_another_hash_in_each_account_and_customer() {
        let bytes = |salt, customer| {
            let mut written = LastWritten::from_bytes([salt; 16], CustomerId(customer), &[]);
            written.record(&Operation::Tag(vec![Tag::named("vip")]));
            written.to_bytes()
        };
        assert_eq!(bytes(1, 1).len(), RECORD);
        assert_ne!(bytes(1, 1), bytes(2, 1));
        assert_ne!(bytes(1, 1), bytes(1, 2));
    }
}
