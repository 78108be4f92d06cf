//! Creates the throwaway customer and finds out what a create accepts.

use crate::domain::{Field, RemoteCustomer, Tag, Value};
use crate::helpcrunch::CallError;
use crate::plan::Create;

use super::account::PoolProperty;
use super::cleanup::find;
use super::finding::{TagsInCreate, UndefinedProperty};
use super::session::{Halt, ProbeSession, halt_if_closed, refusal};
use super::verdict::ignored;

/// Fields by which the customer is recognized, never dropped from the create.
const IDENTIFYING: [Field; 3] = [Field::UserId, Field::Email, Field::Name];

/// The contents of a create. It gets smaller as long as the API refuses it.
#[derive(Debug)]
struct CreateTrial {
    set: Vec<(Field, Value)>,
    properties: Vec<PoolProperty>,
    tag: Option<String>,
    /// Properties that the API refused, if its error named them.
    refused_properties: Option<Vec<PoolProperty>>,
    /// Undocumented fields that the API's errors named.
    refused_by_name: Vec<Field>,
    /// Set once something was left out that no error had named: then it is unknown what was refused.
    is_unclear: bool,
}

impl CreateTrial {
    fn body(&self) -> Create {
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

    /// Leaves out what the API most likely refused. `members` are those that its errors named. Returns false if
    /// nothing is left to leave out.
    fn reduce(&mut self, members: &[String]) -> bool {
        let names = |part: &str| members.iter().any(|member| member.contains(part));
        let set = self.set.iter().map(|(f, _)| *f);
        let undocumented: Vec<Field> = set
            .filter(|f| Field::NOT_IN_CREATE_EXAMPLE.contains(f))
            .collect();
        if !self.properties.is_empty() && (names("customData") || undocumented.is_empty()) {
            let refused = std::mem::take(&mut self.properties);
            self.refused_properties = names("customData").then_some(refused);
        } else if !undocumented.is_empty() {
            let named = undocumented.iter().copied().filter(|f| names(f.name()));
            let mut named: Vec<Field> = named.collect();
            self.is_unclear |= named.is_empty();
            let dropped = match named.is_empty() {
                true => &undocumented,
                false => &named,
            };
            self.set.retain(|(f, _)| !dropped.contains(f));
            self.refused_by_name.append(&mut named);
        } else if self.tag.is_some() || self.set.len() > IDENTIFYING.len() {
            self.tag = None;
            self.set.retain(|(f, _)| IDENTIFYING.contains(f));
            self.is_unclear = true;
        } else {
            return false;
        }
        true
    }
}

impl ProbeSession<'_> {
    /// Creates the customer. Before the create is sent, it is on disk that the customer may exist.
    pub(super) async fn create(&mut self) -> Result<(), Halt> {
        let mut trial = self.full_trial();
        loop {
            if self.probe.stop.is_cancelled() {
                return Err(Halt::Stopped);
            }
            self.probe.store.remember(&self.ours)?;
            // Not dropped by a stop: the answer says which customer to delete.
            let error = match self.probe.client.create(&trial.body()).await.result {
                Ok(customer) if self.is_plausible(&customer) => {
                    return self.adopt(customer, &trial).await;
                }
                Ok(_) | Err(CallError::Unknown { .. }) => return self.settle(&trial).await,
                Err(error) => error,
            };
            let members = refusal(&error).map(|(_, members)| members);
            if !matches!(error, CallError::Interrupted) {
                // It was refused or never sent, so no customer exists.
                self.probe.store.forget()?;
            }
            let why = error.to_string();
            if let Some(stop) = error.stop() {
                return Err(Halt::Closed(stop, why));
            }
            if !members.is_some_and(|members| trial.reduce(&members)) {
                return Err(Halt::NotCreated(why));
            }
        }
    }

    fn is_plausible(&self, customer: &RemoteCustomer) -> bool {
        self.ours.is(customer) || customer.user_id().is_none()
    }

    /// Looks for the customer of a create that got no usable answer. The create is never repeated.
    async fn settle(&mut self, trial: &CreateTrial) -> Result<(), Halt> {
        let Self { probe, ours, .. } = &*self;
        let found = tokio::select! {
            biased;
            () = probe.stop.cancelled() => return Err(Halt::Stopped),
            found = find(probe.client, ours, probe.clock, probe.settle) => found,
        };
        let in_doubt =
            |why: String| Halt::NotCreated(format!("the create got no usable answer, and {why}"));
        let ids = halt_if_closed(found)?
            .map_err(|error| in_doubt(format!("the searches for its customer failed: {error}")))?;
        let Some(id) = ids.first() else {
            return Err(in_doubt("its customer was not found".to_owned()));
        };
        match self.call(self.probe.client.get(*id)).await? {
            Ok(customer) => self.adopt(customer, trial).await,
            Err(error) => Err(in_doubt(error.to_string())),
        }
    }

