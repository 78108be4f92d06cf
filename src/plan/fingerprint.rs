//! Fingerprints that prove that a customer is as its row wants it, without reading the customer's values again.

use std::hash::BuildHasher as _;
use std::num::NonZeroU64;

use foldhash::quality::RandomState;

use crate::domain::{
    CustomValue, DesiredCustomer, Field, Known, RemoteCustomer, Value, Wish, fold_email,
};

/// A sum of keyed hashes, one for each attribute with a value: its name and a text that is the same only for values that
/// mean the same. What has no value adds nothing.
///
/// Equal fingerprints mean that the comparison would find nothing. Different ones mean nothing: values may be spelled in
/// two ways, a customer may have what its row does not speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(NonZeroU64);

impl Fingerprint {
    /// Of a sum of hashes. 0, where nothing has a value, counts as 1, so that an absent fingerprint takes no room.
    fn of(sum: u64) -> Self {
        Self(NonZeroU64::new(sum).unwrap_or(NonZeroU64::MIN))
    }
}

/// Makes fingerprints over the attributes that a config manages. The hash has a new key in each process, so that two
/// customers cannot be made to look alike.
#[derive(Debug, Clone)]
pub struct Fingerprinter {
    fields: Vec<Field>,
    properties: Vec<String>,
    tags: bool,
    hashes: RandomState,
}

