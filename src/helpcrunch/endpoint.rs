/// What the API can be asked for, as far as this program asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    Get,
    List,
    Search,
    Create,
    Patch,
    /// The whole of one customer; for a probe. Whether it resets what it does not name is told both ways.
    Put,
    /// Up to ten customers in one `PUT`.
    Batch,
    Tag,
    Untag,
    Delete,
}

/// Whether a request may be sent again when nobody knows what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// Twice is two customers.
    Once,
    /// Twice does what once does.
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
        }
    }

    #[must_use]
    pub fn method(self) -> Method {
        match self {
            Self::Get | Self::List => Method::Get,
            Self::Search | Self::Create => Method::Post,
            Self::Patch => Method::Patch,
            Self::Put | Self::Batch | Self::Tag => Method::Put,
            Self::Untag | Self::Delete => Method::Delete,
        }
    }

    #[must_use]
    pub fn is_write(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Search)
    }

    #[must_use]
    pub fn safety(self) -> Safety {
        match self {
            Self::Create => Safety::Once,
            _ => Safety::Repeatable,
        }
    }
}
