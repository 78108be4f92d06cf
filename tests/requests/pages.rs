//! Pages larger than the documented ones, where a probe has seen them.

use hcsync::sandbox::quirks::PageLimit;
use hcsync::sandbox::{Endpoint, Quirks};

use crate::bench::{Bench, row, table};

fn bench(most: usize) -> Bench {
    let quirks = Quirks {
        page_limit: PageLimit::Cap,
        page_limit_max: most,
        ..Quirks::default()
    };
    let bench = Bench::behaving(700, quirks);
    bench.probe().write("in.csv", table((1..=700).map(row)));
    bench
}

#[test]
fn a_listing_asks_for_pages_as_large_as_the_account_gives() {
    let pages = |most| {
        let ran = bench(most).run("sync in.csv").exits(0);
        (ran.count(Endpoint::List), ran.writes())
    };
    assert_eq!(pages(100), (8, 0));
    assert_eq!(pages(350), (3, 0));
}

#[test]
fn an_account_that_refuses_large_pages_by_now_is_asked_for_usual_ones() {
    let bench = bench(350);
    let mut quirks = bench.sandbox().quirks();
    (quirks.page_limit, quirks.page_limit_max) = (PageLimit::Refuse, 100);
    bench.sandbox().set_quirks(quirks).unwrap();
    let ran = bench.run("sync in.csv").exits(0);
    assert_eq!((ran.count(Endpoint::List), ran.writes()), (9, 0));
}
