//! Fingerprints that prove that a customer is as its row wants it, without loading the customer's values.

use std::borrow::Borrow;
use std::io::Write as _;
use std::num::NonZeroU64;

use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use serde::{Deserialize, Serialize};

use crate::domain::{
    CustomValue, DesiredCustomer, Field, RemoteCustomer, Reported, Value, Wish, fold_email,
};

use crate::domain::text::trim;

/// A sum of keyed hashes, one for each attribute with a value: of its name and of a text that is equal only for values that mean
/// the same.
///
/// Equal fingerprints mean that a comparison would find no difference. Different ones prove nothing: one value may be spelled
/// in two ways, and a customer may have attributes that its row does not mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(NonZeroU64);

impl Fingerprint {
    /// A sum of 0, if no attribute has a value, becomes 1, so that `Option<Fingerprint>` takes eight bytes.
    fn of(sum: u64) -> Self {
        Self(NonZeroU64::new(sum).unwrap_or(NonZeroU64::MIN))
    }

    /// The fingerprint as stored; 0 for none.
    pub fn to_bits(fingerprint: Option<Self>) -> u64 {
        fingerprint.map_or(0, |fingerprint| fingerprint.0.get())
    }

    pub fn from_bits(bits: u64) -> Option<Self> {
        NonZeroU64::new(bits).map(Self)
    }
}

/// The attributes that a config manages, of which fingerprints are made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedAttributes {
    pub fields: Vec<Field>,
    pub properties: Vec<String>,
    pub tags: bool,
}

/// Makes fingerprints. Those of the same attributes and seed can be compared, in whichever process they were made. The seed is
/// secret, so that equal fingerprints cannot be crafted.
#[derive(Debug, Clone)]
pub struct Fingerprinter {
    managed: ManagedAttributes,
    seed: u64,
    secrets: RapidSecrets,
}

/// Bytes of the longest number and more.
const ROOM: usize = 40;

/// Tells tags from fields, which have their index, and from properties, which have the hash of their name.
const TAG: u64 = u64::MAX;

impl Fingerprinter {
    pub fn new(managed: ManagedAttributes, seed: u64) -> Self {
        Self {
            managed,
            seed,
            secrets: RapidSecrets::seed(seed),
        }
    }

