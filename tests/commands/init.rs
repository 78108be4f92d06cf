//! `init`: a config that the same input is accepted with.

use crate::bench::{Bench, Ran, Running};
use crate::files::read_text;

fn run(bench: &Bench, words: &[&str]) -> Ran {
    Running::start(bench.bare(words)).wait()
}

/// As a spreadsheet in Germany saves it.
fn german() -> Vec<u8> {
    let text = "Kundennummer;E-Mail;Name;Firma;Erstellt am;Sprache;Tags;Umsatz;Newsletter\r\n\
        K-1;ann@example.com;Ann M\u{fc}ller;;31.12.2024;de;vip,lead;1.234,56;true\r\n\
        K-2;bob@example.com;Bob Stra\u{df}e;B GmbH;01.02.2024;en;;7,00;false\r\n";
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

#[test]
fn a_german_table_is_proposed_checked_and_planned() {
    let bench = Bench::bundled();
    bench.write("kunden.csv", german());
    run(&bench, &["init", "kunden.csv", "-o", "hcsync.toml"])
        .exits(0)
        .says(&["config written: hcsync.toml"]);
    let config = read_text(&bench.path("hcsync.toml"));
    for line in [
        "userId = \"Kundennummer\"",
        "firstSeen = { column = \"Erstellt am\", type = \"date\", format = \"%d.%m.%Y\" }",
        "company = \"Firma\"",
        "locale = \"Sprache\"",
        "separator = \",\"",
        "Newsletter = \"Newsletter\"",
    ] {
        assert!(config.contains(line), "{line}\n{config}");
    }
    run(&bench, &["check", "kunden.csv"])
        .exits(0)
        .shows(&["No problem found: 2 rows checked"]);
    let plan = bench.run("plan kunden.csv --output json").exits(0).json();
    assert_eq!(plan["planned"]["create"], 2);
    let created = plan["examples"][0]["changes"].as_array().unwrap();
    let name = created.iter().find(|c| c["field"] == "name").unwrap();
    assert_eq!(name["new"], "Ann Müller");
    let seen = created.iter().find(|c| c["field"] == "firstSeen").unwrap();
    assert_eq!(seen["new"], "2024-12-31T00:00:00Z");
}

#[test]
fn json_output_has_the_proposal() {
    let bench = Bench::bundled();
    bench.write("kunden.csv", german());
    let reported = run(&bench, &["init", "kunden.csv", "--output", "json"])
        .exits(0)
        .json();
    let config = reported["config"].as_str().unwrap();
    assert!(config.contains("userId = \"Kundennummer\""), "{config}");
    assert_eq!(
        (&reported["has_key"], &reported["written"]),
        (&true.into(), &serde_json::Value::Null)
    );
}

#[test]
fn the_bundled_samples_are_accepted_with_what_is_proposed_for_them() {
    for name in ["customers.csv", "nightly.jsonl"] {
        let bench = Bench::empty();
        bench.sample(name);
        let proposed = run(&bench, &["init", name]).exits(0);
        bench.write("proposed.toml", &proposed.out);
        let json = run(
            &bench,
            &["check", "-c", "proposed.toml", name, "--output", "json"],
        );
        let plain = run(&bench, &["check", name, "--output", "json"]).json();
        // No row is worse off than without a config.
        let bad = json.json()["bad_rows"].as_u64().unwrap();
        assert!(
            bad <= plain["bad_rows"].as_u64().unwrap(),
            "{name}: {}",
            json.out
        );
        assert!(proposed.out.contains("firstSeen = "), "{}", proposed.out);
        assert!(
            !proposed.out.contains("example.com"),
            "no value of a row: {}",
            proposed.out
        );
    }
}

#[test]
fn words_for_yes_and_no_zones_and_languages_are_taken_from_the_file() {
    let bench = Bench::empty();
    let text = "E-Mail;Abgemeldet;Newsletter;Sprache;Erstellt am (GMT +2);Gruppen\n\
        ann@example.com;ja;nein;Deutsch;2024-05-06 07:08:09;vip, beta\n\
        ben@example.com;nein;ja;English;2024-05-06 07:08:09;beta\n\
        cid@example.com;nein;ja;Ukrainian;2024-05-06 07:08:09;beta, vip\n\
        dan@example.com;nein;nein;Polski;2024-05-06 07:08:09;vip\n";
    bench.write("kunden.csv", text);
    run(&bench, &["init", "kunden.csv", "-o", "k.toml"])
        .exits(0)
        .says(&["next: hcsync check kunden.csv -c k.toml"]);
    let config = read_text(&bench.path("k.toml"));
    for line in [
        "timezone = \"Etc/GMT-2\"",
        "unsubscribed = { column = \"Abgemeldet\", true_values = [\"ja\"], false_values = [\"nein\"] }",
        "Newsletter = { column = \"Newsletter\", type = \"boolean\", true_values = [\"ja\"], false_values = [\"nein\"] }",
        "locale = \"Sprache\"",
        "# column = \"Gruppen\"   # its cells look like lists of tags",
    ] {
        assert!(config.contains(line), "{line}\n{config}");
    }
    let plan = bench
        .run("plan kunden.csv -c k.toml --output json --examples 1")
        .exits(0)
        .json();
    let created = plan["examples"][0]["changes"].as_array().unwrap();
    let seen = created.iter().find(|c| c["field"] == "firstSeen").unwrap();
    assert_eq!(seen["new"], "2024-05-06T05:08:09Z");
}

#[test]
fn a_known_export_without_a_config_says_what_would_be_lost_and_consent_first() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/exports");
    let bench = Bench::empty();
    let text = std::fs::read(fixtures.join("intercom.csv")).unwrap();
    bench.write("intercom.csv", text).write("none.jsonl", "");
    for words in [
        "sync --dry-run intercom.csv",
        "plan intercom.csv --remote-file none.jsonl",
    ] {
        let ran = bench.run(words).exits(0);
        let first = ran.err.lines().next().unwrap_or_default();
        for part in [
            "warning: intercom.csv is an export from Intercom",
            "of its 23 columns are lost, consent among them: `Unsubscribed from Emails`",
            "`hcsync init intercom.csv -o hcsync.toml`",
        ] {
            assert!(first.contains(part), "{part}\n{}", ran.err);
        }
    }
    let _ = run(&bench, &["init", "intercom.csv", "-o", "hcsync.toml"]).exits(0);
    let ran = bench.run("sync --dry-run intercom.csv").exits(0);
    assert!(!ran.err.contains("are lost"), "{}", ran.err);
}

