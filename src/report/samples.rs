//! Facts shared by the tests of several renderers.

use crate::domain::{
    CustomValue, CustomerId, Field, Issue, IssueKind, RowKey, RowNumber, Tag, Value,
};
use crate::outcome::{OperationResult, OperationStatus, RowResult, RowStatus};
use crate::plan::{Create, FieldChange, Lane, Operation, OperationKind, Patch, PropertyChange};

fn user(id: &str) -> RowKey {
    RowKey {
        user_id: Some(id.into()),
        ..RowKey::default()
    }
}

fn row(number: u64, key: RowKey, status: RowStatus) -> RowResult {
    RowResult {
        row: RowNumber(number),
        line: number + 1,
        source: "customers.csv".into(),
        key,
        customer_id: None,
        status,
        is_missing: false,
        merged_into: None,
        operations: Vec::new(),
        error: None,
        errors: Vec::new(),
        warnings: Vec::new(),
    }
}

fn operation(op: OperationKind, status: OperationStatus) -> OperationResult {
    OperationResult {
        op,
        fields: Vec::new(),
        tags: Vec::new(),
        status,
        attempts: 0,
        http_status: None,
        at: None,
    }
}

pub(super) fn updated() -> RowResult {
    let mut result = row(12, user("u12"), RowStatus::Updated);
    result.customer_id = Some(CustomerId(542_335));
    let patch = OperationResult {
        fields: vec!["company".into(), "customData.plan".into()],
        attempts: 2,
        http_status: Some(200),
        at: Some("2026-11-20T03:12:44Z".into()),
        ..operation(OperationKind::Patch, OperationStatus::Done)
    };
    let tag = OperationResult {
        tags: vec!["vip".into()],
        attempts: 1,
        http_status: Some(200),
        at: Some("2026-11-20T03:12:45Z".into()),
        ..operation(OperationKind::Tag, OperationStatus::Done)
    };
    result.operations = vec![patch, tag];
    result
}

pub(super) fn rejected() -> RowResult {
    let key = RowKey {
        email: Some("ann@example.com".into()),
        ..RowKey::default()
    };
    let issue = Issue::input(
        "bad_date",
        "`firstSeen` is no date in the format that is given",
    );
    RowResult {
        error: Some(issue.column("Signed up")),
        ..row(13, key, RowStatus::Rejected)
    }
}

pub(super) fn failed() -> RowResult {
    let mut key = user("u14");
    key.id = Some(CustomerId(7));
    let mut result = row(14, key, RowStatus::Failed);
    result.customer_id = Some(CustomerId(7));
    let patch = OperationResult {
        fields: vec!["email".into()],
        attempts: 1,
        http_status: Some(400),
        at: Some("2026-11-20T03:12:46Z".into()),
        ..operation(OperationKind::Patch, OperationStatus::Failed)
    };
    let untag = OperationResult {
        tags: vec!["trial".into()],
        ..operation(OperationKind::Untag, OperationStatus::NotSent)
    };
    result.operations = vec![patch, untag];
    let issue = Issue::new(
        IssueKind::Api,
        "email",
        "This value is not a valid email address.",
    );
    result.error = Some(issue.status(400).column("E-mail"));
    result
}

/// A result of each status.
pub(super) fn results() -> Vec<RowResult> {
    use RowStatus::{Created, InDoubt, Pending, Skipped, Unchanged, WouldCreate, WouldUpdate};
    let others = [
        Created,
        InDoubt,
        Pending,
        Skipped,
        Unchanged,
        WouldCreate,
        WouldUpdate,
    ];
    let mut results = vec![updated(), rejected(), failed()];
    results.extend(
        (20..)
            .zip(others)
            .map(|(n, status)| row(n, user("u"), status)),
    );
    let kept = Issue::new(
        IssueKind::Api,
        "kept",
        "the server keeps another value for `phone`",
    );
    results.extend(results.last().cloned().map(|last| RowResult {
        warnings: vec![kept.hint("Write it as the server does.")],
        ..last
    }));
    results
}

pub(super) fn create_lane() -> Lane {
    let create = Create {
        set: vec![
            (Field::Name, Value::Text("Ann".into())),
            (Field::FirstSeen, Value::Date(1_603_885_746)),
        ],
        clear: Vec::new(),
        custom_data: vec![("plan".into(), CustomValue::Text("pro".into()))],
        tags: vec![Tag::named("lead")],
    };
    let mut key = user("u3");
    key.email = Some("ann@example.com".into());
    Lane {
        row: RowNumber(3),
        key,
        customer: None,
        operations: vec![Operation::Create(create)],
    }
}

pub(super) fn patch_lane() -> Lane {
    let text = |t: &str| Some(Value::Text(t.into()));
    let change = |field, from, to| FieldChange { field, from, to };
    let patch = Patch {
        set: vec![
            change(Field::Company, text("=A"), text("B")),
            change(Field::Phone, text("+380 44"), None),
        ],
        custom_data: vec![PropertyChange {
            name: "plan".into(),
            from: None,
            to: Some(CustomValue::Bool(true)),
        }],
    };
    let operations = vec![
        Operation::Patch(patch),
        Operation::Tag(vec![Tag::named("vip")]),
        Operation::Untag(vec![Tag::named("trial")]),
    ];
    Lane {
        row: RowNumber(12),
        key: user("u12"),
        customer: Some(CustomerId(542_335)),
        operations,
    }
}
