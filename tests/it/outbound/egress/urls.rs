//! What is refused by the URL alone.

use http::Uri;
use proptest::prelude::*;
use tower_webhook::outbound::egress::{Egress, EgressErrorKind};

/// Spellings of addresses that are refused, all of them of places inside.
pub(super) const INSIDE: &[(&str, EgressErrorKind)] = &[
    ("http://127.0.0.1/", EgressErrorKind::Address),
    ("http://0.0.0.0/", EgressErrorKind::Address),
    ("http://10.0.0.1/", EgressErrorKind::Address),
    (
        "http://169.254.169.254/latest/meta-data",
        EgressErrorKind::Metadata,
    ),
    ("http://[::1]/", EgressErrorKind::Address),
    ("http://[::]/", EgressErrorKind::Address),
    ("http://[::ffff:127.0.0.1]/", EgressErrorKind::Address),
    ("http://[::ffff:7f00:1]/", EgressErrorKind::Address),
    (
        "http://[0:0:0:0:0:ffff:127.0.0.1]/",
        EgressErrorKind::Address,
    ),
    ("http://[::127.0.0.1]/", EgressErrorKind::Address),
    ("http://[64:ff9b::127.0.0.1]/", EgressErrorKind::Address),
    ("http://[2002:7f00:1::]/", EgressErrorKind::Address),
    ("http://[fd00:ec2::254]/", EgressErrorKind::Metadata),
    ("http://localhost/", EgressErrorKind::Address),
    ("http://LOCALHOST/", EgressErrorKind::Address),
    ("http://any.localhost/", EgressErrorKind::Address),
    // Numbers that some resolvers take for 127.0.0.1.
    ("http://2130706433/", EgressErrorKind::Host),
    ("http://017700000001/", EgressErrorKind::Host),
    ("http://0x7f000001/", EgressErrorKind::Host),
    ("http://0X7F.1/", EgressErrorKind::Host),
    ("http://0x7f.1/", EgressErrorKind::Host),
    ("http://127.1/", EgressErrorKind::Host),
    ("http://127.0.1/", EgressErrorKind::Host),
    ("http://0177.0.0.1/", EgressErrorKind::Host),
    ("http://127.0.0.01/", EgressErrorKind::Host),
    ("http://127.0.0.0x1/", EgressErrorKind::Host),
    ("http://127.0.0.0x/", EgressErrorKind::Host),
    ("http://0/", EgressErrorKind::Host),
    ("http://256.256.256.256/", EgressErrorKind::Host),
    ("http://1.2.3.4.5/", EgressErrorKind::Host),
    ("http://127.0.0.1./", EgressErrorKind::Host),
    ("http://localhost./", EgressErrorKind::Host),
    ("http://2130706433./", EgressErrorKind::Host),
];

fn refusal(egress: &Egress, url: &str) -> Option<EgressErrorKind> {
    let url: Uri = url.parse().ok()?;
    egress.check_url(&url).err().map(|err| err.kind())
}

#[test]
fn spellings_of_inside_addresses_are_refused() {
    let egress = Egress::public().allow_http();
    for (url, kind) in INSIDE {
        assert_eq!(refusal(&egress, url), Some(*kind), "{url}");
    }
}

#[test]
fn what_is_no_plain_name_is_refused_where_all_addresses_are_allowed() {
    let egress = Egress::public().dangerous().allow_every_address();
    for url in [
        "https://example.com./hook",
        "https://example..com/hook",
        "https://.example.com/hook",
        "https://0x7f.0.0.1/hook",
        "https://1/hook",
        "https://exam!ple.com/hook",
        "https://[::1.2.3]/hook",
        "https://a234567890123456789012345678901234567890123456789012345678901234.com/",
    ] {
        // Some of these are refused by the type already.
        let Ok(url) = url.parse::<Uri>() else {
            continue;
        };
        assert_eq!(
            egress.check_url(&url).unwrap_err().kind(),
            EgressErrorKind::Host,
            "{url}"
        );
    }
}

#[test]
fn names_and_public_addresses_pass() {
    for url in [
        "https://example.com",
        "https://example.com/hook?token=a#b",
        "https://hooks.eu-1.example.co.uk:8443/hook",
        "https://EXAMPLE.com/",
        "https://xn--bcher-kva.example/",
        "https://_service.example.com/",
        "https://receiver/hook",
        "https://1.1.1.1/hook",
        "https://[2606:4700:4700::1111]:8443/hook",
        "https://7up.com/",
        "https://0x7f.com/",
        "https://1.com/",
        "https://0xface.example/",
    ] {
        assert_eq!(refusal(&Egress::public(), url), None, "{url}");
    }
}

#[test]
fn user_names_and_urls_without_host_or_scheme_are_refused() {
    for url in [
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://example.com@127.0.0.1/",
        "https://127.0.0.1@example.com/",
        "https://@example.com/",
        "/hook",
        "example.com:443",
    ] {
        let Ok(uri) = url.parse::<Uri>() else {
            continue;
        };
        let refused = Egress::public().check_url(&uri).unwrap_err();
        assert_eq!(refused.kind(), EgressErrorKind::Url, "{url}");
        assert!(!refused.to_string().contains("password"));
    }
}

