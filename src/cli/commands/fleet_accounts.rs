//! Which configs of a fleet are for one account, as far as that can be known without the API.

use std::path::Path;

use secrecy::ExposeSecret as _;

use crate::cli::exit::{Exit, Failure};
use crate::config::{FoundKey, KeyError, KeySources, Settings, find_key};
use crate::journal::AccountId;

/// What stands for an account. Two configs that have one in common are for the same account.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Identity {
    Name(AccountId),
    Key(AccountId),
    /// Of a key that cannot be read here.
    KeyFile(String),
    /// Neither name nor key file: the key of the environment decides.
    Unnamed(String),
}

/// The account of a config.
#[derive(Debug)]
pub(super) struct FleetAccount {
    /// Under which a sync keeps its state; `None` if that cannot be known here.
    pub(super) id: Option<AccountId>,
    identities: Vec<Identity>,
    is_shared: bool,
    /// Why its key cannot be used, or should not be as it is.
    pub(super) notes: Vec<String>,
}

impl FleetAccount {
    pub(super) fn of(settings: &Settings) -> Self {
        let api = &settings.api;
        let url = &api.base_url;
        let mut account = Self {
            id: None,
            identities: Vec::new(),
            is_shared: api.shares_account,
            notes: Vec::new(),
        };
        if let Some(file) = &api.key_file {
            match key_in(file) {
                Ok(found) => {
                    let key = AccountId::fingerprint(url, found.key.expose_secret());
                    account.id = Some(key.clone());
                    account.identities.push(Identity::Key(key));
                    account.notes.extend(found.warnings);
                }
                Err(error) => {
                    let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
                    let file = format!("{url} {}", file.display());
                    account.identities.push(Identity::KeyFile(file));
                    account.notes.push(error.to_string());
                }
            }
        }
        if let Some(name) = &api.account {
            let name = AccountId::named(url, name);
            account.id = Some(name.clone());
            account.identities.push(Identity::Name(name));
        }
        if account.identities.is_empty() {
            account.identities.push(Identity::Unnamed(url.clone()));
        }
        account
    }

    fn common_identity(&self, other: &Self) -> Option<&Identity> {
        let mut ours = self.identities.iter();
        ours.find(|identity| other.identities.contains(identity))
    }
}

/// The key of a file alone: that of the environment would be the same for all configs.
fn key_in(file: &Path) -> Result<FoundKey, KeyError> {
    let sources = KeySources {
        environment: &|_| None,
        key_file: Some(file),
    };
    find_key(&sources)
}

/// Groups accounts that are the same one. Each group has the indexes of its accounts, in order.
pub(super) fn same_accounts(accounts: &[&FleetAccount]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, account) in accounts.iter().enumerate() {
        let is_same = |other: &usize| {
            let other = accounts.get(*other);
            other.is_some_and(|other| account.common_identity(other).is_some())
        };
        let (same, others): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|group| group.iter().any(is_same));
        groups = others;
        let mut joined: Vec<usize> = same.into_iter().flatten().chain([at]).collect();
        joined.sort_unstable();
        groups.push(joined);
    }
    groups.sort();
    groups
}

/// The failure of configs that are for one account, unless all of them say so.
pub(super) fn conflict(configs: &[(&str, &FleetAccount)]) -> Option<Failure> {
    let ((first, account), rest) = configs.split_first()?;
    if rest.is_empty() || configs.iter().all(|(_, account)| account.is_shared) {
        return None;
    }
    let others: Vec<_> = rest.iter().map(|(name, _)| *name).collect();
    let common = rest
        .iter()
        .find_map(|(_, other)| account.common_identity(other));
    let why = match common {
        Some(Identity::Name(_)) => "they have the same api.account",
        Some(Identity::Key(_)) => "their key files hold the same key",
        Some(Identity::KeyFile(_)) => "they have the same api.key_file",
        Some(Identity::Unnamed(_)) => {
            "they have neither api.account nor api.key_file, so the key of the environment decides"
        }
        // Each is the same as another one between them.
        None => "they have names or keys in common",
    };
    let message = format!(
        "{first} and {} are for one account: {why}",
        others.join(", ")
    );
    let failure = Failure::new(Exit::Usage, "same_account", message);
    Some(failure.hint(
        "give each account one config; if several are meant, set `shares_account = true` under [api] in each of them, and they \
         take turns",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse_text;

    /// With the key files of this folder.
    fn account(folder: &Path, api: &str) -> FleetAccount {
        let text = format!("[api]\n{api}\n");
        let mut settings = parse_text(Path::new("c.toml"), &text).unwrap();
        let file = settings.api.key_file.take();
        settings.api.key_file = file.map(|file| folder.join(file));
        FleetAccount::of(&settings)
    }

    fn groups(configs: &[&str]) -> Vec<Vec<usize>> {
        let folder = tempfile::tempdir().unwrap();
        for (name, key) in [("one", "key-1"), ("same", "key-1"), ("two", "key-2")] {
            std::fs::write(folder.path().join(name), key).unwrap();
        }
        let accounts: Vec<_> = configs
            .iter()
            .map(|api| account(folder.path(), api))
            .collect();
        same_accounts(&accounts.iter().collect::<Vec<_>>())
    }

    #[test]
    fn names_keys_and_key_files_stand_for_an_account() {
        assert_eq!(
            groups(&["account = \"a\"", "account = \"b\"", "account = \"a\""]),
            [vec![0, 2], vec![1]]
        );
        assert_eq!(
            groups(&[
                "key_file = \"one\"",
                "key_file = \"two\"",
                "key_file = \"same\""
            ]),
            [vec![0, 2], vec![1]]
        );
        // One key is one account, whatever it is called.
        let named = [
            "account = \"a\"\nkey_file = \"one\"",
            "account = \"b\"\nkey_file = \"same\"",
        ];
        assert_eq!(groups(&named), [vec![0, 1]]);
        assert_eq!(
            groups(&[
                "key_file = \"absent\"",
                "key_file = \"absent\"",
                "key_file = \"gone\""
            ]),
            [vec![0, 1], vec![2]]
        );
        assert_eq!(groups(&["", "", "account = \"a\""]), [vec![0, 1], vec![2]]);
        let elsewhere = "account = \"a\"\nbase_url = \"https://other.example/v1\"";
        assert_eq!(groups(&["account = \"a\"", elsewhere]), [vec![0], vec![1]]);
    }

    #[test]
    fn a_config_may_join_two_groups() {
        let joining = [
            "account = \"a\"",
            "key_file = \"one\"",
            "account = \"a\"\nkey_file = \"same\"",
        ];
        assert_eq!(groups(&joining), [vec![0, 1, 2]]);
    }

    #[test]
    fn configs_for_one_account_are_refused_unless_all_of_them_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let of = |first: &str, second: &str| {
            let accounts = [
                account(folder.path(), first),
                account(folder.path(), second),
            ];
            conflict(&[("a.toml", &accounts[0]), ("b.toml", &accounts[1])])
        };
        let shared = "account = \"a\"\nshares_account = true";
        assert!(of(shared, shared).is_none());
        let failure = of(shared, "account = \"a\"").unwrap();
        assert_eq!(
            (failure.exit, failure.reason),
            (Exit::Usage, "same_account")
        );
        assert_eq!(
            failure.message,
            "a.toml and b.toml are for one account: they have the same api.account"
        );
        assert!(failure.hint.unwrap().contains("shares_account = true"));
    }
}
