use serde::{Deserialize, Serialize};

/// When a managed attribute replaces a value in HelpCrunch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overwrite {
    /// Whenever it differs, except that a one-way field is not turned back to false.
    #[default]
    #[serde(skip)]
    Default,
    /// Whenever it differs, also back to false.
    Always,
    /// Only if HelpCrunch has no value.
    IfEmpty,
    /// Only if HelpCrunch still has what hcsync last wrote.
    IfUnedited,
}

impl Overwrite {
    /// Whether it replaces any value that HelpCrunch has.
    pub fn is_unconditional(self) -> bool {
        matches!(self, Self::Default | Self::Always)
    }
}

/// Which tags a row may remove besides those that it names for removal.
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
