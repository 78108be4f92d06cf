//! Which customer a row means: among those that HelpCrunch has and those that earlier rows create, by the keys that
//! they were read with and those that earlier rows give them.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::domain::{CustomerId, Issue, KeyField, RemoteCustomer, RowKey, RowNumber};

use super::given_keys::{GivenKeys, KeyHash, KeyHashes};
use super::{MatchSettings, OnAmbiguous, OnConflict};

/// Customers that have one key: nearly always one, which takes no room of its own.
pub type CustomerIds = SmallVec<[CustomerId; 2]>;

/// What the planner asks of the remote side, as it was read. Implemented where the reading is kept.
pub trait RemoteLookup {
    type Error;

    /// Ids of the customers with exactly this userId.
    fn by_user_id(&self, user_id: KeyHash) -> Result<CustomerIds, Self::Error>;

    /// Ids of the customers with this e-mail address, ignoring case.
    fn by_email(&self, email: KeyHash) -> Result<CustomerIds, Self::Error>;

    /// The same for a userId as it is written.
    fn with_user_id(&self, user_id: &str) -> Result<CustomerIds, Self::Error> {
        self.by_user_id(KeyHash::of_user_id(user_id))
    }

    /// The same for an address as it is written.
    fn with_email(&self, email: &str) -> Result<CustomerIds, Self::Error> {
        self.by_email(KeyHash::of_email(email))
    }

    /// The customer as it was read, or nothing where there is none.
    fn customer(&self, id: CustomerId) -> Result<Option<RemoteCustomer>, Self::Error>;
}

/// Index of a customer that a row of this input creates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NewCustomer(pub(super) u32);

/// The customer that a row means. Customers to be created are younger than all remote ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    Remote(CustomerId),
    New(NewCustomer),
}

/// How the search for a row's customer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    Found(Target),
    /// Nobody: the row creates its customer.
    Nobody,
    Rejected(Issue),
    /// Several were found, and the config does not choose among them.
    Ambiguous(Ambiguity),
}

/// The customers among whom a row's key does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguity {
    /// The key that finds them.
    pub by: KeyField,
    /// In the order of their age.
    pub candidates: Vec<Target>,
}

impl Ambiguity {
    /// Why the row is rejected.
    #[must_use]
    pub fn issue(&self) -> Issue {
        let message = format!(
            "its {} matches {} customers",
            self.by,
            self.candidates.len()
        );
        Issue::matching("ambiguous", message).hint(
            "merge them in HelpCrunch, give the row a key that finds one, set match.on_ambiguous, or decide in the run's \
             ambiguous.csv and give it back with --decisions",
        )
    }
}

/// What each key of a row finds.
struct Finds {
    user_id: SmallVec<[Target; 2]>,
    email: SmallVec<[Target; 2]>,
}

/// Matches the rows of one input in their order.
#[derive(Debug)]
pub struct Matcher<'a, L> {
    settings: &'a MatchSettings,
    /// In the order in which they are tried.
    keys: &'a [KeyField],
    lookup: &'a L,
    given: GivenKeys,
}

impl<'a, L: RemoteLookup> Matcher<'a, L> {
    pub fn new(settings: &'a MatchSettings, lookup: &'a L) -> Self {
        Self {
            settings,
            keys: &settings.keys,
            lookup,
            given: GivenKeys::default(),
        }
    }

    /// The customer that a row with these keys means.
    ///
    /// # Errors
    /// When the reading of the remote side cannot be consulted.
    pub fn find(&self, key: &RowKey) -> Result<Match, L::Error> {
        let finds = self.finds(KeyHashes::of(key))?;
        let decided = match self.decide(key, &finds)? {
            Match::Found(target) => self.check_conflicts(key, &finds, target)?,
            Match::Nobody => self.check_nobody(key, &finds)?,
            other => other,
        };
        Ok(decided)
    }

