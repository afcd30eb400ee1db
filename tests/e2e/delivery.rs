//! `deliver` with carriers that refuse, hesitate and fall silent: its own code against the stack's database, with
//! a carrier that stands in for one that sends for good.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use deliver::carrier::{Prepared, Sender, Sending};
use deliver::{Carriers, Courier};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use usher_aws::store::When;
use usher_aws::store::keys::{self, Key};
use usher_aws::web::Web;
use usher_aws::{Platform, TenantScope};
use usher_carriers::call::{Account, Outcome, Outgoing};
use usher_local::Stack;
use usher_shared::channel::{ChannelKind, Failure};
use usher_shared::ids::ConversationId;
use usher_shared::records::Message;

use crate::harness::{Guest, Tenant, data, id, run, stack};

/// What the carrier does with each message it is given, in order; after that it never answers.
#[derive(Default)]
struct Fake {
    answers: Mutex<Vec<Outcome>>,
    given: AtomicUsize,
}

impl Sender for Fake {
    fn repetition_is_harmless(&self) -> bool {
        false
    }

    fn prepare(&self, _: &Account<'_>, _: &Outgoing<'_>) -> Result<Prepared, Outcome> {
        Ok(Prepared::Nothing)
    }

    fn send(&self, _: Prepared, _: Duration) -> Sending<'_> {
        self.given.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.lock().unwrap().pop();
        Box::pin(async move {
            match answer {
                Some(answer) => answer,
                None => pending().await,
            }
        })
    }
}

/// The carrier has it.
pub(crate) fn taken() -> Outcome {
    Outcome::Taken { id: "1".to_owned() }
}

/// A message that waits for its delivery, and everything to deliver it with.
pub(crate) struct Waiting<'a> {
    guest: Guest<'a>,
    tenant: &'a Tenant,
    conversation: ConversationId,
    scope: TenantScope,
    row: Key<Message>,
    job: Value,
    carrier: Arc<Fake>,
    courier: Courier,
}

impl<'a> Waiting<'a> {
    pub(crate) async fn new(stack: &Stack, tenant: &'a Tenant, answers: &[Outcome]) -> Self {
        let guest = tenant.guest().await;
        let asked = guest.say("How much is the garden room?").await;
        let message = id(&guest.answer_to(&asked).await);
        let conversation: ConversationId = id(&tenant.conversation_of(&asked).await).parse().unwrap();
        let platform: Arc<Platform> = Arc::new(usher_local::seed::operator(stack).unwrap());
        let owner = platform
            .find_api_key(&tenant.demo.api_key)
            .await
            .unwrap()
            .unwrap();
        let owner = *owner.tenant;
        let scope = platform.enter(owner).await.unwrap();
        let row = keys::message(owner, conversation, message.parse().unwrap());
        // The stack has delivered it to the visitor; nothing brings its job again but this test.
        let set = vec![("state", json!("queued"))];
        let again = scope
            .store()
            .update(&row, set, vec![When::Is("state", json!("sent"))])
            .await;
        assert!(again.unwrap().happened());
        let carrier = Arc::new(Fake {
            answers: Mutex::new(answers.iter().rev().cloned().collect()),
            given: AtomicUsize::new(0),
        });
        let courier = Courier::new(
            Arc::clone(&platform),
            Carriers::new(&Web::new(platform.settings()))
                .with(ChannelKind::WebChat, Arc::clone(&carrier) as _),
        );
        let job = json!({"k": "deliver_job", "at": platform.clock().now(), "tenant": owner,
                         "conversation": conversation, "message": message});
        Self {
            guest,
            tenant,
            conversation,
            scope,
            row,
            job,
            carrier,
            courier,
        }
    }

    /// The job comes. Says whether it is to come again; `None` if the function died over it.
    pub(crate) async fn comes(&self) -> Option<bool> {
        let event: SqsEvent = serde_json::from_value(json!({"Records": [{
            "messageId": "m", "body": self.job.to_string(), "attributes": {"MessageGroupId": "g"},
            "messageAttributes": {}, "eventSource": "aws:sqs",
        }]}))
        .unwrap();
        let mut context = Context::default();
        context.deadline = u64::MAX;
        let work = deliver::handle(&self.courier, LambdaEvent::new(event, context));
        let answer = tokio::time::timeout(Duration::from_secs(5), work).await.ok()?;
        Some(!answer.batch_item_failures.is_empty())
    }

    async fn conversation_state(&self) -> String {
        let path = format!("/v1/conversations/{}", self.conversation);
        let conversation = self.tenant.get(&path).await.expect(200);
        conversation["state"].as_str().unwrap().to_owned()
    }

    /// State of the message, and how often the carrier was given it.
    pub(crate) async fn stands(&self) -> (String, usize) {
        let row = self
            .scope
            .store()
            .get_row(&self.row, true)
            .await
            .unwrap()
            .unwrap();
        (
            row.peek("state").unwrap(),
            self.carrier.given.load(Ordering::SeqCst),
        )
    }
}

#[test]
fn what_a_carrier_refuses_has_failed_and_is_not_given_to_it_again() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let waiting = Waiting::new(stack(), &tenant, &[Outcome::refused(Failure::Refused)]).await;
        assert_eq!(waiting.comes().await, Some(false));
        assert_eq!(waiting.stands().await, ("failed".to_owned(), 1));
        assert_eq!(waiting.conversation_state().await, "waiting_for_human");
        assert_eq!(waiting.comes().await, Some(false));
        assert_eq!(waiting.stands().await, ("failed".to_owned(), 1));
        assert!(waiting.guest.answers().await.is_empty());
        let path = format!("/v1/conversations/{}/messages", waiting.conversation);
        let messages = waiting.tenant.get(&path).await.expect(200);
        assert!(
            data(&messages).iter().any(|message| message["state"] == "failed"),
            "{messages}"
        );
    });
}

#[test]
fn a_crash_between_sending_and_recording_is_unknown_and_never_sent_twice() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let waiting = Waiting::new(stack(), &tenant, &[]).await;
        assert_eq!(
            waiting.comes().await,
            None,
            "it died while the carrier had the message"
        );
        assert_eq!(waiting.stands().await, ("sending".to_owned(), 1));
        for _ in 0..2 {
            assert_eq!(waiting.comes().await, Some(false));
            assert_eq!(waiting.stands().await, ("unknown".to_owned(), 1));
            assert_eq!(waiting.conversation_state().await, "waiting_for_human");
        }
    });
}

#[test]
fn a_lost_answer_of_a_carrier_is_unknown() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let waiting = Waiting::new(stack(), &tenant, &[Outcome::Unknown]).await;
        assert_eq!(waiting.comes().await, Some(false));
        assert_eq!(waiting.comes().await, Some(false));
        assert_eq!(waiting.stands().await, ("unknown".to_owned(), 1));
    });
}

#[test]
fn what_a_carrier_does_not_take_now_is_given_to_it_again() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let waiting = Waiting::new(stack(), &tenant, &[Outcome::NotNow { after: None }, taken()]).await;
        assert_eq!(waiting.comes().await, Some(true), "the queue brings it again");
        assert_eq!(waiting.stands().await, ("queued".to_owned(), 1));
        assert_eq!(waiting.comes().await, Some(false));
        assert_eq!(waiting.stands().await, ("sent".to_owned(), 2));
        assert_eq!(waiting.guest.answers().await.len(), 1);
    });
}
