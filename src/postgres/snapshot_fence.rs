//! Whether the snapshot on this machine is the account's latest: the state folder notes the fence under which it was.

use super::{DatabaseError, SharedState};
use crate::platform;

/// Names the fence under which the local snapshot was last known to be right.
pub(super) const FENCE: &str = "state-fence";

impl SharedState {
    /// Whether the local snapshot is the account's latest, so that it may be used. Notes that from here on it is kept up to
    /// date by this process, if that has the lease.
    ///
    /// # Errors
    /// The database fails, or the folder cannot be written.
    pub async fn claim_snapshot(&self) -> Result<bool, DatabaseError> {
        let path = self.dir.file(FENCE);
        let known = platform::read_file(&path)?;
        let known = known.and_then(|text| String::from_utf8(text).ok()?.trim().parse().ok());
        let (is_latest, fence) = match &self.lease {
            // Nobody held the lease since.
            Some(lease) => (known == Some(lease.fence() - 1), Some(lease.fence())),
            None => {
                let select = "
                    select fence, expires_at > clock_timestamp() from hcsync_accounts where id = $1";
                let row = self.database.query_one(select, &[&self.account.id]).await?;
                let fence: i64 = row.try_get(0)?;
                let is_held = row.try_get::<_, Option<bool>>(1)?.unwrap_or(false);
                // What is read while another process writes may be older than what that wrote.
                (known == Some(fence), (!is_held).then_some(fence))
            }
        };
        let text = fence.map_or_else(String::new, |fence| fence.to_string());
        platform::write_whole(&path, text.as_bytes())?;
        Ok(is_latest)
    }
}
