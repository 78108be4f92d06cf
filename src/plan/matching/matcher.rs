use smallvec::SmallVec;

use crate::domain::{Issue, KeyField, RowKey};
use crate::plan::key_hash::KeyHashes;
use crate::plan::{MatchSettings, OnAmbiguous, OnConflict};

use super::assigned_keys::AssignedKeys;
use super::{Ambiguity, CustomerRef, Match, NewCustomer, RemoteLookup};

/// The customers that each key of a row matches, oldest first.
#[derive(Default)]
pub(super) struct KeyMatches {
    pub(super) user_id: SmallVec<[CustomerRef; 2]>,
    pub(super) email: SmallVec<[CustomerRef; 2]>,
}

/// Matches the rows of one input in their order.
#[derive(Debug)]
pub struct Matcher<'a, L> {
    pub(super) settings: &'a MatchSettings,
    pub(super) lookup: &'a L,
    pub(super) assigned: AssignedKeys,
}

impl<'a, L: RemoteLookup> Matcher<'a, L> {
    pub fn new(settings: &'a MatchSettings, lookup: &'a L) -> Self {
        Self {
            settings,
            lookup,
            assigned: AssignedKeys::default(),
        }
    }

    /// Returns the customer that a row with these keys means.
    pub fn find(&self, key: &RowKey) -> Result<Match, L::Error> {
        let matches = self.key_matches(KeyHashes::of(key))?;
        match self.first_match(key, &matches)? {
            Match::Found(customer) => self.check_conflicts(key, &matches, customer),
            Match::NoCustomer => self.check_create(key, &matches),
            other => Ok(other),
        }
    }

    /// Whether an earlier row assigned one of these keys to its customer.
    pub fn has_assigned(&self, keys: KeyHashes) -> bool {
        self.assigned.has_any(keys)
    }

    /// Like [`find`](Self::find) for a row of which the user decided that it means this customer, one of those that its key
    /// matches: it is still checked for conflicts.
    pub fn find_decided(&self, key: &RowKey, customer: CustomerRef) -> Result<Match, L::Error> {
        let matches = self.key_matches(KeyHashes::of(key))?;
        self.check_conflicts(key, &matches, customer)
    }

    /// Records that a row creates its customer, for the rows after it.
    pub fn create(&mut self, keys: impl Into<KeyHashes>) -> NewCustomer {
        let new = self.assigned.add_customer();
        self.assigned.replace(CustomerRef::New(new), keys.into());
        new
    }

    /// Records the keys that a row assigns to its customer, for the rows after it. They replace those of an earlier row, but
    /// not those that the customer was read with. So two rows that end at one customer are recognized, in the first run as
    /// well as in a second one.
    pub fn assign_keys(
        &mut self,
        customer: CustomerRef,
        keys: impl Into<KeyHashes>,
    ) -> Result<(), L::Error> {
        let keys = self.without_own_keys(customer, keys.into())?;
        self.assigned.replace(customer, keys);
        Ok(())
    }

    /// Records the keys of a row that is merged into earlier rows of its customer, whose keys win.
    pub fn add_keys(&mut self, customer: CustomerRef, keys: KeyHashes) -> Result<(), L::Error> {
        let keys = self.without_own_keys(customer, keys)?;
        self.assigned.add(customer, keys);
        Ok(())
    }

    /// Leaves out the keys that the customer was read with.
    fn without_own_keys(
        &self,
        customer: CustomerRef,
        mut keys: KeyHashes,
    ) -> Result<KeyHashes, L::Error> {
        if let CustomerRef::Remote(id) = customer {
            if let Some(user_id) = keys.user_id
                && self.lookup.by_user_id(user_id)?.contains(&id)
            {
                keys.user_id = None;
            }
            if let Some(email) = keys.email
                && self.lookup.by_email(email)?.contains(&id)
            {
                keys.email = None;
            }
        }
        Ok(keys)
    }

    fn key_matches(&self, keys: KeyHashes) -> Result<KeyMatches, L::Error> {
        let mut matches = KeyMatches::default();
        if let Some(user_id) = keys.user_id {
            let remote = self.lookup.by_user_id(user_id)?.into_iter();
            matches.user_id.extend(remote.map(CustomerRef::Remote));
            matches.user_id.extend(self.assigned.by_user_id(user_id));
        }
        if let Some(email) = keys.email {
            let remote = self.lookup.by_email(email)?.into_iter();
            matches.email.extend(remote.map(CustomerRef::Remote));
            matches.email.extend(self.assigned.by_email(email));
        }
        matches.user_id.sort_unstable();
        matches.email.sort_unstable();
        Ok(matches)
    }

