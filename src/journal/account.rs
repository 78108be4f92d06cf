use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::document::{self, StateError};
use crate::domain::text::hex;
use crate::domain::{CustomerId, Organization, RemoteCustomer, fold_email};

const ACCOUNT_VERSION: u32 = 1;

const LOSS: &str = "the next sync counts as the account's first one, for which the default limits of changes and cleared values \
                    do not apply, and until then a new API key of the account cannot be distinguished from a wrong one";

/// Rounds of hashing over values that must not be guessed from their hash.
///
/// A real key is too long to be guessed at any speed, so one round would do for it. The rounds protect short or made-up
/// keys, and e-mail addresses: each guess costs milliseconds instead of nanoseconds. So does each start of the program,
/// once.
const ROUNDS: u32 = 20_000;

/// Identity of an account: the name of its state folder, and the mark of the account in plans and runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(String);

impl AccountId {
    /// Takes an identity from a plan or a run.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The identity of an account without a name: base URL and key in one hash that reveals neither.
    ///
    /// The hash covers both, so that the well-known URL cannot be confirmed without the key. It is bound to this one use,
    /// slow (see `ROUNDS`), and cut to 64 bits, which many keys share.
    #[must_use]
    pub fn fingerprint(base_url: &str, key: &str) -> Self {
        let parts = [normal_url(base_url).as_bytes(), key.as_bytes()].map(<[u8]>::to_vec);
        Self(slow_hash("hcsync account key", &parts))
    }

