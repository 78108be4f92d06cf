//! What holds at the end of every process and of every run. Judged from the rows as they were written, the
//! server's log and its customers; nothing of the program's own judgement is used.

use std::collections::{BTreeMap, BTreeSet};

use hcsync::domain::RowNumber;
use hcsync::journal::RowState;
use hcsync::outcome::{OperationStatus, RowResult, RowStatus};
use hcsync::plan::OperationKind;
use hcsync::sandbox::quirks::{MissingMembers, RetryAfter};
use hcsync::sandbox::{Endpoint, Fault, FaultRule, LoggedRequest};
use serde_json::{Map, Value, json};

use crate::case::Case;
use crate::mishaps::AGENT;
use crate::told::told_as_it_was;
use crate::world::{RunOutcome, World};

type Verdict = Result<(), String>;

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// What may not be sent any more, by what the journal says when a process begins.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// Number of the last request before the process.
    before: u64,
    /// Customer and endpoint of operations that are done.
    done: BTreeSet<(u64, Endpoint)>,
    /// Row numbers whose create is done.
    created: BTreeSet<u64>,
}

impl Sessions {
    pub(crate) fn begin(&mut self, world: &World, case: &Case) {
        *self = Self::default();
        self.before = world.requests().len() as u64;
        let Some(recovered) = world.recovered() else {
            return;
        };
        for result in world.results() {
            let (row, operations) = match recovered.row(result.row) {
                RowState::Untouched => continue,
                RowState::Finished => (result.row, result.operations),
                RowState::Unfinished(progress) => (result.row, progress.operations.clone()),
            };
            for operation in operations {
                let ended = match recovered.row(row) {
                    RowState::Finished if !case.is_fresh => {
                        operation.status != OperationStatus::Planned
                    }
                    _ => operation.status == OperationStatus::Done,
                };
                if !ended {
                    continue;
                }
                // A fresh sync plans again what failed, and what agents undid.
                if operation.op == OperationKind::Create && !(case.is_fresh && case.agents.delete) {
                    self.created.insert(row.0);
                }
                if case.is_fresh {
                    continue;
                }
                self.done
                    .extend(result.customer_id.map(|id| (id.0, endpoint(operation.op))));
            }
        }
    }

    pub(crate) fn end(&self, world: &World, outcome: &RunOutcome, case: &Case) -> Verdict {
        let rows = case.rows.len();
        if !outcome.results.is_empty() || outcome.preview.is_some() {
            one_result_each(&outcome.results, rows)?;
        }
        let requests = world.requests();
        let all = requests.iter().filter(|r| r.number > self.before);
        everybody_pauses(&all.clone().collect::<Vec<_>>(), case)?;
        let session: Vec<&LoggedRequest> = all.filter(|r| r.writes).collect();
        self.nothing_sent_again(&session, &outcome.results)?;
        no_repeat_of_what_was_answered(&session)
    }

    fn nothing_sent_again(&self, session: &[&LoggedRequest], results: &[RowResult]) -> Verdict {
        for request in session {
            if request.endpoint == Endpoint::Create {
                let row = results.iter().find(|r| is_create_of(request, r));
                let again = row.filter(|r| self.created.contains(&r.row.0));
                ensure(again.is_none(), || {
                    format!(
                        "request {} creates a row's customer again, of which the journal says that it is done",
                        request.number
                    )
                })?;
            }
            for (id, endpoint) in written(request) {
                ensure(!self.done.contains(&(id, endpoint)), || {
                    format!(
                        "request {} sends a {} of customer {id} again, of which the journal says that it is done",
                        request.number, request.endpoint
                    )
                })?;
            }
        }
        Ok(())
    }
}

/// The customers that a request changes, by the operation that does it when it goes alone.
fn written(request: &LoggedRequest) -> Vec<(u64, Endpoint)> {
    if request.endpoint == Endpoint::Batch {
        let entries = request.body.as_array().into_iter().flatten();
        let ids = entries.filter_map(|entry| entry["customer"].as_u64());
        return ids.map(|id| (id, Endpoint::Patch)).collect();
    }
    let one = request.customer.map(|id| (id, request.endpoint));
    one.into_iter().collect()
}

