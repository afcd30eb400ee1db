//! Between what a provider says and what is written down. A provider chooses words and nothing else: the tenant, the
//! person, the channel and the address are the conversation's, and every other field is held against what is known.

use usher_shared::ai_notice::Notice;
use usher_shared::guard::{Checked, Flag, Ground, Verdict, check, only_known_intent, only_volunteered};
use usher_shared::knowledge::{Language, Passage};
use usher_shared::lead;
use usher_shared::model::{Decision, PassageRef, Profile};
use usher_shared::notice;
use usher_shared::untrusted::{InvalidText, Label};

use crate::provider::{Outcome, Prompt, Reply, Setting};

/// Passages that one answer may rest on. Who names all of them names none.
const MOST_PASSAGES: usize = 8;

/// What a turn says and takes down.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(crate) decision: Decision,
    pub(crate) text: String,
    /// What the provider said, if something else is said in its stead.
    pub(crate) refused: Option<String>,
    pub(crate) passages: Vec<PassageRef>,
    pub(crate) flags: Vec<Label>,
    pub(crate) intent: Option<Label>,
    pub(crate) lead: Profile,
    /// The language of the notice that the text begins with.
    pub(crate) notice: Option<Language>,
}

/// What a provider was asked, and where its answer goes.
pub(crate) struct Asked<'a> {
    pub(crate) prompt: &'a Prompt<'a>,
    pub(crate) settings: &'a Setting,
    /// What was found in the guest's words.
    pub(crate) signs: Vec<Flag>,
    /// What the answer has to begin with: that an AI gives it. Ours, and never the model's to say or to leave out.
    pub(crate) notice: Option<Notice<'a>>,
}

impl Asked<'_> {
    /// A turn in which no provider has a say: why not stands in the signs, or is this.
    pub(crate) fn nobody(self, why: Option<Flag>) -> Result<Guarded, InvalidText> {
        let mut flags = self.signs;
        flags.extend(why);
        let lead = lead::volunteered(self.prompt.question());
        hand_over(Decision::HandedOverFailure, lead, None, &flags)
    }

    /// Holds a provider's reply against what it may say.
    pub(crate) fn guard(self, reply: Reply) -> Result<Guarded, InvalidText> {
        let notes: Vec<Label> = reply.notes.iter().map(|note| note.label().clone()).collect();
        let mut guarded = self.held(reply)?;
        guarded.flags.extend(notes);
        Ok(guarded)
    }

    fn held(self, reply: Reply) -> Result<Guarded, InvalidText> {
        let mut flags = self.signs.clone();
        let lead = only_volunteered(&reply.lead, self.prompt.question(), &mut flags);
        let intent = only_known_intent(reply.intent, self.prompt.intents.names(), &mut flags);
        let (text, passages) = match reply.outcome {
            Outcome::Answer { text, passages } => (text, passages),
            Outcome::Failed => return self.nobody(Some(Flag::ProviderFailed)),
            Outcome::HandOver { on_request } => {
                let decision = if on_request {
                    Decision::HandedOverOnRequest
                } else {
                    Decision::HandedOverNoAnswer
                };
                return hand_over(decision, lead, intent, &flags);
            }
        };
        let checked = self.look_at(&text, &passages, &reply.made.prompt);
        flags.extend(checked.flags);
        let (said, refused) = match checked.verdict {
            Verdict::AsIs => (text, None),
            Verdict::Cleaned(said) => (said, Some(text)),
            Verdict::HandOver => {
                return Ok(Guarded {
                    refused: Some(text),
                    passages,
                    ..hand_over(Decision::HandedOverFailure, lead, intent, &flags)?
                });
            }
        };
        Ok(Guarded {
            decision: Decision::Answered,
            text: match self.notice {
                Some(notice) => notice.before(&said),
                None => said,
            },
            notice: self.notice.map(|notice| notice.language),
            refused,
            passages,
            flags: labels(&flags)?,
            intent,
            lead,
        })
    }

    fn look_at(&self, text: &str, refs: &[PassageRef], sent: &str) -> Checked {
        let Some(mut used) = self.resolve(refs) else {
            return Checked {
                verdict: Verdict::HandOver,
                flags: vec![Flag::UnknownPassage],
            };
        };
        let said = |ours: bool| {
            self.prompt
                .history()
                .iter()
                .filter(move |line| line.ours == ours)
                .map(|line| line.text)
        };
        // What the business says of itself is as good as a passage, and needs no naming.
        let about = self.settings.passage();
        used.extend(&about);
        let business = &self.prompt.business;
        let guest: Vec<&str> = said(false).chain([self.prompt.question()]).collect();
        check(
            text,
            &Ground {
                used: &used,
                shown: &self.prompt.passages,
                documents: self.prompt.index,
                settings: &[business.name, business.facts, business.hours],
                guest: &guest,
                ours: &said(true).collect::<Vec<_>>(),
                secret: &[sent],
                channel: self.prompt.channel,
                before: self.notice.map_or(0, |notice| notice.characters()),
            },
        )
    }

    /// The passages behind references; `None` if one is none of the tenant's, or there are too many.
    fn resolve(&self, refs: &[PassageRef]) -> Option<Vec<&Passage>> {
        if refs.len() > MOST_PASSAGES {
            return None;
        }
        let find = |wanted: &PassageRef| {
            let document = wanted.document.to_string();
            let mut passages = self.prompt.index.passages();
            passages.find(|passage| passage.number == wanted.number && passage.document == document)
        };
        refs.iter().map(find).collect()
    }
}

fn hand_over(
    decision: Decision,
    lead: Profile,
    intent: Option<Label>,
    flags: &[Flag],
) -> Result<Guarded, InvalidText> {
    Ok(Guarded {
        decision,
        text: notice::HANDED_OVER.to_owned(),
        notice: None,
        refused: None,
        passages: Vec::new(),
        flags: labels(flags)?,
        intent,
        lead,
    })
}

fn labels(flags: &[Flag]) -> Result<Vec<Label>, InvalidText> {
    let mut flags = flags.to_vec();
    flags.sort_unstable();
    flags.dedup();
    flags.into_iter().map(Flag::label).collect()
}

#[cfg(test)]
mod tests;
