//! Guests on every channel in a storm: carriers bring what they write one to eight times, out of order, several at
//! once, and again until they are told that it was taken.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use usher_shared::channel::ChannelKind;

use super::guests::{self, Acknowledged, browser};
use super::wire::{self, Letter, Line};
use super::{Random, Stored};
use crate::exports::{export, fetch};
use crate::harness::Tenant;

/// Requests at the same time.
const AT_ONCE: usize = 24;
/// Longest that a carrier goes on trying.
const TRIES: usize = 400;
/// Most copies of one letter.
const COPIES: u64 = 8;

/// A letter, who wrote it, and where.
#[derive(Debug)]
struct Planned {
    line: usize,
    guest: usize,
    letter: Letter,
}

/// Connects every kind of channel but the web chat for a tenant. A form's answers leave by mail.
pub(super) async fn connect(tenant: &Tenant) -> Vec<Line> {
    let mail = tenant.connect(ChannelKind::Email, json!({})).await;
    let by_mail = json!({"answers_by": mail["id"]});
    let mut lines = vec![line(&mail)];
    for kind in ChannelKind::ALL {
        match kind {
            ChannelKind::WebChat | ChannelKind::Email => {}
            ChannelKind::Form => lines.push(line(&tenant.connect(kind, by_mail.clone()).await)),
            _ => lines.push(line(&tenant.connect(kind, json!({})).await)),
        }
    }
    lines
}

