//! The decision: answer with passages, or hand over to a human.

use serde::{Deserialize, Serialize};

use super::index::{Index, Unit, Wanted};
use super::lexicon::asks_for_person;
use super::question::{Clause, Question};
use super::{Hit, Passage};

/// The share of a question's content that one line of a passage, with its headings, must hold.
const COVERAGE: f32 = 0.72;
/// A second passage is given along if it holds as much and scores nearly as well.
const NEARLY: f32 = 0.9;
const MOST_PASSAGES: usize = 3;

/// What to do with a guest's question.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision<'a> {
    /// These passages answer it, best first: one to three for each question in the text.
    Answer {
        /// The passages, each once.
        passages: Vec<&'a Passage>,
        /// The least share of a question's content that the passages hold: 0 to 1.
        coverage: f32,
    },
    /// A human should answer.
    HandOver {
        /// Why.
        reason: HandOverReason,
    },
}

/// Why a question goes to a human.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandOverReason {
    /// The guest wants to speak with a person, or to be called.
    AskedForHuman,
    /// No passage answers all of it.
    NoPassage,
    /// There is nothing to look for: a blank text, a greeting, thanks.
    Empty,
}

impl HandOverReason {
    /// The stable name, as stored in traces: `asked_for_human`, `no_passage`, `empty`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AskedForHuman => "asked_for_human",
            Self::NoPassage => "no_passage",
            Self::Empty => "empty",
        }
    }
}

/// Answers a guest's question with passages that really match, or hands over.
///
/// A text with several questions is answered only if each of them is. A word that no passage knows, a year or
/// day that the passage does not name, a price asked of a line without one: all of these hand over, because a
/// wrong price is worse than a human's answer a little later.
pub fn best_answer<'a>(index: &'a Index, question: &str) -> Decision<'a> {
    let hand_over = |reason| Decision::HandOver { reason };
    let question = Question::read(question);
    if asks_for_person(&question.words.iter().map(String::as_str).collect::<Vec<_>>()) {
        return hand_over(HandOverReason::AskedForHuman);
    }
    if question.asks_availability {
        return hand_over(HandOverReason::NoPassage);
    }
    if question.clauses.is_empty() {
        let asked = question.search_words().is_empty();
        return hand_over(if asked {
            HandOverReason::Empty
        } else {
            HandOverReason::NoPassage
        });
    }
    let mut passages: Vec<&Passage> = Vec::new();
    let mut coverage = 1.0_f32;
    for clause in &question.clauses {
        let hits = matching(index, &question, clause);
        let Some(best) = hits.first() else {
            return hand_over(HandOverReason::NoPassage);
        };
        coverage = coverage.min(best.coverage);
        for hit in hits {
            if !passages.iter().any(|passage| passage.id == hit.passage.id) {
                passages.push(hit.passage);
            }
        }
    }
    Decision::Answer { passages, coverage }
}

/// The passages that answer one question of the text, best first; none if it has to be handed over.
fn matching<'a>(index: &'a Index, question: &Question, clause: &Clause) -> Vec<Hit<'a>> {
    let mut wanted = Vec::new();
    for subject in &clause.subjects {
        let word = index.wanted(&subject.word);
        if word.passages == 0 && !word.number && !subject.verb {
            return Vec::new();
        }
        wanted.push(word);
    }
    let mut hits: Vec<Hit<'a>> = Vec::new();
    let mut amounts = false;
    for (entry, score, _) in index.ranked(&wanted) {
        if !question
            .years
            .iter()
            .all(|year| index.document_holds(&entry.passage.document, year))
        {
            continue;
        }
        let units = if clause.needs.money {
            &entry.prices
        } else {
            &entry.units
        };
        for unit in units.iter().filter(|unit| fits(index, question, clause, unit)) {
            let coverage = coverage(&wanted, unit);
            // "Under 3 years free of charge" answers a question for a price only where nothing names one.
            if coverage < COVERAGE || amounts && !unit.amount && clause.needs.money {
                continue;
            }
            if unit.amount && !std::mem::replace(&mut amounts, true) && clause.needs.money {
                hits.clear();
            }
            let score = score * coverage * coverage;
            match hits.last_mut().filter(|hit| hit.passage.id == entry.passage.id) {
                Some(hit) if hit.coverage >= coverage => {}
                Some(hit) => {
                    *hit = Hit {
                        passage: &entry.passage,
                        score,
                        coverage,
                    }
                }
                None => hits.push(Hit {
                    passage: &entry.passage,
                    score,
                    coverage,
                }),
            }
        }
    }
    hits.sort_by(|one, other| other.score.total_cmp(&one.score));
    // A word on every page ("the villa") finds everything and so nothing.
    if hits.len() > (index.len() / 8).max(3) {
        return Vec::new();
    }
    let Some(best) = hits.first().copied() else {
        return Vec::new();
    };
    hits.retain(|hit| hit.score >= best.score * NEARLY && hit.coverage >= best.coverage);
    hits.truncate(MOST_PASSAGES);
    hits
}

/// Whether a line contains what the question needs it to.
fn fits(index: &Index, question: &Question, clause: &Clause, unit: &Unit) -> bool {
    let needs = &clause.needs;
    (!needs.number || unit.number)
        && (needs.one_of.is_empty() || needs.one_of.iter().any(|word| index.unit_holds(unit, word)))
        && question
            .days
            .iter()
            .all(|(day, month)| index.unit_holds(unit, day) && index.unit_holds(unit, month))
}

/// What a line holds of the wanted words; nothing if it lacks the rarest known one, the likeliest subject.
fn coverage(wanted: &[Wanted], unit: &Unit) -> f32 {
    let total: f32 = wanted.iter().map(|word| word.weight).sum();
    let held: f32 = wanted.iter().map(|word| word.weight * word.held_by(unit)).sum();
    let known = wanted.iter().filter(|word| word.passages > 0 && !word.number);
    let rarest = known.max_by(|one, other| one.weight.total_cmp(&other.weight));
    if rarest.is_some_and(|word| word.held_by(unit) == 0.0) {
        return 0.0;
    }
    held / total.max(f32::MIN_POSITIVE)
}
