//! What a command line gives: words and options, before anybody knows what they mean.

use super::refuse;
use crate::OpsError;

/// The words and options of a command line, each taken once.
pub(super) struct Given {
    pub(super) words: std::vec::IntoIter<String>,
    options: Vec<(String, Option<String>)>,
}

/// Options with a value; the others have none.
const VALUED: [&str; 12] = [
    "--name",
    "--preset",
    "--admin",
    "--key-scopes",
    "--keys",
    "--scopes",
    "--expires",
    "--overlap",
    "--reason",
    "--from-ledger",
    "--local",
    "--stack-outputs",
];
const FLAGS: [&str; 5] = ["--json", "--reveal", "--dry-run", "--help", "-h"];

impl Given {
    pub(super) fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self, OpsError> {
        let mut arguments = arguments.into_iter();
        let (mut words, mut options) = (Vec::new(), Vec::new());
        while let Some(argument) = arguments.next() {
            if !argument.starts_with('-') {
                words.push(argument);
                continue;
            }
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            let valued = VALUED.contains(&name.as_str());
            if !valued && !FLAGS.contains(&name.as_str()) {
                return refuse(format!("unknown option {name}"));
            }
            if options.iter().any(|(known, _)| *known == name) {
                return refuse(format!("{name} is given twice"));
            }
            let value = match (valued, value) {
                (true, None) => arguments.next(),
                (_, value) => value,
            };
            if valued != value.is_some() {
                let what = if valued { "needs a value" } else { "takes no value" };
                return refuse(format!("{name} {what}"));
            }
            options.push((name, value));
        }
        Ok(Self {
            words: words.into_iter(),
            options,
        })
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        let at = self.options.iter().position(|(known, _)| known == name);
        at.map(|at| self.options.remove(at)).is_some()
    }

    pub(super) fn option(&mut self, name: &str) -> Option<String> {
        let at = self.options.iter().position(|(known, _)| known == name)?;
        self.options.remove(at).1
    }

    pub(super) fn required(&mut self, name: &str) -> Result<String, OpsError> {
        self.option(name)
            .map_or_else(|| refuse(format!("{name} is required")), Ok)
    }

    pub(super) fn id<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        what: &str,
    ) -> Result<T, OpsError> {
        let Some(text) = self.words.next() else {
            return refuse(format!("<{what}> is required"));
        };
        text.parse()
            .or_else(|error| refuse(format!("<{what}> {text} {error}")))
    }

    /// Nothing may be left that nobody asked for.
    pub(super) fn finish(mut self) -> Result<(), OpsError> {
        if let Some(word) = self.words.next() {
            return refuse(format!("{word} is one argument too many"));
        }
        match self.options.first() {
            Some((name, _)) => refuse(format!("{name} does not belong to this command")),
            None => Ok(()),
        }
    }
}
