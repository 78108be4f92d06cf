//! Layers (flags and environment, config file, defaults) → typed [`Settings`]. Fills the settings types of other modules
//! and owns the rest. It never sends anything, and never sees the terminal.

mod check;
mod document;
mod duration;
mod effective;
mod error;
mod file;
mod file_reading;
mod folder;
mod ineffective;
mod input;
mod key;
mod known_keys;
mod layers;
mod loaded;
mod merge;
mod notify;
mod overrides;
mod paths;
mod redirection;
mod secret_name;
mod settings;
mod state;
mod text;
mod wording;

pub use document::Document;
pub use effective::{EXAMPLE, EffectiveValue, SCHEMA, ValueOrigin, effective_values};
pub use error::{ConfigError, ConfigPlace, ConfigProblem};
pub use folder::config_files;
pub use ineffective::ineffective_keys;
pub use input::{Delimiter, InputConfig, InputEncoding, InputFormat, Quote};
pub use key::{FoundKey, KeyError, KeyOrigin, KeySources, find_key};
pub use known_keys::{ConfigSection, KNOWN_KEYS, SectionKeys};
pub use loaded::LoadedConfig;
pub use merge::{load, load_saved, load_state, parse_text, state_of_options};
pub use notify::{ConditionText, MetricsConfig, NotifyConfig, OutputConfig};
pub use overrides::{Override, Overrides};
pub use secret_name::SECRET_WORDS;
pub use settings::{
    ApiConfig, BatchMode, LimitsConfig, RemoteConfig, RemoteStrategy, RunOptions, Settings,
};
pub use state::StateConfig;
