use super::encodings::utf16le;
use super::packing::gzip;
use crate::case::{Case, case};
use crate::workbook::{archive, rows, text, workbook};

pub(crate) fn cases() -> Vec<Case> {
    let book = || workbook(&[("People", &rows(&[&[text("userId")], &[text("a")]]))]);
    let cut = |keep: usize| {
        let mut bytes = book();
        bytes.truncate(keep);
        bytes
    };
    let zip = archive(&[("people.csv".to_owned(), "userId\na\n".to_owned())]);
    let ods = archive(&[(
        "mimetype".to_owned(),
        "application/vnd.oasis.opendocument.spreadsheet".to_owned(),
    )]);
    let xlsb = archive(&[("xl/workbook.bin".to_owned(), String::new())]);
    let png = [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xDE".as_slice(),
        b"\0\0\0\x0CIDATx\x9Cc\xF8\xCF\xC0\0\0\x03\x01\x01\0\xC9\xFE\x92\xEF\0\0\0\0IEND\xAEB`\x82",
    ]
    .concat();
    let noise: Vec<u8> = (0..4096_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    vec![
        case("an empty file", "people.csv", "").does("refuses").refused(&["people.csv", "is empty"]),
        case("nothing but a byte order mark", "people.csv", "\u{feff}").does("refuses").refused(&["is empty"]),
        case("nothing but the mark of UTF-16", "people.csv", b"\xFF\xFE").does("refuses").refused(&["is empty"]),
        case("nothing but blank lines", "people.csv", "\n\r\n  \n\t\n").does("refuses").refused(&["is empty"]),
        case("nothing on standard input", "people.csv", "").on_stdin().does("refuses").refused(&["is empty"]),
        case("nothing but NUL characters, as a disk that was full leaves it", "people.csv", [0; 512]).does("refuses").refused(&["NUL bytes"]),
        case("a CSV that is named `.xlsx`", "people.xlsx", "userId,name\na,Ann\n").does("goes by the content").rows(&["2: name=\"Ann\", userId=\"a\""]),
        case("a CSV where the config says xlsx", "people.csv", "userId,name\na,Ann\n").config("[input]\nformat = \"xlsx\"\n").does("refuses").refused(&["is not an xlsx workbook", "set it to auto"]),
        case("a workbook where the config says csv", "people.xlsx", book()).config("[input]\nformat = \"csv\"\n").does("refuses").refused(&["is an xlsx workbook"]),
        case("an old `.xls`, or a workbook with a password", "people.xls", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0\0\0").does("refuses, and says how to save it").refused(&["old Excel file", "save it as .xlsx"]),
        case("an OpenDocument spreadsheet", "people.ods", ods).does("refuses, and says how to save it").refused(&["is an OpenDocument spreadsheet", "save it as .xlsx or CSV", "soffice --headless --convert-to xlsx people.ods"]),
        case("a zip archive with a CSV in it", "people.zip", zip).does("refuses").refused(&["is a zip archive", "unpack it"]),
        case("a workbook that was cut off at its end", "people.xlsx", cut(book().len() - 30)).does("refuses").refused(&["cannot be read as an xlsx workbook"]),
        case("a workbook that was cut off in its middle", "people.xlsx", cut(900)).does("refuses").refused(&["cannot be read as an xlsx workbook"]),
        case("the first bytes of a zip, and nothing more", "people.xlsx", b"PK\x03\x04").does("refuses").refused(&["zip"]),
        case("a PDF", "people.pdf", b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n").does("refuses").refused(&["is a PDF"]),
        case("a picture that is named `.csv`", "people.csv", png).does("refuses").refused(&["is a picture (PNG)", "export the data as CSV"]),
        case("a Parquet file that is named `.csv`", "people.csv", b"PAR1\x15\x04\x15\x10PAR1").does("refuses, and says how to export it").refused(&["is a Parquet file", "duckdb", "people.csv"]),
        case("an Avro file", "people.avro", b"Obj\x01\x04\x16avro.schema").does("refuses, and says how to export it").refused(&["is an Avro file", "avro-tools tojson people.avro"]),
        case("a SQLite database, packed", "people.db.gz", gzip(b"SQLite format 3\0\x10\0\x01\x01")).does("refuses, and says how to export it").refused(&["is a SQLite database", "sqlite3 -header -csv"]),
        case("a binary workbook", "people.xlsb", xlsb).does("refuses, and says how to save it").refused(&[".xlsb", "save it as .xlsx or CSV"]),
        case("an executable", "people.csv", b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0").does("refuses").refused(&["is a program"]),
        case("random bytes", "people.csv", noise).does("refuses").refused(&["people.csv"]),
        case("a web page instead of the file, as of a link that needed a login", "people.csv", "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body>Please sign in</body></html>\n")
            .does("finds no column for a match key: refuses")
            .refused(&["userId"]),
        case("an error of an export as JSON", "people.json", "{\"error\":\"not found\"}\n").does("finds no member for a match key: refuses").refused(&["userId"]),
        case("a SQL dump", "people.csv", "INSERT INTO people VALUES ('a','Ann');\nINSERT INTO people VALUES ('b','Ben');\n").does("cannot tell what its columns would be: refuses").refused(&["delimiter"]),
        case("UTF-16 that somebody named UTF-8", "people.csv", utf16le("userId,name\na,Ann\n")).config("[input]\nencoding = \"utf-8\"\n").does("finds no column for a match key: refuses").refused(&["userId"]),
    ]
}
