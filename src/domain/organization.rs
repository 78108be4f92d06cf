use serde::{Deserialize, Serialize};

/// The account behind an API key, as HelpCrunch calls it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Identifies it, whatever it is called.
    pub id: Option<String>,
    pub name: String,
}

impl Organization {
    /// Whether both are the same account, if their ids show it. A company may have several accounts under its name, and may
    /// change the name.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> Option<bool> {
        Some(self.id.as_ref()? == other.id.as_ref()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_show_whether_accounts_are_the_same() {
        let of = |id: Option<&str>, name: &str| Organization {
            id: id.map(Into::into),
            name: name.into(),
        };
        assert_eq!(of(Some("1"), "a").is_same(&of(Some("1"), "b")), Some(true));
        assert_eq!(of(Some("1"), "a").is_same(&of(Some("2"), "a")), Some(false));
        assert_eq!(of(None, "a").is_same(&of(Some("1"), "a")), None);
    }
}
