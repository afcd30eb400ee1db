//! Finding passages by the words of a question: BM25 over stems.

use std::collections::{BTreeMap, BTreeSet};

use super::Passage;
use super::facts::{names_amount, names_nothing_to_pay, names_number, sentences};
use super::lexicon::{is_stop, related};
use super::question::{Question, is_month, span};
use super::spelling::{allowed_edits, edits_within};
use super::words::{Language, words};

/// Okapi BM25's usual saturation; length counts half, since passages are of like size.
const SATURATION: f32 = 1.2;
const LENGTH: f32 = 0.5;
/// What a match is worth that is a known word a letter away.
const MISSPELT: f32 = 0.8;
/// A number in a question is more often the guest's (90 people) than the document's.
const NUMBER: f32 = 0.3;

/// Passages that can be searched; holds a tenant's documents in memory, a few kilobytes each.
pub struct Index {
    passages: Vec<Entry>,
    vocabulary: BTreeMap<String, u32>,
    /// By term: the passages that hold it, with how often.
    postings: Vec<Vec<(u32, f32)>>,
    average_length: f32,
    language: Language,
}

/// A passage that a search found.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    /// The passage.
    pub passage: &'a Passage,
    /// Its BM25 score: only comparable within one search.
    pub score: f32,
    /// The share of the question's content words, weighted by their rarity, that the passage holds: 0 to 1.
    pub coverage: f32,
}

/// Finds passages for a question. [`Index`] does by its words; a provider's embeddings could by its meaning.
pub trait Retrieval {
    /// The likeliest passages, best first, at most `limit`.
    fn retrieve(&self, question: &str, limit: usize) -> Vec<Hit<'_>>;
}

impl Retrieval for Index {
    fn retrieve(&self, question: &str, limit: usize) -> Vec<Hit<'_>> {
        self.search(question, limit)
    }
}

pub(super) struct Entry {
    pub(super) passage: Passage,
    /// Its lines.
    pub(super) units: Vec<Unit>,
    /// Its sentences that speak of money, each with the first sentence of its line, which says whose price it is.
    pub(super) prices: Vec<Unit>,
    length: f32,
}

/// A line of a passage or a part of it, with what stands above it.
pub(super) struct Unit {
    terms: BTreeSet<u32>,
    /// It names an amount of money.
    pub(super) amount: bool,
    /// It names a number, a time, a weekday or a month.
    pub(super) number: bool,
}

/// A question's word as the index knows it.
pub(super) struct Wanted {
    /// Terms that match it, with what a match is worth; none if no passage holds anything like it.
    alternatives: Vec<(u32, f32)>,
    /// Its rarity: what matching it says about a passage.
    pub(super) weight: f32,
    /// How many passages hold it.
    pub(super) passages: usize,
    pub(super) number: bool,
}

impl Index {
    /// Indexes passages, in their order.
    pub fn build(passages: Vec<Passage>) -> Self {
        let mut index = Self {
            passages: Vec::new(),
            vocabulary: BTreeMap::new(),
            postings: Vec::new(),
            average_length: 1.0,
            language: Language::of(passages.iter().map(|passage| passage.text.as_str())),
        };
        for passage in passages {
            index.add(passage);
        }
        let total: f32 = index.passages.iter().map(|entry| entry.length).sum();
        index.average_length = (total / count(index.passages.len().max(1))).max(1.0);
        index
    }

    /// Every passage, in document order.
    pub fn passages(&self) -> impl Iterator<Item = &Passage> {
        self.passages.iter().map(|entry| &entry.passage)
    }