/// After a 429 nobody sends anything for as long as it says.
fn everybody_pauses(session: &[&LoggedRequest], case: &Case) -> Verdict {
    let latency = case.options.quirks.latency_ms;
    // From when the request arrived; the shortest that any of the faults says.
    let pause = |rule: &FaultRule| match rule.fault {
        Fault::RateLimit {
            retry_after,
            seconds,
        } => Some(match retry_after {
            // Then all that were in flight together are one, and begin one pause.
            RetryAfter::None => 0,
            RetryAfter::Seconds => latency + seconds * 1_000,
            // In whole seconds, and told by the server's clock.
            RetryAfter::Date => latency.max((seconds - 1) * 1_000),
        }),
        _ => None,
    };
    let faults = &case.options.schedule.faults;
    let Some(pause) = faults.iter().filter_map(pause).min() else {
        return Ok(());
    };
    for refused in session.iter().filter(|r| r.status == Some(429)) {
        let told = refused.at_ms + latency;
        let hasty = session
            .iter()
            .find(|r| r.at_ms > told && r.at_ms < refused.at_ms + pause);
        ensure(hasty.is_none(), || {
            let (number, hasty) = (refused.number, hasty.map(|r| r.number));
            format!("request {hasty:?} is sent within {pause} ms of the 429 to request {number}")
        })?;
    }
    Ok(())
}

fn endpoint(op: OperationKind) -> Endpoint {
    match op {
        OperationKind::Create => Endpoint::Create,
        OperationKind::Patch => Endpoint::Patch,
        OperationKind::Tag => Endpoint::Tag,
        OperationKind::Untag => Endpoint::Untag,
        OperationKind::Delete => Endpoint::Delete,
    }
}

fn is_create_of(request: &LoggedRequest, result: &RowResult) -> bool {
    let sent = |name: &str| request.body.get(name).and_then(Value::as_str);
    match (&result.key.user_id, &result.key.email) {
        (Some(user_id), _) => sent("userId") == Some(user_id),
        (None, Some(email)) => sent("userId").is_none() && sent("email") == Some(email),
        (None, None) => false,
    }
}

fn one_result_each(results: &[RowResult], rows: usize) -> Verdict {
    let numbers: Vec<u64> = results.iter().map(|r| r.row.0).collect();
    let wanted: Vec<u64> = (1..=rows as u64).collect();
    ensure(numbers == wanted, || {
        format!("{rows} rows have results for {numbers:?}")
    })
}

/// Within one process nothing that was answered well is sent a second time as it was.
fn no_repeat_of_what_was_answered(session: &[&LoggedRequest]) -> Verdict {
    let mut answered = BTreeMap::new();
    for request in session {
        let what = (
            request.method.clone(),
            request.path.clone(),
            request.body.to_string(),
        );
        if let Some(first) = answered.get(&what) {
            return Err(format!(
                "request {} repeats {first}, which was answered well",
                request.number
            ));
        }
        if request.fault.is_none() && matches!(request.status, Some(200..=299)) {
            answered.insert(what, request.number);
        }
    }
    Ok(())
}

/// A second sync has nothing to do for rows that were done.
pub(crate) fn nothing_left(first: &RunOutcome, second: &RunOutcome, edited: &[u64]) -> Verdict {
    for (before, now) in first.results.iter().zip(&second.results) {
        let done = matches!(
            before.status,
            RowStatus::Created | RowStatus::Updated | RowStatus::Unchanged
        );
        let by_agents = before.customer_id.is_some_and(|id| edited.contains(&id.0));
        let planned = matches!(now.status, RowStatus::Unchanged | RowStatus::Rejected);
        ensure(!done || by_agents || planned, || {
            format!(
                "row {} was {:?} and is {:?} in a second sync: {:?}",
                before.row.0, before.status, now.status, now.operations
            )
        })?;
    }
    Ok(())
}

/// A run that came to its end.
pub(crate) struct End<'a> {
    pub(crate) case: &'a Case,
    pub(crate) world: &'a World,
    pub(crate) outcome: &'a RunOutcome,
}

