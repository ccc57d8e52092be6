use super::{EXHAUSTED, NOW, Suite, event, named, record};
use crate::outbound::store::{DeliveryQuery, EndpointQuery, Next, OutboundStore};

pub(super) async fn run<S: OutboundStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact(
            "endpoints are told in the order of their making",
            async |case| {
                for id in ["b", "c", "a", "d"] {
                    case.endpoint(id).await;
                }
                let all = case.store.endpoints(&EndpointQuery::default()).await;
                let ids: Vec<_> = all
                    .expect(case.fact)
                    .into_iter()
                    .map(|it| it.endpoint.id)
                    .collect();
                case.is(ids, ["b", "c", "a", "d"].map(Into::into).to_vec());
            },
        )
        .await;
    suite
        .fact(
            "endpoints of a tenant are told page by page",
            async |case| {
                for (at, id) in ["e", "d", "c", "b", "a"].into_iter().enumerate() {
                    let mut record = record(id, &["*"]);
                    record.endpoint.created_at = NOW + at as i64;
                    record.endpoint.tenant = if id == "c" { "other" } else { "shop" }.into();
                    case.add(record).await;
                }
                let mut query = EndpointQuery {
                    tenant: Some("shop".into()),
                    after: None,
                    limit: 3,
                };
                let mut pages = Vec::new();
                for _ in 0..3 {
                    let page = case.store.endpoints(&query).await.expect(case.fact);
                    let page: Vec<_> = page.into_iter().map(|it| it.endpoint.id).collect();
                    query.after = page.last().cloned().or(query.after);
                    pages.push(page.iter().map(ToString::to_string).collect::<String>());
                }
                case.is(pages, ["eda", "", ""].map(str::to_owned).to_vec());
            },
        )
        .await;
    suite
        .fact("a tenant without endpoints is told none", async |case| {
            case.endpoint("a").await;
            let query = EndpointQuery {
                tenant: Some("other".into()),
                ..EndpointQuery::default()
            };
            case.is(
                case.store.endpoints(&query).await.expect(case.fact).len(),
                0,
            );
        })
        .await;
    suite
        .fact(
            "deliveries are told the newest first, page by page",
            async |case| {
                let id = case.endpoint("a").await;
                let other = case.endpoint("b").await;
                for number in ["1", "2", "3", "4", "5"] {
                    case.emit(&event(number), NOW).await;
                }
                let mut query = DeliveryQuery {
                    limit: 2,
                    ..DeliveryQuery::new(id)
                };
                let mut seen = Vec::new();
                for _ in 0..4 {
                    let page = case.ask(query.clone()).await;
                    case.that(page.len() <= 2);
                    case.that(page.iter().all(|row| row.endpoint != other));
                    query.before = page.last().map(|row| row.id).or(query.before);
                    seen.extend(page.into_iter().map(|row| row.event.to_string()));
                }
                case.is(seen, ["5", "4", "3", "2", "1"].map(str::to_owned).to_vec());
            },
        )
        .await;
    suite
        .fact("fifty deliveries are told otherwise", async |case| {
            let id = case.endpoint("a").await;
            for number in 0..51 {
                case.emit(&event(&number.to_string()), NOW).await;
            }
            let rows = case.ask(DeliveryQuery::new(id)).await;
            case.is(rows.len(), 50);
            case.is(rows[0].event.as_str(), "50");
        })
        .await;
    suite
        .fact("a delivery is found by its event", async |case| {
            let id = case.endpoint("a").await;
            case.emit(&event("1"), NOW).await;
            case.emit(&event("2"), NOW).await;
            // Of the same id, and another tenant's.
            case.emit(&event("1").tenant("other"), NOW).await;
            for (name, count) in [("1", 1), ("2", 1), ("3", 0)] {
                let rows = case
                    .ask(DeliveryQuery {
                        event: Some(named(name)),
                        ..DeliveryQuery::new(id.clone())
                    })
                    .await;
                case.is(rows.len(), count);
                case.that(rows.iter().all(|row| row.event == named(name)));
            }
        })
        .await;
    suite
        .fact("deliveries are found by where they are", async |case| {
            let id = case.endpoint("a").await;
            for (number, next) in [("1", Next::Delivered), ("2", EXHAUSTED)] {
                case.emit(&event(number), NOW).await;
                case.attempt(NOW, next).await;
            }
            case.emit(&event("3"), NOW).await;
            case.emit(&event("4"), NOW).await;
            case.due(NOW).await;
            case.emit(&event("5"), NOW).await;
            for (state, expected) in [
                ("delivered", &["1"][..]),
                ("dead", &["2"]),
                ("pending", &["5", "4", "3"]),
            ] {
                let query = DeliveryQuery {
                    state: Some(state.to_owned()),
                    ..DeliveryQuery::new(id.clone())
                };
                let rows = case.ask(query.clone()).await;
                let found: Vec<_> = rows.iter().map(|row| row.event.as_str()).collect();
                case.is(&found[..], expected);
                let both = case
                    .ask(DeliveryQuery {
                        event: Some(named("2")),
                        ..query
                    })
                    .await;
                case.is(both.len(), usize::from(state == "dead"));
            }
        })
        .await;
    suite
        .fact(
            "an endpoint that is not there has no deliveries",
            async |case| {
                case.endpoint("a").await;
                case.emit(&event("1"), NOW).await;
                case.is(case.deliveries(&"b".into()).await, vec![]);
            },
        )
        .await;
}
