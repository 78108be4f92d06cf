use encoding_rs::Encoding;

use crate::case::{Case, case};

const PEOPLE: &str = "userId,name\na,Ann\nb,Їжак\n";
const PEOPLE_ROWS: &[&str] = &[
    "2: name=\"Ann\", userId=\"a\"",
    "3: name=\"Їжак\", userId=\"b\"",
];
const UKRAINIAN: &str = "userId;Name;Місто\n1;Олександр Коваленко;Київ\n2;Вікторія Шевченко;Вінниця\n3;Юрій Бондаренко;Дніпро\n";
const GERMAN: &str = "userId;name\n1;Jörg Müller, Große Gasse, Bärbel Schäfer\n2;Günther Köhler, Düsseldorfer Straße, Höhenweg\n3;Käthe Böhm, Mühlstraße, Ursula Krüger, Schloßallee\n4;Sören Größer, Fährweg, Jürgen Weiß\n";

/// The text in an encoding that has all of its characters.
fn in_encoding(label: &str, text: &str) -> Vec<u8> {
    let encoding = Encoding::for_label(label.as_bytes()).unwrap();
    let (bytes, _, lost) = encoding.encode(text);
    assert!(!lost, "{label} lacks a character of {text}");
    bytes.into_owned()
}

pub(super) fn utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn utf16be(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

pub(crate) fn cases() -> Vec<Case> {
    [unicode(), spoilt(), others(), unsure(), settings()]
        .into_iter()
        .flatten()
        .collect()
}

fn unicode() -> Vec<Case> {
    let marked = |text: &str| format!("\u{feff}{text}");
    vec![
        case("UTF-8", "people.csv", PEOPLE)
            .does("reads it")
            .rows(PEOPLE_ROWS),
        case(
            "UTF-8 with a byte order mark, as Excel saves it",
            "people.csv",
            marked(PEOPLE),
        )
        .does("drops the mark; it is no part of the first column's name")
        .rows(PEOPLE_ROWS),
        case(
            "UTF-16, little-endian, with a mark (Excel's “Unicode text”)",
            "people.csv",
            utf16le(&marked(PEOPLE)),
        )
        .does("reads it")
        .rows(PEOPLE_ROWS),
        case(
            "UTF-16, big-endian, with a mark",
            "people.csv",
            utf16be(&marked(PEOPLE)),
        )
        .does("reads it")
        .rows(PEOPLE_ROWS),
        case("UTF-16 without a mark", "people.csv", utf16le(PEOPLE))
            .does("does not guess the byte order")
            .refused(&[
                "cannot be determined",
                "`UTF-16LE`, `UTF-16BE`",
                "input.encoding",
            ]),
        case(
            "UTF-16, little-endian, without a mark, named",
            "people.csv",
            utf16le(PEOPLE),
        )
        .config("[input]\nencoding = \"utf-16le\"\n")
        .does("reads it as named")
        .rows(PEOPLE_ROWS),
        case(
            "UTF-16, big-endian, without a mark, named",
            "people.csv",
            utf16be(PEOPLE),
        )
        .config("[input]\nencoding = \"utf-16be\"\n")
        .does("reads it as named")
        .rows(PEOPLE_ROWS),
        case(
            "UTF-16 with half a surrogate pair in a cell",
            "people.csv",
            [
                utf16le("\u{feff}userId,name\na,"),
                vec![0x3D, 0xD8],
                utf16le("\nb,Ben\n"),
            ]
            .concat(),
        )
        .does("rejects that row alone")
        .rows(&[
            "2: rejected undecodable @ name",
            "3: name=\"Ben\", userId=\"b\"",
        ]),
        case(
            "UTF-16 that was cut in the middle of a character",
            "people.csv",
            {
                let mut bytes = utf16le("\u{feff}userId,name\na,Ann\nb,Ben");
                bytes.pop();
                bytes
            },
        )
        .does("rejects that row alone")
        .rows(&[
            "2: name=\"Ann\", userId=\"a\"",
            "3: rejected undecodable @ name",
        ]),
    ]
}

fn spoilt() -> Vec<Case> {
    let far = {
        let mut bytes = b"userId,notes\na,x\n".to_vec();
        bytes.extend(std::iter::repeat_n(b"\n", 1 << 20).flatten());
        bytes.extend(b"b,Jos\xE9\nc,y\n");
        bytes
    };
    vec![
        case(
            "UTF-8 with one spoilt byte",
            "people.csv",
            [PEOPLE.as_bytes(), b"c,Jos\xE9\nd,\xD0\x96an\n"].concat(),
        )
        .does("rejects that row alone")
        .rows(&[
            "2: name=\"Ann\", userId=\"a\"",
            "3: name=\"Їжак\", userId=\"b\"",
            "4: rejected undecodable @ name",
            "5: name=\"Жan\", userId=\"d\"",
        ]),
        case(
            "UTF-8 with surrogates and overlong forms, which are none",
            "people.csv",
            [
                PEOPLE.as_bytes(),
                b"c,\xED\xA0\xBD\nd,\xC0\xAF\n\xD0\x96\xD0\x96\xD0\x96\xD0\x96,\xD0\x96\n",
            ]
            .concat(),
        )
        .does("rejects those rows alone")
        .rows(&[
            "2: name=\"Ann\", userId=\"a\"",
            "3: name=\"Їжак\", userId=\"b\"",
            "4: rejected undecodable @ name",
            "5: rejected undecodable @ name",
            "6: name=\"Ж\", userId=\"ЖЖЖЖ\"",
        ]),
        case(
            "plain ASCII with one byte that is no UTF-8",
            "people.csv",
            b"userId,name\na,Jos\xE9\nb,Ben\n",
        )
        .does("does not guess from one byte: names the candidates")
        .refused(&[
            "cannot be determined",
            "`windows-1252`",
            "`windows-1251`",
            "input.encoding",
            "encoding = \"windows-1252\"",
            "windows-1252 José",
            "windows-1251 Josй",
        ]),
        case(
            "plain ASCII for the first MiB, then a byte that is no UTF-8",
            "people.csv",
            far,
        )
        .does("has decided by then; rejects that row alone")
        .rows(&[
            "2: notes=\"x\", userId=\"a\"",
            "1048579: rejected undecodable @ notes",
            "1048580: notes=\"y\", userId=\"c\"",
        ]),
        case(
            "UTF-8 in which a replacement character stands already",
            "people.csv",
            "userId,name\na,Jos\u{fffd}\n",
        )
        .does("is text like any other: sent as it is")
        .rows(&["2: name=\"Jos\u{fffd}\", userId=\"a\""]),
        case(
            "line separators of Unicode (U+0085, U+2028) in a cell",
            "people.csv",
            "userId,name\na,x\u{85}y\u{2028}z\n",
        )
        .does("keeps them: they end no row")
        .rows(&["2: name=\"x\u{85}y\u{2028}z\", userId=\"a\""])
        .notes(&["values with control characters"]),
    ]
}

fn others() -> Vec<Case> {
    let two = |label, name: &str| in_encoding(label, &format!("userId,name\na,{name}\n"));
    vec![
        case(
            "windows-1251, enough of it",
            "people.csv",
            in_encoding("windows-1251", UKRAINIAN),
        )
        .does("guesses it, is sure, and says so")
        .rows(&[
            "2: name=\"Олександр Коваленко\", userId=\"1\"",
            "3: name=\"Вікторія Шевченко\", userId=\"2\"",
            "4: name=\"Юрій Бондаренко\", userId=\"3\"",
        ])
        .notes(&["encoding guessed: windows-1251", "ignored column `Місто"]),
        case(
            "windows-1251, named",
            "people.csv",
            in_encoding("windows-1251", PEOPLE),
        )
        .config("[input]\nencoding = \"windows-1251\"\n")
        .does("reads it as named")
        .rows(PEOPLE_ROWS),
        case(
            "windows-1252, enough of it",
            "people.csv",
            in_encoding("windows-1252", GERMAN),
        )
        .does("guesses it, is sure, and says so")
        .rows(&[
            "2: name=\"Jörg Müller, Große Gasse, Bärbel Schäfer\", userId=\"1\"",
            "3: name=\"Günther Köhler, Düsseldorfer Straße, Höhenweg\", userId=\"2\"",
            "4: name=\"Käthe Böhm, Mühlstraße, Ursula Krüger, Schloßallee\", userId=\"3\"",
            "5: name=\"Sören Größer, Fährweg, Jürgen Weiß\", userId=\"4\"",
        ])
        .notes(&["encoding guessed: windows-1252"]),
        case(
            "`latin1`, with the euro sign that only windows-1252 has",
            "people.csv",
            b"userId,name\na,Jos\xE9 \x80\n",
        )
        .config("[input]\nencoding = \"latin1\"\n")
        .does("reads it as windows-1252, as the WHATWG labels say and browsers do")
        .rows(&["2: name=\"José €\", userId=\"a\""]),
        case("KOI8-R, named", "people.csv", two("koi8-r", "Юлия"))
            .config("[input]\nencoding = \"koi8-r\"\n")
            .does("reads it as named")
            .rows(&["2: name=\"Юлия\", userId=\"a\""]),
        case("KOI8-U, named", "people.csv", two("koi8-u", "Їжак"))
            .config("[input]\nencoding = \"koi8-u\"\n")
            .does("reads it as named")
            .rows(&["2: name=\"Їжак\", userId=\"a\""]),
        case(
            "IBM866, an old DOS export, named",
            "people.csv",
            two("ibm866", "Юлия"),
        )
        .config("[input]\nencoding = \"ibm866\"\n")
        .does("reads it as named")
        .rows(&["2: name=\"Юлия\", userId=\"a\""]),
        case(
            "ISO-8859-2, named",
            "people.csv",
            two("iso-8859-2", "Łukasz"),
        )
        .config("[input]\nencoding = \"iso-8859-2\"\n")
        .does("reads it as named")
        .rows(&["2: name=\"Łukasz\", userId=\"a\""]),
        case(
            "Macintosh, named",
            "people.csv",
            b"userId,name\na,Ren\x8E\n",
        )
        .config("[input]\nencoding = \"macintosh\"\n")
        .does("reads it as named")
        .rows(&["2: name=\"René\", userId=\"a\""]),
        case(
            "Shift_JIS, where a backslash is half of 表, named",
            "people.csv",
            two("shift_jis", "表示"),
        )
        .config("[input]\nencoding = \"shift_jis\"\n")
        .does("reads it as named")
        .rows(&["2: name=\"表示\", userId=\"a\""]),
        case("GB18030, named", "people.csv", two("gb18030", "丂李😀"))
            .config("[input]\nencoding = \"gb18030\"\n")
            .does("reads it as named")
            .rows(&["2: name=\"丂李😀\", userId=\"a\""]),
        case("Big5, named", "people.csv", two("big5", "許功蓋"))
            .config("[input]\nencoding = \"big5\"\n")
            .does("reads it as named")
            .rows(&["2: name=\"許功蓋\", userId=\"a\""]),
        case("EUC-KR, named", "people.csv", two("euc-kr", "김철수"))
            .config("[input]\nencoding = \"euc-kr\"\n")
            .does("reads it as named")
            .rows(&["2: name=\"김철수\", userId=\"a\""]),
        case("EUC-JP, named", "people.csv", two("euc-jp", "山田"))
            .config("[input]\nencoding = \"euc-jp\"\n")
            .does("reads it as named")
            .rows(&["2: name=\"山田\", userId=\"a\""]),
    ]
}

/// Too little to be sure of: the first candidate is right, and the cells are shown as they read in it.
fn unsure() -> Vec<Case> {
    let of = |label: &str, text: &str| in_encoding(label, &format!("userId,name\n1,{text}\n"));
    let case = |input, label, text| {
        case(input, "people.csv", of(label, text))
            .does("names the candidates, the likeliest first, with the cells as they read in each")
    };
    vec![
        case(
            "a little French in windows-1252",
            "windows-1252",
            "Hélène Lefèvre",
        )
        .refused(&["encoding = \"windows-1252\"", "Hélène Lefèvre"]),
        case(
            "a little Portuguese in windows-1252",
            "windows-1252",
            "João Conceição",
        )
        .refused(&["encoding = \"windows-1252\"", "João Conceição"]),
        case(
            "a little Polish in windows-1250",
            "windows-1250",
            "Małgorzata Dąbrowska-Święty",
        )
        .refused(&["encoding = \"windows-1250\"", "Małgorzata Dąbrowska-Święty"]),
        case(
            "a little Hungarian in windows-1250",
            "windows-1250",
            "Győző Szűcs",
        )
        .refused(&["encoding = \"windows-1250\"", "Győző Szűcs"]),
        case(
            "a little Turkish in windows-1254",
            "windows-1254",
            "Ayşe Yılmaz",
        )
        .refused(&["encoding = \"windows-1254\"", "Ayşe Yılmaz"]),
        case("a little Greek in windows-1253", "windows-1253", "Ελένη")
            .refused(&["encoding = \"windows-1253\"", "Ελένη"]),
        case(
            "Cyrillic of an old Macintosh, however much of it",
            "x-mac-cyrillic",
            "Мария Иванова\n2,Яна Юдина\n3,Светлана Петрова\n4,Анастасия Соколова",
        )
        .refused(&[
            "encoding = \"x-mac-cyrillic\"",
            "Мария Иванова | Яна Юдина",
            "windows-1251",
        ]),
        crate::case::case(
            "ISO-2022-JP, whose bytes are all ASCII",
            "people.csv",
            in_encoding("iso-2022-jp", "userId,name\n1,山田\n"),
        )
        .does("does not take it for ASCII: refuses")
        .refused(&["ISO-2022-JP", "convert it to UTF-8"]),
    ]
}

fn settings() -> Vec<Case> {
    vec![
        case(
            "the wrong encoding named: UTF-8 for windows-1251",
            "people.csv",
            in_encoding("windows-1251", PEOPLE),
        )
        .config("[input]\nencoding = \"utf-8\"\n")
        .does("rejects what is no UTF-8, row by row")
        .rows(&[
            "2: name=\"Ann\", userId=\"a\"",
            "3: rejected undecodable @ name",
        ]),
        case(
            "a mark that contradicts the encoding named",
            "people.csv",
            format!("\u{feff}{PEOPLE}"),
        )
        .config("[input]\nencoding = \"windows-1251\"\n")
        .does("refuses to choose")
        .refused(&["byte order mark of UTF-8", "is windows-1251"]),
        case("an encoding that there is not", "people.csv", PEOPLE)
            .config("[input]\nencoding = \"utf-88\"\n")
            .does("refuses, with the config's line")
            .refused(&["hcsync.toml:2:12", "WHATWG"]),
        case(
            "ISO-2022-JP, which switches between meanings of the same bytes",
            "people.csv",
            PEOPLE,
        )
        .config("[input]\nencoding = \"iso-2022-jp\"\n")
        .does("refuses: rows cannot be separated in it safely")
        .refused(&["convert the file to UTF-8"]),
        case(
            "Shift_JIS with `|` as delimiter, which may be half a character",
            "people.csv",
            b"userId|name\na|x\n",
        )
        .config("[input]\nencoding = \"shift_jis\"\ndelimiter = \"|\"\n")
        .does("refuses")
        .refused(&["Shift_JIS", "convert it to UTF-8"]),
    ]
}
