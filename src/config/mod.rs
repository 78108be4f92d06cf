//! Layers (flags and environment, config file, defaults) → typed [`Settings`]. Fills the settings of other modules
//! and owns those that nobody else does. It never sends anything, and never sees the terminal.

mod base_url;
mod check;
mod document;
mod duration;
mod error;
mod file;
mod fingerprint;
mod input;
mod key;
mod known_keys;
mod merge;
mod settings;
mod text;
mod wording;

pub use base_url::{BaseUrlError, check_base_url, is_loopback};
pub use document::Document;
pub use error::{ConfigError, Place, Problem};
pub use input::{Delimiter, InputConfig, InputEncoding, InputFormat, Quote};
pub use key::{FoundKey, KeyError, KeyOrigin, KeySources, find_key};
pub use known_keys::{KNOWN_KEYS, Keys, SECRET_WORDS, Section};
pub use merge::{Loaded, Overrides, load, load_kept, parse_text};
pub use settings::{
    ApiConfig, BatchMode, LimitsConfig, RemoteConfig, RemoteStrategy, RunOptions, Settings,
    StateConfig,
};
