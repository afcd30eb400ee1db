#!/usr/bin/env python3
"""Writes tests/vectors/attacks/ssrf.tsv and ordinary.tsv: addresses with the verdict that they deserve, and why.

Knows nothing of the code under test: ranges are IANA's registries by way of Python's ipaddress, the tricks are written
down by hand. The lists are checked in; this is run again only to add to them.
"""

import ipaddress
import pathlib
import random

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests/vectors/attacks"

# Where a machine of ours, its neighbours or its cloud may be found, by range: (range, why).
INSIDE_V4 = [
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "a cloud's host service in public space"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relays"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarks"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
]
INSIDE_V6 = [
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "IPv4 mapped"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64 of a network's own"),
    ("100::/64", "discard"),
    ("100:0:0:1::/64", "dummy prefix"),
    ("2001::/32", "Teredo"),
    ("2001:2::/48", "benchmarks"),
    ("2001:10::/28", "ORCHID"),
    ("2001:20::/28", "ORCHIDv2"),
    ("2001:30::/28", "drone remote id"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "unique local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
]
# The addresses that are worth most to whoever gets in.
PRIZES = ["127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.100.100.200", "0.0.0.0"]


def spellings(text):
    """One number in all the ways that inet_aton and browsers read."""
    a, b, c, d = (int(part) for part in text.split("."))
    whole = (a << 24) | (b << 16) | (c << 8) | d
    yield f"{whole}", "decimal"
    yield f"0x{whole:x}", "hexadecimal"
    yield f"0X{whole:08X}", "hexadecimal in capitals"
    yield f"0{whole:o}", "octal"
    yield f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", "octal parts"
    yield f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}", "hexadecimal parts"
    yield f"{a}.{(b << 16) | (c << 8) | d}", "two parts"
    yield f"{a}.{b}.{(c << 8) | d}", "three parts"
    yield f"0x{a:x}.{(b << 16) | (c << 8) | d}", "mixed bases"
    yield f"000{a:03o}.{b}.{c}.{d}", "leading zeros"
    yield f"{a}.{b}.{c}.{d}.", "trailing dot"
    yield "".join(chr(0xFF10 + int(ch)) if ch.isdigit() else ch for ch in text), "full-width digits"
    yield text.replace(".", "\u3002"), "ideographic full stops"
    yield text.replace(".", "\uff0e"), "full-width full stops"
    yield text.replace(".", "\uff61"), "half-width full stops"
    yield "".join(chr(0x2460 + int(ch) - 1) if ch.isdigit() and ch != "0" else ch for ch in text), "circled digits"
    yield text.replace(".", "%2e"), "encoded dots"
    yield "".join(f"%{ord(ch):02x}" for ch in text), "all encoded"
    yield text.replace(".", "\u00ad."), "soft hyphens"
    yield text.replace(".", "\u200b."), "zero-width spaces"


def inside_six(text):
    """One IPv4 number inside IPv6 ones."""
    four = ipaddress.IPv4Address(text)
    high, low = int(four) >> 16, int(four) & 0xFFFF
    yield f"::ffff:{text}", "IPv4 mapped"
    yield f"::ffff:{high:x}:{low:x}", "IPv4 mapped, in hexadecimal"
    yield f"0:0:0:0:0:ffff:{high:04x}:{low:04x}", "IPv4 mapped, in full"
    yield f"::{text}", "IPv4 compatible"
    yield f"::ffff:0:{text}", "IPv4 translated"
    yield f"64:ff9b::{text}", "NAT64"
    yield f"64:ff9b:1::{text}", "NAT64 of a network's own"
    yield f"2002:{high:x}:{low:x}::1", "6to4"
    yield f"2001::{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}", "Teredo"
    yield f"fe80::5efe:{high:x}:{low:x}", "ISATAP"
    yield f"2606:4700::5efe:{high:x}:{low:x}", "ISATAP under a public prefix"
    yield f"2606:4700::200:5efe:{high:x}:{low:x}", "ISATAP, universal bit"


