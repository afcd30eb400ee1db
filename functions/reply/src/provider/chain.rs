//! Models in their order, and what answers when none of them does. A guest gets an answer or a person, within the
//! time there is, and never two answers: whatever happens here is one reply.

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use usher_aws::Platform;
use usher_aws::clock::SystemEntropy;
use usher_aws::telemetry::{self, Unit};
use usher_models::breaker::Breaker;
use usher_models::draft::{Draft, Reason};
use usher_models::failure::{Failed, Failure};
use usher_models::heard::Said;
use usher_models::prompt::{Ask, Room};
use usher_models::{Approved, Fallback, Options, Providers, retry};
use usher_shared::Entropy;
use usher_shared::knowledge::Passage;
use usher_shared::lead;
use usher_shared::model::{PassageRef, Usage};
use usher_shared::untrusted::Label;

use super::builtin::Builtin;
use super::wire::{Out, Wire};
use super::{Made, Note, Outcome, Prompt, Provider, Reply, Replying};

/// With less time left no model is asked: it would be given up before it could answer.
const SHORTEST: Duration = Duration::from_millis(1_500);

/// The models of a warm instance.
pub struct Chain {
    models: Vec<Model>,
    fallback: Fallback,
    wire: Arc<dyn Wire>,
    entropy: Arc<dyn Entropy>,
    began: Instant,
}

struct Model {
    approved: Approved,
    options: Options,
    breaker: Mutex<Breaker>,
}

/// A question that one model was asked, and what it took until now.
struct Asked {
    made: Made,
}

impl Chain {
    /// The chain that the settings describe. What is not on the list of allowed models is no part of it, and a
    /// configuration that cannot be read is no chain at all: the built-in provider answers, and the log says why.
    pub fn from_settings(platform: Arc<Platform>) -> Self {
        let providers = Providers::parse(&platform.settings().ai_providers());
        let providers = providers.unwrap_or_else(|error| {
            tracing::error!(error = %error, "no model is asked");
            Providers::default()
        });
        Self::new(providers, Arc::new(Out::new(platform)), Arc::new(SystemEntropy))
    }

    /// A chain over a wire.
    pub(crate) fn new(providers: Providers, wire: Arc<dyn Wire>, entropy: Arc<dyn Entropy>) -> Self {
        let models = providers.chain.into_iter().filter_map(|link| match link.approved {
            Ok(approved) => Some(Model {
                approved,
                options: link.wanted.options,
                breaker: Mutex::default(),
            }),
            Err(refused) => {
                tracing::error!(model.provider = %link.wanted.provider, error = %refused, "model is left out");
                None
            }
        });
        Self {
            models: models.collect(),
            fallback: providers.fallback,
            wire,
            entropy,
            began: Instant::now(),
        }
    }

    async fn answer(&self, prompt: &Prompt<'_>) -> Reply {
        let end = Instant::now() + prompt.time;
        let (mut notes, mut last) = (Vec::new(), None);
        for model in &self.models {
            let name = model.approved.api().name();
            if end.saturating_duration_since(Instant::now()) < SHORTEST {
                notes.push(Note::of(name, Failure::TimeUp.name()));
                break;
            }
            if !model.breaker().admits(self.began.elapsed()) {
                notes.push(Note::of(name, "skipped"));
                continue;
            }
            let (asked, outcome) = self.ask(model, prompt, end).await;
            match outcome {
                Ok(draft) => {
                    let mut reply = reply_of(&draft, prompt, asked.made);
                    reply.notes.splice(0..0, notes);
                    return reply;
                }
                Err(why) => notes.push(Note::of(name, why.name())),
            }
            let refused = outcome_is_final(&outcome);
            last = Some(asked.made);
            if refused {
                return nothing(prompt, notes, last);
            }
        }
        match self.fallback {
            Fallback::Builtin => {
                let mut reply = Builtin.reply(prompt).await;
                reply.notes.splice(0..0, notes);
                reply
            }
            Fallback::HandOver => nothing(prompt, notes, last),
        }
    }