impl End<'_> {
    pub(crate) fn check(&self) -> Verdict {
        let requests = self.world.requests();
        let customers = Customers::new(self.world.customers());
        self.statuses()?;
        self.nobody_made_twice(&requests, &customers)?;
        for (number, row) in (1..).zip(&self.case.rows) {
            let result = self.result(number)?;
            if matches!(
                result.status,
                RowStatus::Created | RowStatus::Updated | RowStatus::Unchanged
            ) {
                self.done(row, result, &customers, &requests)?;
            }
        }
        for told in self.world.superseded().iter().chain(&self.world.told()) {
            let has_lost = self.world.update_lost();
            told_as_it_was(self.case, told, &requests, has_lost)?;
        }
        self.rejected_rows_are_not_sent(&requests)?;
        self.nothing_unmanaged_changed(&customers, &requests)?;
        self.within_the_limit(&requests)
    }

    fn result(&self, number: u64) -> Result<&RowResult, String> {
        let result = self
            .outcome
            .results
            .iter()
            .find(|r| r.row == RowNumber(number));
        result.ok_or_else(|| format!("row {number} has no result"))
    }

    fn statuses(&self) -> Verdict {
        for result in &self.outcome.results {
            let code = result.error.as_ref().map(|e| e.code.as_str());
            ensure(code != Some("internal"), || {
                format!("row {}: a fault of the program", result.row.0)
            })?;
            ensure(result.status != RowStatus::Pending, || {
                format!("row {} is pending at the end", result.row.0)
            })?;
            let needs = result.status.needs_attention();
            ensure(needs == result.error.is_some(), || {
                format!(
                    "row {} is {:?} with error {code:?}",
                    result.row.0, result.status
                )
            })?;
            let broken = result
                .operations
                .iter()
                .any(|o| o.status != OperationStatus::Done);
            ensure(needs || !broken, || {
                format!(
                    "row {} is {:?} with {:?}",
                    result.row.0, result.status, result.operations
                )
            })?;
        }
        Ok(())
    }

    /// Of the customers that creates of one row made, all but one were deleted by agents.
    fn nobody_made_twice(&self, requests: &[LoggedRequest], customers: &Customers) -> Verdict {
        let mut made: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for request in requests
            .iter()
            .filter(|r| r.endpoint == Endpoint::Create && r.applied)
        {
            let row = self
                .outcome
                .results
                .iter()
                .find(|r| is_create_of(request, r));
            let row = row.ok_or_else(|| {
                format!(
                    "request {} creates somebody of whom no row speaks",
                    request.number
                )
            })?;
            let id = request.customer.ok_or("a create made nobody")?;
            made.entry(row.row.0).or_default().push(id);
        }
        for (row, ids) in made {
            let alive: Vec<_> = ids
                .iter()
                .filter(|id| customers.get(**id).is_some())
                .collect();
            ensure(alive.len() <= 1, || {
                format!("row {row} made its customer twice: {alive:?}")
            })?;
            let excused = self.case.agents.delete || self.case.agents.create;
            ensure(ids.len() <= 1 || excused, || {
                format!("row {row} made its customer twice: {ids:?}")
            })?;
        }
        Ok(())
    }

    /// The customer of a row that is done is as the row wants.
    fn done(
        &self,
        row: &Value,
        result: &RowResult,
        customers: &Customers,
        requests: &[LoggedRequest],
    ) -> Verdict {
        let number = result.row.0;
        let id = result
            .customer_id
            .ok_or_else(|| format!("row {number} is done for nobody"))?
            .0;
        let edited = requests.iter().any(|r| r.agent_edits.contains(&id));
        let Some(customer) = customers.get(id) else {
            let excused = self.case.agents.delete && edited;
            return ensure(excused, || {
                format!(
                    "row {number} is {:?} and its customer {id} does not exist",
                    result.status
                )
            });
        };
        for name in ["userId", "email", "name", "company"] {
            let Some(wanted) = row.get(name) else {
                continue;
            };
            let theirs = customer.field(name);
            let excused =
                name == "company" && self.case.agents.compete && edited && theirs == json!(AGENT);
            ensure(is_same(name, wanted, &theirs) || excused, || {
                format!(
                    "row {number} is {:?} and {name} of {id} is {theirs}, not {wanted}",
                    result.status
                )
            })?;
        }
        for name in ["plan", "level"] {
            let Some(wanted) = row.get(name) else {
                continue;
            };
            let theirs = customer.property(name);
            ensure(is_same(name, wanted, &theirs), || {
                format!(
                    "row {number} is {:?} and customData.{name} of {id} is {theirs}, not {wanted}",
                    result.status
                )
            })?;
        }
        self.done_tags(row, result, customer)
    }

    fn done_tags(&self, row: &Value, result: &RowResult, customer: &Customer) -> Verdict {
        let has = customer.tags();
        let wanted = names(row.get("tags"));
        let lacks: Vec<_> = wanted.difference(&has).collect();
        let unwanted = names(row.get("untag"));
        let kept: Vec<_> = unwanted
            .difference(&wanted)
            .filter(|t| has.contains(*t))
            .collect();
        let mut more: BTreeSet<_> = has.difference(&wanted).cloned().collect();
        more.remove("agent");
        let inexact = self.case.is_exact() && row.get("tags").is_some() && !more.is_empty();
        ensure(lacks.is_empty() && kept.is_empty() && !inexact, || {
            format!(
                "row {} is {:?} and tags of {} are {has:?}, not {wanted:?} without {unwanted:?}",
                result.row.0,
                result.status,
                customer.id()
            )
        })
    }

    fn rejected_rows_are_not_sent(&self, requests: &[LoggedRequest]) -> Verdict {
        for result in &self.outcome.results {
            if matches!(result.status, RowStatus::Rejected | RowStatus::Skipped) {
                let code = result.error.as_ref().map(|e| e.code.clone());
                let known = ["duplicate", "email_case"].map(|c| Some(c.to_owned()));
                // Without a probe, it is not known that what is left out is empty.
                let leaves_out = self.case.options.quirks.missing_members != MissingMembers::Empty;
                let is_untold = leaves_out && code.as_deref() == Some("untold");
                let is_known = known.contains(&code) || is_untold;
                ensure(is_known || self.case.agents.create, || {
                    format!("row {} is rejected: {code:?}", result.row.0)
                })?;
            }
        }
        let strangers = requests.iter().find(|r| r.endpoint == Endpoint::Unknown);
        ensure(strangers.is_none(), || {
            format!("{strangers:?} is no request of the API")
        })
    }

    /// What rows do not speak of is as it was, or as agents left it.
    fn nothing_unmanaged_changed(
        &self,
        customers: &Customers,
        requests: &[LoggedRequest],
    ) -> Verdict {
        let created: BTreeSet<u64> = requests
            .iter()
            .filter(|r| r.endpoint == Endpoint::Create && r.applied)
            .filter_map(|r| r.customer)
            .collect();
        let before = Customers::new(self.case.options.customers.clone());
        for customer in &customers.0 {
            let id = customer.id();
            let edits: Vec<&LoggedRequest> = requests
                .iter()
                .filter(|r| r.agent_edits.contains(&id))
                .collect();
            let nobody = Customer::new(json!({"id": id}));
            let was = match before.get(id) {
                Some(was) => was,
                None if created.contains(&id) => &nobody,
                // Made by an agent.
                None => continue,
            };
            Unmanaged {
                case: self.case,
                was,
                is: customer,
                spoken: self.spoken(was, customer),
                edits,
                requests,
            }
            .check()?;
        }
        for was in &before.0 {
            let id = was.id();
            let edited = requests.iter().any(|r| r.agent_edits.contains(&id));
            let gone = customers.get(id).is_none();
            ensure(!gone || (self.case.agents.delete && edited), || {
                format!("customer {id} is gone")
            })?;
        }
        Ok(())
    }

    /// The rows that mean this customer, in one.
    fn spoken(&self, was: &Customer, is: &Customer) -> Spoken {
        let mut spoken = Spoken::default();
        for row in &self.case.rows {
            let by_user_id = row
                .get("userId")
                .map(|key| *key == was.field("userId") || *key == is.field("userId"));
            let email = row.get("email").map(|key| {
                is_same("email", key, &was.field("email"))
                    || is_same("email", key, &is.field("email"))
            });
            if by_user_id.unwrap_or(false) || email.unwrap_or(false) {
                spoken
                    .members
                    .extend(row.as_object().into_iter().flat_map(Map::keys).cloned());
                spoken.tags.extend(names(row.get("tags")));
                spoken.tags.extend(names(row.get("untag")));
            }
        }
        spoken
    }

    /// In no minute more requests than the limit, whatever the server counts.
    fn within_the_limit(&self, requests: &[LoggedRequest]) -> Verdict {
        let limit = usize::try_from(self.case.options.limits.requests_per_minute).unwrap();
        let times: Vec<u64> = requests.iter().map(|r| r.at_ms).collect();
        for (last, at) in times.iter().enumerate() {
            let first = times.partition_point(|t| t + 60_000 <= *at);
            let count = last + 1 - first;
            ensure(count <= limit, || {
                format!("{count} requests in the minute up to {at} ms")
            })?;
        }
        let refused = requests
            .iter()
            .find(|r| r.status == Some(429) && r.fault.is_none());
        ensure(refused.is_none(), || {
            format!("the server's limit was reached: {refused:?}")
        })
    }
}

