//! Under which ids a person is known: an app knows them by one id, each page by another. Meta's callbacks about people
//! carry the first, messages the second, and Meta maps one to the other for pages of the app's own business.

use super::account::{Refusal, read};
use super::json;
use super::send::segment;
use crate::call::{Answer, Call, Endpoints, Method};
use crate::signature::meta::appsecret_proof;

/// Ids asked for at once.
const PAGE: &str = "100";

/// A person as a page knows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Known {
    /// The page's id.
    pub page: String,
    /// The person's id there.
    pub person: String,
}

/// What Meta says of a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// Pages that know them.
    pub known: Vec<Known>,
    /// Where the list goes on, if it does.
    pub after: Option<String>,
}

/// Which pages know somebody whom an app knows as `person`, and as whom? Answered to [`known`]. Nothing where the app's
/// own id is not configured: the question is the app's, not a channel's.
pub fn ask_known(endpoints: &Endpoints, app: usize, person: &str, after: Option<&str>) -> Option<Call> {
    let (id, secret) = (endpoints.app_ids.get(app)?, endpoints.app_secrets.get(app)?);
    let token = format!("{id}|{secret}");
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("fields", "id,page").append_pair("limit", PAGE);
    if let Some(after) = after {
        query.append_pair("after", after);
    }
    query.append_pair("appsecret_proof", &appsecret_proof(secret, &token));
    Some(Call {
        method: Method::Get,
        url: format!(
            "{}/{}/ids_for_pages?{}",
            endpoints.graph,
            segment(person),
            query.finish()
        ),
        // In a header, where no log of addresses sees it: it holds the secret itself.
        headers: vec![("authorization", format!("Bearer {token}"))],
        body: Vec::new(),
    })
}

/// Reads the answer to [`ask_known`].
///
/// # Errors
/// If there is none. `Refused`: the app does not know such a person, or never did.
pub fn known(answer: &Answer) -> Result<Found, Refusal> {
    let body = read(answer)?;
    let entries = json::list(&body, "/data").iter();
    let known = entries.filter_map(|entry| {
        Some(Known {
            page: json::id(entry, "/page/id")?,
            person: json::id(entry, "/id")?,
        })
    });
    let more = json::text(&body, "/paging/next").is_some();
    let after = json::text(&body, "/paging/cursors/after").filter(|_| more);
    Ok(Found {
        known: known.collect(),
        after: after.map(str::to_owned),
    })
}

macro_rules! redacted {
    ($($type:ident),*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($type), "(..)"))
            }
        }
    )*};
}
redacted!(Known, Found);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;

    fn endpoints() -> Endpoints {
        Endpoints {
            graph: "https://g".to_owned(),
            app_ids: vec!["15177".to_owned()],
            app_secrets: vec!["secret".to_owned(), "older".to_owned()],
            ..Endpoints::default()
        }
    }

    fn answered(status: u16, body: &Value) -> Answer {
        Answer {
            status,
            retry_after: None,
            body: body.to_string().into_bytes(),
        }
    }

    #[test]
    fn p_del_05_the_question_is_the_apps_own_and_no_address_holds_its_secret() {
        let call = ask_known(&endpoints(), 0, "120/8", Some("c&")).unwrap();
        let proof = appsecret_proof("secret", "15177|secret");
        let url = format!(
            "https://g/120%2F8/ids_for_pages?fields=id%2Cpage&limit=100&after=c%26&appsecret_proof={proof}"
        );
        assert_eq!(call.url, url);
        assert_eq!(
            call.headers,
            [("authorization", "Bearer 15177|secret".to_owned())]
        );
        assert!(!call.url.contains("secret&") && !call.url.contains("15177"));
        // The second secret has no app beside it.
        assert!(ask_known(&endpoints(), 1, "1208", None).is_none());
        assert!(ask_known(&Endpoints::default(), 0, "1208", None).is_none());
    }

    #[test]
    fn p_del_05_pages_and_people_are_read_and_what_is_strange_is_left_out() {
        let body = json!({
            "data": [
                {"id": "7001", "page": {"id": "102", "name": "Lake Hall"}},
                {"id": 7002, "page": {"id": 103}},
                {"id": "7003"},
                {"page": {"id": "104"}},
                "7005",
            ],
            "paging": {"cursors": {"after": "QVFI"}, "next": "https://g/next"},
        });
        let found = known(&answered(200, &body)).unwrap();
        let known_as: Vec<_> = found.known.iter().map(|k| (&*k.page, &*k.person)).collect();
        assert_eq!(known_as, [("102", "7001"), ("103", "7002")]);
        assert_eq!(found.after.as_deref(), Some("QVFI"));
        let last = json!({"data": [], "paging": {"cursors": {"after": "QVFI"}}});
        assert!(known(&answered(200, &last)).unwrap().after.is_none());
    }

    #[test]
    fn somebody_whom_nobody_knows_is_told_apart_from_a_platform_that_is_down() {
        let unknown =
            json!({"error": {"message": "Unsupported get request", "code": 100, "error_subcode": 33}});
        assert!(matches!(
            known(&answered(400, &unknown)),
            Err(Refusal::Refused { code: 100 })
        ));
        let down = json!({"error": {"message": "Service unavailable", "code": 2, "is_transient": true}});
        assert!(matches!(
            known(&answered(503, &down)),
            Err(Refusal::NotNow { .. })
        ));
        assert!(matches!(
            known(&answered(502, &Value::Null)),
            Err(Refusal::NotNow { .. })
        ));
    }
}
