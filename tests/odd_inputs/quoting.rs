use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    let unclosed_long = {
        let mut text = "userId,name\na,\"Ann\n".to_owned();
        for n in 1..=1500 {
            text += &format!("u{n},x\n");
        }
        text
    };
    vec![
        case(
            "line ends within quotes",
            "people.csv",
            "userId,notes\na,\"one\ntwo\r\nthree\"\nb,x\n",
        )
        .does("keeps them as they are; the next row's line is right")
        .rows(&[
            "2: notes=\"one\\ntwo\\r\\nthree\", userId=\"a\"",
            "5: notes=\"x\", userId=\"b\"",
        ]),
        case(
            "doubled quotes",
            "people.csv",
            "userId,name\na,\"Ann \"\"the\"\" one\"\n",
        )
        .does("reads one for two")
        .rows(&["2: name=\"Ann \\\"the\\\" one\", userId=\"a\""]),
        case(
            "a cell of quotes only",
            "people.csv",
            "userId,name\na,\"\"\"\"\nb,\"\"\n",
        )
        .does("one quote, and nothing")
        .rows(&["2: name=\"\\\"\", userId=\"a\"", "3: userId=\"b\""]),
        case(
            "a quote within a cell that is not quoted",
            "people.csv",
            "userId,name\na,Ann \"A\" B\nb,5\" pipe\n",
        )
        .does("is text")
        .rows(&[
            "2: name=\"Ann \\\"A\\\" B\", userId=\"a\"",
            "3: name=\"5\\\" pipe\", userId=\"b\"",
        ]),
        case(
            "text after a closing quote",
            "people.csv",
            "userId,name\na,\"Ann\" A\nb,Ben\n",
        )
        .does("rejects that row, and says where the quote closed")
        .rows(&[
            "2: rejected stray_quote @ name",
            "3: name=\"Ben\", userId=\"b\"",
        ]),
        case(
            "a quote that opens and is never closed",
            "people.csv",
            "userId,name\na,\"Ann\nb,Ben\nc,Cid\n",
        )
        .does("rejects the row where it opened; the rest is not swallowed")
        .rows(&[
            "2: rejected unclosed_quote @ name",
            "3: name=\"Ben\", userId=\"b\"",
            "4: name=\"Cid\", userId=\"c\"",
        ]),
        case(
            "two such quotes, rows apart, that seem to be a pair",
            "people.csv",
            "userId,name\na,\"Ann\nb,Ben\nc,\"Cid\nd,Dan\n",
        )
        .does("rejects both rows, keeps the one between")
        .rows(&[
            "2: rejected unclosed_quote @ name",
            "3: name=\"Ben\", userId=\"b\"",
            "4: rejected unclosed_quote @ name",
            "5: name=\"Dan\", userId=\"d\"",
        ]),
        case(
            "an open quote in the last row",
            "people.csv",
            "userId,name\na,Ann\nb,\"Ben",
        )
        .does("rejects that row")
        .rows(&[
            "2: name=\"Ann\", userId=\"a\"",
            "3: rejected unclosed_quote @ name",
        ]),
        case(
            "an open quote and 1,500 rows after it",
            "people.csv",
            unclosed_long,
        )
        .does("gives up on it after 1,000 lines that look like rows, and reads them as such")
        .rows(quoted_rows()),
        case(
            "an open quote, and an inch mark that ends a later row",
            "people.csv",
            "userId,name,notes\na,\"Ann,x\nb,Ben,y\nc,Cid,5\"\nd,Dan,w\n",
        )
        .does("rejects the lines together: what is in quotes is never read as rows, though it may look like some")
        .rows(&[
            "2: rejected swallowed_rows @ name",
            "5: name=\"Dan\", notes=\"w\", userId=\"d\"",
        ]),
        case(
            "an open quote, and an inch mark within a later row, so that the cells come out right",
            "people.csv",
            "userId,name,notes\na,\"Ann,x\nb,Ben,y\nc,Cid,z\nd,Dan 5\",w\ne,Eve,v\n",
        )
        .does("rejects the lines that each look like a row, instead of making them one name")
        .rows(&[
            "2: rejected swallowed_rows @ name",
            "6: name=\"Eve\", notes=\"v\", userId=\"e\"",
        ]),
        case("a quoted text of 1,200 lines", "people.csv", long_text())
            .does("reads it: its lines do not look like rows")
            .rows(&[
                "2: notes=<14400 characters>, userId=\"a\"",
                "1202: notes=\"x\", userId=\"b\"",
            ]),
        case(
            "a blank before an opening quote",
            "people.csv",
            "userId,name\na, \"Ann\"\n",
        )
        .does("is no content, where all such rows are read well like that")
        .rows(&["2: name=\"Ann\", userId=\"a\""]),
        case(
            "backslashes before quotes, as MySQL writes them",
            "people.csv",
            "userId,name\na,\"Ann \\\"A\\\" B\"\nb,Ben\n",
        )
        .does("rejects the row: CSV doubles a quote")
        .rows(&[
            "2: rejected stray_quote @ name",
            "3: name=\"Ben\", userId=\"b\"",
        ]),
        case(
            "single quotes",
            "people.csv",
            "userId,name\na,'Ann, A'\nb,'Ben'\n",
        )
        .does("are text: the first row has a cell too many")
        .rows(&["2: rejected ragged", "3: name=\"'Ben'\", userId=\"b\""]),
        case(
            "single quotes around every name of the header",
            "people.csv",
            "'userId','name'\na,'Ann, A'\n'b','it''s \"B\"'\n'c,x\n",
        )
        .does("takes them for the quotes of this file")
        .rows(&[
            "2: name=\"Ann, A\", userId=\"a\"",
            "3: name=\"it's \\\"B\\\"\", userId=\"b\"",
            "4: rejected unclosed_quote @ userId",
        ]),
        case(
            "single quotes, set",
            "people.csv",
            "userId,name\na,'Ann, A'\nb,\"Ben\"\n",
        )
        .config("[input]\nquote = \"'\"\n")
        .does("takes them for quotes, and others for text")
        .rows(&[
            "2: name=\"Ann, A\", userId=\"a\"",
            "3: name=\"\\\"Ben\\\"\", userId=\"b\"",
        ]),
        case(
            "quotes that mean nothing, as a database writes tabs",
            "people.tsv",
            "userId\tname\na\t\"Tiny\" Ann\nb\t\"Ben\nc\t5\"\n",
        )
        .config("[input]\nquote = \"none\"\n")
        .does("takes them for text")
        .rows(&[
            "2: name=\"\\\"Tiny\\\" Ann\", userId=\"a\"",
            "3: name=\"\\\"Ben\", userId=\"b\"",
            "4: name=\"5\\\"\", userId=\"c\"",
        ]),
        case("typographic quotes", "people.csv", "userId,name\na,“Ann”\n")
            .does("are text")
            .rows(&["2: name=\"“Ann”\", userId=\"a\""]),
        case(
            "every cell quoted, with delimiters in them",
            "people.csv",
            "\"userId\",\"name\"\n\"a\",\"A,n;n\"\n\"b\",\"Ben\"\n",
        )
        .does("reads it")
        .rows(&[
            "2: name=\"A,n;n\", userId=\"a\"",
            "3: name=\"Ben\", userId=\"b\"",
        ]),
    ]
}

fn quoted_rows() -> &'static [&'static str] {
    let rows = (1..=1500).map(|n| format!("{}: name=\"x\", userId=\"u{n}\"", n + 2));
    let all = std::iter::once("2: rejected unclosed_quote @ name".to_owned()).chain(rows);
    all.map(|row| &*row.leak()).collect::<Vec<_>>().leak()
}

fn long_text() -> Vec<u8> {
    let lines = vec!["Hello, Ann"; 1200].join("\n");
    format!("userId,notes\na,\"{lines}\"\nb,x\n").into_bytes()
}
