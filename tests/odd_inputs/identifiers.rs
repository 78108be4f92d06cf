use crate::case::{Case, case};
use crate::workbook::{number, text, typed};
use crate::xlsx::{head, sheet};

const FIX: &str = "[input]\nrepair = \"fix\"\n";

pub(crate) fn cases() -> Vec<Case> {
    [keys(), fixed_keys(), phones(), other_columns()]
        .into_iter()
        .flatten()
        .collect()
}

fn keys() -> Vec<Case> {
    vec![
        case(
            "userIds that a spreadsheet or script damaged: `101.0`, `=\"00123\"`, `'00124`, `NULL`, `#REF!`",
            "people.csv",
            "userId,name\n101.0,n1\n\"=\"\"00123\"\"\",n2\n'00124,n3\nNULL,n4\n#REF!,n5\n00125,n6\n",
        )
        .does("rejects those rows, with the cell and what repair would make of it")
        .rows(&[
            "2: rejected damaged @ userId",
            "3: rejected damaged @ userId",
            "4: rejected damaged @ userId",
            "5: rejected damaged @ userId",
            "6: rejected damaged @ userId",
            "7: name=\"n6\", userId=\"00125\"",
        ]),
        case(
            "more of them: `1e5`, `1.0E10`, `101,00`, `1,000`, `=A2`, `<NA>`, `undefined`, `\\N`, `Err:502`, `#ЗНАЧ!`",
            "people.csv",
            "userId;name\n1e5;a\n1.0E10;b\n101,00;c\n1,000;d\n=A2;e\n<NA>;f\nundefined;g\n\\N;h\nErr:502;i\n#ЗНАЧ!;j\n-;k\nv2.0;l\n1.0.3;m\n10.0.0.0;n\n",
        )
        .does("rejects them; `v2.0`, `1.0.3` are ids")
        .rows(&[
            "2: rejected damaged @ userId",
            "3: rejected damaged @ userId",
            "4: rejected damaged @ userId",
            "5: rejected damaged @ userId",
            "6: rejected damaged @ userId",
            "7: rejected damaged @ userId",
            "8: rejected damaged @ userId",
            "9: rejected damaged @ userId",
            "10: rejected damaged @ userId",
            "11: rejected damaged @ userId",
            "12: rejected damaged @ userId",
            "13: name=\"l\", userId=\"v2.0\"",
            "14: name=\"m\", userId=\"1.0.3\"",
            "15: name=\"n\", userId=\"10.0.0.0\"",
        ]),
        case(
            "invisible characters and no-break spaces in keys",
            "people.csv",
            "userId,email\nu1\u{200b},\n\u{202a}u2\u{202c},\nu\u{ad}3,\nu4,ann@x.de\u{feff}\nu5,ann\u{a0}lee@x.de\nu6,'ann@x.de\nu7,\u{a0}ben@x.de\n",
        )
        .does("rejects those rows and shows the characters escaped; blanks around a cell are no content")
        .rows(&[
            "2: rejected damaged @ userId",
            "3: rejected damaged @ userId",
            "4: rejected damaged @ userId",
            "5: rejected damaged @ email",
            "6: rejected damaged @ email",
            "7: rejected damaged @ email",
            "8: email=\"ben@x.de\", userId=\"u7\"",
        ]),
        case(
            "the same damage in JSON: `101.0`, `1e5`, `101.5` as numbers, texts with guards",
            "people.jsonl",
            "{\"userId\":101.0}\n{\"userId\":1e5}\n{\"userId\":101.5}\n{\"userId\":\"'00124\"}\n{\"userId\":\"nan\"}\n{\"userId\":101}\n",
        )
        .does("rejects those rows")
        .rows(&[
            "1: rejected damaged @ userId",
            "2: rejected damaged @ userId",
            "3: rejected damaged @ userId",
            "4: rejected damaged @ userId",
            "5: rejected damaged @ userId",
            "6: userId=\"101\"",
        ]),
        case(
            "the same in a workbook",
            "people.xlsx",
            sheet(&[
                &head(&["userId"]),
                &[text("101.0")],
                &[text("None")],
                &[text("u\u{200d}1")],
                &[number("101", 0)],
            ]),
        )
        .does("rejects those rows; a number is its digits")
        .notes(&["sheet `People`"])
        .rows(&[
            "2: rejected damaged @ userId",
            "3: rejected damaged @ userId",
            "4: rejected damaged @ userId",
            "5: userId=\"101\"",
        ]),
        case(
            "a key that a template makes of damaged cells",
            "people.csv",
            "shop,n\na,7.0\na,NULL\na,8\n",
        )
        .config("[input]\nrepair = \"fix\"\n[fields]\nuserId = { template = \"{{ shop }}-{{ n }}\" }\n")
        .does("fixes its cells first; without a value there is no such key")
        .notes(&[])
        .rows(&[
            "2: userId=\"a-7\"",
            "3: rejected damaged",
            "4: userId=\"a-8\"",
        ]),
    ]
}

