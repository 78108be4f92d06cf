//! The paths in a config, which start from its folder.

use std::path::{Path, PathBuf};

use crate::objects::has_scheme;

use super::error::{ConfigError, ConfigProblem, looks_like_key};
use super::layers::Layers;
use super::settings::Settings;

/// Makes the paths of files relative to the config; `join` leaves an absolute one as it is. A path that an option names starts from the
/// current folder, and stays. If the API key itself stands in the place of its file, this is an error before anything shows the "path".
pub(super) fn resolve_paths(
    settings: &mut Settings,
    folder: &Path,
    layers: Layers<'_>,
) -> Result<(), ConfigError> {
    let document = layers.document;
    let file = folder.join(document.path());
    let base = file.parent().unwrap_or(folder);
    let notify = &mut settings.notify;
    let others = [
        ("notify.webhook_file", &mut notify.webhook_file),
        ("notify.ping_file", &mut notify.ping_file),
        ("metrics.textfile", &mut settings.metrics.textfile),
        ("state.password_file", &mut settings.state.password_file),
        ("output.folder", &mut settings.output.folder),
    ];
    let of_file = others
        .into_iter()
        .filter(|(key, _)| layers.option(key).is_none());
    let is_path = |path: &&mut PathBuf| !has_scheme(path);
    for path in of_file
        .filter_map(|(_, path)| path.as_mut())
        .filter(is_path)
    {
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
