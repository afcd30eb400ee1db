//! What the registry of records refuses, with the messages that it refuses it with. A `compile_fail` doc
//! test would pass on any nonsense; here a changed message is a failed test.
//!
//! After a change that is meant: `TRYBUILD=overwrite cargo test -p usher-shared --test refusals`, and read
//! what it wrote.

use usher_shared::model::{MessageBody, Profile};
use usher_shared::record::Sealed;

#[test]
fn what_may_hold_personal_data_or_is_not_in_the_registry_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/refusals/*.rs");
}

#[test]
fn a_sealed_value_does_not_print_and_neither_does_what_is_in_it() {
    let name = Sealed::from("Anna Berg".to_owned());
    assert_eq!(
        format!("{name:?} {:?}", Some(&name)),
        "Sealed(..) Some(Sealed(..))"
    );
    let body = MessageBody::from("Anna Berg".to_owned());
    let profile = Profile {
        name: Some("Anna Berg".to_owned()),
        ..Profile::default()
    };
    // Once taken out of its seal a value still does not print by accident.
    assert_eq!(format!("{body:?} {profile:?}"), "MessageBody(..) Profile(..)");
}
