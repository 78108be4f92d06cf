//! The paths in a config, which start from its folder.

use std::path::{Path, PathBuf};

use crate::objects::has_scheme;

use super::document::Document;
use super::error::{ConfigError, ConfigProblem, looks_like_key};
use super::settings::Settings;

/// Makes the paths of files relative to the config; `join` leaves an absolute one as it is. If the API key itself
/// stands there, this is an error before anything shows the "path".
pub(super) fn resolve_paths(
    settings: &mut Settings,
    folder: &Path,
    document: &Document,
) -> Result<(), ConfigError> {
    let file = folder.join(document.path());
    let base = file.parent().unwrap_or(folder);
    let notify = &mut settings.notify;
    let others = [
        &mut notify.webhook_file,
        &mut notify.ping_file,
        &mut settings.metrics.textfile,
        &mut settings.state.password_file,
        &mut settings.output.folder,
    ];
    let is_path = |path: &&mut PathBuf| !has_scheme(path);
    for path in others.into_iter().flatten().filter(is_path) {
        *path = base.join(&*path);
    }
    // As INPUT would name them, since reports name inputs.
    let beside = document.path().parent().unwrap_or(Path::new(""));
    for path in settings.input.files.iter_mut().filter(is_path) {
        *path = beside.join(&*path);
    }
    let Some(key_file) = settings.api.key_file.take() else {
        return Ok(());
    };
    let path = base.join(&key_file);
    if key_file.to_str().is_some_and(looks_like_key) && !path.exists() {
        let key = "api.key_file".to_owned();
        return Err(document.error_at("api.key_file", ConfigProblem::InlineKey { key }));
    }
    settings.api.key_file = Some(path);
    Ok(())
}
