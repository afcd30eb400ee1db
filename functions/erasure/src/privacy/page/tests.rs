#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use usher_shared::ids::{LeadId, PrivacyRequestId};
use usher_shared::privacy::{RequestCounts, RequestSource, due_at};

use super::*;

fn now() -> Timestamp {
    "2026-03-10T08:00:00Z".parse().unwrap()
}

fn request(kind: RequestKind, subject: RequestSubject, state: RequestState) -> PrivacyRequest {
    PrivacyRequest {
        id: PrivacyRequestId::derived(now(), [1; 10]).into(),
        kind: kind.into(),
        subject: subject.into(),
        source: RequestSource::Mail.into(),
        state: state.into(),
        created_at: now().into(),
        updated_at: now().into(),
        due_at: due_at(now()).into(),
        confirmed_at: None.into(),
        begun_at: None.into(),
        unreadable_at: None.into(),
        removed_at: None.into(),
        verified_at: None.into(),
        ended_at: None.into(),
        told_at: None.into(),
        duplicate_of: None.into(),
        requested_by: None.into(),
        ended_by: None.into(),
        erasures: Vec::new().into(),
        counts: RequestCounts::default().into(),
        notes: Some("a note of the tenant's own".to_owned()).into(),
        reason: None.into(),
    }
}

fn lead() -> RequestSubject {
    RequestSubject::Lead {
        lead: LeadId::derived(now(), [2; 10]),
    }
}

fn shown(request: &PrivacyRequest, at: Timestamp) -> StatusView {
    status_of(
        request,
        None,
        "Venue <b>",
        at,
        "https://usher.example/r".to_owned(),
    )
}

#[test]
fn what_is_not_confirmed_says_nothing_of_anybody_being_known() {
    let known = request(RequestKind::Deletion, lead(), RequestState::IdentityUnverified);
    let nobody = request(
        RequestKind::Deletion,
        RequestSubject::Nobody,
        RequestState::IdentityUnverified,
    );
    let told = |request| serde_json::to_value(shown(&request, now())).unwrap();
    assert_eq!(
        told(known.clone()),
        told(nobody.clone()),
        "the same, whoever it is about"
    );
    assert_eq!(
        html::page(&shown(&known, now())),
        html::page(&shown(&nobody, now()))
    );
    assert_eq!(told(known)["about"], serde_json::Value::Null);
}

#[test]
fn p_del_10_whoever_was_not_found_is_told_so_and_what_to_try() {
    let view = shown(
        &request(
            RequestKind::Deletion,
            RequestSubject::Nobody,
            RequestState::Complete,
        ),
        now(),
    );
    assert!(view.summary.contains("Nothing was found"));
    assert!(view.what_next.as_deref().unwrap().contains("delete my data"));
    assert!(view.counts.is_none() && view.stays.is_empty());
}

#[test]
fn p_del_08_backups_have_forgotten_thirty_days_after_the_removal() {
    let mut done = request(RequestKind::Deletion, lead(), RequestState::Complete);
    done.removed_at = Some(now()).into();
    let horizon = now().plus_days(30);
    for (at, out) in [(now(), false), (horizon.minus_days(1), false), (horizon, true)] {
        let steps = serde_json::to_value(shown(&done, at).progress.unwrap()).unwrap();
        assert_eq!(steps["out_of_backups_at"], "2026-04-09T08:00:00.000Z");
        assert_eq!(steps["out_of_backups"], out, "{at}");
    }
    assert!(
        html::page(&shown(&done, now()))
            .contains("Out of all backups on</dt><dd><time datetime=\"2026-04-09")
    );
    assert!(html::page(&shown(&done, horizon)).contains("Out of all backups since"));
}

#[test]
fn p_del_11_what_stays_is_named_with_its_reason() {
    let subjects = [lead(), RequestSubject::Content, RequestSubject::Account];
    for subject in subjects {
        let done = request(RequestKind::Deletion, subject, RequestState::Complete);
        let view = shown(&done, now());
        for stays in &view.stays {
            assert!(stays.why.len() > 20, "{}", stays.what);
        }
        let named: Vec<_> = view.stays.iter().map(|stays| stays.what).collect();
        assert!(
            named.contains(&"security log") && named.contains(&"figures"),
            "{named:?}"
        );
        assert!(named.contains(&"suppressions"));
        assert_eq!(
            named.contains(&"billing records"),
            subject == RequestSubject::Account
        );
    }
    let message = RequestSubject::Message {
        conversation: usher_shared::ids::ConversationId::derived(now(), [3; 10]),
        message: usher_shared::ids::MessageId::derived(now(), [4; 10]),
    };
    let view = shown(
        &request(RequestKind::Deletion, message, RequestState::Complete),
        now(),
    );
    assert!(
        view.stays.iter().any(|stays| stays.what.contains("backups")),
        "its key stays, and that is said"
    );
}

#[test]
fn the_page_escapes_what_others_wrote_and_runs_nothing() {
    let mut denied = request(RequestKind::Deletion, lead(), RequestState::Denied);
    denied.reason = Some("<script>alert('x')</script> \"quoted\" & more".to_owned()).into();
    let page = html::page(&shown(&denied, now()));
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &quot;quoted&quot; &amp; more"));
    assert!(page.contains("To Venue &lt;b&gt;"));
    assert!(
        !page.contains("a note of the tenant's own"),
        "notes are the tenant's"
    );
    assert!(page.contains("<html lang=\"en\">") && page.contains("width=device-width"));
}

#[test]
fn p_rgt_06_the_clock_shows_while_a_request_is_open() {
    let open = request(RequestKind::Access, lead(), RequestState::InProcessing);
    assert_eq!(shown(&open, now()).days_left, Some(30));
    assert!(html::page(&shown(&open, now().plus_days(29))).contains("1 day left"));
    assert!(html::page(&shown(&open, now().plus_days(31))).contains("Overdue"));
    let over = request(RequestKind::Access, lead(), RequestState::Complete);
    assert_eq!(shown(&over, now()).days_left, None);
}

#[test]
fn an_unknown_code_has_the_shape_of_a_known_one() {
    let keys = |view: StatusView| {
        let value = serde_json::to_value(view).unwrap();
        value.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let known = shown(
        &request(RequestKind::Deletion, lead(), RequestState::Pending),
        now(),
    );
    assert_eq!(keys(unknown()), keys(known));
}
