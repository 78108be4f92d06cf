//! Workbooks of the least parts, stored without compression.

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

/// Cell styles: 0 plain, 1 date with time, 2 date, 3 a span of time.
const STYLES: &str = "<numFmts count=\"1\"><numFmt numFmtId=\"164\" formatCode=\"[h]:mm\"/></numFmts><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/><xf numFmtId=\"14\"/><xf numFmtId=\"164\"/></cellXfs>";

/// A workbook with these sheets, each with its name and the XML within its root element.
pub(crate) fn workbook(sheets: &[(&str, &str)]) -> Vec<u8> {
    with_properties("", sheets)
}

/// The same with `properties` before the list of sheets.
pub(crate) fn with_properties(properties: &str, sheets: &[(&str, &str)]) -> Vec<u8> {
    let sheets: Vec<_> = sheets
        .iter()
        .map(|(name, body)| Sheet::new(name, body))
        .collect();
    of_sheets(properties, &sheets)
}

pub(crate) struct Sheet<'a> {
    name: &'a str,
    body: &'a str,
    state: &'a str,
    kind: &'a str,
}

impl<'a> Sheet<'a> {
    pub(crate) fn new(name: &'a str, body: &'a str) -> Self {
        Self {
            name,
            body,
            state: "visible",
            kind: "worksheet",
        }
    }

    /// `hidden` or `veryHidden`.
    pub(crate) fn state(self, state: &'a str) -> Self {
        Self { state, ..self }
    }

    pub(crate) fn chart(name: &'a str) -> Self {
        Self {
            kind: "chartsheet",
            ..Self::new(name, "")
        }
    }
}

pub(crate) fn of_sheets(properties: &str, sheets: &[Sheet<'_>]) -> Vec<u8> {
    let xml = |root: &str, body: &str| {
        format!("<{root} xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\">{body}</{root}>")
    };
    let mut listed = String::new();
    let mut links = String::new();
    let mut parts = vec![(
        "[Content_Types].xml".to_owned(),
        "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"
            .to_owned(),
    )];
    for (at, sheet) in sheets.iter().enumerate() {
        let n = at + 1;
        let (name, state, kind) = (sheet.name, sheet.state, sheet.kind);
        listed +=
            &format!("<sheet name=\"{name}\" sheetId=\"{n}\" state=\"{state}\" r:id=\"s{n}\"/>");
        links += &relationship(&format!("s{n}"), kind, &format!("{kind}s/sheet{n}.xml"));
        parts.push((format!("xl/{kind}s/sheet{n}.xml"), xml(kind, sheet.body)));
    }
    links += &relationship("styles", "styles", "styles.xml");
    parts.push(("xl/styles.xml".to_owned(), xml("styleSheet", STYLES)));
    parts.push((
        "xl/workbook.xml".to_owned(),
        xml(
            "workbook",
            &format!("{properties}<sheets>{listed}</sheets>"),
        ),
    ));
    parts.push((
        "_rels/.rels".to_owned(),
        relationships(&relationship("b", "officeDocument", "xl/workbook.xml")),
    ));
    parts.push((
        "xl/_rels/workbook.xml.rels".to_owned(),
        relationships(&links),
    ));
    archive(&parts)
}

/// `<sheetData>` of rows of cells that are XML, from the first row on. `text` and `number` make cells.
pub(crate) fn rows(all: &[&[String]]) -> String {
    let rows = all.iter().enumerate().map(|(at, cells)| {
        let row = at + 1;
        let cells = cells.iter().enumerate().map(|(column, cell)| {
            let column = char::from(b'A' + column as u8);
            cell.replacen("<c", &format!("<c r=\"{column}{row}\""), 1)
        });
        format!("<row r=\"{row}\">{}</row>", cells.collect::<String>())
    });
    format!("<sheetData>{}</sheetData>", rows.collect::<String>())
}

pub(crate) fn text(text: &str) -> String {
    format!("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>")
}

/// A number, or a date by the style.
pub(crate) fn number(value: &str, style: u8) -> String {
    format!("<c s=\"{style}\"><v>{value}</v></c>")
}

/// A cell of another type: `b` boolean, `e` error, `str` the text of a formula.
pub(crate) fn typed(kind: &str, value: &str) -> String {
    format!("<c t=\"{kind}\"><v>{value}</v></c>")
}

fn relationship(id: &str, kind: &str, target: &str) -> String {
    format!("<Relationship Id=\"{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
}

fn relationships(all: &str) -> String {
    format!("<Relationships xmlns=\"{PACKAGE}\">{all}</Relationships>")
}

/// A zip archive.
pub(crate) fn archive(parts: &[(String, String)]) -> Vec<u8> {
    let (mut zip, mut index) = (Vec::new(), Vec::new());
    for (name, body) in parts {
        let size = (body.len() as u32).to_le_bytes();
        let name_size = (name.len() as u16).to_le_bytes();
        let checksum = crc32fast::hash(body.as_bytes()).to_le_bytes();
        let head = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &checksum,
            &size,
            &size,
            &name_size,
            &[0, 0],
        ]
        .concat();
        let offset = (zip.len() as u32).to_le_bytes();
        zip.extend(
            [
                b"PK\x03\x04",
                head.as_slice(),
                name.as_bytes(),
                body.as_bytes(),
            ]
            .concat(),
        );
        index.extend(
            [
                b"PK\x01\x02\x14\0",
                head.as_slice(),
                &[0; 10],
                &offset,
                name.as_bytes(),
            ]
            .concat(),
        );
    }
    let count = (parts.len() as u16).to_le_bytes();
    let (size, at) = (
        (index.len() as u32).to_le_bytes(),
        (zip.len() as u32).to_le_bytes(),
    );
    let end = [
        b"PK\x05\x06\0\0\0\0",
        &count[..],
        &count,
        &size,
        &at,
        &[0, 0],
    ]
    .concat();
    [zip, index, end].concat()
}
