//! What hcsync last wrote, what HelpCrunch has now, and what the row wants: `overwrite = "if_unedited"` and
//! `managed = "ours"`, over several nights with agents at work in between.

use hcsync::sandbox::{AgentEdit, EditTarget, Endpoint};
use serde_json::{Map, Value, json};

use crate::bench::Bench;

const UNEDITED: &str = "[fields]\nuserId = \"userId\"\n\
    name = { column = \"name\", overwrite = \"if_unedited\" }\n\
    phone = { column = \"phone\", overwrite = \"if_unedited\" }\n";

const PLAN: &str =
    "[custom_data]\nplan = { column = \"plan\", type = \"number\", overwrite = \"if_unedited\" }\n";

const OURS: &str = "[tags]\ncolumn = \"tags\"\nmode = \"managed\"\nmanaged = \"ours\"\n";

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn edit(bench: &Bench, user: &str, edit: AgentEdit) {
    let id = customer(bench, user)["id"].as_u64().unwrap();
    let edit = AgentEdit {
        customer: Some(EditTarget::Id(id)),
        ..edit
    };
    bench.sandbox().agent(&edit).unwrap();
}

fn sets(fields: Value) -> AgentEdit {
    AgentEdit {
        set: object(fields),
        ..AgentEdit::default()
    }
}

fn customer(bench: &Bench, user: &str) -> Value {
    let customers = bench.sandbox().customers();
    let found = customers.into_iter().find(|c| c["userId"] == user);
    found.unwrap_or_else(|| panic!("no customer {user}"))
}

#[track_caller]
fn holds(bench: &Bench, user: &str, expected: Value) {
    let is = customer(bench, user);
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(is[name], *value, "{name} of {is}");
    }
}

