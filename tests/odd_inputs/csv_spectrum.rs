//! The cases of the public csv-spectrum set by their names, in our own words, and the rules of RFC 4180: cells come out as they
//! are meant.

use std::io::Cursor;

use hcsync::domain::{Cells, RowNumber};
use hcsync::source::{Reader, Record, SourceSettings};

/// Names and rows of a file, blanks kept; a record that cannot be read fails the test.
fn read(name: &str, text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let bytes = Cursor::new(text.to_owned().into_bytes());
    let mut reader = Reader::from_read(
        bytes,
        "spectrum.csv",
        &SourceSettings {
            trim: false,
            ..SourceSettings::default()
        },
        0,
        RowNumber(1),
    )
    .unwrap();
    let names = reader.columns().names().to_vec();
    let mut rows = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        let Record::Row(row) = record else {
            panic!("{name}: {record:?}")
        };
        let Cells::Table { texts, .. } = row.cells else {
            panic!("{name}")
        };
        rows.push(texts.iter().map(str::to_owned).collect());
    }
    (names, rows)
}

#[track_caller]
fn holds(name: &str, text: &str, names: &[&str], rows: &[&[&str]]) {
    let (found_names, found) = read(name, text);
    assert_eq!(found_names, names, "{name}");
    assert_eq!(found, rows, "{name}");
}

#[test]
fn comma_in_quotes() {
    let text = "first,last,address,city,zip\nIvan,Petrenko,120 any st.,\"Dnipro, UA\",49000\n";
    holds(
        "comma_in_quotes",
        text,
        &["first", "last", "address", "city", "zip"],
        &[&["Ivan", "Petrenko", "120 any st.", "Dnipro, UA", "49000"]],
    );
}

#[test]
fn empty() {
    holds(
        "empty",
        "a,b,c\n1,\"\",\"\"\n2,3,4\n",
        &["a", "b", "c"],
        &[&["1", "", ""], &["2", "3", "4"]],
    );
}

#[test]
fn empty_crlf() {
    holds(
        "empty_crlf",
        "a,b,c\r\n1,\"\",\"\"\r\n2,3,4\r\n",
        &["a", "b", "c"],
        &[&["1", "", ""], &["2", "3", "4"]],
    );
}

#[test]
fn escaped_quotes() {
    holds(
        "escaped_quotes",
        "a,b\n1,\"ho \"\"ho\"\" ho\"\n3,4\n",
        &["a", "b"],
        &[&["1", "ho \"ho\" ho"], &["3", "4"]],
    );
}

#[test]
fn json() {
    let text = "key,val\n1,\"{\"\"type\"\": \"\"Point\"\", \"\"coordinates\"\": [30.5, 50.4]}\"\n";
    holds(
        "json",
        text,
        &["key", "val"],
        &[&["1", "{\"type\": \"Point\", \"coordinates\": [30.5, 50.4]}"]],
    );
}

#[test]
fn location_coordinates() {
    let text = "Business Name,Location\nTea House,\"12 HILL RD\nKYIV, UA\n(50.45, 30.52)\"\nBakery,\"3 LONG ST\nLVIV, UA\n(49.84, 24.03)\"\n";
    let rows: &[&[&str]] = &[
        &["Tea House", "12 HILL RD\nKYIV, UA\n(50.45, 30.52)"],
        &["Bakery", "3 LONG ST\nLVIV, UA\n(49.84, 24.03)"],
    ];
    holds(
        "location_coordinates",
        text,
        &["Business Name", "Location"],
        rows,
    );
}

#[test]
fn newlines() {
    let text = "a,b,c\n1,2,3\n\"It was once \nupon a time\",5,6\n7,8,9\n";
    holds(
        "newlines",
        text,
        &["a", "b", "c"],
        &[
            &["1", "2", "3"],
            &["It was once \nupon a time", "5", "6"],
            &["7", "8", "9"],
        ],
    );
}

#[test]
fn newlines_crlf() {
    let text = "a,b,c\r\n1,2,3\r\n\"It was once \r\nupon a time\",5,6\r\n7,8,9\r\n";
    holds(
        "newlines_crlf",
        text,
        &["a", "b", "c"],
        &[
            &["1", "2", "3"],
            &["It was once \r\nupon a time", "5", "6"],
            &["7", "8", "9"],
        ],
    );
}

#[test]
fn quotes_and_newlines() {
    holds(
        "quotes_and_newlines",
        "a,b\n1,\"ho \n\"\"ho\"\" \nho\"\n3,4\n",
        &["a", "b"],
        &[&["1", "ho \n\"ho\" \nho"], &["3", "4"]],
    );
}

#[test]
fn simple() {
    holds(
        "simple",
        "a,b,c\n1,2,3\n",
        &["a", "b", "c"],
        &[&["1", "2", "3"]],
    );
}

#[test]
fn simple_crlf() {
    holds(
        "simple_crlf",
        "a,b,c\r\n1,2,3\r\n",
        &["a", "b", "c"],
        &[&["1", "2", "3"]],
    );
}

#[test]
fn utf8() {
    holds(
        "utf8",
        "a,b,c\n1,2,3\n4,5,ʤ\n",
        &["a", "b", "c"],
        &[&["1", "2", "3"], &["4", "5", "ʤ"]],
    );
}

/// Section 2 of RFC 4180, rule by rule.
#[test]
fn the_rules_of_rfc_4180() {
    let names = &["aaa", "bbb", "ccc"];
    let row: &[&[&str]] = &[&["zzz", "yyy", "xxx"]];
    holds(
        "1: each record on its line, CRLF",
        "aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n",
        names,
        row,
    );
    holds(
        "2: the last one may lack its line end",
        "aaa,bbb,ccc\r\nzzz,yyy,xxx",
        names,
        row,
    );
    holds(
        "3: a header of the same form",
        "\"aaa\",bbb,ccc\r\nzzz,yyy,xxx\r\n",
        names,
        row,
    );
    holds(
        "4: spaces are part of a field",
        "aaa,bbb,ccc\r\n zzz , yyy,xxx \r\n",
        names,
        &[&[" zzz ", " yyy", "xxx "]],
    );
    holds(
        "5: fields may be quoted, or not",
        "aaa,bbb,ccc\r\n\"zzz\",\"yyy\",xxx\r\n",
        names,
        row,
    );
    holds(
        "6: quoted line ends, quotes and commas",
        "aaa,bbb,ccc\r\n\"z\r\nz\",\"y\"\"y\",\"x,x\"\r\n",
        names,
        &[&["z\r\nz", "y\"y", "x,x"]],
    );
    holds(
        "7: a quote is doubled",
        "aaa,bbb,ccc\r\n\"\"\"z\"\"\",\"\"\"\",\"x\"\"\"\r\n",
        names,
        &[&["\"z\"", "\"", "x\""]],
    );
}