def attacks():
    for network, why in INSIDE_V4:
        net = ipaddress.ip_network(network)
        middle = net[net.num_addresses // 2]
        for number in dict.fromkeys([net[0], net[min(1, net.num_addresses - 1)], middle, net[-1]]):
            yield f"https://{number}/", f"{why} {network}"
    for network, why in INSIDE_V6:
        net = ipaddress.ip_network(network)
        middle = net[net.num_addresses // 2]
        for number in dict.fromkeys([net[0], net[min(1, net.num_addresses - 1)], middle, net[-1]]):
            yield f"https://[{number}]/", f"{why} {network}"
    for prize in PRIZES:
        for spelled, why in spellings(prize):
            yield f"https://{spelled}/", f"{prize}: {why}"
        for spelled, why in inside_six(prize):
            yield f"https://[{spelled}]/", f"{prize}: {why}"
    tricks = [
        ("https://[fe80::1%25eth0]/", "zone id"),
        ("https://[fe80::1%eth0]/", "zone id, not encoded"),
        ("https://[::1%2525lo]/", "zone id, encoded twice"),
        ("https://[fd00:ec2::254]/latest/meta-data/", "metadata over IPv6"),
        ("https://[fd20:ce::254]/", "metadata over IPv6"),
        ("https://[::]/", "unspecified"),
        ("https://[0:0:0:0:0:0:0:1]/", "loopback in full"),
        ("https://[::0001]/", "loopback with zeros"),
        ("https://[::127.0.0.1]:443/", "with its port"),
        ("https://[::ffff:7f00:1]:443/", "with its port"),
        ("https://[::1/", "bracket left open"),
        ("https://::1/", "no brackets"),
        ("https://1::/", "no brackets"),
        ("https://[127.0.0.1]/", "IPv4 in brackets"),
        ("https://[v1.127.0.0.1]/", "future address form"),
        ("https://user@127.0.0.1/", "user"),
        ("https://user:secret@example.com/", "user and password"),
        ("https://example.com@127.0.0.1/", "a name as user"),
        ("https://example.com:443@127.0.0.1/", "a name and port as user"),
        ("https://example.com%40127.0.0.1/", "encoded at sign"),
        ("https://127.0.0.1%2f@example.com/", "encoded slash in user"),
        ("https://@127.0.0.1/", "empty user"),
        ("https://:@127.0.0.1/", "empty user and password"),
        ("https://a@b@127.0.0.1/", "two at signs"),
        ("https://example.com\\@127.0.0.1/", "backslash before the at sign"),
        ("https://127.0.0.1\\@example.com/", "backslash"),
        ("https://127.0.0.1\\.example.com/", "backslash"),
        ("https:\\\\127.0.0.1\\", "backslashes for slashes"),
        ("https:/\\127.0.0.1/", "slash and backslash"),
        ("https:127.0.0.1/", "no slashes"),
        ("https:/127.0.0.1/", "one slash"),
        ("https:///127.0.0.1/", "three slashes"),
        ("https:////127.0.0.1/", "four slashes"),
        ("//127.0.0.1/", "no scheme"),
        ("/etc/passwd", "a path"),
        ("", "nothing"),
        ("https://", "no host"),
        ("https:///", "no host"),
        ("https://?", "no host"),
        ("https://#", "no host"),
        ("https://:443/", "a port alone"),
        ("https://example.com#@127.0.0.1/x y", "space"),
        ("https://127.0.0.1#@example.com/", "fragment hides the rest"),
        ("https://127.0.0.1?@example.com/", "query hides the rest"),
        ("https://127.0.0.1;@example.com/", "semicolon"),
        ("https://127.0.0.1,example.com/", "comma"),
        ("https://127.0.0.1 .example.com/", "space"),
        ("https://127.0.0.1\t.example.com/", "tab"),
        ("https://127.0.0.1\\n.example.com/", "written line break"),
        ("https://exa\tmple.com/", "tab in the name"),
        (" https://example.com/", "space before"),
        ("https://example.com/ ", "space after"),
        ("https://127.0.0.1%00.example.com/", "null byte"),
        ("https://example.com%00@127.0.0.1/", "null byte"),
        ("https://example.com%0d%0aHost:127.0.0.1/", "line break in the host"),
        ("https://127.0.0.1%09/", "encoded tab"),
        ("https://127.0.0.1%20/", "encoded space"),
        ("https://127.0.0.1%23.example.com/", "encoded fragment"),
        ("https://127.0.0.1%3f.example.com/", "encoded question mark"),
        ("https://127.1/", "two parts"),
        ("https://127.0.1/", "three parts"),
        ("https://127.1.1/", "three parts"),
        ("https://0/", "zero"),
        ("https://0x0/", "zero in hexadecimal"),
        ("https://00/", "zero in octal"),
        ("https://0.0/", "zero in two parts"),
        ("https://0177.1/", "octal and two parts"),
        ("https://0x7f.1/", "hexadecimal and two parts"),
        ("https://127.0.0.01/", "leading zero"),
        ("https://127.0.0.0x1/", "hexadecimal end"),
        ("https://127.0.0.1e0/", "number that is none"),
        ("https://256.256.256.256/", "out of range"),
        ("https://4294967296/", "one beyond the last"),
        ("https://4294967295/", "broadcast in decimal"),
        ("https://8589934591/", "wraps to broadcast"),
        ("https://0x17f000001/", "wraps to loopback"),
        ("https://1.2.3.4.5/", "five parts"),
        ("https://127.0.0.1.0x/", "empty hexadecimal end"),
        ("https://[::ffff:127.0.0.1.]/", "trailing dot inside"),
        ("https://[::ffff:0x7f.1]/", "short form inside"),
        ("https://[::ffff:127.0.0.256]/", "out of range inside"),
        ("https://[1:2:3:4:5:6:7:8:9]/", "nine groups"),
        ("https://[::1]x/", "after the bracket"),
        ("https://[::1].example.com/", "after the bracket"),
        ("http://example.com/", "plain HTTP"),
        ("HTTP://example.com/", "plain HTTP in capitals"),
        ("http://169.254.169.254/latest/meta-data/", "plain HTTP"),
        ("ftp://example.com/", "scheme"),
        ("ftps://example.com/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("file://localhost/etc/passwd", "scheme"),
        ("gopher://127.0.0.1:6379/_INFO", "scheme"),
        ("dict://127.0.0.1:11211/stats", "scheme"),
        ("ldap://127.0.0.1/", "scheme"),
        ("ldaps://example.com/", "scheme"),
        ("sftp://example.com/", "scheme"),
        ("tftp://example.com/", "scheme"),
        ("ws://example.com/", "scheme"),
        ("wss://example.com/", "scheme"),
        ("data:text/plain,x", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("jar:https://example.com!/x", "scheme"),
        ("netdoc:///etc/passwd", "scheme"),
        ("phar://x", "scheme"),
        ("blob:https://example.com/x", "scheme"),
        ("view-source:https://example.com/", "scheme"),
        ("url:https://example.com/", "scheme"),
        ("https+unix://%2fvar%2frun%2fdocker.sock/", "scheme"),
        ("unix:///var/run/docker.sock", "scheme"),
        ("h\u200bttps://example.com/", "zero-width space in the scheme"),
        ("httpS\u017f://example.com/", "long s in the scheme"),
        ("https\uff1a//example.com/", "full-width colon"),
        ("https://localhost/", "name of this machine"),
        ("https://LOCALHOST/", "in capitals"),
        ("https://localhost./", "trailing dot"),
        ("https://localhost:443/", "with its port"),
        ("https://LocalHost.LocalDomain/", "name of this machine"),
        ("https://x.localhost/", "below localhost"),
        ("https://x.y.localhost/", "below localhost"),
        ("https://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/", "circled letters"),
        ("https://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/", "full-width letters"),
        ("https://loc\u00adalhost/", "soft hyphen"),
        ("https://loca%6chost/", "encoded letter"),
        ("https://xn--localhost/", "punycode of nothing"),
        ("https://ip6-localhost/", "name of this machine"),
        ("https://host/", "a single label"),
        ("https://metadata/", "a single label"),
        ("https://metadata.google.internal/", "metadata by name"),
        ("https://metadata.google.internal./", "trailing dot"),
        ("https://METADATA.GOOGLE.INTERNAL/", "in capitals"),
        ("https://instance-data.ec2.internal/", "metadata by name"),
        ("https://ip-10-0-0-1.ec2.internal/", "a neighbour by name"),
        ("https://host.docker.internal/", "the machine below"),
        ("https://gateway.docker.internal/", "the machine below"),
        ("https://kubernetes.default.svc.cluster.local/", "cluster"),
        ("https://printer.local/", "mDNS"),
        ("https://router.lan/", "home network"),
        ("https://nas.home/", "home network"),
        ("https://nas.home.arpa/", "home network"),
        ("https://wiki.corp/", "office network"),
        ("https://wiki.intranet/", "office network"),
        ("https://1.0.0.127.in-addr.arpa/", "reverse name"),
        ("https://facebookcorewwwi.onion/", "onion"),
        ("https://x.test/", "reserved name"),
        ("https://x.invalid/", "reserved name"),
        ("https://example..com/", "empty label"),
        ("https://.example.com/", "empty first label"),
        ("https://example.com../", "two trailing dots"),
        ("https://example.com./", "trailing dot: another name to a certificate, the same to a resolver"),
        ("https://" + "a" * 64 + ".example.com/", "label of 64"),
        ("https://" + ".".join(["a" * 63] * 4) + ".com/", "name of 259"),
        ("https://example.com/" + "a" * 9000, "too long"),
        ("https://ex\u0430mple.com/", "Cyrillic letter, not in punycode"),
        ("https://example\u3002com/", "ideographic full stop"),
        ("https://example\u2024com/", "one-dot leader"),
        ("https://\u212aernel.example/", "Kelvin sign"),
        ("https://example.com\u2044@127.0.0.1/", "fraction slash"),
        ("https://example.com\uff0f@127.0.0.1/", "full-width slash"),
        ("https://example.com\u2100.127.0.0.1/", "a/c sign, normalised to a slash"),
        ("https://exa<mple.com/", "forbidden in a host"),
        ("https://exa|mple.com/", "forbidden in a host"),
        ("https://exa^mple.com/", "forbidden in a host"),
        ("https://[example.com]/", "a name in brackets"),
        ("https://[/", "a bracket"),
        ("https://]/", "a bracket"),
        ("https://*.example.com:80/", "wildcard and port"),
    ]
    for port in [0, 1, 21, 22, 25, 53, 80, 110, 111, 389, 444, 2375, 3306, 4430, 5432, 6379, 8080, 8443, 9200, 11211, 27017, 65535]:
        tricks.append((f"https://example.com:{port}/", f"port {port}"))
    tricks += [
        ("https://example.com:65979/", "wraps to 443"),
        ("https://example.com:-443/", "negative port"),
        ("https://example.com:0443/", "port with a zero"),
        ("https://example.com:+443/", "port with a sign"),
        ("https://example.com:443443/", "port out of range"),
        ("https://example.com:443:80/", "two ports"),
        ("https://example.com: 443/", "space before the port"),
        ("https://example.com:44%33/", "encoded port"),
        ("https://example.com:\uff14\uff14\uff13/", "full-width port"),
        ("https://example.com:/", "empty port: spelled as nobody does"),
        ("https://example.com:443@127.0.0.1:443/", "two ports and a user"),
    ]
    yield from tricks


# Names that anybody may register, and what they resolve to: first and afterwards.
NAMES = [
    ("127.0.0.1.nip.io", ["127.0.0.1"], "name that spells loopback"),
    ("10.0.0.1.nip.io", ["10.0.0.1"], "name that spells a private number"),
    ("169-254-169-254.sslip.io", ["169.254.169.254"], "name that spells metadata"),
    ("7f000001.nip.io", ["127.0.0.1"], "in hexadecimal"),
    ("localtest.me", ["127.0.0.1", "::1"], "well-known name of loopback"),
    ("lvh.me", ["127.0.0.1"], "well-known name of loopback"),
    ("vcap.me", ["127.0.0.1"], "well-known name of loopback"),
    ("spoofed.burpcollaborator.net", ["127.0.0.1"], "well-known name of loopback"),
    ("customer1.app.localhost.my.company.127.0.0.1.nip.io", ["127.0.0.1"], "long"),
    ("a.example.com", ["0.0.0.0"], "this machine by zero"),
    ("a.example.com", ["::"], "this machine by zero"),
    ("a.example.com", ["::ffff:127.0.0.1"], "mapped"),
    ("a.example.com", ["::ffff:169.254.169.254"], "mapped"),
    ("a.example.com", ["64:ff9b::a9fe:a9fe"], "NAT64"),
    ("a.example.com", ["2002:7f00:1::"], "6to4"),
    ("a.example.com", ["fd00:ec2::254"], "metadata over IPv6"),
    ("a.example.com", ["fe80::1"], "link-local"),
    ("a.example.com", ["100.100.100.200"], "metadata in carrier-grade NAT"),
    ("a.example.com", ["168.63.129.16"], "a cloud's host service"),
    ("a.example.com", ["255.255.255.255"], "broadcast"),
    ("a.example.com", ["93.184.215.14", "127.0.0.1"], "one public, one inside"),
    ("a.example.com", ["127.0.0.1", "93.184.215.14"], "one inside, one public"),
    ("a.example.com", ["2606:4700::1", "93.184.215.14", "192.168.0.10"], "the last inside"),
    ("a.example.com", ["93.184.215.14"] * 15 + ["10.1.2.3"], "one of sixteen inside"),
]

DOMAINS = """amazon.com amazon.de apple.com archive.org ard.de arxiv.org asana.com atlassian.com audi.com axa.com baidu.com
bahn.de basecamp.com bbc.co.uk berlin.de bild.de bing.com bitbucket.org bloomberg.com bmw.de booking.com bosch.com
box.com bund.de calendly.com canva.com cdc.gov chefkoch.de cisco.com cloudflare.com cnn.com coca-cola.com
commerzbank.de craigslist.org debian.org deepl.com dell.com deutschepost.de dhl.com digitalocean.com discord.com
disney.com dkb.de docker.com drupal.org dropbox.com duckduckgo.com dw.com ebay.com ebay.de economist.com elastic.co
elster.de epa.gov etsy.com europa.eu eventbrite.com expedia.com facebook.com fastly.com fedex.com figma.com
filmon.tv flickr.com focus.de forbes.com ft.com galeria.de gettyimages.com github.com github.io gitlab.com gmx.de
gmx.net gnu.org godaddy.com google.ch google.com google.de goethe.de gov.uk guardian.co.uk gutenberg.org heise.de
hetzner.com hilton.com hm.com holidaycheck.de hotels.com hrs.de hubspot.com ibm.com ikea.com imdb.com immowelt.de
indeed.com instagram.com intel.com ionos.de jetbrains.com jimdo.com kayak.com kernel.org kicker.de klarna.com
lemonde.fr lidl.de linkedin.com linode.com live.com loc.gov lufthansa.com mailchimp.com mariott.com mastodon.social
mediamarkt.de medium.com meetup.com mercedes-benz.com microsoft.com mit.edu mozilla.org muenchen.de n-tv.de nasa.gov
nature.com netflix.com netlify.app nginx.org nih.gov nike.com notion.so nytimes.com obi.de office.com openai.com
opentable.com opera.com oracle.com orf.at otto.de ovh.com oxford.ac.uk paypal.com pexels.com pinterest.com
postgresql.org python.org pytorch.org quora.com reddit.com redhat.com researchgate.net resend.com reuters.com rewe.de
rust-lang.org ryanair.com salesforce.com samsung.com sap.com sbb.ch shopify.com siemens.com signal.org sky.de
slack.com sourceforge.net spiegel.de spotify.com squarespace.com srf.ch stackoverflow.com stanford.edu stripe.com
sueddeutsche.de swisscom.ch t-online.de t.co t.me tagesschau.de taz.de telegram.org telekom.de tesla.com thalia.de
tiktok.com toyota.com trello.com tripadvisor.com trivago.de tumblr.com twilio.com twitch.tv ubuntu.com udemy.com
un.org unesco.org ups.com vercel.app viessmann.de vimeo.com visa.com vodafone.de w3.org walmart.com web.de
webflow.io weebly.com welt.de whatsapp.com who.int wikipedia.org wix.com wolfram.com wordpress.com wordpress.org
x.com yahoo.com yandex.ru yelp.com youtu.be youtube.com zalando.de zdf.de zeit.de zendesk.com zoho.com zoom.us 1und1.de
1password.com 3m.com 7-zip.org 9gag.com 163.com 360.cn 4chan.org 500px.com xn--mnchen-3ya.de xn--bcher-kva.example.com
xn--fiqs8s.cn xn--80ak6aa92e.com xn--caf-dma.fr""".split()

ODD = [
    ("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&ext=2&hash=ABC", "a carrier's media"),
    ("https://scontent.xx.fbcdn.net/v/t1.15752-9/1_n.jpg?_nc_cat=1&ccb=1-7&_nc_sid=x&oh=y&oe=Z", "a carrier's media"),
    ("https://api.twilio.com/2010-04-01/Accounts/AC00/Messages/MM00/Media/ME00", "a carrier's media"),
    ("https://mmg.whatsapp.net/d/f/A%2Bb.enc", "encoded path"),
    ("https://example.com", "no path"),
    ("https://example.com?x=1", "query without path"),
    ("https://example.com#top", "fragment without path"),
    ("https://example.com/a@b", "at sign in the path"),
    ("https://example.com/?next=https://user@10.0.0.1/", "an inside address in the query"),
    ("https://example.com/http://127.0.0.1/", "an inside address in the path"),
    ("https://example.com/a:8080/b", "port-like path"),
    ("https://example.com/%2e%2e/%2f", "encoded path"),
    ("https://example.com//double//slashes", "double slashes"),
    ("https://example.com/~user/;v=1,2/(a)'b!$&*+=", "marks in the path"),
    ("https://example.com:443/", "its own port"),
    ("https://EXAMPLE.com/", "capitals"),
    ("HTTPS://example.com/", "scheme in capitals"),
    ("hTTpS://Example.COM/Path", "mixed"),
    ("https://10.0.0.1.example.com/", "number-like name"),
    ("https://127.0.0.1.example.com/", "number-like name"),
    ("https://0x7f.example.com/", "number-like name"),
    ("https://localhost.example.com/", "private word, not last"),
    ("https://internal.example.com/", "private word, not last"),
    ("https://local.example.com/", "private word, not last"),
    ("https://test.example.com/", "private word, not last"),
    ("https://localhosting.com/", "begins like a private word"),
    ("https://my-localhost.de/", "ends like a private word"),
    ("https://lan.co/", "private word, not last"),
    ("https://corp.com/", "private word, not last"),
    ("https://home.pl/", "private word, not last"),
    ("https://onion.com/", "private word, not last"),
    ("https://homes.homely/", "begins like a private word"),
    ("https://" + "a" * 63 + ".example.com/", "label of 63"),
    ("https://a.b.c.d.e.f.g.example.com/", "many labels"),
    ("https://a_b.example.com/", "underscore"),
    ("https://-.example.com/", "hyphen"),
    ("https://example.museum/", "long end"),
    ("https://example.travel/", "long end"),
    ("https://example.xn--p1ai/", "end in punycode"),
    ("https://[2606:4700:4700::1111]/", "public number"),
    ("https://[2606:4700:4700::1111]:443/dns", "public number and port"),
    ("https://[2001:4860:4860::8888]/", "public number"),
    ("https://[2A00:1450:4001::2]/", "public number in capitals"),
    ("https://8.8.8.8/", "public number"),
    ("https://1.1.1.1:443/", "public number and port"),
    ("https://example.com/" + "a" * 8000, "long, but not too long"),
]

# The last ones before and the first ones after what is inside.
NEIGHBOURS = """1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15
168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255
192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0
223.255.255.255""".split()


def ordinary():
    paths = ["/", "/index.html", "/de/kontakt?ref=1#form", "/images/a%20b.png"]
    for place, domain in enumerate(DOMAINS):
        yield f"https://{domain}{paths[place % 4]}", "ordinary name"
        yield f"https://www.{domain}{paths[(place + 1) % 4]}", "ordinary name"
    yield from ODD
    for number in NEIGHBOURS:
        yield f"https://{number}/", "public number beside a special range"
    draw = random.Random(8)
    anycast = [ipaddress.ip_network(n) for n in ("192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24")]
    inside = [ipaddress.ip_network(network) for network, _ in INSIDE_V4] + anycast
    count = 0
    while count < 340:
        number = ipaddress.IPv4Address(draw.getrandbits(32))
        if number.is_global and not any(number in network for network in inside):
            count += 1
            yield f"https://{number}/", "public number"
    # Prefixes of well-known networks.
    for prefix in ["2606:4700", "2a00:1450", "2001:4860", "2a01:4f8", "2620:fe", "2400:cb00", "2803:f800", "2c0f:f248"]:
        for _ in range(15):
            yield f"https://[{prefix}:{draw.getrandbits(16):x}::{draw.getrandbits(14) + 1:x}]/", "public number"


def write(name, head, rows):
    lines = ["\t".join(cell.replace("\\", "\\\\").replace("\t", "\\t") for cell in row) for row in rows]
    assert len(set(lines)) == len(lines), name
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / name).write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{name}: {len(lines)}")


write("ssrf.tsv", "# address (\\t a tab, \\\\ a backslash), why it must be refused\n", dict(attacks()).items())
write("ordinary.tsv", "# address, why it must not be refused\n", dict(ordinary()).items())
write(
    "ssrf_names.tsv",
    "# name, numbers that it resolves to, why it must be refused\n",
    [(name, " ".join(numbers), why) for name, numbers, why in NAMES],
)