/// What the rows of one customer speak of.
#[derive(Debug, Default)]
struct Spoken {
    members: BTreeSet<String>,
    tags: BTreeSet<String>,
}

struct Unmanaged<'a> {
    case: &'a Case,
    was: &'a Customer,
    is: &'a Customer,
    spoken: Spoken,
    /// The requests beside which agents edited the customer.
    edits: Vec<&'a LoggedRequest>,
    requests: &'a [LoggedRequest],
}

impl Unmanaged<'_> {
    fn check(&self) -> Verdict {
        let id = self.is.id();
        for name in [
            "userId",
            "email",
            "name",
            "company",
            "phone",
            "notes",
            "locale",
            "blocked",
            "unsubscribed",
            "source",
        ] {
            if self.spoken.members.contains(name) {
                continue;
            }
            let (was, is) = (self.was.field(name), self.is.field(name));
            let by_agent = is == json!(AGENT) && !self.edits.is_empty();
            ensure(is_same(name, &was, &is) || by_agent, || {
                format!("{name} of {id} was {was} and is {is}, of which no row speaks")
            })?;
        }
        let properties: BTreeSet<_> = self
            .was
            .properties()
            .into_keys()
            .chain(self.is.properties().into_keys())
            .collect();
        for name in properties
            .iter()
            .filter(|name| !self.spoken.members.contains(*name))
        {
            let (was, is) = (self.was.property(name), self.is.property(name));
            let by_agent = is == json!(AGENT) && !self.edits.is_empty();
            ensure(is_same(name, &was, &is) || by_agent, || {
                format!("customData.{name} of {id} was {was} and is {is}, of which no row speaks")
            })?;
        }
        self.tags()?;
        self.agents_edits_stay()
    }

    fn tags(&self) -> Verdict {
        if self.case.is_exact() && self.spoken.members.contains("tags") {
            return Ok(());
        }
        let without = |mut tags: BTreeSet<String>| {
            tags.retain(|t| !self.spoken.tags.contains(t) && t != "agent");
            tags
        };
        let (was, is) = (without(self.was.tags()), without(self.is.tags()));
        ensure(was == is, || {
            format!(
                "tags of {} were {was:?} and are {is:?}, of which no row speaks",
                self.is.id()
            )
        })
    }

    /// Agents annotate with all three at a time; what they wrote is there.
    fn agents_edits_stay(&self) -> Verdict {
        let others = self.case.agents.compete || self.case.agents.delete || self.case.agents.create;
        if !self.case.agents.annotate || others || self.edits.is_empty() {
            return Ok(());
        }
        let id = self.is.id();
        ensure(self.is.field("notes") == json!(AGENT), || {
            format!("an agent's note on {id} is gone")
        })?;
        let untagged = self.case.is_exact() && self.spoken.members.contains("tags");
        ensure(untagged || self.is.tags().contains("agent"), || {
            format!("an agent's tag of {id} is gone")
        })?;
        let stays = self.is.property("agent") == json!(AGENT) || self.is_undone_unknowingly();
        ensure(stays, || format!("an agent's custom data of {id} is gone"))
    }

    /// Whether a patch of custom data took effect after the agent's last edit, with no reading of the customer between
    /// the two: PATCH is not known to merge, so that all that was read is sent.
    fn is_undone_unknowingly(&self) -> bool {
        let Some(last) = self.edits.iter().max_by_key(|r| r.number) else {
            return false;
        };
        // An edit beside a request that took effect late is as late.
        let edited = last.at_ms + self.lateness(last);
        let patches = self.requests.iter().filter(|r| {
            (r.number >= last.number || r.at_ms + self.lateness(r) >= last.at_ms)
                && r.applied
                && self.sets_properties(r)
        });
        let mut patches = patches.filter(|patch| {
            let mut between = self
                .requests
                .iter()
                .filter(|r| r.number > last.number && r.at_ms >= edited && r.number < patch.number);
            !between.any(|r| self.is_read_by(r))
        });
        patches.next().is_some()
    }

    /// How long after its arrival a request may have taken effect, in milliseconds.
    fn lateness(&self, request: &LoggedRequest) -> u64 {
        if request.fault != Some("delay") {
            return 0;
        }
        let delays = self.case.options.schedule.faults.iter();
        let delays = delays.filter_map(|rule| match rule.fault {
            Fault::Delay {
                delay_ms,
                late: true,
            } => Some(delay_ms),
            _ => None,
        });
        delays.max().unwrap_or_default()
    }

    fn sets_properties(&self, request: &LoggedRequest) -> bool {
        let id = self.is.id();
        match request.endpoint {
            Endpoint::Patch => {
                request.customer == Some(id) && request.body.get("customData").is_some()
            }
            Endpoint::Batch => {
                let mut entries = request.body.as_array().into_iter().flatten();
                entries.any(|e| e["customer"] == json!(id) && e.get("customData").is_some())
            }
            _ => false,
        }
    }

    fn is_read_by(&self, request: &LoggedRequest) -> bool {
        let answered = matches!(request.status, Some(200..=299))
            && matches!(request.fault, None | Some("delay"));
        // A search that asks whether there are more than it told reads nobody again.
        let is_first_page = request.body["offset"].as_u64().unwrap_or_default() == 0;
        let names_them = request.customer == Some(self.is.id())
            || (request.endpoint == Endpoint::Search
                && is_first_page
                && mentions(&request.body, &json!(self.is.id())));
        answered && names_them
    }
}

