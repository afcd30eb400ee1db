use super::*;

#[test]
fn pages_are_read_as_a_reader_sees_them() {
    for (html, text) in [
        (
            "<p>Hola,</p><p>&iquest;Mesa para 4?</p>",
            "Hola,\n\n¿Mesa para 4?",
        ),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("  a \n\n  b\t c  ", "a b c"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<ul><li>x</li><li>y</li></ul>", "- x\n- y"),
        ("<script>alert('<b>1</b>')</script><style>p{}</style>seen", "seen"),
        ("<SCRIPT>x</SCRIPT >y", "y"),
        ("a<!-- <p>hidden</p> -->b", "ab"),
        (
            "<a href=\"https://example.net/x\">here</a>",
            "here <https://example.net/x>",
        ),
        ("<a href='https://example.net/'>example.net</a>", "example.net"),
        ("<a href=\"javascript:alert(1)\">here</a>", "here"),
        ("<img alt='A cat' src=x>", "[A cat]"),
        ("1 < 2 && 3 > 2", "1 < 2 && 3 > 2"),
        ("<td>a</td><td>b</td>", "a b"),
        ("&#8364;5 &#x20AC;6 &unknown; &", "€5 €6 &unknown; &"),
        ("<pre>a  b\n  c</pre>", "a  b\n  c"),
        ("<p title=\"a > b\">t</p>", "t"),
        ("<p don't>t</p>", "t"),
        ("<p", ""),
        ("", ""),
        ("<![CDATA[x]]>y", "y"),
    ] {
        assert_eq!(read(html).text, text, "{html}");
    }
}

#[test]
fn what_programs_mark_as_quoted_is_split_off() {
    for (html, text, quoted) in [
        (
            "<div>Yes.</div><div class=\"gmail_quote gmail_quote_container\">On Monday: <blockquote>No?</blockquote></div>",
            "Yes.",
            "On Monday:\nNo?",
        ),
        (
            "<p>Yes.</p><blockquote type=\"cite\"><p>First?</p></blockquote><p>And no.</p>",
            "Yes.\n\nAnd no.",
            "First?",
        ),
        (
            "<div>Yes.</div><div id=\"appendonsend\"></div><hr><div id=\"divRplyFwdMsg\">From: x</div><div>old</div>",
            "Yes.",
            "From: x\nold",
        ),
        ("<blockquote>A saying.</blockquote>", "A saying.", ""),
        (
            "<div class=\"moz-cite-prefix\">Am 1.1. schrieb A:</div><blockquote type=\"cite\">x</blockquote>neu",
            "neu",
            "Am 1.1. schrieb A:\nx",
        ),
    ] {
        let seen = read(html);
        assert_eq!(
            (seen.text.as_str(), seen.quoted.as_str()),
            (text, quoted),
            "{html}"
        );
    }
}

#[test]
fn a_large_picture_in_the_page_hides_nothing() {
    let html = format!(
        "before<img src=\"data:image/png;base64,{}\">after",
        "A".repeat(200_000)
    );
    assert_eq!(read(&html).text, "beforeafter");
}

#[test]
fn what_is_made_to_be_slow_is_not() {
    for piece in [
        "<",
        "<a ",
        "<div>",
        "</",
        "<!--",
        "&#",
        "<script>",
        "<a href=\"x",
        "<blockquote type=cite>",
    ] {
        let html = piece.repeat(1_000_000 / piece.len());
        let _read_in_time = read(&html);
    }
}

proptest::proptest! {
    #[test]
    fn no_page_is_too_strange(html in "[<>/a-z\"'=&;# \\n!-]{0,300}") {
        let seen = read(&html);
        proptest::prop_assert!(!seen.text.contains("<script"));
    }
}
