//! Files in object stores: S3 and what speaks like it, Google Cloud Storage, Azure. It copies whole files, and knows nothing of what
//! is in them.

mod object_url;
mod transfer;

pub use object_url::{AddressError, ObjectUrl, has_scheme, local_path};
pub use transfer::{ObjectError, download, upload};