fn mentions(body: &Value, what: &Value) -> bool {
    match body {
        Value::Array(items) => items.iter().any(|item| mentions(item, what)),
        Value::Object(members) => members.values().any(|member| mentions(member, what)),
        other => other == what,
    }
}

/// Whether two values mean the same; null, absent and empty text are no value.
fn is_same(name: &str, a: &Value, b: &Value) -> bool {
    let no_value = |v: &Value| {
        v.is_null()
            || *v == json!("")
            || (*v == json!(false) && ["blocked", "unsubscribed"].contains(&name))
    };
    if no_value(a) || no_value(b) {
        return no_value(a) && no_value(b);
    }
    match (a, b) {
        (Value::String(a), Value::String(b)) if name == "email" => {
            a.to_lowercase() == b.to_lowercase()
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

fn names(tags: Option<&Value>) -> BTreeSet<String> {
    let list = tags.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|tag| tag.as_str().or_else(|| tag.get("name")?.as_str()))
        .map(str::to_owned)
        .collect()
}

/// A customer as the server answers it.
#[derive(Debug)]
struct Customer(Value);

impl Customer {
    fn new(value: Value) -> Self {
        Self(value)
    }

    fn id(&self) -> u64 {
        self.0["id"].as_u64().unwrap_or_default()
    }

    fn field(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_default()
    }

    fn tags(&self) -> BTreeSet<String> {
        names(self.0.get("tags"))
    }

    /// In either shape.
    fn properties(&self) -> BTreeMap<String, Value> {
        match self.0.get("customData") {
            Some(Value::Object(map)) => map.clone().into_iter().collect(),
            Some(Value::Array(list)) => {
                let pair = |one: &Value| {
                    Some((
                        one.get("property")?.as_str()?.to_owned(),
                        one.get("value")?.clone(),
                    ))
                };
                list.iter().filter_map(pair).collect()
            }
            _ => BTreeMap::new(),
        }
    }

    fn property(&self, name: &str) -> Value {
        self.properties().get(name).cloned().unwrap_or_default()
    }
}

struct Customers(Vec<Customer>);

impl Customers {
    fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter().map(Customer::new).collect())
    }

    fn get(&self, id: u64) -> Option<&Customer> {
        self.0.iter().find(|c| c.id() == id)
    }
}
