//! What was done and who did it stand together.

use serde_json::{Value, json};
use usher_aws::sealing::DataKey;
use usher_aws::store::{When, keys};
use usher_shared::ids::{ConversationId, LeadId};
use usher_shared::model::{ConversationState, ErasureState};
use usher_shared::records::Erasing;

use crate::erasure::{dump, talk};
use crate::harness::{Tenant, run};
use crate::holds::scope_of;
use crate::stopped::{erasure_id, until};

#[test]
fn an_audit_entry_is_not_lost_between_what_was_done_and_its_writing() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let scope = scope_of(crate::harness::stack(), &tenant).await;
        let (_, _, conversation, _) = talk(&tenant, "sam@example.com").await;
        let of: ConversationId = conversation.parse().unwrap();
        // A take-over whose entry cannot be written does not happen.
        let missing = keys::lead(scope.tenant(), LeadId::derived(scope.now(), [7; 10]));
        let entry = scope.store().demanding(&missing, &[When::Present]).unwrap();
        let (ai, human) = (ConversationState::Ai, ConversationState::Human);
        let moved = scope
            .move_conversation_and(of, &[ai], human, scope.now(), None, entry)
            .await;
        assert!(!moved.unwrap().happened());
        assert_eq!(scope.conversation_state(of).await.unwrap(), Some(ai));
        let path = format!("/v1/conversations/{conversation}/messages");
        tenant.post(&path, &json!({"text": "Hello"})).await.expect(201);
        let entries = |action: &'static str| {
            let (tenant, conversation) = (&tenant, conversation.clone());
            async move {
                let ledger = dump(tenant).await["tables"]["LedgerTable"].clone();
                let rows = ledger.as_array().cloned().unwrap_or_default();
                let about = |row: &&Value| {
                    let text = row.to_string();
                    text.contains("audit_event")
                        && text.contains(&format!("\"{action}\""))
                        && text.contains(&conversation)
                };
                rows.iter().filter(about).count()
            }
        };
        assert_eq!(entries("conversation_taken_over").await, 1);
        // A request that died between the erasure's row and its entry: the worker writes it, once.
        let contact = *scope.open_conversation(of).await.unwrap().unwrap().head.contact;
        let actor = usher_shared::ids::ApiKeyId::derived(scope.now(), [8; 10]);
        let erasing = Erasing {
            id: erasure_id(&scope, &conversation, of.at()).into(),
            subject: conversation
                .parse::<usher_shared::untrusted::Label>()
                .unwrap()
                .into(),
            requested_at: scope.now().into(),
            state: ErasureState::Requested.into(),
            updated_at: scope.now().into(),
            lead: None.into(),
            contacts: vec![contact].into(),
            whole_contacts: false.into(),
            conversations: vec![of].into(),
            requested_by: Some(actor).into(),
        };
        let row = keys::erasure(scope.tenant(), *erasing.id);
        let written = scope
            .store()
            .put(&row, &erasing, &DataKey::none(), When::Absent)
            .await;
        assert!(written.unwrap().happened());
        until(&scope, &conversation, *erasing.id, ErasureState::Verified).await;
        assert_eq!(entries("conversation_erased").await, 1);
    });
}
