/// The endpoints of the API that this program uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    Get,
    List,
    Search,
    Create,
    Patch,
    /// One whole customer; for the probe. The documentation contradicts itself on whether it resets what it does not name.
    Put,
    /// Up to ten customers in one `PUT`.
    Batch,
    Tag,
    Untag,
    Delete,
    /// The account behind the key. Known from a list of the vendor's operations only; what it answers is not documented.
    Organization,
}

/// Whether a request may be sent again when its effect is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// Sent twice, it makes two customers.
    Once,
    /// Sent twice, it does the same as once.
    Repeatable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Endpoint {
    /// The key of `requests.by_endpoint` and the name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Search => "search",
            Self::Create => "create",
            Self::Patch => "patch",
            Self::Put => "put",
            Self::Batch => "batch",
            Self::Tag => "tag",
            Self::Untag => "untag",
            Self::Delete => "delete",
            Self::Organization => "organization",
        }
    }

    #[must_use]
    pub fn method(self) -> Method {
        match self {
            Self::Get | Self::List | Self::Organization => Method::Get,
            Self::Search | Self::Create => Method::Post,
            Self::Patch => Method::Patch,
            Self::Put | Self::Batch | Self::Tag => Method::Put,
            Self::Untag | Self::Delete => Method::Delete,
        }
    }

    #[must_use]
    pub fn is_write(self) -> bool {
        !matches!(
            self,
            Self::Get | Self::List | Self::Search | Self::Organization
        )
    }

    #[must_use]
    pub fn safety(self) -> Safety {
        match self {
            Self::Create => Safety::Once,
            _ => Safety::Repeatable,
        }
    }
}
