use super::encodings::utf16le;
use crate::case::{Case, case};

const EXPORTED: &str = r##"{"id":1,"userId":"a","name":"Ann","location":{"city":"Kyiv"},"tags":[{"name":"vip","color":"#ff0000"}],"customData":[{"property":"plan","value":"pro"},{"property":"paid","value":15.99}]}
{"id":2,"userId":"b","name":null,"location":{"city":null},"tags":[],"customData":[]}
"##;

pub(crate) fn cases() -> Vec<Case> {
    [lines(), values(), arrays(), streams(), documents()]
        .into_iter()
        .flatten()
        .collect()
}

fn lines() -> Vec<Case> {
    vec![
        case("JSONL with blank lines and CRLF", "people.jsonl", "{\"userId\":\"a\"}\r\n\r\n  \n{\"userId\":\"b\"}")
            .does("skips them; lines are still counted as they stand")
            .rows(&["1: userId=\"a\"", "4: userId=\"b\""]),
        case("JSONL with a line that is cut off", "people.jsonl", "{\"userId\":\"a\"}\n{\"userId\":\"b\"\n{\"userId\":\"c\"}\n")
            .does("rejects that line alone, and says at which byte")
            .rows(&["1: userId=\"a\"", "2: rejected bad_json", "3: userId=\"c\""]),
        case("two objects on a line", "people.jsonl", "{\"userId\":\"a\"} {\"userId\":\"b\"}\n{\"userId\":\"c\"}\n")
            .does("reads both")
            .rows(&["1: userId=\"a\"", "1: userId=\"b\"", "2: userId=\"c\""]),
        case("a comma after each object, of an array without brackets", "people.jsonl", "{\"userId\":\"a\"},\n{\"userId\":\"b\"}\n")
            .does("rejects the line")
            .rows(&["1: rejected bad_json", "2: userId=\"b\""]),
        case("single quotes, comments, `NaN`, trailing commas", "people.jsonl", "{'userId':'a'}\n{\"userId\":\"b\"} // Ben\n{\"userId\":\"c\",\"n\":NaN}\n{\"userId\":\"d\",}\n")
            .does("are no JSON: rejects the lines, but for a `NaN` that nothing uses")
            .notes(&["ignored column `n`"])
            .rows(&["1: rejected bad_json", "2: rejected bad_json", "3: userId=\"c\"", "4: rejected bad_json"]),
        case("`NaN` and `Infinity` in members that are used", "people.jsonl", "{\"userId\":\"a\",\"customData\":{\"n\":NaN}}\n{\"userId\":\"b\",\"customData\":{\"n\":-Infinity}}\n{\"userId\":\"c\",\"customData\":{\"n\":1}}\n")
            .does("rejects those rows, names the value, and says what to write")
            .rows(&["1: rejected bad_number @ customData.n", "2: rejected bad_number @ customData.n", "3: userId=\"c\", customData.n=1"]),
        case("lines that are JSON, but no objects", "people.jsonl", "{\"userId\":\"a\"}\n[\"b\"]\n\"c\"\n4\nnull\n")
            .does("rejects them")
            .rows(&["1: userId=\"a\"", "2: rejected not_an_object", "3: rejected not_an_object", "4: rejected not_an_object", "5: rejected not_an_object"]),
        case("a member that is there twice", "people.jsonl", "{\"userId\":\"a\",\"name\":\"Ann\",\"name\":\"Anna\"}\n")
            .does("does not choose one of them: rejects the line")
            .rows(&["1: rejected duplicate_member @ name"]),
        case("a member that is there twice and that nothing uses", "people.jsonl", "{\"userId\":\"a\",\"at\":1,\"at\":2}\n{\"userId\":\"b\",\"geo\":{\"x\":1,\"x\":1}}\n{\"userId\":\"c\",\"customData\":{\"n\":1,\"n\":2}}\n")
            .does("rejects only the rows where it is used")
            .notes(&["ignored column `at`", "ignored column `geo.x`"])
            .rows(&["1: userId=\"a\"", "2: userId=\"b\"", "3: rejected duplicate_member @ customData.n"]),
        case("JSONL with a byte order mark", "people.jsonl", "\u{feff}{\"userId\":\"a\"}\n").does("drops it").rows(&["1: userId=\"a\""]),
        case("JSONL that was put together from files with byte order marks", "people.jsonl", "\u{feff}{\"userId\":\"a\"}\n\u{feff}{\"userId\":\"b\"}\n").does("drops them").rows(&["1: userId=\"a\"", "2: userId=\"b\""]),
        case("JSONL in UTF-16", "people.jsonl", utf16le("\u{feff}{\"userId\":\"a\",\"name\":\"Їжак\"}\n"))
            .does("reads it")
            .rows(&["1: name=\"Їжак\", userId=\"a\""]),
        case("JSONL with a byte that is no UTF-8", "people.jsonl", b"{\"userId\":\"\xD0\x96\xD0\x96\"}\n{\"userId\":\"b\",\"name\":\"\xE9\"}\n")
            .does("rejects that line alone")
            .rows(&["1: userId=\"ЖЖ\"", "2: rejected undecodable"]),
        case("an empty object", "people.jsonl", "{}\n{\"userId\":\"b\"}\n").does("has no key: rejected").rows(&["1: rejected no_key @ userId", "2: userId=\"b\""]),
    ]
}

