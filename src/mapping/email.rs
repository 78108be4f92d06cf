use email_address::{EmailAddress, Options};

use super::given::Scalar;
use super::problem::Problem;

/// Octets of an address that a mail server has to take (RFC 5321, 4.5.3.1.3, less the angle brackets).
const LONGEST: usize = 254;

/// An e-mail address, trimmed. A domain without a dot is refused: no customer is reached there from outside.
pub(super) fn read(scalar: &Scalar<'_>) -> Result<String, Problem> {
    let (Scalar::Text(text) | Scalar::Native(text)) = scalar else {
        return Err(refused());
    };
    let text = text.trim();
    if text.len() > LONGEST {
        return Err(Problem::new(
            "bad_email",
            "is too long for an e-mail address",
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(refused());
    }
    let options = Options::default()
        .with_required_tld()
        .without_display_text()
        .without_domain_literal();
    match EmailAddress::parse_with_options(text, options) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(refused()),
    }
}

fn refused() -> Problem {
    Problem::new("bad_email", "is not an e-mail address")
        .advice("one plain address such as ann@example.com, without a name or a second address")
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn plain_addresses_pass_trimmed() {
        for good in [
            "ann@example.com",
            " Ann.Smith+tag@Example.co.uk ",
            "олена@пошта.укр",
            "a@b.c",
        ] {
            let read = read(&Scalar::Text(Cow::Borrowed(good)));
            assert_eq!(read.unwrap(), good.trim());
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!("ann@{}.com", "a.".repeat(130));
        for bad in [
            "ann",
            "ann@",
            "@example.com",
            "ann@localhost",
            "Ann <ann@example.com>",
            "a@x.com; b@x.com",
            "a@x.com,b@x.com",
            "ann@example..com",
            "ann@exam\u{0}ple.com",
            "ann@[127.0.0.1]",
            &long,
        ] {
            let problem = read(&Scalar::Text(Cow::Borrowed(bad))).unwrap_err();
            assert_eq!(problem.code, "bad_email", "{bad}");
        }
        assert!(read(&Scalar::Number(&5.into())).is_err());
    }
}