fn tags(bench: &Bench, user: &str) -> Vec<String> {
    let customer = customer(bench, user);
    let tags = customer["tags"].as_array().unwrap().iter();
    let mut names: Vec<_> = tags
        .map(|t| t["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Syncs, and then once more, which writes nothing.
#[track_caller]
fn sync(bench: &Bench, rows: &str) -> Value {
    bench.write("in.csv", rows);
    let plan = bench.run("plan in.csv --output json").exits(0).json();
    let before = bench.runs();
    let _ = bench.run("sync in.csv").exits(0);
    bench.run_since(&before).check_results();
    let writes = bench.writes();
    let before = bench.runs();
    let _ = bench.run("sync in.csv").exits(0);
    assert_eq!(bench.writes(), writes, "a second sync writes nothing");
    let again = bench.run_since(&before);
    assert_eq!(again.count("unchanged"), again.results().len());
    plan
}

fn kept(preview: &Value) -> Vec<(&str, u64)> {
    let kept = preview["kept_edited"].as_array().unwrap().iter();
    kept.map(|k| {
        (
            k["field"].as_str().unwrap(),
            k["customers"].as_u64().unwrap(),
        )
    })
    .collect()
}

fn first_night(bench: Bench) -> Bench {
    bench.write(
        "hcsync.toml",
        format!("{UNEDITED}company = \"company\"\n{PLAN}"),
    );
    let first = sync(
        &bench,
        "userId,name,phone,company,plan\na,Ann,+1,A,1\nb,Bob,+2,B,2\nc,Cid,+3,C,3\n",
    );
    assert_eq!(kept(&first), []);
    bench
}

fn agents_at_work(bench: &Bench) {
    edit(bench, "a", sets(json!({"phone": "+100"})));
    let plan = AgentEdit {
        custom_data: object(json!({"plan": 200})),
        ..AgentEdit::default()
    };
    edit(bench, "b", plan);
    edit(bench, "c", sets(json!({"name": null, "company": "theirs"})));
}

const SECOND: &str =
    "userId,name,phone,company,plan\na,Anna,+11,A,11\nb,Bobby,+22,B,22\nc,Cidney,+33,C,33\n";

#[test]
fn an_agents_edit_is_kept_until_it_is_taken_back() {
    taken_back(first_night(Bench::empty()));
}

/// With batches, and tags and properties that need no reading before they are written.
#[test]
fn and_so_it_is_where_the_account_was_probed() {
    let bench = Bench::empty();
    let _ = bench.run("probe").exits(0);
    let bench = first_night(bench);
    taken_back(bench);
}

fn taken_back(bench: Bench) {
    agents_at_work(&bench);
    let second = sync(&bench, SECOND);
    let expected = [("customData.plan", 1), ("name", 1), ("phone", 1)];
    assert_eq!(kept(&second), expected);
    holds(
        &bench,
        "a",
        json!({"name": "Anna", "phone": "+100", "customData": {"plan": 11}}),
    );
    holds(
        &bench,
        "b",
        json!({"name": "Bobby", "phone": "+22", "customData": {"plan": 200}}),
    );
    // What an agent cleared is not filled again; a field without a rule is the file's.
    holds(
        &bench,
        "c",
        json!({"name": null, "phone": "+33", "company": "C"}),
    );

    // The agent puts back, in another spelling, what hcsync had written: nobody's edit is there any more.
    edit(&bench, "a", sets(json!({"phone": "+1"})));
    let plan = AgentEdit {
        custom_data: object(json!({"plan": "2.0"})),
        ..AgentEdit::default()
    };
    edit(&bench, "b", plan);
    let third = sync(&bench, SECOND);
    assert_eq!(kept(&third), [("name", 1)]);
    holds(&bench, "a", json!({"phone": "+11"}));
    holds(&bench, "b", json!({"customData": {"plan": 22}}));
    let shown = bench.run("plan in.csv").exits(0);
    let _ = shown.shows(&["1 value edited in HelpCrunch (`name` 1)"]);
}

/// What was never written counts as edited where there is a value, and is nobody's where there is none.
#[test]
fn of_a_customer_that_was_there_before_only_what_is_empty_is_filled() {
    let there =
        json!({"id": 5, "userId": "a", "name": "Ann", "phone": null, "customData": {"plan": 1}});
    let bench = Bench::with(vec![there], "");
    bench.write("hcsync.toml", format!("{UNEDITED}{PLAN}"));
    let first = sync(&bench, "userId,name,phone,plan\na,Anna,+1,7\n");
    assert_eq!(kept(&first), [("customData.plan", 1), ("name", 1)]);
    holds(
        &bench,
        "a",
        json!({"name": "Ann", "phone": "+1", "customData": {"plan": 1}}),
    );
    // From now on the phone is hcsync's own.
    sync(&bench, "userId,name,phone,plan\na,Anna,+2,7\n");
    holds(&bench, "a", json!({"name": "Ann", "phone": "+2"}));
    // Without the memory nothing is.
    std::fs::remove_dir_all(bench.path("state")).unwrap();
    sync(&bench, "userId,name,phone,plan\na,Anna,+3,7\n");
    holds(&bench, "a", json!({"name": "Ann", "phone": "+2"}));
}

#[test]
fn an_edit_between_the_reading_and_the_write_is_kept_as_well() {
    // The properties are read again directly before; the agent was there just before that. The first search is the one
    // for whom the first sync created.
    let edit = "[[agent]]\nwhen = \"before\"\nendpoint = \"search\"\nnth = 2\ncustomer = \"random\"\n\
        set = { phone = \"+100\" }\ncustom-data = { plan = 200 }\n";
    let bench = Bench::with(Vec::new(), edit);
    bench.write(
        "hcsync.toml",
        format!("{UNEDITED}{PLAN}[remote]\nstrategy = \"list\"\n"),
    );
    bench.write("in.csv", "userId,name,phone,plan\na,Ann,+1,1\n");
    let _ = bench.run("sync in.csv").exits(0);
    holds(&bench, "a", json!({"phone": "+1"}));
    bench.write("in.csv", "userId,name,phone,plan\na,Anna,+11,11\n");
    let _ = bench.run("sync in.csv").exits(0);
    holds(
        &bench,
        "a",
        json!({"name": "Anna", "phone": "+100", "customData": {"plan": 200}}),
    );
}

#[test]
fn what_an_apply_wrote_is_remembered_too() {
    let bench = Bench::empty();
    bench.write("hcsync.toml", UNEDITED);
    bench.write("in.csv", "userId,name,phone\na,Ann,+1\nb,Bob,+2\n");
    let _ = bench.run("plan in.csv --out plan.jsonl").exits(0);
    let _ = bench.run("apply plan.jsonl").exits(0);
    edit(&bench, "b", sets(json!({"phone": "+100"})));
    sync(&bench, "userId,name,phone\na,Anna,+11\nb,Bobby,+22\n");
    holds(&bench, "a", json!({"name": "Anna", "phone": "+11"}));
    holds(&bench, "b", json!({"name": "Bobby", "phone": "+100"}));
    // A plan against a file has no account and so no memory.
    let _ = bench.run("export -o all.jsonl").exits(0);
    bench.write("in.csv", "userId,name,phone\na,Another,+3\n");
    let plan = bench.run("plan in.csv --remote-file all.jsonl --output json");
    assert_eq!(kept(&plan.exits(0).json()), [("name", 1), ("phone", 1)]);
}

#[test]
fn what_a_run_wrote_before_it_was_stopped_is_remembered_when_another_takes_its_place() {
    let bench = Bench::empty();
    bench.write("hcsync.toml", UNEDITED);
    bench.write("in.csv", "userId,name,phone\na,Ann,+1\nb,Bob,+2\n");
    let _ = bench
        .run("sync in.csv --max-requests 2 --concurrency 1")
        .exits(7);
    holds(&bench, "a", json!({"name": "Ann"}));
    sync(&bench, "userId,name,phone\na,Anna,+11\nb,Bobby,+22\n");
    holds(&bench, "a", json!({"name": "Anna", "phone": "+11"}));
    holds(&bench, "b", json!({"name": "Bobby", "phone": "+22"}));
}

/// Killed while it waits for an answer: only its journal tells what it had written.
#[cfg(unix)]
#[test]
fn what_a_killed_run_wrote_is_remembered_by_the_next_and_by_its_resume() {
    for resumed in [false, true] {
        let bench = Bench::with(
            Vec::new(),
            "[[fault]]\nkind = \"delay\"\ndelay-ms = 2000\nendpoint = \"create\"\nnth = 3\n",
        );
        bench.write("hcsync.toml", UNEDITED);
        bench.write(
            "in.csv",
            "userId,name,phone\na,Ann,+1\nb,Bob,+2\nc,Cid,+3\n",
        );
        let running = bench.start("sync in.csv --concurrency 1");
        bench.until("a third create", |log| {
            log.iter()
                .filter(|r| r.endpoint == Endpoint::Create)
                .count()
                == 3
        });
        running.signal("KILL");
        assert_eq!(running.wait().code, None);
        if resumed {
            let _ = bench.run("resume").exits(0);
        }
        sync(
            &bench,
            "userId,name,phone\na,Anna,+11\nb,Bobby,+22\nc,Cidney,+33\n",
        );
        holds(&bench, "a", json!({"name": "Anna", "phone": "+11"}));
        holds(&bench, "b", json!({"name": "Bobby", "phone": "+22"}));
        holds(&bench, "c", json!({"name": "Cidney", "phone": "+33"}));
    }
}

#[test]
fn only_tags_that_hcsync_added_are_removed() {
    let there = json!({"id": 5, "userId": "b", "tags": [{"name": "theirs"}, {"name": "both"}]});
    let bench = Bench::with(vec![there], "");
    bench.write("hcsync.toml", OURS);
    sync(&bench, "userId,tags\na,one;two\nb,one;both\n");
    assert_eq!(tags(&bench, "b"), ["both", "one", "theirs"]);
    let adds = AgentEdit {
        tags: vec!["agent".into()],
        ..AgentEdit::default()
    };
    edit(&bench, "a", adds);
    // `both` was there before: it is not hcsync's to remove.
    sync(&bench, "userId,tags\na,two\nb,three\n");
    assert_eq!(tags(&bench, "a"), ["agent", "two"]);
    assert_eq!(tags(&bench, "b"), ["both", "theirs", "three"]);
    // An agent takes one away that the row still wants: it is added again, and is still hcsync's.
    let removes = AgentEdit {
        untag: vec!["two".into()],
        ..AgentEdit::default()
    };
    edit(&bench, "a", removes);
    sync(&bench, "userId,tags\na,two\nb,three\n");
    assert_eq!(tags(&bench, "a"), ["agent", "two"]);
    sync(&bench, "userId,tags\na,none\nb,theirs\n");
    assert_eq!(tags(&bench, "a"), ["agent", "none"]);
    assert_eq!(tags(&bench, "b"), ["both", "theirs"]);
}

/// The file tells nobody what was written.
#[test]
fn what_is_remembered_holds_no_value() {
    let bench = first_night(Bench::empty());
    let accounts = crate::bench::tree(&bench.path("state").join("accounts"));
    let file = accounts.iter().find(|path| path.ends_with("written.redb"));
    let bytes = std::fs::read(file.unwrap()).unwrap();
    for word in ["Ann", "Cid", "phone", "plan"] {
        let found = bytes.windows(word.len()).any(|w| w == word.as_bytes());
        assert!(!found, "{word}");
    }
}

/// HelpCrunch keeps a number otherwise than it is sent: what it kept is what was written, and not somebody's edit.
#[test]
fn a_value_that_is_kept_otherwise_is_still_hcsyncs_own() {
    let bench = Bench::with(Vec::new(), "[quirks]\nphone = \"normalised\"\n");
    bench.write("hcsync.toml", UNEDITED);
    bench.write("in.csv", "userId,name,phone\na,Ann,+1 (22) 3\n");
    let _ = bench.run("sync in.csv").exits(3);
    holds(&bench, "a", json!({"name": "Ann", "phone": "+1223"}));
    // Both sides stay the same: nothing is tried again, and nothing is told as edited.
    let same = sync(&bench, "userId,name,phone\na,Ann,+1 (22) 3\n");
    assert_eq!(kept(&same), []);
    let third = sync(&bench, "userId,name,phone\na,Anna,+44\n");
    assert_eq!(kept(&third), []);
    holds(&bench, "a", json!({"name": "Anna", "phone": "+44"}));
    // The same in a patch beside a value that is kept as it is.
    bench.write("in.csv", "userId,name,phone\na,Anne,+1 (55) 5\n");
    let _ = bench.run("sync in.csv").exits(3);
    sync(&bench, "userId,name,phone\na,Anja,+66\n");
    holds(&bench, "a", json!({"name": "Anja", "phone": "+66"}));
    edit(&bench, "a", sets(json!({"phone": "+100"})));
    let edited = sync(&bench, "userId,name,phone\na,Anja,+77\n");
    assert_eq!(kept(&edited), [("phone", 1)]);
}
