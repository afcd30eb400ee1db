//! Texts of policies: wildcards and variables. `*` is any run of characters, `?` any one; `${aws:…}` stands
//! for what the request's context says, taken literally: a tag that holds a `*` is no wildcard.

use super::context::Context;

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Char(char),
    Any,
    One,
    /// A key of the context, and what stands for it where it is missing.
    Variable(String, Option<String>),
}

/// A text of a policy, parsed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
    text: String,
}

impl Pattern {
    /// A pattern in which `*` and `?` are wildcards.
    pub(crate) fn wild(text: &str) -> Result<Self, String> {
        Self::parse(text, true)
    }

    /// A pattern in which only variables mean something.
    pub(crate) fn plain(text: &str) -> Result<Self, String> {
        Self::parse(text, false)
    }

    fn parse(text: &str, wildcards: bool) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("${") {
                let (variable, tail) = after
                    .split_once('}')
                    .ok_or_else(|| format!("{text}: a variable has no end"))?;
                pieces.push(match variable {
                    "*" => Piece::Char('*'),
                    "?" => Piece::Char('?'),
                    "$" => Piece::Char('$'),
                    variable => self::variable(variable).ok_or_else(|| format!("{text}: no variable"))?,
                });
                rest = tail;
                continue;
            }
            pieces.push(match first {
                '*' if wildcards => Piece::Any,
                '?' if wildcards => Piece::One,
                other => Piece::Char(other),
            });
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
        Ok(Self {
            pieces,
            text: text.to_owned(),
        })
    }

    /// The text it was parsed from.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The keys that its variables name.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(key, _) => Some(key.as_str()),
            _ => None,
        })
    }

    /// Whether `text` is of this form. A variable that the context does not know matches nothing.
    pub(crate) fn matches(&self, text: &str, context: &Context) -> bool {
        let mut resolved = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            match piece {
                Piece::Variable(key, default) => {
                    let value = context.single(key).or(default.as_deref());
                    let Some(value) = value else { return false };
                    resolved.extend(value.chars().map(Piece::Char));
                }
                other => resolved.push(other.clone()),
            }
        }
        glob(&resolved, &text.chars().collect::<Vec<_>>())
    }

    /// [`Self::matches`] for names of actions, which have no case and no variables.
    pub(crate) fn matches_action(&self, action: &str) -> bool {
        let lower = |piece: &Piece| match piece {
            Piece::Char(char) => Piece::Char(char.to_ascii_lowercase()),
            other => other.clone(),
        };
        let pieces: Vec<Piece> = self.pieces.iter().map(lower).collect();
        glob(
            &pieces,
            &action
                .chars()
                .map(|char| char.to_ascii_lowercase())
                .collect::<Vec<_>>(),
        )
    }
}

/// `key` or `key, 'default'`.
fn variable(text: &str) -> Option<Piece> {
    let (key, default) = match text.split_once(',') {
        None => (text, None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (key, Some(default.to_owned()))
        }
    };
    let key = key.trim();
    (!key.is_empty()).then(|| Piece::Variable(key.to_ascii_lowercase(), default))
}

/// Matches greedily, with one step back to the last `*`: linear but for that step.
fn glob(pattern: &[Piece], text: &[char]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(Piece::Any) => {
                back = Some((at, seen));
                at += 1;
            }
            Some(Piece::One) => (at, seen) = (at + 1, seen + 1),
            Some(Piece::Char(wanted)) if text.get(seen) == Some(wanted) => (at, seen) = (at + 1, seen + 1),
            _ => match back {
                None => return false,
                Some((star, from)) => {
                    (at, seen) = (star + 1, from + 1);
                    back = Some((star, from + 1));
                }
            },
        }
    }
    pattern
        .get(at..)
        .is_some_and(|rest| rest.iter().all(|piece| *piece == Piece::Any))
}

/// A pattern of ARNs: each of its six parts is matched by itself, so that `*` never reaches over a colon into
/// another service or account. `*` alone is everything.
#[derive(Debug, Clone)]
pub(crate) struct ArnPattern {
    /// `None` for everything.
    parts: Option<Vec<Pattern>>,
    text: String,
}

impl ArnPattern {
    /// Parses an ARN with wildcards and variables, or `*`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parts = if text == "*" {
            None
        } else {
            let parts: Vec<_> = split(text).collect();
            if parts.len() != 6 || parts.first() != Some(&"arn") {
                return Err(format!("{text} is no ARN"));
            }
            Some(parts.into_iter().map(Pattern::wild).collect::<Result<_, _>>()?)
        };
        Ok(Self {
            parts,
            text: text.to_owned(),
        })
    }

    /// The text it was parsed from.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The keys that its variables name.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flatten().flat_map(Pattern::variables)
    }

    /// Whether this ARN is one of those meant.
    pub(crate) fn matches(&self, arn: &str, context: &Context) -> bool {
        let Some(parts) = &self.parts else { return true };
        let mut asked = split(arn);
        parts
            .iter()
            .all(|part| asked.next().is_some_and(|text| part.matches(text, context)))
            && asked.next().is_none()
    }
}

