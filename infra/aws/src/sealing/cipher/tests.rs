#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::clock::SystemEntropy;
use proptest::prelude::*;

const HERE: Binding<'static> = Binding {
    pk: "tn_a#v#1",
    sk: "m#1",
    kind: "message",
    field: "body",
};

proptest! {
    #[test]
    fn opens_exactly_what_was_sealed(plain in any::<Vec<u8>>(), flip in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let key = DataKey::<key::Conversation>::generate(&SystemEntropy);
        let mut sealed = key.seal(&SystemEntropy, HERE, &plain).unwrap();
        prop_assert_eq!(key.open(HERE, &sealed).unwrap(), plain);
        let at = flip.index(sealed.len());
        if let Some(byte) = sealed.get_mut(at) {
            *byte ^= 1 << bit;
        }
        prop_assert_eq!(key.open(HERE, &sealed), Err(SealingError::DoesNotOpen));
    }
}

#[test]
fn a_long_text_takes_less_room_and_opens_like_any_other() {
    let key = DataKey::<key::Conversation>::generate(&SystemEntropy);
    let long = "The garden room costs 900 euros a day, the lake room 1,200. ".repeat(20);
    let sealed = key.seal(&SystemEntropy, HERE, long.as_bytes()).unwrap();
    assert!(sealed.len() < long.len() / 5, "{}", sealed.len());
    assert_eq!(key.open(HERE, &sealed).unwrap(), long.as_bytes());
    // Taken for the other layout it does not open, in either direction.
    let mut other = sealed.clone();
    *other.first_mut().unwrap() = VERSION;
    assert_eq!(key.open(HERE, &other), Err(SealingError::DoesNotOpen));
    let mut short = key.seal(&SystemEntropy, HERE, b"short").unwrap();
    *short.first_mut().unwrap() = VERSION_DEFLATED;
    assert_eq!(key.open(HERE, &short), Err(SealingError::DoesNotOpen));
    // What does not shrink is left as it is.
    let mut noise = vec![0; 1000];
    SystemEntropy.fill(&mut noise);
    let sealed = key.seal(&SystemEntropy, HERE, &noise).unwrap();
    assert_eq!(sealed.len(), noise.len() + 29);
    assert_eq!(key.open(HERE, &sealed).unwrap(), noise);
}

#[test]
fn a_ciphertext_moved_elsewhere_does_not_open() {
    let key = DataKey::<key::Conversation>::generate(&SystemEntropy);
    let sealed = key.seal(&SystemEntropy, HERE, b"x").unwrap();
    let elsewhere = [
        Binding {
            pk: "tn_b#v#1",
            ..HERE
        },
        Binding { sk: "m#2", ..HERE },
        Binding {
            kind: "trace",
            ..HERE
        },
        Binding {
            field: "prompt",
            ..HERE
        },
    ];
    for binding in elsewhere {
        assert_eq!(
            key.open(binding, &sealed),
            Err(SealingError::DoesNotOpen),
            "{binding:?}"
        );
    }
    let same_bytes_other_kind = DataKey::<key::Contact>::from_bytes(key.bytes.as_ref()).unwrap();
    assert_eq!(
        same_bytes_other_kind.open(HERE, &sealed),
        Err(SealingError::DoesNotOpen)
    );
}

#[test]
fn a_short_or_foreign_ciphertext_does_not_open() {
    let key = DataKey::<key::Conversation>::generate(&SystemEntropy);
    for sealed in [&b""[..], b"\x01", b"\x01short", &[0; 64]] {
        assert_eq!(key.open(HERE, sealed), Err(SealingError::DoesNotOpen));
    }
}

#[test]
fn wrapped_keys_come_back_and_hashes_differ_by_purpose_and_split() {
    let parent = DataKey::<key::Contact>::generate(&SystemEntropy);
    let child = DataKey::<key::Conversation>::generate(&SystemEntropy);
    let wrapped = parent.wrap(&SystemEntropy, HERE, &child).unwrap();
    let back: DataKey<key::Conversation> = parent.unwrap_key(HERE, &wrapped).unwrap();
    assert_eq!(back.bytes, child.bytes);
    let hash = |purpose, parts: &[&[u8]]| parent.hash(purpose, parts);
    assert_ne!(
        hash(HashPurpose::ApiKey, &[b"ab"]),
        hash(HashPurpose::ChannelEvent, &[b"ab"])
    );
    assert_ne!(
        hash(HashPurpose::ApiKey, &[b"a", b"b"]),
        hash(HashPurpose::ApiKey, &[b"ab"])
    );
    assert_eq!(format!("{parent:?}"), "DataKey(..)");
}