    /// Tries the keys in the order of `match.keys`; the first that matches a customer decides.
    fn first_match(&self, key: &RowKey, matches: &KeyMatches) -> Result<Match, L::Error> {
        for field in &self.settings.keys {
            let matched = match field {
                KeyField::Id => self.by_id(key)?,
                KeyField::UserId => self.one_of(KeyField::UserId, &matches.user_id),
                KeyField::Email => self.by_email(key, matches)?,
            };
            if matched != Match::NoCustomer {
                return Ok(matched);
            }
        }
        Ok(Match::NoCustomer)
    }

    /// An id that does not exist is rejected without trying further keys, never created (contract).
    fn by_id(&self, key: &RowKey) -> Result<Match, L::Error> {
        let Some(id) = key.id else {
            return Ok(Match::NoCustomer);
        };
        Ok(match self.lookup.customer(id)? {
            Some(_) => Match::Found(CustomerRef::Remote(id)),
            None => Match::Rejected(
                Issue::matching("unknown_id", "no customer has this id").hint(
                    "leave the id empty to match by userId or e-mail, or to create the customer",
                ),
            ),
        })
    }

    fn by_email(&self, key: &RowKey, matches: &KeyMatches) -> Result<Match, L::Error> {
        // If several customers have the e-mail, a userId that matches one of them decides.
        if let ([one], true) = (matches.user_id.as_slice(), matches.email.len() > 1)
            && matches.email.contains(one)
        {
            return Ok(Match::Found(*one));
        }
        if self.settings.on_conflict == OnConflict::Create && key.user_id.is_some() {
            // E-mails may be shared: a customer with another userId is not meant.
            if let [one] = matches.user_id.as_slice() {
                return Ok(Match::Found(*one));
            }
            let mut without_other_user_id = Vec::new();
            for customer in &matches.email {
                if !self.has_other_user_id(*customer, key)? {
                    without_other_user_id.push(*customer);
                }
            }
            return Ok(self.one_of(KeyField::Email, &without_other_user_id));
        }
        Ok(self.one_of(KeyField::Email, &matches.email))
    }