#[test]
fn a_url_has_2048_bytes_at_most() {
    let longest = format!("https://example.com/{}", "a".repeat(2048 - 20));
    assert_eq!(longest.len(), 2048);
    assert_eq!(refusal(&Egress::public(), &longest), None);
    let longer = format!("{longest}a");
    assert_eq!(
        refusal(&Egress::public(), &longer),
        Some(EgressErrorKind::Url)
    );
}

#[test]
fn https_is_the_only_scheme_until_http_is_allowed() {
    let strict = Egress::public();
    let lax = Egress::public().allow_http();
    for (url, is_strict, is_lax) in [
        ("https://example.com/", true, true),
        ("HTTPS://example.com/", true, true),
        ("http://example.com/", false, true),
        ("ftp://example.com/", false, false),
        ("gopher://example.com/", false, false),
        ("file://example.com/", false, false),
        ("ws://example.com/", false, false),
    ] {
        for (egress, is_allowed) in [(&strict, is_strict), (&lax, is_lax)] {
            let expected = (!is_allowed).then_some(EgressErrorKind::Scheme);
            assert_eq!(refusal(egress, url), expected, "{url}");
        }
    }
}

#[test]
fn ports_are_80_and_443_and_from_1024_until_they_are_set() {
    let usual = Egress::public();
    let set = Egress::public()
        .with_ports([443..=443, 8000..=8999])
        .unwrap();
    for (port, is_usual, is_set) in [
        (":0", false, false),
        (":22", false, false),
        (":25", false, false),
        (":80", true, false),
        (":443", true, true),
        ("", true, true),
        (":1023", false, false),
        (":1024", true, false),
        (":6379", true, false),
        (":8443", true, true),
        (":65535", true, false),
        // What `http` would read as no port at all.
        (":", false, false),
        (":65536", false, false),
        (":99999", false, false),
    ] {
        let Ok(url) = format!("https://example.com{port}/").parse::<Uri>() else {
            continue;
        };
        for (egress, is_allowed) in [(&usual, is_usual), (&set, is_set)] {
            let refused = egress.check_url(&url).err().map(|err| err.kind());
            let expected = (!is_allowed).then_some(EgressErrorKind::Port);
            assert_eq!(refused, expected, "{url}");
        }
    }
    assert!(Egress::public().with_ports([]).is_err());
    assert!(Egress::public().with_ports([0..=80]).is_err());
    #[expect(
        clippy::reversed_empty_ranges,
        reason = "this is what a user may write"
    )]
    let reversed = [80..=22];
    assert!(Egress::public().with_ports(reversed).is_err());
}

#[test]
fn localhost_passes_where_loopback_is_allowed() {
    let egress = Egress::public().allow("127.0.0.0/8").unwrap().allow_http();
    assert_eq!(refusal(&egress, "http://localhost:3000/"), None);
    assert_eq!(refusal(&egress, "http://127.0.0.1:3000/"), None);
}

proptest! {
    #[test]
    fn numbers_are_no_hosts_whatever_they_stand_for(bits: u32) {
        let egress = Egress::public().dangerous().allow_every_address();
        let [a, b, c, d] = bits.to_be_bytes();
        let low = u32::from_be_bytes([0, b, c, d]);
        for host in [
            format!("{bits}"),
            format!("{bits:#x}"),
            format!("0{bits:o}"),
            format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
            format!("{a}.{low}"),
            format!("{a}.{b}.{c}{d:03}.{d:#x}"),
            format!("{a}.{b}.{c}.{d}."),
        ] {
            let url = format!("https://{host}/");
            prop_assert_eq!(refusal(&egress, &url), Some(EgressErrorKind::Host), "{}", url);
        }
    }

    #[test]
    fn an_address_in_a_url_is_judged_as_the_address(bits: u32, low: u128) {
        let egress = Egress::public();
        let v4 = std::net::Ipv4Addr::from_bits(bits);
        let v6 = std::net::Ipv6Addr::from_bits(low);
        let by_url = |url: String| egress.check_url(&url.parse().unwrap()).is_ok();
        prop_assert_eq!(by_url(format!("https://{v4}/")), egress.check_addr(v4.into()).is_ok());
        prop_assert_eq!(by_url(format!("https://[{v6}]/")), egress.check_addr(v6.into()).is_ok());
    }
}

#[test]
fn a_name_is_at_most_253_bytes_long() {
    let label = "a".repeat(63);
    for (last, is_taken) in [(61, true), (62, false)] {
        let name = format!("{label}.{label}.{label}.{}", "a".repeat(last));
        let url: Uri = format!("https://{name}/").parse().unwrap();
        assert_eq!(Egress::public().check_url(&url).is_ok(), is_taken, "{last}");
    }
}
