//! The updates of one webhook: of several tenants, and of any number of people.

use std::collections::{BTreeMap, HashMap};

use axum::http::StatusCode;
use futures_util::stream::{self, StreamExt as _};
use usher_aws::http::Problem;
use usher_aws::scope::ScopeError;
use usher_aws::telemetry::{self, Unit};
use usher_aws::{Platform, TenantScope};
use usher_carriers::event::{Event, To, What};
use usher_carriers::meta::elsewhere;
use usher_shared::channel::CommentReplies;
use usher_shared::model::ConversationState;
use usher_shared::records::ChannelAddress;

use crate::receive::{self, ReceiveError, Received};

/// People whose updates are taken at once. A webhook may carry a thousand, and has ten seconds.
const AT_ONCE: usize = 16;

/// A channel that updates are for.
struct Line {
    scope: TenantScope,
    channel: ChannelAddress,
}

/// What an address stands for.
enum Found {
    Here(Box<Line>),
    /// Nobody connected it.
    Nobody,
    /// It cannot be said now.
    NotNow,
}

/// What became of a webhook's updates.
#[derive(Default)]
struct Count {
    /// Acknowledged under a name, and nothing else.
    ignored: BTreeMap<&'static str, usize>,
    /// For channels that nobody connected.
    to_nobody: usize,
    /// Not stored.
    failed: usize,
}

/// Takes all updates. Those of one person one after the other, as the platform wrote them down.
///
/// # Errors
/// 503 if one of them was not stored.
pub(super) async fn take(platform: &Platform, events: Vec<Event>) -> Result<StatusCode, Problem> {
    let mut count = Count::default();
    let mut lines: HashMap<To, Found> = HashMap::new();
    let mut people: Vec<Vec<Event>> = Vec::new();
    let mut places: HashMap<(To, Option<String>), usize> = HashMap::new();
    for event in events {
        if let What::Ignored(name) = event.what {
            count.ignore(name);
            continue;
        }
        if !lines.contains_key(&event.to) {
            let found = find(platform, &event.to).await.unwrap_or_else(|error| {
                tracing::error!(error = %error, "a channel cannot be entered");
                Found::NotNow
            });
            lines.insert(event.to.clone(), found);
        }
        match lines.get(&event.to) {
            Some(Found::Here(_)) => {}
            // Asked once, not at each of its updates: whatever is wrong, waiting makes the webhook late.
            Some(Found::NotNow) => {
                count.failed += 1;
                continue;
            }
            Some(Found::Nobody) | None => {
                count.to_nobody += 1;
                continue;
            }
        }
        let person = event.person.as_ref().map(|person| person.address.clone());
        let place = *places.entry((event.to.clone(), person)).or_insert_with(|| {
            people.push(Vec::new());
            people.len() - 1
        });
        if let Some(theirs) = people.get_mut(place) {
            theirs.push(event);
        }
    }
    let lines = &lines;
    let counts = stream::iter(people).map(|theirs| async move {
        let mut count = Count::default();
        for event in theirs {
            if let Some(Found::Here(line)) = lines.get(&event.to) {
                count.add(line.take(platform, event).await);
            }
        }
        count
    });
    let all = counts.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    for other in all {
        count.join(other);
    }
    count.tell();
    if count.failed > 0 {
        return Err(Problem::unavailable());
    }
    Ok(StatusCode::OK)
}

/// The channel that is known by an address, entered.
async fn find(platform: &Platform, to: &To) -> Result<Found, ReceiveError> {
    let mut found = platform.find_channel(to).await?;
    if found.is_none()
        && let Some(to) = elsewhere(to)
    {
        found = platform.find_channel(&to).await?;
    }
    let Some(channel) = found.filter(|found| found.kind.is_meta()) else {
        return Ok(Found::Nobody);
    };
    match platform.enter_to_write(*channel.tenant).await {
        Ok(scope) => Ok(Found::Here(Box::new(Line { scope, channel }))),
        Err(ScopeError::UnknownTenant) => Ok(Found::Nobody),
        Err(error) => Err(error.into()),
    }
}

impl Line {
    async fn take(&self, platform: &Platform, mut event: Event) -> Result<Received, ReceiveError> {
        let is_for_people = self.is_for_people(platform, &event).await?;
        if is_for_people && let What::Message(said) = &mut event.what {
            said.unattended = true;
        }
        let received = receive::take(platform, &self.scope, &self.channel, event).await?;
        if let (true, Received::Stored(_, conversation)) = (is_for_people, received) {
            let to = ConversationState::WaitingForHuman;
            let now = self.scope.now();
            let _with_a_person_already = self
                .scope
                .move_conversation(conversation, &ConversationState::OPEN_TO_AI, to, now, None)
                .await?;
        }
        Ok(received)
    }

    /// Whether it is a comment that no machine answers, as the tenant chose.
    async fn is_for_people(&self, platform: &Platform, event: &Event) -> Result<bool, ScopeError> {
        let is_comment = matches!(&event.what, What::Message(said) if said.comment.is_some());
        if !is_comment {
            return Ok(false);
        }
        let channel = platform
            .recall_channel(&self.scope, *self.channel.channel)
            .await?;
        Ok(channel.is_none_or(|channel| channel.settings().comment_replies == CommentReplies::Off))
    }
}

impl Count {
    fn ignore(&mut self, name: &'static str) {
        *self.ignored.entry(name).or_default() += 1;
    }

    fn add(&mut self, received: Result<Received, ReceiveError>) {
        match received {
            Ok(Received::Ignored(name)) => self.ignore(name),
            Ok(Received::Conflict) => self.ignore("conflict"),
            Ok(Received::Stored(..) | Received::Forgotten | Received::Noted) => {}
            Err(error) => {
                tracing::error!(error = %error, "an update was not stored");
                self.failed += 1;
            }
        }
    }

    fn join(&mut self, other: Self) {
        for (name, times) in other.ignored {
            *self.ignored.entry(name).or_default() += times;
        }
        self.to_nobody += other.to_nobody;
        self.failed += other.failed;
    }

    fn tell(&self) {
        for (name, times) in &self.ignored {
            tracing::info!(event.name = name, event.times = times, "ignored");
        }
        let ignored = self.ignored.values().sum();
        let counted = [
            ("events_ignored", ignored),
            ("webhooks_to_nobody", self.to_nobody),
            ("events_failed", self.failed),
        ];
        for (name, times) in counted.into_iter().filter(|(_, times)| *times > 0) {
            // Counts are small: they fit into a float without loss.
            let times = u32::try_from(times).unwrap_or(u32::MAX);
            telemetry::emit("inbound", &[(name, f64::from(times), Unit::Count)]);
        }
    }
}
