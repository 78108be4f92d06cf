use super::given::Scalar;
use super::problem::Problem;

const TRUE: [&str; 5] = ["true", "yes", "1", "on", "y"];
const FALSE: [&str; 5] = ["false", "no", "0", "off", "n"];

/// `type = "boolean"`, `unsubscribed`, `blocked`: the usual words in any case, and JSON booleans, 0 and 1.
pub(super) fn read(scalar: &Scalar<'_>) -> Result<bool, Problem> {
    if let Scalar::Bool(b) = scalar {
        return Ok(*b);
    }
    let text = scalar.to_text();
    let is = |word: &&str| text.trim().eq_ignore_ascii_case(word);
    if TRUE.iter().any(is) {
        Ok(true)
    } else if FALSE.iter().any(is) {
        Ok(false)
    } else {
        Err(Problem::new("bad_boolean", "is neither true nor false")
            .advice("write true or false (yes, no, on, off, 1, 0 do too), or translate with `map`"))
    }
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
}
