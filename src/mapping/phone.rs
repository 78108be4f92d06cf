use std::collections::BTreeSet;
use std::fmt;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, Region};
use unicode_normalization::UnicodeNormalization;

use super::invalid_value::InvalidValue;
use super::source_value::Scalar;
use crate::domain::is_invisible;

/// Longer cells, in bytes, are rejected: this is enough for several numbers with words around them.
const MAX_LENGTH: usize = 250;

/// The characters that people put between the digits of a number.
const SEPARATORS: &str = "()[]{}-./~·_‐‒–—―−ー";

/// `region`: reads phone numbers as they are written in one country, and converts them to E.164. Without `region` a number
/// is sent as written.
#[derive(Clone)]
pub(super) struct PhoneReader {
    region: Region,
    name: String,
    /// The country calling code, such as `380`.
    code: String,
}

impl fmt::Debug for PhoneReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneReader({})", self.name)
    }
}

impl PhoneReader {
    /// # Errors
    /// If there is no such region.
    pub(super) fn new(region: &str) -> Result<Self, String> {
        let name = region.to_ascii_uppercase();
        let supported = name.parse().ok().and_then(|region: Region| {
            let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region)?;
            Some((region, code.to_string()))
        });
        match supported {
            Some((region, code)) => Ok(Self { region, name, code }),
            None => Err(format!(
                "`{region}` is not a region: write a two-letter ISO 3166 code such as UA"
            )),
        }
    }

    pub(super) fn read(&self, scalar: Scalar<'_>) -> Result<String, InvalidValue> {
        let text = scalar.to_text();
        if text.len() > MAX_LENGTH {
            return Err(self.refused());
        }
        let plain = plain(&text);
        let uri = plain.trim_start().strip_prefix("tel:");
        let text = uri.unwrap_or(&plain);
        let mut numbers = self.readings(text);
        if uri.is_some() && text.contains(";phone-context=") {
            numbers.extend(self.valid(&plain));
        }
        let mut numbers = numbers.into_iter();
        match (numbers.next(), numbers.next()) {
            (Some(number), None) => Ok(number),
            (Some(_), Some(_)) => Err(InvalidValue::new(
                "bad_phone",
                "can be read as two different phone numbers",
            )
            .advice("write it with + and the country code, such as +380501234567")),
            (None, _) => Err(self.problem(text)),
        }
    }

    /// The valid numbers, in E.164, that a text of digits and separators may stand for; none for any other text.
    fn readings(&self, text: &str) -> BTreeSet<String> {
        let Some(dialled) = dialled(text) else {
            return BTreeSet::new();
        };
        let mut forms = Vec::new();
        if let Some(international) = dialled.strip_prefix("00") {
            // Accepted for every region, whatever its prefix for calls abroad.
            forms.push(format!("+{international}"));
        }
        if let Some(digits) = dialled.strip_prefix('+') {
            // +44 (0)20 …: the zero is for calls within the country.
            forms.extend(text.contains("(0)").then(|| text.replacen("(0)", "", 1)));
            // +8 (495) …: a national number, which begins with 8, with a plus before it.
            let after_eight = text.split_once('8').map(|(_, rest)| rest);
            if digits.starts_with('8')
                && after_eight.is_some_and(|rest| rest.starts_with(is_separator))
                && self.valid(digits) == digits.get(1..).and_then(|rest| self.valid(rest))
            {
                forms.push(digits.to_owned());
            }
        } else if dialled.starts_with(&self.code) {
            // A spreadsheet dropped the plus.
            forms.push(format!("+{dialled}"));
        }
        forms.push(dialled);
        forms.iter().filter_map(|form| self.valid(form)).collect()
    }

    fn valid(&self, text: &str) -> Option<String> {
        let number = PhoneNumber::parse(text, Some(self.region)).ok()?;
        (number.extension.is_none() && number.is_valid()).then(|| number.to_string())
    }

    /// Explains why a text is not exactly one valid number.
    fn problem(&self, text: &str) -> InvalidValue {
        let pieces = pieces(text);
        let numbers = pieces
            .iter()
            .filter(|piece| !self.readings(piece).is_empty());
        let (what, advice) = match numbers.count() {
            0 if text.chars().any(char::is_alphabetic) => (
                "is not a phone number: it contains letters",
                "write only the digits to dial",
            ),
            0 => return self.refused(),
            1 if pieces.len() > 1 => (
                "contains an extension, which the format +380501234567 cannot hold",
                "move the extension to a column of its own, or map the column without `region`",
            ),
            1 => (
                "contains other text besides the phone number",
                "leave only the number in the cell",
            ),
            _ => (
                "contains several phone numbers",
                "leave one number in the cell; a custom property can hold the others",
            ),
        };
        InvalidValue::new("bad_phone", what).advice(advice)
    }

    fn refused(&self) -> InvalidValue {
        let what = format!(
            "is not a valid phone number in the region {} or in international format",
            self.name
        );
        InvalidValue::new("bad_phone", what)
            .advice("write the complete number as it is dialled there, or with + and the country code; without `region` it is sent as written")
    }
}

