//! Makes the throwaway customer, and sees what a create takes.

use crate::domain::{CustomValue, Field, RemoteCustomer, Tag, Value};
use crate::helpcrunch::CallError;
use crate::plan::Create;

use super::account::PoolProperty;
use super::asking::{Asking, Halt, judge, refusal};
use super::clean::find;
use super::finding::{TagsInCreate, Undefined};
use super::verdict::ignored;

/// Whom a create cannot do without here.
const LEAST: [Field; 3] = [Field::UserId, Field::Email, Field::Name];

/// What a create is tried with; it gets smaller while the API refuses it.
#[derive(Debug)]
struct Body {
    set: Vec<(Field, Value)>,
    properties: Vec<PoolProperty>,
    tag: Option<String>,
    /// Whether properties were what the API refused.
    refused_properties: Option<Vec<PoolProperty>>,
    /// Undocumented fields that the API refused by their names.
    refused_by_name: Vec<Field>,
    /// Others were left out that were not named, so that nobody can tell what was refused.
    is_unclear: bool,
}

impl Body {
    fn create(&self) -> Create {
        let first = |p: &PoolProperty| {
            let [value, _] = &p.values;
            (p.name.clone(), value.clone())
        };
        Create {
            set: self.set.clone(),
            custom_data: self.properties.iter().map(first).collect(),
            tags: self.tag.iter().cloned().map(Tag::named).collect(),
            clear: Vec::new(),
        }
    }

    /// Leaves out what the API most likely refused; false where nothing is left to leave out.
    fn reduce(&mut self, members: &[String]) -> bool {
        let names = |part: &str| members.iter().any(|member| member.contains(part));
        let extra = self
            .set
            .iter()
            .any(|(f, _)| Field::NOT_IN_CREATE_EXAMPLE.contains(f));
        if !self.properties.is_empty() && (names("customData") || !extra) {
            let refused = std::mem::take(&mut self.properties);
            self.refused_properties = names("customData").then_some(refused);
        } else if extra {
            let set = || self.set.iter().map(|(f, _)| *f);
            let undocumented: Vec<Field> = set()
                .filter(|f| Field::NOT_IN_CREATE_EXAMPLE.contains(f))
                .collect();
            let named = undocumented.iter().copied().filter(|f| names(f.name()));
            let mut named: Vec<Field> = named.collect();
            self.is_unclear |= named.is_empty();
            let leaves = |f: &Field| match named.is_empty() {
                true => undocumented.contains(f),
                false => named.contains(f),
            };
            self.set.retain(|(f, _)| !leaves(f));
            self.refused_by_name.append(&mut named);
        } else if self.tag.is_some() || self.set.len() > LEAST.len() {
            self.tag = None;
            self.set.retain(|(f, _)| LEAST.contains(f));
            self.is_unclear = true;
        } else {
            return false;
        }
        true
    }
}

