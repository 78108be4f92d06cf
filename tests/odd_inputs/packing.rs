use std::io::Write;

use crate::case::{Case, case};

const PEOPLE: &str = "userId,name\na,Ann\nb,Ben\n";
const PEOPLE_ROWS: &[&str] = &[
    "2: name=\"Ann\", userId=\"a\"",
    "3: name=\"Ben\", userId=\"b\"",
];

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 0).unwrap()
}

fn without_last(mut bytes: Vec<u8>, count: usize) -> Vec<u8> {
    bytes.truncate(bytes.len() - count);
    bytes
}

pub(crate) fn cases() -> Vec<Case> {
    let spoilt = {
        let mut bytes = gzip(PEOPLE.as_bytes());
        let checksum = bytes.len() - 6;
        bytes[checksum] ^= 1;
        bytes
    };
    vec![
        case("gzip", "people.csv.gz", gzip(PEOPLE.as_bytes()))
            .does("unpacks it on the way")
            .rows(PEOPLE_ROWS),
        case(
            "gzip of several members, as `cat a.gz b.gz` makes it",
            "people.csv.gz",
            [gzip(b"userId,name\na,A"), gzip(b"nn\nb,Ben\n")].concat(),
        )
        .does("reads all of them as one file")
        .rows(PEOPLE_ROWS),
        case("zstd", "people.csv.zst", zstd(PEOPLE.as_bytes()))
            .does("unpacks it on the way")
            .rows(PEOPLE_ROWS),
        case(
            "zstd of several frames",
            "people.csv.zst",
            [zstd(b"userId,name\na,A"), zstd(b"nn\nb,Ben\n")].concat(),
        )
        .does("reads all of them as one file")
        .rows(PEOPLE_ROWS),
        case(
            "gzip on standard input",
            "people.csv.gz",
            gzip(PEOPLE.as_bytes()),
        )
        .on_stdin()
        .does("unpacks it")
        .rows(PEOPLE_ROWS),
        case(
            "zstd on standard input",
            "people.csv.zst",
            zstd(PEOPLE.as_bytes()),
        )
        .on_stdin()
        .does("unpacks it")
        .rows(PEOPLE_ROWS),
        case(
            "gzip that is named `.csv`",
            "people.csv",
            gzip(PEOPLE.as_bytes()),
        )
        .does("goes by the content")
        .rows(PEOPLE_ROWS),
        case("a plain file that is named `.gz`", "people.csv.gz", PEOPLE)
            .does("goes by the content")
            .rows(PEOPLE_ROWS),
        case(
            "packed JSONL without any ending",
            "people",
            gzip(b"{\"userId\":\"a\"}\n{\"userId\":\"b\"}\n"),
        )
        .does("goes by the content")
        .rows(&["1: userId=\"a\"", "2: userId=\"b\""]),
        case(
            "gzip that was cut off",
            "people.csv.gz",
            without_last(gzip(PEOPLE.as_bytes()), 12),
        )
        .does("refuses all of it: what is missing is not known")
        .refused(&["cannot be unpacked", "gzip data is damaged or cut off"]),
        case(
            "gzip whose checksum is missing",
            "people.csv.gz",
            without_last(gzip(PEOPLE.as_bytes()), 4),
        )
        .does("refuses all of it")
        .refused(&["cannot be unpacked"]),
        case("gzip with a wrong checksum", "people.csv.gz", spoilt)
            .does("refuses all of it")
            .refused(&["cannot be unpacked"]),
        case(
            "gzip whose second member was cut off",
            "people.csv.gz",
            [gzip(PEOPLE.as_bytes()), without_last(gzip(b"c,Cid\n"), 9)].concat(),
        )
        .does("refuses all of it, also what came before")
        .refused(&["cannot be unpacked"]),
        case(
            "zstd that was cut off",
            "people.csv.zst",
            without_last(zstd(PEOPLE.as_bytes()), 3),
        )
        .does("refuses all of it")
        .refused(&["zstd data is damaged or cut off"]),
        case(
            "gzip with something behind it that is no gzip",
            "people.csv.gz",
            [gzip(PEOPLE.as_bytes()), b"trailing".to_vec()].concat(),
        )
        .does("refuses all of it")
        .refused(&["cannot be unpacked"]),
        case("gzip of nothing", "people.csv.gz", gzip(b""))
            .does("refuses an input without anything in it")
            .refused(&["is empty"]),
        case(
            "gzip within gzip",
            "people.csv.gz.gz",
            gzip(&gzip(PEOPLE.as_bytes())),
        )
        .does("unpacks once, and says what is in it")
        .refused(&["is packed twice", "unpack it once"]),
    ]
}
