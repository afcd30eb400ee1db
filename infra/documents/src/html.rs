//! HTML to Markdown: what a reader would read, with its headings, lists and tables. Reads tokens and keeps no tree, so
//! that its work grows with the page alone, however deep that is nested.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use crate::table;
use crate::tame::tame;

/// More of a page is not written down; whoever counts the text refuses it.
const MOST: usize = 2 * crate::MOST_TEXT;
const MOST_LINKS: usize = 500;
const MOST_CELLS: usize = 50_000;

/// Elements whose content nobody reads, or that stand on every page of a site.
const UNREAD: [&str; 14] = [
    "script", "style", "noscript", "template", "iframe", "object", "svg", "math", "select", "button", "form",
    "textarea", "nav", "dialog",
];
/// Elements that end a line.
const BLOCKS: &str =
    "p div section article main header footer aside address blockquote pre ul ol dl dd figure figcaption
details fieldset hr br body";

/// What a page says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What its window is called.
    pub title: String,
    /// Its text as Markdown.
    pub body: String,
    /// Where it leads, as it says it.
    pub links: Vec<String>,
    /// What its links are relative to, if it says so.
    pub base: Option<String>,
    /// It asks not to be kept.
    pub no_index: bool,
    /// It asks that its links be not followed.
    pub no_follow: bool,
}

impl Page {
    /// The text under a heading: its own, or what its window is called.
    pub fn text(&self) -> String {
        let titled = self.body.starts_with("# ") || self.body.contains("\n# ") || self.title.is_empty();
        if titled {
            return self.body.clone();
        }
        format!("# {}\n\n{}", self.title, self.body)
    }
}

/// Reads a page.
pub fn page(html: &str) -> Page {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(&tame(html)));
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    // Scripts are not run: the tokenizer goes on after each.
    while !input.is_empty() {
        let _script = tokenizer.feed(&input);
    }
    tokenizer.end();
    tokenizer.sink.0.into_inner().finish()
}

#[derive(Default)]
struct Sink(RefCell<Reader>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut reader = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) => return reader.tag(&tag),
            Token::CharacterTokens(text) => reader.text(&text),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// A page being read.
#[derive(Default)]
struct Reader {
    page: Page,
    /// The line being filled, and what stands before it.
    line: String,
    mark: String,
    in_title: bool,
    /// The element that is passed over, and how often it is open.
    unread: Option<(String, usize)>,
    table: Option<Table>,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    cells: usize,
    named: bool,
}

