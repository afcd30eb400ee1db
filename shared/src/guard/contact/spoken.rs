//! Addresses that are written as they are said, so that nobody finds them.

/// Endings that are taken for one even after "evil dot" or a space.
const SPOKEN: [&str; 22] = [
    "com", "net", "org", "io", "ru", "cn", "xyz", "biz", "info", "top", "site", "online", "shop", "app",
    "dev", "link", "click", "de", "it", "fr", "es", "example",
];

/// With brackets around dots and ats undone: `evil[.]com`, `me (at) evil (dot) com`.
pub(super) fn bracketed(text: &str) -> String {
    let mut out = text.replace("hxxp", "http").replace("hXXp", "http");
    for (written, meant) in [
        (".", "."),
        ("dot", "."),
        ("punkt", "."),
        ("point", "."),
        ("punto", "."),
        ("at", "@"),
        ("@", "@"),
    ] {
        for (open, close) in [('[', ']'), ('(', ')'), ('{', '}')] {
            for spaces in [" ", ""] {
                let whole = format!("{spaces}{open}{written}{close}{spaces}");
                out = out.replace(&whole, meant).replace(&whole.to_uppercase(), meant);
            }
        }
    }
    out
}

/// As it is said: "evil dot com", "evil . com", "me at evil dot com".
pub(super) fn said(text: &str) -> String {
    let spaced = text
        .replace(" . ", " dot ")
        .replace(" .", " dot ")
        .replace('\t', " ");
    let words: Vec<&str> = spaced.split(' ').filter(|word| !word.is_empty()).collect();
    let is_dot = |word: &str| matches!(word.to_lowercase().as_str(), "dot" | "punkt" | "point" | "punto");
    let is_at = |word: &str| {
        matches!(
            word.to_lowercase().as_str(),
            "at" | "arroba" | "chiocciola" | "arobase" | "klammeraffe"
        )
    };
    let ends = |word: &str| {
        let word = word.split(['/', '?']).next().unwrap_or_default();
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        SPOKEN.contains(&bare.as_str())
    };
    let mut out: Vec<String> = Vec::new();
    let mut at = 0;
    let mut joined = false;
    while let Some(word) = words.get(at) {
        let next = words.get(at + 1).copied().unwrap_or_default();
        let glued = word.strip_suffix('.').filter(|_| {
            matches!(
                next.trim_matches(|c: char| !c.is_alphanumeric())
                    .to_lowercase()
                    .as_str(),
                "com" | "net" | "org" | "io" | "ru" | "cn" | "xyz" | "biz"
            ) && next.chars().next().is_some_and(char::is_lowercase)
        });
        let is_joint = is_dot(word)
            && words
                .iter()
                .skip(at + 1)
                .step_by(2)
                .take(3)
                .any(|word| ends(word));
        if let (true, Some(last)) = (is_joint, out.last_mut()) {
            last.push('.');
            last.push_str(next);
            (joined, at) = (true, at + 2);
            // "me at evil dot com".
            let count = out.len();
            if let (Some(name), Some(before), Some(domain)) =
                (count.checked_sub(3), count.checked_sub(2), out.last().cloned())
                && out.get(before).is_some_and(|word| is_at(word))
                && let Some(name) = out.get(name).cloned()
            {
                out.truncate(count - 3);
                out.push(format!("{name}@{domain}"));
            }
        } else if let Some(stem) = glued {
            out.push(format!("{stem}.{next}"));
            (joined, at) = (true, at + 2);
        } else {
            out.push((*word).to_owned());
            at += 1;
        }
    }
    if joined { out.join(" ") } else { text.to_owned() }
}
