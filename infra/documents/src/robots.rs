//! `robots.txt`, as RFC 9309 reads it.

/// The name that rules may be addressed to.
pub const NAME: &str = "usher";
/// More of a file is not read: RFC 9309 asks for 500 KiB at least.
pub const LARGEST: u64 = 512 * 1024;
/// More rules are not kept.
const MOST_RULES: usize = 2_000;

/// What a site allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<(bool, String)>);

impl Rules {
    /// Nothing may be read: the file could not be had.
    pub fn nothing() -> Self {
        Self(vec![(false, "/".to_owned())])
    }

    /// The rules for us: those of every group that names us, or else those for everybody.
    pub fn parse(text: &str) -> Self {
        let (mut ours, mut everybodys) = (Vec::new(), Vec::new());
        let (mut for_us, mut for_all, mut named, mut in_rules) = (false, false, false, false);
        for line in text.trim_start_matches('\u{feff}').lines() {
            let line = line.split('#').next().unwrap_or_default();
            let Some((field, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            match field.trim().to_ascii_lowercase().as_str() {
                "user-agent" => {
                    // Names that follow each other share what follows them.
                    if std::mem::take(&mut in_rules) {
                        (for_us, for_all) = (false, false);
                    }
                    let name: String = value
                        .chars()
                        .take_while(|c| c.is_ascii_alphabetic() || matches!(c, '-' | '_'))
                        .collect();
                    for_us |= name.eq_ignore_ascii_case(NAME);
                    for_all |= value == "*";
                    named |= for_us;
                }
                field @ ("allow" | "disallow") => {
                    in_rules = true;
                    let rule = || (field == "allow", value.to_owned());
                    // An empty one says nothing.
                    if value.is_empty() || ours.len() + everybodys.len() >= MOST_RULES {
                        continue;
                    }
                    if for_us {
                        ours.push(rule());
                    }
                    if for_all {
                        everybodys.push(rule());
                    }
                }
                _ => {}
            }
        }
        Self(if named { ours } else { everybodys })
    }

    /// Whether a path, with its query, may be read: the longest rule that matches decides, an allowing one before a
    /// forbidding one.
    pub fn allow(&self, path: &str) -> bool {
        let matching = self.0.iter().filter(|(_, rule)| matches(rule, path));
        let longest = matching.max_by_key(|(allows, rule)| (rule.len(), *allows));
        longest.is_none_or(|(allows, _)| *allows)
    }
}

/// Whether a rule matches: from the start, `*` any characters, `$` at its end the end.
fn matches(rule: &str, path: &str) -> bool {
    let (rule, whole) = rule.strip_suffix('$').map_or((rule, false), |rule| (rule, true));
    let mut pieces = rule.split('*');
    let Some(mut rest) = path.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return !whole || rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if whole && pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        // The earliest place leaves the most for what follows.
        let Some(at) = rest.find(piece) else { return false };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rule_decides() {
        let rules = Rules::parse(
            "User-agent: *\nDisallow: /admin\nAllow: /admin/menu\nDisallow: /*.pdf$\nDisallow: /a/*/b\nDisallow:\n",
        );
        for (path, allowed) in [
            ("/", true),
            ("/admin", false),
            ("/administration", false),
            ("/admin/menu", true),
            ("/menu.pdf", false),
            ("/menu.pdf?x", true),
            ("/a/b", true),
            ("/a/x/b", false),
            ("/a/x/y/bc", false),
        ] {
            assert_eq!(rules.allow(path), allowed, "{path}");
        }
        let equal = Rules::parse("User-agent: *\nDisallow: /a\nAllow: /a");
        assert!(equal.allow("/a"));
    }

    #[test]
    fn a_group_that_names_us_counts_alone() {
        let text = "User-agent: *\nDisallow: /\n\nUser-agent: other\nUser-agent: Usher/2.0 # us\nDisallow: /private\n\
                    \nUser-agent: usher\nDisallow: /drafts\nSitemap: https://a.example/s.xml\n";
        let rules = Rules::parse(text);
        assert!(rules.allow("/menu"));
        assert!(!rules.allow("/private/x") && !rules.allow("/drafts"));
        // To be named is enough, even with nothing forbidden.
        assert!(Rules::parse("User-agent: *\nDisallow: /\nUser-agent: usher\nDisallow:").allow("/x"));
        assert!(!Rules::parse("User-agent: ushering\nDisallow: /a\nUser-agent: *\nDisallow: /").allow("/x"));
    }

    #[test]
    fn no_file_allows_all_and_none_to_be_had_nothing() {
        assert!(Rules::parse("").allow("/x"));
        assert!(Rules::parse("<html>not found</html>").allow("/x"));
        assert!(!Rules::nothing().allow("/x"));
    }

    #[test]
    fn stars_take_no_time() {
        let rules = Rules::parse(&format!("User-agent: *\nDisallow: /{}b$", "*a".repeat(1_000)));
        assert!(rules.allow(&format!("/{}", "a".repeat(8_000))));
    }
}
