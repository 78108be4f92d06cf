use crate::case::{Case, case};
use crate::workbook::{Sheet, number, of_sheets, rows, text, typed, with_properties, workbook};

pub(crate) fn head(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| text(name)).collect()
}

/// A workbook of one sheet.
pub(crate) fn sheet(all: &[&[String]]) -> Vec<u8> {
    workbook(&[("People", &rows(all))])
}

const TYPES: &str = "[fields]\nuserId = \"userId\"\nfirstSeen = { column = \"seen\", type = \"date\", timezone = \"Europe/Kyiv\" }\n[custom_data]\nn = \"n\"\non = \"on\"\n";

pub(crate) fn cases() -> Vec<Case> {
    let named = |case: Case| match case.input.contains("second one named") {
        true => case.first_note("sheet `Others` of 2 sheets"),
        false => case.first_note("sheet `People`"),
    };
    let all = [cells().into_iter().map(named).collect(), sheets()];
    all.into_iter().flatten().collect()
}

/// Which sheet is read.
fn sheets() -> Vec<Case> {
    let people = rows(&[&head(&["userId", "name"]), &[text("a"), text("Ann")]]);
    let of = |names: &[&str]| rows(&[&head(names)]);
    let cache = rows(&[&head(&["note"]), &[text("old stuff")]]);
    let read: &[&str] = &["2: name=\"Ann\", userId=\"a\""];
    let book = |first: Sheet<'_>| {
        of_sheets(
            "",
            &[
                first,
                Sheet::new("People", &people),
                Sheet::new("Lists", &of(&["x"])),
            ],
        )
    };
    let title = rows(&[
        &[text("Customers 2024")],
        &[],
        &head(&["userId", "name"]),
        &[text("a"), text("Ann")],
    ]);
    let prose = rows(&[
        &[text("How to use")],
        &[text("Fill in a row for each customer.")],
        &[text("Leave out what you do not know.")],
    ]);
    let totals = rows(&[
        &[text("Total"), number("120", 0)],
        &[text("New"), number("7", 0)],
    ]);
    let fields = rows(&[
        &head(&["Exported by", "Version"]),
        &[text("Bob"), text("2")],
    ]);
    let listed: &[&str] = &[
        "`First`, does not look like a table",
        "sheet",
        "[input]",
        "`People` (2 rows, 2 columns)",
        "`Lists` (1 row, 1 column)",
    ];
    vec![
        case("a hidden sheet first", "people.xlsx", book(Sheet::new("Cache", &cache).state("hidden")))
            .does("passes it over, as whoever opens the workbook sees it")
            .notes(&["sheet `People` of 3 sheets, of which 1 hidden or without cells; to read another, set `input.sheet`"])
            .rows(read),
        case("a very hidden sheet first", "people.xlsx", book(Sheet::new("Cache", &cache).state("veryHidden")))
            .does("passes it over")
            .notes(&["sheet `People` of 3 sheets"])
            .rows(read),
        case("a chart first", "people.xlsx", book(Sheet::chart("Chart1")))
            .does("passes it over")
            .notes(&["sheet `People` of 3 sheets"])
            .rows(read),
        case("a hidden sheet that is named", "people.xlsx", of_sheets("", &[Sheet::new("Lists", &of(&["x"])), Sheet::new("People", &people).state("hidden")]))
            .config("[input]\nsheet = \"People\"\n")
            .does("reads it")
            .notes(&["sheet `People` of 2 sheets"])
            .rows(read),
        case("a chart that is named", "people.xlsx", book(Sheet::chart("Chart1")))
            .config("[input]\nsheet = \"Chart1\"\n")
            .does("refuses, and names the sheets with cells")
            .refused(&["no sheet `Chart1`", "`People`, `Lists`"]),
        case("a title above the table of the first sheet, and other sheets", "people.xlsx", book(Sheet::new("First", &title)))
            .does("refuses, says where the header seems to be, lists the sheets with their sizes, and says how to choose")
            .refused(&["line 3", "skip_lines = 2", "`People` (2 rows, 2 columns)"]),
        case("a first sheet with instructions", "people.xlsx", book(Sheet::new("First", &prose))).does("refuses likewise").refused(listed),
        case("a first sheet with totals", "people.xlsx", book(Sheet::new("First", &totals))).does("refuses likewise").refused(listed),
        case("an empty first sheet", "people.xlsx", book(Sheet::new("First", "<sheetData/>"))).does("refuses likewise").refused(listed),
        case("a first sheet that could be a table, but has no key", "people.xlsx", book(Sheet::new("First", &fields)))
            .does("refuses, and says how to choose another")
            .refused(&["`People` (2 rows, 2 columns)", "[input]"]),
    ]
}

