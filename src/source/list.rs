use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::config::ConfigError;

/// Addresses that may send, as networks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct AllowList(Arc<[IpNet]>);

impl AllowList {
    /// Reads networks in CIDR notation, or single addresses.
    ///
    /// # Errors
    ///
    /// Returns an error that names `allow_from` when one is neither, or when there is none.
    pub fn parse<'n>(networks: impl IntoIterator<Item = &'n str>) -> Result<Self, ConfigError> {
        let read = |text: &str| {
            let network = text.parse::<IpNet>().ok();
            network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
        };
        let networks: Option<Arc<[IpNet]>> = networks.into_iter().map(read).collect();
        let refused = |reason| ConfigError::new("allow_from", reason);
        let networks = networks.ok_or(refused("must hold addresses or networks (CIDR)"))?;
        if networks.is_empty() {
            return Err(refused("must hold an address"));
        }
        Ok(Self(networks))
    }

    /// Whether `address` may send.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}
