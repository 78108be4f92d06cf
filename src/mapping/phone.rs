use std::fmt;

use phonenumber::Mode;
use phonenumber::country::Id;

use super::given::Scalar;
use super::problem::Problem;

/// Characters of a written number at most; E.164 has 15 digits, and people put much between them.
const LONGEST: usize = 40;

/// `region`: reads phone numbers as they are written in one country, and gives them in E.164. Off unless it is asked
/// for: without it a number is sent as it is written.
#[derive(Clone)]
pub(super) struct PhoneReader {
    region: Id,
}

impl fmt::Debug for PhoneReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneReader({})", self.region.as_ref())
    }
}

impl PhoneReader {
    /// # Errors
    /// When there is no such region.
    pub(super) fn new(region: &str) -> Result<Self, String> {
        let parsed = region.to_ascii_uppercase().parse();
        let region = parsed.map_err(|_| {
            format!("`{region}` is no region; a two-letter ISO 3166 code such as UA")
        })?;
        Ok(Self { region })
    }

    pub(super) fn read(&self, scalar: Scalar<'_>) -> Result<String, Problem> {
        let text = scalar.into_text();
        let text = text.trim();
        if text.chars().count() > LONGEST || !text.chars().all(is_of_a_number) {
            return Err(refused());
        }
        let number = phonenumber::parse(Some(self.region), text).map_err(|_| refused())?;
        if number.extension().is_some() {
            return Err(Problem::new(
                "bad_phone",
                "holds an extension, which the form +380501234567 has no place for",
            )
            .advice(
                "keep the extension in a column of its own, or map the column without `region`",
            ));
        }
        if !phonenumber::is_valid(&number) {
            return Err(refused());
        }
        Ok(number.format().mode(Mode::E164).to_string())
    }
}

/// Digits and what people put around them; letters would be taken for the digits on a phone's keys.
fn is_of_a_number(c: char) -> bool {
    c.is_ascii_digit()
        || c.is_whitespace()
        || "+()-./\u{2010}\u{2011}\u{2012}\u{2013}".contains(c)
        || "extEXT#;,".contains(c)
}

fn refused() -> Problem {
    Problem::new("bad_phone", "is not a phone number of the region that the config names")
        .advice("a whole number as it is dialled there, or with + and the country's code; without `region` it is sent as it is written")
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    fn read(region: &str, text: &str) -> Result<String, &'static str> {
        let reader = PhoneReader::new(region).unwrap();
        reader
            .read(Scalar::Text(Cow::Borrowed(text)))
            .map_err(|problem| problem.code)
    }

    #[test]
    fn numbers_become_e_164() {
        for (region, text, number) in [
            ("UA", "050 123 45 67", "+380501234567"),
            ("ua", " (050) 123-45-67 ", "+380501234567"),
            ("UA", "+380 50 123\u{a0}45 67", "+380501234567"),
            ("UA", "380501234567", "+380501234567"),
            ("UA", "00380501234567", "+380501234567"),
            ("UA", "+1 (415) 555-2671", "+14155552671"),
            ("US", "415.555.2671", "+14155552671"),
            ("DE", "030/901820", "+4930901820"),
        ] {
            assert_eq!(read(region, text).as_deref(), Ok(number), "{text}");
        }
        let json = serde_json::json!(501_234_567);
        let reader = PhoneReader::new("UA").unwrap();
        let number = Scalar::Number(json.as_number().unwrap());
        assert_eq!(reader.read(number).unwrap(), "+380501234567");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "050 123",
            "abc",
            "none",
            "+999 1",
            "1-800-FLOWERS",
            "050 123 45 67 ext 5",
            "-",
            "050 123 45 67 / 68 / 69",
            "050 123 45 67, 050 123 45 68",
        ] {
            assert_eq!(read("UA", text), Err("bad_phone"), "{text}");
        }
        for region in ["", "XX", "Ukraine", "UKR"] {
            assert!(
                PhoneReader::new(region).unwrap_err().contains("no region"),
                "{region}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_read_again_as_itself(text in r"\PC{0,30}|[+]?[0-9 ()extEXT#;.-]{3,20}") {
            if let Ok(number) = read("UA", &text) {
                prop_assert!(number.starts_with('+') && number[1..].bytes().all(|b| b.is_ascii_digit()));
                prop_assert_eq!(read("US", &number), Ok(number));
            }
        }
    }
}
