//! Bodies of the API's answers: read or refused, with no key and no control character in what is told of them.
#![no_main]

use hcsync::helpcrunch::{
    BatchAnswer, Scrubber, decode_batch, decode_customer, decode_errors, decode_page,
};
use libfuzzer_sys::fuzz_target;

const KEY: &str = "hush-hush";

fuzz_target!(|body: &[u8]| {
    if let Ok(customer) = decode_customer(body) {
        let _ = format!("{customer:?}");
    }
    match decode_page(body) {
        Ok(page) => {
            assert_eq!(page.customers.len(), page.raw.len());
            for (customer, raw) in page.customers.iter().zip(&page.raw) {
                assert_eq!(decode_customer(raw.get().as_bytes()).as_ref(), Ok(customer));
            }
            assert!(matches!(decode_batch(body), BatchAnswer::Customers(_)));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let scrubber = Scrubber::new(&KEY.to_owned().into());
    let errors = decode_errors(400, body, &scrubber);
    assert!((1..=20).contains(&errors.len()));
    for error in errors {
        let told = error.to_string();
        assert!(!told.contains(KEY), "{told}");
        assert!(!told.chars().any(char::is_control), "{told:?}");
        assert!(told.chars().count() < 500);
    }
});
