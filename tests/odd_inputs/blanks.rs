//! Blanks, rows without content, lines above the header, and quotes that shift the columns.

use super::packing::gzip;
use super::workbook::{rows, text, workbook};
use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    [
        after_delimiters(),
        around_cells(),
        rows_of_blanks(),
        above_the_header(),
        missing_delimiters(),
        names(),
        joined(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn after_delimiters() -> Vec<Case> {
    vec![
        case(
            "a blank after each delimiter, also before quotes",
            "people.csv",
            "userId, name, notes\nu1, Ann, \"+1 555\"\nu2, \"Doe, Ben\", x\n",
        )
        .does("reads the cells without it")
        .rows(&[
            "2: name=\"Ann\", notes=\"+1 555\", userId=\"u1\"",
            "3: name=\"Doe, Ben\", notes=\"x\", userId=\"u2\"",
        ]),
        case(
            "the same in the rows alone, with semicolons, tabs and more than one blank",
            "people.csv",
            "userId;name;notes\nu1;\t\"Doe; Ann\";  \"a \"\"b\"\"\"\nu2; \"Ben\"; x\n",
        )
        .does("reads the cells without them")
        .rows(&[
            "2: name=\"Doe; Ann\", notes=\"a \\\"b\\\"\", userId=\"u1\"",
            "3: name=\"Ben\", notes=\"x\", userId=\"u2\"",
        ]),
        case(
            "a blank after each delimiter, and line ends in a quoted cell",
            "people.csv",
            "userId, name, notes\nu1, \"Doe, Ann\", \"one,\ntwo, three\"\nu2, Ben, y\n",
        )
        .config("[input]\ntrim = false\n[fields]\nuserId = \"userId\"\nname = \"name\"\nnotes = \"notes\"\n")
        .does("keeps what is within the quotes, also where other blanks are kept")
        .rows(&[
            "2: name=\"Doe, Ann\", notes=\"one,\\ntwo, three\", userId=\"u1\"",
            "4: name=\" Ben\", notes=\" y\", userId=\"u2\"",
        ]),
        case(
            "blanks after a closing quote",
            "people.csv",
            "userId,name,notes\nu1,\"Doe, Ann\" ,x\nu2,\"Ben\"\t,\"y\" \r\n",
        )
        .does("passes over them")
        .rows(&[
            "2: name=\"Doe, Ann\", notes=\"x\", userId=\"u1\"",
            "3: name=\"Ben\", notes=\"y\", userId=\"u2\"",
        ]),
        case(
            "a quote behind a blank that encloses no cell",
            "people.csv",
            "userId,name\nu1, \"tiny\" Ann\nu2,Ben\n",
        )
        .does("rejects that row: it is not known whether the quotes are text")
        .rows(&[
            "2: rejected blank_before_quote @ name",
            "3: name=\"Ben\", userId=\"u2\"",
        ]),
    ]
}

fn around_cells() -> Vec<Case> {
    const ANN: &str = "{\"id\":1,\"userId\":\"u1\",\"name\":\"Ann\",\"company\":\"Acme\",\"customData\":{},\"tags\":[]}\n";
    vec![
        case(
            "blanks around cells",
            "people.csv",
            "userId,name,company\nu1, Ann ,Acme\n",
        )
        .remote(ANN)
        .does("are no content, and no change")
        .rows(&["2: unchanged"]),
        case(
            "tabs and no-break spaces around cells and names, quoted or not",
            "people.csv",
            " userId,\u{a0}name ,company\t\n\u{3000}u1 ,\"\tAnn\u{a0}\",Acme\u{2009}\n",
        )
        .config("[fields]\nuserId = \"userId\"\nname = \"name\"\ncompany = \"company\"\n")
        .remote(ANN)
        .does("are no content either")
        .rows(&["2: unchanged"]),
        case(
            "blanks around a value that HelpCrunch has",
            "people.csv",
            "userId,name,customData.plan\nu1,Ann,pro\n",
        )
        .remote("{\"id\":1,\"userId\":\"u1\",\"name\":\" Ann \",\"customData\":{\"plan\":\"pro\\n\"},\"tags\":[]}\n")
        .does("are no change alone")
        .rows(&["2: unchanged"]),
        case(
            "blanks around cells, which are to be kept",
            "people.csv",
            "userId,name,company\nu1, Ben ,Acme\n",
        )
        .config("[input]\ntrim = false\n")
        .remote(ANN)
        .does("sends them with the rest")
        .rows(&["2: patch name=\" Ben \""]),
        case(
            "blanks around texts in JSON",
            "people.jsonl",
            "{\"userId\":\"u1\",\"name\":\" Ben \"}\n",
        )
        .does("are exact: sent as they are")
        .rows(&["1: name=\" Ben \", userId=\"u1\""]),
        case(
            "blanks around cells of a workbook",
            "people.xlsx",
            workbook(&[(
                "People",
                &rows(&[
                    &[text("userId "), text("name")],
                    &[text("u1"), text(" Ann\u{a0}")],
                    &[text(" "), text("\u{a0}")],
                    &[text("u2"), text("Ben")],
                ]),
            )]),
        )
        .does("are no content; a row of them alone is passed over")
        .rows(&[
            "2: name=\"Ann\", userId=\"u1\"",
            "4: name=\"Ben\", userId=\"u2\"",
        ])
        .notes(&["sheet `People`, the only one", "all their cells are blank: 1"]),
    ]
}

fn rows_of_blanks() -> Vec<Case> {
    vec![
        case(
            "rows of delimiters alone",
            "people.csv",
            "userId,name\n,\nu1,Ann\n , \n,\n",
        )
        .does("passes over them, and counts them")
        .rows(&["3: name=\"Ann\", userId=\"u1\""])
        .notes(&["all their cells are blank: 3"]),
        case(
            "rows of empty quotes, and of more or fewer delimiters than there are columns",
            "people.csv",
            "userId;name;notes\n\"\";\"\";\" \"\nu1;Ann;x\n;;;;;\n;\u{a0}\n",
        )
        .does("passes over them, and counts them")
        .rows(&["3: name=\"Ann\", notes=\"x\", userId=\"u1\""])
        .notes(&["all their cells are blank: 3"]),
        case(
            "a row of tabs in a table of tabs, and a row of one quote",
            "people.tsv",
            "userId\tname\n\t\nu1\tAnn\n\t\"\"\"\"\n",
        )
        .does("passes over the first; the second holds something")
        .rows(&[
            "3: name=\"Ann\", userId=\"u1\"",
            "4: rejected no_key @ userId",
        ])
        .notes(&["all their cells are blank: 1"]),
    ]
}

fn above_the_header() -> Vec<Case> {
    const REPORT: &str =
        "Contact export,,\nGenerated,2024-05-01,\n,,\nuserId,email,name\nu1,ann@example.com,Ann\n";
    vec![
        case("three lines above the header", "people.csv", REPORT)
            .config("[input]\nskip_lines = 3\n")
            .does("leaves them out; lines are still counted as they stand")
            .rows(&["5: email=\"ann@example.com\", name=\"Ann\", userId=\"u1\""]),
        case("three lines above the header, not said", "people.csv", REPORT)
            .does("refuses, and says where the header seems to be")
            .refused(&["line 4", "`skip_lines = 3` in [input]"]),
        case(
            "a title of one line above a table of semicolons",
            "people.csv",
            "Contacts, all of them, by ann@example.com\n\nKunde;E-Mail;Ort\n7;x@example.com;Bern\n8;y@example.com;Genf\n",
        )
        .does("refuses, and says where the header seems to be")
        .refused(&["line 3", "`skip_lines = 2` in [input]"]),
        case(
            "`sep=;` and a title, both left out",
            "people.csv",
            "sep=;\r\nReport \"May\r\nuserId;name\r\nu1;a,b\r\n",
        )
        .config("[input]\nskip_lines = 2\n")
        .does("obeys the first line all the same")
        .rows(&["4: name=\"a,b\", userId=\"u1\""]),
        case(
            "more lines to leave out than there are",
            "people.csv",
            "userId,name\nu1,Ann\n",
        )
        .config("[input]\nskip_lines = 9\n")
        .does("refuses")
        .refused(&["nothing after", "skip_lines = 9"]),
        case(
            "rows above the header of a workbook",
            "people.xlsx",
            titled_workbook(),
        )
        .config("[input]\nskip_lines = 2\n")
        .does("leaves them out")
        .rows(&["4: name=\"Ann\", userId=\"u1\""])
        .notes(&["sheet `People`, the only one"]),
        case(
            "rows above the header of a workbook, not said",
            "people.xlsx",
            titled_workbook(),
        )
        .does("refuses, and says where the header seems to be")
        .refused(&["line 3", "`skip_lines = 2` in [input]"]),
        case(
            "a file of rejected rows, fed back with `skip_lines`",
            "rejected.csv",
            "_line,_status,_error,userId, name\n7,rejected,\"x\",u1, \"Doe, Ann\"\n",
        )
        .config("[input]\nskip_lines = 3\n")
        .does("leaves nothing out: it has no such lines")
        .rows(&["2: name=\"Doe, Ann\", userId=\"u1\""]),
    ]
}

fn titled_workbook() -> Vec<u8> {
    let body = rows(&[
        &[text("Contact export")],
        &[text(" ")],
        &[text("userId"), text("name")],
        &[text("u1"), text("Ann")],
    ]);
    workbook(&[("People", &body)])
}

fn missing_delimiters() -> Vec<Case> {
    vec![
        case(
            "a missing delimiter before a quoted cell, so that the columns shift",
            "people.csv",
            "userId,name,company,notes\nu1,Ann\"Smith, Inc\",\"x\"\nu2,Bo,\"Lee, Co\",y\n",
        )
        .does("rejects that row")
        .rows(&[
            "2: rejected missing_delimiter @ name",
            "3: company=\"Lee, Co\", name=\"Bo\", notes=\"y\", userId=\"u2\"",
        ]),
        case(
            "the same with semicolons, behind a number and at the end",
            "people.csv",
            "userId;name;notes\nu1;12\"Smith; Inc\"\nu2;said \"a;b\" c\nu3;Bo;y\n",
        )
        .does("rejects those rows")
        .rows(&[
            "2: rejected missing_delimiter @ name",
            "3: rejected missing_delimiter @ name",
            "4: name=\"Bo\", notes=\"y\", userId=\"u3\"",
        ]),
        case(
            "inch marks in two cells of a row, and quotes in words",
            "people.csv",
            "userId,name,notes\nu1,5\" tv,6\" radio\nu2,צה\"ל,בע\"מ\nu3,Ann \"A\" B,5\"\n",
        )
        .does("are text")
        .rows(&[
            "2: name=\"5\\\" tv\", notes=\"6\\\" radio\", userId=\"u1\"",
            "3: name=\"צה\\\"ל\", notes=\"בע\\\"מ\", userId=\"u2\"",
            "4: name=\"Ann \\\"A\\\" B\", notes=\"5\\\"\", userId=\"u3\"",
        ]),
        case(
            "a quoted text that looks like rows, in a row with a cell too few",
            "people.csv",
            "userId,name,notes\nu1,\"hi,x\nu9,Eve,evil\nbye,y,z\"\nu2,Ben,z\n",
        )
        .does("rejects the row with all of the text: what is quoted is never read as rows")
        .rows(&[
            "2: rejected swallowed_rows @ name",
            "5: name=\"Ben\", notes=\"z\", userId=\"u2\"",
        ]),
    ]
}

fn names() -> Vec<Case> {
    vec![
        case(
            "invisible characters in the header",
            "people.csv",
            "user\u{200b}Id,E\u{ad}-mail,first\u{a0}seen\na,a@x.de,2020-01-02\n",
        )
        .does("knows the fields all the same")
        .rows(&["2: email=\"a@x.de\", firstSeen=1577923200, userId=\"a\""]),
        case(
            "an invisible character in the header, and a config that names what can be seen",
            "people.csv",
            "Kunden\u{200b}nr,Full\u{a0}name\na,Ann\n",
        )
        .config("[fields]\nuserId = \"Kundennr\"\nname = \"Full name\"\n")
        .does("takes the column that looks like it")
        .rows(&["2: name=\"Ann\", userId=\"a\""]),
        case(
            "an invisible character in a name that the config has otherwise",
            "people.csv",
            "E\u{200b}mail,name\na@x.de,Ann\n",
        )
        .config("[fields]\nemail = \"Mail\"\n")
        .does("refuses, and spells out the character")
        .refused(&["did you mean `E\\u{200b}mail`?"]),
    ]
}

fn joined() -> Vec<Case> {
    vec![
        case(
            "byte order marks at the head of later lines, as of files put together",
            "people.csv",
            "\u{feff}userId,name\na,Ann\n\u{feff}b,Ben\n\u{feff}\"c, d\",Cid\n\u{feff}",
        )
        .does("passes over them")
        .rows(&[
            "2: name=\"Ann\", userId=\"a\"",
            "3: name=\"Ben\", userId=\"b\"",
            "4: name=\"Cid\", userId=\"c, d\"",
        ]),
        case(
            "the same in JSON Lines",
            "people.jsonl",
            "{\"userId\":\"a\"}\n\u{feff}{\"userId\":\"b\"}\n",
        )
        .does("passes over them")
        .rows(&["1: userId=\"a\"", "2: userId=\"b\""]),
        case(
            "a lone CR at the end of the file",
            "people.csv",
            "userId,name\na,Ann\nb,\"Ben\"\n\r",
        )
        .does("is no content")
        .rows(&[
            "2: name=\"Ann\", userId=\"a\"",
            "3: name=\"Ben\", userId=\"b\"",
        ]),
        case(
            "a lone CR after the last row, kept blanks or not, and two before each line end",
            "people.csv",
            "userId,name\r\r\na,Ann\r\r\nb,\"Ben\"\r",
        )
        .config("[fields]\nuserId = \"userId\"\nname = \"name\"\n")
        .does("is no content")
        .rows(&[
            "2: name=\"Ann\", userId=\"a\"",
            "3: name=\"Ben\", userId=\"b\"",
        ]),
        case(
            "gzip with zeros at its end, as tapes and block devices add them",
            "people.csv.gz",
            [gzip(b"userId,name\na,Ann\nb,Ben\n"), vec![0; 70_000]].concat(),
        )
        .does("reads it")
        .rows(&[
            "2: name=\"Ann\", userId=\"a\"",
            "3: name=\"Ben\", userId=\"b\"",
        ]),
    ]
}
