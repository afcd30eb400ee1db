//! Files of attachments in S3, under the credentials of one tenant: encrypted ones below `sealed/`, copies in the clear
//! for whoever just asked below `clear/`, and the tenant's id next in both, which is what its role is limited to.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use bytes::Bytes;
use usher_shared::ids::{AttachmentId, ConversationId, MessageId, TenantId};
use usher_shared::records::{Attachment, AttachmentCopy, AttachmentFile};
use usher_shared::sniff::MediaType;
use usher_shared::untrusted::Label;

use super::sealed::place;
use crate::clients::Clients;
use crate::files::{FileError, failed};
use crate::scope::TenantScope;
use crate::settings::{MissingVariable, Settings};

/// Bytes of randomness in a copy's name.
const NAME: usize = 16;

/// What is needed to reach files, whoever's they are.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) clients: Clients,
    pub(crate) bucket: Option<String>,
    kms_key: String,
}

impl Storage {
    pub(crate) fn new(clients: &Clients, settings: &Settings, kms_key: &str) -> Self {
        Self {
            clients: clients.clone(),
            bucket: settings.attachments_bucket().ok(),
            kms_key: kms_key.to_owned(),
        }
    }
}

/// The files of one tenant's attachments.
#[derive(Clone, Debug)]
pub struct AttachmentFiles {
    client: aws_sdk_s3::Client,
    bucket: String,
    kms_key: String,
    tenant: TenantId,
}

/// A page of the tenant's files.
#[derive(Debug, Default)]
pub struct FilePage {
    /// Their places, `<conversation>/<message>/<attachment>`, in order.
    pub places: Vec<String>,
    /// Whether there are more.
    pub more: bool,
}

impl TenantScope {
    /// The files of the tenant's attachments.
    ///
    /// # Errors
    /// [`MissingVariable`] if the function has no bucket.
    pub fn attachment_files(&self) -> Result<AttachmentFiles, MissingVariable> {
        let bucket = self.storage.bucket.clone();
        Ok(AttachmentFiles {
            client: self.storage.clients.s3_under(self.credentials.clone()),
            bucket: bucket.ok_or(MissingVariable("ATTACHMENTS_BUCKET"))?,
            kms_key: self.storage.kms_key.clone(),
            tenant: self.tenant(),
        })
    }

    /// The file of an attachment.
    pub fn attachment_file(&self, attachment: &Attachment) -> AttachmentFile {
        AttachmentFile {
            tenant: self.tenant().into(),
            conversation: attachment.conversation,
            message: attachment.message,
            attachment: attachment.id,
            at: attachment.at,
            content: usher_shared::attachment::FileBytes.into(),
        }
    }

    /// A new copy of an attachment.
    ///
    /// # Errors
    /// None but in theory: the name is made of hexadecimal digits.
    pub fn attachment_copy(&self, attachment: &Attachment) -> Result<AttachmentCopy, FileError> {
        let mut name = [0; NAME];
        self.entropy().fill(&mut name);
        let name: Label = hex::encode(name).parse().map_err(|_| refused("name"))?;
        Ok(AttachmentCopy {
            tenant: self.tenant().into(),
            conversation: attachment.conversation,
            attachment: attachment.id,
            at: self.now().into(),
            name: name.into(),
        })
    }
}

