use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    const TWO: &str = "{\"id\":1,\"userId\":\"a\",\"email\":\"a@x.de\",\"name\":\"Ann\"}\n{\"id\":2,\"userId\":\"b\",\"email\":\"b@x.de\",\"name\":\"Ben\"}\n";
    vec![
        case(
            "a row without a key",
            "people.csv",
            "userId,email,name\n,,Ann\nb,,Ben\n",
        )
        .does("rejects it")
        .rows(&[
            "2: rejected no_key @ userId",
            "3: name=\"Ben\", userId=\"b\"",
        ]),
        case(
            "a file without a column for a key",
            "people.csv",
            "name,company\nAnn,X\n",
        )
        .does("refuses")
        .refused(&["userId", "email"]),
        case(
            "a file whose e-mail column has another name",
            "people.csv",
            "First Name,Last Name,Email Address\nAnn,Lee,ann@example.com\n",
        )
        .does("refuses, and names the column and the line to write")
        .refused(&["email = \"Email Address\"", "hcsync init people.csv"]),
        case(
            "a file whose e-mail column is known by its values only",
            "people.csv",
            "Vorname,Kontakt\nAnn,ann@example.com\nBen,ben@example.com\n",
        )
        .does("refuses, and names the column and the line to write")
        .refused(&["email = \"Kontakt\""]),
        case(
            "a file with a unique column that ends with `id`",
            "people.csv",
            "Name,Account ID\nAnn,17\nBen,18\n",
        )
        .does("refuses, and names the column and the line to write")
        .refused(&["userId = \"Account ID\""]),
        case(
            "two rows for one customer",
            "people.csv",
            "userId,name\na,Ann\na,Anna\n",
        )
        .does("rejects the second")
        .rows(&["2: name=\"Ann\", userId=\"a\"", "3: rejected duplicate"]),
        case(
            "two rows for one customer, `duplicates = \"last\"`",
            "people.csv",
            "userId,name\na,Ann\na,Anna\n",
        )
        .config("[rows]\nduplicates = \"last\"\n")
        .does("leaves out the first")
        .rows(&["2: skipped", "3: name=\"Anna\", userId=\"a\""]),
        case(
            "userIds that differ in case or by a blank only",
            "people.csv",
            "userId,name\nAB,Ann\nab,Ben\n ab ,Cid\n",
        )
        .does("case matters, blanks around do not")
        .rows(&[
            "2: name=\"Ann\", userId=\"AB\"",
            "3: name=\"Ben\", userId=\"ab\"",
            "4: rejected duplicate",
        ]),
        case(
            "userIds that look alike: composed and decomposed `é`",
            "people.csv",
            "userId\né\ne\u{301}\n",
        )
        .does("are two: ids are compared exactly")
        .rows(&["2: userId=\"é\"", "3: userId=\"e\u{301}\""]),
        case(
            "e-mails that differ in case only",
            "people.csv",
            "email,name\nAnn@X.de,Ann\nann@x.DE,Anna\n",
        )
        .does("are one customer: rejects the second")
        .rows(&[
            "2: email=\"Ann@X.de\", name=\"Ann\"",
            "3: rejected duplicate",
        ]),
        case(
            "an e-mail that HelpCrunch has in another case",
            "people.csv",
            "email,name\nA@X.DE,Ann\n",
        )
        .remote(TWO)
        .does("finds the customer; the address is left as it is")
        .rows(&["2: unchanged"]),
        case(
            "a userId of one customer with the e-mail of another",
            "people.csv",
            "userId,email\na,b@x.de\n",
        )
        .remote(TWO)
        .does("rejects the row")
        .rows(&["2: rejected conflict"]),
        case(
            "an e-mail that several customers have",
            "people.csv",
            "email,name\na@x.de,Ann\n",
        )
        .remote("{\"id\":1,\"email\":\"a@x.de\"}\n{\"id\":2,\"email\":\"A@x.de\"}\n")
        .does("rejects the row")
        .rows(&["2: rejected ambiguous"])
        .notes(&["fill in the column `decision` of ambiguous.csv"]),
        case(
            "the same object twice",
            "people.jsonl",
            "{\"userId\":\"a\"}\n{\"userId\":\"a\"}\n",
        )
        .does("rejects the second")
        .rows(&["1: userId=\"a\"", "2: rejected duplicate"]),
    ]
}
