//! HTTP to API Gateway payload 2.0 and back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue, SET_COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::clock::civil;
use crate::proxy::decode;
use crate::template::ACCOUNT;

/// What a route and the network know about a request beside its parts.
#[derive(Debug)]
pub(crate) struct Context {
    /// `METHOD /path/{parameter}`.
    pub(crate) route_key: String,
    /// Values of the path's parameters.
    pub(crate) path_parameters: Vec<(String, String)>,
    /// Address of the peer.
    pub(crate) source_ip: String,
    /// Id of the request.
    pub(crate) request_id: String,
    /// Domain time in milliseconds.
    pub(crate) now_ms: i64,
}

/// The event that the function receives.
pub(crate) fn event(parts: &Parts, body: &Bytes, context: &Context) -> Value {
    let header = |name: HeaderName| {
        parts
            .headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let host = header(HOST);
    let domain = host.split(':').next().unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let path = parts.uri.path();
    let mut event = json!({
        "version": "2.0",
        "routeKey": context.route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(&parts.headers),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": domain.split('.').next().unwrap_or_default(),
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", parts.version),
                "sourceIp": context.source_ip,
                "userAgent": header(USER_AGENT),
            },
            "requestId": context.request_id,
            "routeKey": context.route_key,
            "stage": "$default",
            "time": time(context.now_ms),
            "timeEpoch": context.now_ms,
        },
        "isBase64Encoded": false,
    });
    let Some(object) = event.as_object_mut() else {
        return event;
    };
    if !context.path_parameters.is_empty() {
        let parameters: Map<_, _> = context
            .path_parameters
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        object.insert("pathParameters".to_owned(), Value::Object(parameters));
    }
    if !query.is_empty() {
        object.insert(
            "queryStringParameters".to_owned(),
            Value::Object(query_parameters(query)),
        );
    }
    let cookies: Vec<&str> = parts
        .headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';').map(str::trim).filter(|cookie| !cookie.is_empty()))
        .collect();
    if !cookies.is_empty() {
        object.insert("cookies".to_owned(), json!(cookies));
    }
    if !body.is_empty() {
        let text = if is_text(header(CONTENT_TYPE)) {
            std::str::from_utf8(body).ok()
        } else {
            None
        };
        object.insert("isBase64Encoded".to_owned(), json!(text.is_none()));
        object.insert(
            "body".to_owned(),
            text.map_or_else(|| json!(STANDARD.encode(body)), |t| json!(t)),
        );
    }
    event
}

/// Content types that travel as text; all others travel as base64.
fn is_text(content_type: &str) -> bool {
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&kind.as_str())
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || kind.is_empty()
}

/// Header names in lower case, repeated ones joined, cookies apart.
fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut joined = Map::new();
    for name in headers.keys().filter(|name| *name != COOKIE) {
        let values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(|v| String::from_utf8_lossy(v.as_bytes()))
            .collect();
        joined.insert(name.as_str().to_owned(), json!(values.join(",")));
    }
    joined
}

/// Decoded; repeated names joined with commas.
fn query_parameters(query: &str) -> Map<String, Value> {
    let mut parameters: Map<String, Value> = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name, true), decode(value, true));
        match parameters.get_mut(&name) {
            Some(Value::String(values)) => values.extend([",", &value]),
            _ => {
                parameters.insert(name, json!(value));
            }
        }
    }
    parameters
}

/// `21/Sep/2026:14:15:00 +0000`.
fn time(ms: i64) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (year, month, day) = civil(ms.div_euclid(86_400_000));
    let second = ms.div_euclid(1000).rem_euclid(86_400);
    let name = usize::try_from(month - 1)
        .ok()
        .and_then(|index| MONTHS.get(index))
        .unwrap_or(&"Jan");
    format!(
        "{day:02}/{name}/{year}:{:02}:{:02}:{:02} +0000",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: Option<bool>,
}

