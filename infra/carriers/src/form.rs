//! Forms on web pages, in the three ways in which pages post them, and what the fields mean.

mod enquiry;
mod multipart;

use std::fmt;

use serde_json::Value;

pub use self::enquiry::{Enquiry, ReplyBy, Wrong};
use crate::urlencoded::{Fields, FormError};

/// Bytes that a form may have, files included: what a gateway passes on, less its wrapping.
pub const LONGEST: usize = 4 * 1024 * 1024;
/// Fields that a form may have.
pub const MOST_FIELDS: usize = 60;
/// Files that a form may have.
pub const MOST_FILES: usize = 5;
/// Bytes of a field's name.
const LONGEST_NAME: usize = 200;

/// Why a body is no form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoForm {
    /// It is of a type that no page posts.
    #[error("the type must be JSON, multipart/form-data or application/x-www-form-urlencoded")]
    Type,
    /// It is larger than what is taken.
    #[error("the form has too many bytes, fields or files")]
    TooLarge,
    /// It is not what its type says.
    #[error("the body is not of the type that it claims")]
    Malformed,
    /// It is not UTF-8.
    #[error("the form is not UTF-8")]
    NotUtf8,
}

/// A file that was posted.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Name of the field.
    pub field: String,
    /// Its name.
    pub name: Option<String>,
    /// The media type that is claimed.
    pub media_type: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What was posted: fields in their order, repeated ones included, and files.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// Names and values.
    pub fields: Vec<(String, String)>,
    /// Files.
    pub files: Vec<File>,
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Form({}, {})", self.fields.len(), self.files.len())
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("File(..)")
    }
}

impl Form {
    /// Reads a body by its `Content-Type`.
    ///
    /// # Errors
    /// [`NoForm`].
    pub fn parse(content_type: &str, body: &[u8]) -> Result<Self, NoForm> {
        if body.len() > LONGEST {
            return Err(NoForm::TooLarge);
        }
        let essence = content_type.split(';').next().unwrap_or_default();
        let form = match essence.trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => urlencoded(body)?,
            "application/json" => json(body)?,
            "multipart/form-data" => {
                let boundary = multipart::boundary(content_type).ok_or(NoForm::Malformed)?;
                multipart::parse(&boundary, body)?
            }
            _ => return Err(NoForm::Type),
        };
        let long = form.fields.iter().any(|(name, _)| name.len() > LONGEST_NAME);
        if form.fields.len() > MOST_FIELDS || form.files.len() > MOST_FILES || long {
            return Err(NoForm::TooLarge);
        }
        Ok(form)
    }

    /// The first value of a field of this very name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a field that no person sees is filled in: a machine did it.
    pub fn is_trapped(&self) -> bool {
        let filled = |name| self.get(name).is_some_and(|value| !value.trim().is_empty());
        ["_honey", "_gotcha"].into_iter().any(filled)
    }
}

fn urlencoded(body: &[u8]) -> Result<Form, NoForm> {
    let fields = Fields::decode(body).map_err(|error| match error {
        FormError::TooLarge => NoForm::TooLarge,
        FormError::BrokenEscape => NoForm::Malformed,
        FormError::NotUtf8 => NoForm::NotUtf8,
    })?;
    let fields = fields.iter();
    Ok(Form {
        fields: fields
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        files: Vec::new(),
    })
}

/// A flat object. A list stands for a field that is repeated; what is nested deeper is no form.
fn json(body: &[u8]) -> Result<Form, NoForm> {
    if std::str::from_utf8(body).is_err() {
        return Err(NoForm::NotUtf8);
    }
    let parsed = serde_json::from_slice(body).map_err(|_| NoForm::Malformed)?;
    let Value::Object(members) = parsed else {
        return Err(NoForm::Malformed);
    };
    let mut form = Form::default();
    for (name, value) in members {
        match value {
            Value::Array(values) => {
                for value in values {
                    form.fields.extend(field(&name, value)?);
                }
            }
            value => form.fields.extend(field(&name, value)?),
        }
        if form.fields.len() > MOST_FIELDS {
            return Err(NoForm::TooLarge);
        }
    }
    Ok(form)
}

fn field(name: &str, value: Value) -> Result<Option<(String, String)>, NoForm> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(_) | Value::Object(_) => return Err(NoForm::Malformed),
    };
    Ok(Some((name.to_owned(), text)))
}

#[cfg(test)]
mod tests;
