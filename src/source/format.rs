use serde::{Deserialize, Serialize};

/// The formats that an input can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Csv,
    Tsv,
    Jsonl,
    Json,
    Xlsx,
}

impl Format {
    /// The format by a file's extension, which may be followed by `.gz` or `.zst`.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let bare = [".gz", ".gzip", ".zst", ".zstd"]
            .iter()
            .find_map(|packed| name.strip_suffix(packed))
            .unwrap_or(&name);
        let endings = [
            (".csv", Self::Csv),
            (".tsv", Self::Tsv),
            (".tab", Self::Tsv),
            (".jsonl", Self::Jsonl),
            (".ndjson", Self::Jsonl),
            (".json", Self::Json),
            (".xlsx", Self::Xlsx),
        ];
        endings
            .iter()
            .find(|(ending, _)| bare.ends_with(ending))
            .map(|(_, format)| *format)
    }

    /// The format of a text file by its name and its beginning.
    pub(super) fn by_content(name: &str, sample: &[u8]) -> Self {
        let named = Self::by_name(name).filter(|format| *format != Self::Xlsx);
        match named {
            Some(Self::Json) => json_kind(sample).unwrap_or(Self::Json),
            Some(Self::Jsonl) if is_one_array(sample) => Self::Json,
            Some(format) => format,
            None => json_kind(sample).unwrap_or(Self::Csv),
        }
    }

    #[must_use]
    pub fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::Xlsx)
    }
}

/// Recognizes JSON: an array of objects, or something that begins like an object.
fn json_kind(sample: &[u8]) -> Option<Format> {
    let text = sample.trim_ascii_start();
    if let Some(rest) = text.strip_prefix(b"[") {
        let next = rest.trim_ascii_start().first();
        return matches!(next, None | Some(b'{' | b']')).then_some(Format::Json);
    }
    let line = text.split(|b| *b == b'\n').next()?.trim_ascii();
    let inside = text.strip_prefix(b"{")?.trim_ascii_start();
    let object = matches!(inside.first(), Some(b'"' | b'}')) || line.ends_with(b"}");
    object.then_some(Format::Jsonl)
}

/// Whether a file is an array of objects and not JSON Lines: it spans several lines, or nothing follows the first line.
fn is_one_array(sample: &[u8]) -> bool {
    let mut lines = sample.trim_ascii_start().splitn(2, |b| *b == b'\n');
    let first = lines.next().unwrap_or_default().trim_ascii_end();
    let rest = lines.next().unwrap_or_default();
    json_kind(sample) == Some(Format::Json)
        && (!first.ends_with(b"]") || rest.trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_promise_formats_also_when_packed() {
        for (name, format) in [
            ("a/b.CSV", Some(Format::Csv)),
            ("b.tsv.gz", Some(Format::Tsv)),
            ("c.ndjson.zst", Some(Format::Jsonl)),
            ("d.jsonl", Some(Format::Jsonl)),
            ("e.json", Some(Format::Json)),
            ("f.xlsx", Some(Format::Xlsx)),
            ("csv", None),
            ("-", None),
        ] {
            assert_eq!(Format::by_name(name), format, "{name}");
        }
    }

    #[test]
    fn content_decides_where_the_name_does_not() {
        let by = Format::by_content;
        assert_eq!(by("-", b"a,b\n1,2\n"), Format::Csv);
        assert_eq!(by("-", b" \n{\"a\":1}\n{\"a\":2}\n"), Format::Jsonl);
        assert_eq!(by("-", b"[\n {\"a\":1}]"), Format::Json);
        assert_eq!(by("x.json", b"{\"a\":1}\n"), Format::Jsonl);
        assert_eq!(by("x.json", b"{\n\"a\":1}\n"), Format::Jsonl);
        assert_eq!(by("-", b"{\n\"a\":1}\n"), Format::Jsonl);
        assert_eq!(by("x.json", b"\"a\"\n"), Format::Json);
        assert_eq!(by("-", b"{a},b\n"), Format::Csv);
        assert_eq!(by("x.jsonl", b"[{\"a\":1},\n{\"a\":2}]\n"), Format::Json);
        assert_eq!(by("x.jsonl", b"[{\"a\":1}]\n"), Format::Json);
        assert_eq!(by("x.jsonl", b"[{\"a\":1}]\n{\"a\":2}\n"), Format::Jsonl);
        assert_eq!(by("x.csv", b"[note],b\n"), Format::Csv);
        assert_eq!(by("-", b"[note],b\n"), Format::Csv);
    }
}