    /// The passages that hold words of the question, best first, at most `limit`; equal ones in document order.
    pub fn search(&self, question: &str, limit: usize) -> Vec<Hit<'_>> {
        let words = Question::read(question).search_words();
        let wanted: Vec<Wanted> = words.iter().map(|word| self.wanted(word)).collect();
        let mut found = self.ranked(&wanted);
        found.truncate(limit);
        found
            .into_iter()
            .map(|(entry, score, coverage)| Hit {
                passage: &entry.passage,
                score,
                coverage,
            })
            .collect()
    }

    /// Passages that hold any of the wanted words, with score and coverage, best first.
    pub(super) fn ranked(&self, wanted: &[Wanted]) -> Vec<(&Entry, f32, f32)> {
        let total: f32 = wanted.iter().map(|word| word.weight).sum();
        let mut sums: BTreeMap<u32, (f32, f32)> = BTreeMap::new();
        for word in wanted {
            let mut best: BTreeMap<u32, (f32, f32)> = BTreeMap::new();
            for (term, worth) in &word.alternatives {
                for (passage, times) in self.postings(*term) {
                    let length = self.entry(*passage).map_or(1.0, |entry| entry.length) / self.average_length;
                    let dampened = times + SATURATION * (1.0 - LENGTH + LENGTH * length);
                    let score = worth * word.weight * times * (SATURATION + 1.0) / dampened;
                    let slot = best.entry(*passage).or_default();
                    *slot = (slot.0.max(score), slot.1.max(*worth));
                }
            }
            for (passage, (score, worth)) in best {
                let slot = sums.entry(passage).or_default();
                slot.0 += score;
                slot.1 += worth * word.weight;
            }
        }
        let found = sums.into_iter().filter_map(|(passage, (score, covered))| {
            Some((
                self.entry(passage)?,
                score,
                (covered / total.max(f32::MIN_POSITIVE)).min(1.0),
            ))
        });
        let mut found: Vec<_> = found.collect();
        found.sort_by(|one, other| other.1.total_cmp(&one.1));
        found
    }

    /// Looks a folded word up: itself, its relatives, and, if nothing is known of it, its likeliest spelling.
    pub(super) fn wanted(&self, word: &str) -> Wanted {
        let number = word.chars().all(|c| c.is_ascii_digit());
        let own = self.language.stem(word);
        let mut alternatives: Vec<(u32, f32)> = self
            .vocabulary
            .get(&own)
            .map(|term| (*term, 1.0))
            .into_iter()
            .collect();
        for (other, worth) in related(self.language, &own) {
            alternatives.extend(self.vocabulary.get(other).map(|term| (*term, *worth)));
        }
        if alternatives.is_empty() && !number {
            alternatives.extend(self.misspelt(&own).map(|term| (term, MISSPELT)));
        }
        let holding: BTreeSet<u32> = alternatives
            .iter()
            .flat_map(|(term, _)| self.postings(*term))
            .map(|(passage, _)| *passage)
            .collect();
        let (all, some) = (count(self.passages.len()), count(holding.len()));
        let rarity = ((all - some + 0.5) / (some + 0.5)).ln_1p();
        let weight = if number { rarity * NUMBER } else { rarity };
        Wanted {
            alternatives,
            weight,
            passages: holding.len(),
            number,
        }
    }

    /// Whether any passage of the document holds the word.
    pub(super) fn document_holds(&self, document: &str, word: &str) -> bool {
        self.vocabulary
            .get(&self.language.stem(word))
            .is_some_and(|term| {
                let mut passages = self
                    .postings(*term)
                    .iter()
                    .filter_map(|(passage, _)| self.entry(*passage));
                passages.any(|entry| entry.passage.document == document)
            })
    }

    /// Whether a line, with what stands above it, holds the word itself.
    pub(super) fn unit_holds(&self, unit: &Unit, word: &str) -> bool {
        self.vocabulary
            .get(&self.language.stem(word))
            .is_some_and(|term| unit.terms.contains(term))
    }

    pub(super) fn len(&self) -> usize {
        self.passages.len()
    }

    fn add(&mut self, passage: Passage) {
        let number = u32::try_from(self.passages.len()).unwrap_or(u32::MAX);
        let heading = self.terms(&passage.heading);
        let mut times: BTreeMap<u32, f32> = BTreeMap::new();
        for term in &heading {
            *times.entry(*term).or_default() += 2.0;
        }
        let mut units = Vec::new();
        let mut prices = Vec::new();
        let mut introduction: Vec<u32> = Vec::new();
        for line in passage.text.lines() {
            let terms = self.terms(line);
            for term in &terms {
                *times.entry(*term).or_default() += 1.0;
            }
            let above = || heading.iter().chain(&introduction).copied();
            let number = names_number(line);
            let all = above().chain(terms.iter().copied()).collect();
            units.push(Unit {
                terms: all,
                amount: names_amount(line),
                number,
            });
            let mut topic: Option<Vec<u32>> = None;
            for sentence in sentences(line) {
                let own = self.terms(sentence);
                let topic = topic.get_or_insert_with(|| own.clone());
                let amount = names_amount(sentence);
                if amount || names_nothing_to_pay(sentence) {
                    let terms = above().chain(topic.iter().copied()).chain(own).collect();
                    prices.push(Unit {
                        terms,
                        amount,
                        number,
                    });
                }
            }
            if line.ends_with(':') {
                introduction = terms;
            }
        }
        let length = times.values().sum();
        for (term, times) in times {
            if let Some(postings) = self.postings.get_mut(position(term)) {
                postings.push((number, times));
            }
        }
        self.passages.push(Entry {
            passage,
            units,
            prices,
            length,
        });
    }

    /// The terms of a text in order; "May to September" holds the months between, too.
    fn terms(&mut self, text: &str) -> Vec<u32> {
        let words = words(text);
        let word = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
        let mut out = Vec::new();
        for at in 0..words.len() {
            let (before, this, next) = (at.checked_sub(1).map_or("", word), word(at), word(at + 1));
            if !is_stop(this) || this == "may" && is_month(before, next) {
                out.push(self.term(&self.language.stem(this)));
            }
            let end = if matches!(next, "to" | "until" | "till" | "through" | "bis") {
                at + 2
            } else {
                at + 1
            };
            if words.get(at + 1).is_some_and(|word| !word.after_break) {
                let inside = span(this, word(end));
                out.extend(
                    inside
                        .into_iter()
                        .map(|name| self.term(&self.language.stem(name))),
                );
            }
        }
        out
    }

    fn term(&mut self, stem: &str) -> u32 {
        if let Some(term) = self.vocabulary.get(stem) {
            return *term;
        }
        let term = u32::try_from(self.postings.len()).unwrap_or(u32::MAX);
        self.postings.push(Vec::new());
        self.vocabulary.insert(stem.to_owned(), term);
        term
    }

    /// The known term that a word misspells, the commonest of the nearest.
    fn misspelt(&self, stem: &str) -> Option<u32> {
        let allowed = allowed_edits(stem)?;
        // The first letter is seldom wrong, and keeps the search to one part of the vocabulary.
        let first = stem.chars().next()?;
        let near = self
            .vocabulary
            .range(first.to_string()..)
            .take_while(|(term, _)| term.starts_with(first));
        let near = near.filter_map(|(term, id)| Some((edits_within(stem, term, allowed)?, *id)));
        near.min_by_key(|(edits, id)| (*edits, usize::MAX - self.postings(*id).len()))
            .map(|(_, id)| id)
    }

    fn postings(&self, term: u32) -> &[(u32, f32)] {
        self.postings.get(position(term)).map_or(&[], Vec::as_slice)
    }

    fn entry(&self, passage: u32) -> Option<&Entry> {
        self.passages.get(position(passage))
    }
}

impl Wanted {
    /// What the line holds of it: 0 if nothing, 1 if the word itself.
    pub(super) fn held_by(&self, unit: &Unit) -> f32 {
        let held = self
            .alternatives
            .iter()
            .filter(|(term, _)| unit.terms.contains(term));
        held.map(|(_, worth)| *worth).fold(0.0, f32::max)
    }
}

fn position(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Exact up to 65,535, beyond which rarity no longer depends on it.
fn count(number: usize) -> f32 {
    u16::try_from(number).map_or(f32::from(u16::MAX), f32::from)
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
