//! How long texts may be: limits of 255 characters were observed for notes and for properties that hold text.

use crate::domain::{CustomValue, Field, RemoteCustomer, Value};
use crate::helpcrunch::{PatchBody, PropertyWrite};
use crate::plan::field_limits::text_of;

use super::finding::{Finding, TextLength};
use super::session::{Halt, ProbeSession};
use super::trial::WriteOutcome;
use super::update::own_properties;
use super::verdict::agreed;

/// Longer than any limit that was observed.
const LONG: u32 = 1_000;
/// The limit that was observed.
const OBSERVED: u32 = 255;

/// Where a long text is put.
enum Place {
    Notes,
    Property(String),
}

impl ProbeSession<'_> {
    /// Sends long texts as notes, and as a property that holds text.
    pub(super) async fn ask_lengths(&mut self) -> Result<(), Halt> {
        self.findings.longest_notes = self.measure(&Place::Notes).await?;
        let Some(property) = self.text_property().await? else {
            let evidence = "the customer had no property that holds text";
            self.findings.longest_property = self.finding(None, evidence);
            return Ok(());
        };
        self.findings.longest_property = self.measure(&Place::Property(property)).await?;
        Ok(())
    }

    /// A property that the customer has, or that others have.
    async fn text_property(&mut self) -> Result<Option<String>, Halt> {
        let current = self.current().await?;
        let properties = current.as_ref().map(own_properties).unwrap_or_default();
        let is_text =
            |write: &PropertyWrite| matches!(write, PropertyWrite::Set(CustomValue::Text(_)));
        let held = properties.into_iter().filter(|(_, write)| is_text(write));
        let of_account = self.account.properties.iter().filter(|property| {
            !property.is_new && matches!(property.values, [CustomValue::Text(_), _])
        });
        let of_account = of_account.map(|property| property.name.clone());
        Ok(held.map(|(name, _)| name).chain(of_account).next())
    }

    /// Tries a long text, and if that is not taken, the observed limit and one character more.
    async fn measure(&mut self, place: &Place) -> Result<Option<Finding<TextLength>>, Halt> {
        let mut length = TextLength {
            works: 0,
            fails: None,
        };
        for tried in [LONG, OBSERVED, OBSERVED + 1] {
            match self.is_taken(place, tried).await? {
                Some(true) => length.works = length.works.max(tried),
                Some(false) => length.fails = Some(tried),
                None => break,
            }
            // Either there is no limit, or what was refused was not the length.
            if length.fails.is_none() || (tried == OBSERVED && length.works == 0) {
                break;
            }
        }
        let evidence = format!("texts of up to {LONG} characters were sent in PATCHes");
        Ok(self.finding((length.works > 0).then_some(length), evidence))
    }

    /// Whether a text of this length is kept whole. `None` if that is not known.
    async fn is_taken(&mut self, place: &Place, length: u32) -> Result<Option<bool>, Halt> {
        let text: String = std::iter::repeat_n('n', usize::try_from(length).unwrap_or(0)).collect();
        let body = match place {
            Place::Notes => PatchBody {
                set: vec![(Field::Notes, Some(Value::Text(text.clone())))],
                custom_data: None,
                tags: None,
            },
            Place::Property(name) => {
                let current = self.current().await?;
                let mut properties = current.as_ref().map(own_properties).unwrap_or_default();
                properties.retain(|(other, _)| other != name);
                let value = CustomValue::Text(text.clone());
                properties.push((name.clone(), PropertyWrite::Set(value)));
                PatchBody {
                    set: Vec::new(),
                    custom_data: Some(properties),
                    tags: None,
                }
            }
        };
        let (id, client) = (self.id()?, self.probe.client);
        let kept = |after: &RemoteCustomer| {
            let kept = match place {
                Place::Notes => after.value(Field::Notes)?.as_text()?,
                Place::Property(name) => text_of(after.property(name)?)?,
            };
            // A text that was cut is not taken either; another one was not stored at all.
            text.starts_with(kept).then_some(kept == text)
        };
        Ok(match self.update(client.patch(id, &body)).await? {
            WriteOutcome::Accepted(write) => agreed(write.after.iter().map(kept)),
            WriteOutcome::Refused(400 | 413 | 422, _) => Some(false),
            WriteOutcome::Refused(..) | WriteOutcome::Unclear(_) => None,
        })
    }
}
