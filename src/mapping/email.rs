use std::borrow::Cow;

use email_address::{EmailAddress, Options};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use super::invalid_value::InvalidValue;
use super::source_value::{Scalar, trimmed};

/// Octets of an address that a mail server has to accept (RFC 5321, 4.5.3.1.3, without the angle brackets).
const MAX_LENGTH: usize = 254;

/// ASCII characters that a domain may not contain. The underscore is allowed because some hosts have it.
const NOT_IN_DOMAIN: AsciiDenyList = AsciiDenyList::new(true, "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~");

/// Reads an e-mail address, trimmed. A domain without a dot is refused because it cannot be reached from outside.
pub(super) fn read(scalar: Scalar<'_>) -> Result<Cow<'_, str>, InvalidValue> {
    let (Scalar::Text(text) | Scalar::Native(text)) = scalar else {
        return Err(refused());
    };
    let text = trimmed(text);
    if !is_plain(&text) {
        check(&text)?;
    }
    Ok(text)
}

/// Whether a trimmed text is an address.
pub(super) fn is_address(text: &str) -> bool {
    is_plain(text) || check(text).is_ok()
}

fn check(text: &str) -> Result<(), InvalidValue> {
    if text.len() > MAX_LENGTH {
        return Err(InvalidValue::new(
            "bad_email",
            "is too long for an e-mail address",
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(refused());
    }
    let (local, domain) = text.rsplit_once('@').ok_or_else(refused)?;
    let Some(domain) = ascii_domain(domain) else {
        return Err(if is_at(local, "example.com") {
            InvalidValue::new(
                "bad_email",
                "is not an e-mail address: the domain after the @ is not valid",
            )
            .advice(
                "letters, digits and hyphens, with a dot between the parts, such as example.com",
            )
        } else {
            refused()
        });
    };
    match is_at(local, &domain) {
        true => Ok(()),
        false => Err(refused()),
    }
}

/// A fast check that accepts most addresses: parts of ASCII letters, digits and a few signs, separated by dots.
fn is_plain(text: &str) -> bool {
    // The starts of the domain, which is 0 before it, and of the part.
    let (mut domain, mut part, mut has_dot) = (0, 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'.' | b'@' if at == part || at - part >= 64 => return false,
            b'.' => (part, has_dot) = (at + 1, domain > 0),
            b'@' if domain == 0 && at < 64 => (domain, part) = (at + 1, at + 1),
            b'_' | b'-' | b'+' if domain == 0 => {}
            _ if byte.is_ascii_alphanumeric() => {}
            _ => return false,
        }
    }
    let ends_in_letter = text.as_bytes().last().is_some_and(u8::is_ascii_alphabetic);
    has_dot && ends_in_letter && text.len() - part < 64 && text.len() <= MAX_LENGTH
}

/// The domain as mail servers look it up, or `None` if it is invalid.
fn ascii_domain(domain: &str) -> Option<Cow<'_, str>> {
    if domain.chars().any(imitates_ascii) {
        return None;
    }
    let ascii = Uts46::new().to_ascii(
        domain.as_bytes(),
        NOT_IN_DOMAIN,
        Hyphens::CheckFirstLast,
        DnsLength::Verify,
    );
    let ascii = ascii.ok()?;
    let (_, top_level) = ascii.rsplit_once('.')?;
    let is_number = top_level.bytes().all(|b| b.is_ascii_digit());
    (!is_number).then_some(ascii)
}

/// Whether a character stands for ASCII, like the full-width `ａ` and `．`, which browsers accept and mail servers do not.
fn imitates_ascii(c: char) -> bool {
    !c.is_ascii() && c.nfkc().any(|plain| plain.is_ascii() || plain == '。')
}

fn is_at(local: &str, ascii_domain: &str) -> bool {
    let options = Options::default()
        .with_required_tld()
        .without_display_text()
        .without_domain_literal();
    EmailAddress::parse_with_options(&format!("{local}@{ascii_domain}"), options).is_ok()
}

fn refused() -> InvalidValue {
    InvalidValue::new("bad_email", "is not an e-mail address")
        .advice("one plain address such as ann@example.com, without a name or a second address")
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> Option<InvalidValue> {
        read(Scalar::Text(Cow::Borrowed(text))).err()
    }

    #[test]
    fn plain_addresses_pass_trimmed() {
        for good in [
            "ann@example.com",
            " Ann.Smith+tag@Example.co.uk ",
            "\u{a0}ann@example.com\u{3000}",
            "o'neill/sales=x!#$%&*?^_`{|}~@example.com",
            "\"q r\"@x.de",
            "\"a@b\"@x.de",
            "a@b.c",
            "a@b-c--d.example",
            "a@r3---sn.example.com",
            "a@1and1.de",
            "a@123.com",
            "a@foo_bar.example.com",
        ] {
            let read = read(Scalar::Text(Cow::Borrowed(good)));
            assert_eq!(read.unwrap(), good.trim());
        }
    }

    proptest! {
        /// The quick look takes nothing that the thorough one would refuse.
        #[test]
        fn a_plain_address_is_one_by_all_rules(text in r"[a-zA-Z0-9._+@-]{1,20}@[a-zA-Z0-9.-]{1,20}|\PC{0,12}@[a-z]{1,3}\.[a-z]{1,3}|[a-z.]{1,70}@([a-z]{1,66}\.){1,5}[a-z0-9]{1,66}") {
            if is_plain(&text) {
                let (local, domain) = text.rsplit_once('@').unwrap();
                let domain = ascii_domain(domain).unwrap();
                prop_assert!(is_at(local, &domain), "{}", text);
            }
        }
    }

    #[test]
    fn letters_are_those_of_any_script() {
        for good in [
            "олена@пошта.укр",
            "राम@मोहन.ईन्फो",
            "jose\u{301}@bu\u{308}cher.example",
            "josé@bücher.example",
            "jose@xn--bcher-kva.example",
            "jose@XN--BCHER-KVA.example",
            "a@straße.de",
            "用户@例子.广告",
            "δοκιμή@ΠΑΡΆΔΕΙΓΜΑ.δοκιμή",
            "чебурашка@ящик-с-апельсинами.рф",
            "ผู้ใช้@น้ำ.ไทย",
            "מישהו@דוגמה.ישראל",
            "مثال@موقع.وزارة-الأتصالات.مصر",
        ] {
            assert_eq!(refusal(good), None, "{good}");
        }
    }

    #[test]
    fn domains_that_there_cannot_be_are_refused() {
        let long_label = format!("ann@{}.com", "a".repeat(64));
        let long_u_label = format!("ann@{}.com", "ü".repeat(60));
        let mut bad = vec![
            "ann@example.com/office".to_owned(),
            "ann@192.168.1.1".to_owned(),
            "ann@127.1".to_owned(),
            "ann@example.123".to_owned(),
            "ann@-example.com".to_owned(),
            "ann@example-.com".to_owned(),
            "ann@example.-com".to_owned(),
            "ann@ex ample.com".to_owned(),
            "ann@.example.com".to_owned(),
            "ann@example.com.".to_owned(),
            "ann@xn--.com".to_owned(),
            "ann@xn--a.com".to_owned(),
            "ann@xn--99999999999.com".to_owned(),
            "ann@xn--bücher.com".to_owned(),
            "ann@\u{301}x.com".to_owned(),
            "ann@ｅxample.com".to_owned(),
            "ann@example。com".to_owned(),
            "ann@x.example．com".to_owned(),
            long_label,
            long_u_label,
        ];
        bad.extend(
            "/#!|*~%&=?+^$\\\"'(),:;<>[]`{}"
                .chars()
                .map(|c| format!("ann@ex{c}ample.com")),
        );
        for bad in bad {
            let problem = refusal(&bad).expect(&bad);
            assert_eq!(problem.code, "bad_email", "{bad}");
            assert!(problem.what.contains("domain"), "{bad}: {}", problem.what);
        }
        assert_eq!(refusal(&format!("ann@{}.com", "a".repeat(63))), None);
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
            "a b@x.com",
            ".ann@x.com",
            "ann..b@x.com",
            "ann@example..com",
            "ann@exam\u{0}ple.com",
            "ann@[127.0.0.1]",
            &long,
        ] {
            assert_eq!(refusal(bad).expect(bad).code, "bad_email", "{bad}");
        }
        assert!(read(Scalar::Number(&5.into())).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"\PC{0,30}|\PC{1,5}@(xn--)?\PC{1,10}\.\PC{1,5}") {
            if refusal(&text).is_none() {
                let decomposed: String = text.nfd().collect();
                prop_assert_eq!(refusal(&decomposed), None);
            }
        }
    }
}