impl Asking<'_> {
    /// Makes the customer. It is on disk that there may be one before the create is sent.
    pub(super) async fn make(&mut self) -> Result<(), Halt> {
        let mut body = self.whole_body();
        loop {
            if self.probe.stop.is_cancelled() {
                return Err(Halt::Stopped);
            }
            self.probe.store.remember(&self.ours)?;
            // Never dropped: its answer tells whom to delete.
            let sent = self.probe.client.create(&body.create()).await.result;
            match sent {
                Ok(customer) if self.is_plausible(&customer) => {
                    return self.made(customer, &body).await;
                }
                Ok(_) | Err(CallError::Unknown { .. }) => return self.settle(&body).await,
                Err(error) => {
                    let members = refusal(&error).map(|(_, members)| members);
                    if !matches!(error, CallError::Interrupted) {
                        // It was refused, or never left: there is none.
                        self.probe.store.forget()?;
                    }
                    let error = match judge::<()>(Err(error))? {
                        Err(error) => error,
                        Ok(()) => return Ok(()),
                    };
                    if !members.is_some_and(|members| body.reduce(&members)) {
                        return Err(Halt::NotMade(error.to_string()));
                    }
                }
            }
        }
    }

    fn is_plausible(&self, customer: &RemoteCustomer) -> bool {
        self.ours.is(customer) || customer.user_id().is_none()
    }

    /// The create got no usable answer: it is never sent again, but its customer is looked for.
    async fn settle(&mut self, body: &Body) -> Result<(), Halt> {
        let Self { probe, ours, .. } = &*self;
        let found = tokio::select! {
            biased;
            () = probe.stop.cancelled() => return Err(Halt::Stopped),
            found = find(probe.client, ours, probe.clock, probe.settle) => found,
        };
        let in_doubt =
            |why: String| Halt::NotMade(format!("the create got no usable answer, and {why}"));
        let ids =
            judge(found)?.map_err(|error| in_doubt(format!("nor did the look-ups: {error}")))?;
        let Some(id) = ids.first() else {
            return Err(in_doubt("its customer was not found".to_owned()));
        };
        match self.call(self.probe.client.get(*id)).await? {
            Ok(customer) => self.made(customer, body).await,
            Err(error) => Err(in_doubt(error.to_string())),
        }
    }

    async fn made(&mut self, customer: RemoteCustomer, body: &Body) -> Result<(), Halt> {
        self.ours.id = Some(customer.id);
        self.probe.store.remember(&self.ours)?;
        if let Some(tag) = &body.tag {
            self.note_tag(tag);
        }
        let told = ignored(&body.set, &customer).is_some()
            && customer.tags.is_known()
            && customer.custom_data.is_known();
        self.seen = Some(customer);
        if !told {
            self.read_back().await?;
        }
        if let Some(customer) = self.seen.clone() {
            self.judge_create(&customer, body);
        }
        Ok(())
    }

    fn judge_create(&mut self, customer: &RemoteCustomer, body: &Body) {
        let answer = ignored(&body.set, customer);
        let refused = if body.is_unclear || !body.refused_by_name.is_empty() {
            "; a create with all fields was refused"
        } else {
            ""
        };
        let evidence = format!(
            "a create with {} fields was compared with the customer that it made{refused}",
            body.set.len()
        );
        self.findings.create_ignores = self.found(answer, evidence);
        let evidence = match (body.is_unclear, body.refused_by_name.is_empty()) {
            (true, _) => "a create was refused, and it was not said which fields for",
            (false, true) => "a create with all fields was taken",
            (false, false) => "a create was refused for these fields, and taken without them",
        };
        let refused = (!body.is_unclear).then(|| body.refused_by_name.clone());
        self.findings.create_refuses = self.found(refused, evidence.to_owned());
        if let Some(tag) = &body.tag {
            let has = |_| {
                if customer.has_tag(tag) {
                    TagsInCreate::Taken
                } else {
                    TagsInCreate::Ignored
                }
            };
            let answer = customer.tags.as_ref().ok().map(has);
            let evidence = "a create named a tag; the customer was looked at afterwards".to_owned();
            self.findings.create_tags = self.found(answer, evidence);
        }
        self.judge_properties(customer, body);
    }

    /// Where the account has no properties to work with, the create named some that are not defined.
    fn judge_properties(&mut self, customer: &RemoteCustomer, body: &Body) {
        if let Some(refused) = &body.refused_properties {
            if refused.iter().all(|p| p.is_new) {
                let evidence = "a create with properties that the account does not define was \
                    refused because of them; without them it was taken";
                self.findings.undefined_property =
                    self.found(Some(Undefined::Refused), evidence.to_owned());
            }
            return;
        }
        let new: Vec<&PoolProperty> = body.properties.iter().filter(|p| p.is_new).collect();
        if new.is_empty() || !customer.custom_data.is_known() {
            return;
        }
        let kept: Vec<&PoolProperty> = new
            .into_iter()
            .filter(|p| customer.property(&p.name).is_some())
            .collect();
        let answer = if kept.is_empty() {
            Undefined::Ignored
        } else {
            Undefined::Made
        };
        let evidence = "a create named properties that no customer on the first page has; the \
            customer was looked at afterwards";
        self.findings.undefined_property = self.found(Some(answer), evidence.to_owned());
        for property in kept {
            self.note_property(&property.name);
        }
    }

    fn whole_body(&mut self) -> Body {
        let now = self.probe.clock.wall().as_second();
        let page = Value::Text(format!("https://example.com/{}", self.ours.user_id()));
        let set = vec![
            (Field::Name, Value::Text(self.ours.name())),
            (Field::Email, Value::Text(self.ours.email())),
            (Field::UserId, Value::Text(self.ours.user_id())),
            (Field::Company, self.next_mark()),
            // Kept free for fiction.
            (Field::Phone, Value::Text("+12025550143".to_owned())),
            // Not now, which an API that ignores it would set itself; and among the newest in a listing.
            (Field::FirstSeen, Value::Date(now - 61)),
            (Field::LastSeen, Value::Date(now - 31)),
            (Field::Unsubscribed, Value::Bool(true)),
            (Field::Blocked, Value::Bool(true)),
            (Field::Source, self.next_mark()),
            (Field::Referer, page.clone()),
            (Field::LastPage, page),
            (Field::Locale, Value::Text("uk".to_owned())),
            (Field::Notes, self.next_mark()),
        ];
        Body {
            set,
            properties: self.account.properties.clone(),
            tag: self.account.tags.first().map(|tag| tag.name.clone()),
            refused_properties: None,
            refused_by_name: Vec::new(),
            is_unclear: false,
        }
    }
}

/// A value for a property that no customer has.
pub(super) fn new_value() -> CustomValue {
    CustomValue::Text("hcsync probe".to_owned())
}
