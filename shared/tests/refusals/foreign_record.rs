//! A record of another crate: its supertrait cannot be had outside the registry.

use serde_json::{Map, Value};
use usher_shared::record::{Malformed, Record, RecordSpec, SealedField, key};
use usher_shared::{Timestamp, records::REGISTRY};

struct Note;

impl Record for Note {
    type SealedBy = key::Unsealed;
    const SPEC: RecordSpec = REGISTRY[0];

    fn anchor(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn open_fields(&self) -> Result<Map<String, Value>, Malformed> {
        Ok(Map::new())
    }

    fn sealed_fields(&self) -> Result<Vec<SealedField>, Malformed> {
        Ok(Vec::new())
    }

    fn from_fields(
        _open: Map<String, Value>,
        _unsealed: &mut dyn FnMut(&'static str) -> Option<Vec<u8>>,
    ) -> Result<Self, Malformed> {
        Ok(Self)
    }
}

fn main() {}
