use usher_shared::ids::{ContactId, ConversationId, ErasureId, ExportId, HoldId, MessageId};

use super::conversations::HEAD;
use super::*;

fn ids() -> (TenantId, ConversationId, MessageId) {
    let at = Timestamp::from_millis(1_790_000_000_000);
    (
        TenantId::derived(at, [1; 10]),
        ConversationId::derived(at, [2; 10]),
        MessageId::derived(at, [3; 10]),
    )
}

#[test]
fn partitions_and_sort_keys_parse_back() {
    let (t, c, m) = ids();
    let key = message(t, c, m);
    assert_eq!(parse_conversation_partition(&key.pk), Some((t, c)));
    assert_eq!(parse_message_sort_key(&key.sk), Some(m));
    for bad in [
        "",
        "dir#x",
        "tn_x#v#conv_y",
        &format!("{t}#v#{c}#more"),
        &format!("{t}#x#{c}"),
    ] {
        assert_eq!(parse_conversation_partition(bad), None, "{bad}");
    }
    assert_eq!(parse_message_sort_key(HEAD), None);
    let id = ExportId::derived(m.at(), [5; 10]);
    let key = export(t, id);
    assert_eq!(parse_export(&key.pk, &key.sk), Some((t, id)));
    assert_eq!(parse_export(&export_progress(t, id).pk, &key.sk), None);
}

#[test]
fn a_backward_read_of_a_conversation_starts_with_its_head() {
    let (t, c, m) = ids();
    let range = head_and_messages(t, c);
    let mut keys = [
        conversation(t, c).sk,
        message(t, c, m).sk,
        trace(t, c, m.into()).sk,
    ];
    keys.sort();
    let inside: Vec<_> = keys
        .iter()
        .filter(|sk| range.from <= **sk && **sk <= range.to)
        .collect();
    assert_eq!(inside, [&message(t, c, m).sk, &conversation(t, c).sk]);
}

#[test]
fn messages_after_one_exclude_it() {
    let (t, c, m) = ids();
    let later = MessageId::derived(m.at().plus(std::time::Duration::from_millis(1)), [0; 10]);
    let range = messages(t, c, Some(m));
    assert!(message(t, c, m).sk < range.from, "itself excluded");
    assert!(range.from < message(t, c, later).sk && message(t, c, later).sk < range.to);
    assert!(conversation(t, c).sk > range.to, "the head is no message");
}

#[test]
fn a_window_takes_its_start_and_leaves_its_end() {
    let (t, c, m) = ids();
    let later = m.at().plus(std::time::Duration::from_millis(1));
    for at in [m.at(), later] {
        let sk = conversation_listing(t, c, at).sk;
        let inside = |since, until| {
            let range = conversations_between(t, since, until);
            range.from <= sk && sk <= range.to
        };
        assert!(inside(None, None) && inside(Some(m.at()), None));
        assert_eq!(inside(Some(m.at()), Some(later)), at == m.at());
        assert_eq!(inside(Some(later), None), at == later);
        let sk = message(t, c, MessageId::derived(at, [1; 10])).sk;
        let range = messages_between(t, c, m.at(), Some(later));
        assert_eq!(range.from <= sk && sk <= range.to, at == m.at());
    }
}

#[test]
fn all_of_a_tenants_keys_start_with_its_id() {
    let (t, c, m) = ids();
    let hash = KeyedHash::from_bytes([9; 16]);
    let contact_id = ContactId::derived(m.at(), [4; 10]);
    let prefix = format!("{t}");
    for pk in [
        tenant(t).pk,
        contact(t, hash).pk,
        marker(t, hash, hash).pk,
        conversation(t, c).pk,
        message(t, c, m).pk,
        trace(t, c, m.into()).pk,
        idempotent_outcome(t, hash).pk,
        lead_identifier(t, hash, contact_id).pk,
        lead_identifier_listing(t, hash, contact_id).pk,
        rate_bucket(t, hash).pk,
        tenant_key(t).pk,
        contact_key(t, contact_id).pk,
        conversation_listing(t, c, m.at()).pk,
        audit_event(t, m.at(), "x").pk,
        export(t, ExportId::derived(m.at(), [5; 10])).pk,
        export_progress(t, ExportId::derived(m.at(), [5; 10])).pk,
        export_slot(t).pk,
        hold(t, HoldId::derived(m.at(), [6; 10])).pk,
        open_erasure(t, ErasureId::derived(m.at(), [7; 10])).pk,
    ] {
        assert!(pk == prefix || pk.starts_with(&format!("{prefix}#")), "{pk}");
    }
}
