//! Ranges of customer ids, each for one search.

use crate::domain::CustomerId;

/// A half-open range of ids. `end` is `None` for all ids from `start` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IdRange {
    pub(super) start: u64,
    pub(super) end: Option<u64>,
}

impl IdRange {
    pub(super) fn is_one_id(self) -> bool {
        self.end.is_some_and(|end| end <= self.start + 1)
    }

    /// Whether a search for the range may return this id: one in the range or next to it. A server that confuses `>=`
    /// with `>` or `<` with `<=` is still read completely.
    pub(super) fn may_return(self, id: CustomerId) -> bool {
        id.0.saturating_add(1) >= self.start && self.end.is_none_or(|end| id.0 <= end)
    }
}

/// Returns ranges that cover all possible ids. The first has as many known ids as fill a page, so that its answer shows
/// how long a page can be; the others have a tenth less, so that they fit if customers were added.
pub(super) fn ranges(known: &[CustomerId], page: u64) -> Vec<IdRange> {
    let count = |customers: u64| usize::try_from(customers).unwrap_or(1).max(1);
    let (first, rest) = known.split_at(known.len().min(count(page)));
    let each = count(page - page.div_ceil(10));
    let chunks = [first].into_iter().chain(rest.chunks(each));
    let mut starts: Vec<u64> = chunks
        .filter_map(|chunk| chunk.first())
        .map(|id| id.0)
        .collect();
    if let Some(first) = starts.first_mut() {
        *first = 0;
    } else {
        starts.push(0);
    }
    let ends = starts.iter().skip(1).copied().map(Some).chain([None]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(start, end)| IdRange { start, end })
        .collect()
}

/// Splits the range in two, or returns `None` if it has only one id.
pub(super) fn split(range: IdRange, highest_seen: Option<u64>) -> Option<(IdRange, IdRange)> {
    let end = range.end.unwrap_or_else(|| {
        highest_seen
            .unwrap_or(range.start)
            .saturating_mul(2)
            .max(range.start + 2)
    });
    let middle = range.start + (end - range.start) / 2;
    (middle > range.start).then_some((
        IdRange {
            start: range.start,
            end: Some(middle),
        },
        IdRange {
            start: middle,
            end: range.end,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_every_id_once() {
        let known: Vec<_> = [5, 9, 11, 40, 41].map(CustomerId).to_vec();
        let all = ranges(&known, 2);
        assert_eq!(all.len(), 4, "two in the first, one in each other");
        assert_eq!(all.first().unwrap().start, 0);
        assert_eq!(all.last().unwrap().end, None);
        for pair in all.windows(2) {
            assert_eq!(pair[0].end, Some(pair[1].start));
        }
        assert_eq!(
            ranges(&[], 90),
            [IdRange {
                start: 0,
                end: None
            }]
        );
    }

    #[test]
    fn a_range_is_split_until_it_has_one_id() {
        let mut range = IdRange {
            start: 0,
            end: None,
        };
        for _ in 0..200 {
            let Some((low, high)) = split(range, Some(1_000_000)) else {
                break;
            };
            assert_eq!(low.end, Some(high.start));
            assert_eq!((low.start, high.end), (range.start, range.end));
            range = low;
        }
        assert_eq!(
            split(
                IdRange {
                    start: 7,
                    end: Some(8)
                },
                None
            ),
            None
        );
    }
}
