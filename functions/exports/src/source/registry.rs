//! What the registry of records says about archives: what is in them, and what is not and why.

use serde_json::{Value, json};
use usher_shared::record::{Export, Owner, RecordSpec};
use usher_shared::records::REGISTRY;

/// Whose archive it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The tenant's: everything.
    Account,
    /// A person's: what is about them.
    Person,
}

/// Records that are the tenant's, for they outlive the person, and are about a person nevertheless.
const ABOUT_A_PERSON: [&str; 2] = ["consent", "suppression"];

const NOT_OF_A_PERSON: &str =
    "the business's own; it says nothing of one person that is not in the records here";
const NOT_OF_THE_TENANT: &str = "the platform's own; it says nothing of the business or its customers";

impl Whose {
    /// Why a whole record is not in the archive; nothing if it is.
    pub(super) fn leaves_out(self, spec: &RecordSpec) -> Option<&'static str> {
        if let Export::Omitted(why) = spec.export {
            return Some(why);
        }
        match self {
            Self::Account => (spec.owner == Owner::Platform).then_some(NOT_OF_THE_TENANT),
            Self::Person => {
                let is_theirs = spec.owner == Owner::Contact || ABOUT_A_PERSON.contains(&spec.kind);
                (!is_theirs).then_some(NOT_OF_A_PERSON)
            }
        }
    }

    /// What is not in the archive, and why: whole records, and parts of those that are.
    pub(super) fn omitted(self) -> Value {
        let (mut records, mut parts) = (Vec::new(), Vec::new());
        for spec in REGISTRY {
            match (self.leaves_out(spec), spec.export) {
                (Some(why), _) => records.push(json!({"record": spec.kind, "reason": why})),
                (None, Export::Except(fields)) => parts.extend(
                    fields
                        .iter()
                        .map(|(part, why)| json!({"record": spec.kind, "field": part, "reason": why})),
                ),
                (None, _) => {}
            }
        }
        json!({"object": "omitted", "records": records, "fields": parts})
    }
}

/// What the lines of conversations leave out.
pub(super) fn left_out_of_lines(traces: bool) -> Vec<Value> {
    let files = "files are in lead_archive and account_archive; here is a line about each";
    let mut omitted = vec![json!({"record": "attachment_file", "reason": files})];
    if !traces {
        let why = "the API key that asked for the export may not read traces (traces:read)";
        omitted.push(json!({"record": "trace", "reason": why}));
    }
    omitted
}

/// What the tables of conversations leave out.
pub(super) fn left_out_of_tables() -> Vec<Value> {
    let why = "is no table of conversations or messages; it is in conversations_ndjson, lead_archive and account_archive";
    ["attachment", "attachment_file", "trace"]
        .map(|kind| json!({"record": kind, "reason": why}))
        .to_vec()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::collections::BTreeSet;

    use super::*;
    use crate::source::{account, person};

    fn walk(whose: Whose, written: &[&str]) {
        let written: BTreeSet<&str> = written.iter().copied().collect();
        let omitted = whose.omitted();
        for spec in REGISTRY {
            let reason = omitted["records"]
                .as_array()
                .unwrap()
                .iter()
                .find(|one| one["record"] == spec.kind)
                .map(|one| one["reason"].as_str().unwrap());
            match reason {
                Some(why) => assert!(why.len() > 20, "{whose:?} {}: {why}", spec.kind),
                None => assert!(
                    written.contains(spec.kind),
                    "{whose:?}: {} is neither written nor left out for a reason",
                    spec.kind
                ),
            }
        }
    }

    #[test]
    fn p_rgt_08_every_record_is_in_the_accounts_archive_or_says_why_not() {
        walk(Whose::Account, &account::kinds());
    }

    #[test]
    fn p_rgt_01_every_record_is_in_a_persons_archive_or_says_why_not() {
        walk(Whose::Person, &person::KINDS);
        for spec in REGISTRY.iter().filter(|spec| spec.owner == Owner::Contact) {
            let left_out = Whose::Person.leaves_out(spec);
            assert_ne!(left_out, Some(NOT_OF_A_PERSON), "{}", spec.kind);
        }
    }

    #[test]
    fn no_archive_holds_a_record_of_secrets() {
        for whose in [Whose::Account, Whose::Person] {
            let omitted = whose.omitted();
            for kind in [
                "channel_secret",
                "revocation",
                "api_key",
                "wrapped_key",
                "download_link",
            ] {
                let found = omitted["records"].as_array().unwrap();
                assert!(found.iter().any(|one| one["record"] == kind), "{kind}");
            }
        }
    }
}
