//! Our verdict and those of two other crates, on the same request at the same time.
//!
//! Input: a byte that says whose request it is, and the request. In the headers of one that is signed here
//! 0x01 stands for the right signature, 0x02 for it in capitals, 0x03 for a wrong one, 0x04 for the time. A
//! byte above is followed by the name of a vector, whose request was signed with a secret of its own.

mod differences;
mod forms;
mod peers;

use bytes::Bytes;
use http::request::Parts;

use self::differences::DIFFERENCES;
use self::forms::FORMS;
use self::peers::Peer;
use crate::compare::{Verdict, judge};
use crate::request::{read, split};
use crate::vectors::named;

/// Seconds that a delivery may be old, or ahead: theirs, and both ways.
const WINDOW: u64 = 300;

/// A request, and what both sides need to judge it.
#[derive(Debug)]
struct Sent {
    peer: Peer,
    /// The scheme, by its id in the catalogue.
    scheme: &'static str,
    head: Parts,
    body: Bytes,
    now: i64,
}

/// Both accept, or both refuse, or it is known why not.
pub fn differential(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else {
        return;
    };
    let choice = usize::from(*choice);
    let (sent, ours, theirs) = if let Some(form) = FORMS.get(choice) {
        let sent = form.fill(text);
        let theirs = sent.peer.accepts(&sent, &form.secret(), None);
        let ours = accepts(&(form.scheme)(), &sent);
        (sent, ours, theirs)
    } else {
        let (name, text) = split(text, b"\n");
        let case = named(name);
        let (Some(secret), Some(provider)) = (&case.secret, peers::provider(case.entry.id)) else {
            return;
        };
        let (head, body) = read(text);
        let (peer, scheme, now) = (Peer::Verify(provider), case.entry.id, case.now);
        let sent = Sent {
            peer,
            scheme,
            head,
            body,
            now,
        };
        let theirs = peer.accepts(&sent, secret, case.url.as_deref());
        let ours = accepts(&case.scheme, &sent);
        (sent, ours, theirs)
    };
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return;
    };
    let is_known = || {
        let differences = DIFFERENCES.iter();
        let mut known = differences.filter(|known| known.they_accept == theirs);
        known.any(|known| known.peer == sent.peer.name() && (known.is)(&sent))
    };
    assert!(
        ours == theirs || is_known(),
        "we: {ours}, they: {theirs}: {sent:?}"
    );
}

/// Whether we accept, and are inside the window; `None` where we answer a question instead.
fn accepts<S: tower_webhook::scheme::Scheme>(scheme: &S, sent: &Sent) -> Option<bool> {
    match judge(scheme, &sent.head, &sent.body) {
        Verdict::Handshake(..) => None,
        Verdict::Refused(_) => Some(false),
        Verdict::Delivery(delivery) => {
            let age = delivery.timestamp.map_or(0, |time| time.abs_diff(sent.now));
            Some(age <= WINDOW)
        }
    }
}
