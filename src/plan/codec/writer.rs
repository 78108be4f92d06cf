use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::text::hex;
use crate::plan::{Lane, PlanCounts};

use super::operation_line::{LanePlace, OperationLine};
use super::{PlanEnd, PlanHeader};

/// Writes a plan. Operations go to a file of their own first, since the plan's first line has the digests of the inputs, which
/// are known only at the end.
#[derive(Debug)]
pub struct PlanWriter<B: Write> {
    body: BufWriter<B>,
}

impl<B: Read + Write + Seek> PlanWriter<B> {
    /// `body` is an empty file for the operations.
    pub fn new(body: B) -> Self {
        Self {
            body: BufWriter::with_capacity(1 << 18, body),
        }
    }

    /// Writes a line per operation.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn lane(&mut self, lane: &Lane, place: LanePlace) -> io::Result<()> {
        for operation in &lane.operations {
            let line = OperationLine::new(lane, operation, place);
            serde_json::to_writer(&mut self.body, &line)?;
            self.body.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Writes the whole plan to `out`, and returns that with the digest in hex.
    ///
    /// # Errors
    /// If the operations cannot be read back, or the plan cannot be written.
    pub fn finish<W: Write>(
        self,
        out: W,
        header: &PlanHeader,
        counts: PlanCounts,
    ) -> io::Result<(W, String)> {
        let mut body = self
            .body
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        body.rewind()?;
        let mut plan = HashingWriter::new(out);
        plan.line(header)?;
        io::copy(&mut BufReader::with_capacity(1 << 18, body), &mut plan)?;
        let sha256 = plan.digest();
        plan.line(&PlanEnd {
            end: true,
            counts,
            sha256: sha256.clone(),
        })?;
        Ok((plan.out, sha256))
    }
}

/// Hashes everything that is written to `out`.
pub(super) struct HashingWriter<W> {
    out: W,
    hasher: Sha256,
}

impl<W: Write> HashingWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            hasher: Sha256::new(),
        }
    }

    /// The digest, in hex, of what was written so far.
    pub(super) fn digest(&self) -> String {
        hex(&self.hasher.clone().finalize())
    }

    pub(super) fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.write_all(&line)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
