//! The store as a machine on the network, and what receivers reach it with.
//!
//! Over the network go numbers; what they stand for lies in a cloakroom that everybody can reach. So a
//! call is late, lost or answered to nobody as if it were written out.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::sleep;
use tower_webhook::store::{
    Claim, Claimant, Fence, Fingerprint, Held, IdemKey, IdempotencyStore, Retention, StoreError,
    StoredAnswer,
};
use turmoil::net::{TcpListener, TcpStream};

use crate::flaw::Flaw;
use crate::journal::Fact;
use crate::memory::{Call, Reply};
use crate::world::World;

const PORT: u16 = 6379;
/// The reply of a store that cannot.
const CANNOT: u64 = u64::MAX;

/// Where calls and replies are handed in.
#[derive(Debug, Default)]
pub(crate) struct Cloakroom {
    next: u64,
    calls: BTreeMap<u64, Call>,
    replies: BTreeMap<u64, Reply>,
}

/// Serves calls until the machine goes down.
pub(crate) async fn serve(world: Arc<World>) -> turmoil::Result {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            // A receiver that is gone ends it.
            let _ = attend(&world, stream).await;
        });
    }
}

async fn attend(world: &World, mut stream: TcpStream) -> io::Result<()> {
    loop {
        let number = stream.read_u64().await?;
        let call = world.cloakroom.lock().unwrap().calls.remove(&number);
        let call = call.expect("a call is handed in once");
        let fault = world.store_fault();
        if fault.is_some() {
            world.journal.note(Fact::StoreFault);
        }
        match fault {
            Some(StoreFault::CannotBefore) => {
                stream.write_u64(CANNOT).await?;
                continue;
            }
            Some(StoreFault::GoneBefore) => return Ok(()),
            Some(StoreFault::SlowBefore(time)) => sleep(time).await,
            _ => {}
        }
        let reply = world.apply(&call);
        match fault {
            Some(StoreFault::CannotAfter) => {
                stream.write_u64(CANNOT).await?;
                continue;
            }
            Some(StoreFault::GoneAfter) => return Ok(()),
            Some(StoreFault::SlowAfter(time)) => sleep(time).await,
            _ => {}
        }
        world
            .cloakroom
            .lock()
            .unwrap()
            .replies
            .insert(number, reply);
        stream.write_u64(number).await?;
    }
}

/// What goes wrong at one call: before it is applied, or after.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StoreFault {
    CannotBefore,
    CannotAfter,
    GoneBefore,
    GoneAfter,
    SlowBefore(Duration),
    SlowAfter(Duration),
}

/// A receiver's way to the store.
pub(crate) struct Shop {
    world: Arc<World>,
    idle: Mutex<Vec<TcpStream>>,
}

impl Shop {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self {
            world,
            idle: Mutex::default(),
        }
    }

    async fn call(&self, call: Call) -> Result<Reply, StoreError> {
        self.exchange(call).await.map_err(StoreError::unavailable)
    }

    async fn exchange(&self, call: Call) -> io::Result<Reply> {
        let idle = self.idle.lock().unwrap().pop();
        let mut stream = match idle {
            Some(stream) => stream,
            None => TcpStream::connect(("store", PORT)).await?,
        };
        let number = {
            let mut cloakroom = self.world.cloakroom.lock().unwrap();
            cloakroom.next += 1;
            let number = cloakroom.next;
            cloakroom.calls.insert(number, call);
            number
        };
        stream.write_u64(number).await?;
        // Who gives up here drops the connection, and the call may yet be applied.
        let answer = stream.read_u64().await?;
        self.idle.lock().unwrap().push(stream);
        if answer == CANNOT {
            return Err(io::Error::other("the store cannot"));
        }
        let reply = self.world.cloakroom.lock().unwrap().replies.remove(&answer);
        Ok(reply.expect("a reply is handed in before it is told"))
    }

    async fn held(&self, call: Call) -> Result<Held, StoreError> {
        match self.call(call).await? {
            Reply::Held(held) => Ok(held),
            Reply::Claim(_) => unreachable!("a reply is that to its call"),
        }
    }
}

impl IdempotencyStore for Shop {
    async fn claim(
        &self,
        key: &IdemKey,
        who: Claimant,
        payload: &Fingerprint,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        match self
            .call(Call::Claim(key.clone(), who, *payload, lease))
            .await?
        {
            Reply::Claim(claim) => Ok(claim),
            Reply::Held(_) => unreachable!("a reply is that to its call"),
        }
    }

    async fn renew(
        &self,
        key: &IdemKey,
        fence: Fence,
        lease: Duration,
    ) -> Result<Held, StoreError> {
        if self.world.plan.flaw == Some(Flaw::NoHeartbeat) {
            return Ok(Held::Yes);
        }
        let told = self.world.journal.fence(fence);
        let mut doubt = Doubt::new(&self.world, Fact::RenewalInDoubt { fence: told });
        let held = self.held(Call::Renew(key.clone(), fence, lease)).await;
        doubt.is_told = held.is_ok();
        held
    }

    async fn complete(
        &self,
        key: &IdemKey,
        fence: Fence,
        answer: &StoredAnswer,
        keep: Retention,
    ) -> Result<Held, StoreError> {
        let told = self.world.journal.fence(fence);
        let mut doubt = Doubt::new(&self.world, Fact::CommitInDoubt { fence: told });
        let held = self
            .held(Call::Complete(key.clone(), fence, answer.clone(), keep))
            .await;
        doubt.is_told = held.is_ok();
        if let Ok(Held::Lost) = held {
            self.world.journal.note(Fact::CommitLost { fence: told });
        }
        held
    }

    async fn release(&self, key: &IdemKey, fence: Fence) -> Result<Held, StoreError> {
        self.held(Call::Release(key.clone(), fence)).await
    }
}

/// Notes that a call had no reply; also where its caller gave up waiting.
struct Doubt<'w> {
    world: &'w World,
    fact: Fact,
    is_told: bool,
}

impl<'w> Doubt<'w> {
    fn new(world: &'w World, fact: Fact) -> Self {
        let is_told = false;
        Self {
            world,
            fact,
            is_told,
        }
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if !self.is_told && self.world.is_running.load(Ordering::Relaxed) {
            self.world.journal.note(self.fact.clone());
        }
    }
}
