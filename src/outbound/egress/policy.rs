use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use http::Uri;
use ipnet::IpNet;

use super::address;
use super::error::{EgressError, EgressErrorKind};
use super::url;
use crate::config::ConfigError;
use crate::danger::Dangerous;

/// Where deliveries may go.
///
/// See the [module docs](crate::outbound::egress).
#[derive(Clone, Debug)]
#[must_use]
pub struct Egress(Arc<Rules>);

#[derive(Clone, Debug, Default)]
struct Rules {
    allowed: Vec<IpNet>,
    denied: Vec<IpNet>,
    // Empty: 80, 443 and all from 1024.
    ports: Vec<RangeInclusive<u16>>,
    is_http_allowed: bool,
    is_metadata_allowed: bool,
    is_every_address_allowed: bool,
}

impl Egress {
    /// Allows public addresses, over `https`, on the ports 80, 443 and all from 1024.
    pub fn public() -> Self {
        Self(Arc::default())
    }

    /// Allows a network (CIDR) or an address that is not public.
    ///
    /// Metadata addresses inside of it stay refused, see [`allow_metadata`](Dangerous::allow_metadata).
    ///
    /// # Errors
    ///
    /// Returns an error that names `allow` when `network` is neither, or is every address.
    pub fn allow(mut self, network: &str) -> Result<Self, ConfigError> {
        let network = read("allow", network)?;
        if network.prefix_len() == 0 {
            return Err(ConfigError::new("allow", "must not hold every address"));
        }
        self.rules().allowed.push(network);
        Ok(self)
    }

    /// Refuses a network (CIDR) or an address, whatever else allows it: the public addresses of one's own
    /// machines, or the prefix of a NAT64 translator in one's network.
    ///
    /// # Errors
    ///
    /// Returns an error that names `deny` when `network` is neither.
    pub fn deny(mut self, network: &str) -> Result<Self, ConfigError> {
        let network = read("deny", network)?;
        self.rules().denied.push(network);
        Ok(self)
    }

    /// Allows these ports and no others.
    ///
    /// # Errors
    ///
    /// Returns an error that names `ports` when there is none, or one of them is 0.
    pub fn with_ports(
        mut self,
        ports: impl IntoIterator<Item = RangeInclusive<u16>>,
    ) -> Result<Self, ConfigError> {
        let ports: Vec<_> = ports.into_iter().collect();
        if ports.is_empty() || ports.iter().any(RangeInclusive::is_empty) {
            return Err(ConfigError::new("ports", "must hold a port"));
        }
        if ports.iter().any(|range| range.contains(&0)) {
            return Err(ConfigError::new("ports", "must not hold 0"));
        }
        self.rules().ports = ports;
        Ok(self)
    }

    /// Allows `http` beside `https`: whoever is on the way can read the delivery, and answer it.
    pub fn allow_http(mut self) -> Self {
        self.rules().is_http_allowed = true;
        self
    }

    /// What may be weakened.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    /// Judges an address, as the connector does before it dials.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind [`Address`](EgressErrorKind::Address) or
    /// [`Metadata`](EgressErrorKind::Metadata).
    pub fn check_addr(&self, address: IpAddr) -> Result<(), EgressError> {
        let target = address::target(address);
        let refused = |kind| Err(EgressError::at(kind, address));
        let holds = |networks: &[IpNet], address| networks.iter().any(|net| net.contains(address));
        let denied = &self.0.denied;
        if holds(denied, &target) || holds(denied, &address) {
            return refused(EgressErrorKind::Address);
        }
        if !self.0.is_metadata_allowed && address::is_metadata(target) {
            return refused(EgressErrorKind::Metadata);
        }
        let is_allowed = address::is_public(target)
            || self.0.is_every_address_allowed
            || holds(&self.0.allowed, &target);
        match is_allowed {
            true => Ok(()),
            false => refused(EgressErrorKind::Address),
        }
    }

    /// Judges a URL as far as it can be judged without asking DNS: when an endpoint is registered, to
    /// refuse it at once, and again before each attempt.
    ///
    /// # Errors
    ///
    /// Returns an error that says which part of the URL is refused.
    pub fn check_url(&self, url: &Uri) -> Result<(), EgressError> {
        url::check(self, url).map(|_| ())
    }

    pub(super) fn is_http_allowed(&self) -> bool {
        self.0.is_http_allowed
    }

    pub(super) fn is_port_allowed(&self, port: u16) -> bool {
        match self.0.ports.as_slice() {
            [] => matches!(port, 80 | 443 | 1024..),
            ports => ports.iter().any(|range| range.contains(&port)),
        }
    }

    fn rules(&mut self) -> &mut Rules {
        Arc::make_mut(&mut self.0)
    }
}

impl Default for Egress {
    fn default() -> Self {
        Self::public()
    }
}

impl Dangerous<Egress> {
    /// Judges the addresses where clouds hand out credentials as any other: those in public space are
    /// then open, and the others wherever [`allow`](Egress::allow) says so. Whoever may register an
    /// endpoint can then ask for the credentials of the machine, where the cloud gives them to a POST.
    pub fn allow_metadata(mut self) -> Egress {
        self.0.rules().is_metadata_allowed = true;
        self.0
    }

    /// Allows every address but those of metadata and those denied. Whoever may register an endpoint can
    /// then reach all that this machine can.
    pub fn allow_every_address(mut self) -> Egress {
        self.0.rules().is_every_address_allowed = true;
        self.0
    }
}

fn read(field: &'static str, text: &str) -> Result<IpNet, ConfigError> {
    let network = text.parse::<IpNet>().ok();
    let network = network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let wrong = ConfigError::new(field, "must be an address or a network (CIDR)");
    let network = network.ok_or(wrong)?.trunc();
    // A mapped network is one of IPv4: that is how its addresses are judged.
    match (network.network().to_canonical(), network.prefix_len()) {
        (address @ IpAddr::V4(_), length @ 96..) => {
            IpNet::new(address, length - 96).map_err(|_| wrong)
        }
        _ => Ok(network),
    }
}
