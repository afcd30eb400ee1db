//! The books after a storm, from the raw rows: what became of every message that was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use usher_local::Stack;

use super::Stored;
use super::weather::Weather;

#[derive(Debug)]
struct Outbound {
    id: String,
    conversation: String,
    author: String,
    state: String,
    answers: Option<String>,
}

/// What the table says.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// Conversations of inbound messages.
    inbound: BTreeMap<String, Vec<String>>,
    outbound: Vec<Outbound>,
    /// Messages that each reply answers.
    bursts: BTreeMap<String, Vec<String>>,
    /// States of conversations.
    states: BTreeMap<String, String>,
    /// Channels of conversations.
    channels: BTreeMap<String, String>,
    /// Kinds of channels.
    kinds: BTreeMap<String, String>,
}

fn text(item: &Value, name: &str) -> String {
    item[name]["S"].as_str().unwrap_or_default().to_owned()
}

impl Books {
    pub(super) fn read(stack: &Stack) -> Self {
        let mut books = Self::default();
        for item in stack.database().items("InboxTable").unwrap() {
            match item["k"]["S"].as_str() {
                Some("message") if text(&item, "direction") == "inbound" => {
                    books
                        .inbound
                        .entry(text(&item, "id"))
                        .or_default()
                        .push(text(&item, "conversation"));
                }
                Some("message") => books.outbound.push(Outbound {
                    id: text(&item, "id"),
                    conversation: text(&item, "conversation"),
                    author: text(&item, "author"),
                    state: text(&item, "state"),
                    answers: item["answers"]["S"].as_str().map(str::to_owned),
                }),
                Some("trace") => {
                    let burst = item["burst"]["L"].as_array().cloned().unwrap_or_default();
                    let burst = burst.iter().filter_map(|id| id["S"].as_str().map(str::to_owned));
                    books.bursts.insert(text(&item, "reply"), burst.collect());
                }
                Some("conversation") => {
                    books.states.insert(text(&item, "id"), text(&item, "state"));
                    books.channels.insert(text(&item, "id"), text(&item, "channel"));
                }
                Some("channel") => {
                    books.kinds.insert(text(&item, "id"), text(&item, "kind"));
                }
                _ => {}
            }
        }
        books
    }

    /// Compares what the books say was sent with what reached people at the carriers.
    pub(super) fn left(&self, stack: &Stack) -> Left {
        let mut left = Left::default();
        for reply in &self.outbound {
            let kind = self
                .channels
                .get(&reply.conversation)
                .and_then(|channel| self.kinds.get(channel));
            let Some(means) = kind.and_then(|kind| means(kind)) else {
                continue;
            };
            let sums = left.0.entry(means).or_default();
            match reply.state.as_str() {
                "sent" => sums.sent += 1,
                "unknown" => sums.unknown += 1,
                _ => {}
            }
        }
        for (means, sums) in &mut left.0 {
            sums.left = stack.left_by(means).len();
        }
        left
    }

    /// What became of each message.
    pub(super) fn balance(&self, acknowledged: &Stored) -> Account {
        let mut account = Account {
            acknowledged: acknowledged.len(),
            posts: acknowledged.values().map(|message| message.posts).sum(),
            ..Account::default()
        };
        let mut replies: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for reply in &self.outbound {
            let burst = self.bursts.get(&reply.id).into_iter().flatten();
            for message in burst.chain(&reply.answers) {
                replies.entry(message).or_default().insert(&reply.id);
            }
        }
        let by_id: BTreeMap<&str, &Outbound> = self.outbound.iter().map(|o| (o.id.as_str(), o)).collect();
        for message in acknowledged.keys() {
            let own = replies
                .get(message.as_str())
                .into_iter()
                .flatten()
                .map(|id| by_id[id]);
            account.enter(message, self, &own.collect::<Vec<_>>());
        }
        for reply in &self.outbound {
            *account
                .outbound
                .entry(format!("{} {}", reply.author, reply.state))
                .or_default() += 1;
        }
        let unknown = self.inbound.keys().filter(|id| !acknowledged.contains_key(*id));
        account
            .problems
            .extend(unknown.map(|id| format!("{id} is stored and was never acknowledged")));
        account
    }
}