impl Reader {
    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        let opens = tag.kind == TagKind::StartTag;
        if let Some((unread, open)) = &mut self.unread {
            if name == unread {
                *open = if opens { *open + 1 } else { *open - 1 };
                if *open == 0 {
                    self.unread = None;
                }
            }
            return Self::raw(name, opens);
        }
        if opens && UNREAD.contains(&name) && !(tag.self_closing && name == "svg") {
            self.unread = Some((name.to_owned(), 1));
            return Self::raw(name, opens);
        }
        match name {
            "title" if self.page.title.is_empty() || !opens => self.in_title = opens,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.end_line();
                let level = name.trim_start_matches('h').parse().unwrap_or(1);
                self.begin(opens, &format!("{} ", "#".repeat(level)));
            }
            // A question that unfolds, and a term: headings of what follows them.
            "summary" | "dt" => {
                self.end_line();
                self.begin(opens, "###### ");
            }
            "li" => {
                self.end_line();
                self.begin(opens, "- ");
            }
            "table" => self.table(opens),
            "tr" | "td" | "th" if self.table.is_some() => self.cell(name, opens),
            "a" if opens => self.link(tag),
            "img" => self.picture(tag),
            "base" => self.page.base = self.page.base.take().or_else(|| attribute(tag, "href")),
            "meta" => self.meta(tag),
            _ if BLOCKS.split_whitespace().any(|block| block == name) => self.end_line(),
            _ => {}
        }
        Self::raw(name, opens)
    }

    /// What stands in these is text up to their end.
    fn raw(name: &str, opens: bool) -> TokenSinkResult<()> {
        match name {
            "script" if opens => TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "noscript" | "iframe" if opens => TokenSinkResult::RawData(RawKind::Rawtext),
            "title" | "textarea" if opens => TokenSinkResult::RawData(RawKind::Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }

    fn text(&mut self, text: &str) {
        if self.unread.is_some() || self.page.body.len() > MOST {
            return;
        }
        let target = if self.in_title {
            &mut self.page.title
        } else {
            &mut self.line
        };
        if target.len() > MOST {
            return;
        }
        for c in text.chars() {
            // Soft hyphens and marks of width zero would cut words.
            if matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}') {
                continue;
            }
            if c.is_whitespace() || c.is_control() {
                if !target.is_empty() && !target.ends_with(' ') {
                    target.push(' ');
                }
            } else {
                target.push(c);
            }
        }
    }

    fn begin(&mut self, opens: bool, mark: &str) {
        if opens {
            mark.clone_into(&mut self.mark);
        }
    }

    /// Writes the line down. In a table it goes on in its cell.
    fn end_line(&mut self) {
        if self.table.is_some() {
            if !self.line.is_empty() && !self.line.ends_with(' ') {
                self.line.push(' ');
            }
            return;
        }
        let line = std::mem::take(&mut self.line);
        if line.trim().is_empty() {
            return;
        }
        let mark = std::mem::take(&mut self.mark);
        // Items of one list stand together, below what introduces them.
        let item = mark == "- "
            && self
                .page
                .body
                .lines()
                .next_back()
                .is_some_and(|last| last.starts_with("- "));
        if !self.page.body.is_empty() {
            self.page.body.push_str(if item { "\n" } else { "\n\n" });
        }
        self.page.body.push_str(&mark);
        self.page.body.push_str(line.trim());
    }

    /// A table within a cell goes on in that cell's table.
    fn table(&mut self, opens: bool) {
        if opens {
            self.end_line();
            self.table.get_or_insert_default();
            return;
        }
        self.end_cell();
        let Some(table) = self.table.take() else { return };
        let columns = table.rows.iter().map(Vec::len).max().unwrap_or_default();
        let mut rows = table
            .rows
            .iter()
            .filter(|row| row.iter().any(|cell| !cell.is_empty()));
        let mut out = String::new();
        if !table.named {
            table::row(&vec![String::new(); columns], &mut out);
            table::row(&vec!["---".to_owned(); columns], &mut out);
        } else if let Some(first) = rows.next() {
            table::row(first, &mut out);
            table::row(&vec!["---".to_owned(); first.len()], &mut out);
        }
        let before = out.len();
        for row in rows {
            table::row(row, &mut out);
        }
        if out.len() > before {
            self.page.body.push_str("\n\n");
            self.page.body.push_str(out.trim_end());
        }
    }

    fn cell(&mut self, name: &str, opens: bool) {
        self.end_cell();
        let Some(table) = &mut self.table else { return };
        if name == "tr" {
            if opens {
                table.rows.push(Vec::new());
            }
            return;
        }
        if opens && table.cells < MOST_CELLS {
            table.cells += 1;
            if table.rows.is_empty() {
                table.rows.push(Vec::new());
            }
            // Names of columns stand in the first row, and there alone; others name their row.
            let first = table.rows.len() == 1;
            if let Some(row) = table.rows.last_mut() {
                if first {
                    table.named = name == "th" && (row.is_empty() || table.named);
                }
                row.push(String::new());
            }
        }
    }

    fn end_cell(&mut self) {
        let line = std::mem::take(&mut self.line);
        let cell = self
            .table
            .as_mut()
            .and_then(|table| table.rows.last_mut())
            .and_then(|row| row.last_mut());
        match cell {
            Some(cell) => {
                let text = table::cell(&line);
                if !cell.is_empty() && !text.is_empty() {
                    cell.push(' ');
                }
                cell.push_str(&text);
            }
            None => self.line = line,
        }
    }

    fn link(&mut self, tag: &Tag) {
        if self.page.links.len() < MOST_LINKS
            && !attribute(tag, "rel").is_some_and(|rel| rel.contains("nofollow"))
            && let Some(link) = attribute(tag, "href")
        {
            self.page.links.push(link);
        }
    }

    /// What a picture is said to show.
    fn picture(&mut self, tag: &Tag) {
        if let Some(alt) = attribute(tag, "alt").filter(|alt| alt.contains(' ')) {
            self.text(&format!(" {alt} "));
        }
    }

    fn meta(&mut self, tag: &Tag) {
        let name = attribute(tag, "name").unwrap_or_default().to_ascii_lowercase();
        if matches!(name.as_str(), "robots" | crate::robots::NAME) {
            let content = attribute(tag, "content").unwrap_or_default().to_ascii_lowercase();
            let none = content.contains("none");
            self.page.no_index |= none || content.contains("noindex");
            self.page.no_follow |= none || content.contains("nofollow");
        }
    }

    fn finish(mut self) -> Page {
        self.table(false);
        self.end_line();
        self.page.title = self.page.title.trim().to_owned();
        self.page.body = self.page.body.trim().to_owned();
        self.page
    }
}