/// Where people write to a channel, from what it was connected with.
fn line(channel: &Value) -> Line {
    let given = &channel["given"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let credentials = &given["credentials"];
    let address = [
        &credentials["number"],
        &credentials["account_id"],
        &given["settings"]["address"],
    ];
    let account = [&credentials["account_sid"], &credentials["business_account_id"]];
    let first = |values: &[&Value]| {
        values
            .iter()
            .find(|value| value.is_string())
            .map(|value| text(value))
    };
    Line {
        kind: serde_json::from_value(channel["kind"].clone()).unwrap(),
        address: first(&address).unwrap_or_default(),
        secret: text(&credentials["auth_token"]),
        account: first(&account).unwrap_or_default(),
        key: text(&channel["key"]),
    }
}

/// Everything that will be written, and the requests that bring it.
#[derive(Debug)]
pub(super) struct Crowd {
    /// Lines, each with the number of its tenant.
    lines: Vec<(usize, Line)>,
    letters: Vec<Planned>,
    requests: Vec<Vec<usize>>,
}

/// When a letter was first on its way, and when it was first and last taken.
#[derive(Debug, Clone, Copy)]
struct Moments {
    first: Instant,
    taken: Instant,
    last: Instant,
    posts: usize,
}

impl Crowd {
    /// Draws who writes what, and in which order it arrives. The carriers' times begin at `from`.
    pub(super) fn plan(random: &mut Random, lines: Vec<(usize, Line)>, messages: usize, from: i64) -> Self {
        let mut letters = Vec::new();
        let mut guest = 0;
        while letters.len() < messages {
            guest += 1;
            let line = usize::try_from(random.below(u64::try_from(lines.len()).unwrap())).unwrap();
            let kind = lines[line].1.kind;
            let mut at = from + i64::try_from(random.below(1_800_000)).unwrap();
            let own = 1 + random.below(7);
            for number in 0..own.min(u64::try_from(messages - letters.len()).unwrap()) {
                // Some carriers count whole seconds.
                at += 1_000 + i64::try_from(random.below(20_000)).unwrap();
                letters.push(Planned {
                    line,
                    guest,
                    letter: Letter {
                        from: person(kind, guest),
                        text: format!("{} g{guest}n{number}", guests::question(random)),
                        id: name(kind, random),
                        at,
                    },
                });
            }
        }
        let mut order: Vec<(u64, usize)> = Vec::new();
        for index in 0..letters.len() {
            let place = u64::try_from(index).unwrap();
            for _ in 0..=random.below(COPIES) {
                order.push((place + random.below(300), index));
            }
        }
        order.sort_by_key(|(place, _)| *place);
        let mut requests: Vec<Vec<usize>> = Vec::new();
        for (_, index) in order {
            let object = |index: usize| wire::batch(lines[letters[index].line].1.kind);
            match requests.last_mut() {
                Some(last)
                    if object(index).is_some() && object(last[0]) == object(index) && last.len() < 10 =>
                {
                    last.push(index);
                }
                _ => requests.push(vec![index]),
            }
        }
        Self {
            lines,
            letters,
            requests,
        }
    }

    /// Brings everything, and says when each letter was first on its way and first taken.
    #[expect(
        clippy::disallowed_methods,
        reason = "what came before what is told by the wall clock"
    )]
    pub(super) async fn write(&self, tenants: &[Tenant]) -> Taken {
        let moments: Mutex<BTreeMap<usize, Moments>> = Mutex::default();
        let known = &moments;
        stream::iter(&self.requests)
            .for_each_concurrent(AT_ONCE, |request| async move {
                let first = Instant::now();
                let posts = self.bring(tenants, request).await;
                let taken = Instant::now();
                let mut moments = known.lock().await;
                for letter in request {
                    let kept = moments.entry(*letter).or_insert(Moments {
                        first,
                        taken,
                        last: taken,
                        posts: 0,
                    });
                    kept.first = kept.first.min(first);
                    kept.taken = kept.taken.min(taken);
                    kept.last = kept.last.max(taken);
                    kept.posts += posts;
                }
            })
            .await;
        Taken(moments.into_inner())
    }

    /// Tries until it was taken. Says how often.
    async fn bring(&self, tenants: &[Tenant], request: &[usize]) -> usize {
        let letters: Vec<(&Line, &Letter)> = request
            .iter()
            .map(|index| &self.letters[*index])
            .map(|planned| (&self.lines[planned.line].1, &planned.letter))
            .collect();
        let browser = browser(self.letters[request[0]].guest);
        let base = tenants[0].url("");
        let mut last = String::new();
        for tries in 1..=TRIES {
            match wire::request(&base, &browser, &letters).send().await {
                Err(error) => last = error.to_string(),
                Ok(response) => {
                    let status = response.status();
                    let body = response.text().await.unwrap_or_default();
                    if wire::is_taken(status, &body).unwrap_or_else(|refused| panic!("{refused}")) {
                        return tries;
                    }
                    last = format!("{status}: {body}");
                }
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        panic!("a carrier gave up: {last}");
    }

    /// Compares what the tenants' own copies say with what was brought.
    pub(super) async fn compare(&self, tenants: &[Tenant], taken: &Taken) -> Compared {
        let mut compared = Compared::default();
        let mut found: BTreeMap<String, Vec<(String, String, usize)>> = BTreeMap::new();
        for tenant in tenants {
            let copy = fetch(&export(tenant, &json!({"kind": "conversations_ndjson"})).await).await;
            for (position, line) in std::str::from_utf8(&copy).unwrap().lines().enumerate() {
                let line: Value = serde_json::from_str(line).unwrap();
                if line["object"] == "message" && line["direction"] == "inbound" {
                    let text = line["text"].as_str().unwrap();
                    let mark = text
                        .split_whitespace()
                        .find(|word| is_mark(word))
                        .unwrap_or_default();
                    found.entry(mark.to_owned()).or_default().push((
                        line["id"].as_str().unwrap().to_owned(),
                        line["conversation_id"].as_str().unwrap().to_owned(),
                        position,
                    ));
                }
            }
        }
        let mut conversations: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
        for (index, planned) in self.letters.iter().enumerate() {
            let mark = planned.letter.text.split_whitespace().next_back().unwrap();
            let kind = self.lines[planned.line].1.kind;
            match found.get(mark).map(Vec::as_slice) {
                Some([(id, conversation, position)]) => {
                    *compared.kinds.entry(kind.name().to_owned()).or_default() += 1;
                    let posts = taken.0[&index].posts;
                    compared.stored.insert(id.clone(), Acknowledged { posts });
                    conversations
                        .entry(conversation)
                        .or_default()
                        .push((index, *position));
                }
                Some(places) => compared
                    .problems
                    .push(format!("{mark} by {kind:?} is stored {} times", places.len())),
                None => compared
                    .problems
                    .push(format!("{mark} by {kind:?} was taken and is lost")),
            }
        }
        for (conversation, own) in conversations {
            self.check_order(conversation, &own, taken, &mut compared);
        }
        compared
    }

    /// Order is the carrier's time; where there is none, what was taken before another was on its way comes before it.
    /// A mail is put down for later, and each copy has a time of its own: the one that is read first gives the
    /// message its time, so that only mails apart are in order, with all their copies.
    fn check_order(
        &self,
        conversation: &str,
        own: &[(usize, usize)],
        taken: &Taken,
        compared: &mut Compared,
    ) {
        for (earlier, here) in own {
            for (later, there) in own {
                let [first, second] = [earlier, later].map(|index| &self.letters[*index]);
                let kind = self.lines[first.line].1.kind;
                let before = match kind {
                    kind if wire::tells_the_time(kind) => first.letter.at < second.letter.at,
                    ChannelKind::Email => taken.0[earlier].last < taken.0[later].first,
                    _ => taken.0[earlier].taken < taken.0[later].first,
                };
                if before {
                    compared.ordered += 1;
                    if here > there {
                        let [first, second] = [first, second].map(|planned| &planned.letter.text);
                        compared.problems.push(format!(
                            "in {conversation} by {kind:?}, \"{second}\" stands before \"{first}\""
                        ));
                    }
                }
            }
        }
    }
}

fn is_mark(word: &str) -> bool {
    word.strip_prefix('g')
        .and_then(|rest| rest.split_once('n'))
        .is_some_and(|(guest, number)| guest.parse::<u32>().is_ok() && number.parse::<u32>().is_ok())
}

/// A person's address on a kind of channel.
fn person(kind: ChannelKind, guest: usize) -> String {
    match kind {
        ChannelKind::Sms | ChannelKind::Voice => format!("+1415{:07}", 2_000_000 + guest),
        ChannelKind::Whatsapp => format!("1650{:07}", 2_000_000 + guest),
        ChannelKind::Email | ChannelKind::Form => format!("guest{guest}@example.org"),
        _ => format!("{}", 7_000_000_000_000_000_u64 + u64::try_from(guest).unwrap()),
    }
}

/// The carrier's id of a letter.
fn name(kind: ChannelKind, random: &mut Random) -> String {
    let unique = format!("{:016x}{:016x}", random.number(), random.number());
    match kind {
        ChannelKind::Sms => format!("SM{unique}"),
        ChannelKind::Voice => format!("CA{unique}"),
        ChannelKind::Whatsapp => format!("wamid.{unique}"),
        ChannelKind::Email => format!("{unique}@example.org"),
        _ => format!("m_{unique}"),
    }
}

/// What the carriers were told is taken.
#[derive(Debug)]
pub(super) struct Taken(BTreeMap<usize, Moments>);

/// What the copies say.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) stored: Stored,
    pub(super) problems: Vec<String>,
    /// Messages by kind of channel.
    kinds: BTreeMap<String, usize>,
    /// Pairs whose order is known.
    ordered: usize,
}

impl Compared {
    pub(super) fn table(&self) -> String {
        let mut text = String::from("stored once, by channel:\n");
        for (kind, count) in &self.kinds {
            writeln!(text, "  {kind:<10} {count:>6}").unwrap();
        }
        write!(
            text,
            "pairs of messages in the order of their times: {}",
            self.ordered
        )
        .unwrap();
        text
    }
}
