use super::invalid_value::InvalidValue;
use super::source_value::Scalar;

const TRUE: [&str; 5] = ["true", "yes", "1", "on", "y"];
const FALSE: [&str; 5] = ["false", "no", "0", "off", "n"];

/// The words of `true_values` and `false_values`, in lower case. They take precedence over the built-in ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct BooleanWords {
    yes: Vec<String>,
    no: Vec<String>,
}

impl BooleanWords {
    /// # Errors
    /// If a word is empty or in both lists.
    pub(super) fn new(yes: &[String], no: &[String]) -> Result<Self, String> {
        let folded = |words: &[String]| words.iter().map(|word| fold(word)).collect();
        let words = Self {
            yes: folded(yes),
            no: folded(no),
        };
        if words.yes.iter().chain(&words.no).any(String::is_empty) {
            return Err("holds an empty word, but an empty cell is never a boolean".to_owned());
        }
        match words.yes.iter().find(|word| words.no.contains(word)) {
            Some(word) => Err(format!("and `false_values` both hold `{word}`")),
            None => Ok(words),
        }
    }

    /// Reads the words of the config and the built-in ones, in any case, and JSON's booleans, 0 and 1.
    pub(super) fn read(&self, scalar: &Scalar<'_>) -> Result<bool, InvalidValue> {
        if let Scalar::Bool(b) = scalar {
            return Ok(*b);
        }
        let text = scalar.to_text();
        let text = text.trim();
        if !(self.yes.is_empty() && self.no.is_empty()) {
            let word = fold(text);
            if self.yes.contains(&word) {
                return Ok(true);
            }
            if self.no.contains(&word) {
                return Ok(false);
            }
        }
        let is = |word: &&str| text.eq_ignore_ascii_case(word);
        if TRUE.iter().any(is) {
            Ok(true)
        } else if FALSE.iter().any(is) {
            Ok(false)
        } else {
            Err(InvalidValue::new("bad_boolean", "is neither true nor false").advice(
                "write true or false (yes, no, on, off, 1 and 0 also work), or list other words in `true_values` and `false_values`",
            ))
        }
    }
}

fn fold(word: &str) -> String {
    word.trim().to_lowercase()
}

/// Reads a boolean without words from the config.
pub(super) fn read(scalar: &Scalar<'_>) -> Result<bool, InvalidValue> {
    BooleanWords::default().read(scalar)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn words_and_json_are_read() {
        let text = |t| read(&Scalar::Text(Cow::Borrowed(t)));
        for word in ["true", "Yes", "1", "ON", " y "] {
            assert_eq!(text(word), Ok(true), "{word}");
        }
        for word in ["FALSE", "no", "0", "off", "N"] {
            assert_eq!(text(word), Ok(false), "{word}");
        }
        for word in ["2", "-", "ja", "truee", ""] {
            assert_eq!(text(word).unwrap_err().code, "bad_boolean", "{word}");
        }
        assert_eq!(read(&Scalar::Bool(false)), Ok(false));
        assert_eq!(read(&Scalar::Number(&1.into())), Ok(true));
        assert!(read(&Scalar::Number(&2.into())).is_err());
    }

    #[test]
    fn words_of_the_config_take_precedence() {
        let list = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let words = BooleanWords::new(&list(&["Так", "2"]), &list(&["Ні", "on"])).unwrap();
        let text = |t| words.read(&Scalar::Text(Cow::Borrowed(t)));
        for word in [" так ", "ТАК", "2", "yes"] {
            assert_eq!(text(word), Ok(true), "{word}");
        }
        for word in ["ні", "ON", "false"] {
            assert_eq!(text(word), Ok(false), "{word}");
        }
        assert!(text("ja").is_err());
        assert!(words.read(&Scalar::Number(&2.into())).unwrap());
        assert!(BooleanWords::new(&list(&["Ja"]), &list(&["ja "])).is_err());
        assert!(BooleanWords::new(&list(&[" "]), &[]).is_err());
    }
}
