use crate::case::{Case, case};

const ROWS: &[&str] = &[
    "2: name=\"Ann\", userId=\"a\"",
    "3: name=\"Ben\", userId=\"b\"",
];

pub(crate) fn cases() -> Vec<Case> {
    [delimiters(), headers(), line_ends()]
        .into_iter()
        .flatten()
        .collect()
}

fn delimiters() -> Vec<Case> {
    vec![
        case(
            "semicolons, as Excel writes them in most of Europe",
            "people.csv",
            "userId;name\na;Ann\nb;Ben\n",
        )
        .does("finds the delimiter")
        .rows(ROWS),
        case(
            "tabs in a file named `.csv`",
            "people.csv",
            "userId\tname\na\tAnn\nb\tBen\n",
        )
        .does("finds the delimiter")
        .rows(ROWS),
        case(
            "a `.tsv`",
            "people.tsv",
            "userId\tname\na\tAnn, A;B|C\nb\tBen\n",
        )
        .does("takes the tab for granted")
        .rows(&[
            "2: name=\"Ann, A;B|C\", userId=\"a\"",
            "3: name=\"Ben\", userId=\"b\"",
        ]),
        case("bars", "people.csv", "userId|name\na|Ann\nb|Ben\n")
            .does("finds the delimiter")
            .rows(ROWS),
        case(
            "semicolons with commas in the cells",
            "people.csv",
            "userId;name\na;Doe, Ann, Dr\nb;Roe, Ben, Dr\n",
        )
        .does("finds the one that every row has as often as the header")
        .rows(&[
            "2: name=\"Doe, Ann, Dr\", userId=\"a\"",
            "3: name=\"Roe, Ben, Dr\", userId=\"b\"",
        ]),
        case(
            "semicolons, and commas and line ends within quotes",
            "people.csv",
            "userId;name\na;\"x;y,z\n1,2,3\"\nb;Ben\n",
        )
        .does("does not count what is quoted")
        .rows(&[
            "2: name=\"x;y,z\\n1,2,3\", userId=\"a\"",
            "4: name=\"Ben\", userId=\"b\"",
        ]),
        case(
            "tabs with quoted tabs",
            "people.csv",
            "userId\tname\na\t\"A\tnn\"\nb\tBen\n",
        )
        .does("keeps the quoted ones")
        .rows(&[
            "2: name=\"A\\tnn\", userId=\"a\"",
            "3: name=\"Ben\", userId=\"b\"",
        ]),
        case(
            "two delimiters that explain the file equally well",
            "people.csv",
            "userId,name;email\na,b;c\n",
        )
        .does("does not guess")
        .refused(&["delimiter", "`,`, `;`", "input.delimiter"]),
        case(
            "the same with the delimiter set",
            "people.csv",
            "userId,name;email\na,b;c\n",
        )
        .config("[input]\ndelimiter = \",\"\n")
        .does("reads it as set")
        .rows(&["2: userId=\"a\""])
        .notes(&["ignored column `name;email"]),
        case(
            "a delimiter that is hard to guess",
            "people.csv",
            "userId^name\na^Ann\nb^Ben\n",
        )
        .config("[input]\ndelimiter = \"^\"\n")
        .does("reads it as set")
        .rows(ROWS),
        case(
            "a delimiter of two characters",
            "people.csv",
            "userId::name\na::Ann\n",
        )
        .config("[input]\ndelimiter = \"::\"\n")
        .does("refuses, with the config's line")
        .refused(&["hcsync.toml:2:13", "one ASCII character"]),
        case("one column only", "people.csv", "userId\na\nb\n")
            .does("needs no delimiter")
            .rows(&["2: userId=\"a\"", "3: userId=\"b\""]),
        case(
            "Excel's `sep=;` line before the header",
            "people.csv",
            "sep=;\nuserId;name\na;Ann\nb;Ben\n",
        )
        .does("takes it for what it says, not for a header")
        .rows(&[
            "3: name=\"Ann\", userId=\"a\"",
            "4: name=\"Ben\", userId=\"b\"",
        ]),
        case(
            "`sep=` with another delimiter than one would find",
            "people.csv",
            "\u{feff}\"sep=|\"\r\nuserId|name,first\r\na|x,y\r\n",
        )
        .does("takes it for what it says")
        .rows(&["3: userId=\"a\""])
        .notes(&["ignored column `name,first"]),
    ]
}