fn values() -> Vec<Case> {
    vec![
        case("`null`, empty text and missing members", "people.jsonl", "{\"userId\":\"a\",\"name\":null,\"company\":\"\"}\n")
            .remote("{\"id\":1,\"userId\":\"a\",\"name\":\"Ann\",\"company\":\"X\",\"notes\":\"n\"}\n")
            .does("`null` clears the field; the others say nothing")
            .rows(&["1: patch name=null"]),
        case("nested objects", "people.jsonl", "{\"userId\":\"a\",\"customData\":{\"plan\":\"pro\",\"n\":1.50}}\n")
            .does("takes members of `customData` for properties; JSON types are kept")
            .rows(&["1: userId=\"a\", customData.n=1.5, customData.plan=\"pro\""]),
        case("a member within a member, by its path", "people.jsonl", "{\"id\":\"a\",\"address\":{\"city\":\"Kyiv\"}}\n")
            .config("[fields]\nuserId = \"id\"\ncompany = \"address.city\"\n")
            .does("is mapped as `address.city`")
            .rows(&["1: company=\"Kyiv\", userId=\"a\""]),
        case("an object where a text could be, nothing said", "people.jsonl", "{\"userId\":\"a\",\"name\":{\"first\":\"Ann\"}}\n")
            .does("has no field of that name; its members are reported as ignored")
            .rows(&["1: userId=\"a\""])
            .notes(&["ignored column `name.first"]),
        case("an object in one row where others have a text", "people.jsonl", "{\"userId\":\"a\",\"name\":{\"first\":\"Ann\"}}\n{\"userId\":\"b\",\"name\":\"Ben\"}\n")
            .does("rejects that row")
            .rows(&["1: rejected nested @ name", "2: name=\"Ben\", userId=\"b\""])
            .notes(&["ignored column `name.first"]),
        case("an array as a property", "people.jsonl", "{\"userId\":\"a\",\"customData\":{\"x\":[1,2]}}\n")
            .does("rejects the row: a property is a text, a number, a boolean or a date")
            .rows(&["1: rejected nested @ customData.x"]),
        case("tags as an array, and as text", "people.jsonl", "{\"userId\":\"a\",\"tags\":[\"vip\",\" x \",\"vip\"]}\n{\"userId\":\"b\",\"tags\":\"vip;x\"}\n")
            .does("reads both; blanks around and twins go")
            .rows(&["1: userId=\"a\", tags=vip|x", "2: userId=\"b\", tags=vip|x"]),
        case("`null` among tags", "people.jsonl", "{\"userId\":\"a\",\"tags\":[null]}\n{\"userId\":\"b\",\"tags\":[\"x\",null]}\n{\"userId\":\"c\",\"tags\":[null,{\"name\":\"y\",\"color\":null}]}\n")
            .remote("{\"id\":1,\"userId\":\"a\",\"tags\":[]}\n{\"id\":2,\"userId\":\"b\",\"tags\":[{\"name\":\"x\",\"color\":\"#c377e0\"}]}\n")
            .does("is nothing")
            .rows(&["1: unchanged", "2: unchanged", "3: userId=\"c\", tags=y"]),
        case("whole numbers beyond 2^53", "people.jsonl", "{\"userId\":9007199254740993,\"customData\":{\"n\":9007199254740993,\"m\":18446744073709551615}}\n")
            .does("keeps every digit")
            .rows(&["1: userId=\"9007199254740993\", customData.m=18446744073709551615, customData.n=9007199254740993"]),
        case("a number with more digits than can be kept", "people.jsonl", "{\"userId\":\"a\",\"customData\":{\"n\":12345678901234567890123}}\n")
            .does("rejects the row rather than round it")
            .rows(&["1: rejected inexact_number @ customData.n"]),
        case("a number with more digits than can be kept, and that nothing uses", "people.jsonl", "{\"userId\":\"a\",\"lat\":50.450100000000001234}\n{\"userId\":\"b\",\"geo\":{\"at\":[30.523399999999998777,1e999]}}\n")
            .does("is ignored like any member that nothing uses")
            .notes(&["ignored column `lat`", "ignored column `geo.at`"])
            .rows(&["1: userId=\"a\"", "2: userId=\"b\""]),
        case("custom data as the API takes it, and as it answers", "people.jsonl", "{\"userId\":\"a\",\"customData\":[{\"property\":\"plan\",\"value\":\"pro\"},{\"property\":\"last paid\",\"value\":15.5}]}\n{\"userId\":\"b\",\"customData\":{\"plan\":\"free\"}}\n{\"userId\":\"c\",\"customData\":[]}\n")
            .does("reads both as the same properties")
            .rows(&["1: userId=\"a\", customData.last paid=15.5, customData.plan=\"pro\"", "2: userId=\"b\", customData.plan=\"free\"", "3: userId=\"c\""]),
        case("custom data as an array, by a config that names its properties", "people.json", "[{\"userId\":\"a\",\"custom\":[{\"property\":\"plan\",\"value\":null},{\"property\":\"n\",\"value\":12345678901234567890123}]}]")
            .config("[custom_data]\ntier = \"custom.plan\"\n")
            .remote("{\"id\":1,\"userId\":\"a\",\"customData\":{\"tier\":\"x\"},\"tags\":[]}\n")
            .does("reads the properties that are named; `null` clears")
            .notes(&["ignored column `custom.n`"])
            .rows(&["1: patch customData.tier=null"]),
        case("what `export` writes of an account that answers custom data as an array", "people.jsonl", EXPORTED)
            .remote(EXPORTED)
            .does("plans nothing")
            .notes(&["ignored column `id`", "ignored column `location.city`"])
            .rows(&["1: unchanged", "2: unchanged"]),
        case("a number that is no number: 1e999", "people.jsonl", "{\"userId\":\"a\",\"customData\":{\"n\":1e999}}\n")
            .does("rejects the row")
            .rows(&["1: rejected bad_number @ customData.n"]),
        case("half a surrogate pair as an escape", "people.jsonl", "{\"userId\":\"a\",\"name\":\"\\ud83d\"}\n{\"userId\":\"b\",\"name\":\"\\ud83d\\ude00\"}\n")
            .does("rejects that row alone: it is no character")
            .rows(&["1: rejected bad_json", "2: name=\"😀\", userId=\"b\""]),
        case("100,000 brackets within each other", "people.jsonl", format!("{{\"userId\":\"a\",\"x\":{}\n{{\"userId\":\"b\"}}\n", "[".repeat(100_000)))
            .does("rejects that line alone")
            .rows(&["1: rejected bad_json", "2: userId=\"b\""]),
    ]
}

