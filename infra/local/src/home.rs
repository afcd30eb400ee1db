//! The folder of one stack: locked while in use, temporary when data lives in memory.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::stack::{Data, StartError};

/// The folder, and what keeps it ours.
#[derive(Debug)]
pub(crate) struct Home {
    folder: PathBuf,
    lock: File,
    /// Removed when dropped.
    temporary: Option<TempDir>,
}

impl Home {
    pub(crate) fn open(data: &Data) -> Result<Self, StartError> {
        let (folder, temporary) =
            match data {
                Data::Folder(folder) => {
                    std::fs::create_dir_all(folder).map_err(|e| problem(folder, &e.to_string()))?;
                    (folder.clone(), None)
                }
                Data::Memory => {
                    let temporary = tempfile::Builder::new().prefix("usher-").tempdir().map_err(|e| {
                        StartError::Folder {
                            path: std::env::temp_dir().display().to_string(),
                            problem: e.to_string(),
                        }
                    })?;
                    (temporary.path().to_owned(), Some(temporary))
                }
            };
        let file = folder.join("lock");
        let lock = File::create(&file).map_err(|e| problem(&file, &e.to_string()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder,
                lock,
                temporary,
            }),
            Err(TryLockError::WouldBlock) => Err(problem(&folder, "is in use by another running stack")),
            Err(TryLockError::Error(error)) => Err(problem(&file, &error.to_string())),
        }
    }

    /// A file or folder in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A file in it, or nothing when data lives in memory.
    pub(crate) fn persistent(&self, name: &str) -> Option<PathBuf> {
        self.temporary.is_none().then(|| self.path(name))
    }

    /// An error about this folder.
    pub(crate) fn problem(&self, error: &std::io::Error) -> StartError {
        problem(&self.folder, &error.to_string())
    }

    /// Lets another stack in, although handles to this one may still exist.
    pub(crate) fn unlock(&self) {
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the data folder stays locked until the process ends");
        }
    }
}

fn problem(path: &Path, problem: &str) -> StartError {
    StartError::Folder {
        path: path.display().to_string(),
        problem: problem.to_owned(),
    }
}