/// The six parts of an ARN, colons inside variables and in the last part left alone.
fn split(arn: &str) -> impl Iterator<Item = &str> {
    let (mut depth, mut found) = (0_u32, 1);
    arn.split(move |char| {
        match char {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let ends = char == ':' && depth == 0 && found < 6;
        found += u32::from(ends);
        ends
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn context() -> Context {
        Context::default()
            .with("aws:PrincipalTag/tenant", "tn_1")
            .with("aws:PrincipalTag/star", "*")
    }

    #[test]
    fn wildcards_and_variables_match_as_iam_says() {
        for (pattern, text, matches) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("a*b*c", "aXbXbYc", true),
            ("*b", "aabab", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("${aws:PrincipalTag/tenant}", "tn_1", true),
            ("${aws:principaltag/TENANT}#*", "tn_1#v#x", true),
            ("${aws:PrincipalTag/tenant}#*", "tn_12#v", false),
            ("${aws:PrincipalTag/tenant}#*", "tn_1", false),
            ("${aws:PrincipalTag/star}", "*", true),
            ("${aws:PrincipalTag/star}", "anything", false),
            ("${aws:PrincipalTag/none}", "", false),
            ("${aws:PrincipalTag/none}*", "x", false),
            ("${aws:PrincipalTag/none, 'x'}", "x", true),
            ("a${*}b${?}${$}", "a*b?$", true),
            ("a${*}b", "axb", false),
            ("ñ?", "ñö", true),
        ] {
            let found = Pattern::wild(pattern).unwrap().matches(text, &context());
            assert_eq!(found, matches, "{pattern} on {text}");
        }
        assert!(Pattern::plain("a*").unwrap().matches("a*", &context()));
        assert!(!Pattern::plain("a*").unwrap().matches("ab", &context()));
        assert!(Pattern::wild("S3:Get*").unwrap().matches_action("s3:getobject"));
        for broken in ["${", "${}", "${a, b}"] {
            assert!(Pattern::wild(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn arns_match_part_by_part() {
        for (pattern, arn, matches) in [
            ("*", "arn:aws:s3:::b", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/tn_1/x", true),
            ("arn:aws:s3:::b", "arn:aws:s3:::b/x", false),
            (
                "arn:aws:s3:::b/${aws:PrincipalTag/tenant}/*",
                "arn:aws:s3:::b/tn_1/x",
                true,
            ),
            (
                "arn:aws:s3:::b/${aws:PrincipalTag/tenant}/*",
                "arn:aws:s3:::b/tn_2/x",
                false,
            ),
            ("arn:aws:*:*:*:t", "arn:aws:sqs:r:1:t", true),
            ("arn:aws:*:t", "arn:aws:sqs:r:1:t", false),
            (
                "arn:aws:logs:r:1:log-group:*",
                "arn:aws:logs:r:1:log-group:a:b",
                true,
            ),
        ] {
            match ArnPattern::parse(pattern) {
                Ok(parsed) => assert_eq!(parsed.matches(arn, &context()), matches, "{pattern} on {arn}"),
                Err(problem) => assert!(!matches && problem.contains("no ARN"), "{pattern}"),
            }
        }
    }

    /// What the definition says, without any cleverness.
    fn naive(pattern: &[Piece], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((Piece::Any, rest)), _) => {
                naive(rest, text) || text.split_first().is_some_and(|(_, tail)| naive(pattern, tail))
            }
            (Some((Piece::One, rest)), Some((_, tail))) => naive(rest, tail),
            (Some((Piece::Char(wanted), rest)), Some((first, tail))) => wanted == first && naive(rest, tail),
            _ => false,
        }
    }

    #[test]
    fn every_short_pattern_matches_what_the_definition_says() {
        let words = |letters: &[char], most: u32| {
            let mut all = vec![String::new()];
            let mut last = all.clone();
            for _ in 0..most {
                last = last
                    .iter()
                    .flat_map(|word| letters.iter().map(move |letter| format!("{word}{letter}")))
                    .collect();
                all.extend(last.clone());
            }
            all
        };
        for pattern in words(&['a', 'b', '*', '?'], 4) {
            let parsed = Pattern::wild(&pattern).unwrap();
            for text in words(&['a', 'b'], 5) {
                let letters: Vec<char> = text.chars().collect();
                let expected = naive(&parsed.pieces, &letters);
                assert_eq!(parsed.matches(&text, &context()), expected, "{pattern} on {text}");
            }
        }
    }
}
