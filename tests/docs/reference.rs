//! The pages of `docs/reference` that are written from the program itself: the options as `--help` has them, the keys of a config
//! as its schema has them, and the formats of the files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};
use hcsync::cli::args::Args;
use serde_json::Value;
use toml::Value as Toml;

/// Every page with its text.
pub(crate) fn pages() -> Vec<(&'static str, String)> {
    vec![
        ("docs/reference/commands.md", commands()),
        ("docs/reference/config.md", config()),
        ("docs/reference/formats.md", formats()),
    ]
}

const WRITTEN_BY: &str =
    "<!-- Written by `HCSYNC_WRITE_DOCS=1 cargo test --test docs reference`. Do not edit. -->\n\n";

fn commands() -> String {
    let mut program = Args::command();
    program.build();
    let commands: Vec<&Command> = program
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
        .flat_map(|command| std::iter::once(command).chain(command.get_subcommands()))
        .collect();
    let mut text = format!(
        "# Commands\n\n{WRITTEN_BY}What `hcsync COMMAND --help` says. Options override environment variables, which override \
         the config file.\n\n| command | what it does |\n| --- | --- |\n"
    );
    for command in &commands {
        let name = name(command);
        let about = command.get_about().unwrap().to_string();
        let link = name.replace(' ', "-");
        let _ = writeln!(text, "| [`{name}`](#hcsync-{link}) | {} |", cell(&about));
    }
    for command in commands {
        write_command(&mut text, command);
    }
    text
}

/// As it is typed, without the program.
fn name(command: &Command) -> &str {
    let name = command.get_bin_name().unwrap_or_default();
    name.trim_start_matches("hcsync ")
}

fn write_command(text: &mut String, command: &Command) {
    let about = command.get_long_about().or(command.get_about()).unwrap();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let _ = write!(
        text,
        "\n## hcsync {}\n\n{}\n\n```text\n{usage}\n```\n",
        name(command),
        prose(&about.to_string())
    );
    // Options keep the order in which `--help` shows them; their headings the order in which each is first met.
    let mut headings: Vec<&str> = Vec::new();
    let mut rows: BTreeMap<&str, String> = BTreeMap::new();
    for option in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        if ["help", "version"].contains(&option.get_id().as_str()) {
            continue;
        }
        let heading = match option.get_help_heading() {
            Some(heading) => heading,
            None if option.is_positional() => "Arguments",
            None => "Options",
        };
        if !headings.contains(&heading) {
            headings.push(heading);
        }
        rows.entry(heading)
            .or_default()
            .push_str(&option_row(option));
    }
    for heading in headings {
        let _ = write!(
            text,
            "\n| {} | meaning | variable |\n| --- | --- | --- |\n{}",
            heading.to_lowercase(),
            rows[heading]
        );
    }
    if let Some(examples) = command.get_after_help() {
        let _ = write!(
            text,
            "\n```text\n{}\n```\n",
            examples.to_string().trim_end()
        );
    }
}

