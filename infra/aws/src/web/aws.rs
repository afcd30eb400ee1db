//! Calls to services of AWS that are data like calls to any carrier: signed here, under the function's own role.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use usher_carriers::call::{Answer, Call, Method};

use super::{CallFailed, Web};
use crate::clock::wall_now;
use crate::settings::Settings;

/// Who calls, and from where.
#[derive(Clone)]
pub(super) struct Signer {
    credentials: Credentials,
    region: String,
}

impl Signer {
    /// None outside a function.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        let credentials = Credentials::new(
            settings.access_key_id().ok()?,
            settings.secret_access_key().ok()?,
            settings.session_token(),
            None,
            "lambda",
        );
        Some(Self {
            credentials,
            region: settings.region().ok()?,
        })
    }

    /// The headers that make a call ours. None if its address is none.
    fn headers(&self, service: &str, call: &Call) -> Option<Vec<(String, String)>> {
        let millis = u64::try_from(wall_now().millis()).unwrap_or_default();
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .ok()?
            .into();
        let method = match call.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        };
        let body = SignableBody::Bytes(&call.body);
        let request = SignableRequest::new(method, call.url.as_str(), std::iter::empty(), body).ok()?;
        let (instructions, _) = sign(request, &params).ok()?.into_parts();
        let headers = instructions.headers();
        Some(
            headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }
}

impl Web {
    /// The headers that sign a call to a `service` of AWS.
    ///
    /// # Errors
    /// [`CallFailed::NotSent`] where nobody signs.
    pub(super) fn signature(&self, service: &str, call: &Call) -> Result<Vec<(String, String)>, CallFailed> {
        let signer = self.shared.signer.as_ref().ok_or(CallFailed::NotSent)?;
        signer.headers(service, call).ok_or(CallFailed::NotSent)
    }

    /// Says `call` to a `service` of AWS, signed, and gives its answer with the name of its error, if it has one. As
    /// [`Web::call`] otherwise.
    ///
    /// # Errors
    /// [`CallFailed`]: whether anything can have left.
    pub async fn call_aws(
        &self,
        service: &str,
        call: &Call,
        limit: Duration,
    ) -> Result<(Answer, Option<String>), CallFailed> {
        let headers = self.signature(service, call)?;
        let response = self.send(call, &headers, limit).await?;
        let error = response.headers().get("x-amzn-errortype");
        let error = error.and_then(|error| error.to_str().ok()).map(str::to_owned);
        Ok((super::read(response).await?, error))
    }
}
