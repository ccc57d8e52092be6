//! Every special range: its first, middle and last address, and what stands beside it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;
use tower_webhook::outbound::egress::{Egress, EgressErrorKind};

/// A range, and whether the addresses just before and just after it are public.
const SPECIAL: &[(&str, bool, bool)] = &[
    ("0.0.0.0/8", false, true),
    ("10.0.0.0/8", true, true),
    ("100.64.0.0/10", true, true),
    ("127.0.0.0/8", true, true),
    ("169.254.0.0/16", true, true),
    ("172.16.0.0/12", true, true),
    ("192.0.0.0/24", true, true),
    ("192.0.2.0/24", true, true),
    ("192.31.196.0/24", true, true),
    ("192.52.193.0/24", true, true),
    ("192.88.99.0/24", true, true),
    ("192.168.0.0/16", true, true),
    ("192.175.48.0/24", true, true),
    ("198.18.0.0/15", true, true),
    ("198.51.100.0/24", true, true),
    ("203.0.113.0/24", true, true),
    ("224.0.0.0/4", true, false),
    ("240.0.0.0/4", false, false),
    ("255.255.255.255/32", false, false),
    // Unspecified, loopback, compatible, and the translated form of RFC 2765.
    ("::/128", false, false),
    ("::1/128", false, false),
    ("::/96", false, false),
    ("::ffff:0:0:0/96", false, false),
    // NAT64 for one's own network; the other prefix is judged by what it stands for.
    ("64:ff9b:1::/48", false, false),
    ("100::/64", false, false),
    ("100:0:0:1::/64", false, false),
    ("::/3", false, true),
    ("2001::/32", true, false),
    ("2001:2::/48", false, false),
    ("2001:3::/32", false, false),
    ("2001:4:112::/48", false, false),
    ("2001:10::/28", false, false),
    ("2001:20::/28", false, false),
    ("2001:30::/28", false, false),
    ("2001::/23", true, true),
    ("2001:db8::/32", true, true),
    ("2002::/16", true, true),
    ("2620:4f:8000::/48", true, true),
    ("3fff::/20", true, true),
    ("4000::/3", true, false),
    ("5f00::/16", false, false),
    ("fc00::/7", false, false),
    ("fe80::/10", false, false),
    ("fec0::/10", false, false),
    ("ff00::/8", false, false),
];

const PUBLIC: &[&str] = &[
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "140.82.112.3",
    "223.255.255.255",
    "2000::1",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
];

const METADATA: &[&str] = &[
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "169.254.0.23",
    "169.254.42.42",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:42::42",
    "fe80::a9fe:a9fe",
    // The first of them, mapped, translated, compatible, tunnelled.
    "::ffff:169.254.169.254",
    "64:ff9b::169.254.169.254",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b:1::169.254.169.254",
    "2002:a9fe:a9fe::1",
    "2001::5601:5601",
];

fn is_open(address: IpAddr) -> bool {
    Egress::public().check_addr(address).is_ok()
}

fn moved(address: IpAddr, by: i8) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => {
            let bits = v4.to_bits().checked_add_signed(by.into())?;
            Some(Ipv4Addr::from_bits(bits).into())
        }
        IpAddr::V6(v6) => {
            let bits = v6.to_bits().checked_add_signed(by.into())?;
            Some(Ipv6Addr::from_bits(bits).into())
        }
    }
}

fn middle(network: IpNet) -> IpAddr {
    let last = network.broadcast();
    match (network.network(), last) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            Ipv4Addr::from_bits(a.to_bits() + (b.to_bits() - a.to_bits()) / 2).into()
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            Ipv6Addr::from_bits(a.to_bits() + (b.to_bits() - a.to_bits()) / 2).into()
        }
        _ => unreachable!("a network is of one family"),
    }
}

#[test]
fn special_ranges_are_refused_from_end_to_end_and_not_further() {
    for &(range, is_open_before, is_open_after) in SPECIAL {
        let network: IpNet = range.parse().unwrap();
        let (first, last) = (network.network(), network.broadcast());
        for address in [first, middle(network), last] {
            // The middle of ::/3 is no exception; what NAT64 stands for is judged elsewhere.
            assert!(!is_open(address), "{address} of {range}");
        }
        let before = moved(first, -1).is_some_and(is_open);
        assert_eq!(before, is_open_before, "before {range}");
        let after = moved(last, 1).is_some_and(is_open);
        assert_eq!(after, is_open_after, "after {range}");
    }
}

