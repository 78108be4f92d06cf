//! Decides what follows from the answer to an operation. Pure.

use crate::domain::{Field, Issue, RemoteCustomer};
use crate::helpcrunch::{ApiError, CallError};
use crate::outcome::OperationStatus;
use crate::plan::{Create, Operation, OperationKind};
use crate::run::in_doubt::{Effect, effect};

/// The result of an operation's call. `None`: the customer is gone, as a delete wants.
pub(super) type Answer = Result<Option<RemoteCustomer>, CallError>;

/// An operation that was sent, and what decides how it continues.
#[derive(Debug, Clone, Copy)]
pub(super) struct SentOperation<'a> {
    /// As it was sent: a create may leave out fields of the plan.
    pub(super) operation: &'a Operation,
    /// An attempt at it may have taken effect.
    pub(super) in_doubt: bool,
    /// What it counts as if its latest request had no effect.
    pub(super) unsent: OperationStatus,
    /// The lane has written, so that its customer is no longer as planned.
    pub(super) has_written: bool,
    /// The tags of the next operation were sent along.
    pub(super) has_attached_tags: bool,
    /// The customer was read already to see whether a failed call took effect.
    pub(super) is_checked: bool,
    /// A second create would make no second customer.
    pub(super) can_repeat: bool,
}

/// What follows from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FollowUp {
    Again(Again),
    End(OperationEnd),
}

/// The operation is not done with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Again {
    /// The call failed but may have taken effect: read the customer.
    CheckEffect(CallError),
    /// Its reading became stale after the lane's first write: read the customer and send the operation again.
    Reread { failed: u32 },
    /// It was refused because of the attached tags: send it without them.
    WithoutTags,
    /// The create was refused because of these fields: send it without them.
    WithoutFields(Vec<Field>),
    /// Send the create again without looking for its customer.
    Repeat,
    /// Look for the customer that the create may have made.
    Settle,
}

/// The operation ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OperationEnd {
    /// It is compared with the customer in the answer.
    Answered(Box<RemoteCustomer>),
    /// The customer is gone, as a delete wants.
    Deleted,
    /// Another customer has the userId that it gives: the row is matched again.
    MatchAgain(CallError),
    /// It fails, whether or not an attempt took effect.
    Failed { error: CallError, in_doubt: bool },
    /// It cannot be sent.
    Unsendable(Issue),
    /// It is not known whether the create made a customer, and will not be: the row ends in doubt.
    Doubtful(Issue),
    /// Its reading became stale before the lane's first write: the lane is read again and replanned.
    Stale {
        failed: u32,
        status: OperationStatus,
    },
    /// The run stops, and leaves it for a resume.
    Stopped(OperationStatus),
    /// The run stops while a create is settled, whose doubt is in the journal.
    StoppedSettling,
}

