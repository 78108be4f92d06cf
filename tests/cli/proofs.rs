//! Rows whose customer is proved to be as they want it are passed over by a quicker way than others. Rows that remove a tag take
//! the thorough way: if no customer has that tag, both plan the same. So does a run that keeps what it knows of the customers in
//! files.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::bench::Bench;

/// A customer as a row writes it: userId, e-mail, name, plan and tags.
type Person = [&'static str; 5];

/// Few values, so that people share keys with each other.
fn person() -> impl Strategy<Value = Person> {
    let pick = |texts: &'static [&'static str]| prop::sample::select(texts);
    (
        pick(&["", "u1", "u2", "u3", "u4", "u5", "u6"]),
        pick(&["", "a@x.org", "A@X.org", "b@x.org", "c@x.org", "d@x.org"]),
        pick(&["Ann", "Bob", ""]),
        pick(&["1", "1.0", "pro", ""]),
        pick(&["vip", "lead;vip", ""]),
    )
        .prop_map(|(user_id, email, name, plan, tags)| [user_id, email, name, plan, tags])
}

/// Most rows are as a customer is, but perhaps for one cell.
fn rows(customers: &[Person]) -> impl Strategy<Value = Vec<Person>> + use<> {
    let copied = (
        prop::sample::select(customers.to_vec()),
        person(),
        0_usize..10,
    );
    let copied = copied.prop_map(|(mut row, other, cell)| {
        if let (Some(cell), Some(other)) = (row.get_mut(cell), other.get(cell)) {
            *cell = other;
        }
        row
    });
    prop::collection::vec(prop_oneof![4 => copied, 1 => person()], 1..60)
}

fn customer(id: usize, [user_id, email, name, plan, tags]: Person) -> String {
    let text = |text: &str| match text {
        "" => json!(null),
        text => json!(text),
    };
    let tags = tags.split(';').filter(|name| !name.is_empty());
    let tags: Vec<_> = tags.map(|name| json!({ "name": name })).collect();
    let plan = plan
        .parse::<u64>()
        .map_or_else(|_| text(plan), |n| json!(n));
    let customer = json!({
        "id": id, "userId": text(user_id), "email": text(email), "name": text(name),
        "customData": { "plan": plan }, "tags": tags
    });
    format!("{customer}\n")
}

/// What stands in `[tags]`, and the rest.
const CONFIGS: &[[&str; 2]] = &[
    ["", ""],
    ["mode = \"exact\"\n", "[rows]\nempty_cells = \"clear\"\n"],
    [
        "",
        "[match]\nkeys = [\"email\", \"userId\"]\non_conflict = \"create\"\n[rows]\nduplicates = \"first\"\n",
    ],
    [
        "",
        "[match]\non_ambiguous = \"oldest\"\n[rows]\nduplicates = \"last\"\n",
    ],
    ["", "[rows]\nduplicates = \"merge\"\n"],
    ["", "[sync]\nmode = \"create\"\n"],
    [
        "",
        "[sync]\nmode = \"update\"\n[match]\nkeys = [\"email\"]\n",
    ],
];

fn operations(plan: &str) -> Vec<String> {
    plan.lines()
        .filter(|line| line.starts_with("{\"op\""))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_quick_plan_is_the_thorough_one() {
    let cases = prop::collection::vec(person(), 1..12).prop_flat_map(|customers| {
        let rows = rows(&customers);
        (rows, Just(customers), prop::sample::select(CONFIGS))
    });
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(150)
    });
    let ran = runner.run(&cases, |(rows, customers, [tags, rest])| {
        let bench = Bench::empty();
        let rows: String = rows.iter().map(|row| row.join(",") + ",x\n").collect();
        let header = "userId,email,name,customData.plan,tags,taken\n";
        bench.write("in.csv", format!("{header}{rows}"));
        let customers = customers.iter().enumerate();
        let customers = customers.map(|(at, person)| customer(at + 1, *person));
        bench.write("all.jsonl", customers.collect::<String>());
        let plan = |removes: &str, more: &str| {
            let config = format!("[tags]\ncolumn = \"tags\"\n{removes}{tags}{rest}");
            bench.write("hcsync.toml", config);
            let words = format!(
                "plan in.csv --remote-file all.jsonl --out plan.jsonl --output json {more}"
            );
            let ran = bench.run(&words);
            let plan = std::fs::read_to_string(bench.path("plan.jsonl")).unwrap();
            let shown: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
            let results = std::fs::read_to_string(bench.path("all.csv"));
            let counts = (shown["planned"].clone(), shown["rows"].clone());
            (operations(&plan), counts, results.ok())
        };
        let (quick, counts, _) = plan("", "");
        let listed = plan("", "--results all.csv");
        let thorough = plan("remove_column = \"taken\"\n", "--results all.csv");
        prop_assert_eq!((quick, counts), (thorough.0.clone(), thorough.1.clone()));
        prop_assert_eq!(&listed, &thorough);
        let in_files = plan("", "--results all.csv --memory-limit 1KiB");
        prop_assert_eq!(in_files, thorough);
        Ok(())
    });
    ran.unwrap();
}
