//! Sending by Instagram's messages, and under an account's media.

use serde_json::json;

use super::{messenger, send};
use crate::call::{Account, Answer, Call, Carrier, Method, Outcome, Outgoing};

/// Bytes of one message in UTF-8: a text of other letters is shorter than one of ours.
const LONGEST: usize = 1000;
/// Characters of a comment.
const LONGEST_COMMENT: usize = 2200;

/// An Instagram account, linked to a page or by Instagram's own login.
#[derive(Clone, Copy, Debug)]
pub struct Instagram;

impl Carrier for Instagram {
    fn send(&self, account: &Account<'_>, outgoing: &Outgoing<'_>) -> Result<Call, Outcome> {
        let connection = send::connection(account)?;
        if let Some(comment) = messenger::public_answer(account, outgoing)? {
            send::at_most(LONGEST_COMMENT, outgoing.text.chars().count())?;
            let path = format!("{}/replies", send::segment(&comment.id));
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
        send::at_most(LONGEST, outgoing.text.len())?;
        let body = messenger::body(outgoing)?;
        // `me` is the linked page or the account, whichever the token was given for.
        Ok(send::call(
            account.platform,
            connection,
            Method::Post,
            "me/messages",
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
