use super::given::Scalar;
use super::problem::Problem;

const TRUE: [&str; 5] = ["true", "yes", "1", "on", "y"];
const FALSE: [&str; 5] = ["false", "no", "0", "off", "n"];

/// The words of `true_values` and `false_values`, in lower case; they go before the usual ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    yes: Vec<String>,
    no: Vec<String>,
}

impl Words {
    /// # Errors
    /// When a word is empty, or means both.
    pub(super) fn new(yes: &[String], no: &[String]) -> Result<Self, String> {
        let folded = |words: &[String]| words.iter().map(|word| fold(word)).collect();
        let words = Self {
            yes: folded(yes),
            no: folded(no),
        };
        if words.yes.iter().chain(&words.no).any(String::is_empty) {
            return Err("holds an empty word: an empty cell is neither".to_owned());
        }
        match words.yes.iter().find(|word| words.no.contains(word)) {
            Some(word) => Err(format!("and `false_values` both hold `{word}`")),
            None => Ok(words),
        }
    }

    /// `type = "boolean"`, `unsubscribed`, `blocked`: the words of the config and the usual ones in any case, and JSON
    /// booleans, 0 and 1.
    pub(super) fn read(&self, scalar: &Scalar<'_>) -> Result<bool, Problem> {
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
            Err(Problem::new("bad_boolean", "is neither true nor false").advice(
                "write true or false (yes, no, on, off, 1, 0 do too), or name other words with `true_values` and `false_values`",
            ))
        }
    }
}

fn fold(word: &str) -> String {
    word.trim().to_lowercase()
}

/// The usual words alone.
pub(super) fn read(scalar: &Scalar<'_>) -> Result<bool, Problem> {
    Words::default().read(scalar)
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
    fn words_of_the_config_go_before_the_usual_ones() {
        let list = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let words = Words::new(&list(&["Так", "2"]), &list(&["Ні", "on"])).unwrap();
        let text = |t| words.read(&Scalar::Text(Cow::Borrowed(t)));
        for word in [" так ", "ТАК", "2", "yes"] {
            assert_eq!(text(word), Ok(true), "{word}");
        }
        for word in ["ні", "ON", "false"] {
            assert_eq!(text(word), Ok(false), "{word}");
        }
        assert!(text("ja").is_err());
        assert!(words.read(&Scalar::Number(&2.into())).unwrap());
        assert!(Words::new(&list(&["Ja"]), &list(&["ja "])).is_err());
        assert!(Words::new(&list(&[" "]), &[]).is_err());
    }
}
