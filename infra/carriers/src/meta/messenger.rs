//! Sending by Messenger, and under a page's posts.

use serde_json::{Value, json};
use usher_shared::channel::{CommentReplies, Failure};

use super::send::{self, Window};
use crate::call::{Account, Answer, Call, Carrier, Method, Outcome, Outgoing};
use crate::event::Comment;

/// Characters of one message.
const LONGEST: usize = 2000;
/// Characters of a comment.
const LONGEST_COMMENT: usize = 8000;

/// A Facebook page.
#[derive(Clone, Copy, Debug)]
pub struct Messenger;

impl Carrier for Messenger {
    fn send(&self, account: &Account<'_>, outgoing: &Outgoing<'_>) -> Result<Call, Outcome> {
        let connection = send::connection(account)?;
        let characters = outgoing.text.chars().count();
        if let Some(comment) = public_answer(account, outgoing)? {
            send::at_most(LONGEST_COMMENT, characters)?;
            let path = format!("{}/comments", send::segment(&comment.id));
            let body = json!({"message": outgoing.text});
            return Ok(send::call(
                account.platform,
                connection,
                Method::Post,
                &path,
                &[],
                Some(&body),
            ));
        }
        send::at_most(LONGEST, characters)?;
        let body = body(outgoing)?;
        let path = format!("{}/messages", send::segment(&connection.account));
        Ok(send::call(
            account.platform,
            connection,
            Method::Post,
            &path,
            &[],
            Some(&body),
        ))
    }

    fn outcome(&self, answer: &Answer) -> Outcome {
        send::outcome(answer)
    }

    fn longest(&self) -> usize {
        LONGEST
    }
}

/// The comment to answer for everybody to read, if the tenant chose so.
///
/// # Errors
/// If comments get no answer from a machine. What a person types is said privately then: an answer that should have
/// been public is easily given again, the other way it stays read.
pub(super) fn public_answer<'a>(
    account: &Account<'_>,
    outgoing: &Outgoing<'a>,
) -> Result<Option<&'a Comment>, Outcome> {
    let Some(comment) = outgoing.comment else {
        return Ok(None);
    };
    match account.settings.comment_replies {
        CommentReplies::Public => Ok(Some(comment)),
        CommentReplies::Off if !outgoing.by_human => Err(Outcome::refused(Failure::NotAllowed)),
        CommentReplies::Off | CommentReplies::Private => Ok(None),
    }
}

/// A message of Messenger or Instagram, under the rules of their window.
pub(super) fn body(outgoing: &Outgoing<'_>) -> Result<Value, Outcome> {
    let message = json!({"text": outgoing.text, "metadata": outgoing.reference});
    if let Some(comment) = outgoing.comment {
        send::in_time_for_a_private_answer(outgoing)?;
        return Ok(json!({"recipient": {"comment_id": comment.id}, "message": message}));
    }
    if outgoing.to.is_empty() || outgoing.to.starts_with("comment:") {
        return Err(Outcome::refused(Failure::NoAddress));
    }
    let recipient = json!({"id": outgoing.to});
    match send::window(outgoing.last_inbound, outgoing.now) {
        Window::Open => Ok(json!({"recipient": recipient, "messaging_type": "RESPONSE", "message": message})),
        // The tag stands for a person's own words: with a machine's it is a breach of the platform's policy.
        Window::ForHumans if outgoing.by_human => Ok(json!({
            "recipient": recipient,
            "messaging_type": "MESSAGE_TAG",
            "tag": "HUMAN_AGENT",
            "message": message,
        })),
        Window::ForHumans | Window::Closed => Err(Outcome::refused(Failure::WindowClosed)),
    }
}