impl SentOperation<'_> {
    /// Returns what follows from this answer.
    pub(super) fn follow_up(self, answer: Answer) -> FollowUp {
        let error = match answer {
            Ok(Some(customer)) => {
                return FollowUp::End(OperationEnd::Answered(Box::new(customer)));
            }
            Ok(None) => return FollowUp::End(OperationEnd::Deleted),
            Err(error) => error,
        };
        let status = match error.is_unsent() {
            true => self.unsent,
            false => OperationStatus::InDoubt,
        };
        match error {
            CallError::Refused { .. } => self.after_refusal(error),
            CallError::GaveUp { .. } => self.after_failure(error),
            CallError::Unknown { .. } if self.creates() => FollowUp::Again(match self.can_repeat {
                true => Again::Repeat,
                false => Again::Settle,
            }),
            CallError::Outdated { failed, .. } if self.has_written && !self.creates() => {
                FollowUp::Again(Again::Reread { failed })
            }
            CallError::Outdated { failed, .. } => {
                FollowUp::End(OperationEnd::Stale { failed, status })
            }
            CallError::NotSent(_)
            | CallError::Unauthorized { .. }
            | CallError::Blocked { .. }
            | CallError::Redirected { .. }
                if !self.in_doubt =>
            {
                FollowUp::End(OperationEnd::Stopped(self.unsent))
            }
            CallError::NotSent(_)
            | CallError::Unauthorized { .. }
            | CallError::Blocked { .. }
            | CallError::Redirected { .. }
            | CallError::Unknown { .. }
            | CallError::CutShort { .. }
            | CallError::Interrupted => {
                FollowUp::End(OperationEnd::Stopped(OperationStatus::InDoubt))
            }
        }
    }

    fn after_refusal(self, error: CallError) -> FollowUp {
        if self.op() == OperationKind::Delete && error.is_not_found() {
            return FollowUp::End(OperationEnd::Deleted);
        }
        if self.has_attached_tags && is_about_tags(&error) {
            return FollowUp::Again(Again::WithoutTags);
        }
        if let Operation::Create(create) = self.operation {
            let fields = refused_fields(&error, create);
            if !fields.is_empty() {
                return FollowUp::Again(Again::WithoutFields(fields));
            }
        }
        self.after_failure(error)
    }

    fn after_failure(self, error: CallError) -> FollowUp {
        // A create has no customer to be read; one whose outcome is not known is settled.
        if self.in_doubt && !self.is_checked && !self.creates() && !error.is_not_found() {
            return FollowUp::Again(Again::CheckEffect(error));
        }
        let gives_user_id = matches!(self.op(), OperationKind::Create | OperationKind::Patch);
        FollowUp::End(match gives_user_id && error.is_user_id_taken() {
            true => OperationEnd::MatchAgain(error),
            false => OperationEnd::Failed {
                error,
                in_doubt: self.in_doubt,
            },
        })
    }

    fn op(self) -> OperationKind {
        self.operation.kind()
    }

    fn creates(self) -> bool {
        self.op() == OperationKind::Create
    }
}

/// Returns the answer to an operation whose call failed and may have taken effect, by its customer as it was read
/// afterwards, and whether that is still in doubt: the customer could not be read, or does not show it clearly.
pub(super) fn answer_after_reading(
    operation: &Operation,
    error: CallError,
    read: Result<RemoteCustomer, CallError>,
) -> (Answer, bool) {
    match read {
        Ok(customer) => match effect(operation, &customer) {
            Effect::InPlace => (Ok(Some(customer)), false),
            Effect::NotApplied => (Err(error), false),
            Effect::Unclear => (Err(error), true),
        },
        Err(read) if matches!(operation, Operation::Delete(_)) && read.is_not_found() => {
            (Ok(None), false)
        }
        // The run stops; a resume reads the customer.
        Err(read) if read.stop().is_some() => (Err(CallError::Interrupted), true),
        Err(_) => (Err(error), true),
    }
}

fn is_about_tags(error: &CallError) -> bool {
    match error {
        CallError::Refused { errors, .. } => errors.iter().any(|e| e.code.starts_with("tags")),
        _ => false,
    }
}

