use super::{Case, NOW, Suite, event, events, pending, record, typed};
use crate::outbound::endpoint::EndpointState;
use crate::outbound::event::Event;
use crate::outbound::store::OutboundStore;

pub(super) async fn run<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    wanted(suite).await;
    suite
        .fact("an event that nobody wants is known", async |case| {
            case.is(case.emit(&event("1"), NOW).await, Some(0));
            case.is(case.emit(&event("1"), NOW).await, None);
        })
        .await;
    suite
        .fact(
            "an event that is emitted twice changes nothing",
            async |case| {
                let first = case.endpoint("a").await;
                case.is(case.emit(&event("1"), NOW).await, Some(1));
                let second = case.endpoint("b").await;
                let before = case.deliveries(&first).await;
                let again = typed("1", "order.paid");
                case.is(case.emit(&again, NOW + 1).await, None);
                case.that(!case.emit_to(&again, &second, NOW + 1).await);
                case.is(case.deliveries(&first).await, before);
                case.is(case.deliveries(&second).await, vec![]);
                case.is(case.one(NOW).await.event.event_type(), "order.created");
            },
        )
        .await;
    suite
        .fact(
            "the same id of another tenant is another event",
            async |case| {
                case.is(case.emit(&event("1"), NOW).await, Some(0));
                let other = event("1").tenant("other");
                case.is(case.emit(&other, NOW).await, Some(0));
                case.is(case.emit(&other, NOW).await, None);
            },
        )
        .await;
    suite
        .fact(
            "a delivery that was emitted is pending and due at once",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                let row = case.delivery(&id).await;
                case.is(row.state, pending(NOW));
                case.is((row.attempts, row.failed, row.manual), (0, 0, false));
                case.is((row.created_at, row.changed_at), (NOW, NOW));
                case.is((row.event.as_str(), row.endpoint), ("1", id));
                case.is(row.event_type.as_str(), "order.created");
            },
        )
        .await;
    suite
        .fact("bytes are kept as they are", async |case| {
            case.endpoint("a").await;
            let long: Vec<u8> = (0..1 << 20).map(|at: u32| (at % 251) as u8).collect();
            for body in [&b"\x00\x9f\x92\x96\xff\r\n"[..], b"", &long] {
                let event = Event::new("order.created", body.to_vec()).expect(case.fact);
                case.emit(&event, NOW).await;
                let taken = case.one(NOW).await;
                case.is(&taken.event.id, &event.id);
                case.that(taken.event.body() == body);
            }
        })
        .await;
    suite
        .fact(
            "media type, version and tenant of an event are kept",
            async |case| {
                let mut wanting = record("a", &["*"]);
                wanting.endpoint.tenant = "shop".into();
                case.add(wanting).await;
                let plain = event("1").tenant("shop");
                let full = event("2").tenant("shop").api_version("2026-11-01");
                let full = full.content_type("text/plain; charset=utf-8");
                for event in [plain, full] {
                    case.emit(&event, NOW).await;
                    let taken = case.one(NOW).await.event;
                    case.is(&taken.content_type, &event.content_type);
                    case.is(&taken.api_version, &event.api_version);
                    case.is(&taken.tenant, &event.tenant);
                    case.is(&taken.event_type, &event.event_type);
                }
            },
        )
        .await;
    to_one(suite).await;
}

