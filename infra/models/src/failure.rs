//! Why a model gave nothing to use.

use std::time::Duration;

/// Why. Carries nothing of the conversation, and nothing that the provider wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Too many requests or tokens for the moment.
    RateLimited,
    /// What may be spent is spent: asking again is in vain until somebody pays or a month begins.
    SpendLimit,
    /// The provider has too much to do.
    Overloaded,
    /// The provider failed, or nobody knows what became of the request.
    Unavailable,
    /// It took too long.
    TimeUp,
    /// The request is refused as it is: a parameter that the model does not take.
    BadRequest,
    /// The key, the account or the role may not do this.
    Unauthorised,
    /// There is no such model there.
    UnknownModel,
    /// The model declines to answer this, or the provider withheld what it said.
    Refused,
    /// The answer broke off.
    Truncated,
    /// The answer is not of the form that was asked for.
    Malformed,
}

impl Failure {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::RateLimited,
        Self::SpendLimit,
        Self::Overloaded,
        Self::Unavailable,
        Self::TimeUp,
        Self::BadRequest,
        Self::Unauthorised,
        Self::UnknownModel,
        Self::Refused,
        Self::Truncated,
        Self::Malformed,
    ];

    /// Its name in traces and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::SpendLimit => "spend_limit",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::TimeUp => "time_up",
            Self::BadRequest => "bad_request",
            Self::Unauthorised => "unauthorised",
            Self::UnknownModel => "unknown_model",
            Self::Refused => "refused",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
        }
    }

    /// Whether the same request may succeed a moment later.
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::RateLimited | Self::Overloaded | Self::Unavailable)
    }

    /// Whether it says something about the provider, and not about this request: the next request had better not
    /// wait for the same.
    pub const fn is_the_providers(self) -> bool {
        !matches!(
            self,
            Self::Refused | Self::Truncated | Self::Malformed | Self::BadRequest
        )
    }

    /// Whether somebody must act before it gets better.
    pub const fn needs_somebody(self) -> bool {
        matches!(
            self,
            Self::SpendLimit | Self::BadRequest | Self::Unauthorised | Self::UnknownModel
        )
    }
}

/// A failure with what the provider said about asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Why.
    pub why: Failure,
    /// How long to wait before asking again, if the provider said so.
    pub after: Option<Duration>,
    /// Whether asking again is allowed.
    pub again: bool,
}

impl Failed {
    /// A failure about which the provider said nothing more.
    pub const fn of(why: Failure) -> Self {
        Self {
            why,
            after: None,
            again: why.may_pass(),
        }
    }
}