/// Returns the fields for which a create was refused and that the API's example of a create leaves out: whether one may
/// have them is not documented. Empty if the refusal has another reason as well.
fn refused_fields(error: &CallError, create: &Create) -> Vec<Field> {
    let CallError::Refused {
        status: 400,
        errors,
    } = error
    else {
        return Vec::new();
    };
    let field_of = |error: &ApiError| {
        let fields = create.set.iter().map(|(field, _)| *field);
        let mut undocumented = fields.filter(|field| Field::NOT_IN_CREATE_EXAMPLE.contains(field));
        undocumented.find(|field| field.name() == error.code)
    };
    let refused = errors.iter().map(field_of);
    refused.collect::<Option<_>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CustomerId, Tag, Value};
    use crate::helpcrunch::{FailureCause, StopKind};
    use crate::plan::{CustomerState, FieldChange, Patch};
    use OperationStatus::{InDoubt, Planned};

    fn create() -> Operation {
        let text = || Value::Text("x".into());
        Operation::Create(Create {
            set: vec![(Field::Name, text()), (Field::Referer, text())],
            ..Create::default()
        })
    }

    fn patch() -> Operation {
        let change = FieldChange {
            field: Field::Name,
            from: Some(Value::Text("A".into())),
            to: Some(Value::Text("B".into())),
        };
        Operation::Patch(Patch {
            set: vec![change],
            custom_data: vec![],
        })
    }

    fn tag() -> Operation {
        Operation::Tag(vec![Tag::named("vip")])
    }

    fn delete() -> Operation {
        Operation::Delete(CustomerState::of(&named("A")))
    }

    fn named(name: &str) -> RemoteCustomer {
        let mut customer = RemoteCustomer::unknown(CustomerId(1));
        customer.set_field(Field::Name, Some(Value::Text(name.into())));
        customer
    }

    fn refused(status: u16, codes: &[&str]) -> CallError {
        let error = |code: &&str| ApiError {
            code: (*code).into(),
            message: "No.".into(),
        };
        CallError::Refused {
            status,
            errors: codes.iter().map(error).collect(),
        }
    }

    fn why() -> FailureCause {
        FailureCause::Status(503)
    }

    fn gave_up() -> CallError {
        CallError::GaveUp {
            attempts: 3,
            why: why(),
        }
    }

    fn unknown() -> CallError {
        CallError::Unknown { why: why() }
    }

    fn not_sent() -> CallError {
        CallError::NotSent(StopKind::Signal)
    }

    fn cut_short() -> CallError {
        CallError::CutShort {
            stop: StopKind::Signal,
            why: why(),
        }
    }

    fn outdated(why: Option<FailureCause>) -> CallError {
        CallError::Outdated { failed: 2, why }
    }

    /// An operation of which nothing is known but that it was sent.
    fn sent(operation: &Operation) -> SentOperation<'_> {
        SentOperation {
            operation,
            in_doubt: false,
            unsent: Planned,
            has_written: false,
            has_attached_tags: false,
            is_checked: false,
            can_repeat: false,
        }
    }

    fn end(end: OperationEnd) -> FollowUp {
        FollowUp::End(end)
    }

    fn failed(error: CallError, in_doubt: bool) -> FollowUp {
        end(OperationEnd::Failed { error, in_doubt })
    }

    fn stopped(status: OperationStatus) -> FollowUp {
        end(OperationEnd::Stopped(status))
    }

    fn stale(status: OperationStatus) -> FollowUp {
        end(OperationEnd::Stale { failed: 2, status })
    }

    /// Changes what is known of an operation.
    type Circumstance = fn(&mut SentOperation<'_>);

    fn check(cases: Vec<(&str, Operation, Circumstance, Answer, FollowUp)>) {
        for (name, operation, circumstance, answer, expected) in cases {
            let mut sent = sent(&operation);
            circumstance(&mut sent);
            assert_eq!(sent.follow_up(answer), expected, "{name}");
        }
    }

    fn as_sent(_: &mut SentOperation<'_>) {}

    fn in_doubt(sent: &mut SentOperation<'_>) {
        sent.in_doubt = true;
    }

    fn checked(sent: &mut SentOperation<'_>) {
        sent.in_doubt = true;
        sent.is_checked = true;
    }

    fn sent_before(sent: &mut SentOperation<'_>) {
        sent.unsent = InDoubt;
    }

    fn with_tags(sent: &mut SentOperation<'_>) {
        sent.has_attached_tags = true;
    }

    #[test]
    fn an_answer_is_compared_with_what_was_meant() {
        let answered = || end(OperationEnd::Answered(Box::new(named("B"))));
        check(vec![
            (
                "create",
                create(),
                as_sent,
                Ok(Some(named("B"))),
                answered(),
            ),
            ("patch", patch(), in_doubt, Ok(Some(named("B"))), answered()),
            (
                "delete",
                delete(),
                as_sent,
                Ok(None),
                end(OperationEnd::Deleted),
            ),
        ]);
    }

    #[test]
    fn a_refusal_ends_an_operation_unless_it_can_be_sent_otherwise() {
        let not_found = || refused(404, &["not_found"]);
        let about_name = || refused(400, &["name"]);
        let about_tags = || refused(400, &["tags[0]"]);
        let about_referer = || refused(400, &["referer"]);
        let taken = || refused(400, &["invalid_userId_value"]);
        let match_again = || end(OperationEnd::MatchAgain(taken()));
        let without_referer = FollowUp::Again(Again::WithoutFields(vec![Field::Referer]));
        let both = || refused(400, &["referer", "name"]);
        check(vec![
            (
                "patch",
                patch(),
                as_sent,
                Err(about_name()),
                failed(about_name(), false),
            ),
            (
                "gone",
                patch(),
                as_sent,
                Err(not_found()),
                failed(not_found(), false),
            ),
            (
                "deleted",
                delete(),
                as_sent,
                Err(not_found()),
                end(OperationEnd::Deleted),
            ),
            (
                "tags",
                patch(),
                with_tags,
                Err(about_tags()),
                FollowUp::Again(Again::WithoutTags),
            ),
            (
                "own tags",
                tag(),
                as_sent,
                Err(about_tags()),
                failed(about_tags(), false),
            ),
            (
                "not tags",
                patch(),
                with_tags,
                Err(about_name()),
                failed(about_name(), false),
            ),
            (
                "undocumented",
                create(),
                as_sent,
                Err(about_referer()),
                without_referer,
            ),
            (
                "documented",
                create(),
                as_sent,
                Err(about_name()),
                failed(about_name(), false),
            ),
            (
                "two reasons",
                create(),
                as_sent,
                Err(both()),
                failed(both(), false),
            ),
            (
                "not by a create",
                patch(),
                as_sent,
                Err(about_referer()),
                failed(about_referer(), false),
            ),
            (
                "taken for a create",
                create(),
                as_sent,
                Err(taken()),
                match_again(),
            ),
            (
                "taken for a patch",
                patch(),
                as_sent,
                Err(taken()),
                match_again(),
            ),
            (
                "no userId in a tag",
                tag(),
                as_sent,
                Err(taken()),
                failed(taken(), false),
            ),
        ]);
        // A field that the create did not contain is no reason to send it again.
        let bare = Operation::Create(Create::default());
        let followed = sent(&bare).follow_up(Err(about_referer()));
        assert_eq!(followed, failed(about_referer(), false));
    }

    #[test]
    fn a_failure_after_an_attempt_that_may_have_worked_is_checked_once() {
        let check_effect = |error| FollowUp::Again(Again::CheckEffect(error));
        let refusal = || refused(409, &["conflict"]);
        let not_found = || refused(404, &["not_found"]);
        check(vec![
            (
                "gave up",
                patch(),
                in_doubt,
                Err(gave_up()),
                check_effect(gave_up()),
            ),
            (
                "refused",
                delete(),
                in_doubt,
                Err(refusal()),
                check_effect(refusal()),
            ),
            (
                "gone",
                tag(),
                in_doubt,
                Err(not_found()),
                failed(not_found(), true),
            ),
            (
                "without effect",
                patch(),
                as_sent,
                Err(gave_up()),
                failed(gave_up(), false),
            ),
            (
                "checked",
                patch(),
                checked,
                Err(gave_up()),
                failed(gave_up(), true),
            ),
            (
                "create",
                create(),
                in_doubt,
                Err(refusal()),
                failed(refusal(), true),
            ),
        ]);
    }

    #[test]
    fn a_create_of_unknown_outcome_is_settled_unless_a_second_one_does_no_harm() {
        let can_repeat: Circumstance = |sent| sent.can_repeat = true;
        check(vec![
            (
                "settle",
                create(),
                as_sent,
                Err(unknown()),
                FollowUp::Again(Again::Settle),
            ),
            (
                "repeat",
                create(),
                can_repeat,
                Err(unknown()),
                FollowUp::Again(Again::Repeat),
            ),
            (
                "patch",
                patch(),
                can_repeat,
                Err(unknown()),
                stopped(InDoubt),
            ),
        ]);
    }

    #[test]
    fn a_stop_leaves_the_operation_as_its_attempts_did() {
        let unauthorized = || CallError::Unauthorized {
            status: 401,
            errors: vec![],
        };
        let blocked = || CallError::Blocked {
            status: 403,
            errors: vec![],
        };
        let redirected = || CallError::Redirected {
            status: 302,
            location: None,
        };
        check(vec![
            (
                "not sent",
                patch(),
                as_sent,
                Err(not_sent()),
                stopped(Planned),
            ),
            (
                "sent earlier",
                patch(),
                sent_before,
                Err(not_sent()),
                stopped(InDoubt),
            ),
            (
                "in doubt",
                patch(),
                in_doubt,
                Err(not_sent()),
                stopped(InDoubt),
            ),
            (
                "key",
                create(),
                as_sent,
                Err(unauthorized()),
                stopped(Planned),
            ),
            (
                "firewall",
                create(),
                as_sent,
                Err(blocked()),
                stopped(Planned),
            ),
            (
                "elsewhere",
                create(),
                as_sent,
                Err(redirected()),
                stopped(Planned),
            ),
            (
                "cut short",
                tag(),
                as_sent,
                Err(cut_short()),
                stopped(InDoubt),
            ),
            (
                "dropped",
                create(),
                as_sent,
                Err(CallError::Interrupted),
                stopped(InDoubt),
            ),
        ]);
    }

    #[test]
    fn a_stale_reading_is_renewed_within_the_lane_once_it_has_written() {
        let has_written: Circumstance = |sent| sent.has_written = true;
        let reread = || FollowUp::Again(Again::Reread { failed: 2 });
        check(vec![
            (
                "first write",
                patch(),
                as_sent,
                Err(outdated(None)),
                stale(Planned),
            ),
            (
                "tried before",
                patch(),
                sent_before,
                Err(outdated(None)),
                stale(InDoubt),
            ),
            (
                "tried now",
                patch(),
                as_sent,
                Err(outdated(Some(why()))),
                stale(InDoubt),
            ),
            (
                "later write",
                tag(),
                has_written,
                Err(outdated(None)),
                reread(),
            ),
            (
                "create",
                create(),
                has_written,
                Err(outdated(None)),
                stale(Planned),
            ),
        ]);
    }

    #[test]
    fn a_reading_decides_what_a_failed_call_did() {
        let not_found = || Err(refused(404, &["not_found"]));
        let error = || Err(gave_up());
        let cases = [
            (
                "in place",
                patch(),
                Ok(named("B")),
                (Ok(Some(named("B"))), false),
            ),
            ("as before", patch(), Ok(named("A")), (error(), false)),
            ("neither", patch(), Ok(named("C")), (error(), true)),
            ("unreadable", patch(), Err(gave_up()), (error(), true)),
            ("gone", patch(), not_found(), (error(), true)),
            ("deleted", delete(), not_found(), (Ok(None), false)),
            ("not deleted", delete(), Ok(named("A")), (error(), false)),
            (
                "stop",
                patch(),
                Err(not_sent()),
                (Err(CallError::Interrupted), true),
            ),
        ];
        for (name, operation, read, expected) in cases {
            let answer = answer_after_reading(&operation, gave_up(), read);
            assert_eq!(answer, expected, "{name}");
        }
    }
}
