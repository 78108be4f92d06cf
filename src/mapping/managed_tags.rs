use globset::{GlobBuilder, GlobSet};

use super::schema_error::SchemaError;
use super::{ManagedTags, TagSettings};
use crate::domain::TagMode;

/// The maximum number of names and patterns in `managed`, and the maximum length of one in bytes.
const MAX_MANAGED: usize = 5_000;
const MAX_PATTERN_BYTES: usize = 1_000;

/// Which tags a row may remove without listing them in the removal column.
#[derive(Debug, Clone, Default)]
pub struct ManagedTagRule {
    pub mode: TagMode,
    /// With `TagMode::Managed`, the names that may be removed. Matches no name if `ours` is set.
    pub names: GlobSet,
    /// With `TagMode::Managed`, whether the tags that hcsync itself added may be removed, instead of named ones.
    pub ours: bool,
}

pub(super) fn managed_rule(settings: &TagSettings) -> Result<ManagedTagRule, SchemaError> {
    let names: &[String] = match &settings.managed {
        ManagedTags::Ours => &[],
        ManagedTags::Named(names) => names,
    };
    let ours = settings.managed == ManagedTags::Ours;
    if settings.mode == TagMode::Managed && !ours && names.is_empty() {
        let error = "`mode = \"managed\"` needs `managed`: names, globs, or \"ours\"";
        return Err(SchemaError::Tags(error.to_owned()));
    }
    if names.len() > MAX_MANAGED {
        return Err(SchemaError::Tags(format!(
            "`managed` has {} names, but the maximum is {MAX_MANAGED}; use patterns such as \"plan:*\"",
            names.len()
        )));
    }
    let mut globs = GlobSet::builder();
    for name in names {
        if let Some(reason) = pattern_excess(name) {
            return Err(SchemaError::Tags(format!(
                "`{}` in `managed` {reason}",
                name.chars().take(40).collect::<String>()
            )));
        }
        // A name also matches literally, in case it contains brackets.
        for pattern in [name.clone(), globset::escape(name)] {
            let glob = GlobBuilder::new(&pattern).backslash_escape(true).build();
            globs.add(glob.map_err(|error| bad_glob(name, &error))?);
        }
    }
    Ok(ManagedTagRule {
        mode: settings.mode,
        names: globs.build().map_err(|error| bad_glob("managed", &error))?,
        ours,
    })
}

/// Returns why a pattern is not accepted. Nested alternatives can need more memory than there is.
fn pattern_excess(pattern: &str) -> Option<String> {
    let (mut depth, mut deepest, mut is_escaped) = (0_u32, 0, false);
    for character in pattern.chars() {
        match character {
            _ if is_escaped => {}
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_escaped = character == '\\' && !is_escaped;
        deepest = deepest.max(depth);
    }
    match pattern.len() {
        length if length > MAX_PATTERN_BYTES => Some(format!("has more than {MAX_PATTERN_BYTES} bytes")),
        _ if deepest > 1 => Some("has braces within braces: list the patterns one by one, or write \\{ for a brace in the name".to_owned()),
        _ => None,
    }
}

fn bad_glob(name: &str, error: &globset::Error) -> SchemaError {
    SchemaError::Tags(format!(
        "`{name}` in `managed` does not parse: {}",
        error.kind()
    ))
}
