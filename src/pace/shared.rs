use std::fmt;
use std::time::Duration;

/// A line in which several processes stand that send requests to one account, so that together they keep the limit.
pub trait SharedPace: fmt::Debug + Send {
    /// Takes the next place in the line; the one behind it is at least `gap` later. Returns when the request may be sent,
    /// from now, or `None` if another process is just taking a place: then ask again.
    fn take_place(&mut self, gap: Duration) -> Option<Duration>;

    /// Makes all processes wait this long, after a 429.
    fn pause(&mut self, wait: Duration);
}