#[test]
fn it_is_never_written_over_a_file() {
    let bench = Bench::empty();
    bench
        .write("in.csv", "userId\nu1\n")
        .write("hcsync.toml", "# mine\n");
    run(&bench, &["init", "in.csv", "-o", "hcsync.toml"])
        .exits(2)
        .says(&["exists already and is not overwritten"]);
    assert_eq!(read_text(&bench.path("hcsync.toml")), "# mine\n");
    run(&bench, &["init", "no.csv", "-o", "new.toml"]).exits(2);
    assert!(!bench.path("new.toml").exists());
}

#[test]
fn guesses_are_marked_in_the_config() {
    let bench = Bench::empty();
    bench.write("in.csv", "userId;a,b\n1;2,3\n4;5,6\n");
    let proposed = run(&bench, &["init", "in.csv"]).exits(0);
    assert!(
        proposed.out.contains("[input]\ndelimiter = "),
        "{}",
        proposed.out
    );
    bench.write(
        "when.csv",
        "email,Day\na@example.com,01/02/2024\nb@example.com,03/04/2024\n",
    );
    let proposed = run(&bench, &["init", "when.csv"]).exits(0).says(&["`Day`"]);
    for line in [
        "# Day = { column = \"Day\", type = \"date\", format = \"%d/%m/%Y\" }",
        "format = \"%m/%d/%Y\"",
    ] {
        assert!(proposed.out.contains(line), "{}", proposed.out);
    }
    bench.write(
        "sum.csv",
        "email;Sum;Price\na@example.com;1,101;1,101\nb@example.com;22,500;12,5\n",
    );
    let proposed = run(&bench, &["init", "sum.csv"]).exits(0).says(&["`Sum`"]);
    for line in [
        "\n# Sum = { column = \"Sum\", type = \"number\", decimal = \",\", thousands = \".\" }   # decimal comma?",
        "\n# Sum = { column = \"Sum\", type = \"number\", decimal = \".\", thousands = \",\" }   # decimal point?",
        "\nPrice = { column = \"Price\", type = \"number\", decimal = \",\", thousands = \".\" }\n",
    ] {
        assert!(proposed.out.contains(line), "{}", proposed.out);
    }
    bench.write("none.csv", "Plan\npro\n");
    run(&bench, &["init", "none.csv"])
        .exits(0)
        .says(&["map one to userId or email"]);
}

