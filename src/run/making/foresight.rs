//! What has to be known of all rows before the first is compared.

use crate::remote::{RemoteSide, complete};
use crate::run::deciding::{DecidedRows, Decider};
use crate::run::intake::Taken;
use crate::run::merging::Merges;
use crate::run::passes::each_row;
use crate::run::planning::{Decision, incomplete_customers};

use super::{Making, MakingError, RemoteSource};

/// What was decided of all rows before any was compared.
#[derive(Default)]
pub(super) struct Foreseen {
    pub(super) taken: Option<Taken>,
    pub(super) decisions: Vec<Decision>,
    pub(super) notes: Vec<String>,
    pub(super) conflict_advice: Option<String>,
    pub(super) ambiguous_skips: u64,
    pub(super) merges: Merges,
}

impl Making<'_> {
    /// Whether all rows have to be decided before the first is compared: a later one may take its place or be merged into
    /// it, or customers have to be read again that rows turn out to mean.
    pub(super) fn needs_foresight(&self, side: &RemoteSide) -> bool {
        self.rules.duplicates.depends_on_later_rows()
            || (self.completes() && side.reading.is_silent())
    }

    /// Whether customers can be read again whose tags or properties an answer left out, and that matters.
    fn completes(&self) -> bool {
        let is_api = matches!(self.remote, RemoteSource::Api { .. });
        is_api && self.speaks_of_tags_or_properties()
    }

    pub(super) async fn foresee(
        &self,
        side: &mut RemoteSide,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Foreseen, MakingError> {
        let (decided, taken) = self.decide(side, stopped)?;
        let DecidedRows {
            decisions,
            notes,
            conflict_advice,
            ambiguous_skips,
        } = decided;
        if let RemoteSource::Api { client, .. } = &self.remote
            && self.completes()
        {
            let incomplete = incomplete_customers(&decisions, &side.reading)?;
            if !incomplete.is_empty() {
                complete(client, &mut side.reading, &incomplete).await?;
                side.fresh.extend(incomplete);
            }
        }
        let merges = self.merges(&decisions, stopped)?;
        Ok(Foreseen {
            taken: Some(taken),
            decisions,
            notes,
            conflict_advice,
            ambiguous_skips,
            merges,
        })
    }

    fn speaks_of_tags_or_properties(&self) -> bool {
        self.schema.tags().is_some() || self.schema.properties().next().is_some()
    }

    /// A pass over the rows that decides what each of them means.
    fn decide(
        &self,
        side: &RemoteSide,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(DecidedRows, Taken), MakingError> {
        let (written, sources) = (self.written()?, self.sources());
        let ground = self.ground(&side.reading, &written);
        let mut decider = Decider::new(
            ground,
            side.absence_counts,
            self.ambiguity_handling(&sources),
        );
        let taken = each_row(&self.intake(), stopped, |record| {
            decider.row(&record)?;
            Ok::<_, MakingError>(())
        })?;
        self.confirm_units(&taken)?;
        Ok((decider.finish()?, taken))
    }

    /// What the rows that are merged into others want; another pass over the rows where there are any.
    fn merges(
        &self,
        decisions: &[Decision],
        stopped: &dyn Fn() -> bool,
    ) -> Result<Merges, MakingError> {
        if !decisions.iter().any(|d| matches!(d, Decision::Merged(_))) {
            return Ok(Merges::default());
        }
        let mut merges = Merges::new(tempfile::tempfile_in(self.folder())?);
        let _ = each_row(&self.intake(), stopped, |record| {
            if let Some(Decision::Merged(first)) = decisions.get(record.row.index()) {
                merges.add(record, *first)?;
            }
            Ok::<_, MakingError>(())
        })?;
        Ok(merges)
    }
}