    /// The same for a row of which the user decided that it means this customer, one of those that its key matches:
    /// conflicts are looked for all the same.
    ///
    /// # Errors
    /// When the reading of the remote side cannot be consulted.
    pub fn decided(&self, key: &RowKey, target: Target) -> Result<Match, L::Error> {
        let finds = self.finds(KeyHashes::of(key))?;
        self.check_conflicts(key, &finds, target)
    }

    /// Takes note that a row creates its customer, for the rows after it.
    pub fn create(&mut self, keys: impl Into<KeyHashes>) -> NewCustomer {
        let new = self.given.create();
        self.given.replace(Target::New(new), keys.into());
        new
    }

    /// Takes note of the keys that a row gives to its customer, for the rows after it: in place of those of a row
    /// before, and beside those that the customer was read with. Two rows that end at one customer are thereby known
    /// to, in the first run as in a second one.
    ///
    /// # Errors
    /// When the reading of the remote side cannot be consulted.
    pub fn give(&mut self, target: Target, keys: impl Into<KeyHashes>) -> Result<(), L::Error> {
        let keys = self.unknown_keys(target, keys.into())?;
        self.given.replace(target, keys);
        Ok(())
    }

    /// Takes note of the keys that a row gives to its customer beside those of rows before, into which it is merged.
    ///
    /// # Errors
    /// When the reading of the remote side cannot be consulted.
    pub fn give_also(&mut self, target: Target, keys: KeyHashes) -> Result<(), L::Error> {
        let keys = self.unknown_keys(target, keys)?;
        self.given.add(target, keys);
        Ok(())
    }

