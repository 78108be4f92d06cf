//! Which customer each row means, and which row speaks for a customer; of the model, from the contract.

use std::collections::BTreeMap;

use super::customer::Customer;
use super::meaning::{Wanted, match_keys};
use super::setup::{Duplicates, Key, Mode, OnAmbiguous, Overwrite, Setup};

/// The customer that a row means: one that is there, or one that is to be created and was first met in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Remote(usize),
    New(usize),
}

enum Search {
    Nobody,
    Found(Who),
    Ambiguous,
    Skipped,
}

/// A row's fate before its values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Rejected,
    Skipped,
    For(Who),
}

/// The fates of rows, none for those whose values are bad, in the contract's order: value checks (before), matching,
/// duplicates, mode.
///
/// Where rows are merged, a row that others are merged into wants afterwards what all of them want.
pub(crate) fn fates(
    setup: &Setup,
    rows: &mut [Option<Wanted>],
    customers: &[Customer],
) -> Vec<Fate> {
    Matching {
        setup,
        keys: match_keys(setup),
        rows,
        customers,
        owners: BTreeMap::new(),
    }
    .fates()
}

struct Matching<'a> {
    setup: &'a Setup,
    keys: Vec<Key>,
    rows: &'a mut [Option<Wanted>],
    customers: &'a [Customer],
    /// The row that stands for each customer so far.
    owners: BTreeMap<Who, usize>,
}