#[test]
fn public_addresses_pass() {
    for address in PUBLIC {
        assert!(is_open(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn mapped_and_translated_addresses_are_judged_by_what_they_stand_for() {
    for (address, is_public) in [
        ("::ffff:8.8.8.8", true),
        ("::ffff:127.0.0.1", false),
        ("::ffff:10.0.0.1", false),
        ("64:ff9b::8.8.8.8", true),
        ("64:ff9b::127.0.0.1", false),
        ("64:ff9b::192.168.1.1", false),
        ("64:ff9b:1::8.8.8.8", false),
        ("::8.8.8.8", false),
        ("2002:808:808::1", false),
    ] {
        assert_eq!(is_open(address.parse().unwrap()), is_public, "{address}");
    }
}

#[test]
fn metadata_is_refused_where_its_range_is_allowed_and_where_all_is() {
    let wide = Egress::public()
        .allow("169.254.0.0/16")
        .and_then(|egress| egress.allow("100.64.0.0/10"))
        .and_then(|egress| egress.allow("192.0.0.0/24"))
        .and_then(|egress| egress.allow("fc00::/7"))
        .and_then(|egress| egress.allow("fe80::/10"))
        .unwrap();
    let all = Egress::public().dangerous().allow_every_address();
    for text in METADATA {
        let address: IpAddr = text.parse().unwrap();
        for egress in [Egress::public(), wide.clone(), all.clone()] {
            let refused = egress.check_addr(address).unwrap_err();
            assert_eq!(refused.kind(), EgressErrorKind::Metadata, "{text}");
            assert_eq!(refused.address(), Some(address));
            assert!(!refused.to_string().contains("169"), "{refused}");
        }
    }
}

#[test]
fn metadata_opens_under_dangerous_and_only_where_its_range_is_allowed() {
    let judged = Egress::public().dangerous().allow_metadata();
    let link_local = "169.254.169.254".parse().unwrap();
    let refused = judged.check_addr(link_local).unwrap_err();
    assert_eq!(refused.kind(), EgressErrorKind::Address);
    assert!(judged.check_addr("168.63.129.16".parse().unwrap()).is_ok());
    let opened = judged.allow("169.254.0.0/16").unwrap();
    assert!(opened.check_addr(link_local).is_ok());
}

#[test]
fn an_allowed_network_opens_itself_in_all_its_forms() {
    let egress = Egress::public().allow("10.8.0.0/16").unwrap();
    for (address, is_allowed) in [
        ("10.8.0.0", true),
        ("10.8.255.255", true),
        ("10.7.255.255", false),
        ("10.9.0.0", false),
        ("::ffff:10.8.0.1", true),
        ("64:ff9b::10.8.0.1", true),
        ("::10.8.0.1", false),
        ("8.8.8.8", true),
    ] {
        let judged = egress.check_addr(address.parse().unwrap());
        assert_eq!(judged.is_ok(), is_allowed, "{address}");
    }
}

#[test]
fn a_denied_network_wins_over_all() {
    let egress = Egress::public()
        .allow("10.8.0.0/16")
        .and_then(|egress| egress.deny("10.8.1.0/24"))
        .and_then(|egress| egress.deny("8.8.8.8"))
        .and_then(|egress| egress.deny("2a00:1450:64::/96"))
        .and_then(|egress| egress.deny("64:ff9b::/96"))
        .and_then(|egress| egress.deny("::ffff:9.9.9.0/120"))
        .unwrap()
        .dangerous()
        .allow_every_address();
    for denied in [
        "10.8.1.1",
        "::ffff:10.8.1.1",
        "8.8.8.8",
        "::ffff:8.8.8.8",
        "2a00:1450:64::10.0.0.1",
        "64:ff9b::1.1.1.1",
        "9.9.9.9",
        "::ffff:9.9.9.9",
    ] {
        let refused = egress.check_addr(denied.parse().unwrap()).unwrap_err();
        assert_eq!(refused.kind(), EgressErrorKind::Address, "{denied}");
    }
    assert!(egress.check_addr("10.8.2.1".parse().unwrap()).is_ok());
}

#[test]
fn a_network_that_is_none_or_is_everything_is_an_error() {
    for (wrong, field) in [
        ("", "allow"),
        ("10.0.0.0/33", "allow"),
        ("localhost", "allow"),
    ] {
        assert_eq!(Egress::public().allow(wrong).unwrap_err().field(), field);
        assert_eq!(Egress::public().deny(wrong).unwrap_err().field(), "deny");
    }
    assert!(Egress::public().allow("0.0.0.0/0").is_err());
    assert!(Egress::public().allow("::/0").is_err());
    assert!(Egress::public().allow("::ffff:0:0/96").is_err());
    assert!(Egress::public().deny("0.0.0.0/0").is_ok());
}

proptest! {
    #[test]
    fn an_ipv4_address_is_judged_alike_in_every_form(bits: u32) {
        let v4 = Ipv4Addr::from_bits(bits);
        let expected = is_open(v4.into());
        prop_assert_eq!(is_open(v4.to_ipv6_mapped().into()), expected);
        let nat64 = u128::from(bits) | 0x0064_ff9b << 96;
        prop_assert_eq!(is_open(Ipv6Addr::from_bits(nat64).into()), expected);
    }

    #[test]
    fn what_the_standard_library_calls_special_is_refused(bits: u32, low: u128) {
        let v4 = Ipv4Addr::from_bits(bits);
        let is_special = v4.is_private() || v4.is_loopback() || v4.is_link_local()
            || v4.is_broadcast() || v4.is_documentation() || v4.is_multicast() || v4.is_unspecified();
        prop_assert!(!(is_special && is_open(v4.into())));
        let v6 = Ipv6Addr::from_bits(low);
        let is_special = v6.is_unique_local() || v6.is_unicast_link_local()
            || v6.is_multicast() || v6.is_loopback();
        prop_assert!(!(is_special && is_open(v6.into())));
    }

    #[test]
    fn whatever_lies_in_a_special_range_is_refused(range in 0..SPECIAL.len(), offset: u128) {
        let network: IpNet = SPECIAL[range].0.parse().unwrap();
        let address: IpAddr = match network {
            IpNet::V4(net) => within_v4(net, offset).into(),
            IpNet::V6(net) => within_v6(net, offset).into(),
        };
        // Of ::/3 a part is judged by what it stands for.
        prop_assume!(SPECIAL[range].0 != "::/3");
        prop_assert!(!is_open(address), "{}", address);
    }
}

fn within_v4(network: Ipv4Net, offset: u128) -> Ipv4Addr {
    let offset = offset as u32 & network.hostmask().to_bits();
    Ipv4Addr::from_bits(network.network().to_bits() | offset)
}

fn within_v6(network: Ipv6Net, offset: u128) -> Ipv6Addr {
    let offset = offset & network.hostmask().to_bits();
    Ipv6Addr::from_bits(network.network().to_bits() | offset)
}
