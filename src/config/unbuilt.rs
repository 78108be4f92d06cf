use super::document::Document;
use super::error::{ConfigError, Problem};

/// Something that a config may say and this build cannot do yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unbuilt {
    /// Path of the key, where `*` is any one key: `fields.*.overwrite`.
    pub key: &'static str,
    /// The text that is not built; `None`: the key, whatever its value.
    pub value: Option<&'static str>,
}

/// Refuses the first that the file holds, with its place.
pub(super) fn refuse(document: &Document, unbuilt: &[Unbuilt]) -> Result<(), ConfigError> {
    for Unbuilt { key, value } in unbuilt {
        let mut found = document.find(key);
        let hit = found.find(|(_, text)| value.is_none() || *text == *value);
        if let Some((path, _)) = hit {
            let setting = match value {
                Some(value) => format!("{path} = \"{value}\""),
                None => path.clone(),
            };
            return Err(document.error_at(&path, Problem::NotBuilt { setting }));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const LATER: &[Unbuilt] = &[
        Unbuilt {
            key: "fields.*.overwrite",
            value: Some("if_unedited"),
        },
        Unbuilt {
            key: "input.sheet",
            value: None,
        },
    ];

    fn outcome(text: &str) -> Result<(), String> {
        let document = Document::parse(Path::new("x.toml"), text.as_bytes()).unwrap();
        refuse(&document, LATER).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_built_is_refused_where_it_stands() {
        assert_eq!(
            outcome("[fields]\nphone = { column = \"P\", overwrite = \"if_unedited\" }"),
            Err(
                "x.toml:2:37: `fields.phone.overwrite = \"if_unedited\"` is not available yet"
                    .into()
            )
        );
        assert_eq!(
            outcome("[input]\nsheet = \"One\""),
            Err("x.toml:2:9: `input.sheet` is not available yet".into())
        );
        assert_eq!(
            outcome("[fields]\nphone = { column = \"P\", overwrite = \"if_empty\" }"),
            Ok(())
        );
        assert_eq!(outcome(""), Ok(()));
    }
}
