use super::super::account_history::{number, whole};
use super::super::page_facts::PageFacts;
use super::super::summary::PaceFacts;
use super::super::terminal::{human_count, human_duration};
use super::chart::{Chart, Column, bars, columns};

/// Bars of a list; the page says how many are left out.
const MAX_BARS: usize = 12;

/// The plots of a plan or run.
pub(super) fn charts(facts: &PageFacts<'_>) -> Vec<Chart> {
    let mut charts = Vec::new();
    let fields = facts.preview.changed_fields.iter();
    let fields: Vec<_> = fields
        .map(|(name, count)| (name.as_str(), *count, "new"))
        .collect();
    let mut add = |title: &str, counts: &[(&str, u64, &'static str)]| {
        let left_out = counts.len().saturating_sub(MAX_BARS);
        let bars = bars(counts.get(..MAX_BARS.min(counts.len())).unwrap_or_default());
        if !bars.is_empty() {
            charts.push(Chart {
                title: title.to_owned(),
                note: (left_out > 0).then(|| format!("and {left_out} more")),
                bars,
                ..Chart::default()
            });
        }
    };
    add("Fields of existing customers that change most", &fields);
    add("Customers by kind of change", &facts.kinds());
    if let Some(summary) = facts.summary {
        let requests = &summary.requests;
        let endpoints = requests.by_endpoint.iter();
        let mut endpoints: Vec<_> = endpoints
            .map(|(name, n)| (name.as_str(), *n, "quiet"))
            .collect();
        endpoints.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
        endpoints.push(("repeated after a failure", requests.retries, "warn"));
        endpoints.push(("answered with 429", requests.rate_limited, "bad"));
        add("Requests", &endpoints);
        charts.extend(requests.pace.as_ref().map(pace));
    }
    charts
}

fn count(figure: f64) -> String {
    human_count(whole(figure))
}

/// The pace of the requests over time. A gap is a pause or an outage.
fn pace(pace: &PaceFacts) -> Chart {
    let per_minute = 60.0 / number(pace.bucket_s.max(1));
    let at = |list: &[u64], index: usize| number(list.get(index).copied().unwrap_or(0));
    let column = |index: usize| {
        let all = at(&pace.requests, index);
        let limited = at(&pace.rate_limited, index).min(all);
        let repeated = at(&pace.repeated, index).min(all - limited);
        let parts = [
            (all - limited - repeated, "quiet"),
            (repeated, "warn"),
            (limited, "bad"),
        ];
        let began = match index {
            0 => "start".to_owned(),
            _ => format!(
                "after {}",
                human_duration(number(pace.bucket_s) * number(index as u64))
            ),
        };
        Column {
            label: format!("{began}: {} a minute", count(all * per_minute)),
            parts: parts
                .map(|(count, kind)| (count * per_minute, kind))
                .to_vec(),
        }
    };
    let all: Vec<_> = (0..pace.requests.len()).map(column).collect();
    let title = "Requests a minute over time";
    Chart {
        title: title.to_owned(),
        note: Some("Repeated ones and those that were answered with 429 stand out; a gap is a pause or an outage.".to_owned()),
        picture: Some(columns(title, &all, count)),
        ..Chart::default()
    }
}
