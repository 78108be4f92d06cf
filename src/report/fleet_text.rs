use super::fleet::{FleetConfig, FleetNeed, FleetReport, night_text};
use super::page::{TextPage, View};
use super::table::Table;
use super::terminal::{Style, human_count, human_duration, plural};

const TABLE: Table<6> = Table {
    heads: ["config", "account", "rows", "requests", "time", "from"],
    names: 0..2,
    figures: 2..4,
};

/// Returns the report as text: a line for each config, what is wrong or unknown, and the length of the night.
pub fn render_fleet_check(report: &FleetReport, view: View) -> String {
    let mut page = TextPage::new(view);
    if report.configs.is_empty() {
        page.exact("no config (*.toml) in ", &report.folder);
        return page.finish();
    }
    let configs = plural(report.configs.len() as u64, "config", "configs");
    page.heading(&format!("{configs} in {}", report.folder));
    let lines = report.configs.iter().map(|c| (style(c), cells(c)));
    TABLE.render(&mut page, &lines.collect::<Vec<_>>());
    let remarks = report
        .configs
        .iter()
        .any(|c| c.problem.is_some() || !c.notes.is_empty());
    if remarks {
        page.heading("Attention");
    }
    for config in &report.configs {
        if let Some(problem) = &config.problem {
            page.item("  ", &format!("{}: {problem}", config.config), Style::Bad);
        }
        for note in &config.notes {
            page.item("  ", &format!("{}: {note}", config.config), Style::Warn);
        }
    }
    render_night(&mut page, report);
    page.finish()
}

fn style(config: &FleetConfig) -> Style {
    match (&config.problem, config.bad_rows) {
        (Some(_), _) => Style::Bad,
        (None, Some(bad)) if bad > 0 => Style::Warn,
        _ => Style::Plain,
    }
}

fn cells(config: &FleetConfig) -> [String; 6] {
    let unknown = || "-".to_owned();
    let count = |count: Option<u64>| count.map_or_else(unknown, human_count);
    let figures = config.need.figures();
    let from = match &config.problem {
        Some(_) => "not usable",
        None => config.need.words(),
    };
    [
        config.config.clone(),
        config.account.clone().unwrap_or_else(unknown),
        count(config.rows),
        count(figures.map(|(requests, _)| requests)),
        figures.map_or_else(unknown, |(_, seconds)| human_duration(seconds)),
        from.to_owned(),
    ]
}

fn render_night(page: &mut TextPage, report: &FleetReport) {
    let Some(longest) = report.chains.first() else {
        return;
    };
    page.heading("The night");
    let lead = "  at once            ";
    let at_once = format!(
        "{}, as long as {}",
        night_text(report),
        longest.configs.join(", then ")
    );
    page.item(lead, &at_once, Style::Plain);
    let total = human_duration(report.total_s());
    page.item("  one after another  ", &total, Style::Plain);
    let has_bound = |c: &FleetConfig| matches!(c.need, FleetNeed::UpperBound { .. });
    if report.configs.iter().any(has_bound) {
        let bound = "\"at most\": no finished run is known here, so each row counts as a write and each of its keys is searched for";
        page.item("  ", bound, Style::Dim);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fleet::{FleetChain, fleet_check_headline, write_fleet_check};
    use super::super::terminal::text_width;
    use super::*;
    use crate::report::schema_check;

    fn report() -> FleetReport {
        let known = FleetConfig {
            config: "10-shop.toml".into(),
            account: Some("shop".into()),
            account_id: Some("n-shop-0123456789ab".into()),
            base_url: Some("https://api.helpcrunch.com/v1".into()),
            requests_per_minute: Some(120),
            inputs: vec!["accounts/shop.csv".into()],
            rows: Some(12_345),
            bad_rows: Some(40),
            need: FleetNeed::LastRun {
                run_id: "20261120T031244Z-k3f9".into(),
                started_at: "2026-11-20T03:12:44Z".into(),
                rows: 12_300,
                requests: 1_234,
                duration_s: 624.0,
            },
            ..FleetConfig::default()
        };
        let bound = FleetConfig {
            config: "20-a-client-with-a-very-long-name-for-its-config.toml".into(),
            account: Some("a client with a very long name for its account".into()),
            need: FleetNeed::UpperBound {
                requests: 251,
                duration_s: 126.0,
            },
            rows: Some(120),
            bad_rows: Some(0),
            ..known.clone()
        };
        let unknown = FleetConfig {
            config: "30-sql.toml".into(),
            account: None,
            inputs: Vec::new(),
            rows: None,
            bad_rows: None,
            need: FleetNeed::Unknown,
            notes: vec!["its rows come from input.command, which is not run here".into()],
            ..known.clone()
        };
        let bad = FleetConfig {
            config: "40-bad.toml".into(),
            problem: Some("accounts/40-bad.toml:2:1: unknown key `api.acount`".into()),
            ..FleetConfig::default()
        };
        let chains = vec![
            FleetChain::of(&[&bound]),
            FleetChain::of(&[&known, &unknown]),
        ];
        FleetReport {
            folder: "accounts".into(),
            configs: vec![known, bound, unknown, bad],
            chains: Vec::new(),
        }
        .with_chains(chains)
    }

    #[test]
    fn each_config_has_a_line_and_the_longest_chain_is_the_night() {
        insta::assert_snapshot!(render_fleet_check(&report(), View::default()), @r#"
        4 configs in accounts
          config             account             rows  requests  time         from
          10-shop.toml       shop              12,345     1,234  10 min 24 s  last run
          20-a-client-with…  a client with a…     120       251  2 min 6 s    at most
          30-sql.toml        -                      -         -  -            unknown
          40-bad.toml        -                      -         -  -            not usable

        Attention
          30-sql.toml: its rows come from input.command, which is not run here
          40-bad.toml: accounts/40-bad.toml:2:1: unknown key `api.acount`

        The night
          at once            10 min 24 s, plus what is not known, as long as
                             10-shop.toml, then 30-sql.toml
          one after another  12 min 30 s
          "at most": no finished run is known here, so each row counts as a write and
          each of its keys is searched for
        "#);
        let narrow = render_fleet_check(&report(), View::new(60, false));
        assert!(
            narrow.lines().all(|line| text_width(line) <= 60),
            "{narrow}"
        );
        assert_eq!(
            fleet_check_headline(&report()),
            "4 configs, 1 of them not usable"
        );
    }

    #[test]
    fn a_folder_without_configs_says_so() {
        let empty = FleetReport {
            folder: "accounts".into(),
            ..FleetReport::default()
        };
        assert_eq!(
            render_fleet_check(&empty, View::default()),
            "no config (*.toml) in accounts\n"
        );
    }

    #[test]
    fn json_fits_its_schema() {
        for report in [report(), FleetReport::default()] {
            let mut out = Vec::new();
            write_fleet_check(&mut out, &report).unwrap();
            schema_check::assert_fits("fleet-check", &String::from_utf8(out).unwrap());
        }
    }
}
