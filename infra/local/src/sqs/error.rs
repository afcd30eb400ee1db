//! What calls to queues can fail with, and the codes of the protocol.

/// What a call to a queue can fail with.
#[derive(Debug, thiserror::Error)]
pub enum SqsError {
    /// No such queue.
    #[error("there is no queue {0}")]
    NoQueue(String),
    /// A required parameter is missing.
    #[error("the request must contain the parameter {0}")]
    Missing(&'static str),
    /// A parameter has a value that cannot be.
    #[error("{0}")]
    Invalid(String),
    /// The operation is not one of those that are emulated.
    #[error("the operation {0} is not emulated")]
    Unknown(String),
    /// The receipt is over.
    #[error("the receipt handle has expired")]
    Expired,
    /// The database of the queues failed.
    #[error("the queues' database: {0}")]
    Database(#[from] rusqlite::Error),
}

impl SqsError {
    /// The code of the JSON protocol.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoQueue(_) => "com.amazonaws.sqs#QueueDoesNotExist",
            Self::Missing(_) => "MissingParameter",
            Self::Invalid(_) | Self::Expired => "InvalidParameterValue",
            Self::Unknown(_) => "UnsupportedOperation",
            Self::Database(_) => "InternalError",
        }
    }
}