impl AttachmentFiles {
    /// Stores an encrypted file.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn put(&self, file: &AttachmentFile, sealed: Vec<u8>) -> Result<(), FileError> {
        self.put_object(sealed_key(file), sealed, "application/octet-stream")
            .await
    }

    /// An encrypted file; `None` if it is not there.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn get(&self, file: &AttachmentFile) -> Result<Option<Bytes>, FileError> {
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(sealed_key(file));
        let answer = match request.send().await {
            Ok(answer) => answer,
            // To those who may not list the bucket S3 says "forbidden" of what is not there.
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|raw| [403, 404].contains(&raw.status().as_u16())) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failed("GetObject", &error)),
        };
        let body = answer.body.collect().await.map_err(|_| refused("body"))?;
        Ok(Some(body.into_bytes()))
    }

    /// Whether an encrypted file is there.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn has(&self, file: &AttachmentFile) -> Result<bool, FileError> {
        let request = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(sealed_key(file));
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|raw| raw.status().as_u16() == 404) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed("HeadObject", &error)),
        }
    }

    /// Removes an encrypted file. One that is not there is fine.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn delete(&self, file: &AttachmentFile) -> Result<(), FileError> {
        self.delete_object(&sealed_key(file)).await
    }

    /// Removes the file at a place that [`Self::list`] gave.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn delete_at(&self, place: &str) -> Result<(), FileError> {
        self.delete_object(&format!("sealed/{}/{place}", self.tenant))
            .await
    }

    /// Stores a copy in the clear.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn put_copy(
        &self,
        copy: &AttachmentCopy,
        plain: Vec<u8>,
        media_type: MediaType,
    ) -> Result<(), FileError> {
        self.put_object(clear_key(copy), plain, media_type.name()).await
    }

    /// Removes a copy. One that is not there is fine.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn delete_copy(&self, copy: &AttachmentCopy) -> Result<(), FileError> {
        self.delete_object(&clear_key(copy)).await
    }

    /// A URL under which anybody may fetch a copy for `life`, as a download named `name`: never shown as a page of the
    /// storage's host.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn signed_url(
        &self,
        copy: &AttachmentCopy,
        name: &str,
        life: Duration,
    ) -> Result<String, FileError> {
        let config = PresigningConfig::expires_in(life).map_err(|_| refused("life"))?;
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(clear_key(copy))
            .response_content_disposition(format!("attachment; filename=\"{name}\""))
            .response_cache_control("no-store");
        let signed = request
            .presigned(config)
            .await
            .map_err(|_| refused("signature"))?;
        Ok(signed.uri().to_owned())
    }

    /// Removes everything that is stored of a conversation's attachments, encrypted and in the clear, and says how much
    /// there was.
    ///
    /// # Errors
    /// [`FileError`]; doing it again does what is left.
    pub async fn delete_conversation(&self, conversation: ConversationId) -> Result<u64, FileError> {
        let mut deleted = 0;
        for kind in ["sealed", "clear"] {
            let prefix = format!("{kind}/{}/{conversation}/", self.tenant);
            deleted += self.delete_under(&prefix).await?;
        }
        Ok(deleted)
    }

    /// Removes what is stored, encrypted, of a message's attachments, and says how much there was.
    ///
    /// # Errors
    /// [`FileError`]; doing it again does what is left.
    pub async fn delete_message(
        &self,
        conversation: ConversationId,
        message: MessageId,
    ) -> Result<u64, FileError> {
        let prefix = format!("sealed/{}/{conversation}/{message}/", self.tenant);
        self.delete_under(&prefix).await
    }

    /// Removes every copy of an attachment.
    ///
    /// # Errors
    /// [`FileError`]; doing it again does what is left.
    pub async fn delete_copies(
        &self,
        conversation: ConversationId,
        attachment: AttachmentId,
    ) -> Result<u64, FileError> {
        let prefix = format!("clear/{}/{conversation}/{attachment}/", self.tenant);
        self.delete_under(&prefix).await
    }

    /// Removes copies that were stored `age` ago or earlier, by the storage's own clock, and says how many there were.
    ///
    /// # Errors
    /// [`FileError`]; doing it again does what is left.
    pub async fn delete_old_copies(&self, now: i64, age: Duration) -> Result<u64, FileError> {
        let prefix = format!("clear/{}/", self.tenant);
        let before = now.saturating_sub(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
        let (mut deleted, mut after) = (0, None);
        loop {
            let answer = self.list_objects(&prefix, after.take()).await?;
            for object in answer.contents.unwrap_or_default() {
                let old = object.last_modified.is_none_or(|at| at.secs() <= before);
                if let Some(key) = object.key {
                    if old {
                        self.delete_object(&key).await?;
                        deleted += 1;
                    }
                    after = Some(key);
                }
            }
            if answer.is_truncated != Some(true) {
                return Ok(deleted);
            }
        }
    }

    /// A page of the tenant's encrypted files after a place.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn list(&self, after: Option<&str>) -> Result<FilePage, FileError> {
        let prefix = format!("sealed/{}/", self.tenant);
        let after = after.map(|place| format!("{prefix}{place}"));
        let answer = self.list_objects(&prefix, after).await?;
        let keys = answer.contents.unwrap_or_default().into_iter();
        Ok(FilePage {
            places: keys
                .filter_map(|object| Some(object.key?.strip_prefix(&prefix)?.to_owned()))
                .collect(),
            more: answer.is_truncated == Some(true),
        })
    }

    async fn delete_under(&self, prefix: &str) -> Result<u64, FileError> {
        let mut deleted = 0;
        loop {
            let answer = self.list_objects(prefix, None).await?;
            for object in answer.contents.unwrap_or_default() {
                if let Some(key) = object.key {
                    self.delete_object(&key).await?;
                    deleted += 1;
                }
            }
            if answer.is_truncated != Some(true) {
                return Ok(deleted);
            }
        }
    }

    async fn list_objects(
        &self,
        prefix: &str,
        after: Option<String>,
    ) -> Result<aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output, FileError> {
        self.client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix)
            .set_start_after(after)
            .send()
            .await
            .map_err(|error| failed("ListObjectsV2", &error))
    }

    async fn put_object(
        &self,
        key: String,
        bytes: Vec<u8>,
        media_type: &'static str,
    ) -> Result<(), FileError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(media_type)
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(&self.kms_key)
            .bucket_key_enabled(true)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| failed("PutObject", &error))?;
        Ok(())
    }

    async fn delete_object(&self, key: &str) -> Result<(), FileError> {
        self.client
            .delete_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(|error| failed("DeleteObject", &error))?;
        Ok(())
    }
}

fn sealed_key(file: &AttachmentFile) -> String {
    format!("sealed/{}/{}", *file.tenant, place(file))
}

fn clear_key(copy: &AttachmentCopy) -> String {
    let (tenant, conversation) = (*copy.tenant, *copy.conversation);
    let (attachment, name) = (*copy.attachment, copy.name.as_str());
    format!("clear/{tenant}/{conversation}/{attachment}/{name}")
}

fn refused(code: &str) -> FileError {
    FileError::Storage {
        operation: "attachment",
        code: code.to_owned(),
    }
}