fn cells() -> Vec<Case> {
    let two = [
        ("People", rows(&[&head(&["userId"]), &[text("a")]])),
        ("Others", rows(&[&head(&["userId"]), &[text("z")]])),
    ];
    let two = workbook(&two.each_ref().map(|(name, body)| (*name, body.as_str())));
    let typed_sheet = rows(&[
        &head(&["userId", "seen", "n", "on"]),
        &[
            number("12", 0),
            number("45943", 2),
            number("15.5", 0),
            typed("b", "1"),
        ],
        &[
            text("007"),
            number("45943.5", 1),
            number("-0", 0),
            typed("b", "0"),
        ],
    ]);
    let types: &[&str] = &[
        "2: firstSeen=1760302800, userId=\"12\", customData.n=15.5, customData.on=true",
        "3: firstSeen=1760346000, userId=\"007\", customData.n=0, customData.on=false",
    ];
    vec![
        case("numbers, dates, times and booleans", "people.xlsx", workbook(&[("People", &typed_sheet)]))
            .config(TYPES)
            .does("reads what was stored, not how it was shown; a date is midnight in the column's time zone")
            .rows(types),
        case("numbers with all their digits, and numbers and words that are text", "people.xlsx", sheet(&[&head(&["userId", "customData.n"]), &[text("a"), number("59.970000000000006", 0)], &[text("b"), number("0.1", 0)], &[text("c"), number("1E-7", 0)], &[text("d"), text("15")], &[text("e"), text("true")], &[text("f"), number("-12", 0)]]))
            .does("goes by the type of the cell, not by what stands there")
            .rows(&[
                "2: userId=\"a\", customData.n=59.970000000000006",
                "3: userId=\"b\", customData.n=0.1",
                "4: userId=\"c\", customData.n=1e-7",
                "5: userId=\"d\", customData.n=\"15\"",
                "6: userId=\"e\", customData.n=\"true\"",
                "7: userId=\"f\", customData.n=-12",
            ]),
        case("numbers in a column that is written with a decimal comma", "people.xlsx", sheet(&[&head(&["userId", "n"]), &[text("a"), number("1234.5", 0)], &[text("b"), text("1.234,5")]]))
            .config("[custom_data]\nn = { column = \"n\", type = \"number\", decimal = \",\", thousands = \".\" }\n")
            .does("reads the numbers as they are stored, and texts as the config says")
            .rows(&["2: userId=\"a\", customData.n=1234.5", "3: userId=\"b\", customData.n=1234.5"]),
        case("a workbook that counts days from 1904", "people.xlsx", with_properties("<workbookPr date1904=\"1\"/>", &[("People", &typed_sheet.replace("45943", "44481"))]))
            .config(TYPES)
            .does("reads the same dates")
            .rows(types),
        case("a workbook that is named `.csv`", "people.csv", two.clone()).does("goes by the content").rows(&["2: userId=\"a\""]),
        case("a workbook on standard input", "people.xlsx", two.clone()).on_stdin().does("reads it").rows(&["2: userId=\"a\""]),
        case("two sheets", "people.xlsx", two.clone()).does("reads the first").rows(&["2: userId=\"a\""]),
        case("two sheets, the second one named", "people.xlsx", two.clone()).config("[input]\nsheet = \"Others\"\n").does("reads that one").rows(&["2: userId=\"z\""]),
        case("a sheet that there is not", "people.xlsx", two).config("[input]\nsheet = \"Leute\"\n").does("refuses, and names those that there are").refused(&["no sheet `Leute`", "`People`, `Others`"]),
        case("cells with errors: `#N/A`, `#REF!`", "people.xlsx", sheet(&[&head(&["userId", "name"]), &[text("a"), typed("e", "#N/A")], &[typed("e", "#REF!"), text("Ben")], &[text("c"), text("Cid")]]))
            .does("rejects those rows")
            .rows(&["2: rejected cell_error @ name", "3: rejected damaged @ userId", "4: name=\"Cid\", userId=\"c\""]),
        case("formulas", "people.xlsx", sheet(&[&head(&["userId", "name", "email"]), &[text("a"), "<c t=\"str\"><f>A1</f><v>Ann</v></c>".to_owned(), "<c><f>1+1</f><v>2</v></c>".to_owned()]]))
            .config("[fields]\nuserId = \"userId\"\nname = \"name\"\ncompany = \"email\"\n")
            .does("takes the values that were stored with them")
            .rows(&["2: company=\"2\", name=\"Ann\", userId=\"a\""]),
        case("a formula whose value was never stored", "people.xlsx", sheet(&[&head(&["userId", "name"]), &[text("a"), "<c><f>1+1</f></c>".to_owned()], &[text("b"), text("Ben")]]))
            .does("rejects the row: it is no empty cell")
            .rows(&["2: rejected no_value @ name", "3: name=\"Ben\", userId=\"b\""]),
        case("an error in a column that nothing uses", "people.xlsx", sheet(&[&head(&["userId", "size"]), &[text("a"), typed("e", "#N/A")]]))
            .does("does not matter")
            .notes(&["ignored column `size`"])
            .rows(&["2: userId=\"a\""]),
        case("a number of more than 15 digits, which a spreadsheet has rounded", "people.xlsx", sheet(&[&head(&["userId"]), &[number("1234567890123456789", 0)], &[number("123456789012345", 0)]]))
            .does("rejects the row: the digits are lost")
            .rows(&["2: rejected inexact_number @ userId", "3: userId=\"123456789012345\""]),
        case("the 29th of February 1900, which Excel has and the world had not", "people.xlsx", sheet(&[&head(&["userId", "seen"]), &[text("a"), number("60", 2)], &[text("b"), number("61", 2)]]))
            .config("[fields]\nuserId = \"userId\"\nfirstSeen = \"seen\"\n")
            .does("rejects the row")
            .rows(&["2: rejected bad_date @ seen", "3: firstSeen=-2203891200, userId=\"b\""]),
        case("merged cells", "people.xlsx", workbook(&[("People", &(rows(&[&head(&["userId", "name", "company"]), &[text("a"), text("Ann"), text("X")], &[text("b"), text("Ben"), "<c/>".to_owned()]]) + "<mergeCells count=\"1\"><mergeCell ref=\"C2:C3\"/></mergeCells>"))]))
            .does("has the value in the first of them only, as the file has it")
            .rows(&["2: company=\"X\", name=\"Ann\", userId=\"a\"", "3: name=\"Ben\", userId=\"b\""]),
        case("blank rows above and between, and a blank column", "people.xlsx", workbook(&[("People", "<sheetData><row r=\"3\"><c r=\"B3\" t=\"inlineStr\"><is><t>userId</t></is></c><c r=\"D3\" t=\"inlineStr\"><is><t>name</t></is></c></row><row r=\"4\"/><row r=\"7\"><c r=\"B7\"><v>1</v></c><c r=\"D7\" t=\"inlineStr\"><is><t>Ann</t></is></c></row></sheetData>")]))
            .does("skips them; lines are the sheet's own rows")
            .rows(&["7: name=\"Ann\", userId=\"1\""])
            .notes(&["ignored column `"]),
        case("text of several runs and with blanks and line ends", "people.xlsx", sheet(&[&head(&["userId", "notes"]), &[text("a"), "<c t=\"inlineStr\"><is><r><t xml:space=\"preserve\">bold </t></r><r><t>and\nnot</t></r></is></c>".to_owned()]]))
            .does("is one text")
            .rows(&["2: notes=\"bold and\\nnot\", userId=\"a\""]),
        case("a cell right of the last name", "people.xlsx", sheet(&[&head(&["userId"]), &[text("a"), text("stray")]]))
            .does("stands in a column without a name, which nothing uses")
            .rows(&["2: userId=\"a\""])
            .notes(&["ignored column `"]),
        case("a sheet with nothing in it", "people.xlsx", workbook(&[("People", "<sheetData/>")])).does("refuses").refused(&["is empty"]),
    ]
}
