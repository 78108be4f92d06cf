//! What is sent: the same rows as bodies for the bare loop, and as a plan for hcsync.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use hcsync::domain::{
    CustomValue, CustomerId, DesiredCustomer, Field, Position, RawRecord, RowKey, RowNumber, RunId,
    Value, Wish,
};
use hcsync::helpcrunch::decode_customer;
use hcsync::plan::codec::{LanePlace, PLAN_VERSION, PlanHeader, PlanWriter};
use hcsync::plan::fingerprint::{Fingerprinter, ManagedAttributes};
use hcsync::plan::{
    Create, FieldChange, Lane, Operation, Patch, PlanCounts, PropertyChange, RemoteFacts,
};
use hcsync::remote::{Reading, SnapshotFiles};
use hcsync::run::rows::{RowDetail, RowRecord, RowWriter, Verdict};
use serde_json::json;
use tempfile::TempDir;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Patch,
    Create,
    Batch,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Patch, Self::Create, Self::Batch];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Create => "create",
            Self::Batch => "batch",
        }
    }
}

/// The values that change.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    pub(crate) company: String,
    pub(crate) plan: String,
}

pub(crate) fn values_before(id: u64) -> Values {
    Values {
        company: format!("Company {}", id % 1000),
        plan: "free".to_owned(),
    }
}

pub(crate) fn customer_json(id: u64, user_id: &str, email: &str, values: &Values) -> String {
    let Values { company, plan } = values;
    format!(
        r##"{{"id":{id},"userId":"{user_id}","name":"Марія Лисенко","email":"{email}","phone":"+380501234567","company":"{company}","locale":"uk","notes":"called about the invoice","firstSeen":"1603885746","lastSeen":"1703885746","unsubscribed":false,"blocked":false,"createdAt":"2020-10-28T11:49:06+00:00","location":{{"country":"Ukraine","city":"Kyiv"}},"tags":[{{"name":"vip","color":"#ff0000"}},{{"name":"newsletter","color":"#00ff00"}}],"customData":{{"plan":"{plan}","mrr":15.5,"seats":12}}}}"##
    )
}

#[derive(Debug)]
pub(crate) struct Row {
    number: u64,
    /// `None`: it is created.
    customer: Option<u64>,
    values: Values,
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: reqwest::Method,
    pub(crate) path: String,
    pub(crate) body: String,
}

#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) kind: Kind,
    pub(crate) rows: Vec<Row>,
}

impl Work {
    /// Rows of different customers, in an order that has nothing to do with their ids.
    pub(crate) fn new(kind: Kind, rows: usize, customers: u64) -> Self {
        let mut ids: Vec<u64> = (1001..=customers).collect();
        fastrand::Rng::with_seed(7).shuffle(&mut ids);
        let row = |(at, id): (usize, &u64)| Row {
            number: at as u64 + 1,
            customer: (kind != Kind::Create).then_some(*id),
            values: Values {
                company: format!("Firm {at}"),
                plan: format!("plan {}", at % 9),
            },
        };
        let rows: Vec<Row> = ids.iter().take(rows).enumerate().map(row).collect();
        Self { kind, rows }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        let body = |row: &Row| {
            let Values { company, plan } = &row.values;
            let properties = json!([{"property": "plan", "value": plan}]);
            let mut body = json!({"company": company, "customData": properties});
            match (self.kind, row.customer) {
                (Kind::Batch, Some(id)) => body["customer"] = json!(id),
                (_, None) => {
                    body["userId"] = json!(row.user_id());
                    body["email"] = json!(row.email());
                }
                (_, Some(_)) => {}
            }
            body
        };
        let request = |method, path: String, body: serde_json::Value| Request {
            method,
            path,
            body: body.to_string(),
        };
        match self.kind {
            Kind::Batch => {
                let batch = |rows: &[Row]| rows.iter().map(body).collect();
                let batches = self.rows.chunks(10).map(batch);
                batches
                    .map(|all| request(reqwest::Method::PUT, "/customers/batch".to_owned(), all))
                    .collect()
            }
            Kind::Create => {
                let create =
                    |row| request(reqwest::Method::POST, "/customers".to_owned(), body(row));
                self.rows.iter().map(create).collect()
            }
            Kind::Patch => {
                let patch = |row: &Row| {
                    let path = format!("/customers/{}", row.customer.unwrap());
                    request(reqwest::Method::PATCH, path, body(row))
                };
                self.rows.iter().map(patch).collect()
            }
        }
    }

