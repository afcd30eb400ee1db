#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use proptest::prelude::*;

#[test]
fn presets_hold_the_registers_periods() {
    let table = [
        (Preset::Hospitality, Category::Conversation, None),
        (Preset::Website, Category::Conversation, Some(365)),
        (Preset::Mail, Category::Conversation, Some(90)),
        (Preset::Hospitality, Category::AiTrace, None),
        (Preset::Website, Category::AiTrace, Some(365)),
        (Preset::Website, Category::Lead, None),
        (Preset::Website, Category::Watermark, Some(14)),
        (Preset::Website, Category::Idempotency, Some(1)),
    ];
    for (preset, category, days) in table {
        assert_eq!(
            TenantPolicy::preset(preset).days(category),
            days,
            "{preset:?} {category:?}"
        );
    }
}

#[test]
fn a_trace_follows_its_conversation() {
    let mut policy = TenantPolicy::preset(Preset::Hospitality);
    policy.choose(Category::Conversation, 30).unwrap();
    assert_eq!(policy.days(Category::AiTrace), Some(30));
}

#[test]
fn a_period_outside_its_bounds_is_refused_and_names_the_bound() {
    let mut policy = TenantPolicy::preset(Preset::Website);
    let error = policy.choose(Category::Conversation, 366).unwrap_err();
    assert_eq!(error.to_string(), "must be at least 1 days and at most 365");
    assert_eq!(
        policy.choose(Category::Conversation, 0).unwrap_err().to_string(),
        error.to_string()
    );
    assert_eq!(policy.choose(Category::Idempotency, 2), Err(PolicyError::Fixed));
    assert_eq!(policy, TenantPolicy::preset(Preset::Website));
}

#[test]
fn a_stamp_is_never_before_the_end_under_any_policy_that_is_allowed() {
    let anchor = Timestamp::from_millis(1_790_000_000_000);
    for preset in [Preset::Hospitality, Preset::Website, Preset::Mail] {
        for category in Category::ALL {
            let mut policy = TenantPolicy::preset(preset);
            let stamp = policy.stamp(category, anchor);
            let mut ends = vec![policy.expiry(category, anchor)];
            for days in [1, 30, 90, 365, 3650] {
                if policy.choose(category, days).is_ok() {
                    assert_eq!(
                        policy.stamp(category, anchor),
                        stamp,
                        "the choice changes no stamp"
                    );
                    ends.push(policy.expiry(category, anchor));
                }
            }
            // No end is later than any: `None` is the life of the account.
            let late = |end: &Option<Timestamp>| end.is_none_or(|end| stamp.is_some_and(|stamp| end > stamp));
            assert!(
                stamp.is_none() || !ends.iter().any(late),
                "{preset:?} {category:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn expired_exactly_from_the_expiry_on(days in 1_u32..=365, anchor in 0_i64..(1 << 42), offset in -1_000_i64..1_000) {
        let mut policy = TenantPolicy::preset(Preset::Website);
        policy.choose(Category::Conversation, days).unwrap();
        let anchor = Timestamp::from_millis(anchor);
        let end = policy.expiry(Category::Conversation, anchor).unwrap();
        let now = Timestamp::from_millis(end.millis() + offset);
        prop_assert_eq!(policy.is_expired(Category::Conversation, anchor, now), offset >= 0);
    }
}

fn channel(number: u8) -> ChannelId {
    ChannelId::derived(Timestamp::from_millis(1_790_000_000_000), [number; 10])
}

fn day(number: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + number * 86_400_000)
}

fn course(last_activity: i64, event: Option<i64>) -> Course {
    Course {
        channel: channel(1),
        last_activity: day(last_activity),
        closed: false,
        event_at: event.map(day),
    }
}

fn anchored(preset: Preset, anchor: Anchor, days: u32) -> TenantPolicy {
    let mut policy = TenantPolicy::preset(preset);
    policy.anchor_at(anchor);
    policy.choose(Category::Conversation, days).unwrap();
    policy
}

#[test]
fn a_policy_from_before_there_was_more_to_choose_reads_and_writes_as_it_was() {
    let text = r#"{"preset":"website","overrides":{"conversation":30}}"#;
    let policy: TenantPolicy = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&policy).unwrap(), text);
    assert_eq!(policy.cooling_off_hours(), 72);
    let mut chosen = policy;
    chosen.choose_for(channel(1), 7).unwrap();
    chosen.anchor_at(Anchor::EventDate);
    chosen.cool_off(24).unwrap();
    let whole = chosen
        .clone()
        .followed_by(TenantPolicy::preset(Preset::Website), day(3));
    let read: TenantPolicy = serde_json::from_value(serde_json::to_value(&whole).unwrap()).unwrap();
    assert_eq!(read, whole);
}

#[test]
fn a_weddings_conversation_is_kept_until_days_after_the_wedding() {
    let policy = anchored(Preset::Hospitality, Anchor::EventDate, 30);
    let wedding = course(10, Some(200));
    assert!(!policy.has_ended_in(&wedding, day(0), day(229)));
    assert!(policy.has_ended_in(&wedding, day(0), day(230)));
    // What was written after it has its full period.
    assert!(!policy.has_ended_in(&wedding, day(215), day(244)));
    // Nobody set a day: it counts from the last activity.
    assert_eq!(policy.end_in(&course(10, None), day(0), day(20)), Some(day(40)));
}

