//! Which addresses are public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn v4(a: u8, b: u8, c: u8, d: u8) -> u32 {
    u32::from_be_bytes([a, b, c, d])
}

/// First address and prefix length of what is not public in IPv4: the whole
/// [registry](https://www.iana.org/assignments/iana-ipv4-special-registry/), also what it calls globally
/// reachable, since those are services of the network and no receivers; and multicast.
const SPECIAL_V4: [(u32, u32); 18] = [
    (v4(0, 0, 0, 0), 8),       // "this network", RFC 791
    (v4(10, 0, 0, 0), 8),      // private, RFC 1918
    (v4(100, 64, 0, 0), 10),   // shared by carriers, RFC 6598
    (v4(127, 0, 0, 0), 8),     // loopback, RFC 1122
    (v4(169, 254, 0, 0), 16),  // link-local, RFC 3927
    (v4(172, 16, 0, 0), 12),   // private, RFC 1918
    (v4(192, 0, 0, 0), 24),    // IETF protocols, RFC 6890
    (v4(192, 0, 2, 0), 24),    // documentation, RFC 5737
    (v4(192, 31, 196, 0), 24), // AS112, RFC 7535
    (v4(192, 52, 193, 0), 24), // AMT, RFC 7450
    (v4(192, 88, 99, 0), 24),  // relays of 6to4, RFC 7526
    (v4(192, 168, 0, 0), 16),  // private, RFC 1918
    (v4(192, 175, 48, 0), 24), // AS112, RFC 7534
    (v4(198, 18, 0, 0), 15),   // benchmarks, RFC 2544
    (v4(198, 51, 100, 0), 24), // documentation, RFC 5737
    (v4(203, 0, 113, 0), 24),  // documentation, RFC 5737
    (v4(224, 0, 0, 0), 4),     // multicast, RFC 5771
    (v4(240, 0, 0, 0), 4),     // reserved, RFC 1112, and broadcast, RFC 919
];

const fn v6(segments: [u16; 8]) -> u128 {
    Ipv6Addr::new(
        segments[0],
        segments[1],
        segments[2],
        segments[3],
        segments[4],
        segments[5],
        segments[6],
        segments[7],
    )
    .to_bits()
}

/// What is not public inside of 2000::/3, by the
/// [registry](https://www.iana.org/assignments/iana-ipv6-special-registry/).
const SPECIAL_V6: [(u128, u32); 5] = [
    // IETF protocols, RFC 2928, with Teredo, benchmarks, AMT, AS112, ORCHID and drones inside.
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0]), 23),
    (v6([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0]), 32), // documentation, RFC 3849
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0]), 16),      // 6to4, RFC 3056
    (v6([0x2620, 0x004f, 0x8000, 0, 0, 0, 0, 0]), 48), // AS112, RFC 7534
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0]), 20),      // documentation, RFC 9637
];

const GLOBAL_V6: (u128, u32) = (v6([0x2000, 0, 0, 0, 0, 0, 0, 0]), 3);
const NAT64: (u128, u32) = (v6([0x0064, 0xff9b, 0, 0, 0, 0, 0, 0]), 96);

/// Where clouds hand out credentials and settings to whoever asks from inside.
const METADATA_V4: [Ipv4Addr; 8] = [
    Ipv4Addr::new(169, 254, 169, 254), // AWS, Google, Azure, OpenStack, Oracle, DigitalOcean, Hetzner, …
    Ipv4Addr::new(169, 254, 170, 2),   // tasks of Amazon ECS
    Ipv4Addr::new(169, 254, 170, 23),  // pods of Amazon EKS
    Ipv4Addr::new(169, 254, 0, 23),    // Tencent
    Ipv4Addr::new(169, 254, 42, 42),   // Scaleway
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(168, 63, 129, 16),   // the wire server of Azure, which is a public address
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle, as it was
];

const METADATA_V6: [Ipv6Addr; 5] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254), // AWS
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x23),  // pods of Amazon EKS
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254), // Google
    Ipv6Addr::new(0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x42),  // Scaleway
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe), // OpenStack
];

/// The address that a connection to `address` ends at: what an IPv4-mapped (RFC 4291) or a NAT64 (RFC 6052)
/// address stands for, else itself.
pub(super) fn target(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if inside_v6(v6, NAT64) => low(v6).into(),
        address => address,
    }
}

/// Whether `address`, a [`target`], is public.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !SPECIAL_V4.iter().any(|&range| inside_v4(v4, range)),
        IpAddr::V6(v6) => {
            inside_v6(v6, GLOBAL_V6) && !SPECIAL_V6.iter().any(|&range| inside_v6(v6, range))
        }
    }
}

/// Whether a cloud answers at `address`, also in a form that some tunnel or translator would unwrap.
pub(super) fn is_metadata(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => METADATA_V4.contains(&v4),
        IpAddr::V6(v6) => {
            let [_, a, b, ..] = v6.segments();
            let six_to_four = Ipv4Addr::from_bits(u32::from(a) << 16 | u32::from(b));
            let teredo = Ipv4Addr::from_bits(!low(v6).to_bits());
            let inner = match v6.segments() {
                // Compatible, NAT64 of both kinds, and the translated form of RFC 2765.
                [0 | 0x0064, ..] => low(v6),
                [0x2002, ..] => six_to_four,
                [0x2001, 0, ..] => teredo,
                _ => return METADATA_V6.contains(&v6),
            };
            METADATA_V4.contains(&inner)
        }
    }
}

fn low(address: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d)
}

fn inside_v4(address: Ipv4Addr, (first, length): (u32, u32)) -> bool {
    (address.to_bits() ^ first).leading_zeros() >= length
}

fn inside_v6(address: Ipv6Addr, (first, length): (u128, u32)) -> bool {
    (address.to_bits() ^ first).leading_zeros() >= length
}