    /// Asks one model, and once more where that may help.
    async fn ask(&self, model: &Model, prompt: &Prompt<'_>, end: Instant) -> (Asked, Result<Draft, Failure>) {
        let intents: Vec<&str> = prompt.intents.names().collect();
        let ask = Ask {
            business: prompt.business,
            language: None,
            room: Room::on(prompt.channel),
            history: prompt.history(),
            question: prompt.question(),
            passages: &prompt.passages,
            intents: &intents,
        };
        let call = usher_models::call(&model.approved, &model.options, &ask);
        let mut asked = Asked {
            made: Made {
                provider: Label::near(model.approved.api().name()),
                model: Label::near(model.approved.model()),
                prompt: String::from_utf8_lossy(&call.body).into_owned(),
                usage: Usage::default(),
            },
        };
        let mut attempt = 1;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let limit = left.min(Duration::from_secs(model.options.attempt_seconds.into()));
            let heard = self.hear(model, call.clone(), limit).await;
            let failed = match heard {
                Ok(said) => {
                    asked.made.took(&said);
                    match Draft::parse(&said.text) {
                        Ok(draft) => {
                            model.breaker().worked();
                            return (asked, Ok(draft));
                        }
                        Err(failed) => failed,
                    }
                }
                Err(failed) => failed,
            };
            self.note(model, &failed, attempt);
            let wait = retry::wait(&failed, attempt, self.chance());
            let left = end.saturating_duration_since(Instant::now());
            match wait {
                Some(wait) if wait + SHORTEST <= left => tokio::time::sleep(wait).await,
                _ => return (asked, Err(failed.why)),
            }
            attempt += 1;
        }
    }

    async fn hear(
        &self,
        model: &Model,
        call: usher_carriers::call::Call,
        limit: Duration,
    ) -> Result<Said, Failed> {
        // The wire gives up a little later, so that it is known here that it was the time.
        let wire_limit = limit + Duration::from_secs(1);
        let saying = self.wire.say(&model.approved, call, wire_limit);
        let heard = tokio::time::timeout(limit, saying).await;
        let heard = heard
            .map_err(|_| Failed::of(Failure::TimeUp))?
            .map_err(Failed::of)?;
        if let Some(request) = &heard.hints.request {
            tracing::info!(
                model.provider = %model.approved.api(),
                model.request_id = %request,
                http.status = heard.status,
                "model was asked"
            );
        }
        usher_models::said(model.approved.api(), &heard)
    }

    /// Remembers a failure, and says it: an error if somebody must act.
    fn note(&self, model: &Model, failed: &Failed, attempt: u32) {
        let (why, now) = (failed.why, self.began.elapsed());
        if why.is_the_providers() {
            model.breaker().failed(now, why.needs_somebody());
        } else {
            model.breaker().worked();
        }
        let provider = model.approved.api();
        if why.needs_somebody() {
            tracing::error!(model.provider = %provider, model.failure = why.name(), attempt, "model cannot be used");
        } else {
            tracing::warn!(model.provider = %provider, model.failure = why.name(), attempt, "model failed");
        }
        telemetry::emit("reply", &[("model_failed", 1.0, Unit::Count)]);
    }

    fn chance(&self) -> u8 {
        let mut byte = [0];
        self.entropy.fill(&mut byte);
        let [chance] = byte;
        chance
    }
}

impl Provider for Chain {
    fn reply<'a>(&'a self, prompt: &'a Prompt<'a>) -> Replying<'a> {
        Box::pin(self.answer(prompt))
    }

    fn asks_models(&self) -> bool {
        !self.models.is_empty()
    }
}

impl Model {
    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Made {
    /// Adds what an answer took, usable or not: it is paid for.
    fn took(&mut self, said: &Said) {
        if !said.model.is_empty() {
            self.model = Label::near(&said.model);
        }
        let usage = &mut self.usage;
        usage.input += said.usage.input;
        usage.cache_read += said.usage.cache_read;
        usage.cache_write += said.usage.cache_write;
        usage.output += said.usage.output;
        #[expect(clippy::cast_precision_loss, reason = "a metric")]
        let count = |tokens: u64| tokens as f64;
        let read = said.usage.input + said.usage.cache_read + said.usage.cache_write;
        let metrics = [
            ("model_input_tokens", count(read), Unit::Count),
            ("model_output_tokens", count(said.usage.output), Unit::Count),
        ];
        telemetry::emit("reply", &metrics);
    }
}

/// A model that declines is not replaced by one that might not.
fn outcome_is_final(outcome: &Result<Draft, Failure>) -> bool {
    matches!(outcome, Err(Failure::Refused))
}

/// Nobody answers: a person will.
fn nothing(prompt: &Prompt<'_>, notes: Vec<Note>, last: Option<Made>) -> Reply {
    let made = last.unwrap_or_else(Made::nobody);
    Reply {
        outcome: Outcome::Failed,
        intent: None,
        lead: lead::volunteered(prompt.question()),
        notes,
        made,
    }
}

/// What a filled form comes to. Of the passages that it names only those count that it was shown.
fn reply_of(draft: &Draft, prompt: &Prompt<'_>, made: Made) -> Reply {
    let intents: Vec<&str> = prompt.intents.names().collect();
    let mut notes = Vec::new();
    let mut used: Vec<PassageRef> = Vec::new();
    for id in &draft.passages {
        let shown = prompt.passages.iter().find(|passage| passage.id == *id);
        match shown.and_then(|passage| reference(passage)) {
            Some(passage) if !used.contains(&passage) => used.push(passage),
            Some(_) => {}
            None => notes.push(Note::new("unknown_passage")),
        }
    }
    notes.dedup();
    if draft.reason == Reason::OffTopic {
        notes.push(Note::new("off_topic"));
    }
    let outcome = if draft.hand_over {
        Outcome::HandOver {
            on_request: draft.reason == Reason::AskedForHuman,
        }
    } else {
        Outcome::Answer {
            text: draft.answer.trim().to_owned(),
            passages: used,
        }
    };
    Reply {
        outcome,
        intent: draft.intent_of(&intents).map(Label::near),
        lead: draft.lead_in(prompt.question()),
        notes,
        made,
    }
}

fn reference(passage: &Passage) -> Option<PassageRef> {
    Some(PassageRef {
        document: passage.document.parse().ok()?,
        number: passage.number,
    })
}
