//! The file while it grows: bytes that are not stored yet, and how far the stored ones go.

use bytes::Bytes;
use usher_aws::files::{FileError, Files, SMALLEST_PART};
use usher_shared::model::UploadProgress;
use usher_shared::records::ExportFile;

use crate::digest::RunningDigest;
use crate::source::Work;

/// Parts of one file. With parts of 5 MiB a file has at most 25 GiB, and what is known of the upload fits
/// into an item of the store.
const MOST_PARTS: usize = 5_000;

/// Why the upload cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    /// The storage.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file would have too many parts.
    #[error("the file is larger than 25 GiB")]
    TooLarge,
    /// What an earlier worker left cannot be read.
    #[error("the progress of an earlier worker cannot be read")]
    Unreadable,
}

/// An upload in progress.
pub(crate) struct Upload {
    id: String,
    parts: Vec<String>,
    stored: u64,
    digest: RunningDigest,
    /// Bytes that are not stored yet.
    pub(crate) pending: Vec<u8>,
}

impl Upload {
    /// An upload of which nothing is stored.
    pub(crate) fn new(id: String) -> Self {
        Self {
            id,
            parts: Vec::new(),
            stored: 0,
            digest: RunningDigest::default(),
            pending: Vec::new(),
        }
    }

    /// Goes on where an earlier worker stopped.
    pub(crate) fn resume(progress: UploadProgress) -> Result<(Self, Work), UploadError> {
        let work = serde_json::from_str(&progress.position).map_err(|_| UploadError::Unreadable)?;
        let upload = Self {
            id: progress.upload,
            parts: progress.parts,
            stored: progress.size,
            digest: RunningDigest::resume(&progress.digest).ok_or(UploadError::Unreadable)?,
            pending: Vec::new(),
        };
        Ok((upload, work))
    }

    /// Everything another worker needs to go on, if `work` is where the stored bytes end.
    pub(crate) fn progress(&self, work: &Work) -> Result<UploadProgress, UploadError> {
        Ok(UploadProgress {
            upload: self.id.clone(),
            parts: self.parts.clone(),
            size: self.stored,
            digest: self.digest.state(),
            position: serde_json::to_string(work).map_err(|_| UploadError::Unreadable)?,
        })
    }

    /// The storage's id of the upload.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Tags of the parts.
    pub(crate) fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Bytes stored.
    pub(crate) fn stored(&self) -> u64 {
        self.stored
    }

    /// SHA-256 of the bytes stored.
    pub(crate) fn sha256(&self) -> String {
        self.digest.finish()
    }

    /// Whether the pending bytes make a part.
    pub(crate) fn is_due(&self) -> bool {
        self.pending.len() >= SMALLEST_PART
    }

    /// Stores the pending bytes as the next part.
    pub(crate) async fn flush(&mut self, files: &Files, file: &ExportFile) -> Result<(), UploadError> {
        if self.parts.len() >= MOST_PARTS {
            return Err(UploadError::TooLarge);
        }
        let bytes = Bytes::from(std::mem::take(&mut self.pending));
        self.digest.update(&bytes);
        self.stored += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let number = self.parts.len() + 1;
        self.parts
            .push(files.put_part(file, &self.id, number, bytes).await?);
        Ok(())
    }
}
