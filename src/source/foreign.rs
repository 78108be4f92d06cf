//! Recognizes unsupported files by their bytes: what they are, and how to get rows out of them.

/// A file that is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Workbook,
    /// An unsupported file: what it is, and what to do.
    Foreign(&'static str, &'static str),
}

const EXPORT: &str = "export the data as CSV";
const UNPACK: &str = "unpack it and use the file inside";
const UNPACK_ONCE: &str = "unpack it once";
const SAVE: &str = "open it in a spreadsheet program and save it as .xlsx or CSV";
const SAVE_SHEET: &str =
    "save it as .xlsx or CSV, such as by `soffice --headless --convert-to xlsx FILE`";
const BY_DUCKDB: &str =
    "export it as CSV, such as by `duckdb -csv -c \"SELECT * FROM 'FILE'\" > rows.csv`";
const BY_PANDAS: &str =
    "export it as CSV from the program that wrote it, such as by `to_csv` of pandas";

/// First bytes, what the file is, and what to do.
const BEGINNINGS: [(&[u8], &str, &str); 35] = [
    (
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        "is an old Excel file (.xls) or an encrypted workbook",
        "save it as .xlsx without a password, or as CSV",
    ),
    (
        b"\x09\x08\x10\0\0\x06\x05\0",
        "is an old Excel file (.xls)",
        SAVE,
    ),
    (b"\x09\x08\x08\0", "is an old Excel file (.xls)", SAVE),
    (b"\x09\x04\x06\0", "is an old Excel file (.xls)", SAVE),
    (b"\x09\x02\x06\0", "is an old Excel file (.xls)", SAVE),
    (b"\x09\0\x04\0", "is an old Excel file (.xls)", SAVE),
    (
        b"%PDF-",
        "is a PDF",
        "export the data as CSV from the program that made it",
    ),
    (b"\x1F\x8B", "is packed twice", UNPACK_ONCE),
    (b"\x28\xB5\x2F\xFD", "is packed twice", UNPACK_ONCE),
    (b"BZh91AY&SY", "is packed with bzip2", UNPACK),
    (b"\xFD7zXZ\0", "is packed with xz", UNPACK),
    (b"\x04\x22\x4D\x18", "is packed with lz4", UNPACK),
    (b"\x1F\x9D", "is packed with compress (.Z)", UNPACK),
    (b"7z\xBC\xAF\x27\x1C", "is a 7z archive", UNPACK),
    (b"Rar!\x1A\x07", "is a RAR archive", UNPACK),
    (b"PK\x05\x06", "is an empty zip archive", UNPACK),
    (b"\x89PNG\r\n", "is a picture (PNG)", EXPORT),
    (b"\xFF\xD8\xFF", "is a picture (JPEG)", EXPORT),
    (b"GIF89a", "is a picture (GIF)", EXPORT),
    (b"\x7FELF", "is a program", EXPORT),
    (
        b"SQLite format 3\0",
        "is a SQLite database",
        "export a table of it as CSV, such as by `sqlite3 -header -csv FILE \"SELECT * FROM customers\" > rows.csv`",
    ),
    (b"PAR1\x15", "is a Parquet file", BY_DUCKDB),
    (b"PAR1\0", "is a Parquet file", BY_DUCKDB),
    (
        b"Obj\x01",
        "is an Avro file",
        "make JSON Lines of it, such as by `avro-tools tojson FILE > rows.jsonl`",
    ),
    (b"ORC\x08", "is an ORC file", BY_PANDAS),
    (b"ORC\x0A", "is an ORC file", BY_PANDAS),
    (b"ARROW1\0\0", "is an Arrow file (Feather)", BY_PANDAS),
    (b"\x89HDF\r\n", "is an HDF5 file", BY_PANDAS),
    (
        b"$FL2@(#)",
        "is an SPSS file",
        "export the data as CSV from SPSS",
    ),
    (
        b"<stata_dta>",
        "is a Stata file",
        "export the data as CSV from Stata",
    ),
    (
        b"RDX3\nX\n",
        "is an R data file",
        "write the data with `write.csv` of R",
    ),
    (
        b"RDX2\nX\n",
        "is an R data file",
        "write the data with `write.csv` of R",
    ),
    (
        b"\0\x01\0\0Standard ",
        "is an Access database",
        "export a table of it as CSV",
    ),
    (
        b"PGDMP\x01",
        "is a dump of a PostgreSQL database",
        "restore it, and write the table with `\\copy customers TO 'rows.csv' CSV HEADER` of psql",
    ),
    (b"{\\rtf", "is a text document (RTF)", EXPORT),
];

