//! What the passes over the rows need to know.

use std::path::Path;

use crate::journal::WrittenReader;
use crate::remote::{MemoryLimit, Reading};
use crate::run::deciding::AmbiguityHandling;
use crate::run::intake::Intake;
use crate::run::planning::{Ground, PlanningError};

use super::{Making, MakingError};

impl Making<'_> {
    pub(super) fn intake(&self) -> Intake<'_> {
        Intake {
            inputs: self.inputs,
            settings: self.source,
            schema: self.schema,
            survey: self.survey,
            limit: self.limit,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        self.rows_file.parent().unwrap_or(Path::new("."))
    }

    pub(super) fn memory_limit(&self) -> Option<MemoryLimit> {
        let folder = self.folder().to_owned();
        let bytes = self.memory_limit?;
        Some(MemoryLimit { bytes, folder })
    }

    pub(super) fn sources(&self) -> Vec<String> {
        self.inputs.iter().map(|input| input.name.clone()).collect()
    }

    pub(super) fn ambiguity_handling<'a>(&'a self, sources: &'a [String]) -> AmbiguityHandling<'a> {
        AmbiguityHandling {
            choices: self.choices,
            file: Some(self.ambiguous_file.to_owned()),
            sources,
        }
    }

    /// Held for one pass only: no run of the account can end meanwhile.
    pub(super) fn written(&self) -> Result<WrittenReader, MakingError> {
        let written = self.memory.written(&self.rules.ownership);
        Ok(written.map_err(PlanningError::from)?)
    }

    pub(super) fn ground<'g>(
        &'g self,
        reading: &'g Reading,
        written: &'g WrittenReader,
    ) -> Ground<'g> {
        Ground {
            rules: self.rules,
            reading,
            memory: self.memory,
            written,
        }
    }
}