/// What kind of attribute a hash is of.
#[derive(Hash)]
enum Attribute<'a> {
    Field(Field),
    Property(&'a str),
    Tag(&'a str),
}

impl Fingerprinter {
    /// `tags`: whether tags are managed at all.
    #[must_use]
    pub fn new(fields: Vec<Field>, properties: Vec<String>, tags: bool) -> Self {
        Self {
            fields,
            properties,
            tags,
            hashes: RandomState::default(),
        }
    }

    /// None where the answer does not tell everything that is managed, or holds what cannot be compared.
    #[must_use]
    pub fn of_customer(&self, customer: &RemoteCustomer) -> Option<Fingerprint> {
        let mut sum = 0_u64;
        for field in &self.fields {
            if let Some(value) = customer.value(*field) {
                sum = sum.wrapping_add(self.field(*field, value));
            }
        }
        if !self.properties.is_empty() {
            if !customer.custom_data.is_known() {
                return None;
            }
            for name in &self.properties {
                if customer.opaque.contains_key(name) {
                    return None;
                }
                if let Some(value) = customer.property(name) {
                    sum = sum.wrapping_add(self.property(name, value));
                }
            }
        }
        if self.tags {
            let Known::Is(tags) = &customer.tags else {
                return None;
            };
            for tag in tags {
                sum = sum.wrapping_add(self.tag(&tag.name));
            }
        }
        Some(Fingerprint::of(sum))
    }

    /// None where equal fingerprints would prove nothing: a row that removes tags, or that says nothing of managed ones.
    #[must_use]
    pub fn of_row(&self, desired: &DesiredCustomer) -> Option<Fingerprint> {
        if !desired.tags.remove.is_empty() {
            return None;
        }
        let mut sum = 0_u64;
        for (field, wish) in &desired.fields {
            if let Some(value) = wish.value() {
                sum = sum.wrapping_add(self.field(*field, value));
            }
        }
        for (name, wish) in &desired.custom_data {
            // A cell whose type is still open means what the customer has, if that is spelled like it.
            let (Wish::Set(value) | Wish::Untyped(value)) = wish else {
                continue;
            };
            if !value.is_no_value() {
                sum = sum.wrapping_add(self.property(name, value));
            }
        }
        for tag in &desired.tags.add {
            sum = sum.wrapping_add(self.tag(&tag.name));
        }
        Some(Fingerprint::of(sum))
    }

    fn field(&self, field: Field, value: &Value) -> u64 {
        let attribute = Attribute::Field(field);
        match (field, value) {
            // A blank text is no value, and false the same as none.
            (_, Value::Text(text)) if text.trim().is_empty() => 0,
            (_, Value::Bool(false)) => 0,
            (Field::Email, Value::Text(text)) => self.hash(attribute, &fold_email(text)),
            (Field::UserId, Value::Text(text)) => self.hash(attribute, text),
            (_, Value::Text(text)) => self.hash(attribute, text.trim()),
            (_, Value::Bool(true)) => self.hash(attribute, "true"),
            (_, Value::Date(seconds)) => self.hash(attribute, &seconds.to_string()),
        }
    }

    fn property(&self, name: &str, value: &CustomValue) -> u64 {
        let attribute = Attribute::Property(name);
        match value {
            CustomValue::Text(text) => self.hash(attribute, text.trim()),
            other => self.hash(attribute, &other.to_string()),
        }
    }

    fn tag(&self, name: &str) -> u64 {
        self.hashes.hash_one(Attribute::Tag(name))
    }

    fn hash(&self, attribute: Attribute<'_>, text: &str) -> u64 {
        self.hashes.hash_one((attribute, text))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{CustomerId, DesiredTags, Number, Tag, TagMode};
    use crate::plan::diff::{Against, diff};
    use crate::plan::{Ownership, Written};

    fn prints() -> Fingerprinter {
        let fields = vec![Field::Name, Field::UserId, Field::Email, Field::Blocked];
        let properties = vec!["plan".to_owned(), "mrr".to_owned()];
        Fingerprinter::new(fields, properties, true)
    }

    /// Few texts, so that many are alike: blanks, spellings, numbers and booleans in two types.
    fn texts() -> impl Strategy<Value = String> {
        const TEXTS: &[&str] = &[
            "", " ", "a", "A", " a", "a@x.org", "A@x.org", "1", "1.0", "true", "é", "e\u{301}",
        ];
        prop::sample::select(TEXTS).prop_map(str::to_owned)
    }

    fn fields() -> impl Strategy<Value = Vec<(Field, Option<Value>)>> {
        let text = || prop::option::of(texts().prop_map(Value::Text));
        let blocked = prop::option::of(any::<bool>().prop_map(Value::Bool));
        (text(), text(), text(), blocked).prop_map(|(name, user_id, email, blocked)| {
            vec![
                (Field::Name, name),
                (Field::UserId, user_id),
                (Field::Email, email),
                (Field::Blocked, blocked),
            ]
        })
    }

    fn custom() -> impl Strategy<Value = CustomValue> {
        prop_oneof![
            texts().prop_map(CustomValue::Text),
            Just(CustomValue::Number(Number::parse("1").unwrap())),
            any::<bool>().prop_map(CustomValue::Bool),
            (0..2_i64).prop_map(CustomValue::Date),
        ]
    }

    fn properties() -> impl Strategy<Value = Vec<(String, Option<CustomValue>)>> {
        (prop::option::of(custom()), prop::option::of(custom()))
            .prop_map(|(plan, mrr)| vec![("plan".to_owned(), plan), ("mrr".to_owned(), mrr)])
    }

    fn tags() -> impl Strategy<Value = Vec<Tag>> {
        prop::sample::subsequence(vec!["a", "A", "b"], 0..=3)
            .prop_map(|names| names.into_iter().map(Tag::named).collect())
    }

    fn wish<T>(value: Option<T>, clears: bool) -> Option<Wish<T>> {
        match value {
            Some(value) => Some(Wish::Set(value)),
            None => clears.then_some(Wish::Clear),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// The one promise: equal fingerprints, and the comparison finds nothing, whatever the mode.
        #[test]
        fn equal_fingerprints_mean_no_difference(
            theirs in (fields(), properties(), tags()),
            own in (fields(), properties(), tags()),
            alike in 0_u8..8,
            clears: bool,
        ) {
            // Two of three parts are often the same, or hardly anything would ever be equal.
            let wanted = (
                if alike & 1 == 0 { theirs.0.clone() } else { own.0 },
                if alike & 2 == 0 { theirs.1.clone() } else { own.1 },
                if alike & 4 == 0 { theirs.2.clone() } else { own.2 },
            );
            let mut customer = RemoteCustomer::unknown(CustomerId(1));
            for (field, value) in theirs.0 {
                customer.set_field(field, value);
            }
            let properties = theirs.1.into_iter();
            let properties = properties.filter_map(|(name, value)| Some((name, value?)));
            customer.custom_data = Known::Is(properties.collect::<BTreeMap<_, _>>());
            customer.tags = Known::Is(theirs.2);
            let wished = wanted.0.into_iter();
            let custom = wanted.1.into_iter();
            let desired = DesiredCustomer {
                fields: wished.filter_map(|(f, v)| Some((f, wish(v, clears)?))).collect(),
                custom_data: custom.filter_map(|(n, v)| Some((n, wish(v, clears)?))).collect(),
                tags: DesiredTags { add: wanted.2, spoken: true, ..DesiredTags::default() },
                ..DesiredCustomer::default()
            };
            let prints = prints();
            if prints.of_row(&desired) == prints.of_customer(&customer) {
                for tag_mode in [TagMode::Add, TagMode::Exact] {
                    let ownership = Ownership { tag_mode, ..Ownership::default() };
                    let written = Written::default();
                    let against = Against { remote: &customer, written: &written, ownership: &ownership };
                    let found = diff(&desired, against);
                    prop_assert_eq!((found.kept_true, found.unknown), (0, false));
                    prop_assert_eq!(found.operations(), vec![]);
                }
            }
        }
    }

    #[test]
    fn usual_rows_are_proved_and_doubtful_ones_are_not() {
        let mut customer = RemoteCustomer::unknown(CustomerId(1));
        customer.set_field(Field::Email, Some(Value::Text("Ann@x.org".into())));
        customer.set_field(Field::Company, Some(Value::Text("not managed".into())));
        let number = CustomValue::Number(Number::parse("15.5").unwrap());
        let properties = [
            ("mrr".to_owned(), number),
            ("other".to_owned(), CustomValue::Bool(true)),
        ];
        customer.custom_data = Known::Is(properties.into());
        customer.tags = Known::Is(vec![Tag::named("b"), Tag::named("a")]);
        let email = Wish::Set(Value::Text("ann@X.org".into()));
        let open = Wish::Untyped(CustomValue::Text("15.5".into()));
        let mut desired = DesiredCustomer {
            fields: vec![(Field::Email, email), (Field::Name, Wish::Clear)],
            custom_data: vec![("mrr".into(), open)],
            tags: DesiredTags {
                add: vec![Tag::named("a"), Tag::named("b")],
                spoken: true,
                ..DesiredTags::default()
            },
            ..DesiredCustomer::default()
        };
        let prints = prints();
        let proves = |desired: &DesiredCustomer, customer: &RemoteCustomer| {
            prints.of_row(desired).is_some()
                && prints.of_row(desired) == prints.of_customer(customer)
        };
        assert!(proves(&desired, &customer));
        customer.custom_data = Known::Unknown;
        assert_eq!(prints.of_customer(&customer), None);
        customer.custom_data = Known::Is(BTreeMap::new());
        assert!(!proves(&desired, &customer));
        customer.tags = Known::Unknown;
        assert_eq!(prints.of_customer(&customer), None);
        desired.tags.remove.push("b".into());
        assert_eq!(prints.of_row(&desired), None);
    }
}
