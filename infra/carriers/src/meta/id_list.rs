//! Lists of people whose data is to be deleted, as Meta mails them: a table of ids, with or without a line of names above.
//! Read as a whole or not at all, so that nobody is left out by a line that nobody understood.

/// Bytes that a list may have.
pub const LONGEST: usize = 64 * 1024;
/// People that a list may name.
pub const MOST: usize = 500;
/// Characters of an id.
const LONGEST_ID: usize = 128;
/// Columns that are looked at in a line.
const COLUMNS: usize = 16;

/// Somebody on a list.
#[derive(Clone, PartialEq, Eq)]
pub struct Listed {
    /// The line, from 1.
    pub line: usize,
    /// The person's id: app-scoped, or as a page knows them.
    pub person: String,
    /// The page that knows them, where it is named.
    pub page: Option<String>,
}

impl std::fmt::Debug for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listed({})", self.line)
    }
}

/// What is wrong with a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The line, from 1.
    pub line: usize,
    /// Which column, or `line`.
    pub field: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Names of the column with people, as Meta and its partners write them.
const PEOPLE: [&str; 7] = [
    "user_id",
    "userid",
    "id",
    "app_scoped_user_id",
    "app_scoped_id",
    "asid",
    "psid",
];
/// Names of the column with pages.
const PAGES: [&str; 3] = ["page_id", "pageid", "page"];

/// Reads a list.
///
/// # Errors
/// Everything that is wrong with it, line by line.
pub fn read(bytes: &[u8]) -> Result<Vec<Listed>, Vec<Wrong>> {
    let whole = |why| {
        vec![Wrong {
            line: 1,
            field: "line",
            why,
        }]
    };
    if bytes.len() > LONGEST {
        return Err(whole("the list is larger than what is taken"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| whole("the list is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line));
    let mut lines = lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| (number, cells(line)))
        .peekable();
    let (mut people, mut pages) = (0, None);
    if let Some((_, head)) = lines.peek()
        && let Some(found) = column(head, &PEOPLE)
    {
        (people, pages) = (found, column(head, &PAGES));
        lines.next();
    }
    let (mut listed, mut wrong): (Vec<Listed>, Vec<Wrong>) = (Vec::new(), Vec::new());
    for (line, cells) in lines {
        let person = cells.get(people).map(|cell| id(cell));
        let page = pages.map(|column| cells.get(column).map(|cell| id(cell)));
        match (person, page) {
            (Some(Some(person)), None) => listed.push(Listed {
                line,
                person,
                page: None,
            }),
            (Some(Some(person)), Some(Some(Some(page)))) => listed.push(Listed {
                line,
                person,
                page: Some(page),
            }),
            (Some(Some(_)), Some(_)) => wrong.push(Wrong {
                line,
                field: "page_id",
                why: "must be an id: 1 to 128 letters, digits, hyphens or underscores",
            }),
            _ => wrong.push(Wrong {
                line,
                field: "user_id",
                why: "must be an id: 1 to 128 letters, digits, hyphens or underscores",
            }),
        }
        if listed.len() + wrong.len() > MOST {
            wrong.push(Wrong {
                line,
                field: "line",
                why: "a list may name 500 people: send the rest as a list of its own",
            });
            break;
        }
    }
    if wrong.is_empty() && listed.is_empty() {
        return Err(whole("the list names nobody"));
    }
    if wrong.is_empty() { Ok(listed) } else { Err(wrong) }
}

/// The cells of a line. Ids hold neither commas nor quotes, so no cell has to be unfolded.
fn cells(line: &str) -> Vec<&str> {
    line.split([',', ';', '\t'])
        .take(COLUMNS)
        .map(|cell| cell.trim().trim_matches('"').trim())
        .collect()
}

fn column(head: &[&str], names: &[&str]) -> Option<usize> {
    head.iter().position(|cell| {
        let name = cell.to_ascii_lowercase().replace([' ', '-'], "_");
        names.contains(&name.as_str())
    })
}

fn id(cell: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_id = !cell.is_empty() && cell.len() <= LONGEST_ID && cell.bytes().all(plain);
    is_id.then(|| cell.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn people(list: &str) -> Vec<(usize, String, Option<String>)> {
        let listed = read(list.as_bytes()).unwrap().into_iter();
        listed.map(|one| (one.line, one.person, one.page)).collect()
    }

    fn wrong(list: &str) -> Vec<(usize, &'static str)> {
        let wrong = read(list.as_bytes()).unwrap_err();
        wrong.iter().map(|wrong| (wrong.line, wrong.field)).collect()
    }

    fn one(line: usize, person: &str, page: Option<&str>) -> (usize, String, Option<String>) {
        (line, person.to_owned(), page.map(str::to_owned))
    }

    #[test]
    fn p_del_05_lists_are_read_with_and_without_names_of_columns() {
        for list in [
            "1208\n1209\n",
            "user_id\r\n1208\r\n1209",
            "\u{feff}\"User ID\"\n\"1208\"\n\n1209",
        ] {
            let ids: Vec<String> = people(list).into_iter().map(|(_, person, _)| person).collect();
            assert_eq!(ids, ["1208", "1209"], "{list:?}");
        }
        assert_eq!(
            people("App,Page ID;user id\nx, 102 ;1208\n"),
            [one(2, "1208", Some("102"))]
        );
        assert_eq!(people("1208,whatever,else"), [one(1, "1208", None)]);
    }

    #[test]
    fn p_del_05_what_is_wrong_is_named_by_line_and_field_and_nothing_is_read_then() {
        assert_eq!(
            wrong("user_id\n1208\nme/accounts\n\n,\n1209"),
            [(3, "user_id"), (5, "user_id")]
        );
        assert_eq!(
            wrong("user_id,page_id\n1208,10 2\n1209\n"),
            [(2, "page_id"), (3, "page_id")]
        );
        assert_eq!(wrong(""), [(1, "line")]);
        assert_eq!(wrong("user_id\n"), [(1, "line")]);
        assert_eq!(wrong(&"1208\n".repeat(MOST + 1)), [(MOST + 1, "line")]);
        assert_eq!(people(&"1208\n".repeat(MOST)).len(), MOST);
        assert_eq!(wrong(&"1".repeat(LONGEST + 1)), [(1, "line")]);
        assert!(read(&[0xff, 0xfe]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_list_is_judged_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _judged = read(&bytes);
        }
    }
}
