use std::fs::File;
use std::io::{self, Read as _, Write as _};

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutPayload, WriteMultipart,
};

use super::object_url::{ObjectUrl, Provider};

/// Bytes of one request: few enough for the time that the library gives a request.
const PART: usize = 8 << 20;
/// Parts of an upload that are under way at the same time.
const MAX_PARTS: usize = 4;

/// Why an object could not be copied. The library has repeated what can be repeated.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    #[error("{address} cannot be read")]
    Download {
        address: String,
        #[source]
        cause: object_store::Error,
    },
    #[error("{address} cannot be written")]
    Upload {
        address: String,
        #[source]
        cause: object_store::Error,
    },
    #[error("the local copy of {address} cannot be used")]
    LocalCopy {
        address: String,
        #[source]
        cause: io::Error,
    },
}

/// Copies an object into a file. All of it is of one version.
///
/// # Errors
/// It does not exist, cannot be read or changes meanwhile, or the file cannot be written.
pub async fn download(object: &ObjectUrl, into: &mut File) -> Result<(), ObjectError> {
    let failed = |cause| ObjectError::Download {
        address: object.to_string(),
        cause,
    };
    let store = store(object).map_err(failed)?;
    let found = store.head(&object.key).await.map_err(failed)?;
    let mut start = 0;
    while start < found.size {
        let end = found.size.min(start + PART as u64);
        let options = GetOptions {
            range: Some(GetRange::Bounded(start..end)),
            if_match: found.e_tag.clone(),
            ..GetOptions::default()
        };
        let part = store.get_opts(&object.key, options).await.map_err(failed)?;
        let bytes = part.bytes().await.map_err(failed)?;
        into.write_all(&bytes).map_err(|e| local(object, e))?;
        start = end;
    }
    into.flush().map_err(|e| local(object, e))
}

/// Copies a file into an object, which is replaced as a whole.
///
/// # Errors
/// The file cannot be read, or the object not written.
pub async fn upload(mut from: File, object: &ObjectUrl) -> Result<(), ObjectError> {
    let failed = |cause| ObjectError::Upload {
        address: object.to_string(),
        cause,
    };
    let store = store(object).map_err(failed)?;
    let mut part = read_part(&mut from, object)?;
    if part.len() < PART {
        let payload = PutPayload::from(part);
        return store
            .put(&object.key, payload)
            .await
            .map(drop)
            .map_err(failed);
    }
    let upload = store.put_multipart(&object.key).await.map_err(failed)?;
    let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
    while !part.is_empty() {
        upload.wait_for_capacity(MAX_PARTS).await.map_err(failed)?;
        upload.write(&part);
        part = read_part(&mut from, object)?;
    }
    upload.finish().await.map(drop).map_err(failed)
}

/// Reads a part of a file, which is shorter only at its end.
fn read_part(from: &mut File, object: &ObjectUrl) -> Result<Vec<u8>, ObjectError> {
    let mut part = Vec::new();
    let read = from.take(PART as u64).read_to_end(&mut part);
    read.map_err(|e| local(object, e))?;
    Ok(part)
}

fn local(object: &ObjectUrl, cause: io::Error) -> ObjectError {
    ObjectError::LocalCopy {
        address: object.to_string(),
        cause,
    }
}

/// The store of an object, set up by the variables that its provider's own tools take.
fn store(object: &ObjectUrl) -> object_store::Result<Box<dyn ObjectStore>> {
    // Only the first call in a process installs it; later ones fail and find the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let bucket = object.bucket.as_str();
    Ok(match object.provider {
        Provider::S3 => {
            let builder = AmazonS3Builder::from_env();
            Box::new(builder.with_bucket_name(bucket).build()?)
        }
        Provider::Google => {
            let builder = GoogleCloudStorageBuilder::from_env();
            Box::new(builder.with_bucket_name(bucket).build()?)
        }
        Provider::Azure => {
            let builder = MicrosoftAzureBuilder::from_env();
            Box::new(builder.with_container_name(bucket).build()?)
        }
    })
}