/// By what the answers of a kind of channel leave.
fn means(kind: &str) -> Option<&'static str> {
    match kind {
        "messenger" | "instagram" | "whatsapp" => Some("dm"),
        "sms" | "voice" => Some("sms"),
        "email" | "form" => Some("email"),
        _ => None,
    }
}

#[derive(Debug, Default)]
struct Sums {
    sent: usize,
    unknown: usize,
    left: usize,
}

/// What left, by means, beside what the books say.
#[derive(Debug, Default)]
pub(super) struct Left(BTreeMap<&'static str, Sums>);

impl Left {
    /// Nothing reached people twice, and nothing is called sent that did not leave.
    pub(super) fn problems(&self) -> Vec<String> {
        let wrong = |sums: &Sums| sums.left < sums.sent || sums.left > sums.sent + sums.unknown;
        let wrong = self.0.iter().filter(|(_, sums)| wrong(sums));
        wrong.map(|(means, sums)| format!("{means}: {sums:?}")).collect()
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("left at the carriers:")?;
        for (means, sums) in &self.0 {
            write!(
                f,
                " {means} {} (sent {}, unknown {})",
                sums.left, sums.sent, sums.unknown
            )?;
        }
        Ok(())
    }
}

/// The sums, and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Account {
    acknowledged: usize,
    posts: usize,
    answered: usize,
    handed_over: usize,
    unknown: usize,
    outbound: BTreeMap<String, usize>,
    problems: Vec<String>,
}

impl Account {
    fn enter(&mut self, message: &str, books: &Books, replies: &[&Outbound]) {
        let conversation = match books.inbound.get(message).map(Vec::as_slice) {
            Some([conversation]) => conversation,
            Some(places) => return self.problems.push(format!("{message} is stored in {places:?}")),
            None => {
                return self
                    .problems
                    .push(format!("{message} was acknowledged and is lost"));
            }
        };
        let state = books.states.get(conversation).map(String::as_str);
        let said: Vec<_> = replies.iter().filter(|reply| reply.state != "canceled").collect();
        if said.len() > 1 {
            return self.problems.push(format!(
                "{message} in {conversation} is answered {} times: {said:?}",
                said.len()
            ));
        }
        if let Some(foreign) = said.iter().find(|reply| reply.conversation != *conversation) {
            return self
                .problems
                .push(format!("{message} is answered elsewhere: {foreign:?}"));
        }
        match said
            .first()
            .map(|reply| (reply.author.as_str(), reply.state.as_str()))
        {
            Some(("ai", "sent")) => self.answered += 1,
            Some((_, "unknown")) => self.unknown += 1,
            // A person has the conversation, or was called.
            _ if state == Some("waiting_for_human") => self.handed_over += 1,
            other => self.problems.push(format!(
                "{message} in {conversation} ({state:?}) came to nothing: {other:?}"
            )),
        }
    }

    /// Everything that must not be.
    pub(super) fn problems(&self, messages: usize, weather: &Weather) -> Vec<String> {
        let mut problems = self.problems.clone();
        if self.acknowledged != messages {
            problems.push(format!("{} of {messages} were acknowledged", self.acknowledged));
        }
        let accounted = self.answered + self.handed_over + self.unknown;
        if accounted != self.acknowledged && self.problems.is_empty() {
            problems.push(format!("{accounted} of {} are accounted for", self.acknowledged));
        }
        if u64::try_from(self.unknown).unwrap() > weather.deaths("deliver") + weather.doubts() {
            let why = "more than deliver died and carriers left in doubt";
            problems.push(format!("{} are unknown, {why}", self.unknown));
        }
        let missing = weather.missing();
        if !missing.is_empty() {
            problems.push(format!("never drawn: {}", missing.join(", ")));
        }
        problems
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "acknowledged {} ({} posts) = answered {} + handed over {} + unknown {}",
            self.acknowledged, self.posts, self.answered, self.handed_over, self.unknown
        )?;
        write!(f, "outbound messages: {:?}", self.outbound)
    }
}
