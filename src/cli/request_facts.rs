//! What the gate counted, as a summary has it.

use crate::helpcrunch::{GateStats, Pace};
use crate::report::{PaceFacts, RateFacts, RequestFacts};

/// The requests of a run, and how well they used the limit a minute (0: none).
pub(super) fn request_facts(stats: &GateStats, limit: u32) -> (RequestFacts, RateFacts) {
    let seconds = match (stats.first_at, stats.last_at) {
        (Some(first), Some(last)) => last.duration_since(first).as_secs_f64(),
        _ => 0.0,
    };
    let limit = Some(limit).filter(|limit| *limit > 0);
    // Between n requests there are n − 1 gaps.
    let rate = RateFacts::new(limit, stats.total.saturating_sub(1), seconds);
    let by_endpoint = stats.by_endpoint.iter();
    let requests = RequestFacts {
        total: stats.total,
        read: stats.read,
        write: stats.write,
        retries: stats.retries,
        rate_limited: stats.rate_limited,
        by_endpoint: by_endpoint
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect(),
        pace: (stats.total > 0).then(|| pace_facts(&stats.pace)),
    };
    (requests, rate)
}

fn pace_facts(pace: &Pace) -> PaceFacts {
    let pieces = || pace.pieces.iter();
    PaceFacts {
        bucket_s: pace.seconds,
        requests: pieces().map(|piece| piece.requests).collect(),
        rate_limited: pieces().map(|piece| piece.rate_limited).collect(),
        repeated: pieces().map(|piece| piece.repeated).collect(),
    }
}