    /// Of these keys those that the customer was not read with.
    fn unknown_keys(&self, target: Target, mut keys: KeyHashes) -> Result<KeyHashes, L::Error> {
        if let Target::Remote(id) = target {
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

    fn finds(&self, keys: KeyHashes) -> Result<Finds, L::Error> {
        let mut finds = Finds {
            user_id: SmallVec::new(),
            email: SmallVec::new(),
        };
        if let Some(user_id) = keys.user_id {
            finds.user_id.extend(
                self.lookup
                    .by_user_id(user_id)?
                    .into_iter()
                    .map(Target::Remote),
            );
            finds.user_id.extend(self.given.by_user_id(user_id));
        }
        if let Some(email) = keys.email {
            finds
                .email
                .extend(self.lookup.by_email(email)?.into_iter().map(Target::Remote));
            finds.email.extend(self.given.by_email(email));
        }
        finds.user_id.sort_unstable();
        finds.email.sort_unstable();
        Ok(finds)
    }

    /// The first key that finds somebody decides.
    fn decide(&self, key: &RowKey, finds: &Finds) -> Result<Match, L::Error> {
        for field in self.keys {
            let decided = match field {
                KeyField::Id => self.by_id(key)?,
                KeyField::UserId => self.among(KeyField::UserId, &finds.user_id),
                KeyField::Email => self.by_email(key, finds)?,
            };
            if decided != Match::Nobody {
                return Ok(decided);
            }
        }
        Ok(Match::Nobody)
    }

    /// An id that does not exist is rejected without trying further keys, never created (contract).
    fn by_id(&self, key: &RowKey) -> Result<Match, L::Error> {
        let Some(id) = key.id else {
            return Ok(Match::Nobody);
        };
        Ok(match self.lookup.customer(id)? {
            Some(_) => Match::Found(Target::Remote(id)),
            None => Match::Rejected(
                Issue::matching("unknown_id", "no customer has this id").hint(
                    "leave the id empty to match by userId or e-mail, or to create the customer",
                ),
            ),
        })
    }

    fn by_email(&self, key: &RowKey, finds: &Finds) -> Result<Match, L::Error> {
        // Where the userId finds one customer and the e-mail several, the userId decides if it is among them.
        if let ([one], true) = (finds.user_id.as_slice(), finds.email.len() > 1)
            && finds.email.contains(one)
        {
            return Ok(Match::Found(*one));
        }
        if self.settings.on_conflict == OnConflict::Create && key.user_id.is_some() {
            // E-mails may be shared: a customer with another userId is not meant.
            if let [one] = finds.user_id.as_slice() {
                return Ok(Match::Found(*one));
            }
            let mut unowned = Vec::new();
            for target in &finds.email {
                if !self.has_other_user_id(*target, key)? {
                    unowned.push(*target);
                }
            }
            return Ok(self.among(KeyField::Email, &unowned));
        }
        Ok(self.among(KeyField::Email, &finds.email))
    }

    fn among(&self, field: KeyField, found: &[Target]) -> Match {
        match (found, self.settings.on_ambiguous) {
            ([], _) => Match::Nobody,
            ([one], _) => Match::Found(*one),
            ([oldest, ..], OnAmbiguous::Oldest) => Match::Found(*oldest),
            ([.., newest], OnAmbiguous::Newest) => Match::Found(*newest),
            (several, OnAmbiguous::Skip | OnAmbiguous::Reject) => Match::Ambiguous(Ambiguity {
                by: field,
                candidates: several.to_vec(),
            }),
        }
    }

    /// Conflicts are looked for whenever userId and e-mail are there, also outside `keys` (contract).
    fn check_conflicts(
        &self,
        key: &RowKey,
        finds: &Finds,
        chosen: Target,
    ) -> Result<Match, L::Error> {
        if !finds.user_id.is_empty() && !finds.user_id.contains(&chosen) {
            if self.settings.on_conflict == OnConflict::Create && key.id.is_none() {
                // A row whose userId finds somebody patches that one.
                return Ok(self.among(KeyField::UserId, &finds.user_id));
            }
            return Ok(Match::Rejected(two_customers()));
        }
        if self.settings.on_conflict == OnConflict::Create
            || key.user_id.is_none()
            || key.email.is_none()
        {
            return Ok(Match::Found(chosen));
        }
        if !finds.email.is_empty() && !finds.email.contains(&chosen) {
            return self.check_email_of_others(key, finds, chosen);
        }
        let by_email = finds.user_id.is_empty() && key.id.is_none();
        if by_email && self.has_other_user_id(chosen, key)? {
            return Ok(Match::Rejected(other_user_id()));
        }
        Ok(Match::Found(chosen))
    }

    /// The row's e-mail belongs to others than the customer that it means. Where its userId found nobody, it was
    /// found by id, and may get an address that others have, but for one that a userId claims.
    fn check_email_of_others(
        &self,
        key: &RowKey,
        finds: &Finds,
        chosen: Target,
    ) -> Result<Match, L::Error> {
        if !finds.user_id.is_empty() {
            return Ok(Match::Rejected(two_customers()));
        }
        for target in &finds.email {
            if self.has_other_user_id(*target, key)? {
                return Ok(Match::Rejected(other_user_id()));
            }
        }
        Ok(Match::Found(chosen))
    }

    /// A row that no key of its own finds may still collide with a customer by the key that is not tried.
    fn check_nobody(&self, key: &RowKey, finds: &Finds) -> Result<Match, L::Error> {
        if !finds.user_id.is_empty() {
            // Only where userId is no match key: a create would make a second customer with that userId.
            return Ok(match self.settings.on_conflict {
                OnConflict::Create => self.among(KeyField::UserId, &finds.user_id),
                OnConflict::Reject => Match::Rejected(
                    Issue::matching(
                        "conflict",
                        "its userId belongs to a customer with another e-mail address",
                    )
                    .hint("add \"userId\" to match.keys, or correct the row"),
                ),
            });
        }
        if self.settings.on_conflict == OnConflict::Reject && key.user_id.is_some() {
            for target in &finds.email {
                if self.has_other_user_id(*target, key)? {
                    return Ok(Match::Rejected(other_user_id()));
                }
            }
        }
        Ok(Match::Nobody)
    }

    /// Whether the customer has a userId, and not the row's.
    fn has_other_user_id(&self, target: Target, key: &RowKey) -> Result<bool, L::Error> {
        let wanted = key.user_id.as_deref();
        let given = self.given.user_id(target);
        if given.is_some() && given == wanted.map(KeyHash::of_user_id) {
            return Ok(false);
        }
        let Target::Remote(id) = target else {
            return Ok(given.is_some());
        };
        let customer = self.lookup.customer(id)?;
        let theirs = customer.as_ref().and_then(RemoteCustomer::user_id);
        Ok(match theirs {
            Some(theirs) => Some(theirs) != wanted,
            None => given.is_some(),
        })
    }
}

fn two_customers() -> Issue {
    Issue::matching("conflict", "its keys match two different customers")
        .hint("correct the row, or merge the customers in HelpCrunch")
}

fn other_user_id() -> Issue {
    Issue::matching(
        "conflict",
        "its e-mail address belongs to a customer with another userId",
    )
    .hint(
        "correct the row, or set match.on_conflict = \"create\" if customers may share an address",
    )
}

/// Which row speaks for each customer, where several do.
#[derive(Debug, Default)]
pub struct Claims {
    first: HashMap<Target, RowNumber, RandomState>,
}

impl Claims {
    /// Claims the customer for a row; gives the row that had it before.
    pub fn claim(&mut self, target: Target, row: RowNumber) -> Option<RowNumber> {
        use std::collections::hash_map::Entry;
        match self.first.entry(target) {
            Entry::Occupied(earlier) => Some(*earlier.get()),
            Entry::Vacant(free) => {
                free.insert(row);
                None
            }
        }
    }

    /// Gives the customer to a later row.
    pub fn replace(&mut self, target: Target, row: RowNumber) {
        self.first.insert(target, row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Field, Value};
    use std::convert::Infallible;

    struct People(Vec<RemoteCustomer>);

    fn person(id: u64, user_id: Option<&str>, email: Option<&str>) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(id));
        customer.set_field(Field::UserId, user_id.map(|t| Value::Text(t.into())));
        customer.set_field(Field::Email, email.map(|t| Value::Text(t.into())));
        customer
    }

    impl RemoteLookup for People {
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

    fn find(people: &People, settings: &MatchSettings, key: &RowKey) -> Match {
        Matcher::new(settings, people).find(key).unwrap()
    }

    fn found(id: u64) -> Match {
        Match::Found(Target::Remote(CustomerId(id)))
    }

    fn code(m: &Match) -> &str {
        match m {
            Match::Rejected(issue) => &issue.code,
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
    fn the_first_key_that_finds_somebody_decides() {
        let people = People(vec![
            person(1, Some("a"), None),
            person(2, None, Some("B@x.org")),
        ]);
        let plain = MatchSettings::default();
        assert_eq!(find(&people, &plain, &key(Some("a"), None)), found(1));
        assert_eq!(
            find(&people, &plain, &key(Some("z"), Some("b@X.org"))),
            found(2)
        );
        assert_eq!(
            find(&people, &plain, &key(Some("z"), Some("c@x.org"))),
            Match::Nobody
        );
        assert_eq!(find(&people, &plain, &key(Some("A"), None)), Match::Nobody);
    }

    #[test]
    fn two_customers_and_another_user_id_are_conflicts() {
        let people = People(vec![
            person(1, Some("a"), Some("a@x")),
            person(2, Some("b"), Some("b@x")),
            person(3, None, Some("c@x")),
        ]);
        let plain = MatchSettings::default();
        for both in [
            key(Some("a"), Some("b@x")),
            key(Some("a"), Some("c@x")),
            key(Some("z"), Some("b@x")),
        ] {
            assert_eq!(code(&find(&people, &plain, &both)), "conflict", "{both:?}");
        }
        assert_eq!(
            find(&people, &sharing(), &key(Some("a"), Some("b@x"))),
            found(1)
        );
        assert_eq!(
            find(&people, &sharing(), &key(Some("z"), Some("b@x"))),
            Match::Nobody
        );
        assert_eq!(
            find(&people, &sharing(), &key(Some("z"), Some("c@x"))),
            found(3)
        );
    }

    #[test]
    fn conflicts_are_looked_for_outside_the_keys_too() {
        let people = People(vec![
            person(1, Some("a"), Some("a@x")),
            person(2, None, Some("c@x")),
        ]);
        let by_user = settings(&[KeyField::UserId], OnAmbiguous::Reject, OnConflict::Reject);
        assert_eq!(
            code(&find(&people, &by_user, &key(Some("z"), Some("a@x")))),
            "conflict"
        );
        assert_eq!(
            find(&people, &by_user, &key(Some("z"), Some("c@x"))),
            Match::Nobody
        );
        let by_email = settings(&[KeyField::Email], OnAmbiguous::Reject, OnConflict::Reject);
        assert_eq!(
            code(&find(&people, &by_email, &key(Some("a"), Some("c@x")))),
            "conflict"
        );
        assert_eq!(
            code(&find(&people, &by_email, &key(Some("a"), Some("new@x")))),
            "conflict"
        );
        let by_email = settings(&[KeyField::Email], OnAmbiguous::Reject, OnConflict::Create);
        assert_eq!(
            find(&people, &by_email, &key(Some("a"), Some("new@x"))),
            found(1)
        );
        assert_eq!(
            find(&people, &by_email, &key(Some("a"), Some("c@x"))),
            found(1)
        );
    }

    #[test]
    fn several_customers_of_one_email() {
        let people = People(vec![
            person(5, Some("a"), Some("s@x")),
            person(3, None, Some("s@x")),
            person(9, Some("b"), Some("S@x")),
        ]);
        let plain = MatchSettings::default();
        assert_eq!(
            code(&find(&people, &plain, &key(None, Some("s@x")))),
            "ambiguous"
        );
        assert_eq!(
            find(&people, &plain, &key(Some("a"), Some("s@x"))),
            found(5)
        );
        let pick = |on| settings(&[KeyField::UserId, KeyField::Email], on, OnConflict::Reject);
        let skipping = pick(OnAmbiguous::Skip);
        let Match::Ambiguous(found_several) = find(&people, &skipping, &key(None, Some("s@x")))
        else {
            panic!()
        };
        assert_eq!(found_several.by, KeyField::Email);
        let ids = [3, 5, 9].map(|id| Target::Remote(CustomerId(id)));
        assert_eq!(found_several.candidates, ids);
        assert_eq!(
            find(&people, &pick(OnAmbiguous::Oldest), &key(None, Some("s@x"))),
            found(3)
        );
        assert_eq!(
            find(&people, &pick(OnAmbiguous::Newest), &key(None, Some("s@x"))),
            found(9)
        );
        let by_email_first = settings(
            &[KeyField::Email, KeyField::UserId],
            OnAmbiguous::Reject,
            OnConflict::Reject,
        );
        assert_eq!(
            find(&people, &by_email_first, &key(Some("b"), Some("s@x"))),
            found(9)
        );
        assert_eq!(
            find(&people, &sharing(), &key(Some("z"), Some("s@x"))),
            found(3)
        );
    }

    #[test]
    fn an_id_that_does_not_exist_is_never_created() {
        let people = People(vec![person(1, Some("a"), Some("a@x"))]);
        let by_id = settings(
            &[KeyField::Id, KeyField::UserId],
            OnAmbiguous::Reject,
            OnConflict::Reject,
        );
        let with_id = |id, user: &str| RowKey {
            id: Some(CustomerId(id)),
            ..key(Some(user), None)
        };
        assert_eq!(code(&find(&people, &by_id, &with_id(7, "a"))), "unknown_id");
        assert_eq!(find(&people, &by_id, &with_id(1, "a")), found(1));
        assert_eq!(find(&people, &by_id, &with_id(1, "new")), found(1));
        assert_eq!(find(&people, &by_id, &key(Some("a"), None)), found(1));
    }

    #[test]
    fn earlier_rows_are_matched_like_remote_customers() {
        let people = People(vec![]);
        let plain = MatchSettings::default();
        let mut matcher = Matcher::new(&plain, &people);
        let ann = matcher.create(&key(Some("a"), Some("a@x")));
        let bob = matcher.create(&key(None, Some("b@x")));
        let new = |n| Match::Found(Target::New(n));
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
        let mut matcher = Matcher::new(&sharing, &people);
        matcher.create(&key(Some("a"), Some("a@x")));
        assert_eq!(
            matcher.find(&key(Some("z"), Some("a@x"))).unwrap(),
            Match::Nobody
        );
    }

    #[test]
    fn a_key_that_an_earlier_row_gives_to_a_customer_finds_that_customer() {
        let people = People(vec![
            person(1, None, Some("a@b.c")),
            person(2, Some("u2"), None),
        ]);
        let settings = MatchSettings::default();
        let mut matcher = Matcher::new(&settings, &people);
        let person = |id| Target::Remote(CustomerId(id));
        matcher
            .give(person(1), &key(Some("u1"), Some("A@b.c")))
            .unwrap();
        matcher
            .give(person(2), &key(Some("u2"), Some("d@e.f")))
            .unwrap();
        assert_eq!(matcher.find(&key(Some("u1"), None)).unwrap(), found(1));
        assert_eq!(matcher.find(&key(None, Some("D@e.f"))).unwrap(), found(2));
        assert_eq!(matcher.find(&key(None, Some("a@b.c"))).unwrap(), found(1));
        let other = matcher.find(&key(Some("u3"), Some("a@b.c"))).unwrap();
        assert_eq!(code(&other), "conflict");
        assert_eq!(matcher.find(&key(Some("u3"), None)).unwrap(), Match::Nobody);
    }

    #[test]
    fn a_remote_customer_is_found_by_a_key_that_a_row_gives_it() {
        let people = People(vec![person(5, None, Some("a@x"))]);
        let settings = MatchSettings::default();
        let mut matcher = Matcher::new(&settings, &people);
        assert_eq!(matcher.find(&key(Some("a"), None)).unwrap(), Match::Nobody);
        let five = Target::Remote(CustomerId(5));
        matcher.give(five, &key(Some("a"), Some("A@x"))).unwrap();
        assert_eq!(matcher.find(&key(Some("a"), None)).unwrap(), found(5));
        assert_eq!(
            code(&matcher.find(&key(Some("b"), Some("a@x"))).unwrap()),
            "conflict"
        );
        matcher.give(five, &key(None, Some("a@x"))).unwrap();
        assert_eq!(
            matcher.find(&key(Some("b"), Some("a@x"))).unwrap(),
            found(5)
        );
    }

    #[test]
    fn a_new_customer_has_the_keys_of_the_row_that_creates_it_last() {
        let people = People(vec![]);
        let settings = MatchSettings::default();
        let mut matcher = Matcher::new(&settings, &people);
        let ann = Target::New(matcher.create(&key(Some("a"), Some("a@x"))));
        matcher.give(ann, &key(None, Some("a@x"))).unwrap();
        assert_eq!(matcher.find(&key(Some("a"), None)).unwrap(), Match::Nobody);
        assert_eq!(
            matcher.find(&key(Some("b"), Some("a@x"))).unwrap(),
            Match::Found(ann)
        );
    }

    #[test]
    fn who_is_found_by_id_may_get_an_address_that_no_other_userid_claims() {
        let people = People(vec![
            person(1, None, None),
            person(2, None, Some("a@x")),
            person(3, Some("c"), Some("c@x")),
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
        assert_eq!(find(&people, &by_id, &with_id("new", "a@x")), found(1));
        assert_eq!(
            code(&find(&people, &by_id, &with_id("new", "c@x"))),
            "conflict"
        );
        assert_eq!(
            code(&find(&people, &by_id, &with_id("c", "a@x"))),
            "conflict"
        );
    }
}
