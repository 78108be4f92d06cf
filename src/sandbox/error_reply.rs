//! Error answers of the API.

use http::StatusCode;
use serde_json::{Value, json};

use super::quirks::{ErrorCodes, Quirks};

/// An error in one field. `code` is the path of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldError {
    pub(super) code: String,
    pub(super) message: String,
}

impl FieldError {
    pub(super) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }

    pub(super) fn wrong_type(code: impl Into<String>, kind: &str) -> Self {
        Self::new(code, format!("This value should be of type {kind}."))
    }

    pub(super) fn blank(code: impl Into<String>) -> Self {
        Self::new(code, "This value should not be blank.")
    }

    pub(super) fn unexpected(code: impl Into<String>) -> Self {
        Self::new(code, "This field was not expected.")
    }
}

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ErrorReply {
    Invalid(Vec<FieldError>),
    /// Another customer has the userId.
    UserIdTaken,
    Unauthorized,
    NoCustomer,
    NoSuchPath,
    NoSuchMethod,
    TooManyRequests,
    TooLarge,
    /// The request names another host than this machine.
    WrongHost,
    /// A status that only faults cause.
    Fault(StatusCode),
}

impl ErrorReply {
    pub(super) fn of(complaint: FieldError) -> Self {
        Self::Invalid(vec![complaint])
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::UserIdTaken => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NoCustomer | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Fault(status) => *status,
        }
    }

    /// Returns the documented body: first a generic entry, then the specific ones.
    pub(super) fn body(&self, quirks: &Quirks) -> Value {
        let mut errors = vec![entry("invalid_request", "Invalid request")];
        let older = quirks.error_codes == ErrorCodes::Older;
        match self {
            Self::Invalid(fields) => {
                errors.extend(fields.iter().map(|one| entry(&one.code, &one.message)));
            }
            Self::UserIdTaken => {
                // Observed, without a generic entry.
                let message = "Customer with this userId already exists";
                errors = vec![entry("invalid_userId_value", message)];
            }
            Self::Unauthorized if older => errors.push(entry("invalid_token", "Invalid token")),
            Self::Unauthorized => errors.push(entry("unauthorized", "Unauthorized")),
            Self::NoCustomer if older => {
                errors.push(entry("entity_not_found", "Entity not found"));
            }
            Self::NoCustomer => errors.push(entry("not_found", "Chat not found")),
            Self::NoSuchPath => errors.push(entry("not_found", "Not found")),
            Self::NoSuchMethod => errors.push(entry("method_not_allowed", "Method not allowed")),
            Self::TooManyRequests => {
                errors.push(entry("too_many_requests", "Too many requests"));
            }
            Self::TooLarge => errors.push(entry("too_large", "Request body is too large")),
            Self::WrongHost => {
                let message = "The sandbox answers to an address or localhost only";
                errors.push(entry("wrong_host", message));
            }
            Self::Fault(status) => {
                let reason = status.canonical_reason().unwrap_or("Error");
                let code = reason.to_lowercase().replace([' ', '-'], "_");
                errors.push(entry(&code, reason));
            }
        }
        json!({ "errors": errors })
    }
}

fn entry(code: &str, message: &str) -> Value {
    json!({ "code": code, "message": message })
}
