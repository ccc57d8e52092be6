//! What errors say, to whom they say it, and what they keep for the log.

use std::error::Error;
use std::io::{self, ErrorKind};

use http::Uri;
use tower_webhook::connection::{ConnectionId, SourceError};
use tower_webhook::handoff::{QueueError, QueueErrorKind};
use tower_webhook::outbound::egress::Egress;
use tower_webhook::outbound::endpoint::EndpointId;
use tower_webhook::outbound::event::EventId;
use tower_webhook::outbound::sign::{EventType, MessageId, SignError, SignErrorKind};
use tower_webhook::outbound::store::StoreError as OutboxError;
use tower_webhook::outbound::{Failure, OutboundError, OutboundErrorKind, Tenant};
use tower_webhook::secret::Secret;
use tower_webhook::store::{ConnectError, ConnectErrorKind, StoreError, StoreErrorKind};

fn causes(err: &dyn Error) -> Option<String> {
    err.source().map(ToString::to_string)
}

#[test]
fn errors_of_what_is_asked_say_whose_they_are_and_keep_the_cause() {
    let cause = "no route";
    let errors: [(Box<dyn Error>, &str); 9] = [
        (
            Box::new(SourceError::unavailable(cause)),
            "the source of connections is unavailable",
        ),
        (
            Box::new(QueueError::unavailable(cause)),
            "the queue did not acknowledge the job",
        ),
        (
            Box::new(QueueError::too_large(cause)),
            "the job is larger than the queue takes",
        ),
        (
            Box::new(StoreError::unavailable(cause)),
            "the idempotency store is unavailable",
        ),
        (
            Box::new(StoreError::corrupt(cause)),
            "a record of the idempotency store cannot be read",
        ),
        (
            Box::new(ConnectError::unreachable(cause)),
            "the server of the store cannot be reached",
        ),
        (
            Box::new(OutboxError::unavailable(cause)),
            "the store of deliveries is unavailable",
        ),
        (
            Box::new(OutboundError::from(OutboxError::unavailable(cause))),
            "the store of deliveries is unavailable",
        ),
        (
            Box::new(io::Error::other(OutboxError::unavailable(cause))),
            "the store of deliveries is unavailable",
        ),
    ];
    for (err, said) in errors {
        assert_eq!(err.to_string(), said);
        assert_eq!(causes(&*err).as_deref(), Some(cause), "{said}");
    }
    for (err, said) in [
        (
            Box::new(QueueError::full()) as Box<dyn Error>,
            "the queue is full",
        ),
        (
            Box::new(StoreError::full()),
            "the idempotency store is full",
        ),
    ] {
        assert_eq!((err.to_string().as_str(), causes(&*err)), (said, None));
    }
}

#[test]
fn errors_tell_their_kinds() {
    assert_eq!(QueueError::full().kind(), QueueErrorKind::Full);
    assert_eq!(
        QueueError::unavailable("").kind(),
        QueueErrorKind::Unavailable
    );
    assert_eq!(QueueError::too_large("").kind(), QueueErrorKind::TooLarge);
    assert_eq!(StoreError::full().kind(), StoreErrorKind::Full);
    assert_eq!(
        StoreError::unavailable("").kind(),
        StoreErrorKind::Unavailable
    );
    assert_eq!(StoreError::corrupt("").kind(), StoreErrorKind::Corrupt);
    let unreachable = ConnectError::unreachable("");
    assert_eq!(unreachable.kind(), ConnectErrorKind::Unreachable);
    assert!(unreachable.config().is_none());
    let unavailable = OutboundError::from(OutboxError::unavailable(""));
    assert_eq!(unavailable.kind(), OutboundErrorKind::Unavailable);
    assert_eq!(unavailable.field(), None);
}

#[test]
fn a_setting_that_is_not_safe_is_named() {
    let secret = Secret::new("short").unwrap_err();
    assert_eq!(secret.to_string(), "`secret` is shorter than 16 bytes");
    let err = EventId::new("a.b").unwrap_err();
    assert_eq!(
        (err.kind(), err.field()),
        (OutboundErrorKind::Invalid, Some("id"))
    );
    let said = "`id` must be 1 to 128 visible characters of ASCII without a dot";
    assert_eq!((err.to_string().as_str(), causes(&err)), (said, None));
}

