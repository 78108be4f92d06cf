//! Runs against the API as it was met in practice, from seeds: answers that leave out what is empty, userIds that are
//! unique, searches that answer 404, a firewall, texts that are too long, and properties that are not defined.

use fastrand::Rng;
use hcsync::sandbox::quirks::{MissingMembers, UndefinedProperty};

use crate::batches::batched;
use crate::case::{Case, pick};
use crate::seeds::{number, run_all, verdict_of};

fn as_met(seed: u64) -> Case {
    let rng = &mut Rng::with_seed(seed ^ 0x0a5_3e7);
    let mut case = if rng.bool() {
        Case::new(seed)
    } else {
        batched(seed)
    };
    let quirks = &mut case.options.quirks;
    quirks.missing_members = *pick(
        rng,
        &[
            MissingMembers::Empty,
            MissingMembers::Null,
            MissingMembers::LeftOut,
        ],
    );
    quirks.unique_user_ids = rng.bool();
    quirks.search_404 = rng.bool();
    // One customer's new name: a firewall that dislikes three rows in a row ends the run.
    quirks.firewall = (*pick(rng, &["", "New 7\"", "New 12\""])).to_owned();
    quirks.text_limit = *pick(rng, &[0, 0, 2]);
    quirks.organization = (*pick(rng, &["", "Example Inc."])).to_owned();
    if rng.u32(..3) == 0 {
        quirks.undefined_property = UndefinedProperty::Refuse;
        let defined = ["other", "count", "flag", "plan", "agent"];
        quirks.defined_properties = defined.map(str::to_owned).to_vec();
    }
    case
}

/// `HCSYNC_MET_SEEDS` says how many.
#[test]
fn no_seed_with_the_api_as_it_was_met_breaks_an_invariant() {
    let seeds = number("HCSYNC_MET_SEEDS").unwrap_or(100);
    let happened = run_all(seeds, |seed| verdict_of(&as_met(seed)));
    println!("{seeds} seeds: {happened:?}");
    let expected = [
        "row created",
        "row updated",
        "row failed",
        "batch taken",
        "crashed",
    ];
    assert_eq!(happened.never_of(&expected), Vec::<&str>::new());
}