/// The HTTP response that a function's answer stands for; `None` when it stands for none.
pub(crate) fn response(answer: &[u8]) -> Option<Response<Bytes>> {
    let value: Value = serde_json::from_slice(answer).ok()?;
    if value.get("statusCode").is_none() {
        // Without a status the gateway takes the whole answer as a JSON body.
        let mut response = Response::new(Bytes::copy_from_slice(answer));
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return Some(response);
    }
    let answer: Answer = serde_json::from_value(value).ok()?;
    let body = answer.body.unwrap_or_default();
    let body = match answer.is_base64_encoded {
        Some(true) => STANDARD.decode(body).ok()?.into(),
        _ => Bytes::from(body),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status_code).ok()?;
    for (name, value) in answer.headers.unwrap_or_default() {
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        // The server sets the length of what it really sends.
        if name != http::header::CONTENT_LENGTH {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_str(&text).ok()?);
        }
    }
    for cookie in answer.cookies.unwrap_or_default() {
        response
            .headers_mut()
            .append(SET_COOKIE, HeaderValue::from_str(&cookie).ok()?);
    }
    if !response.headers().contains_key(CONTENT_TYPE) && !response.body().is_empty() {
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use http::Request;

    use super::*;

    /// Rebuilds the HTTP request behind a recorded payload, and compares the payload we make of it.
    fn round_trip(name: &str) {
        let path = format!("{}/../../tests/vectors/aws/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut expected: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut builder =
            Request::builder().method(expected["requestContext"]["http"]["method"].as_str().unwrap());
        let query = expected["rawQueryString"].as_str().unwrap();
        let uri = format!("{}?{query}", expected["rawPath"].as_str().unwrap());
        builder = builder.uri(if query.is_empty() {
            uri.trim_end_matches('?').to_owned()
        } else {
            uri
        });
        for (name, value) in expected["headers"].as_object().unwrap() {
            for value in value.as_str().unwrap().split(',').filter(|_| name == "x-multi") {
                builder = builder.header(name, value);
            }
            if name != "x-multi" {
                builder = builder.header(name, value.as_str().unwrap());
            }
        }
        if let Some(cookies) = expected["cookies"].as_array() {
            let line: Vec<_> = cookies.iter().map(|c| c.as_str().unwrap()).collect();
            builder = builder.header(COOKIE, line.join("; "));
        }
        let body = expected["body"].as_str().unwrap_or_default();
        let encoded = expected["isBase64Encoded"] == true;
        let body = if encoded {
            STANDARD.decode(body).unwrap().into()
        } else {
            Bytes::from(body.to_owned())
        };
        let (parts, ()) = builder.body(()).unwrap().into_parts();
        let context = Context {
            route_key: expected["routeKey"].as_str().unwrap().to_owned(),
            path_parameters: vec![(
                "proxy".to_owned(),
                expected["pathParameters"]["proxy"].as_str().unwrap().to_owned(),
            )],
            source_ip: "192.0.2.1".to_owned(),
            request_id: expected["requestContext"]["requestId"]
                .as_str()
                .unwrap()
                .to_owned(),
            now_ms: 1_790_000_100_000,
        };
        let made = event(&parts, &body, &context);
        // Names of the account and the API are ours, and ours follow from the host that was asked for.
        for field in ["accountId", "apiId", "domainName", "domainPrefix"] {
            expected["requestContext"][field] = made["requestContext"][field].clone();
        }
        expected["requestContext"]["timeEpoch"] = json!(1_790_000_100_000_i64);
        expected["requestContext"]["time"] = json!("21/Sep/2026:14:15:00 +0000");
        assert_eq!(made, expected, "{name}");
    }

    #[test]
    fn payloads_have_the_shape_of_recorded_ones() {
        for name in [
            "aws-apigw-v2-cookies-and-multi.json",
            "aws-apigw-v2-meta-verify-get.json",
            "aws-apigw-v2-meta-webhook.json",
            "aws-apigw-v2-twilio-form-base64.json",
        ] {
            round_trip(name);
        }
    }

    #[test]
    fn answers_become_responses() {
        let path = format!(
            "{}/../../tests/vectors/aws/aws-apigw-v2-response.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let made = response(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(made.status(), 200);
        assert_eq!(made.headers()["cache-control"], "no-store");
        assert_eq!(
            made.headers()[SET_COOKIE],
            "sid=abc; HttpOnly; Secure; SameSite=Lax; Path=/"
        );
        assert_eq!(made.body(), r#"{"ok":true}"#);
        let binary = response(br#"{"statusCode":201,"body":"AAEC","isBase64Encoded":true}"#).unwrap();
        assert_eq!(
            (binary.status(), binary.body().as_ref()),
            (StatusCode::CREATED, [0, 1, 2].as_slice())
        );
        let bare = response(br#"{"ok":1}"#).unwrap();
        assert_eq!(
            (bare.status().as_u16(), bare.body().as_ref()),
            (200, br#"{"ok":1}"#.as_slice())
        );
        for bad in [
            &b"nonsense"[..],
            br#"{"statusCode":"200"}"#,
            br#"{"statusCode":99}"#,
            br#"{"statusCode":200,"isBase64Encoded":true,"body":"*"}"#,
        ] {
            assert!(response(bad).is_none(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn a_body_that_is_no_text_travels_as_base64() {
        let (parts, ()) = Request::builder()
            .header(CONTENT_TYPE, "application/json")
            .body(())
            .unwrap()
            .into_parts();
        let context = Context {
            route_key: "GET /".to_owned(),
            path_parameters: Vec::new(),
            source_ip: String::new(),
            request_id: String::new(),
            now_ms: 0,
        };
        let made = event(&parts, &Bytes::from_static(&[0xff, 0xfe]), &context);
        assert_eq!(made["isBase64Encoded"], true);
        assert_eq!(made["body"], "//4=");
        assert!(event(&parts, &Bytes::new(), &context).get("body").is_none());
    }
}
