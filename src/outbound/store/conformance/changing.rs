use super::{Case, EXHAUSTED, NOW, Suite, dead, event, record, retry};
use crate::outbound::endpoint::{EndpointId, EndpointState, Health};
use crate::outbound::store::{
    DeliveryState, ENDPOINT_DISABLED, EndpointChange, Next, OutboundStore,
};

pub(super) async fn run<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    keeping(suite).await;
    updating(suite).await;
    suite
        .fact("of two pauses the longer one stays", async |case| {
            let id = case.endpoint("a").await;
            for (until, is_longer) in [(50, true), (20, false), (50, false), (51, true)] {
                let until = NOW + until;
                let change = EndpointChange::Pause { until };
                case.is(case.change(&id, change, NOW).await, is_longer);
            }
            let now = case.known(&id).await;
            case.is(now.health.paused_until, Some(NOW + 51));
            // Its owner changed nothing, and may be about to.
            case.is((now.version, now.updated_at), (1, NOW));
        })
        .await;
    suite
        .fact("a pause leaves what is pending", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            let before = case.delivery(&id).await;
            case.that(
                case.change(&id, EndpointChange::Pause { until: NOW + 9 }, NOW)
                    .await,
            );
            case.is(case.delivery(&id).await, before);
        })
        .await;
    suite
        .fact(
            "an endpoint is disabled from so many failures on",
            async |case| {
                let mut sick = record("a", &["*"]);
                sick.endpoint.health.failures = 2;
                let id = case.add(sick).await;
                case.emit(&event("1"), NOW).await;
                let disable = |failures| EndpointChange::Disable {
                    reason: "failing",
                    failures,
                };
                case.that(!case.change(&id, disable(3), NOW + 1).await);
                case.that(case.known(&id).await.state.is_active());
                case.that(case.change(&id, disable(2), NOW + 5).await);
                let now = case.known(&id).await;
                case.is(now.state, EndpointState::disabled("failing"));
                case.is((now.version, now.updated_at), (2, NOW + 5));
                case.is(now.health.failures, 2);
                let row = case.delivery(&id).await;
                case.is(
                    (row.state, row.changed_at),
                    (dead(ENDPOINT_DISABLED), NOW + 5),
                );
                case.that(!case.change(&id, disable(2), NOW + 6).await);
                case.is(case.known(&id).await.version, 2);
            },
        )
        .await;
    suite
        .fact(
            "of one that is not there nothing is changed",
            async |case| {
                let (id, until) = (EndpointId::from("missing"), NOW);
                let (reason, failures) = ("gone", 0);
                for change in [
                    EndpointChange::Pause { until },
                    EndpointChange::Disable { reason, failures },
                ] {
                    case.that(!case.change(&id, change, NOW).await);
                }
            },
        )
        .await;
    suite
        .fact(
            "what is disabled has only what was pending buried",
            async |case| {
                let (id, other) = (case.endpoint("a").await, case.endpoint("b").await);
                for (number, next) in [
                    ("1", Next::Delivered),
                    ("2", EXHAUSTED),
                    ("3", retry(NOW + 9)),
                ] {
                    case.that(case.emit_to(&event(number), &id, NOW).await);
                    case.attempt(NOW, next).await;
                }
                case.emit(&event("4"), NOW).await;
                case.disable(&id, NOW + 1).await;
                let rows = case.deliveries(&id).await.into_iter();
                let buried = || dead(ENDPOINT_DISABLED);
                case.is(
                    rows.map(|row| row.state).collect(),
                    vec![
                        buried(),
                        buried(),
                        dead("exhausted"),
                        DeliveryState::Delivered,
                    ],
                );
                case.is(case.delivery(&other).await.state.name(), "pending");
            },
        )
        .await;
}

