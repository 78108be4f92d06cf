use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    const VIP: &str = "{\"id\":1,\"userId\":\"u1\",\"tags\":[{\"name\":\"vip\"}]}\n{\"id\":2,\"userId\":\"u2\",\"tags\":[{\"name\":\"vip\"}]}\n{\"id\":3,\"userId\":\"u3\",\"tags\":[{\"name\":\"vip\"}]}\n{\"id\":4,\"userId\":\"u4\",\"tags\":[{\"name\":\"vip\"}]}\n{\"id\":5,\"userId\":\"u5\",\"tags\":[{\"name\":\"vip\"}]}\n{\"id\":6,\"userId\":\"u6\",\"tags\":[{\"name\":\"vip\"}]}\n";
    vec![
        case(
            "tags as a list of JSON, Python or PostgreSQL, in quotes, and an empty one",
            "people.csv",
            "userId,tags\nu1,\"[\"\"vip\"\",\"\"lead\"\"]\"\nu2,\"['vip', 'lead']\"\nu3,\"{vip,lead}\"\nu4,[]\nu5,\"\"\"vip\"\",\"\"lead\"\"\"\nu6,{}\n",
        )
        .remote(VIP)
        .does("reads the lists")
        .rows(&[
            "2: tag tags=lead",
            "3: tag tags=lead",
            "4: tag tags=lead",
            "5: unchanged",
            "6: tag tags=lead",
            "7: unchanged",
        ]),
        case(
            "lists with nulls, quotes within, objects, bare words; one that is empty under `mode = \"exact\"`",
            "people.csv",
            "userId,tags\nu1,\"['vip', None, \"\"it's\"\"]\"\nu2,\"{\"\"a, b\"\",NULL}\"\nu3,\"[{\"\"name\"\":\"\"x\"\",\"\"color\"\":\"\"red\"\"},\"\"vip\"\"]\"\nu4,[]\nu5,\"[a, vip]\"\nu6,\n",
        )
        .config("[tags]\ncolumn = \"tags\"\nmode = \"exact\"\n")
        .remote(VIP)
        .does("null is nothing; an empty list says that there are no tags, an empty cell says nothing")
        .rows(&[
            "2: tag tags=it's",
            "3: tag tags=a, b; untag tags=vip",
            "4: tag tags=x",
            "5: untag tags=vip",
            "6: tag tags=a",
            "7: unchanged",
        ]),
        case(
            "pieces of lists, and names with brackets",
            "people.csv",
            "userId,tags\nu1,\"[\"\"a\"\"\"\nu2,\"{a\"\nu3,\"[\"\"a\"\", \"\"b]\"\nu4,[VIP]\nu5,vip;VIP [old];(x)\nu6,\"[\"\"[VIP]\"\"]\"\n",
        )
        .remote(VIP)
        .does("rejects pieces, and a single word in brackets, which may be a list or a name")
        .rows(&[
            "2: rejected bad_tags @ tags",
            "3: rejected bad_tags @ tags",
            "4: rejected bad_tags @ tags",
            "5: rejected bad_tags @ tags",
            "6: tag tags=VIP [old]|(x)",
            "7: tag tags=[VIP]",
        ]),
        case(
            "lists in the column of tags to remove",
            "people.csv",
            "userId,drop\nu1,\"['vip', 'x']\"\nu2,[]\nu3,\"[\"\"vip\"\n",
        )
        .config("[tags]\nremove_column = \"drop\"\n")
        .remote(VIP)
        .does("are lists there too")
        .rows(&["2: untag tags=vip", "3: unchanged", "4: rejected bad_tags @ drop"]),
    ]
}
