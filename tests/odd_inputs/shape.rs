use super::packing::gzip;
use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    let wide = {
        let names = (1..10_000).map(|n| format!(",c{n}")).collect::<String>();
        let cells = (1..10_000).map(|n| format!(",{n}")).collect::<String>();
        format!("userId{names}\na{cells}\nb{cells},more\n")
    };
    let large = {
        let line = format!(
            "{}
",
            "y".repeat(5_900)
        );
        format!(
            "userId,notes
a,\"{}\"
b,x
",
            line.repeat(900)
        )
    };
    let one_line = format!("userId,notes\na,{}\nb,x\n", "y".repeat(5 << 20));
    let longer = gzip(format!("userId,notes\na,{}\nb,x\n", "y".repeat(65 << 20)).as_bytes());
    vec![
        case(
            "a row with a cell too few",
            "people.csv",
            "userId,name,notes\na,Ann\nb,Ben,x\n",
        )
        .does("rejects that row: which cell is missing is not known")
        .rows(&[
            "2: rejected ragged",
            "3: name=\"Ben\", notes=\"x\", userId=\"b\"",
        ]),
        case(
            "a row with a cell too many",
            "people.csv",
            "userId,name\na,Ann,x\nb,Ben\n",
        )
        .does("rejects that row")
        .rows(&["2: rejected ragged", "3: name=\"Ben\", userId=\"b\""]),
        case(
            "the header once more in the middle, mark and all, as of files put together",
            "people.csv",
            "userId,name\na,Ann\n\u{feff}userId,name\nb,Ben\n",
        )
        .does("rejects what is no row")
        .rows(&[
            "2: name=\"Ann\", userId=\"a\"",
            "3: rejected repeated_header",
            "4: name=\"Ben\", userId=\"b\"",
        ]),
        case(
            "a delimiter at the end of every line, also of the header",
            "people.csv",
            "userId,name,\na,Ann,\nb,Ben,\n",
        )
        .does("is a column without a name, which nothing uses")
        .rows(&[
            "2: name=\"Ann\", userId=\"a\"",
            "3: name=\"Ben\", userId=\"b\"",
        ])
        .notes(&["ignored column `"]),
        case(
            "a delimiter at the end of every line but the header",
            "people.csv",
            "userId,name\na,Ann,\nb,Ben,\n",
        )
        .does("rejects the rows: a shifted column would do worse")
        .rows(&["2: rejected ragged", "3: rejected ragged"]),
        case(
            "a total below the rows, as reports have it",
            "people.csv",
            "userId,name\na,Ann\n\n1 row\n",
        )
        .does("rejects what is no row")
        .rows(&["2: name=\"Ann\", userId=\"a\"", "4: rejected ragged"]),
        case(
            "a NUL character in a cell",
            "people.csv",
            "userId,name\na,A\0nn\nb,Ben\n",
        )
        .does("is a part of the text, and sent as it is")
        .rows(&[
            "2: name=\"A\\u0000nn\", userId=\"a\"",
            "3: name=\"Ben\", userId=\"b\"",
        ])
        .notes(&["values with control characters"]),
        case(
            "a NUL character in a key",
            "people.csv",
            "userId,name\na\0b,Ann\n",
        )
        .does("rejects the row")
        .rows(&["2: rejected bad_user_id @ userId"]),
        case("10,000 columns", "people.csv", wide)
            .does("reads them; a row with one more is rejected")
            .config("[fields]\nuserId = \"userId\"\n[custom_data]\nlast = \"c9999\"\n[tags]\n")
            .rows(&[
                "2: userId=\"a\", customData.last=9999",
                "3: rejected ragged",
            ])
            .notes(wide_notes()),
        case("a cell of 5 MB in one line", "people.csv", one_line)
            .does("reads it")
            .rows(&[
                "2: notes=<5242882 characters>, userId=\"a\"",
                "3: notes=\"x\", userId=\"b\"",
            ]),
        case("a quoted cell of 900 lines and 5 MB", "people.csv", large)
            .does("reads it, without the line end at its end; beyond 16 MiB the quote would be taken for a stray one")
            .rows(&[
                "2: notes=<5311800 characters>, userId=\"a\"",
                "903: notes=\"x\", userId=\"b\"",
            ]),
        case("a line of 65 MB (packed here)", "people.csv.gz", longer)
            .does("rejects it, beyond 64 MiB, without keeping it in memory")
            .rows(&["2: rejected too_long", "3: notes=\"x\", userId=\"b\""]),
        case(
            "blank cells in a row that is there",
            "people.csv",
            "userId,name,notes\na,,\n , , \n",
        )
        .does("say nothing about a field; a row of blank cells alone is passed over")
        .rows(&["2: userId=\"a\""])
        .notes(&["all their cells are blank: 1"]),
    ]
}

fn wide_notes() -> &'static [&'static str] {
    let notes = (1..9999).map(|n| &*format!("ignored column `c{n}").leak());
    notes.collect::<Vec<_>>().leak()
}