/// Who gets an event.
async fn wanted<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact(
            "each endpoint that wants the type gets a delivery",
            async |case| {
                for (id, patterns) in [
                    ("exact", &["order.created"][..]),
                    ("below", &["order.*"]),
                    ("all", &["*"]),
                    ("several", &["invoice.paid", "order.created", "order.*"]),
                    (
                        "other",
                        &["order.paid", "orders.*", "order", "order.created.*"],
                    ),
                    ("none", &[]),
                ] {
                    case.add(record(id, patterns)).await;
                }
                case.is(case.emit(&event("1"), NOW).await, Some(4));
                for (id, count) in [("exact", 1), ("below", 1), ("all", 1), ("several", 1)]
                    .into_iter()
                    .chain([("other", 0), ("none", 0)])
                {
                    case.is(case.deliveries(&id.into()).await.len(), count);
                }
            },
        )
        .await;
    suite
        .fact("a type is not below itself", async |case| {
            case.add(record("a", &["order.*"])).await;
            case.is(case.emit(&typed("1", "order"), NOW).await, Some(0));
            case.is(case.emit(&typed("2", "order.a.b"), NOW).await, Some(1));
        })
        .await;
    suite
        .fact("a type is what it is to the letter", async |case| {
            case.add(record("a", &["order_x.created", "Paid"])).await;
            for (id, event_type) in [("1", "orderax.created"), ("2", "paid"), ("3", "Paid.x")] {
                case.is(case.emit(&typed(id, event_type), NOW).await, Some(0));
            }
            case.is(
                case.emit(&typed("4", "order_x.created"), NOW).await,
                Some(1),
            );
        })
        .await;
    suite
        .fact("a pattern takes no letter for any letter", async |case| {
            case.add(record("a", &["order_x.*"])).await;
            case.is(
                case.emit(&typed("1", "orderax.created"), NOW).await,
                Some(0),
            );
            case.is(
                case.emit(&typed("2", "order_x.created"), NOW).await,
                Some(1),
            );
        })
        .await;
    suite
        .fact("endpoints of other tenants get nothing", async |case| {
            let own = case.endpoint("own").await;
            let mut other = record("other", &["*"]);
            other.endpoint.tenant = "other".into();
            let other = case.add(other).await;
            case.is(case.emit(&event("1"), NOW).await, Some(1));
            case.is(case.deliveries(&other).await, vec![]);
            case.is(case.emit(&event("2").tenant("other"), NOW).await, Some(1));
            case.is(case.delivery(&own).await.event.as_str(), "1");
            case.is(case.delivery(&other).await.event.as_str(), "2");
        })
        .await;
    suite
        .fact("an endpoint that is disabled gets nothing", async |case| {
            let mut off = record("a", &["*"]);
            off.endpoint.state = EndpointState::disabled("asked");
            let off = case.add(off).await;
            let gone = case.endpoint("b").await;
            case.disable(&gone, NOW).await;
            case.is(case.emit(&event("1"), NOW).await, Some(0));
            case.that(!case.emit_to(&event("2"), &off, NOW).await);
            case.is(case.deliveries(&off).await, vec![]);
            case.is(case.deliveries(&gone).await, vec![]);
        })
        .await;
}

/// What is for one endpoint only.
async fn to_one<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact(
            "what is emitted to one goes to it only, and is manual",
            async |case: Case<S>| {
                let meant = case.add(record("a", &["invoice.paid"])).await;
                let other = case.endpoint("b").await;
                case.that(case.emit_to(&event("1"), &meant, NOW).await);
                case.is(case.deliveries(&other).await, vec![]);
                let row = case.delivery(&meant).await;
                case.is((row.manual, row.state), (true, pending(NOW)));
                let due = case.due(NOW).await;
                case.is(events(&due), vec!["1"]);
                case.that(due[0].manual);
            },
        )
        .await;
    suite
        .fact(
            "what is emitted to one is known from then on",
            async |case| {
                let id = case.endpoint("a").await;
                case.that(case.emit_to(&event("1"), &id, NOW).await);
                case.that(!case.emit_to(&event("1"), &id, NOW).await);
                case.is(case.emit(&event("1"), NOW).await, None);
                case.delivery(&id).await;
            },
        )
        .await;
    suite
        .fact(
            "what is emitted to none that is there is not known",
            async |case| {
                let mut other = record("a", &["*"]);
                other.endpoint.tenant = "other".into();
                let other = case.add(other).await;
                for missing in [other, "missing".into()] {
                    case.that(!case.emit_to(&event("1"), &missing, NOW).await);
                }
                case.is(case.emit(&event("1"), NOW).await, Some(0));
            },
        )
        .await;
}