fn headers() -> Vec<Case> {
    vec![
        case("a header and nothing else", "people.csv", "userId,name\n")
            .does("is an input of no rows"),
        case(
            "a column that is there twice, and used",
            "people.csv",
            "userId,name,name\na,Ann,Anna\n",
        )
        .does("does not choose one of them")
        .refused(&["name"]),
        case(
            "a column that is there twice, and not used",
            "people.csv",
            "userId,note to us,note to us\na,1,2\n",
        )
        .does("ignores both")
        .rows(&["2: userId=\"a\""])
        .notes(&["note to us"]),
        case(
            "two columns for one field: `E-mail` and `email`",
            "people.csv",
            "E-mail,email\na@x.de,b@x.de\n",
        )
        .does("does not choose one of them")
        .refused(&["`E-mail`", "`email`"]),
        case(
            "a column without a name",
            "people.csv",
            "userId,,name\na,x,Ann\n",
        )
        .does("ignores it")
        .rows(&["2: name=\"Ann\", userId=\"a\""])
        .notes(&["ignored column `"]),
        case(
            "blanks, case and signs in the header",
            "people.csv",
            " User ID ,E-MAIL,first_seen\na,a@x.de,2020-01-02\n",
        )
        .does("knows the fields all the same")
        .rows(&["2: email=\"a@x.de\", firstSeen=1577923200, userId=\"a\""]),
        case(
            "blank lines before the header",
            "people.csv",
            "\n\n  \nuserId,name\na,Ann\n",
        )
        .does("skips them; lines are still counted as they stand")
        .rows(&["5: name=\"Ann\", userId=\"a\""]),
        case(
            "a header with line ends in a quoted name",
            "people.csv",
            "userId,\"name\nof person\",name\na,x,Ann\n",
        )
        .does("reads it; the first row is on line 3")
        .rows(&["3: name=\"Ann\", userId=\"a\""])
        .notes(&["ignored column `name\nof person"]),
        case(
            "no header, said by the config",
            "people.csv",
            "a,Ann\nb,Ben\n",
        )
        .config("[input]\nheader = false\ncolumns = [\"userId\", \"name\"]\n")
        .does("takes the names from `columns`, and the first line as a row")
        .rows(&[
            "1: name=\"Ann\", userId=\"a\"",
            "2: name=\"Ben\", userId=\"b\"",
        ]),
        case(
            "no header, and no names for the columns",
            "people.csv",
            "a,Ann\n",
        )
        .config("[input]\nheader = false\n")
        .does("refuses")
        .refused(&["input.columns"]),
        case(
            "no header, and the config does not say so",
            "people.csv",
            "u1,Ann\nu2,Ben\n",
        )
        .does("finds no column for a match key: refuses")
        .refused(&["userId"]),
        case(
            "a header whose quote is never closed",
            "people.csv",
            "userId,\"name\na,Ann\n",
        )
        .does("refuses: without a header nothing has a meaning")
        .refused(&["header", "line 1", "never closed"]),
        case(
            "a file of rejected rows, fed back",
            "rejected.csv",
            "_line,_status,_error,_hint,userId,name\n7,rejected,\"x\",\"y\",a,Ann\n",
        )
        .does("ignores the four columns that it added itself")
        .rows(&["2: name=\"Ann\", userId=\"a\""]),
        case(
            "a file of rejected rows of an earlier version, without hints",
            "rejected.csv",
            "_line,_status,_error,userId,name\n7,rejected,\"x\",a,Ann\n",
        )
        .does("ignores the three columns that it added itself")
        .rows(&["2: name=\"Ann\", userId=\"a\""]),
    ]
}

fn line_ends() -> Vec<Case> {
    vec![
        case("CRLF", "people.csv", "userId,name\r\na,Ann\r\nb,Ben\r\n")
            .does("reads it")
            .rows(ROWS),
        case(
            "CR alone, as old Macs wrote it",
            "people.csv",
            "userId,name\ra,Ann\rb,Ben\r",
        )
        .does("reads it")
        .rows(ROWS),
        case(
            "LF and CRLF mixed",
            "people.csv",
            "userId,name\na,Ann\r\nb,Ben\n",
        )
        .does("reads both")
        .rows(ROWS),
        case(
            "CRLF first, a lone CR within a row",
            "people.csv",
            "userId,name\r\na,A\rnn\r\nb,Ben\r\n",
        )
        .does("keeps it as a part of the cell")
        .rows(&[
            "2: name=\"A\\rnn\", userId=\"a\"",
            "3: name=\"Ben\", userId=\"b\"",
        ]),
        case(
            "no line end at the end",
            "people.csv",
            "userId,name\na,Ann\nb,Ben",
        )
        .does("reads the last row")
        .rows(ROWS),
        case(
            "blank lines between and after the rows",
            "people.csv",
            "userId,name\n\na,Ann\n \t\nb,Ben\n\n\n",
        )
        .does("skips them; lines are still counted as they stand")
        .rows(&[
            "3: name=\"Ann\", userId=\"a\"",
            "5: name=\"Ben\", userId=\"b\"",
        ]),
        case(
            "Ctrl-Z at the end, as DOS programs leave it",
            "people.csv",
            "userId,name\na,Ann\n\u{1a}",
        )
        .does("rejects what is no row")
        .rows(&["2: name=\"Ann\", userId=\"a\"", "3: rejected ragged"]),
    ]
}