    /// The identity of an account that the user named: it outlives the key. Safe as a folder name for any `name` on any
    /// system.
    #[must_use]
    pub fn named(base_url: &str, name: &str) -> Self {
        let parts = [normal_url(base_url).into_bytes(), name.as_bytes().to_vec()];
        let hash = hex(&hash("hcsync account name", &parts));
        let slug = name.chars().filter_map(|c| match c {
            'a'..='z' | '0'..='9' => Some(c),
            'A'..='Z' => Some(c.to_ascii_lowercase()),
            ' ' | '-' | '_' | '.' => Some('-'),
            _ => None,
        });
        let slug: String = slug.take(24).collect();
        let hash: String = hash.chars().take(12).collect();
        // The `n` keeps a name that is all hex digits apart from any fingerprint.
        Self(format!("n-{slug}-{hash}"))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Facts about an account; `account.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountMeta {
    version: u32,
    /// The user's name for it, if it has one.
    pub name: Option<String>,
    /// Fingerprint of the key that was last used.
    pub key: Option<AccountId>,
    /// A customer of this account, which shows whether a new key opens the same one.
    pub known_customer: Option<KnownCustomer>,
    /// What HelpCrunch calls the account, if it answered that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<Organization>,
    /// Finished runs that could write; the default safety limits apply from the second on.
    pub finished_runs: u64,
}

impl AccountMeta {
    #[must_use]
    pub fn new(name: Option<String>) -> Self {
        Self {
            version: ACCOUNT_VERSION,
            name,
            key: None,
            known_customer: None,
            organization: None,
            finished_runs: 0,
        }
    }
}

/// A customer by which an account is recognised: the id, with userId or e-mail as salted hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownCustomer {
    pub id: CustomerId,
    salt: String,
    user_id: Option<String>,
    email: Option<String>,
}

impl KnownCustomer {
    /// Hashes the keys of a customer. `None` if it has neither userId nor e-mail, since an id alone proves nothing. `salt`
    /// is random.
    #[must_use]
    pub fn remember(customer: &RemoteCustomer, salt: &str) -> Option<Self> {
        let user_id = customer.user_id().map(|id| user_id_hash(salt, id));
        let email = customer.email().map(|email| email_hash(salt, email));
        (user_id.is_some() || email.is_some()).then(|| Self {
            id: customer.id,
            salt: salt.to_owned(),
            user_id,
            email,
        })
    }

    /// Whether a customer that was read is this one: the same id, and the same userId or e-mail.
    #[must_use]
    pub fn is(&self, customer: &RemoteCustomer) -> bool {
        let same = |stored: Option<&String>, read: Option<String>| {
            stored.is_some() && stored == read.as_ref()
        };
        let user_id = || customer.user_id().map(|id| user_id_hash(&self.salt, id));
        let email = || customer.email().map(|email| email_hash(&self.salt, email));
        self.id == customer.id
            && (same(self.user_id.as_ref(), user_id()) || same(self.email.as_ref(), email()))
    }
}

/// `<state-dir>/accounts/<account>/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountDir {
    path: PathBuf,
}

impl AccountDir {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The findings of the probe.
    #[must_use]
    pub fn probe(&self) -> PathBuf {
        self.path.join("probe.json")
    }

    /// What hcsync last wrote to each customer.
    #[must_use]
    pub fn written(&self) -> PathBuf {
        self.path.join("written.redb")
    }

    /// The customers that are tracked for one config and its match keys.
    #[must_use]
    pub fn tracked(&self, scope: &str) -> PathBuf {
        self.path.join(format!("tracked-{scope}"))
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    pub(super) fn claim(&self) -> PathBuf {
        self.path.join("claim.json")
    }

    /// Any other file that belongs to the account.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads `account.json`; `None` for a new account. A damaged file is set aside.
    ///
    /// # Errors
    /// `account.json` cannot be read.
    pub fn read(&self) -> Result<Option<AccountMeta>, StateError> {
        document::read_or_set_aside(&self.file("account.json"), ACCOUNT_VERSION, LOSS)
    }

    /// # Errors
    /// `account.json` cannot be written.
    pub fn write(&self, meta: &AccountMeta) -> Result<(), StateError> {
        document::write(&self.file("account.json"), meta)
    }
}

fn user_id_hash(salt: &str, user_id: &str) -> String {
    slow_hash(
        "hcsync userId",
        &[salt, user_id].map(|t| t.as_bytes().to_vec()),
    )
}

fn email_hash(salt: &str, email: &str) -> String {
    let email = fold_email(email).into_owned().into_bytes();
    slow_hash("hcsync email", &[salt.as_bytes().to_vec(), email])
}

/// The same URL for all its spellings: letter case of the host, the default port, a slash at the end.
pub(super) fn normal_url(base_url: &str) -> String {
    let parsed = url::Url::parse(base_url).map(String::from);
    let url = parsed.unwrap_or_else(|_| base_url.to_owned());
    url.trim_end_matches('/').to_owned()
}

/// 64 bits in hex.
fn slow_hash(purpose: &str, parts: &[Vec<u8>]) -> String {
    let mut digest = hash(purpose, parts);
    for _ in 1..ROUNDS {
        digest = Sha256::new()
            .chain_update(purpose)
            .chain_update(digest)
            .finalize()
            .into();
    }
    hex(&digest).chars().take(16).collect()
}

/// Every part is preceded by its length, so that no two lists of parts hash the same bytes.
fn hash(purpose: &str, parts: &[Vec<u8>]) -> [u8; 32] {
    let mut hasher = Sha256::new().chain_update(purpose);
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Field, RunId, Value};

    const URL: &str = "https://api.helpcrunch.com/v1";

    #[test]
    fn a_fingerprint_depends_on_url_and_key_and_shows_neither() {
        let one = AccountId::fingerprint(URL, "key-one");
        assert_eq!(
            one,
            AccountId::fingerprint("https://API.helpcrunch.com:443/v1/", "key-one")
        );
        assert_ne!(one, AccountId::fingerprint(URL, "key-two"));
        assert_ne!(
            one,
            AccountId::fingerprint("https://example.com/v1", "key-one")
        );
        assert_eq!(one.as_str().len(), 16);
        assert!(one.as_str().chars().all(|c| c.is_ascii_hexdigit()));
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_the_account_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let account = AccountDir::at(folder.path().to_owned());
        std::fs::write(account.file("account.json"), "{\"version\":1,\"na").unwrap();
        assert_eq!(account.read().unwrap(), None);
        account.write(&AccountMeta::new(None)).unwrap();
        assert_eq!(account.read().unwrap(), Some(AccountMeta::new(None)));
        assert!(account.file("account.json.damaged").exists());
    }

    #[test]
    fn no_part_runs_into_the_next() {
        let parts = |a: &str, b: &str| [a, b].map(|t| t.as_bytes().to_vec());
        assert_ne!(hash("x", &parts("ab", "c")), hash("x", &parts("a", "bc")));
    }

    #[test]
    fn any_name_is_safe_as_a_folder() {
        let long = "x".repeat(500);
        for name in ["production", "..", "a/b", "CON", "", "Київ", "a:b*?", &long] {
            let id = AccountId::named(URL, name);
            // Run ids are as strict about what may stand in a folder's name.
            assert!(RunId::new(id.as_str()).is_ok(), "{id}");
        }
        assert_ne!(
            AccountId::named(URL, "Київ"),
            AccountId::named(URL, "Львів")
        );
        assert_ne!(
            AccountId::named(URL, "a"),
            AccountId::named("http://127.0.0.1:1", "a")
        );
    }

    fn customer(id: u64, user_id: Option<&str>, email: Option<&str>) -> RemoteCustomer {
        let text = |t: Option<&str>| t.map(|t| Value::Text(t.to_owned()));
        let mut customer = RemoteCustomer::unknown(CustomerId(id));
        customer.set_field(Field::UserId, text(user_id));
        customer.set_field(Field::Email, text(email));
        customer
    }

    #[test]
    fn a_known_customer_is_recognised_by_id_and_one_more() {
        let known =
            KnownCustomer::remember(&customer(7, Some("u7"), Some("Ann@x.io")), "salt").unwrap();
        assert!(known.is(&customer(7, Some("u7"), None)));
        assert!(known.is(&customer(7, Some("other"), Some("ann@X.io"))));
        assert!(!known.is(&customer(7, None, None)));
        assert!(!known.is(&customer(8, Some("u7"), Some("ann@x.io"))));
        assert_eq!(
            KnownCustomer::remember(&customer(7, None, None), "salt"),
            None
        );
        let text = serde_json::to_string(&known).unwrap();
        assert!(
            !text.contains("u7") && !text.to_lowercase().contains("ann"),
            "{text}"
        );
    }
}
