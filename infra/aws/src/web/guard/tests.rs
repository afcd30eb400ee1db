#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use super::Refusal::{Host, Malformed, Number, Port, Scheme, User};
use super::*;

/// Every line is an address, or a trick, and what it gets.
const TABLE: [(&str, Result<(), Refusal>); 160] = [
    // What carriers give.
    (
        "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&ext=2&hash=abc",
        Ok(()),
    ),
    (
        "https://scontent-ams4-1.xx.fbcdn.net/v/t1.15752-9/1_n.jpg?_nc_cat=1&oh=00_AQ&oe=6",
        Ok(()),
    ),
    (
        "https://api.twilio.com/2010-04-01/Accounts/AC0/Messages/MM0/Media/ME0",
        Ok(()),
    ),
    ("https://mms.twiliocdn.com/AC0/0", Ok(())),
    (
        "https://s3.eu-central-1.amazonaws.com/bucket/key?X-Amz-Signature=0",
        Ok(()),
    ),
    ("HTTPS://Example.COM/", Ok(())),
    ("https://example.com", Ok(())),
    ("https://example.com:443/a", Ok(())),
    ("https://example.com?x=1", Ok(())),
    ("https://example.com#x", Ok(())),
    ("https://xn--mnchen-3ya.example.org/", Ok(())),
    ("https://1.example.com/", Ok(())),
    ("https://8.8.8.8/", Ok(())),
    ("https://[2606:4700:4700::1111]/", Ok(())),
    ("https://example.com/@user", Ok(())),
    ("https://example.com/http://127.0.0.1/", Ok(())),
    ("https://example.com/?u=http://169.254.169.254/", Ok(())),
    ("https://127.0.0.1.nip.io/", Ok(())), // its number is refused by the resolver
    // Other schemes.
    ("http://example.com/", Err(Scheme)),
    ("ftp://example.com/", Err(Scheme)),
    ("file:///etc/passwd", Err(Scheme)),
    ("gopher://example.com/", Err(Scheme)),
    ("data:text/plain,x", Err(Scheme)),
    ("javascript:alert(1)", Err(Scheme)),
    ("//example.com/", Err(Scheme)),
    ("example.com/", Err(Scheme)),
    ("/etc/passwd", Err(Scheme)),
    ("", Err(Scheme)),
    ("https:example.com", Err(Scheme)),
    ("https:/example.com/", Err(Scheme)),
    ("httpss://example.com/", Err(Scheme)),
    ("blob:https://example.com/1", Err(Scheme)),
    ("jar:https://example.com/1", Err(Scheme)),
    ("wss://example.com/", Err(Scheme)),
    ("view-source:https://example.com/", Err(Scheme)),
    // Users and passwords.
    ("https://user@example.com/", Err(User)),
    ("https://user:pass@example.com/", Err(User)),
    ("https://:@example.com/", Err(User)),
    ("https://@example.com/", Err(User)),
    ("https://example.com@127.0.0.1/", Err(User)),
    ("https://example.com:443@127.0.0.1/", Err(User)),
    ("https://example.com%00@127.0.0.1/", Err(User)),
    ("https://127.0.0.1:443@example.com/", Err(User)),
    ("https://a@b@example.com/", Err(User)),
    // Ports.
    ("https://example.com:80/", Err(Port)),
    ("https://example.com:22/", Err(Port)),
    ("https://example.com:8443/", Err(Port)),
    ("https://example.com:444/", Err(Port)),
    ("https://example.com:0/", Err(Port)),
    ("https://example.com:65535/", Err(Port)),
    ("https://example.com:65979/", Err(Malformed)),
    ("https://example.com:/", Err(Malformed)),
    ("https://example.com:0443/", Err(Malformed)),
    ("https://example.com:+443/", Err(Malformed)),
    ("https://example.com:443:443/", Err(Malformed)),
    // Spellings.
    ("https:///example.com/", Err(Malformed)),
    ("https:////example.com/", Err(Malformed)),
    ("https://", Err(Malformed)),
    ("https://?", Err(Malformed)),
    ("https:\\\\example.com\\", Err(Malformed)),
    ("https://example.com\\@127.0.0.1/", Err(Malformed)),
    ("https://example.com\\.internal/", Err(Malformed)),
    (" https://example.com/", Err(Malformed)),
    ("https://example.com/ ", Err(Malformed)),
    ("https://exam ple.com/", Err(Malformed)),
    ("https://exam\tple.com/", Err(Malformed)),
    ("https://example.com/\r\nHost: x", Err(Malformed)),
    ("https://example.com/\0", Err(Malformed)),
    ("https://ex\u{e4}mple.com/", Err(Malformed)),
    ("https://\u{24d4}xample.com/", Err(Malformed)),
    ("https://127\u{3002}0\u{3002}0\u{3002}1/", Err(Malformed)),
    ("https://\u{ff11}27.0.0.1/", Err(Malformed)),
    ("https://%6c%6f%63alhost/", Err(Malformed)),
    ("https://127%2e0%2e0%2e1/", Err(Malformed)),
    ("https://example%2ecom/", Err(Malformed)),
    ("https://[::1/", Err(Malformed)),
    ("https://[fe80::1%25eth0]/", Err(Malformed)),
    ("https://[::ffff:127.0.0.1]/", Err(Malformed)),
    ("https://[0:0:0:0:0:0:0:1]/", Err(Malformed)),
    // Numbers in other clothes.
    ("https://2130706433/", Err(Malformed)),
    ("https://3232235777/", Err(Malformed)),
    ("https://134744072/", Err(Malformed)),
    ("https://0x7f000001/", Err(Malformed)),
    ("https://0x7f.0.0.1/", Err(Malformed)),
    ("https://0x7f.1/", Err(Malformed)),
    ("https://0177.0.0.1/", Err(Malformed)),
    ("https://017700000001/", Err(Malformed)),
    ("https://127.1/", Err(Malformed)),
    ("https://127.0.1/", Err(Malformed)),
    ("https://127.0.0.1./", Err(Malformed)),
    ("https://0/", Err(Malformed)),
    ("https://010.8.8.8/", Err(Malformed)),
    ("https://8.8.8.8./", Err(Malformed)),
    ("https://256.1.1.1/", Err(Malformed)),
    ("https://1.2.3.4.5/", Err(Malformed)),
    ("https://0xa9fea9fe/", Err(Malformed)),
    ("https://169.254.43518/", Err(Malformed)),
    ("https://2852039166/", Err(Malformed)),
    // Names that are not of the public net.
    ("https://localhost/", Err(Host)),
    ("https://LOCALHOST/", Err(Host)),
    ("https://localhost./", Err(Host)),
    ("https://metadata/", Err(Host)),
    ("https://metadata.google.internal/", Err(Host)),
    ("https://instance-data.ec2.internal/", Err(Host)),
    ("https://a.localhost/", Err(Host)),
    ("https://printer.local/", Err(Host)),
    ("https://db.corp/", Err(Host)),
    ("https://router.lan/", Err(Host)),
    ("https://router.home/", Err(Host)),
    ("https://router.home.arpa/", Err(Host)),
    ("https://localhost.localdomain/", Err(Host)),
    ("https://wiki.intranet/", Err(Host)),
    ("https://x.onion/", Err(Host)),
    ("https://x.test/", Err(Host)),
    ("https://x.invalid/", Err(Host)),
    ("https://example.com./", Err(Host)),
    ("https://example.com../", Err(Host)),
    ("https://.example.com/", Err(Host)),
    ("https://example..com/", Err(Host)),
    // Numbers.
    ("https://127.0.0.1/", Err(Number)),
    ("https://127.0.0.1:443/", Err(Number)),
    ("https://127.255.255.254/", Err(Number)),
    ("https://0.0.0.0/", Err(Number)),
    ("https://0.1.2.3/", Err(Number)),
    ("https://10.0.0.1/", Err(Number)),
    ("https://10.255.255.255/", Err(Number)),
    ("https://172.16.0.1/", Err(Number)),
    ("https://172.31.255.255/", Err(Number)),
    ("https://192.168.1.1/", Err(Number)),
    ("https://169.254.169.254/latest/meta-data/", Err(Number)),
    ("https://169.254.170.2/v2/credentials", Err(Number)),
    ("https://169.254.170.23/v1/credentials", Err(Number)),
    ("https://100.64.0.1/", Err(Number)),
    ("https://100.100.100.200/latest/meta-data/", Err(Number)),
    ("https://168.63.129.16/", Err(Number)),
    ("https://192.0.0.192/", Err(Number)),
    ("https://192.0.2.1/", Err(Number)),
    ("https://192.88.99.1/", Err(Number)),
    ("https://198.18.0.1/", Err(Number)),
    ("https://198.51.100.1/", Err(Number)),
    ("https://203.0.113.1/", Err(Number)),
    ("https://224.0.0.1/", Err(Number)),
    ("https://239.255.255.250/", Err(Number)),
    ("https://240.0.0.1/", Err(Number)),
    ("https://255.255.255.255/", Err(Number)),
    ("https://[::1]/", Err(Number)),
    ("https://[::]/", Err(Number)),
    ("https://[::ffff:7f00:1]/", Err(Number)),
    ("https://[::ffff:808:808]/", Err(Number)),
    ("https://[::7f00:1]/", Err(Number)),
    ("https://[64:ff9b::7f00:1]/", Err(Number)),
    ("https://[64:ff9b:1::a00:1]/", Err(Number)),
    ("https://[2002:7f00:1::]/", Err(Number)),
    ("https://[2001:0:53aa:64c::1]/", Err(Number)),
    ("https://[2001:0:53aa:64c:0:fbff:80ff:fffe]/", Err(Number)),
    ("https://[fd00:ec2::254]/latest/meta-data/", Err(Number)),
    ("https://[fc00::1]/", Err(Number)),
    ("https://[fe80::1]/", Err(Number)),
    ("https://[ff02::1]/", Err(Number)),
    ("https://[2001:db8::1]/", Err(Number)),
];