fn attribute(tag: &Tag, name: &str) -> Option<String> {
    let mut all = tag.attrs.iter();
    let found = all.find(|attribute| &*attribute.name.local == name)?;
    Some(found.value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(html: &str) -> String {
        page(html).body
    }

    #[test]
    fn a_page_is_read_with_its_structure() {
        let html = "<!doctype html><html><head><title>Inn &amp; Bar</title><style>p { color: red }</style></head><body>
            <nav><ul><li><a href='/menu'>Menu</a></ul></nav>
            <h1>Welcome</h1><p>We are <b>open</b>\n all year.</p>
            <h2>Rooms</h2>We have:<ul><li>a suite<li>an <em>attic</em></ul>
            <table><tr><th>Room<th>Price<tr><td>Suite<td>&euro;&nbsp;290<tr><td>A|B<td><p>90</p><p>net</p></table>
            <details><summary>Dogs?</summary>Yes.<br>Cats, too.</details>
            <script>if (a < b) document.write('<p>no</p>')</script><footer>Lake&shy;road 5</footer>";
        let page = page(html);
        assert_eq!(page.title, "Inn & Bar");
        assert_eq!(
            page.body,
            "# Welcome\n\nWe are open all year.\n\n## Rooms\n\nWe have:\n\n- a suite\n- an attic\n\n\
             | Room | Price |\n| --- | --- |\n| Suite | € 290 |\n| A\\|B | 90 net |\n\n\
             ###### Dogs?\n\nYes.\n\nCats, too.\n\nLakeroad 5"
        );
        assert!(page.links.is_empty());
    }

    #[test]
    fn a_table_without_names_and_one_in_another_are_read() {
        assert_eq!(
            body("<table><tr><th>Suite</th><td>290</td></tr><tr><th>Attic</th><td>90</td></tr></table>"),
            "|  |  |\n| --- | --- |\n| Suite | 290 |\n| Attic | 90 |"
        );
        assert_eq!(
            body("<table><tr><td>a<table><tr><td>b</table>c"),
            "|  |\n| --- |\n| a |\n| b |\n\nc"
        );
    }

    #[test]
    fn the_title_stands_where_there_is_no_heading() {
        assert_eq!(page("<title>Inn</title><p>x").text(), "# Inn\n\nx");
        assert_eq!(page("<title>Inn</title><h1>Bar</h1>x").text(), "# Bar\n\nx");
    }

    #[test]
    fn links_and_wishes_are_taken_down() {
        let page = page(
            "<base href='/en/'><meta name=ROBOTS content='NOINDEX, nofollow'><a href=a>1</a><a href=b rel=nofollow>2</a>
             <a name=c>3</a>",
        );
        assert_eq!(page.links, ["a"]);
        assert_eq!(page.base.as_deref(), Some("/en/"));
        assert!(page.no_index && page.no_follow);
    }

    #[test]
    fn anything_is_read_in_time() {
        let deep = "<div>".repeat(300_000);
        assert_eq!(body(&deep), "");
        assert!(body(&"<table><tr><td>x".repeat(100_000)).len() < 4 * MOST);
        assert!(body(&"a".repeat(3_000_000)).len() <= 3_000_000);
        assert_eq!(body("<p>a<!-- <p>b --><p>c<"), "a\n\nc<");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(html in "(<[a-z]{1,6}>|</[a-z]{1,6}>|[a-z &;\"'=-]{0,9}|<td>|<tr>|</table>|<table>|<li>){0,60}") {
            let page = page(&html);
            proptest::prop_assert!(page.text().len() <= 20 * html.len() + 20);
        }
    }
}