/// Samples of other tools' exports, with lines that their configs have to hold.
const EXPORTS: [(&str, &str, &[&str]); 6] = [
    (
        "intercom.csv",
        "Intercom",
        &[
            "userId = \"User ID\"",
            "email = \"Email\"",
            "company = \"Company name\"",
            "firstSeen = \"Signed up (GMT +00:00)\"",
            "lastSeen = \"Last seen (GMT +00:00)\"",
            "unsubscribed = \"Unsubscribed from Emails\"",
            "column = \"Tag\"\nseparator = \",\"",
            "[input]\ntimezone = \"UTC\"   # from the column names",
        ],
    ),
    (
        "zendesk.csv",
        "Zendesk",
        &[
            "userId = \"external_id\"",
            "firstSeen = \"created_at\"",
            "lastSeen = \"last_login_at\"",
            "blocked = \"suspended\"",
            "locale = \"locale\"",
            "column = \"tags\"\nseparator = \" \"",
            "[rows]\nwhere = \"role == 'end-user'\"   # leaves out agents and admins",
        ],
    ),
    (
        "hubspot.csv",
        "HubSpot",
        &[
            "userId = \"Record ID\"",
            "name = { template = \"{{ (row[\\\"First Name\\\"] ~ \\\" \\\" ~ row[\\\"Last Name\\\"]) | trim }}\" }",
            "phone = \"Phone Number\"",
            "\"Mobile Phone Number\" = ",
            "unsubscribed = \"Unsubscribed from all email\"",
            "locale = \"Preferred language\"",
            "firstSeen = \"Create Date\"",
        ],
    ),
    (
        "freshdesk.csv",
        "Freshdesk",
        &[
            "userId = \"Unique external ID\"",
            "name = \"Full name\"",
            "phone = \"Mobile phone\"",
            "locale = \"Language\"",
            "notes = \"About\"",
            "\"Contact ID\" = { column = \"Contact ID\", type = \"text\" }",
            "column = \"Tags\"\nseparator = \",\"",
        ],
    ),
    (
        "crisp.csv",
        "Crisp",
        &[
            "userId = \"data.user_id\"",
            "name = \"person.nickname\"",
            "firstSeen = \"created_at\"",
            "locale = \"person.locales\"",
            "plan = \"data.plan\"",
            "column = \"segments\"\nseparator = \"|\"",
        ],
    ),
    (
        "salesforce.csv",
        "Salesforce",
        &[
            "userId = \"Id\"",
            "row[\\\"FirstName\\\"]",
            "phone = \"MobilePhone\"",
            "firstSeen = \"CreatedDate\"",
            "unsubscribed = \"HasOptedOutOfEmail\"",
            "# \"OwnerId\"",
            "where = \"IsDeleted not in ['1', ",
            "Birthdate = { column = \"Birthdate\", type = \"date\" }",
        ],
    ),
];

#[test]
fn what_is_proposed_for_an_export_is_checked_and_synced_without_an_edit() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/exports");
    let mut files: Vec<_> = crate::bench::entries(&fixtures)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "csv"))
        .collect();
    files.sort();
    assert_eq!(files.len(), EXPORTS.len(), "{files:?}");
    for (name, tool, lines) in EXPORTS {
        let bench = Bench::empty();
        bench.write(name, std::fs::read(fixtures.join(name)).unwrap());
        let _ = run(&bench, &["init", name, "-o", "c.toml"]).exits(0);
        let config = read_text(&bench.path("c.toml"));
        assert!(
            config.contains(&format!("an export from {tool}")),
            "{config}"
        );
        for line in lines {
            assert!(config.contains(line), "{name}: no {line}\n{config}");
        }
        let values = read_text(&fixtures.join(name));
        let addresses = values
            .split(['"', ',', '\n'])
            .filter(|cell| cell.contains('@'));
        for address in addresses {
            assert!(!config.contains(address), "no value of a row: {config}");
        }
        let _ = run(&bench, &["check", name, "-c", "c.toml"])
            .exits(0)
            .shows(&["No problem found: 3 rows"]);
        let ran = run(
            &bench,
            &[
                "sync",
                name,
                "-c",
                "c.toml",
                "--sandbox",
                "--output",
                "json",
                "--state-dir",
                "s",
            ],
        )
        .exits(0)
        .json();
        assert_eq!(ran["summary"]["results"]["created"], 3, "{name}: {ran}");
    }
}
