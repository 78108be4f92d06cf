/// One JSON value that was read into a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BufferedValue {
    /// Physical line on which it starts.
    pub(super) line: u64,
    /// The size in bytes of a value that was too long to keep.
    pub(super) too_long: Option<u64>,
}