    pub fn managed(&self) -> &ManagedAttributes {
        &self.managed
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns `None` if a managed attribute was not reported or cannot be compared.
    pub fn of_customer<T>(&self, customer: &RemoteCustomer<T>) -> Option<Fingerprint>
    where
        T: AsRef<str> + Borrow<str> + Ord,
    {
        let mut sum = 0_u64;
        for field in &self.managed.fields {
            if let Some(value) = customer.value(*field) {
                sum = sum.wrapping_add(self.field(*field, value));
            }
        }
        if !self.managed.properties.is_empty() {
            if !customer.custom_data.is_reported() {
                return None;
            }
            for name in &self.managed.properties {
                if customer.opaque.contains_key(name) {
                    return None;
                }
                if let Some(value) = customer.property(name) {
                    sum = sum.wrapping_add(self.property(name, value));
                }
            }
        }
        if self.managed.tags {
            let Reported::Value(tags) = &customer.tags else {
                return None;
            };
            for tag in tags {
                sum = sum.wrapping_add(self.tag(tag.name.as_ref()));
            }
        }
        Some(Fingerprint::of(sum))
    }

    /// The fingerprint of what a row mentions of a customer: it is that of the row if every wish holds. `exact`: a list of tags
    /// that is complete takes other tags from the customer. Returns `None` if an attribute was not reported or cannot be
    /// compared.
    pub fn of_mentioned<T, U>(
        &self,
        customer: &RemoteCustomer<T>,
        desired: &DesiredCustomer<U>,
        exact: bool,
    ) -> Option<Fingerprint>
    where
        T: AsRef<str> + Borrow<str> + Ord,
        U: AsRef<str>,
    {
        let mut sum = 0_u64;
        for (field, _) in &desired.fields {
            if let Some(value) = customer.value(*field) {
                sum = sum.wrapping_add(self.field(*field, value));
            }
        }
        let is_silent = !desired.custom_data.is_empty() && !customer.custom_data.is_reported();
        for (name, _) in &desired.custom_data {
            let name = name.as_ref();
            if is_silent || customer.opaque.contains_key(name) {
                return None;
            }
            if let Some(value) = customer.property(name) {
                sum = sum.wrapping_add(self.property(name, value));
            }
        }
        let tags = &desired.tags;
        if tags.is_full_list || !tags.add.is_empty() {
            let Reported::Value(current) = &customer.tags else {
                return None;
            };
            let takes_all = tags.is_full_list && exact;
            let is_wanted = |name: &str| tags.add.iter().any(|tag| tag.name.as_ref() == name);
            for tag in current {
                let name = tag.name.as_ref();
                if takes_all || is_wanted(name) {
                    sum = sum.wrapping_add(self.tag(name));
                }
            }
        }
        Some(Fingerprint::of(sum))
    }

    /// Returns `None` if the row removes tags, for equal fingerprints would then prove nothing.
    pub fn of_row<T: AsRef<str>>(&self, desired: &DesiredCustomer<T>) -> Option<Fingerprint> {
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
            // An untyped cell means the customer's value if that has the same spelling.
            let (Wish::Set(value) | Wish::Untyped(value)) = wish else {
                continue;
            };
            if !value.is_no_value() {
                sum = sum.wrapping_add(self.property(name.as_ref(), value));
            }
        }
        for tag in &desired.tags.add {
            sum = sum.wrapping_add(self.tag(tag.name.as_ref()));
        }
        Some(Fingerprint::of(sum))
    }

    fn field<T: AsRef<str>>(&self, field: Field, value: &Value<T>) -> u64 {
        let attribute = field.index() as u64;
        let text = match value {
            // False means no value.
            Value::Bool(false) => return 0,
            Value::Bool(true) => return self.hash(attribute, "true"),
            Value::Date(seconds) => {
                return self.hash(attribute, itoa::Buffer::new().format(*seconds));
            }
            Value::Text(text) => text.as_ref(),
        };
        match (field, trim(text)) {
            // Compared without trimming, so that a blank one is no absent one.
            (Field::Email, _) => self.hash(attribute, &fold_email(text)),
            (Field::UserId, _) => self.hash(attribute, text),
            (_, "") => 0,
            (_, trimmed) => self.hash(attribute, trimmed),
        }
    }

    fn property<T: AsRef<str>>(&self, name: &str, value: &CustomValue<T>) -> u64 {
        let attribute = rapidhash_v3_seeded(name.as_bytes(), &self.secrets);
        match value {
            CustomValue::Text(text) => self.hash(attribute, trim(text.as_ref())),
            other => {
                let mut room = [0; ROOM];
                let mut free = room.as_mut_slice();
                let fits = write!(free, "{other}").is_ok();
                let length = ROOM - free.len();
                match room.get(..length).filter(|_| fits) {
                    Some(text) => self.hash_bytes(attribute, text),
                    None => self.hash(attribute, &other.to_string()),
                }
            }
        }
    }

    fn tag(&self, name: &str) -> u64 {
        self.hash(TAG, name)
    }

    fn hash(&self, attribute: u64, text: &str) -> u64 {
        self.hash_bytes(attribute, text.as_bytes())
    }

