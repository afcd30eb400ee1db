//! The price file.

use serde::{Deserialize, Serialize};

/// What the cloud charges, in USD. Storage, data transfer and what a model or carrier charges are not here:
/// they do not follow from requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Whose prices, of which region and day.
    pub source: String,
    /// A million read request units.
    pub dynamodb_read_per_million: f64,
    /// A million write request units.
    pub dynamodb_write_per_million: f64,
    /// A million requests at the HTTP API.
    pub http_api_per_million: f64,
    /// A million invocations.
    pub lambda_requests_per_million: f64,
    /// A second with one GiB of memory.
    pub lambda_gb_second: f64,
    /// A million requests to FIFO queues.
    pub sqs_fifo_per_million: f64,
    /// A million requests to standard queues.
    pub sqs_standard_per_million: f64,
    /// A million requests to KMS.
    pub kms_per_million: f64,
    /// A million requests that write or list files.
    pub s3_put_per_million: f64,
    /// A million requests that read files.
    pub s3_get_per_million: f64,
    /// A GB of log taken in.
    pub logs_per_gb: f64,
}

impl Prices {
    /// The prices that stand in the repository.
    pub fn listed() -> Result<Self, String> {
        serde_json::from_str(include_str!("../../prices.json")).map_err(|e| format!("prices.json: {e}"))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_price_file_is_understood() {
        assert!(super::Prices::listed().is_ok());
    }
}
