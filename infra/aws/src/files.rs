//! Files in S3, under the credentials of one tenant: its role reaches only what begins with its own id.
//! A file is a record like any other: what declares no place in a bucket cannot be uploaded.

use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, ServerSideEncryption};
use bytes::Bytes;
use usher_shared::records::{DataExport, ExportFile};

use crate::platform::Platform;
use crate::scope::TenantScope;
use crate::settings::MissingVariable;

/// S3 takes parts of at least this many bytes; only the last may be smaller.
pub const SMALLEST_PART: usize = 5 * 1024 * 1024;

/// Why the storage could not do what it was asked. Carries no names and no content.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It refused or could not be reached. A retry may help.
    #[error("s3: {operation} failed with {code}")]
    Storage {
        /// Which operation.
        operation: &'static str,
        /// The storage's own error code, or `unreachable`.
        code: String,
    },
    /// The upload is not there: completed, aborted, or removed by the bucket's own rules.
    #[error("s3: the upload is not there")]
    NoSuchUpload,
}

/// The files of one tenant.
#[derive(Clone, Debug)]
pub struct Files {
    client: aws_sdk_s3::Client,
    bucket: String,
    kms_key: String,
}

impl Platform {
    /// The files of the tenant that was entered.
    ///
    /// # Errors
    /// [`MissingVariable`] if the function has no bucket.
    pub fn files(&self, scope: &TenantScope) -> Result<Files, MissingVariable> {
        Ok(Files {
            client: self.clients.s3_under(scope.credentials.clone()),
            bucket: self.settings.exports_bucket()?,
            kms_key: self.kms_key.clone(),
        })
    }
}

impl TenantScope {
    /// The file of an export.
    pub fn export_file(&self, export: &DataExport) -> ExportFile {
        ExportFile {
            tenant: self.tenant().into(),
            export: export.id,
            kind: export.kind,
            created_at: export.created_at,
        }
    }
}

impl Files {
    /// Begins the upload of a file and gives its id. The file is encrypted under the platform's key.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn begin(&self, file: &ExportFile) -> Result<String, FileError> {
        let answer = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(object_key(file))
            .content_type(file.kind.media_type())
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(&self.kms_key)
            .bucket_key_enabled(true)
            .send()
            .await
            .map_err(|error| failed("CreateMultipartUpload", &error))?;
        answer.upload_id.ok_or(FileError::NoSuchUpload)
    }

    /// Stores a part and gives its tag. Numbers count from 1; a part stored again replaces the first.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn put_part(
        &self,
        file: &ExportFile,
        upload: &str,
        number: usize,
        bytes: Bytes,
    ) -> Result<String, FileError> {
        let answer = self
            .client
            .upload_part()
            .bucket(&self.bucket)
            .key(object_key(file))
            .upload_id(upload)
            .part_number(i32::try_from(number).unwrap_or(i32::MAX))
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| failed("UploadPart", &error))?;
        Ok(answer.e_tag.unwrap_or_default())
    }

    /// Makes the file of its parts.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn complete(&self, file: &ExportFile, upload: &str, tags: &[String]) -> Result<(), FileError> {
        let parts = (1..)
            .zip(tags)
            .map(|(number, tag)| CompletedPart::builder().part_number(number).e_tag(tag).build());
        self.client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(object_key(file))
            .upload_id(upload)
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts.collect()))
                    .build(),
            )
            .send()
            .await
            .map_err(|error| failed("CompleteMultipartUpload", &error))?;
        Ok(())
    }

    /// Gives an upload up; its parts are gone. An upload that is not there is fine.
    ///
    /// # Errors
    /// [`FileError::Storage`].
    pub async fn abort(&self, file: &ExportFile, upload: &str) -> Result<(), FileError> {
        let sent = self
            .client
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(object_key(file))
            .upload_id(upload)
            .send()
            .await;
        match sent.map_err(|error| failed("AbortMultipartUpload", &error)) {
            Ok(_) | Err(FileError::NoSuchUpload) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The file's size in bytes; `None` if it is not there.
    ///
    /// # Errors
    /// [`FileError::Storage`].
    pub async fn size(&self, file: &ExportFile) -> Result<Option<u64>, FileError> {
        let sent = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(object_key(file));
        match sent.send().await {
            Ok(answer) => Ok(answer.content_length.and_then(|size| u64::try_from(size).ok())),
            // To those who may not list the bucket S3 says "forbidden" of what is not there.
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|raw| [403, 404].contains(&raw.status().as_u16())) =>
            {
                Ok(None)
            }
            Err(error) => Err(failed("HeadObject", &error)),
        }
    }

    /// Removes the file. One that is not there is fine.
    ///
    /// # Errors
    /// [`FileError::Storage`].
    pub async fn delete(&self, file: &ExportFile) -> Result<(), FileError> {
        self.client
            .delete_object()
            .bucket(&self.bucket)
            .key(object_key(file))
            .send()
            .await
            .map_err(|error| failed("DeleteObject", &error))?;
        Ok(())
    }

    /// A URL under which anybody may fetch the file for `life`, as a download named `name`.
    ///
    /// # Errors
    /// [`FileError::Storage`].
    pub async fn signed_url(
        &self,
        file: &ExportFile,
        name: &str,
        life: Duration,
    ) -> Result<String, FileError> {
        let refused = |code: &str| FileError::Storage {
            operation: "presign",
            code: code.to_owned(),
        };
        let config = PresigningConfig::expires_in(life).map_err(|_| refused("life"))?;
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(object_key(file))
            .response_content_disposition(format!("attachment; filename=\"{name}\""))
            .response_content_type(file.kind.media_type())
            .response_cache_control("no-store");
        let signed = request
            .presigned(config)
            .await
            .map_err(|_| refused("signature"))?;
        Ok(signed.uri().to_owned())
    }
}

/// Starts with the tenant's id, which is what the tenant's role is limited to.
fn object_key(file: &ExportFile) -> String {
    format!("{}/{}.{}", *file.tenant, *file.export, file.kind.extension())
}

pub(crate) fn failed<E: ProvideErrorMetadata, R>(
    operation: &'static str,
    error: &SdkError<E, R>,
) -> FileError {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    match code.unwrap_or("unreachable") {
        "NoSuchUpload" => FileError::NoSuchUpload,
        code => FileError::Storage {
            operation,
            code: code.to_owned(),
        },
    }
}
