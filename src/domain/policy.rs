use serde::{Deserialize, Serialize};

/// When a managed attribute is written over a value that HelpCrunch has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overwrite {
    /// Whenever it differs, but a one-way field is not turned back to false.
    #[default]
    #[serde(skip)]
    Default,
    /// Whenever it differs, as the user wrote it: also back to false.
    Always,
    /// Only where HelpCrunch has no value.
    IfEmpty,
    /// Only where nobody changed what hcsync last wrote.
    IfUnedited,
}

impl Overwrite {
    /// Whether whatever HelpCrunch has is written over.
    #[must_use]
    pub fn is_firm(self) -> bool {
        matches!(self, Self::Default | Self::Always)
    }
}

/// Which remote tags a row may remove beyond those that it names for removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TagMode {
    /// None.
    #[default]
    Add,
    /// All that the row does not list.
    Exact,
    /// The managed ones that the row does not list.
    Managed,
}