#[test]
fn no_anchor_outlasts_what_the_platform_promises_at_most() {
    for anchor in [Anchor::LastActivity, Anchor::Closed, Anchor::EventDate] {
        let policy = anchored(Preset::Website, anchor, 365);
        let long = course(300, Some(5_000));
        assert!(!policy.has_ended_in(&long, day(0), day(364)), "{anchor:?}");
        assert!(policy.has_ended_in(&long, day(0), day(365)), "{anchor:?}");
    }
}

#[test]
fn what_is_closed_counts_from_the_closing_and_what_is_not_does_not_count() {
    let policy = anchored(Preset::Hospitality, Anchor::Closed, 30);
    let open = course(10, None);
    assert!(!policy.has_ended_in(&open, day(0), day(5_000)));
    let closed = Course { closed: true, ..open };
    assert_eq!(policy.end_in(&closed, day(0), day(5_000)), Some(day(40)));
}

#[test]
fn a_channel_may_be_shorter_or_longer_than_its_tenant_within_the_bounds() {
    let mut policy = TenantPolicy::preset(Preset::Website);
    policy.choose(Category::Conversation, 90).unwrap();
    policy.choose_for(channel(1), 7).unwrap();
    policy.choose_for(channel(2), 365).unwrap();
    assert!(policy.choose_for(channel(3), 366).is_err());
    let days = |number| policy.days_on(channel(number));
    assert_eq!((days(1), days(2), days(3)), (Some(7), Some(365), Some(90)));
    for category in [Category::Conversation, Category::AiTrace, Category::Attachment] {
        assert_eq!(policy.shortest(category), Some(7), "{category:?}");
        assert!(policy.depends_on_course(category), "{category:?}");
    }
    assert_eq!(policy.shortest(Category::Lead), None);
    assert!(!policy.depends_on_course(Category::Lead));
}

#[test]
fn what_waits_takes_effect_by_the_clock_and_not_before() {
    let old = TenantPolicy::preset(Preset::Website);
    let mut next = old.clone();
    next.choose(Category::Conversation, 30).unwrap();
    let stored = old.clone().followed_by(next, day(3));
    assert_eq!(
        stored.clone().in_force(day(2)).days(Category::Conversation),
        Some(365)
    );
    let later = stored.in_force(day(3));
    assert_eq!(later.days(Category::Conversation), Some(30));
    assert_eq!((later.version(), later.pending()), (1, None));
}

#[test]
fn what_shortens_anything_is_told_from_what_does_not() {
    let base = TenantPolicy::preset(Preset::Hospitality);
    let with = |change: &dyn Fn(&mut TenantPolicy)| {
        let mut policy = base.clone();
        change(&mut policy);
        policy
    };
    let days = with(&|p| p.choose(Category::Conversation, 30).unwrap());
    let one = with(&|p| p.choose_for(channel(1), 30).unwrap());
    let event = with(&|p| {
        p.choose(Category::Conversation, 30).unwrap();
        p.anchor_at(Anchor::EventDate);
    });
    let quick = with(&|p| p.cool_off(24).unwrap());
    for (old, new, shortened) in [
        (&base, &base, false),
        (&base, &days, true),
        (&days, &base, false),
        (&base, &one, true),
        (&one, &base, false),
        (&days, &event, false),
        (&event, &days, true),
        (&base, &quick, true),
        (&quick, &base, false),
    ] {
        assert_eq!(old.is_shortened_by(new), shortened, "{old:?} -> {new:?}");
    }
    // A longer channel that goes back to its tenant's shorter period is shortened too.
    let mut longer = days.clone();
    longer.choose_for(channel(1), 60).unwrap();
    assert!(longer.is_shortened_by(&days));
    assert!(base.clone().cool_off(23).is_err() && base.clone().cool_off(721).is_err());
}

proptest! {
    #[test]
    fn a_row_is_ended_exactly_up_to_the_time_that_is_told(
        days in 1_u32..=365, anchor in proptest::sample::select(vec![Anchor::Created, Anchor::LastActivity, Anchor::Closed, Anchor::EventDate]), preset in proptest::sample::select(vec![Preset::Hospitality, Preset::Website]), last in 0_i64..400,
        event in proptest::option::of(0_i64..800), closed: bool, own in 0_i64..400, now in 0_i64..1_200,
    ) {
        let policy = anchored(preset, anchor, days);
        let course = Course { closed, ..course(last, event) };
        let (own, now) = (day(own), day(now));
        let ended = policy.has_ended_in(&course, own, now);
        let until = policy.ended_until(&course, now);
        prop_assert_eq!(ended, until.is_some_and(|until| own <= until));
        // Nothing is ended that is not past the shortest period, nor removed by its stamp before it is ended.
        prop_assert!(!ended || policy.may_have_ended(Category::Conversation, own, now));
        if let (Some(end), Some(stamp)) = (policy.end_in(&course, own, now), policy.stamp(Category::Conversation, own)) {
            prop_assert!(end <= stamp);
        }
    }
}
