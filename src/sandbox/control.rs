//! The endpoints under `/_sandbox/`, which give tests over a socket access to state and log.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::agent::AgentEdit;
use super::answers::respond;
use super::handle::Sandbox;
use super::reply::Reply;

/// Answers a request. `path` is relative to `/_sandbox/`.
pub(super) fn answer(
    sandbox: &Sandbox,
    method: &Method,
    path: &str,
    body: &[u8],
) -> Response<Bytes> {
    let result = match (method.as_str(), path) {
        ("GET", "customers") => Ok(Value::Array(sandbox.customers())),
        ("GET", "requests") => Ok(json!(sandbox.requests())),
        ("GET", "stats") => Ok(json!(sandbox.stats())),
        ("GET", "quirks") => Ok(json!(sandbox.quirks())),
        ("PUT", "quirks") => set_quirks(sandbox, body),
        ("POST", "agent") => edit(sandbox, body),
        _ => {
            let status = StatusCode::NOT_FOUND;
            return respond(Reply::json(status, &json!({ "error": "no such control" })));
        }
    };
    respond(match result {
        Ok(value) => Reply::json(StatusCode::OK, &value),
        Err(message) => Reply::json(StatusCode::BAD_REQUEST, &json!({ "error": message })),
    })
}

/// Changes the quirks that the body names.
fn set_quirks(sandbox: &Sandbox, body: &[u8]) -> Result<Value, String> {
    let changes: toml::Table = read(body)?;
    let quirks = sandbox
        .quirks()
        .with(changes)
        .map_err(|error| error.to_string())?;
    sandbox
        .set_quirks(quirks)
        .map_err(|error| error.to_string())?;
    Ok(json!(sandbox.quirks()))
}

fn edit(sandbox: &Sandbox, body: &[u8]) -> Result<Value, String> {
    let edit: AgentEdit = read(body)?;
    let id = sandbox.agent(&edit).map_err(|error| error.to_string())?;
    Ok(json!({ "customer": id }))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}