/// Replaces full-width and similar forms of ASCII by ASCII and the digits of all scripts by `0` to `9`, and drops invisible
/// characters.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        let digit = match c {
            _ if c.is_ascii() => String::new(),
            _ => PHONE_NUMBER_UTIL.normalize_digits_only(c.encode_utf8(&mut [0; 4])),
        };
        if !digit.is_empty() {
            plain.push_str(&digit);
        } else if c.is_numeric() {
            // A fraction or a superscript is not a digit of the number.
            plain.push(c);
        } else {
            plain.extend(c.nfkc().flat_map(char::to_lowercase));
        }
    }
    plain
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || SEPARATORS.contains(c)
}

/// The digits of a number without separators, with a plus if the country code follows. `None` if the text contains anything
/// else or two numbers, as in `030 901820/21`.
fn dialled(text: &str) -> Option<String> {
    let digits_of = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    if let Some((_, last)) = text.rsplit_once('/')
        && (1..=2).contains(&digits_of(last))
    {
        return None;
    }
    let dialled: String = text.chars().filter(|c| !is_separator(*c)).collect();
    let digits = dialled.trim_start_matches('+');
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // No country code begins with a zero.
    let is_international = dialled.starts_with('+') && !digits.starts_with('0');
    let plus = if is_international { "+" } else { "" };
    Some(format!("{plus}{digits}"))
}