    fn hash_bytes(&self, attribute: u64, text: &[u8]) -> u64 {
        let text = rapidhash_v3_seeded(text, &self.secrets);
        let both = u128::from(attribute) << 64 | u128::from(text);
        rapidhash_v3_seeded(&both.to_le_bytes(), &self.secrets)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{CustomerId, DesiredTags, Number, Tag, TagMode};
    use crate::plan::diff::{DiffBaseline, diff};
    use crate::plan::{LastWritten, Ownership};

    fn prints() -> Fingerprinter {
        let managed = ManagedAttributes {
            fields: vec![Field::Name, Field::UserId, Field::Email, Field::Blocked],
            properties: vec!["plan".to_owned(), "mrr".to_owned()],
            tags: true,
        };
        Fingerprinter::new(managed, 7)
    }

    /// A small set of texts, so that many are equal: blanks, spellings, numbers and booleans in two types.
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

        /// With equal fingerprints the comparison finds no difference, in any mode.
        #[test]
        fn equal_fingerprints_mean_no_difference(
            theirs in (fields(), properties(), tags()),
            own in (fields(), properties(), tags()),
            alike in 0_u8..8,
            silent in 0_u8..16,
            is_full_list: bool,
            clears: bool,
        ) {
            // Each part is often the same, or fingerprints would hardly ever be equal.
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
            customer.custom_data = Reported::Value(properties.collect::<BTreeMap<_, _>>());
            customer.tags = Reported::Value(theirs.2);
            if silent == 1 {
                customer.tags = Reported::Missing;
            }
            if silent == 2 {
                customer.custom_data = Reported::Missing;
            }
            let wished = wanted.0.into_iter();
            let custom = wanted.1.into_iter();
            let desired = DesiredCustomer {
                fields: wished.filter_map(|(f, v)| Some((f, wish(v, clears)?))).collect(),
                custom_data: custom.filter_map(|(n, v)| Some((n, wish(v, clears)?))).collect(),
                tags: DesiredTags { add: wanted.2, is_full_list, ..DesiredTags::default() },
                ..DesiredCustomer::default()
            };
            let prints = prints();
            let print = prints.of_row(&desired);
            prop_assert!(print.is_some());
            for tag_mode in [TagMode::Add, TagMode::Exact, TagMode::Managed] {
                let exact = tag_mode != TagMode::Add;
                if print == prints.of_customer(&customer)
                    || print == prints.of_mentioned(&customer, &desired, exact)
                {
                    let ownership = Ownership { tag_mode, ..Ownership::default() };
                    let written = LastWritten::default();
                    let against = DiffBaseline { remote: &customer, written: &written, ownership: &ownership };
                    let diff = diff(&desired, against);
                    prop_assert_eq!((diff.left.as_slice(), diff.unknown), ([].as_slice(), false));
                    prop_assert_eq!(diff.operations(), vec![]);
                }
            }
        }
    }

    #[test]
    fn usual_rows_are_proven_and_doubtful_ones_are_not() {
        let mut customer = RemoteCustomer::unknown(CustomerId(1));
        customer.set_field(Field::Email, Some(Value::Text("Ann@x.org".into())));
        customer.set_field(Field::Company, Some(Value::Text("not managed".into())));
        let number = CustomValue::Number(Number::parse("15.5").unwrap());
        let properties = [
            ("mrr".to_owned(), number),
            ("other".to_owned(), CustomValue::Bool(true)),
        ];
        customer.custom_data = Reported::Value(properties.into());
        customer.tags = Reported::Value(vec![Tag::named("b"), Tag::named("a")]);
        let email = Wish::Set(Value::Text("ann@X.org".into()));
        let open = Wish::Untyped(CustomValue::Text("15.5".into()));
        let mut desired = DesiredCustomer {
            fields: vec![(Field::Email, email), (Field::Name, Wish::Clear)],
            custom_data: vec![("mrr".into(), open)],
            tags: DesiredTags {
                add: vec![Tag::named("a"), Tag::named("b")],
                is_full_list: true,
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
        customer.custom_data = Reported::Missing;
        assert_eq!(prints.of_customer(&customer), None);
        customer.custom_data = Reported::Value(BTreeMap::new());
        assert!(!proves(&desired, &customer));
        customer.tags = Reported::Missing;
        assert_eq!(prints.of_customer(&customer), None);
        desired.tags.remove.push("b".into());
        assert_eq!(prints.of_row(&desired), None);
    }
}
