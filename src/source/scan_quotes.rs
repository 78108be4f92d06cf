//! The quotes in the scan of a record.

use super::dialect::LineEnd;
use super::record_extent::RecordFlaw;
use super::scan::{MAX_PADDING, OpenQuote, RecordScan, ScanStep, Scanner};

impl Scanner {
    /// Handles a quote outside of quoted cells: it opens one or is data. `head` contains the bytes before it.
    pub(super) fn first_quote(&self, scan: &mut RecordScan, head: &[u8]) {
        let blanks = head.iter().rev();
        let blanks = blanks
            .take_while(|byte| self.syntax.is_blank(**byte))
            .count();
        let before = match head.len() - blanks {
            0 => scan.before,
            start => head.get(start - 1).copied(),
        };
        if before.is_some_and(|byte| byte != self.syntax.delimiter) {
            scan.literal_quotes += 1;
            return;
        }
        let spot = scan.spot(head.len());
        if blanks > 0 {
            scan.is_padded = true;
            if !self.syntax.skips_blanks {
                scan.flaw.get_or_insert(RecordFlaw::Blank(spot));
            }
        }
        scan.open = Some(OpenQuote {
            spot,
            first_end: None,
        });
    }

    pub(super) fn quoted(
        &self,
        scan: &mut RecordScan,
        mut open: OpenQuote,
        bytes: &[u8],
        ended: bool,
    ) -> Option<ScanStep> {
        let next = self.find(bytes, scan.at);
        let at = next.unwrap_or(bytes.len());
        scan.at = at;
        let lines = scan.line - open.spot.line;
        let held = bytes.get(..scan.line_at.saturating_sub(1));
        let held = held.unwrap_or_default();
        if at - open.spot.at > self.limits.quoted_bytes || self.is_mistaken(open, lines, held) {
            if open.first_end.is_some() {
                return Some(ScanStep::Unclosed(open));
            }
            scan.flaw.get_or_insert(RecordFlaw::Unclosed(open.spot));
            scan.open = None;
            scan.rest = true;
            return None;
        }
        if next.is_none() {
            return Some(if ended {
                ScanStep::Unclosed(open.closed_at(bytes.len()))
            } else {
                ScanStep::More
            });
        }
        if self.syntax.is_quote(bytes.get(at)) {
            return self.second_quote(scan, open, bytes, ended);
        }
        let Some((len, skip)) = self.line_end_at(bytes, at, ended) else {
            return Some(ScanStep::More);
        };
        open.first_end.get_or_insert((len, skip));
        scan.open = Some(open);
        scan.line += 1;
        scan.line_at = skip;
        scan.at = skip;
        None
    }

    /// Handles a quote within a quoted cell: it is doubled, closing or stray.
    fn second_quote(
        &self,
        scan: &mut RecordScan,
        open: OpenQuote,
        bytes: &[u8],
        ended: bool,
    ) -> Option<ScanStep> {
        let at = scan.at;
        let rest = bytes.get(at + 1..).unwrap_or_default();
        if self.syntax.is_quote(rest.first()) {
            scan.at = at + 2;
            return None;
        }
        let padding = rest.iter().take(MAX_PADDING);
        let padding = padding.take_while(|byte| self.is_padding(**byte)).count();
        let after = rest.get(padding..).unwrap_or_default();
        if !ended && after.is_empty() {
            return Some(ScanStep::More);
        }
        let closes = match after {
            [] | [b'\n', ..] => true,
            [b'\r', ..] => self.line_end == LineEnd::Cr,
            [next, ..] => *next == self.syntax.delimiter,
        };
        // The carriage return of a line end is not padding.
        let is_line_end = matches!(after, [] | [b'\n', ..]) && rest.get(..padding) == Some(b"\r");
        scan.is_padded |= padding > 0 && !is_line_end;
        if !closes && scan.line > open.spot.line {
            return Some(ScanStep::Unclosed(open));
        }
        if !closes {
            let spot = scan.spot(at);
            scan.flaw.get_or_insert(RecordFlaw::Stray(spot));
        }
        scan.open = None;
        scan.at = at + 1;
        None
    }
}
