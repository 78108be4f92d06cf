//! Conflicts between the keys of a row.

use crate::domain::{KeyField, RemoteCustomer, RowKey};
use crate::plan::OnConflict;
use crate::plan::key_hash::KeyHash;

use super::matcher::{KeyMatches, Matcher};
use super::{Conflict, CustomerRef, Match, RemoteLookup};

impl<L: RemoteLookup> Matcher<'_, L> {
    /// Checks the other keys of a row whose customer was found. Conflicts count whenever the row has userId and e-mail, even
    /// if one of them is not in `match.keys` (contract).
    pub(super) fn check_conflicts(
        &self,
        key: &RowKey,
        matches: &KeyMatches,
        chosen: CustomerRef,
    ) -> Result<Match, L::Error> {
        let allows_sharing = self.settings.on_conflict == OnConflict::Create;
        // 1. The userId matches another customer.
        if let Some(by_user_id) = matches.user_id.first()
            && !matches.user_id.contains(&chosen)
        {
            return Ok(match allows_sharing && key.id.is_none() {
                // The row means the customer with its userId, whoever shares its e-mail.
                true => self.one_of(KeyField::UserId, &matches.user_id),
                false => Match::Conflict(Conflict::TwoCustomers {
                    by_user_id: *by_user_id,
                    other: chosen,
                    is_by_id: key.id.is_some(),
                }),
            });
        }
        if allows_sharing || key.user_id.is_none() || key.email.is_none() {
            return Ok(Match::Found(chosen));
        }
        // 2. The e-mail matches another customer.
        if let Some(by_email) = matches.email.first()
            && !matches.email.contains(&chosen)
        {
            return self.check_email_of_others(key, matches, chosen, *by_email);
        }
        // 3. The e-mail matches this customer, which has another userId.
        let is_by_email = matches.user_id.is_empty() && key.id.is_none();
        let is_update = self.settings.on_conflict == OnConflict::Update;
        if is_by_email && !is_update && self.has_other_user_id(chosen, key)? {
            return Ok(Match::Conflict(self.other_user_id(chosen, matches)));
        }
        Ok(Match::Found(chosen))
    }

    /// The row's e-mail belongs to customers other than the one that it means. If no customer has its userId, it was found by
    /// id, and may get an address that others have, unless one of them has another userId.
    fn check_email_of_others(
        &self,
        key: &RowKey,
        matches: &KeyMatches,
        chosen: CustomerRef,
        by_email: CustomerRef,
    ) -> Result<Match, L::Error> {
        if !matches.user_id.is_empty() {
            return Ok(Match::Conflict(Conflict::TwoCustomers {
                by_user_id: chosen,
                other: by_email,
                is_by_id: false,
            }));
        }
        Ok(match self.email_owner(key, matches)? {
            Some(owner) => Match::Conflict(self.other_user_id(owner, matches)),
            None => Match::Found(chosen),
        })
    }

    /// Checks a row that would create its customer: it may still collide with one by a key that is not in `match.keys`.
    pub(super) fn check_create(
        &self,
        key: &RowKey,
        matches: &KeyMatches,
    ) -> Result<Match, L::Error> {
        let on_conflict = self.settings.on_conflict;
        if let Some(customer) = matches.user_id.first() {
            // Only if userId is no match key: a create would make a second customer with that userId.
            return Ok(match on_conflict {
                OnConflict::Create => self.one_of(KeyField::UserId, &matches.user_id),
                OnConflict::Reject | OnConflict::Update => Match::Conflict(Conflict::OtherEmail {
                    customer: *customer,
                }),
            });
        }
        if on_conflict == OnConflict::Create || key.user_id.is_none() {
            return Ok(Match::NoCustomer);
        }
        Ok(match self.email_owner(key, matches)? {
            None => Match::NoCustomer,
            Some(_) if on_conflict == OnConflict::Update => {
                self.one_of(KeyField::Email, &matches.email)
            }
            Some(owner) => Match::Conflict(self.other_user_id(owner, matches)),
        })
    }

    /// The first customer with the row's e-mail that has another userId.
    fn email_owner(
        &self,
        key: &RowKey,
        matches: &KeyMatches,
    ) -> Result<Option<CustomerRef>, L::Error> {
        for customer in &matches.email {
            if self.has_other_user_id(*customer, key)? {
                return Ok(Some(*customer));
            }
        }
        Ok(None)
    }

    fn other_user_id(&self, customer: CustomerRef, matches: &KeyMatches) -> Conflict {
        Conflict::OtherUserId {
            customer,
            is_given: self.assigned.user_id(customer).is_some(),
            is_only_match: matches.email.len() == 1,
        }
    }

    /// Whether the customer has a userId that is not the row's.
    pub(super) fn has_other_user_id(
        &self,
        customer: CustomerRef,
        key: &RowKey,
    ) -> Result<bool, L::Error> {
        let wanted = key.user_id.as_deref();
        let assigned = self.assigned.user_id(customer);
        if assigned.is_some() && assigned == wanted.map(KeyHash::of_user_id) {
            return Ok(false);
        }
        let CustomerRef::Remote(id) = customer else {
            return Ok(assigned.is_some());
        };
        let remote = self.lookup.customer(id)?;
        Ok(match remote.as_ref().and_then(RemoteCustomer::user_id) {
            Some(user_id) => Some(user_id) != wanted,
            None => assigned.is_some(),
        })
    }
}
