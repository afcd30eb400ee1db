//! The page itself: one column that fits a narrow phone, readable without styles, scripts or pictures.

use std::fmt::Write as _;

use usher_aws::http::words::Time;

use super::StatusView;

const STYLE: &str = "body{font:1.05rem/1.5 system-ui,sans-serif;max-width:38rem;margin:0 auto;padding:1rem;\
color:#1a1a1a;background:#fff;overflow-wrap:anywhere}h1{font-size:1.4rem;line-height:1.25}h2{font-size:1.1rem;\
margin-top:1.6rem}dt{font-weight:600;margin-top:.6rem}dd{margin:0}a{color:#0b57d0}.state{border-left:.3rem solid \
#0b57d0;padding:.2rem .8rem}@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}a{color:#8ab4f8}\
.state{border-color:#8ab4f8}}";

/// The page. Every text in it is escaped, also our own.
pub(super) fn page(view: &StatusView) -> String {
    let title = match view.kind {
        Some(kind) => format!("Privacy request: {kind}"),
        None => "Privacy request".to_owned(),
    };
    let mut main = String::new();
    add(&mut main, "h1", &title);
    if let Some(business) = &view.business {
        add(&mut main, "p", &format!("To {business}"));
    }
    let state = view.state.replace('_', " ");
    let _infallible = write!(
        main,
        "<div class=\"state\" role=\"status\"><p><strong>{}</strong></p><p>{}</p></div>",
        escape(&state),
        escape(&view.summary)
    );
    if let Some(reason) = &view.reason {
        add(&mut main, "h2", "Reason");
        add(&mut main, "p", reason);
    }
    if let Some(next) = &view.what_next {
        add(&mut main, "h2", "What you can do");
        add(&mut main, "p", next);
    }
    if let Some(steps) = &view.progress {
        add(&mut main, "h2", "How far it has come");
        main.push_str("<dl>");
        let deletion = view.kind == Some("deletion");
        term(&mut main, "Asked", Some(steps.requested_at));
        term(&mut main, "Confirmed to be yours", steps.confirmed_at);
        if deletion {
            term(&mut main, "Unreadable for everybody", steps.unreadable_at);
            term(&mut main, "Removed", steps.removed_at);
            term(
                &mut main,
                "Looked for again, and nothing found",
                steps.verified_at,
            );
            let backups = if steps.out_of_backups {
                "Out of all backups since"
            } else {
                "Out of all backups on"
            };
            term(&mut main, backups, steps.out_of_backups_at);
        }
        term(&mut main, "Over", view.ended_at);
        if let Some(left) = view.days_left {
            term(&mut main, "Answered at the latest", view.due_at);
            let days = match left {
                1 => "1 day left".to_owned(),
                left if left < 0 => "Overdue".to_owned(),
                left => format!("{left} days left"),
            };
            add(&mut main, "dd", &days);
        }
        main.push_str("</dl>");
    }
    if !view.stays.is_empty() {
        add(&mut main, "h2", "What stays, and why");
        main.push_str("<dl>");
        for stays in &view.stays {
            add(&mut main, "dt", stays.what);
            add(&mut main, "dd", stays.why);
        }
        main.push_str("</dl>");
    }
    if let Some(url) = &view.receipt_url {
        let _infallible = write!(main, "<p><a href=\"{}\">Signed receipt</a></p>", escape(url));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\"><title>{}</title>\
         <style>{STYLE}</style></head><body><main>{main}</main></body></html>\n",
        escape(&title)
    )
}

fn add(to: &mut String, element: &str, text: &str) {
    let _infallible = write!(to, "<{element}>{}</{element}>", escape(text));
}

/// A step with its time; one that has not come yet is not shown.
fn term(to: &mut String, name: &str, at: Option<Time>) {
    let Some(Time(at)) = at else { return };
    let machine = at.to_string();
    let day = machine.get(..10).unwrap_or(&machine);
    let minute = machine.get(11..16).unwrap_or_default();
    let _infallible = write!(
        to,
        "<dt>{}</dt><dd><time datetime=\"{machine}\">{day}, {minute} UTC</time></dd>",
        escape(name)
    );
}

/// A text as HTML shows it, in elements and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