fn option_row(option: &Arg) -> String {
    let mut names = Vec::new();
    names.extend(option.get_short().map(|short| format!("-{short}")));
    names.extend(option.get_long().map(|long| format!("--{long}")));
    let mut name = names.join(", ");
    if option.is_positional() {
        name = option.to_string();
    } else if option.get_action().takes_values() {
        let values = option.get_value_names().unwrap_or_default();
        let values: Vec<_> = values.iter().map(ToString::to_string).collect();
        let _ = write!(name, " {}", values.join(" "));
    }
    let help = option.get_long_help().or(option.get_help());
    let mut help = cell(&help.unwrap_or_default().to_string());
    let values: Vec<String> = option
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set() && option.get_action().takes_values())
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}`: {}", value.get_name(), cell(&help.to_string())),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !values.is_empty() {
        let _ = write!(help, "<br>{}", values.join("<br>"));
    }
    let defaults: Vec<_> = option
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    if !defaults.is_empty() && option.get_action().takes_values() {
        let _ = write!(help, "<br>Default: `{}`", defaults.join(" "));
    }
    let variable = option
        .get_env()
        .map(|name| format!("`{}`", name.to_string_lossy()));
    format!("| `{name}` | {help} | {} |\n", variable.unwrap_or_default())
}

fn config() -> String {
    // As TOML, which keeps the order of the keys.
    let schema: Toml = serde_json::from_str(hcsync::config::SCHEMA).unwrap();
    let mut text = format!(
        "# Config\n\n{WRITTEN_BY}Every key of `hcsync.toml`, from its [JSON Schema](../formats/config.schema.json). All keys are \
         optional. `hcsync config --example` prints a config with every key and a comment, `hcsync config --show` the values \
         that hold and where each comes from.\n"
    );
    for (name, section) in members(&schema) {
        let _ = write!(text, "\n## [{name}]\n\n{}.\n", prose(described(section)));
        let mut keys = members(section).peekable();
        let is_mapping = keys.peek().is_none_or(|(_, key)| key.get("$ref").is_some());
        if !is_mapping {
            write_keys(&mut text, section);
            continue;
        }
        let keys: Vec<_> = keys.map(|(key, _)| format!("`{key}`")).collect();
        if !keys.is_empty() {
            let _ = write!(text, "\nThe fields: {}.\n", keys.join(", "));
        }
        text.push_str("\nA table may hold what a [column's table](#a-columns-table) holds.\n");
    }
    let forms = schema["$defs"]["rule"]["oneOf"].as_array().unwrap();
    let table = forms.iter().find(|form| form.get("properties").is_some());
    text.push_str(
        "\n## A column's table\n\nIn `[fields]` and `[custom_data]`, a column is its name, or a table of:\n",
    );
    write_keys(&mut text, table.unwrap());
    text
}

fn write_keys(text: &mut String, section: &Toml) {
    text.push_str("\n| key | meaning | values | default |\n| --- | --- | --- | --- |\n");
    for (key, schema) in members(section) {
        let default = schema.get("default").map(quoted);
        let _ = writeln!(
            text,
            "| `{key}` | {} | {} | {} |",
            cell(described(schema)),
            values(schema),
            default.unwrap_or_default()
        );
    }
}

fn members(schema: &Toml) -> impl Iterator<Item = (&String, &Toml)> {
    let members = schema.get("properties").and_then(Toml::as_table);
    members.into_iter().flatten()
}

fn described(schema: &Toml) -> &str {
    let description = schema.get("description").and_then(Toml::as_str);
    description.unwrap_or_default()
}

/// Which values a key may have.
fn values(schema: &Toml) -> String {
    let list = |name| schema.get(name).and_then(Toml::as_array);
    if let Some(values) = list("enum") {
        return values.iter().map(quoted).collect::<Vec<_>>().join(", ");
    }
    if let Some(forms) = list("oneOf") {
        return forms.iter().map(values).collect::<Vec<_>>().join(", or ");
    }
    if let Some(value) = schema.get("const") {
        return quoted(value);
    }
    let pattern = schema.get("pattern").and_then(Toml::as_str);
    let figure = |name| schema.get(name).map(Toml::to_string);
    match schema["type"].as_str().unwrap() {
        "string" if pattern.is_some_and(|pattern| pattern.contains("weeks")) => {
            "a time such as `\"90s\"`, `\"2h\"`, `\"30d\"`".to_owned()
        }
        "string" => "text".to_owned(),
        "boolean" => "`true`, `false`".to_owned(),
        "array" if schema["items"].get("enum").is_some() => {
            format!("a list of {}", values(&schema["items"]))
        }
        "array" => "a list of texts".to_owned(),
        "object" => "a table".to_owned(),
        kind => {
            let noun = match kind {
                "integer" => "a whole number",
                _ => "a number",
            };
            match (figure("minimum"), figure("maximum")) {
                (Some(min), Some(max)) => format!("{noun}, {min} to {max}"),
                (Some(min), None) => format!("{noun}, at least {min}"),
                _ => noun.to_owned(),
            }
        }
    }
}

fn quoted(value: &Toml) -> String {
    format!("`{}`", code(&value.to_string()))
}

fn formats() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut text = format!(
        "# File formats\n\n{WRITTEN_BY}Files that other programs read or people edit. Programs should ignore members that \
         they do not know.\n\n| format | what it is | members |\n| --- | --- | --- |\n"
    );
    for name in names {
        let content = super::read(&format!("docs/formats/{name}"));
        let link = format!("../formats/{name}");
        if name.ends_with(".md") {
            let mut parts = content.split("\n\n");
            let title = parts.next().unwrap().trim_start_matches("# ");
            let about = parts.next().unwrap().replace('\n', " ");
            let about = about.split_inclusive(". ").next().unwrap();
            let (title, about) = (cell(title), cell(about.trim_end()));
            let _ = writeln!(text, "| [{title}]({link}) | {about} | |");
            continue;
        }
        let schema: Value = serde_json::from_str(&content).unwrap();
        let title = schema["title"].as_str().unwrap();
        let title = title.trim_start_matches("hcsync: ");
        let about = schema["description"].as_str().unwrap();
        let members = schema["properties"].as_object().into_iter().flatten();
        let members: Vec<_> = members.map(|(member, _)| format!("`{member}`")).collect();
        let _ = writeln!(
            text,
            "| [{}]({link}) | {} | {} |",
            cell(title),
            cell(about),
            members.join(", ")
        );
    }
    text
}

/// A text as it stands in a paragraph: what looks like HTML is none, except between backquotes.
fn prose(text: &str) -> String {
    let escape = |(n, part): (usize, &str)| match n % 2 {
        0 => part.replace('<', "&lt;"),
        _ => part.to_owned(),
    };
    text.split('`')
        .enumerate()
        .map(escape)
        .collect::<Vec<_>>()
        .join("`")
}

/// A text as it stands in a table.
fn cell(text: &str) -> String {
    code(&prose(text))
        .replace("\n\n", "<br>")
        .replace('\n', " ")
}

/// A text that ends no cell.
fn code(text: &str) -> String {
    text.replace('|', "\\|")
}