impl Matching<'_> {
    fn fates(mut self) -> Vec<Fate> {
        let mut fates = Vec::new();
        for number in 0..self.rows.len() {
            let fate = match self.rows[number].clone() {
                None => Fate::Rejected,
                Some(row) => match self.who(number, &row) {
                    Ok(who) => self.twin(number, who, &mut fates),
                    Err(fate) => fate,
                },
            };
            fates.push(fate);
        }
        fates.into_iter().map(|fate| self.by_mode(fate)).collect()
    }

    fn twin(&mut self, number: usize, who: Who, fates: &mut [Fate]) -> Fate {
        let Some(owner) = self.owners.get_mut(&who) else {
            self.owners.insert(who, number);
            return Fate::For(who);
        };
        match self.setup.duplicates {
            Duplicates::Reject => Fate::Rejected,
            Duplicates::First => Fate::Skipped,
            Duplicates::Merge => {
                let owner = *owner;
                let later = self.rows[number].clone().unwrap_or_default();
                if let Some(first) = &mut self.rows[owner] {
                    first.merge(later);
                }
                Fate::Skipped
            }
            Duplicates::Last => {
                fates[*owner] = Fate::Skipped;
                *owner = number;
                Fate::For(who)
            }
        }
    }

    fn by_mode(&self, fate: Fate) -> Fate {
        match (fate, self.setup.mode) {
            (Fate::For(Who::Remote(_)), Mode::Create) | (Fate::For(Who::New(_)), Mode::Update) => {
                Fate::Skipped
            }
            _ => fate,
        }
    }

    /// The customer that a row means, or the fate of a row that means none.
    fn who(&self, number: usize, row: &Wanted) -> Result<Who, Fate> {
        let user_id = row.user_id.as_ref();
        let by_user_id =
            self.having(|who| user_id.is_some_and(|id| self.user_ids(who).contains(id)));
        let email = row.email.as_deref().map(str::to_lowercase);
        let email = email.as_ref();
        let by_email =
            self.having(|who| email.is_some_and(|email| self.emails(who).contains(email)));
        let search = self.search(row, &by_user_id, &by_email)?;
        let chosen = match search {
            Search::Ambiguous => return Err(Fate::Rejected),
            Search::Skipped => return Err(Fate::Skipped),
            Search::Found(who) => Some(who),
            Search::Nobody => None,
        };
        match self.conflict(row, chosen, &by_user_id, &by_email) {
            Search::Found(who) => Ok(who),
            Search::Nobody => Ok(Who::New(number)),
            Search::Ambiguous => Err(Fate::Rejected),
            Search::Skipped => Err(Fate::Skipped),
        }
    }

    /// Customers, also those that earlier rows create, that have such a key. What a customer has is what it was read
    /// with and what the one row that stands for it gives it. Silent for a customer that is there: two rows that end
    /// at one customer are duplicates, or a second sync would find what the first did not.
    fn having(&self, fits: impl Fn(Who) -> bool) -> Vec<Who> {
        let remote = (0..self.customers.len()).map(Who::Remote);
        let new = self.owners.keys().copied();
        let all = remote.chain(new.filter(|who| matches!(who, Who::New(_))));
        all.filter(|who| fits(*who)).collect()
    }

    fn user_ids(&self, who: Who) -> Vec<String> {
        self.keys_of(who, "userId", |row| row.user_id.clone())
    }

    fn emails(&self, who: Who) -> Vec<String> {
        let emails = self.keys_of(who, "email", |row| row.email.clone());
        emails.iter().map(|email| email.to_lowercase()).collect()
    }

    fn keys_of(&self, who: Who, field: &str, of_row: fn(&Wanted) -> Option<String>) -> Vec<String> {
        let given = self.row_of(who).and_then(of_row);
        let Who::Remote(index) = who else {
            return given.into_iter().collect();
        };
        let read = self.customers[index].text(field).map(str::to_owned);
        let mut rules = self.setup.fields.iter();
        let rule = rules.find(|rule| rule.attribute == field);
        let kept =
            rule.is_some_and(|rule| rule.overwrite.is_some_and(Overwrite::keeps_what_is_there));
        let writes = self.setup.mode != Mode::Create && !(kept && read.is_some());
        read.into_iter().chain(given.filter(|_| writes)).collect()
    }

    fn row_of(&self, who: Who) -> Option<&Wanted> {
        let owner = self.owners.get(&who)?;
        self.rows[*owner].as_ref()
    }

    /// The first key that finds somebody decides.
    fn search(&self, row: &Wanted, by_user_id: &[Who], by_email: &[Who]) -> Result<Search, Fate> {
        for key in &self.keys {
            let found = match key {
                Key::Id => match row.id {
                    None => Search::Nobody,
                    // Rejected without trying further keys, never created.
                    Some(id) => Search::Found(self.by_id(id).ok_or(Fate::Rejected)?),
                },
                Key::UserId => self.one_of(by_user_id),
                Key::Email => match by_user_id {
                    // "The userId decides if that customer is among them."
                    [one] if by_email.len() > 1 && by_email.contains(one) => Search::Found(*one),
                    // Under `create` e-mails may be shared: a customer with another userId is not meant.
                    _ if self.setup.on_conflict_creates && row.user_id.is_some() => {
                        self.sharing(row, by_user_id, by_email)
                    }
                    _ => self.one_of(by_email),
                },
            };
            if !matches!(found, Search::Nobody) {
                return Ok(found);
            }
        }
        Ok(Search::Nobody)
    }

    /// "Under `create` a row whose userId finds somebody patches that one, else it creates." Silent: an e-mail that
    /// a customer without a userId has still finds that one, since there is no conflict.
    fn sharing(&self, row: &Wanted, by_user_id: &[Who], by_email: &[Who]) -> Search {
        if let [one] = by_user_id {
            return Search::Found(*one);
        }
        let free = by_email.iter().copied();
        let free: Vec<Who> = free.filter(|who| !self.is_anothers(*who, row)).collect();
        self.one_of(&free)
    }

    fn by_id(&self, id: u64) -> Option<Who> {
        let index = self.customers.iter().position(|one| one.id == Some(id));
        index.map(Who::Remote)
    }

    fn is_anothers(&self, who: Who, row: &Wanted) -> bool {
        let theirs = self.user_ids(who);
        !theirs.is_empty() && !row.user_id.as_ref().is_some_and(|id| theirs.contains(id))
    }

    fn one_of(&self, found: &[Who]) -> Search {
        let by_age = |who: &&Who| match who {
            Who::Remote(index) => (0, self.customers[*index].id),
            Who::New(_) => (1, None),
        };
        match found {
            [] => Search::Nobody,
            [one] => Search::Found(*one),
            several => match self.setup.on_ambiguous {
                OnAmbiguous::Reject => Search::Ambiguous,
                OnAmbiguous::Skip => Search::Skipped,
                OnAmbiguous::Oldest => several
                    .iter()
                    .min_by_key(by_age)
                    .map_or(Search::Nobody, |who| Search::Found(*who)),
                OnAmbiguous::Newest => several
                    .iter()
                    .max_by_key(by_age)
                    .map_or(Search::Nobody, |who| Search::Found(*who)),
            },
        }
    }

    /// Looked for whenever a row has userId and e-mail, also outside `keys` (decision 6).
    fn conflict(
        &self,
        row: &Wanted,
        chosen: Option<Who>,
        by_user_id: &[Who],
        by_email: &[Who],
    ) -> Search {
        let keep = chosen.map_or(Search::Nobody, Search::Found);
        let another_has_user_id =
            !by_user_id.is_empty() && !chosen.is_some_and(|who| by_user_id.contains(&who));
        if self.setup.on_conflict_creates {
            return match another_has_user_id {
                // Silent: who names an id means that customer, so that the two keys contradict each other.
                true if row.id.is_some() => Search::Ambiguous,
                true => self.one_of(by_user_id),
                false => keep,
            };
        }
        if another_has_user_id {
            return Search::Ambiguous;
        }
        if row.user_id.is_none() || row.email.is_none() {
            return keep;
        }
        let two_customers = !by_user_id.is_empty()
            && !by_email.is_empty()
            && !chosen.is_some_and(|who| by_email.contains(&who));
        // Whose e-mail it is: the customer that was chosen, else everybody who has it. Silent: who names an id may
        // give that customer another userId.
        let anothers = match chosen {
            Some(who) if by_email.contains(&who) => {
                row.id.is_none() && by_user_id.is_empty() && self.is_anothers(who, row)
            }
            _ => by_user_id.is_empty() && by_email.iter().any(|who| self.is_anothers(*who, row)),
        };
        if two_customers || anothers {
            Search::Ambiguous
        } else {
            keep
        }
    }
}
