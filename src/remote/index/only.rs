use crate::domain::CustomerId;
use crate::plan::fingerprint::Fingerprint;
use crate::plan::key_hash::KeyHashes;
use crate::plan::matching::CustomerPlace;

use super::CustomerIndex;

impl CustomerIndex {
    /// Where the only customer may be that the userId of a row finds, or its e-mail address if it has no userId. Returns `None`
    /// wherever anything is unusual, which says nothing.
    ///
    /// [`Self::only_at`] says whether it is there. In between, the same can be asked for other rows: the processor then fetches what
    /// it needs for several of them at once.
    #[must_use]
    pub fn only(&self, keys: KeyHashes) -> Option<CustomerPlace> {
        let email = keys.email;
        if email.is_some_and(|email| self.shared_emails.contains(&email)) {
            return None;
        }
        let at = match (keys.user_id, email) {
            (Some(user_id), _) => self.user_ids.only(self.hash(user_id)),
            (None, Some(email)) => self.emails.only(self.hash(email)),
            (None, None) => None,
        };
        at.map(CustomerPlace)
    }

    /// The customer at a place where [`Self::only`] takes it to be, with its fingerprint. The row may have another e-mail address.
    #[must_use]
    pub fn only_at(
        &self,
        place: CustomerPlace,
        keys: KeyHashes,
    ) -> Option<(CustomerId, Option<Fingerprint>)> {
        let entry = self.at(place).ok().flatten()?;
        let has_key = match keys.user_id {
            Some(_) => entry.keys.user_id == keys.user_id,
            None => entry.keys.email == keys.email,
        };
        has_key.then_some((entry.id, entry.fingerprint))
    }
}
