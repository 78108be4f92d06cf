//! Against a server that does what the documentation makes likely.

use hcsync::outcome::RowResult;
use hcsync::sandbox::{Quirks, Schedule};

use super::case::Case;
use super::customer::Customer;
use super::generator;
use super::model::{self, Outcome, RowOutcome, Status};
use super::setup::{Duplicates, OnAmbiguous};
use super::syncing::{customers, meets_an_address, operations, status, was_not_told, world};
use super::world::{Ended, simulate};

pub(crate) fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// What was seen of all cases, so that a generator gone dull is noticed.
#[derive(Debug, Default)]
struct Seen {
    statuses: [usize; 5],
    operations: usize,
    /// Second syncs for which the contract itself asks for more.
    restless: usize,
}

#[test]
fn a_sync_does_what_the_model_says_and_a_second_one_nothing() {
    let cases = from_environment("HCSYNC_MODEL_CASES", 1_500);
    let first = from_environment("HCSYNC_MODEL_SEED", 1);
    let mut seen = Seen::default();
    for seed in (first..).take(usize::try_from(cases).unwrap()) {
        let case = generator::case(seed);
        if let Err(message) = check(&case, &mut seen) {
            let (case, smaller) = case.shrunk(|case| check(case, &mut Seen::default()).err());
            panic!("{case}--- {}", smaller.unwrap_or(message));
        }
    }
    // A generator that gets dull would be no test.
    if cases >= 1_000 {
        assert!(seen.statuses.iter().all(|count| *count > 100), "{seen:?}");
        assert!(
            seen.restless < seen.statuses.iter().sum::<usize>() / 20,
            "{seen:?}"
        );
    }
}

/// The first disagreement between program and model.
fn check(case: &Case, seen: &mut Seen) -> Result<(), String> {
    let before: Vec<Customer> = case.customers.iter().map(Customer::from_json).collect();
    let wanted = model::sync(&case.setup, &case.input, &before);
    let (name, text) = (case.input.file_name(), case.input.to_text());
    simulate(async {
        let mut world = world(case, Quirks::default(), Schedule::default(), 6_000);
        let dry = world.dry_run_file(name, &text).await;
        if world.sandbox().stats().writes > 0 {
            return Err("the dry run wrote".to_owned());
        }
        if was_not_told(case, &dry) {
            let told = meets_an_address(case);
            return if told {
                Err("search was not tested".to_owned())
            } else {
                Ok(())
            };
        }
        compare_rows("dry run", &wanted, &dry)?;
        let first = world.sync_file(name, &text).await;
        if first.ended != Ended::Finished {
            return Err(format!("the first sync ended {:?}", first.ended));
        }
        compare_rows("first sync", &wanted, &first.results)?;
        let after = customers(&world);
        compare_customers(&wanted, &after, &first.results)?;
        seen.count(&wanted);
        // "A second sync right after the first plans zero operations": also where rows moved keys from customer to
        // customer, but for rows that were left out of the first for a key that another row took away or brought.
        let again = model::sync(&case.setup, &case.input, &after);
        seen.count(&again);
        let writes = world.sandbox().stats().writes;
        let second = world.sync_file(name, &text).await;
        compare_rows("second sync", &again, &second.results)?;
        let restless: Vec<_> = (wanted.rows.iter().zip(&again.rows))
            .filter(|(_, again)| !again.operations.is_empty())
            .collect();
        // Under `last` the row that creates a customer may lack the key by which an earlier row would find it, and
        // the oldest or newest of several may be another one once a row has given its key to one more.
        // Where rows are merged, one that was rejected may have something to add once the customer is there.
        let joined = (wanted.rows.iter().zip(&again.rows))
            .any(|(first, again)| first.status == Status::Rejected && again.status != first.status);
        let settles = case.setup.duplicates != Duplicates::Last
            && !(joined && case.setup.duplicates == Duplicates::Merge)
            && matches!(
                case.setup.on_ambiguous,
                OnAmbiguous::Reject | OnAmbiguous::Skip
            );
        let left_out =
            |row: &RowOutcome| !settles || matches!(row.status, Status::Rejected | Status::Skipped);
        if !restless.iter().all(|(first, _)| left_out(first)) {
            return Err("the second sync has more for a row that was done".to_owned());
        }
        if again.rows.iter().any(|row| !row.operations.is_empty()) {
            seen.restless += 1;
        } else if world.sandbox().stats().writes > writes {
            return Err("the second sync wrote".to_owned());
        }
        Ok(())
    })
}

impl Seen {
    fn count(&mut self, outcome: &Outcome) {
        for row in &outcome.rows {
            let status = match row.status {
                Status::Created => 0,
                Status::Updated => 1,
                Status::Unchanged => 2,
                Status::Rejected => 3,
                Status::Skipped => 4,
            };
            self.statuses[status] += 1;
            self.operations += row.operations.len();
        }
    }
}

/// This server dates whom it creates: a row that wants no date has it taken away right after the create.
fn is_mended(wanted: &RowOutcome, sent: &[String]) -> bool {
    let undated = |customer: &Customer| !customer.fields.contains_key("firstSeen");
    let wants_none = wanted.customer.as_ref().is_some_and(undated);
    wants_none && wanted.operations == ["create"] && sent == ["create", "patch"]
}

fn compare_rows(run: &str, wanted: &Outcome, results: &[RowResult]) -> Result<(), String> {
    if wanted.rows.len() != results.len() {
        return Err(format!("{run}: {} results", results.len()));
    }
    for (row, (wanted, result)) in (1..).zip(wanted.rows.iter().zip(results)) {
        let sent = operations(result);
        let sent = if is_mended(wanted, &sent) {
            &sent[..1]
        } else {
            &sent[..]
        };
        let same = status(result) == Some(wanted.status) && sent == wanted.operations;
        if !same {
            return Err(format!(
                "{run}, row {row}: model {:?} {:?}, program {:?} {:?} {:?}",
                wanted.status,
                wanted.operations,
                result.status,
                operations(result),
                result.error
            ));
        }
    }
    Ok(())
}

fn compare_customers(
    wanted: &Outcome,
    after: &[Customer],
    results: &[RowResult],
) -> Result<(), String> {
    if wanted.customers.len() != after.len() {
        return Err(format!(
            "model {} customers, program {}",
            wanted.customers.len(),
            after.len()
        ));
    }
    for customer in wanted
        .customers
        .iter()
        .filter(|customer| customer.id.is_some())
    {
        let found = after.iter().find(|other| other.id == customer.id);
        compare_customer("customer", customer, found)?;
    }
    for (row, (wanted, result)) in (1..).zip(wanted.rows.iter().zip(results)) {
        if let RowOutcome {
            status: Status::Created,
            customer: Some(customer),
            ..
        } = wanted
        {
            let id = result.customer_id.map(|id| id.0);
            let found = after.iter().find(|other| id.is_some() && other.id == id);
            compare_customer(&format!("row {row}"), customer, found)?;
        }
    }
    Ok(())
}

fn compare_customer(what: &str, wanted: &Customer, found: Option<&Customer>) -> Result<(), String> {
    let Some(found) = found else {
        return Err(format!("{what}: model {wanted:?}, program none"));
    };
    let mut found = found.clone();
    if wanted.id.is_none() {
        found.id = None;
        // The server gives a new customer its date where the row says nothing of it.
        if !wanted.fields.contains_key("firstSeen") {
            found.fields.remove("firstSeen");
        }
    }
    if *wanted == found {
        Ok(())
    } else {
        Err(format!("{what}: model {wanted:?}\n    program {found:?}"))
    }
}
