//! Mail: the raw mails that SES puts into a bucket, and the capabilities in the addresses that answers come back to.

use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use usher_shared::Timestamp;
use usher_shared::ids::ConversationId;

use crate::files::FileError;
use crate::platform::Platform;
use crate::scope::TenantScope;
use crate::sealing::HashPurpose;
use crate::settings::MissingVariable;

/// Folder of the bucket that the receipt rule writes to.
pub const FOLDER: &str = "in/";
/// Characters of a token behind the conversation's id: 64 bits that only we can make.
const PROOF: usize = 16;
/// Raw mails that one look finds.
const LOOK: i32 = 100;

/// The bucket of raw mails, under the function's own role: whose a mail is shows only inside.
#[derive(Clone, Debug)]
pub struct RawMails {
    client: aws_sdk_s3::Client,
    bucket: String,
}

impl Platform {
    /// The bucket of raw mails.
    ///
    /// # Errors
    /// [`MissingVariable`] if the function has none.
    pub fn raw_mails(&self) -> Result<RawMails, MissingVariable> {
        Ok(RawMails {
            client: self.clients.s3_under(self.clients.credentials.clone()),
            bucket: self.settings().mail_bucket()?,
        })
    }
}

impl RawMails {
    /// A mail by SES's id of it; `None` if it is not there, which is: done.
    ///
    /// # Errors
    /// [`FileError::Storage`].
    pub async fn get(&self, id: &str) -> Result<Option<Vec<u8>>, FileError> {
        let sent = self.client.get_object().bucket(&self.bucket).key(key(id));
        let answer = match sent.send().await {
            Ok(answer) => answer,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_no_such_key()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failed("GetObject", &error)),
        };
        let body = answer.body.collect().await.map_err(|_| FileError::Storage {
            operation: "GetObject",
            code: "interrupted".to_owned(),
        })?;
        Ok(Some(body.to_vec()))
    }

    /// Removes a mail. One that is not there is fine.
    ///
    /// # Errors
    /// [`FileError::Storage`].
    pub async fn delete(&self, id: &str) -> Result<(), FileError> {
        let sent = self.client.delete_object().bucket(&self.bucket).key(key(id));
        sent.send()
            .await
            .map_err(|error| failed("DeleteObject", &error))?;
        Ok(())
    }

    /// Ids of mails that have been there for longer than `age` at `now`, on the wall clock; not all, if there are many.
    ///
    /// # Errors
    /// [`FileError::Storage`].
    pub async fn older_than(&self, age: Duration, now: Timestamp) -> Result<Vec<String>, FileError> {
        let sent = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(FOLDER)
            .max_keys(LOOK);
        let answer = sent
            .send()
            .await
            .map_err(|error| failed("ListObjectsV2", &error))?;
        let ids = answer.contents().iter().filter_map(|object| {
            let at = object.last_modified()?.to_millis().ok()?;
            let old = now.since(Timestamp::from_millis(at)) > age;
            let id = object.key()?.strip_prefix(FOLDER)?;
            old.then(|| id.to_owned())
        });
        Ok(ids.collect())
    }
}

fn key(id: &str) -> String {
    format!("{FOLDER}{id}")
}

fn failed<E: ProvideErrorMetadata, R>(operation: &'static str, error: &SdkError<E, R>) -> FileError {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    FileError::Storage {
        operation,
        code: code.unwrap_or("unreachable").to_owned(),
    }
}

impl TenantScope {
    /// The capability that brings an answer back into a conversation: it stands in the address that the answer goes to.
    /// Small letters and digits alone, as mail programs change the case.
    pub fn mail_token(&self, conversation: ConversationId) -> String {
        let body = conversation.body();
        let parts = [b"mail-token".as_slice(), body.as_bytes()];
        let hash = self.key().hash(HashPurpose::Derived, &parts).tail();
        let mut proof = hex::encode(hash);
        proof.truncate(PROOF);
        format!("{body}{proof}")
    }

    /// The conversation that a capability of ours names. None for what we never gave.
    pub fn conversation_of_mail_token(&self, token: &str) -> Option<ConversationId> {
        let end = token.len().checked_sub(PROOF)?;
        let conversation = ConversationId::from_body(token.get(..end)?).ok()?;
        let expected = self.mail_token(conversation);
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_bytes(), token.as_bytes());
        same.is_ok().then_some(conversation)
    }
}
