use crate::domain::{CustomerId, RemoteCustomer};
use crate::plan::key_hash::KeyHash;
use crate::plan::matching::{CustomerIds, CustomerPlace, RemoteLookup};

use super::{Reading, ReadingError};

impl Reading {
    /// The customer at a place, which is faster than to look for its id.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn customer_at(
        &self,
        place: CustomerPlace,
    ) -> Result<Option<RemoteCustomer>, ReadingError> {
        let entry = self.index.at(place)?;
        entry.map(|entry| self.load(entry)).transpose()
    }
}

impl RemoteLookup for Reading {
    type Error = ReadingError;

    fn by_user_id(&self, user_id: KeyHash) -> Result<CustomerIds, ReadingError> {
        Ok(self.index.by_user_id(user_id)?)
    }

    fn by_email(&self, email: KeyHash) -> Result<CustomerIds, ReadingError> {
        Ok(self.index.by_email(email)?)
    }

    fn place(&self, id: CustomerId) -> Result<Option<CustomerPlace>, ReadingError> {
        Ok(self.index.place(id)?)
    }

    fn customer(&self, id: CustomerId) -> Result<Option<RemoteCustomer>, ReadingError> {
        if self.is_unread {
            return Ok(Some(RemoteCustomer::unknown(id)));
        }
        let Some(entry) = self.index.get(id)? else {
            return Ok(None);
        };
        let customer = self.load(entry)?;
        match customer.id == id {
            true => Ok(Some(customer)),
            false => Err(ReadingError::Changed),
        }
    }
}
