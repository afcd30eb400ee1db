//! What a model is to answer: a form, filled in. Nothing in it can choose a tenant, a recipient, an address or a link.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};
use usher_shared::lead;
use usher_shared::model::Profile;

use crate::failure::{Failed, Failure};

/// Characters of a name.
const NAME: usize = 80;

/// Why a model hands over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It does not.
    None,
    /// Facts and passages do not say.
    NoAnswer,
    /// The guest asked for a person.
    AskedForHuman,
    /// It is not the business's business.
    OffTopic,
}

/// The form as a model filled it in.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// What to say.
    pub answer: String,
    /// Ids of the passages that it rests on, as the model gives them.
    pub passages: Vec<String>,
    /// Whether a person should answer.
    pub hand_over: bool,
    /// Why.
    pub reason: Reason,
    /// What the guest is after.
    pub intent: String,
    lead: Claimed,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("hand_over", &self.hand_over)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// What a guest volunteered, as a model claims.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claimed {
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

/// No intent.
const NOTHING: &str = "none";

pub(crate) fn schema(intents: &[&str]) -> Value {
    let object = |properties: Value| {
        let names: Vec<&String> = properties
            .as_object()
            .into_iter()
            .flat_map(serde_json::Map::keys)
            .collect();
        json!({"type": "object", "additionalProperties": false, "required": names, "properties": properties})
    };
    let maybe = json!({"type": ["string", "null"]});
    let intents: Vec<&str> = intents.iter().copied().chain([NOTHING]).collect();
    object(json!({
        "answer": {"type": "string"},
        "passages": {"type": "array", "items": {"type": "string"}},
        "hand_over": {"type": "boolean"},
        "reason": {"type": "string", "enum": ["none", "no_answer", "asked_for_human", "off_topic"]},
        "intent": {"type": "string", "enum": intents},
        "lead": object(json!({"name": maybe, "email": maybe, "phone": maybe})),
    }))
}

impl Draft {
    /// Reads the form. A field more than it has is no form: a model that invents one may have been told to.
    ///
    /// # Errors
    /// [`Failure::Malformed`].
    pub fn parse(text: &str) -> Result<Self, Failed> {
        serde_json::from_str(text).map_err(|_| Failed::of(Failure::Malformed))
    }

    /// The intent, if it is one of those that were offered.
    pub fn intent_of<'a>(&self, offered: &[&'a str]) -> Option<&'a str> {
        offered.iter().copied().find(|intent| *intent == self.intent)
    }

    /// What the guest volunteered in `question`. A model may point at something that was missed; what the guest did
    /// not write it cannot make up, for it would be written to.
    pub fn lead_in(&self, question: &str) -> Profile {
        let found = lead::volunteered(question);
        let claimed = |value: &Option<String>| {
            let value = value.as_deref().map(str::trim).unwrap_or_default();
            (!value.is_empty() && stands_in(question, value)).then(|| value.to_owned())
        };
        let parsed = |value: &Option<String>| claimed(value).map(|value| lead::volunteered(&value));
        Profile {
            name: found
                .name
                .or_else(|| claimed(&self.lead.name).filter(|name| is_name(name))),
            email: found.email.or_else(|| parsed(&self.lead.email)?.email),
            phone: found.phone.or_else(|| parsed(&self.lead.phone)?.phone),
            handle: None,
        }
    }
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphabetic() || " .'’-".contains(c);
    name.chars().count() <= NAME && name.chars().all(plain) && name.chars().any(char::is_alphabetic)
}

/// Whether a text has these words as words, in any case.
fn stands_in(text: &str, words: &str) -> bool {
    let (text, words) = (text.to_lowercase(), words.to_lowercase());
    text.match_indices(&words).any(|(at, found)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|t| t.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn form() -> Value {
        json!({"answer": "900 euros.", "passages": ["doc_1#p1"], "hand_over": false, "reason": "none",
            "intent": "pricing_inquiry", "lead": {"name": null, "email": null, "phone": null}})
    }

    #[test]
    fn a_filled_form_is_read_and_the_schema_demands_all_of_it() {
        let draft = Draft::parse(&form().to_string()).unwrap();
        assert_eq!((draft.answer.as_str(), draft.hand_over), ("900 euros.", false));
        assert_eq!(draft.intent_of(&["pricing_inquiry"]), Some("pricing_inquiry"));
        assert_eq!(draft.intent_of(&["booking_request"]), None);
        let schema = schema(&["booking_request"]);
        let required = schema["required"].as_array().unwrap();
        let form = form();
        assert_eq!(required.len(), form.as_object().unwrap().len());
        assert!(
            required
                .iter()
                .all(|name| form.get(name.as_str().unwrap()).is_some())
        );
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["lead"]["additionalProperties"], false);
        assert_eq!(
            schema["properties"]["intent"]["enum"],
            json!(["booking_request", "none"])
        );
    }

    #[test]
    fn whatever_else_is_malformed() {
        let mut more = form();
        more["recipient"] = json!("+15550100");
        let mut lead = form();
        lead["lead"]["tenant"] = json!("tn_1");
        let mut less = form();
        less.as_object_mut().unwrap().remove("hand_over");
        let mut reason = form();
        reason["reason"] = json!("because");
        let forms = [
            more,
            lead,
            less,
            reason,
            json!([]),
            json!("x"),
            json!({"reply": "ok"}),
        ];
        let texts = forms.iter().map(Value::to_string);
        let others = ["", "We are open.", "{", "```json\n{}\n```"].map(str::to_owned);
        for text in texts.chain(others) {
            let failed = Draft::parse(&text).unwrap_err();
            assert_eq!((failed.why, failed.again), (Failure::Malformed, false), "{text}");
        }
    }

    #[test]
    fn a_lead_is_what_the_guest_wrote_and_nothing_else() {
        let claim = |name: &str, email: &str, phone: &str, question: &str| {
            let mut form = form();
            form["lead"] = json!({"name": name, "email": email, "phone": phone});
            Draft::parse(&form.to_string()).unwrap().lead_in(question)
        };
        let made_up = claim("Eve", "eve@example.com", "+15550199", "How much is it? Ann");
        assert!(made_up.is_empty());
        // Half a word is no word.
        assert_eq!(claim("Ann", "", "", "Annual fee?").name, None);
        let given = claim(
            "ann lee",
            "a@example.com",
            "+15550100",
            "It's Ann Lee, a@example.com, +1 555 0100 22",
        );
        assert_eq!(given.email.as_deref(), Some("a@example.com"));
        assert_eq!(
            given.name.as_deref().map(str::to_lowercase).as_deref(),
            Some("ann lee")
        );
        assert_eq!(
            given.phone.as_deref(),
            Some("+1555010022"),
            "the guest's own words count"
        );
        assert_eq!(claim("ann@lee", "", "", "I am ann@lee").name, None);
    }
}