fn fixed_keys() -> Vec<Case> {
    const CUSTOMERS: &str = "{\"id\":1,\"userId\":\"101\",\"name\":\"n1\"}\n{\"id\":2,\"userId\":\"00123\",\"name\":\"Anna\"}\n{\"id\":3,\"userId\":\"00124\",\"name\":\"n3\"}\n{\"id\":4,\"userId\":\"u1\",\"name\":\"Bo\"}\n";
    vec![
        case(
            "damaged userIds, `repair = \"fix\"`",
            "people.csv",
            "userId,name\n101.0,n1\n\"=\"\"00123\"\"\",Ann\n'00124,n3\nu1\u{200b},Bo\n",
        )
        .config(FIX)
        .remote(CUSTOMERS)
        .does("finds the customers")
        .rows(&[
            "2: unchanged",
            "3: patch name=\"Ann\"",
            "4: unchanged",
            "5: unchanged",
        ]),
        case(
            "two kinds of damage in one cell, and what cannot be fixed",
            "people.csv",
            "userId\n'101.0\n\u{feff}=\"00123\"\n1.23E+11\n101.000\n123000000000.0\n#N/A\n",
        )
        .config(FIX)
        .remote(CUSTOMERS)
        .does("fixes what has exactly one meaning")
        .rows(&[
            "2: unchanged",
            "3: unchanged",
            "4: rejected damaged @ userId",
            "5: rejected damaged @ userId",
            "6: rejected damaged @ userId",
            "7: rejected damaged @ userId",
        ]),
        case(
            "placeholders in keys, `repair = \"fix\"`",
            "people.jsonl",
            "{\"userId\":\"None\",\"email\":\"ann@x.de\"}\n{\"userId\":101.0,\"email\":\"N/A\"}\n{\"userId\":\"nan\"}\n",
        )
        .config(FIX)
        .remote(CUSTOMERS)
        .does("are no value: another key finds the customer, and a row without one is rejected")
        .rows(&[
            "1: email=\"ann@x.de\"",
            "2: unchanged",
            "3: rejected no_key @ userId",
        ]),
    ]
}

fn phones() -> Vec<Case> {
    const CUSTOMERS: &str = "{\"id\":1,\"userId\":\"u1\",\"phone\":\"380501234567\"}\n{\"id\":2,\"userId\":\"u2\",\"phone\":\"+380501234568\"}\n";
    vec![
        case(
            "phones that a spreadsheet damaged",
            "people.csv",
            "userId,phone\nu1,380501234567.0\nu2,'+380501234568\nu3,\"=\"\"+380501234569\"\"\"\nu4,#N/A\nu5,+380501234571\n",
        )
        .does("rejects those rows, so that no good number is overwritten")
        .rows(&[
            "2: rejected damaged @ phone",
            "3: rejected damaged @ phone",
            "4: rejected damaged @ phone",
            "5: rejected damaged @ phone",
            "6: phone=\"+380501234571\", userId=\"u5\"",
        ]),
        case(
            "damaged phones, `repair = \"fix\"`",
            "people.csv",
            "userId,phone\nu1,380501234567.0\nu2,\u{202a}+380501234568\u{202c}\nu3,N/A\nu4,12e34\n",
        )
        .config(FIX)
        .remote(CUSTOMERS)
        .does("fixes what has exactly one meaning; a placeholder is no value")
        .rows(&[
            "2: unchanged",
            "3: unchanged",
            "4: userId=\"u3\"",
            "5: rejected damaged @ phone",
        ]),
        case(
            "phones of a region: damage, and numbers that look a little like it",
            "people.csv",
            "userId,phone\nu1,3.8E+11\nu2,-\nu3,050 123 45 70\n",
        )
        .config("[fields]\nuserId = \"userId\"\nphone = { column = \"phone\", region = \"UA\" }\n")
        .does("rejects what is damaged")
        .rows(&[
            "2: rejected damaged @ phone",
            "3: rejected damaged @ phone",
            "4: phone=\"+380501234570\", userId=\"u3\"",
        ]),
    ]
}

fn other_columns() -> Vec<Case> {
    vec![
        case(
            "errors of a spreadsheet in other columns of a CSV file",
            "people.csv",
            "userId,name,customData.n,tags,size\na,#REF!,1,x,1\nb,Ben,#N/A,x,1\nc,Cid,1,#NAME?,1\nd,Dan,1,x,#N/A\n",
        )
        .does("rejects those rows, as in a workbook; in a column that nothing uses they do not matter")
        .notes(&["ignored column `size`"])
        .rows(&[
            "2: rejected cell_error @ name",
            "3: rejected cell_error @ customData.n",
            "4: rejected cell_error @ tags",
            "5: name=\"Dan\", userId=\"d\", customData.n=1, tags=x",
        ]),
        case(
            "errors and placeholders that `null_values` lists",
            "people.csv",
            "userId,email,name\na,-,#N/A\n-,ann@x.de,Ann\n",
        )
        .config("[input]\nnull_values = [\"-\", \"#N/A\"]\n")
        .does("are empty before anything is looked at")
        .rows(&["2: userId=\"a\"", "3: email=\"ann@x.de\", name=\"Ann\""]),
        case(
            "the same in a workbook",
            "people.xlsx",
            sheet(&[
                &head(&["userId", "name"]),
                &[text("a"), typed("e", "#N/A")],
            ]),
        )
        .config("[input]\nnull_values = [\"#N/A\"]\n")
        .does("is empty too")
        .notes(&["sheet `People`"])
        .rows(&["2: userId=\"a\""]),
    ]
}
