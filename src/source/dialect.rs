use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::{Encoding, UTF_8};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::cells::Syntax;
use super::format::Format;

/// The format of an input. It is enough to write rows in the same format when the input is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    pub format: Format,
    /// Serialized as its WHATWG name.
    #[serde(serialize_with = "encoding_name", deserialize_with = "encoding_named")]
    pub encoding: &'static Encoding,
    /// Whether the input begins with a byte order mark.
    pub bom: bool,
    /// An ASCII byte; `Some` for a table.
    #[serde(with = "character", default)]
    pub delimiter: Option<u8>,
    /// The quote of a table, an ASCII byte; `None` if cells are never quoted.
    #[serde(with = "character", default = "default_quote")]
    pub quote: Option<u8>,
    /// Whether a quote after blanks opens a cell, as in tables with a blank after each delimiter.
    #[serde(default)]
    pub skips_blanks: bool,
    pub line_end: LineEnd,
    /// The header in the input's encoding, without its line end; `None` if the input has no header.
    #[serde(with = "bytes", default)]
    pub header: Option<Vec<u8>>,
    /// The columns of a table, without the reserved ones.
    pub columns: Vec<String>,
    /// The indexes of the reserved columns in a record of the input.
    pub reserved: Vec<usize>,
}

impl Dialect {
    /// The dialect of a workbook, whose rows are written as CSV in UTF-8.
    pub(super) fn of_sheet(
        header: Option<Vec<u8>>,
        columns: Vec<String>,
        reserved: Vec<usize>,
    ) -> Self {
        Self {
            format: Format::Xlsx,
            encoding: UTF_8,
            bom: false,
            delimiter: Some(b','),
            quote: default_quote(),
            skips_blanks: false,
            line_end: LineEnd::Lf,
            header,
            columns,
            reserved,
        }
    }

    /// The syntax of a table.
    pub(super) fn syntax(&self) -> Syntax {
        Syntax {
            delimiter: self.delimiter.unwrap_or(b','),
            quote: self.quote,
            skips_blanks: self.skips_blanks,
        }
    }

    /// The file extension for rejected rows: `csv`, `tsv`, `jsonl` or `json`.
    #[must_use]
    pub fn ending(&self) -> &'static str {
        match self.format {
            Format::Csv | Format::Xlsx => "csv",
            Format::Tsv => "tsv",
            Format::Jsonl => "jsonl",
            Format::Json => "json",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineEnd {
    #[default]
    Lf,
    CrLf,
    Cr,
}

impl LineEnd {
    /// Detects the line end of a sample: the first one outside of quotes or, if quotes are unbalanced, the first one.
    pub(super) fn of(sample: &[u8], quote: Option<u8>) -> Self {
        let mut quoted = false;
        let mut within = None;
        for (at, byte) in sample.iter().enumerate() {
            match byte {
                byte if quote == Some(*byte) => quoted = !quoted,
                b'\n' | b'\r' => {
                    let line_end = Self::at(sample, at);
                    if !quoted {
                        return line_end;
                    }
                    within.get_or_insert(line_end);
                }
                _ => {}
            }
        }
        within.unwrap_or_default()
    }

    fn at(sample: &[u8], at: usize) -> Self {
        match sample.get(at..) {
            // Programs that add carriage returns to lines that already have one leave two.
            Some([b'\r', b'\n', ..] | [b'\r', b'\r', b'\n', ..]) => Self::CrLf,
            Some([b'\r', ..]) => Self::Cr,
            _ => Self::Lf,
        }
    }

    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::Cr => b"\r",
        }
    }
}

/// The quote of dialects that were saved before it could be chosen.
fn default_quote() -> Option<u8> {
    Some(b'"')
}

fn encoding_name<S: Serializer>(encoding: &'static Encoding, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(encoding.name())
}

fn encoding_named<'de, D: Deserializer<'de>>(from: D) -> Result<&'static Encoding, D::Error> {
    let name = String::deserialize(from)?;
    Encoding::for_label(name.as_bytes())
        .ok_or_else(|| de::Error::custom(format!("`{name}` is not an encoding")))
}

mod character {
    use super::*;

    pub(super) fn serialize<S: Serializer>(byte: &Option<u8>, to: S) -> Result<S::Ok, S::Error> {
        byte.map(char::from).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u8>, D::Error> {
        let Some(character) = Option::<char>::deserialize(from)? else {
            return Ok(None);
        };
        let byte = u8::try_from(character).ok().filter(u8::is_ascii);
        byte.map(Some)
            .ok_or_else(|| de::Error::custom("a delimiter or quote is one ASCII character"))
    }
}

mod bytes {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|b| STANDARD.encode(b)).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|t| STANDARD.decode(t).map_err(de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_survives_being_saved() {
        let dialect = Dialect {
            format: Format::Tsv,
            encoding: encoding_rs::WINDOWS_1251,
            bom: false,
            delimiter: Some(b'\t'),
            quote: None,
            skips_blanks: true,
            line_end: LineEnd::CrLf,
            header: Some(b"\xE6\ta\ta".to_vec()),
            columns: ["ж", "a", "a"].map(str::to_owned).to_vec(),
            reserved: vec![],
        };
        let saved = serde_json::to_string(&dialect).unwrap();
        assert!(
            saved
                .contains(r#""encoding":"windows-1251","bom":false,"delimiter":"\t","quote":null"#)
        );
        assert_eq!(serde_json::from_str::<Dialect>(&saved).unwrap(), dialect);
    }

    #[test]
    fn the_line_end_is_the_first_outside_quotes() {
        let of = |sample: &[u8]| LineEnd::of(sample, default_quote());
        assert_eq!(of(b"a,\"x\ny\"\r\nb\n"), LineEnd::CrLf);
        assert_eq!(of(b"a\rb\n"), LineEnd::Cr);
        assert_eq!(of(b"a"), LineEnd::Lf);
        assert_eq!(of(b"a\r\r\nb\r\r\n"), LineEnd::CrLf);
        assert_eq!(of(b"5\" tv,b\r1,2\r"), LineEnd::Cr);
        assert_eq!(LineEnd::of(b"a,'x\ny'\r\n", Some(b'\'')), LineEnd::CrLf);
        assert_eq!(LineEnd::of(b"a,\"x\ny\"\r\n", None), LineEnd::Lf);
    }
}
