use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::helpcrunch::Endpoint;

/// Counts of the HTTP exchanges that were begun, with or without success: the `requests` of the summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateStats {
    pub total: u64,
    pub read: u64,
    pub write: u64,
    /// Of the total, those that repeated a failed exchange; not those after a 429.
    pub retries: u64,
    /// Exchanges that were answered with 429.
    pub rate_limited: u64,
    /// Exchanges whose answer named the rate limit in a header.
    pub with_rate_headers: u64,
    pub by_endpoint: BTreeMap<&'static str, u64>,
    pub pace: Pace,
    pub first_at: Option<Instant>,
    pub last_at: Option<Instant>,
}

impl GateStats {
    pub(super) fn count(&mut self, endpoint: Endpoint, is_retry: bool, now: Instant) {
        self.total += 1;
        self.retries += u64::from(is_retry);
        if endpoint.is_write() {
            self.write += 1;
        } else {
            self.read += 1;
        }
        *self.by_endpoint.entry(endpoint.name()).or_default() += 1;
        let first = *self.first_at.get_or_insert(now);
        self.last_at = Some(now);
        let piece = self.pace.at(now.duration_since(first).as_secs());
        piece.requests += 1;
        piece.repeated += u64::from(is_retry);
    }

    /// Counts an answer with status 429.
    pub(super) fn count_rate_limited(&mut self, now: Instant) {
        self.rate_limited += 1;
        if let Some(first) = self.first_at {
            let after = now.duration_since(first).as_secs();
            self.pace.at(after).rate_limited += 1;
        }
    }
}

/// The most pieces of time. Beyond it, each two become one.
const MAX_PIECES: usize = 240;

/// Requests over time, in pieces of equal length from the first request on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    pub seconds: u64,
    pub pieces: Vec<PacePiece>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PacePiece {
    pub requests: u64,
    pub rate_limited: u64,
    pub repeated: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            seconds: 1,
            pieces: Vec::new(),
        }
    }
}

impl Pace {
    /// The piece of a time, in seconds after the first request.
    fn at(&mut self, after: u64) -> &mut PacePiece {
        let mut index = index(after / self.seconds);
        while index >= MAX_PIECES {
            self.seconds *= 2;
            self.pieces = self.pieces.chunks(2).map(PacePiece::sum).collect();
            index /= 2;
        }
        if index >= self.pieces.len() {
            self.pieces.resize(index + 1, PacePiece::default());
        }
        // It was just made.
        #[expect(
            clippy::indexing_slicing,
            reason = "the list was made long enough above"
        )]
        &mut self.pieces[index]
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl PacePiece {
    fn sum(pieces: &[Self]) -> Self {
        let mut sum = Self::default();
        for piece in pieces {
            sum.requests += piece.requests;
            sum.rate_limited += piece.rate_limited;
            sum.repeated += piece.repeated;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_keeps_every_request_in_bounded_pieces() {
        let mut pace = Pace::default();
        for after in 0..10_000 {
            pace.at(after).requests += 1;
        }
        assert_eq!(pace.seconds, 64);
        assert!(pace.pieces.len() <= MAX_PIECES);
        assert_eq!(
            pace.pieces.iter().map(|piece| piece.requests).sum::<u64>(),
            10_000
        );
        assert_eq!(pace.pieces[0].requests, 64);
        pace.at(10_000_000).rate_limited += 1;
        assert!(pace.pieces.len() <= MAX_PIECES);
        assert_eq!(
            pace.pieces
                .iter()
                .map(|piece| piece.rate_limited)
                .sum::<u64>(),
            1
        );
    }
}
