//! Checks of texts in request bodies. All refusals of one body are collected into one answer.

use super::problem::{FieldError, Problem};

/// The refusals found so far.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

/// What a text may be.
#[derive(Clone, Copy, Debug)]
pub enum TextRule {
    /// One line of at most this many characters.
    Line(usize),
    /// Lines of together at most this many characters.
    Lines(usize),
    /// Lines of together at most this many bytes of UTF-8.
    Bytes(usize),
}

impl Checks {
    /// Checks a text that must say something, and gives it without white space around it.
    pub fn text(&mut self, field: &str, value: &str, rule: TextRule) -> String {
        // What Windows calls a line end is one here.
        let text = value.trim().replace("\r\n", "\n");
        let trimmed = text.as_str();
        let (size, limit, unit) = match rule {
            TextRule::Line(limit) | TextRule::Lines(limit) => (trimmed.chars().count(), limit, "characters"),
            TextRule::Bytes(limit) => (trimmed.len(), limit, "bytes"),
        };
        if trimmed.is_empty() {
            self.refuse(field, "must not be empty");
        } else if size > limit {
            self.refuse(field, format!("must be at most {limit} {unit}"));
        }
        let one_line = matches!(rule, TextRule::Line(_));
        let allowed = |c: char| !c.is_control() || (!one_line && (c == '\n' || c == '\t'));
        if !trimmed.chars().all(allowed) {
            self.refuse(field, "must not hold control characters");
        }
        text
    }

    /// Adds a refusal.
    pub fn refuse(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError::new(field, message));
    }

    /// Ends the checks.
    ///
    /// # Errors
    /// 422 with all refusals.
    pub fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.0))
        }
    }

    #[cfg(test)]
    fn refusals(&self) -> Vec<(&str, &str)> {
        let pairs = self.0.iter().map(|e| (e.field.as_str(), e.message.as_str()));
        pairs.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_of_windows_become_line_ends() {
        let mut checks = Checks::default();
        assert_eq!(checks.text("text", "a\r\nb\r\n", TextRule::Lines(9)), "a\nb");
        assert!(checks.refusals().is_empty());
    }

    #[test]
    fn texts_are_measured_after_trimming_and_hold_no_control_characters() {
        let empty = "must not be empty";
        let long = "must be at most 5 characters";
        let bytes = "must be at most 5 bytes";
        let control = "must not hold control characters";
        let table: [(&str, TextRule, &[&str]); 16] = [
            ("a", TextRule::Line(5), &[]),
            ("  åäö  ", TextRule::Line(5), &[]),
            ("åäöåä", TextRule::Lines(5), &[]),
            ("", TextRule::Line(5), &[empty]),
            (" \n\t ", TextRule::Lines(5), &[empty]),
            ("\u{a0}\u{3000}", TextRule::Lines(5), &[empty]),
            ("123456", TextRule::Lines(5), &[long]),
            ("a\nb\tc", TextRule::Lines(5), &[]),
            ("a\nb", TextRule::Line(5), &[control]),
            ("a\u{0}b", TextRule::Lines(5), &[control]),
            ("a\rb", TextRule::Lines(5), &[control]),
            ("a\u{7f}", TextRule::Lines(5), &[control]),
            ("a\u{9b}", TextRule::Bytes(5), &[control]),
            ("\u{1b}[31m red", TextRule::Lines(5), &[long, control]),
            ("åä", TextRule::Bytes(5), &[]),
            ("åäö", TextRule::Bytes(5), &[bytes]),
        ];
        for (value, rule, expected) in table {
            let mut checks = Checks::default();
            let text = checks.text("f", value, rule);
            let messages: Vec<_> = checks
                .refusals()
                .into_iter()
                .map(|(_, message)| message)
                .collect();
            assert_eq!(messages, expected, "{value:?}");
            assert_eq!(text, value.trim());
            assert_eq!(checks.finish().is_ok(), expected.is_empty());
        }
    }
}
