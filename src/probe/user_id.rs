//! Whether two customers can have the same userId.

use crate::domain::{Field, Value};
use crate::helpcrunch::CallError;
use crate::plan::Create;

use super::session::{Halt, ProbeSession};

impl ProbeSession<'_> {
    /// Sends a second create with the customer's userId, and deletes what it creates.
    pub(super) async fn ask_user_id(&mut self) -> Result<(), Halt> {
        let (first, client) = (self.id()?, self.probe.client);
        let current = self.current().await?;
        let user_id = self.ours.user_id();
        if current.is_none_or(|customer| customer.user_id() != Some(&user_id)) {
            return Ok(());
        }
        if self.probe.stop.is_cancelled() {
            return Err(Halt::Stopped);
        }
        self.ours.is_doubled = true;
        self.ours.at = self.probe.clock.rfc3339();
        self.probe.store.remember(&self.ours)?;
        let create = Create {
            set: vec![
                (Field::UserId, Value::Text(user_id.clone())),
                (Field::Name, Value::Text(self.ours.name())),
            ],
            ..Create::default()
        };
        // Not dropped by a stop: the answer says which customer to delete.
        let sent = client.create(&create).await;
        let (answer, evidence) = match sent.result {
            Ok(customer) if customer.id == first => {
                self.seen = Some(customer);
                (Some(true), "it updated the first")
            }
            Ok(second) => {
                if client.delete(second.id).await.result.is_err() {
                    return Ok(());
                }
                match second.user_id() == Some(&user_id) {
                    true => (Some(false), "it made a second one"),
                    false => (None, "it made a second one without it"),
                }
            }
            Err(error) if error.is_user_id_taken() => (Some(true), "it was refused"),
            Err(CallError::Refused { .. }) => (None, "it was refused for another reason"),
            Err(error) => {
                return match error.stop() {
                    Some(stop) => Err(Halt::Closed(stop, error.to_string())),
                    None => Ok(()),
                };
            }
        };
        self.ours.is_doubled = false;
        self.probe.store.remember(&self.ours)?;
        let evidence = format!("a second create named the userId of the first; {evidence}");
        self.findings.user_id_is_unique = self.finding(answer, evidence);
        match self.probe.stop.is_cancelled() {
            true => Err(Halt::Stopped),
            false => Ok(()),
        }
    }
}
