//! Rows of every sort against customers of every sort end in the state that the model computes.

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::model::{Model, ModelRow, state};

const COLUMNS: [&str; 8] = [
    "userId", "name", "email", "company", "phone", "tags", "plan", "seats",
];

/// 200 customers: with both keys, with one of them, two that share an address; with and without values.
pub(crate) fn customers() -> Vec<Value> {
    let one = |n: u64| {
        let email = match n % 10 {
            8 => Value::Null,
            9 => json!(format!("shared{}@example.net", n / 20)),
            _ => json!(format!("Person{n}@Example.net")),
        };
        let user_id = if n.is_multiple_of(4) && n % 10 != 8 {
            Value::Null
        } else {
            json!(format!("u{n}"))
        };
        json!({
            "id": 1000 + n,
            "name": format!("Person {n}"),
            "email": email,
            "userId": user_id,
            "company": if n.is_multiple_of(3) { Value::Null } else { json!(format!("Firm {}", n % 7)) },
            "phone": if n.is_multiple_of(2) { Value::Null } else { json!(format!("+38044{n:07}")) },
            "firstSeen": (1_600_000_000 + n).to_string(),
            "notes": "kept by the agents",
            "tags": if n.is_multiple_of(5) { json!([{"name": "old"}, {"name": "vip"}]) } else { json!([]) },
            "customData": if n.is_multiple_of(6) { json!({"plan": "free", "theirs": n}) } else { json!({}) },
        })
    };
    (0..200).map(one).collect()
}

/// 300 rows that meet these customers in every way.
pub(crate) fn rows() -> Vec<ModelRow> {
    (0..300).map(row).collect()
}

fn row(n: u64) -> ModelRow {
    let customer = (n * 7 + n / 10) % 200;
    let (user_id, email) = (
        format!("u{customer}"),
        format!("person{customer}@example.net"),
    );
    let empty = COLUMNS
        .iter()
        .fold(ModelRow::default(), |row, column| row.set(column, ""));
    let changed = empty
        .clone()
        .set("name", format!("New name {n}"))
        .set(
            "company",
            if n.is_multiple_of(2) {
                "Firm \"2\", Ltd\nsecond line"
            } else {
                ""
            },
        )
        .set("plan", if n.is_multiple_of(3) { "pro" } else { "" })
        .set("tags", if n.is_multiple_of(4) { "vip; new" } else { "" });
    match n % 10 {
        // By userId, by e-mail, by both; the userId may be new to the customer.
        0 | 1 => changed.set("userId", user_id),
        2 => changed.set("email", email).set("seats", "12"),
        // An address that a row takes away from a customer still finds it for the rows after it: no such row here.
        3 if customer % 10 == 9 => changed.set("userId", user_id),
        3 => changed.set("userId", user_id).set("email", email),
        4 => empty
            .set("email", email)
            .set("userId", format!("given{n}"))
            .set("tags", "vip"),
        // What is there already.
        5 => empty
            .set("userId", user_id)
            .set("name", format!("Person {customer}")),
        // New ones, with one key and with both.
        6 => changed.set("userId", format!("new{n}")).set("seats", "007"),
        7 => changed
            .set("email", format!("new{n}@example.org"))
            .set("phone", "+1 202 555 0100")
            .set("seats", "3"),
        8 => changed
            .set("userId", format!("both{n}"))
            .set("email", format!("Both{n}@example.org"))
            .set("tags", "Lead;new;Lead"),
        // Bad ones, each in another way.
        _ => match n / 10 % 5 {
            0 => changed.set("email", "not an address"),
            1 => changed,
            2 => changed.set("email", format!("SHARED{}@example.net", n / 30)),
            3 => changed
                .set("userId", format!("other{n}"))
                .set("email", "person1@example.net"),
            // Twice the same new one, and one that takes its address.
            _ => changed
                .set("userId", format!("both{}", n - 1))
                .set("email", format!("both{}@example.org", n - 1)),
        },
    }
}

pub(crate) fn csv_of(rows: &[ModelRow]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let heading = COLUMNS.map(|column| match column {
        "plan" | "seats" => format!("customData.{column}"),
        other => other.to_owned(),
    });
    writer.write_record(heading).unwrap();
    for row in rows {
        let cells = COLUMNS.map(|column| row.0.get(column).map_or("", String::as_str));
        writer.write_record(cells).unwrap();
    }
    writer.into_inner().unwrap()
}

#[track_caller]
pub(crate) fn assert_state(bench: &Bench, model: &Model) {
    let (are, should) = (state(&bench.sandbox().customers()), model.state());
    let more: Vec<_> = are.iter().filter(|c| !should.contains(c)).collect();
    let less: Vec<_> = should.iter().filter(|c| !are.contains(c)).collect();
    assert!(
        more.is_empty() && less.is_empty(),
        "is there: {more:#?}\nshould be there: {less:#?}"
    );
    assert_eq!(are.len(), should.len());
}

#[track_caller]
pub(crate) fn assert_statuses(statuses: &[String], model: &Model, rows: &[ModelRow]) {
    for (number, ((is, should), row)) in statuses.iter().zip(&model.statuses).zip(rows).enumerate()
    {
        assert_eq!(is, should, "row {}: {row:?}", number + 1);
    }
}

fn sync(config: &str, clears: bool) -> Model {
    let bench = Bench::with(customers(), "");
    let rows = rows();
    bench
        .write("rows.csv", csv_of(&rows))
        .write("hcsync.toml", config);
    let model = Model::of(&bench.sandbox().customers(), &rows, clears);
    let _ = bench
        .run("sync rows.csv --min-match-percent 0 --max-rejected-percent 0")
        .exits(3);
    let run = bench.only_run();
    run.check_results();
    assert_statuses(&run.statuses(), &model, &rows);
    assert_state(&bench, &model);
    // What no row speaks of is as it was.
    for customer in bench.sandbox().customers() {
        let id = customer["id"].as_u64().unwrap();
        if id < 1200 {
            assert_eq!(customer["notes"], "kept by the agents");
            assert_eq!(
                customer["firstSeen"],
                (1_600_000_000 + id - 1000).to_string()
            );
        }
    }
    let (before, writes) = (bench.runs(), bench.writes());
    let _ = bench
        .run("sync rows.csv --min-match-percent 0 --max-rejected-percent 0")
        .exits(3);
    bench.run_since(&before).check_results();
    assert_eq!(bench.writes(), writes, "a second sync writes nothing");
    model
}

#[test]
fn mixed_rows_end_in_the_state_that_the_model_computes() {
    let model = sync("", false);
    for status in ["created", "updated", "unchanged", "rejected"] {
        assert!(
            model.statuses.iter().filter(|s| **s == status).count() > 10,
            "{status}"
        );
    }
}

#[test]
fn where_empty_cells_clear_the_model_is_met_as_well() {
    let config = "[rows]\nempty_cells = \"clear\"\n[safety]\nmax_clear_percent = 0\n[tags]\ncolumn = \"tags\"\n";
    let _ = sync(config, true);
}