    pub(super) fn one_of(&self, by: KeyField, customers: &[CustomerRef]) -> Match {
        match (customers, self.settings.on_ambiguous) {
            ([], _) => Match::NoCustomer,
            ([one], _) => Match::Found(*one),
            ([oldest, ..], OnAmbiguous::Oldest) => Match::Found(*oldest),
            ([.., newest], OnAmbiguous::Newest) => Match::Found(*newest),
            (several, OnAmbiguous::Skip | OnAmbiguous::Reject) => Match::Ambiguous(Ambiguity {
                by,
                candidates: several.to_vec(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomerId, Field, RemoteCustomer, Value};
    use crate::plan::key_hash::KeyHash;
    use crate::plan::matching::CustomerIds;
    use std::convert::Infallible;

    struct Customers(Vec<RemoteCustomer>);

    fn customer(id: u64, user_id: Option<&str>, email: Option<&str>) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(id));
        customer.set_field(Field::UserId, user_id.map(|t| Value::Text(t.into())));
        customer.set_field(Field::Email, email.map(|t| Value::Text(t.into())));
        customer
    }

    impl RemoteLookup for Customers {
        type Error = Infallible;
        fn by_user_id(&self, user_id: KeyHash) -> Result<CustomerIds, Infallible> {
            Ok(self
                .0
                .iter()
                .filter(|c| c.user_id().map(KeyHash::of_user_id) == Some(user_id))
                .map(|c| c.id)
                .collect())
        }
        fn by_email(&self, email: KeyHash) -> Result<CustomerIds, Infallible> {
            let same = |c: &&RemoteCustomer| c.email().map(KeyHash::of_email) == Some(email);
            Ok(self.0.iter().filter(same).map(|c| c.id).collect())
        }
        fn customer(&self, id: CustomerId) -> Result<Option<RemoteCustomer>, Infallible> {
            Ok(self.0.iter().find(|c| c.id == id).cloned())
        }
    }

    fn key(user_id: Option<&str>, email: Option<&str>) -> RowKey {
        RowKey {
            id: None,
            user_id: user_id.map(Into::into),
            email: email.map(Into::into),
        }
    }

    fn find(customers: &Customers, settings: &MatchSettings, key: &RowKey) -> Match {
        Matcher::new(settings, customers).find(key).unwrap()
    }

    fn found(id: u64) -> Match {
        Match::Found(CustomerRef::Remote(CustomerId(id)))
    }

    fn code(m: &Match) -> &str {
        match m {
            Match::Rejected(issue) => &issue.code,
            Match::Conflict(_) => "conflict",
            Match::Ambiguous(_) => "ambiguous",
            _ => "",
        }
    }

    fn settings(
        keys: &[KeyField],
        on_ambiguous: OnAmbiguous,
        on_conflict: OnConflict,
    ) -> MatchSettings {
        MatchSettings {
            keys: keys.to_vec(),
            on_ambiguous,
            on_conflict,
        }
    }

    fn sharing() -> MatchSettings {
        MatchSettings {
            on_conflict: OnConflict::Create,
            ..MatchSettings::default()
        }
    }

    #[test]
    fn the_first_key_that_matches_a_customer_decides() {
        let customers = Customers(vec![
            customer(1, Some("a"), None),
            customer(2, None, Some("B@x.org")),
        ]);
        let plain = MatchSettings::default();
        assert_eq!(find(&customers, &plain, &key(Some("a"), None)), found(1));
        assert_eq!(
            find(&customers, &plain, &key(Some("z"), Some("b@X.org"))),
            found(2)
        );
        assert_eq!(
            find(&customers, &plain, &key(Some("z"), Some("c@x.org"))),
            Match::NoCustomer
        );
        assert_eq!(
            find(&customers, &plain, &key(Some("A"), None)),
            Match::NoCustomer
        );
    }

    #[test]
    fn two_customers_and_another_user_id_are_conflicts() {
        let customers = Customers(vec![
            customer(1, Some("a"), Some("a@x")),
            customer(2, Some("b"), Some("b@x")),
            customer(3, None, Some("c@x")),
        ]);
        let plain = MatchSettings::default();
        for both in [
            key(Some("a"), Some("b@x")),
            key(Some("a"), Some("c@x")),
            key(Some("z"), Some("b@x")),
        ] {
            assert_eq!(
                code(&find(&customers, &plain, &both)),
                "conflict",
                "{both:?}"
            );
        }
        assert_eq!(
            find(&customers, &sharing(), &key(Some("a"), Some("b@x"))),
            found(1)
        );
        assert_eq!(
            find(&customers, &sharing(), &key(Some("z"), Some("b@x"))),
            Match::NoCustomer
        );
        assert_eq!(
            find(&customers, &sharing(), &key(Some("z"), Some("c@x"))),
            found(3)
        );
    }

    #[test]
    fn a_customer_found_by_email_may_get_the_rows_user_id() {
        let customers = Customers(vec![
            customer(1, Some("a"), Some("a@x")),
            customer(2, Some("b"), Some("b@x")),
            customer(3, Some("c"), Some("s@x")),
            customer(4, None, Some("s@x")),
        ]);
        use KeyField::{Email, UserId};
        for keys in [&[UserId, Email][..], &[Email, UserId], &[UserId]] {
            let update = settings(keys, OnAmbiguous::Reject, OnConflict::Update);
            let find = |user, email| find(&customers, &update, &key(Some(user), Some(email)));
            assert_eq!(find("z", "a@x"), found(1), "{keys:?}");
            assert_eq!(find("z", "new@x"), Match::NoCustomer);
            assert_eq!(code(&find("b", "a@x")), "conflict");
            assert_eq!(code(&find("z", "s@x")), "ambiguous");
        }
    }

    #[test]
    fn conflicts_count_outside_the_match_keys_too() {
        let customers = Customers(vec![
            customer(1, Some("a"), Some("a@x")),
            customer(2, None, Some("c@x")),
        ]);
        let by_user = settings(&[KeyField::UserId], OnAmbiguous::Reject, OnConflict::Reject);
        assert_eq!(
            code(&find(&customers, &by_user, &key(Some("z"), Some("a@x")))),
            "conflict"
        );
        assert_eq!(
            find(&customers, &by_user, &key(Some("z"), Some("c@x"))),
            Match::NoCustomer
        );
        let by_email = settings(&[KeyField::Email], OnAmbiguous::Reject, OnConflict::Reject);
        assert_eq!(
            code(&find(&customers, &by_email, &key(Some("a"), Some("c@x")))),
            "conflict"
        );
        assert_eq!(
            code(&find(&customers, &by_email, &key(Some("a"), Some("new@x")))),
            "conflict"
        );
        let by_email = settings(&[KeyField::Email], OnAmbiguous::Reject, OnConflict::Create);
        assert_eq!(
            find(&customers, &by_email, &key(Some("a"), Some("new@x"))),
            found(1)
        );
        assert_eq!(
            find(&customers, &by_email, &key(Some("a"), Some("c@x"))),
            found(1)
        );
    }

    #[test]
    fn several_customers_of_one_email() {
        let customers = Customers(vec![
            customer(5, Some("a"), Some("s@x")),
            customer(3, None, Some("s@x")),
            customer(9, Some("b"), Some("S@x")),
        ]);
        let plain = MatchSettings::default();
        assert_eq!(
            code(&find(&customers, &plain, &key(None, Some("s@x")))),
            "ambiguous"
        );
        assert_eq!(
            find(&customers, &plain, &key(Some("a"), Some("s@x"))),
            found(5)
        );
        let pick = |on| settings(&[KeyField::UserId, KeyField::Email], on, OnConflict::Reject);
        let skipping = pick(OnAmbiguous::Skip);
        let Match::Ambiguous(found_several) = find(&customers, &skipping, &key(None, Some("s@x")))
        else {
            panic!()
        };
        assert_eq!(found_several.by, KeyField::Email);
        let ids = [3, 5, 9].map(|id| CustomerRef::Remote(CustomerId(id)));
        assert_eq!(found_several.candidates, ids);
        assert_eq!(
            find(
                &customers,
                &pick(OnAmbiguous::Oldest),
                &key(None, Some("s@x"))
            ),
            found(3)
        );
        assert_eq!(
            find(
                &customers,
                &pick(OnAmbiguous::Newest),
                &key(None, Some("s@x"))
            ),
            found(9)
        );
        let by_email_first = settings(
            &[KeyField::Email, KeyField::UserId],
            OnAmbiguous::Reject,
            OnConflict::Reject,
        );
        assert_eq!(
            find(&customers, &by_email_first, &key(Some("b"), Some("s@x"))),
            found(9)
        );
        assert_eq!(
            find(&customers, &sharing(), &key(Some("z"), Some("s@x"))),
            found(3)
        );
    }

    #[test]
    fn an_id_that_does_not_exist_is_never_created() {
        let customers = Customers(vec![customer(1, Some("a"), Some("a@x"))]);
        let by_id = settings(
            &[KeyField::Id, KeyField::UserId],
            OnAmbiguous::Reject,
            OnConflict::Reject,
        );
        let with_id = |id, user: &str| RowKey {
            id: Some(CustomerId(id)),
            ..key(Some(user), None)
        };
        assert_eq!(
            code(&find(&customers, &by_id, &with_id(7, "a"))),
            "unknown_id"
        );
        assert_eq!(find(&customers, &by_id, &with_id(1, "a")), found(1));
        assert_eq!(find(&customers, &by_id, &with_id(1, "new")), found(1));
        assert_eq!(find(&customers, &by_id, &key(Some("a"), None)), found(1));
    }

    #[test]
    fn earlier_rows_are_matched_like_remote_customers() {
        let customers = Customers(vec![]);
        let plain = MatchSettings::default();
        let mut matcher = Matcher::new(&plain, &customers);
        let ann = matcher.create(&key(Some("a"), Some("a@x")));
        let bob = matcher.create(&key(None, Some("b@x")));
        let new = |n| Match::Found(CustomerRef::New(n));
        assert_eq!(
            matcher.find(&key(Some("a"), Some("other@x"))).unwrap(),
            new(ann)
        );
        assert_eq!(matcher.find(&key(None, Some("A@x"))).unwrap(), new(ann));
        assert_eq!(
            matcher.find(&key(Some("b"), Some("b@x"))).unwrap(),
            new(bob)
        );
        assert_eq!(
            code(&matcher.find(&key(Some("z"), Some("a@x"))).unwrap()),
            "conflict"
        );
        let sharing = sharing();
        let mut matcher = Matcher::new(&sharing, &customers);
        matcher.create(&key(Some("a"), Some("a@x")));
        assert_eq!(
            matcher.find(&key(Some("z"), Some("a@x"))).unwrap(),
            Match::NoCustomer
        );
    }

    #[test]
    fn a_key_that_an_earlier_row_assigns_to_a_customer_finds_it() {
        let customers = Customers(vec![
            customer(1, None, Some("a@b.c")),
            customer(2, Some("u2"), None),
        ]);
        let settings = MatchSettings::default();
        let mut matcher = Matcher::new(&settings, &customers);
        let customer = |id| CustomerRef::Remote(CustomerId(id));
        matcher
            .assign_keys(customer(1), &key(Some("u1"), Some("A@b.c")))
            .unwrap();
        matcher
            .assign_keys(customer(2), &key(Some("u2"), Some("d@e.f")))
            .unwrap();
        assert_eq!(matcher.find(&key(Some("u1"), None)).unwrap(), found(1));
        assert_eq!(matcher.find(&key(None, Some("D@e.f"))).unwrap(), found(2));
        assert_eq!(matcher.find(&key(None, Some("a@b.c"))).unwrap(), found(1));
        let other = matcher.find(&key(Some("u3"), Some("a@b.c"))).unwrap();
        assert_eq!(code(&other), "conflict");
        assert_eq!(
            matcher.find(&key(Some("u3"), None)).unwrap(),
            Match::NoCustomer
        );
    }

    #[test]
    fn a_remote_customer_is_found_by_a_key_that_a_row_assigns() {
        let customers = Customers(vec![customer(5, None, Some("a@x"))]);
        let settings = MatchSettings::default();
        let mut matcher = Matcher::new(&settings, &customers);
        assert_eq!(
            matcher.find(&key(Some("a"), None)).unwrap(),
            Match::NoCustomer
        );
        let five = CustomerRef::Remote(CustomerId(5));
        matcher
            .assign_keys(five, &key(Some("a"), Some("A@x")))
            .unwrap();
        assert_eq!(matcher.find(&key(Some("a"), None)).unwrap(), found(5));
        assert_eq!(
            code(&matcher.find(&key(Some("b"), Some("a@x"))).unwrap()),
            "conflict"
        );
        matcher.assign_keys(five, &key(None, Some("a@x"))).unwrap();
        assert_eq!(
            matcher.find(&key(Some("b"), Some("a@x"))).unwrap(),
            found(5)
        );
    }

    #[test]
    fn a_new_customer_has_the_keys_of_the_last_row_that_creates_it() {
        let customers = Customers(vec![]);
        let settings = MatchSettings::default();
        let mut matcher = Matcher::new(&settings, &customers);
        let ann = CustomerRef::New(matcher.create(&key(Some("a"), Some("a@x"))));
        matcher.assign_keys(ann, &key(None, Some("a@x"))).unwrap();
        assert_eq!(
            matcher.find(&key(Some("a"), None)).unwrap(),
            Match::NoCustomer
        );
        assert_eq!(
            matcher.find(&key(Some("b"), Some("a@x"))).unwrap(),
            Match::Found(ann)
        );
    }

    #[test]
    fn a_customer_found_by_id_may_get_an_address_that_no_other_user_id_has() {
        let customers = Customers(vec![
            customer(1, None, None),
            customer(2, None, Some("a@x")),
            customer(3, Some("c"), Some("c@x")),
        ]);
        let by_id = settings(
            &[KeyField::Id, KeyField::UserId],
            OnAmbiguous::Reject,
            OnConflict::Reject,
        );
        let with_id = |user: &str, email: &str| RowKey {
            id: Some(CustomerId(1)),
            ..key(Some(user), Some(email))
        };
        assert_eq!(find(&customers, &by_id, &with_id("new", "a@x")), found(1));
        assert_eq!(
            code(&find(&customers, &by_id, &with_id("new", "c@x"))),
            "conflict"
        );
        assert_eq!(
            code(&find(&customers, &by_id, &with_id("c", "a@x"))),
            "conflict"
        );
    }
}