    /// Writes `plan.jsonl` and `rows.jsonl`, as a sync does.
    pub(crate) fn write_plan(&self, folder: &Path) {
        let mut plan = PlanWriter::new(tempfile::tempfile().unwrap());
        let rows = BufWriter::new(File::create(folder.join("rows.jsonl")).unwrap());
        let mut rows = RowWriter::new(rows, RowDetail::ToSend);
        for row in &self.rows {
            let lane = row.lane();
            let place = LanePlace {
                line: row.number + 1,
                ..LanePlace::default()
            };
            plan.lane(&lane, place).unwrap();
            rows.write(&row.record(), Some(&lane.key)).unwrap();
        }
        let out = BufWriter::new(File::create(folder.join("plan.jsonl")).unwrap());
        let header = PlanHeader {
            hcsync_plan: PLAN_VERSION,
            run_id: RunId::new("bench").unwrap(),
            created_at: "2026-11-20T03:12:44Z".to_owned(),
            base_url: "http://127.0.0.1/v1".to_owned(),
            account: None,
            key: None,
            inputs: Vec::new(),
            config_sha256: String::new(),
            remote: RemoteFacts::default(),
            undoes: None,
            missing: None,
        };
        let (out, _) = plan.finish(out, &header, PlanCounts::default()).unwrap();
        drop(out.into_inner().unwrap());
        drop(rows.finish().unwrap().into_inner().unwrap());
    }
}

impl Row {
    fn user_id(&self) -> String {
        format!("u{}", self.customer.unwrap_or(1_000_000 + self.number))
    }

    fn email(&self) -> String {
        format!(
            "p{}@example.com",
            self.customer.unwrap_or(1_000_000 + self.number)
        )
    }

    pub(crate) fn customer(&self) -> Option<CustomerId> {
        self.customer.map(CustomerId)
    }

    fn lane(&self) -> Lane {
        let text = |text: &str| Value::Text(text.to_owned());
        let own = |text: &str| CustomValue::Text(text.to_owned());
        let operation = match self.customer {
            Some(id) => {
                let before = values_before(id);
                Operation::Patch(Patch {
                    set: vec![FieldChange {
                        field: Field::Company,
                        from: Some(text(&before.company)),
                        to: Some(text(&self.values.company)),
                    }],
                    custom_data: vec![PropertyChange {
                        name: "plan".to_owned(),
                        from: Some(own(&before.plan)),
                        to: Some(own(&self.values.plan)),
                    }],
                })
            }
            None => Operation::Create(Create {
                set: vec![
                    (Field::UserId, text(&self.user_id())),
                    (Field::Email, text(&self.email())),
                    (Field::Company, text(&self.values.company)),
                ],
                custom_data: vec![("plan".to_owned(), own(&self.values.plan))],
                ..Create::default()
            }),
        };
        Lane {
            row: RowNumber(self.number),
            key: self.key(),
            customer: self.customer(),
            operations: vec![operation],
        }
    }

    fn key(&self) -> RowKey {
        RowKey {
            id: None,
            user_id: Some(self.user_id()),
            email: Some(self.email()),
        }
    }

    fn record(&self) -> RowRecord {
        let position = Position {
            source: 0,
            row: RowNumber(self.number),
            line: self.number + 1,
        };
        let Values { company, plan } = &self.values;
        let raw = format!("{},{},{company},{plan}\r\n", self.user_id(), self.email());
        let desired = DesiredCustomer {
            key: self.key(),
            fields: vec![(Field::Company, Wish::Set(Value::Text(company.clone())))],
            custom_data: vec![(
                "plan".to_owned(),
                Wish::Set(CustomValue::Text(plan.clone())),
            )],
            ..DesiredCustomer::default()
        };
        RowRecord {
            verdict: self.customer.map_or(Verdict::Create, |_| Verdict::Update),
            customer_id: self.customer(),
            ..RowRecord::read(position, RawRecord(raw.into_bytes()), desired)
        }
    }
}

/// The snapshot of the account, from before.
#[derive(Debug)]
pub(crate) struct Account(TempDir);

impl Account {
    pub(crate) fn new(customers: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let managed = ManagedAttributes {
            fields: vec![Field::UserId, Field::Email, Field::Company],
            properties: vec!["plan".to_owned()],
            tags: false,
        };
        let fingerprinter = Arc::new(Fingerprinter::new(managed, 7));
        let reading = Reading::new(tempfile::tempfile().unwrap());
        let mut reading = reading.with_fingerprints(fingerprinter);
        for id in 1..=customers {
            let (user_id, email) = (format!("u{id}"), format!("p{id}@example.com"));
            let customer = customer_json(id, &user_id, &email, &values_before(id));
            reading
                .put(&decode_customer(customer.as_bytes()).unwrap())
                .unwrap();
        }
        let mut files = SnapshotFiles::claim(folder.path()).unwrap().unwrap();
        let as_of = "2026-11-20T03:12:44Z".parse().unwrap();
        files.replace(as_of, &reading).unwrap();
        Self(folder)
    }

    /// A copy of its snapshot in another folder.
    pub(crate) fn snapshot(&self, folder: &Path) -> SnapshotFiles {
        let name = "snapshot.redb";
        let _ = std::fs::copy(self.0.path().join(name), folder.join(name)).unwrap();
        SnapshotFiles::claim(folder).unwrap().unwrap()
    }
}