/// The same for bytes at an offset.
const AT_OFFSET: [(usize, &[u8], &str, &str); 2] = [
    (257, b"ustar", "is a tar archive", UNPACK),
    (
        8,
        b"DUCK",
        "is a DuckDB database",
        "export a table of it as CSV, such as by `duckdb -csv FILE \"FROM customers\" > rows.csv`",
    ),
];

/// The same for zip archives that contain these bytes.
const WITHIN_ZIP: [(&[u8], &str, &str); 7] = [
    (
        b"opendocument.spreadsheet",
        "is an OpenDocument spreadsheet",
        SAVE_SHEET,
    ),
    (
        b"mimetypeapplication/vnd.oasis",
        "is an OpenDocument file, but not a spreadsheet",
        EXPORT,
    ),
    (
        b"xl/workbook.bin",
        "is a binary Excel workbook (.xlsb)",
        SAVE_SHEET,
    ),
    (
        b"Index/Document.iwa",
        "is a file of Apple's Numbers or Pages",
        "export it as CSV or .xlsx from there",
    ),
    (b"word/document.xml", "is a Word document", EXPORT),
    (b"ppt/presentation.xml", "is a presentation", EXPORT),
    (b"META-INF/MANIFEST.MF", "is a Java archive", EXPORT),
];

impl Container {
    pub(super) fn of(sample: &[u8]) -> Option<Self> {
        if sample.starts_with(b"PK\x03\x04") {
            return Some(of_zip(sample));
        }
        let begins = BEGINNINGS
            .iter()
            .find(|(magic, ..)| sample.starts_with(magic));
        let begins = begins.map(|(_, problem, advice)| (problem, advice));
        let holds = AT_OFFSET.iter().find(|(at, magic, ..)| {
            let rest = sample.get(*at..);
            rest.is_some_and(|rest| rest.starts_with(magic))
        });
        let holds = holds.map(|(_, _, problem, advice)| (problem, advice));
        if let Some((problem, advice)) = begins.or(holds) {
            return Some(Self::Foreign(problem, advice));
        }
        let blank = sample.iter().all(|byte| *byte == 0);
        (blank && !sample.is_empty()).then_some(Self::Foreign(
            "begins with NUL bytes and nothing else",
            "the program that wrote it did not finish; export the data again",
        ))
    }
}

fn of_zip(sample: &[u8]) -> Container {
    let holds = |part: &[u8]| memchr::memmem::find(sample, part).is_some();
    let content = WITHIN_ZIP.iter().find(|(part, ..)| holds(part));
    match content {
        Some((_, problem, advice)) => Container::Foreign(problem, advice),
        None if holds(b"[Content_Types].xml") || holds(b"xl/") => Container::Workbook,
        None => Container::Foreign("is a zip archive", UNPACK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_for_what_they_are() {
        let tar = [&[b'a'; 257][..], b"ustar\x0000"].concat();
        for (bytes, what) in [
            (&b"PAR1\x15\x04"[..], "Parquet"),
            (b"Obj\x01\x04\x16avro.schema", "Avro"),
            (b"ORC\x0A\x03", "ORC"),
            (b"SQLite format 3\0\x10", "SQLite"),
            (b"%PDF-1.7", "PDF"),
            (b"\x09\x08\x10\0\0\x06\x05\0", "old Excel"),
            (
                b"PK\x03\x04\x14\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
                "OpenDocument",
            ),
            (b"PK\x03\x04[Content_Types].xml xl/workbook.bin", ".xlsb"),
            (b"PK\x03\x04[Content_Types].xml word/document.xml", "Word"),
            (b"PK\x03\x04people.csv", "zip"),
            (&tar, "tar"),
            (&[0; 9], "NUL"),
        ] {
            let Some(Container::Foreign(problem, advice)) = Container::of(bytes) else {
                panic!("{what}")
            };
            assert!(problem.contains(what) && !advice.is_empty(), "{problem}");
        }
        assert_eq!(
            Container::of(b"PK\x03\x04[Content_Types].xml"),
            Some(Container::Workbook)
        );
        for text in [
            &b"PARTNER,name\n"[..],
            b"Obj,a\n",
            b"\tid\tname\n",
            b"ORCID,name\n",
            b"",
        ] {
            assert_eq!(Container::of(text), None, "{text:?}");
        }
    }
}