fn arrays() -> Vec<Case> {
    let two: &[&str] = &["1: userId=\"a\"", "1: userId=\"b\""];
    vec![
        case(
            "a JSON array",
            "people.json",
            "[{\"userId\":\"a\"},{\"userId\":\"b\"}]",
        )
        .does("reads its objects")
        .rows(two),
        case(
            "a JSON array, pretty printed",
            "people.json",
            "[\n  {\n    \"userId\": \"a\"\n  },\n  {\n    \"userId\": \"b\"\n  }\n]\n",
        )
        .does("gives the line on which an object begins")
        .rows(&["2: userId=\"a\"", "5: userId=\"b\""]),
        case(
            "a JSON array in a file named `.jsonl`",
            "people.jsonl",
            "[{\"userId\":\"a\"},{\"userId\":\"b\"}]\n",
        )
        .does("goes by the content")
        .rows(two),
        case(
            "JSONL in a file named `.json`",
            "people.json",
            "{\"userId\":\"a\"}\n{\"userId\":\"b\"}\n",
        )
        .does("goes by the content")
        .rows(&["1: userId=\"a\"", "2: userId=\"b\""]),
        case(
            "an array with one bad element",
            "people.json",
            "[{\"userId\":\"a\"},\n{\"userId\":},\n{\"userId\":\"c\"}]",
        )
        .does("rejects that element alone")
        .rows(&["1: userId=\"a\"", "2: rejected bad_json", "3: userId=\"c\""]),
        case(
            "an array with something after it",
            "people.json",
            "[{\"userId\":\"a\"}]\nDone.\n",
        )
        .does("refuses all of it")
        .refused(&["broken at line 2", "after the closing `]`"]),
        case(
            "an array that is cut off",
            "people.json",
            "[{\"userId\":\"a\"},\n{\"userId\":\"b\"",
        )
        .does("refuses all of it: what is missing is not known")
        .refused(&["broken at line 2", "cut off"]),
        case(
            "an array that is cut off between two objects",
            "people.json",
            "[{\"userId\":\"a\"},\n{\"userId\":\"b\"}\n",
        )
        .does("refuses all of it")
        .refused(&["the array is cut off"]),
        case(
            "an array without a comma between two objects",
            "people.json",
            "[{\"userId\":\"a\"}\n{\"userId\":\"b\"}]",
        )
        .does("refuses all of it")
        .refused(&["broken at line 2", "`,` or `]` is missing"]),
        case(
            "a comma before the closing bracket",
            "people.json",
            "[{\"userId\":\"a\"},]",
        )
        .does("refuses all of it")
        .refused(&["`,` stands before `]`"]),
        case("an empty array", "people.json", "[]").does("is an input of no rows"),
        case(
            "an array of arrays",
            "people.json",
            "[[\"userId\",\"name\"],[\"a\",\"Ann\"]]",
        )
        .does("has no objects: rejects each")
        .rows(&["1: rejected not_an_object", "1: rejected not_an_object"]),
    ]
}