    /// Records the id of the created customer and judges the create by it.
    async fn adopt(&mut self, customer: RemoteCustomer, trial: &CreateTrial) -> Result<(), Halt> {
        self.ours.id = Some(customer.id);
        self.probe.store.remember(&self.ours)?;
        if let Some(tag) = &trial.tag {
            self.note_tag(tag);
        }
        let is_complete = ignored(&trial.set, &customer).is_some()
            && customer.tags.is_reported()
            && customer.custom_data.is_reported();
        self.seen = Some(customer);
        if !is_complete {
            self.read_back().await?;
        }
        if let Some(customer) = self.seen.clone() {
            self.judge_create(&customer, trial);
        }
        Ok(())
    }

    fn judge_create(&mut self, customer: &RemoteCustomer, trial: &CreateTrial) {
        let answer = ignored(&trial.set, customer);
        let refused = if trial.is_unclear || !trial.refused_by_name.is_empty() {
            "; a create with all fields was refused"
        } else {
            ""
        };
        let evidence = format!(
            "a create with {} fields was compared with the customer that it created{refused}",
            trial.set.len()
        );
        self.findings.create_ignores = self.finding(answer, evidence);
        let evidence = match (trial.is_unclear, trial.refused_by_name.is_empty()) {
            (true, _) => "a create was refused, and the answer did not say because of which fields",
            (false, true) => "a create with all fields was accepted",
            (false, false) => {
                "a create was refused because of these fields, and accepted without them"
            }
        };
        let refused = (!trial.is_unclear).then(|| trial.refused_by_name.clone());
        self.findings.create_refuses = self.finding(refused, evidence);
        if let Some(tag) = &trial.tag {
            let judge = |_| match customer.has_tag(tag) {
                true => TagsInCreate::Taken,
                false => TagsInCreate::Ignored,
            };
            let answer = customer.tags.as_ref().ok().map(judge);
            let evidence = "a create named a tag; the customer was compared with it";
            self.findings.create_tags = self.finding(answer, evidence);
        }
        self.judge_properties(customer, trial);
    }

    /// Answers how undefined properties are treated. Only a create in an account without properties names any.
    fn judge_properties(&mut self, customer: &RemoteCustomer, trial: &CreateTrial) {
        if let Some(refused) = &trial.refused_properties {
            if refused.iter().all(|p| p.is_new) {
                let evidence = "a create with properties that the account does not define was \
                    refused because of them, and accepted without them";
                self.findings.undefined_property =
                    self.finding(Some(UndefinedProperty::Refused), evidence);
            }
            return;
        }
        let new: Vec<&PoolProperty> = trial.properties.iter().filter(|p| p.is_new).collect();
        if new.is_empty() || !customer.custom_data.is_reported() {
            return;
        }
        let kept: Vec<&PoolProperty> = new
            .into_iter()
            .filter(|p| customer.property(&p.name).is_some())
            .collect();
        let answer = if kept.is_empty() {
            UndefinedProperty::Ignored
        } else {
            UndefinedProperty::Made
        };
        let evidence = "a create named properties that no customer on the first page has; the \
            customer was compared with it";
        self.findings.undefined_property = self.finding(Some(answer), evidence);
        for property in kept {
            self.note_property(&property.name);
        }
    }

    fn full_trial(&mut self) -> CreateTrial {
        let now = self.probe.clock.wall().as_second();
        let page = Value::Text(format!("https://example.com/{}", self.ours.user_id()));
        let set = vec![
            (Field::Name, Value::Text(self.ours.name())),
            (Field::Email, Value::Text(self.ours.email())),
            (Field::UserId, Value::Text(self.ours.user_id())),
            (Field::Company, self.next_mark()),
            // Reserved for fictional use.
            (Field::Phone, Value::Text("+12025550143".to_owned())),
            // Not the current time, which an API that ignores the field would set itself, but recent enough to be
            // among the newest of a listing.
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
        CreateTrial {
            set,
            properties: self.account.properties.clone(),
            tag: self.account.tags.first().map(|tag| tag.name.clone()),
            refused_properties: None,
            refused_by_name: Vec::new(),
            is_unclear: false,
        }
    }
}