#[test]
fn p_sec_04_only_addresses_of_the_public_net_pass() {
    let mut wrong = Vec::new();
    for (address, verdict) in TABLE {
        let found = public_address(address).map(|_| ());
        if found != verdict {
            wrong.push((address, verdict, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let different: BTreeSet<_> = TABLE.iter().map(|(address, _)| address).collect();
    assert_eq!(different.len(), TABLE.len());
}

#[test]
fn p_sec_04_numbers_at_the_edges_of_private_ranges_are_told_apart() {
    let public = [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "2000::1",
        "2001:200::1",
        "2001:db7::1",
        "2001:db9::1",
        "2003::1",
        "2a00::1",
        "2620:4f:7fff::1",
        "3fff:1000::1",
    ];
    let private = [
        "0.255.255.255",
        "100.127.255.255",
        "192.0.0.0",
        "192.31.196.1",
        "192.52.193.1",
        "192.175.48.1",
        "198.19.255.255",
        "223.255.255.255.",
        "::2",
        "100::1",
        "1fff:ffff::1",
        "4000::1",
        "2001:1ff::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2002::1",
        "2620:4f:8000::1",
        "3fff:fff::1",
        "5f00::1",
        "fec0::1",
        "fdff::1",
        "2a00::5efe:a00:1",
        "2a00::200:5efe:a00:1",
        "::ffff:0:a00:1",
        "64:ff9b::808:808",
    ];
    for number in public {
        assert!(is_public(number.parse().unwrap()), "{number}");
    }
    for number in private {
        assert!(!number.parse().is_ok_and(is_public), "{number}");
    }
}

#[test]
fn what_is_too_long_is_refused() {
    let address = |length: usize| format!("https://example.com/{}", "a".repeat(length - 20));
    assert!(public_address(&address(LONGEST)).is_ok());
    assert_eq!(public_address(&address(LONGEST + 1)), Err(Malformed));
}

proptest::proptest! {
    #[test]
    fn whatever_is_written_there_nothing_panics_and_what_passes_reads_as_it_was_written(text in "(https://)?\\PC{0,60}") {
        if let Ok(url) = public_address(&text) {
            assert_eq!(url.scheme(), "https");
            let host = url.host_str().unwrap();
            assert!(text.to_ascii_lowercase().contains(host));
        }
    }
}
