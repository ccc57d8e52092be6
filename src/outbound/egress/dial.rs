use std::error::Error as StdError;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::resolver::Resolver;
use super::url::{Host, Target};
use super::{Egress, EgressError};
use crate::BoxError;
use crate::outbound::failure::{Failure, of_io};

/// Why there is no connection.
#[derive(Debug)]
pub struct ConnectError {
    kind: Failure,
    source: Option<BoxError>,
}

impl ConnectError {
    pub(in crate::outbound) fn timeout() -> Self {
        Self {
            kind: Failure::ConnectTimeout,
            source: None,
        }
    }

    pub(in crate::outbound) fn new(kind: Failure, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            source: Some(source.into()),
        }
    }

    /// The category of failure.
    #[must_use]
    pub fn kind(&self) -> Failure {
        self.kind
    }
}

impl From<EgressError> for ConnectError {
    fn from(err: EgressError) -> Self {
        Self::new(Failure::EgressDenied, err)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.reason())
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|err| err as _)
    }
}

/// Most addresses that are dialled for a connection: whoever owns a name could otherwise list thousands, and
/// have this machine knock at all of them.
const MOST_DIALLED: usize = 8;

/// Resolves, judges and dials `target`, all within `limit`.
pub(super) async fn dial(
    egress: Egress,
    resolver: Resolver,
    target: Target,
    limit: Duration,
) -> Result<TcpStream, ConnectError> {
    let deadline = Instant::now() + limit;
    let addresses = match target.host {
        // Judged with the URL.
        Host::Address(address) => vec![address],
        Host::Name(name) => {
            let found = timeout_at(deadline, resolver.resolve(name)).await;
            let found = found.map_err(|_| ConnectError::timeout())?;
            checked(&egress, found)?
        }
    };
    one_of(&addresses, target.port, deadline).await
}

/// The addresses, if all of them are allowed. A name with one that is not is a trick or a mistake; to
/// dial the others would hide it, and leave it to chance which attempts arrive.
fn checked(
    egress: &Egress,
    found: Result<Vec<IpAddr>, BoxError>,
) -> Result<Vec<IpAddr>, ConnectError> {
    let mut found = found.map_err(|err| ConnectError::new(Failure::DnsError, err))?;
    if found.is_empty() {
        return Err(ConnectError::new(Failure::DnsError, "no address"));
    }
    for address in &found {
        egress.check_addr(*address)?;
    }
    found.truncate(MOST_DIALLED);
    Ok(found)
}

/// The first connection that stands. Nothing is resolved again here: what was judged is what is dialled.
async fn one_of(
    addresses: &[IpAddr],
    port: u16,
    deadline: Instant,
) -> Result<TcpStream, ConnectError> {
    let mut failed = ConnectError::timeout();
    for (dialled, address) in addresses.iter().enumerate() {
        // An address that swallows packets must leave time for the next.
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - dialled).unwrap_or(u32::MAX);
        let connect = TcpStream::connect(SocketAddr::new(*address, port));
        failed = match timeout_at(Instant::now() + share, connect).await {
            Ok(Ok(stream)) => {
                // Requests are written in one piece; what waits for more only waits.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(err)) => {
                let kind = match of_io(&err) {
                    Some(Failure::Timeout) => Failure::ConnectTimeout,
                    kind => kind.unwrap_or(Failure::Other),
                };
                ConnectError::new(kind, err)
            }
            Err(_) => ConnectError::timeout(),
        };
    }
    Err(failed)
}
