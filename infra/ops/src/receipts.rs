//! Checking receipts of requests of privacy: from two files, and nothing else.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::json;
use usher_aws::receipts::{ReceiptKeys, SignedReceipt, verify};

use crate::OpsError;
use crate::output::Output;

/// Says whether a receipt is genuine, and what it says.
pub(crate) fn check(out: Output, file: &str, keys: &str) -> Result<(), OpsError> {
    let signed: SignedReceipt = read(file, "receipt")?;
    let keys: ReceiptKeys = read(keys, "set of keys")?;
    let receipt = verify(&signed, &keys).map_err(|error| OpsError::Failed(error.to_string()))?;
    let said = |field: &str| {
        let text = receipt.get(field).and_then(serde_json::Value::as_str);
        text.unwrap_or("-").to_owned()
    };
    let text = format!(
        "genuine\nrequest         {}\nkind            {}\ncompleted       {}\nout of backups  {}",
        said("request"),
        said("kind"),
        said("completed_at"),
        said("out_of_backups_at")
    );
    out.result(&json!({"genuine": true, "receipt": receipt}), &text)
}

fn read<T: DeserializeOwned>(file: &str, what: &str) -> Result<T, OpsError> {
    let text = std::fs::read_to_string(Path::new(file))
        .map_err(|error| OpsError::NotFound(format!("{file}: {error}")))?;
    serde_json::from_str(&text).map_err(|_| OpsError::Failed(format!("{file} is no {what}")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn vector(name: &str) -> String {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/receipts/");
        format!("{root}{name}")
    }

    #[test]
    fn a_receipt_of_the_vectors_is_genuine_and_a_changed_one_is_not() {
        let out = Output::new(true);
        let keys = vector("keys.json");
        assert_eq!(check(out, &vector("receipt.json"), &keys), Ok(()));
        let altered = check(out, &vector("altered.json"), &keys).unwrap_err();
        assert!(matches!(altered, OpsError::Failed(_)));
        let missing = check(out, &vector("none.json"), &keys).unwrap_err();
        assert!(matches!(missing, OpsError::NotFound(_)));
        assert_eq!(
            check(out, &keys, &keys).unwrap_err(),
            OpsError::Failed(format!("{keys} is no receipt"))
        );
    }
}