/// What is known of an endpoint.
async fn keeping<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact("an endpoint is kept in full", async |case| {
            let mut full = record("a", &["order.*", "invoice.paid"]);
            full.sealed = (0..=255).collect();
            let endpoint = &mut full.endpoint;
            endpoint.tenant = "shop".into();
            endpoint.description = "caf\u{e9} 'x'".to_owned();
            endpoint.state = EndpointState::disabled("asked");
            (endpoint.max_concurrent, endpoint.max_per_second) = (Some(3), Some(7));
            endpoint.health = Health {
                failures: 4,
                failing_since: Some(NOW - 5),
                paused_until: Some(NOW + 5),
            };
            (endpoint.updated_at, endpoint.version) = (NOW + 1, 9);
            for record in [full, record("b", &[])] {
                let id = case.add(record.clone()).await;
                case.is(case.known(&id).await, record.endpoint);
                case.is(case.record(&id).await.sealed, record.sealed);
            }
        })
        .await;
    suite
        .fact("an id is taken once", async |case| {
            let id = case.endpoint("a").await;
            let before = case.known(&id).await;
            let other = record("a", &["order.paid"]);
            let is_new = case.store.insert_endpoint(&other).await;
            case.that(!is_new.expect(case.fact));
            case.is(case.known(&id).await, before);
        })
        .await;
    suite
        .fact(
            "an endpoint that is not there is not found",
            async |case: Case<S>| {
                let found = case.store.endpoint(&"a".into()).await.expect(case.fact);
                case.that(found.is_none());
            },
        )
        .await;
}

/// What its owner changes.
async fn updating<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact(
            "an endpoint is replaced, and its version grows",
            async |case| {
                let id = case.endpoint("a").await;
                let mut new = case.record(&id).await;
                new.sealed = b"other".to_vec();
                new.endpoint.url = "https://other.example/".to_owned();
                new.endpoint.events = vec!["order.paid".to_owned()];
                new.endpoint.max_concurrent = Some(2);
                new.endpoint.updated_at = NOW + 5;
                let updated = case.store.update_endpoint(&new, 1, NOW + 5).await;
                case.that(updated.expect(case.fact));
                new.endpoint.version = 2;
                let now = case.record(&id).await;
                case.is((now.endpoint, now.sealed), (new.endpoint, new.sealed));
                case.is(case.emit(&event("1"), NOW + 6).await, Some(0));
            },
        )
        .await;
    suite
        .fact("what is no longer so is not replaced", async |case| {
            let id = case.endpoint("a").await;
            let mut old = case.record(&id).await;
            case.update(&id, |it| it.description = "first".to_owned(), NOW)
                .await;
            old.endpoint.description = "second".to_owned();
            for version in [1, 3] {
                let updated = case.store.update_endpoint(&old, version, NOW).await;
                case.that(!updated.expect(case.fact));
            }
            let now = case.known(&id).await;
            case.is((now.description.as_str(), now.version), ("first", 2));
            let missing = record("missing", &["*"]);
            let updated = case.store.update_endpoint(&missing, 1, NOW).await;
            case.that(!updated.expect(case.fact));
        })
        .await;
    suite
        .fact(
            "an endpoint that is replaced keeps its health",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                case.attempt(NOW, EXHAUSTED).await;
                case.change(&id, EndpointChange::Pause { until: NOW + 5 }, NOW)
                    .await;
                let health = case.known(&id).await.health;
                case.update(&id, |it| it.health = Health::default(), NOW)
                    .await;
                case.is(case.known(&id).await.health, health);
                case.is(health.failures, 1);
            },
        )
        .await;
    suite
        .fact(
            "an endpoint that its owner disables buries what is pending",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                case.update(&id, |it| it.description = String::new(), NOW + 1)
                    .await;
                case.is(case.delivery(&id).await.state.name(), "pending");
                let off = EndpointState::disabled("asked");
                case.update(&id, |it| it.state = off.clone(), NOW + 2).await;
                case.is(case.known(&id).await.state, off);
                let row = case.delivery(&id).await;
                case.is(
                    (row.state, row.changed_at),
                    (dead(ENDPOINT_DISABLED), NOW + 2),
                );
            },
        )
        .await;
    suite
        .fact(
            "what was buried stays so when its endpoint is back",
            async |case| {
                let id = case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                case.disable(&id, NOW).await;
                case.update(&id, |it| it.state = EndpointState::Active, NOW)
                    .await;
                case.is(case.due(NOW).await.len(), 0);
                case.is(case.emit(&event("2"), NOW).await, Some(1));
            },
        )
        .await;
}
