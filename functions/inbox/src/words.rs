//! The words and shapes that several resources answer with. Each word is a type of the API: a state that is
//! new to the records does not compile until it is given a name here.

use serde::{Deserialize, Serialize};
pub(crate) use usher_aws::http::words::Time;
use usher_shared::model;
use utoipa::ToSchema;

usher_aws::words! {
    /// Who answers a conversation: the AI, nobody yet (it waits for a person), a person, or nobody any more.
    ConversationState { Ai, WaitingForHuman, Human, Closed, }
    /// Which way a message goes, seen from the business.
    Direction { Inbound, Outbound, }
    /// Who wrote a message: the person at the other end, the AI, somebody of the business, or the system.
    Author { Contact, Ai, Human, System, }
    /// Where a message is on its way. Outbound ones go from `queued` over `sending` to `sent`, `failed` or
    /// `unknown`, or from `queued` to `canceled`.
    MessageState { Received, Queued, Sending, Sent, Failed, Unknown, Canceled, }
    /// How far a sent message is known to have come.
    Delivery { Accepted, Delivered, Read, Undelivered, }
    /// Why a message was not sent or did not arrive.
    Failure {
        OptedOut, WindowClosed, Unreachable, Blocked, TooLong, CredentialsRefused, NotAllowed, NoAddress,
        ChannelClosed, Refused, GaveUp, Restricted,
    }
    /// What an attachment is said to be.
    AttachmentKind { Image, Audio, Video, Document, Other, }
    /// Where an attachment is on its way: `pending` while it is fetched, then `stored`, or `refused` for a reason.
    AttachmentState { Pending, Stored, Refused, }
    /// Why an attachment was not stored.
    AttachmentRefusal {
        TooLarge, SizeMismatch, TypeMismatch, TypeRefused, DigestMismatch, AddressRefused, Gone, Unavailable,
        NotOffered,
    }
    /// A field of a profile that can be corrected.
    ProfileField { Name, Email, Phone, }
    /// What may be done with what a person writes: everything, nothing by an AI, or nothing but keeping it.
    Processing { Full, WithoutAi, Restricted, }
    /// A day of the week.
    Day { Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, }
    /// What the AI decided about an inbound message. After `taken_over` nothing was said: a person was faster.
    Decision { Answered, HandedOverNoAnswer, HandedOverOnRequest, HandedOverFailure, TakenOver, }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    #[test]
    fn the_apis_words_are_those_of_the_records() {
        use model::MessageState as Stored;
        for stored in [
            Stored::Received,
            Stored::Queued,
            Stored::Sending,
            Stored::Sent,
            Stored::Failed,
            Stored::Unknown,
            Stored::Canceled,
        ] {
            let shown = serde_json::to_value(MessageState::from(stored)).unwrap();
            assert_eq!(shown, serde_json::to_value(stored).unwrap());
        }
        assert_eq!(
            serde_json::to_value(ConversationState::WaitingForHuman).unwrap(),
            json!("waiting_for_human")
        );
        let decision = Decision::from(model::Decision::HandedOverNoAnswer);
        assert_eq!(
            serde_json::to_value(decision).unwrap(),
            json!("handed_over_no_answer")
        );
    }
}