#[test]
fn what_cannot_be_signed_says_why() {
    for (kind, said) in [
        (SignErrorKind::NoLiveKey, "no key that can sign is live"),
        (
            SignErrorKind::MessageId,
            "the message id cannot be signed or sent",
        ),
        (
            SignErrorKind::EventType,
            "the event type cannot stand in a header",
        ),
        (
            SignErrorKind::Time,
            "the time of the attempt is none that receivers read",
        ),
        (
            SignErrorKind::Header,
            "a header of the scheme cannot be written",
        ),
        (SignErrorKind::Body, "the body could not be collected"),
    ] {
        let err = SignError::from(kind);
        assert_eq!(err.kind(), kind);
        assert_eq!((err.to_string().as_str(), causes(&err)), (said, None));
    }
}

#[test]
fn what_is_not_allowed_out_is_said_without_the_address() {
    let egress = Egress::public();
    for (url, said) in [
        (
            "/hooks",
            "the URL is malformed, too long, or carries a user name",
        ),
        ("ftp://example.com/", "the scheme of the URL is not allowed"),
        (
            "https://0x7f.1/",
            "the host of the URL is neither a name nor a plain address",
        ),
        (
            "https://example.com:22/",
            "the port of the URL is not allowed",
        ),
        ("https://10.0.0.1/", "the address is not allowed"),
        ("https://169.254.169.254/", "the address is not allowed"),
    ] {
        let err = egress.check_url(&url.parse::<Uri>().unwrap()).unwrap_err();
        assert_eq!(err.to_string(), said, "{url}");
        assert_eq!(Failure::of(&err), Failure::EgressDenied);
    }
}

#[test]
fn failures_are_told_from_what_the_system_says() {
    for (kind, failure) in [
        (ErrorKind::ConnectionRefused, Failure::ConnectionRefused),
        (ErrorKind::HostUnreachable, Failure::Unreachable),
        (ErrorKind::NetworkUnreachable, Failure::Unreachable),
        (ErrorKind::NetworkDown, Failure::Unreachable),
        (ErrorKind::TimedOut, Failure::Timeout),
        (ErrorKind::ConnectionReset, Failure::ConnectionReset),
        (ErrorKind::ConnectionAborted, Failure::ConnectionReset),
        (ErrorKind::BrokenPipe, Failure::ConnectionReset),
        (ErrorKind::NotConnected, Failure::ConnectionReset),
        (ErrorKind::UnexpectedEof, Failure::ConnectionReset),
        (ErrorKind::OutOfMemory, Failure::Other),
    ] {
        assert_eq!(Failure::of(&io::Error::from(kind)), failure, "{kind}");
        // Whatever it is wrapped in.
        let wrapped = OutboxError::unavailable(io::Error::other(io::Error::from(kind)));
        assert_eq!(Failure::of(&wrapped), failure, "{kind}");
    }
    let within = io::Error::other(rustls::Error::DecryptError);
    assert_eq!(Failure::of(&within), Failure::TlsError);
    for failure in Failure::ALL {
        assert_eq!(failure.to_string(), failure.code());
        assert_eq!(Failure::from_code(failure.code()), Some(failure));
    }
}

#[test]
fn ids_and_names_are_written_as_they_are() {
    assert_eq!(
        ConnectionId::new("github", "main").to_string(),
        "github/main"
    );
    let id = ConnectionId::new("github", "main");
    assert_eq!((id.kind(), id.name()), ("github", "main"));
    assert_eq!(EndpointId::from("ep_1").to_string(), "ep_1");
    assert_eq!(EventId::new("msg_1").unwrap().to_string(), "msg_1");
    let id = MessageId::new("msg_2").unwrap();
    assert_eq!((id.as_str(), id.to_string().as_str()), ("msg_2", "msg_2"));
    assert_eq!(
        EventType::new("order.created").unwrap().as_str(),
        "order.created"
    );
    assert_eq!(Tenant::from("shop-7").to_string(), "shop-7");
}
