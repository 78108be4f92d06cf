//! Finds the endpoint of a request.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The documented operations on customers, and `Unknown` for everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// `POST /v1/customers`
    Create,
    /// `PUT /v1/customers/{id}`
    Put,
    /// `PATCH /v1/customers/{id}`
    Patch,
    /// `PUT /v1/customers/batch`
    Batch,
    /// `PUT /v1/customers/{id}/tags`
    Tag,
    /// `DELETE /v1/customers/{id}/tags`
    Untag,
    /// `GET /v1/customers/{id}`
    Get,
    /// `GET /v1/customers`
    List,
    /// `POST /v1/customers/search`
    Search,
    /// `DELETE /v1/customers/{id}`
    Delete,
    /// `GET /v1/organization`, which is known from a list of operations only.
    Organization,
    /// A path or method that the API does not have.
    Unknown,
}

impl Endpoint {
    /// The name that fault files, logs and counts use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Batch => "batch",
            Self::Tag => "tag",
            Self::Untag => "untag",
            Self::Get => "get",
            Self::List => "list",
            Self::Search => "search",
            Self::Delete => "delete",
            Self::Organization => "organization",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it changes customers.
    #[must_use]
    pub fn writes(self) -> bool {
        !matches!(
            self,
            Self::Get | Self::List | Self::Search | Self::Organization | Self::Unknown
        )
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a path names besides the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RouteTarget {
    /// No single customer.
    Collection,
    Customer(u64),
    /// Something else than digits in place of the customer's id.
    NotNumeric,
    NoSuchPath,
    NoSuchMethod,
}

impl RouteTarget {
    pub(super) fn customer(self) -> Option<u64> {
        match self {
            Self::Customer(id) => Some(id),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) endpoint: Endpoint,
    pub(super) target: RouteTarget,
}

impl Route {
    /// Finds the endpoint of a method and a path without its query.
    pub(super) fn find(method: &str, path: &str) -> Self {
        if path == "/v1/organization" {
            return Self::only(method, "GET", Endpoint::Organization);
        }
        let Some(rest) = path.strip_prefix("/v1/customers") else {
            return Self::unknown(RouteTarget::NoSuchPath);
        };
        let mut parts = rest.split('/');
        if parts.next() != Some("") {
            return Self::unknown(RouteTarget::NoSuchPath);
        }
        match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => Self::collection(method),
            (Some("batch"), None, _) => Self::only(method, "PUT", Endpoint::Batch),
            (Some("search"), None, _) => Self::only(method, "POST", Endpoint::Search),
            (Some(id), None, _) => Self::customer(method, id),
            (Some(id), Some("tags"), None) => Self::tags(method, id),
            _ => Self::unknown(RouteTarget::NoSuchPath),
        }
    }

    fn collection(method: &str) -> Self {
        match method {
            "GET" => Self::to(Endpoint::List),
            _ => Self::only(method, "POST", Endpoint::Create),
        }
    }

    fn customer(method: &str, id: &str) -> Self {
        let endpoint = match method {
            "GET" => Endpoint::Get,
            "PUT" => Endpoint::Put,
            "PATCH" => Endpoint::Patch,
            "DELETE" => Endpoint::Delete,
            _ => return Self::unknown(RouteTarget::NoSuchMethod),
        };
        Self::about(endpoint, id)
    }

    fn tags(method: &str, id: &str) -> Self {
        match method {
            "PUT" => Self::about(Endpoint::Tag, id),
            "DELETE" => Self::about(Endpoint::Untag, id),
            _ => Self::unknown(RouteTarget::NoSuchMethod),
        }
    }

    fn about(endpoint: Endpoint, id: &str) -> Self {
        let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let target = match id.parse() {
            Ok(id) if digits => RouteTarget::Customer(id),
            _ => RouteTarget::NotNumeric,
        };
        Self { endpoint, target }
    }

    fn only(method: &str, allowed: &str, endpoint: Endpoint) -> Self {
        if method == allowed {
            Self::to(endpoint)
        } else {
            Self::unknown(RouteTarget::NoSuchMethod)
        }
    }

    fn to(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            target: RouteTarget::Collection,
        }
    }

    fn unknown(target: RouteTarget) -> Self {
        Self {
            endpoint: Endpoint::Unknown,
            target,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_path_has_its_endpoint() {
        let cases = [
            (
                "POST",
                "/v1/customers",
                Endpoint::Create,
                RouteTarget::Collection,
            ),
            (
                "GET",
                "/v1/customers",
                Endpoint::List,
                RouteTarget::Collection,
            ),
            (
                "PUT",
                "/v1/customers/batch",
                Endpoint::Batch,
                RouteTarget::Collection,
            ),
            (
                "POST",
                "/v1/customers/search",
                Endpoint::Search,
                RouteTarget::Collection,
            ),
            (
                "GET",
                "/v1/customers/7",
                Endpoint::Get,
                RouteTarget::Customer(7),
            ),
            (
                "PUT",
                "/v1/customers/7",
                Endpoint::Put,
                RouteTarget::Customer(7),
            ),
            (
                "PATCH",
                "/v1/customers/7",
                Endpoint::Patch,
                RouteTarget::Customer(7),
            ),
            (
                "DELETE",
                "/v1/customers/7",
                Endpoint::Delete,
                RouteTarget::Customer(7),
            ),
            (
                "PUT",
                "/v1/customers/7/tags",
                Endpoint::Tag,
                RouteTarget::Customer(7),
            ),
            (
                "DELETE",
                "/v1/customers/7/tags",
                Endpoint::Untag,
                RouteTarget::Customer(7),
            ),
            (
                "GET",
                "/v1/organization",
                Endpoint::Organization,
                RouteTarget::Collection,
            ),
            (
                "GET",
                "/v1/customers/x",
                Endpoint::Get,
                RouteTarget::NotNumeric,
            ),
            (
                "GET",
                "/v1/customers/+7",
                Endpoint::Get,
                RouteTarget::NotNumeric,
            ),
            (
                "GET",
                "/v1/customers/",
                Endpoint::Get,
                RouteTarget::NotNumeric,
            ),
            (
                "GET",
                "/v1/customers/batch",
                Endpoint::Unknown,
                RouteTarget::NoSuchMethod,
            ),
            (
                "POST",
                "/v1/customers/7",
                Endpoint::Unknown,
                RouteTarget::NoSuchMethod,
            ),
            (
                "POST",
                "/v1/customers/7/tags",
                Endpoint::Unknown,
                RouteTarget::NoSuchMethod,
            ),
            (
                "GET",
                "/v1/customersx",
                Endpoint::Unknown,
                RouteTarget::NoSuchPath,
            ),
            (
                "GET",
                "/v1/customers/7/tags/1",
                Endpoint::Unknown,
                RouteTarget::NoSuchPath,
            ),
            (
                "GET",
                "/v1/chats",
                Endpoint::Unknown,
                RouteTarget::NoSuchPath,
            ),
        ];
        for (method, path, endpoint, target) in cases {
            assert_eq!(
                Route::find(method, path),
                Route { endpoint, target },
                "{method} {path}"
            );
        }
    }
}