fn streams() -> Vec<Case> {
    let two: &[&str] = &["1: name=\"A\", userId=\"a\"", "5: name=\"B\", userId=\"b\""];
    let pretty = "{\n  \"userId\": \"a\",\n  \"name\": \"A\"\n}\n{\n  \"userId\": \"b\",\n  \"name\": \"B\"\n}\n";
    vec![
        case("pretty-printed objects in a file named `.jsonl`", "people.jsonl", pretty)
            .does("reads them as they are, each with the line on which it begins")
            .rows(two),
        case("pretty-printed objects in a file named `.json`", "people.json", pretty).does("reads them").rows(two),
        case("pretty-printed objects on standard input", "people", pretty).on_stdin().does("reads them").rows(two),
        case("one pretty-printed object", "people.json", "\n{\n  \"userId\": \"a\",\n  \"tags\": [\n    {\"name\": \"vip\"}\n  ]\n}\n")
            .does("is a row")
            .rows(&["2: userId=\"a\", tags=vip"]),
        case("objects one after another without line ends", "people.jsonl", "{\"userId\":\"a\"}{\"userId\":\"b\"}{\"userId\":\"c\"}")
            .does("reads them")
            .rows(&["1: userId=\"a\"", "1: userId=\"b\"", "1: userId=\"c\""]),
        case("objects on lines, then pretty-printed ones, among them broken ones", "people.jsonl", "{\"userId\":\"a\"}\n{\n\"userId\":\n\"b\"\n}\n{\n\"userId\": \"c,\n\"name\": \"C\"\n}\n{\"userId\":\"d\"\n{\"userId\":\"e\"}\n")
            .does("rejects the broken ones alone")
            .rows(&["1: userId=\"a\"", "2: userId=\"b\"", "6: rejected bad_json", "10: rejected bad_json", "11: userId=\"e\""]),
        case("pretty-printed objects in UTF-16", "people.json", utf16le("\u{feff}{\r\n\"userId\": \"a\"\r\n}\r\n{\r\n\"userId\": \"ї\"\r\n}\r\n"))
            .does("reads them")
            .rows(&["1: userId=\"a\"", "4: userId=\"ї\""]),
    ]
}