/// The parts of a text that contain digits. Words, commas, line breaks, slashes and each further plus separate them.
fn pieces(text: &str) -> Vec<&str> {
    let is_between =
        |c: char| c == '/' || c == '\n' || !(is_separator(c) || c == '+' || c.is_ascii_digit());
    let whole = text.split(is_between).flat_map(|piece| {
        let mut starts: Vec<usize> = piece.match_indices('+').map(|(at, _)| at).collect();
        starts.insert(0, 0);
        let ends = starts.clone().into_iter().skip(1).chain([piece.len()]);
        let ranges: Vec<_> = starts.into_iter().zip(ends).collect();
        ranges
            .into_iter()
            .filter_map(|(start, end)| piece.get(start..end))
    });
    whole
        .filter(|piece| piece.bytes().any(|b| b.is_ascii_digit()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    fn read(region: &str, text: &str) -> Result<String, InvalidValue> {
        let reader = PhoneReader::new(region).unwrap();
        reader.read(Scalar::Text(Cow::Borrowed(text)))
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
            ("DE", "06221/54-0", "+496221540"),
        ] {
            assert_eq!(read(region, text).as_deref(), Ok(number), "{text}");
        }
        let json = serde_json::json!(501_234_567);
        let reader = PhoneReader::new("UA").unwrap();
        let number = Scalar::Number(json.as_number().unwrap());
        assert_eq!(reader.read(number).unwrap(), "+380501234567");
    }

    #[test]
    fn whatever_separates_the_digits() {
        for text in [
            "+38(067)123-45-67",
            "+38-067-1234567",
            "+38.067.123.45.67",
            "+38 (067) 123 45 67",
            "+380 (067) 123-45-67",
            "+380 (0) 67 123 45 67",
            "(+38) 067 123 45 67",
            "+067 123 45 67",
            "+00380 67 123 45 67",
            "38 067 123 45 67",
            "tel:+380671234567",
            "TEL:+380-67-123-45-67",
            "tel:067-123-45-67;phone-context=+380",
            "+380\u{a0}67\u{202f}123\u{2011}45\u{2011}67",
            "+380 67 123–45—67",
            "067_123_45_67",
            "067 123 45 67\n",
            "\u{202a}+380671234567\u{202c}",
            "\u{200e}+380 67 123 45 67\u{200f}",
            "＋３８０ ６７ １２３ ４５ ６７",
            "（０６７）１２３－４５－６７",
            "+٣٨٠٦٧١٢٣٤٥٦٧",
            "۰۶۷ ۱۲۳ ۴۵ ۶۷",
            "०६७ १२३ ४५ ६७",
        ] {
            assert_eq!(read("UA", text).as_deref(), Ok("+380671234567"), "{text}");
        }
    }

    #[test]
    fn habits_of_countries_are_known() {
        for (region, text, number) in [
            ("ID", "00 62 812 3456 789", "+628123456789"),
            ("ID", "+62 (0)812-3456-789", "+628123456789"),
            ("ID", "0812 3456 789", "+628123456789"),
            ("US", "00 44 20 7946 0958", "+442079460958"),
            ("US", "011 44 20 7946 0958", "+442079460958"),
            ("US", "+1 415\u{2011}555\u{a0}2671", "+14155552671"),
            ("US", "1 (415) 555-2671", "+14155552671"),
            ("GB", "+44 (0)20 7946 0958", "+442079460958"),
            ("PL", "+48 (0) 22 123 45 67", "+48221234567"),
            ("IT", "+39 (0)6 698 12345", "+390669812345"),
            ("RU", "8 (916) 123-45-67", "+79161234567"),
            ("RU", "+8 (916) 123-45-67", "+79161234567"),
            ("RU", "810 380 67 123 45 67", "+380671234567"),
            ("BY", "8 801 123 4567", "+3758011234567"),
            ("LT", "+370 80012345", "+37080012345"),
            ("HK", "00852 2123 4567", "+85221234567"),
            ("BR", "(11) 96123-4567", "+5511961234567"),
            ("ID", "6281234567890", "+6281234567890"),
        ] {
            assert_eq!(read(region, text).as_deref(), Ok(number), "{region} {text}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        for (text, word) in [
            ("050 123", "not a valid"),
            ("+999 1", "not a valid"),
            ("-", "not a valid"),
            ("050 123 45 67 89 10 11", "not a valid"),
            ("050 123 45 6½", "not a valid"),
            ("abc", "letters"),
            ("none", "letters"),
            ("1-800-FLOWERS", "letters"),
            ("050 123 45 67 ext 5", "extension"),
            ("050 123 45 67 доб. 123", "extension"),
            ("050 123 45 67#12", "extension"),
            ("tel:+380671234567;ext=5", "extension"),
            ("050 123 45 67 (work)", "other text"),
            ("050 123 45 67 / 050 123 45 68", "several"),
            ("050 123 45 67, 050 123 45 68", "several"),
            ("050 123 45 67; +1 415 555 2671", "several"),
            ("050 123 45 67 та 050 123 45 68", "several"),
            ("050 123 45 67\n050 123 45 68", "several"),
            ("+380501234567+380501234568", "several"),
        ] {
            let problem = read("UA", text).unwrap_err();
            assert_eq!(problem.code, "bad_phone", "{text}");
            assert!(problem.what.contains(word), "{text}: {}", problem.what);
        }
        assert!(read("DE", "030 901820/21").is_err());
        assert!(read("UA", &"0501234567 ".repeat(100)).is_err());
    }

    #[test]
    fn a_number_with_two_meanings_is_refused() {
        // In Russia as 8 (495) …, abroad as +84 95 ….
        let problem = read("RU", "+8 (495) 123-45-67").unwrap_err();
        assert!(problem.what.contains("two different"), "{}", problem.what);
        assert_eq!(read("RU", "+84951234567").as_deref(), Ok("+84951234567"));
        // The zero or the plus may be missing.
        assert!(read("DE", "4915123456789").is_err());
    }

    #[test]
    fn regions_are_two_letters() {
        for region in ["", "XX", "Ukraine", "UKR", "001", "ZZ"] {
            let error = PhoneReader::new(region).unwrap_err();
            assert!(error.contains("is not a region"), "{region}");
        }
    }

    /// Example numbers of all 245 regions in the forms in which people write them. None may be read wrong, and at most one in
    /// two hundred refused. (Of all forms of all numbers it is one in seven hundred, each because it may be another number.)
    #[test]
    fn valid_numbers_of_all_regions_are_read() {
        let examples = include_str!("../../tests/fixtures/phone-examples.tsv");
        let examples = examples.lines().filter(|line| !line.starts_with('#'));
        let (mut regions, mut count, mut refused) = (BTreeSet::new(), 0, Vec::new());
        for (at, example) in examples.enumerate() {
            let [region, international, national] = example.split('\t').collect::<Vec<_>>()[..]
            else {
                panic!("{example}");
            };
            let forms = written_forms(international, national);
            // One form of each number, to be quick.
            let form = &forms[at % forms.len()];
            let number: String = international
                .chars()
                .filter(|c| !is_separator(*c))
                .collect();
            let reader = PhoneReader::new(region).unwrap();
            match reader.read(Scalar::Text(Cow::Borrowed(form))) {
                Ok(read) => assert_eq!(read, number, "{region} {form}"),
                Err(_) => refused.push(format!("{region} {form}")),
            }
            regions.insert(region);
            count += 1;
        }
        assert_eq!(regions.len(), 245);
        assert!(refused.len() * 200 <= count, "of {count}: {refused:#?}");
    }

    fn written_forms(international: &str, national: &str) -> [String; 9] {
        let digits: String = international.chars().filter(char::is_ascii_digit).collect();
        let (code, significant) = international.split_once(' ').unwrap();
        [
            international.to_owned(),
            format!("{code}({})", significant.replacen([' ', '-', '.'], ")", 1)),
            national.to_owned(),
            format!("00{digits}"),
            significant.replace([' ', '-', '.'], ""),
            format!("tel:{}", international.replace(' ', "-")),
            national.replace([' ', '-'], "."),
            format!("+{digits}"),
            digits,
        ]
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