fn documents() -> Vec<Case> {
    vec![
        case("an object around the array", "people.json", "{\n  \"customers\": [\n    {\"userId\":\"a\"},\n    {\"userId\":\"b\"}\n  ]\n}\n")
            .does("reads the array, and says so")
            .notes(&["the rows are the objects of the array `customers`"])
            .rows(&["3: userId=\"a\"", "4: userId=\"b\""]),
        case("an answer of an API, with the rows one level deeper", "people.json", "{\"status\":\"ok\",\"result\":{\"items\":[{\"userId\":\"a\"},{\"userId\":}],\"total\":2},\"errors\":[]}")
            .does("reads the array; a broken row is rejected alone")
            .notes(&["the rows are the objects of the array `result.items`"])
            .rows(&["1: userId=\"a\"", "1: rejected bad_json"]),
        case("the rows within a document, on standard input", "people", "{\"data\":[{\"email\":\"a@example.com\"}],\"total\":1}")
            .on_stdin()
            .does("reads the array")
            .notes(&["the rows are the objects of the array `data`"])
            .rows(&["1: email=\"a@example.com\""]),
        case("a document without rows", "people.json", "{\"data\":[],\"total\":0}")
            .does("is an input of no rows")
            .notes(&["the rows are the objects of the array `data`"]),
        case("a row with an array of objects", "people.jsonl", "{\"userId\":\"a\",\"orders\":[{\"id\":1}]}\n")
            .does("is a row")
            .notes(&["ignored column `orders`"])
            .rows(&["1: userId=\"a\""]),
        case("a document with two arrays of objects", "people.json", "{\"customers\":[{\"userId\":\"a\"}],\"agents\":[{\"userId\":\"b\"}]}")
            .does("refuses, and says how to make JSON Lines of one")
            .refused(&["`customers`, `agents`", "jq -c '.customers[]' people.json"]),
        case("rows as members of an object", "people.json", "{\"u1\":{\"name\":\"Ann\"},\"u2\":{\"name\":\"Ben\"}}")
            .does("refuses, and says how to make JSON Lines of them")
            .refused(&["jq -c 'to_entries[] | {key: .key} + .value' people.json"]),
        case("a document that goes wrong behind the rows", "people.json", "{\"data\":[{\"userId\":\"a\"}],\n\"total\":}")
            .does("refuses all of it")
            .refused(&["not valid JSON"]),
        case("JSON without any object", "people.json", "\"userId\"\n").does("refuses").refused(&["jq -c"]),
    ]
}
