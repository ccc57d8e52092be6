use super::{Case, NOW, ReceiptQuery, State, Suite, new};
use crate::receipt::{Acknowledged, NewReceipt, ReceiptStore};

pub(super) async fn run<S: ReceiptStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact("a new store has no receipts", async |case| {
            case.is(case.all().await, vec![]);
        })
        .await;
    suite
        .fact(
            "a receipt is received with what it came with",
            async |case| {
                let new = NewReceipt {
                    delivery_id: Some("72d3162e".into()),
                    event_type: Some("push".into()),
                    ..new("{}", NOW)
                };
                case.write(new.clone()).await;
                case.is(case.all().await, vec![(&new).into()]);
            },
        )
        .await;
    suite
        .fact(
            "what it came without stays absent, and empty is not absent",
            async |case| {
                let absent = case.receive("{}", NOW).await;
                let empty = NewReceipt {
                    delivery_id: Some(String::new()),
                    ..new("[]", NOW)
                };
                let empty = case.write(empty).await;
                case.is(case.row(absent).await.delivery_id, None);
                case.is(case.row(empty).await.delivery_id, Some(String::new()));
            },
        )
        .await;
    suite
        .fact(
            "the newest is first, and of one second the one that came later",
            async |case| {
                let mut ids = Vec::new();
                for (body, at) in [("1", NOW), ("2", NOW + 2), ("3", NOW + 2), ("4", NOW + 1)] {
                    ids.push(case.receive(body, at).await);
                }
                let expected = [2, 1, 3, 0].map(|place: usize| ids[place]);
                case.is(case.ids(ReceiptQuery::default()).await, expected.to_vec());
            },
        )
        .await;
    suite
        .fact("a connection has its own receipts", async |case| {
            let ours = case.receive("{}", NOW).await;
            for other in ["Conformance", "conformance ", "conform"] {
                let other = NewReceipt {
                    connection: other.into(),
                    ..new("{}", NOW)
                };
                case.write(other).await;
            }
            let query = ReceiptQuery {
                connection: Some("conformance".into()),
                ..ReceiptQuery::default()
            };
            case.is(case.ids(query).await, vec![ours]);
        })
        .await;
    suite
        .fact(
            "a state is asked for by its name, whatever its reason",
            async |case| {
                let handled = State::Acknowledged(Acknowledged::Handled);
                let ignored = State::Acknowledged(Acknowledged::Ignored);
                let one = case.received("1", handled, NOW).await;
                let two = case.received("2", ignored, NOW).await;
                let three = case.received("3", State::Duplicate, NOW).await;
                let four = case.receive("4", NOW).await;
                for (name, ids) in [
                    ("acknowledged", vec![two, one]),
                    ("duplicate", vec![three]),
                    ("received", vec![four]),
                    ("dispatched", vec![]),
                ] {
                    case.is(case.ids(in_state(name)).await, ids);
                }
            },
        )
        .await;
    suite
        .fact("a key is asked for as it is", async |case| {
            let mut ids = Vec::new();
            for (body, key) in [
                ("1", "a:b:1"),
                ("2", "a:b:1"),
                ("3", "a:b:2"),
                ("4", "A:b:1"),
            ] {
                let id = case.receive(body, NOW).await;
                let dispatch = super::Transition::DISPATCH;
                case.that(case.step(id, dispatch, Some(key), NOW).await);
                ids.push(id);
            }
            case.receive("5", NOW).await;
            let query = ReceiptQuery {
                key: Some("a:b:1".into()),
                ..ReceiptQuery::default()
            };
            case.is(case.ids(query).await, vec![ids[1], ids[0]]);
        })
        .await;
    suite
        .fact("`since` is within, `until` is not", async |case| {
            let mut ids = Vec::new();
            for at in 0..5 {
                ids.push(case.receive(&at.to_string(), NOW + at).await);
            }
            case.is(
                case.ids(between(Some(NOW + 1), Some(NOW + 3))).await,
                vec![ids[2], ids[1]],
            );
            case.is(case.ids(between(Some(NOW + 4), None)).await, vec![ids[4]]);
            case.is(case.ids(between(None, Some(NOW + 1))).await, vec![ids[0]]);
            case.is(
                case.ids(between(Some(NOW + 3), Some(NOW + 3))).await,
                vec![],
            );
        })
        .await;
    suite
        .fact("any times may be asked for", async |case| {
            let id = case.receive("{}", NOW).await;
            case.is(
                case.ids(between(Some(i64::MIN), Some(i64::MAX))).await,
                vec![id],
            );
            case.is(
                case.ids(between(Some(i64::MAX), Some(i64::MIN))).await,
                vec![],
            );
        })
        .await;
    suite
        .fact("all filters hold at once", async |case| {
            let query = |since| ReceiptQuery {
                connection: Some("conformance".into()),
                state: Some("dispatched".into()),
                key: Some("key".into()),
                since: Some(since),
                until: Some(NOW + 1),
                ..ReceiptQuery::default()
            };
            let id = case.receive("{}", NOW).await;
            let dispatch = super::Transition::DISPATCH;
            case.that(case.step(id, dispatch, Some("key"), NOW).await);
            case.receive("[]", NOW).await;
            case.is(case.ids(query(NOW)).await, vec![id]);
            case.is(case.ids(query(NOW + 1)).await, vec![]);
        })
        .await;
    suite
        .fact(
            "what no receipt has finds none, whatever it is",
            async |case| {
                case.receive("{}", NOW).await;
                for text in [
                    "",
                    "%",
                    "' OR true --",
                    "\"",
                    "\0",
                    "\u{fffd}",
                    "NULL",
                    "$1",
                ] {
                    let filters: [fn(String) -> ReceiptQuery; 3] =
                        [of_connection, of_state, of_key];
                    for filter in filters {
                        case.is(case.ids(filter(text.into())).await, vec![]);
                    }
                }
            },
        )
        .await;
    suite
        .fact("pages hold each receipt once, and end", async |case| {
            let mut ids = Vec::new();
            for body in 0..10 {
                ids.push(case.receive(&body.to_string(), NOW + body / 4).await);
            }
            ids.reverse();
            let mut paged = Vec::new();
            for offset in [0, 4, 8, 12, u32::MAX] {
                paged.extend(case.ids(page(4, offset)).await);
            }
            case.is(paged, ids);
        })
        .await;
    suite
        .fact("a page of none is empty", async |case| {
            case.receive("{}", NOW).await;
            case.is(case.ids(page(0, 0)).await, vec![]);
        })
        .await;
    suite
        .fact("texts of any letters and of any length survive", texts)
        .await;
    suite
        .fact(
            "a NUL in a text is no reason to refuse a delivery",
            async |case| {
                let nul = NewReceipt {
                    delivery_id: Some("a\0b".into()),
                    event_type: Some("\0".into()),
                    ..new("{}", NOW)
                };
                let id = case.write(nul).await;
                let row = case.row(id).await;
                let written = row.delivery_id.as_deref();
                case.that(matches!(written, Some("a\0b" | "a\u{fffd}b")));
                case.that(row.event_type.is_some());
            },
        )
        .await;
}

async fn texts<S: ReceiptStore>(case: Case<S>) {
    let long = "ключ".repeat(25_000);
    for text in [
        "späß 🦀 \u{202e}\u{7f}",
        "'; DROP TABLE receipts; --",
        "\\ \" %s $1 ?1",
        &long,
    ] {
        let short: String = text.chars().take(200).collect();
        let new = NewReceipt {
            connection: short.clone(),
            delivery_id: Some(text.into()),
            event_type: Some(text.into()),
            ..new(text, NOW)
        };
        let id = case.write(new).await;
        let dispatch = super::Transition::DISPATCH;
        case.that(case.step(id, dispatch, Some(&short), NOW).await);
        let row = case.row(id).await;
        case.is(row.connection.as_str(), &short);
        case.is(row.delivery_id.as_deref(), Some(text));
        case.is(row.event_type.as_deref(), Some(text));
        case.is(case.ids(of_key(short.clone())).await, vec![id]);
        case.is(case.ids(of_connection(short)).await, vec![id]);
    }
}

fn of_connection(connection: String) -> ReceiptQuery {
    ReceiptQuery {
        connection: Some(connection),
        ..ReceiptQuery::default()
    }
}

fn of_state(state: String) -> ReceiptQuery {
    ReceiptQuery {
        state: Some(state),
        ..ReceiptQuery::default()
    }
}

fn of_key(key: String) -> ReceiptQuery {
    ReceiptQuery {
        key: Some(key),
        ..ReceiptQuery::default()
    }
}

fn in_state(name: &str) -> ReceiptQuery {
    of_state(name.to_owned())
}

fn between(since: Option<i64>, until: Option<i64>) -> ReceiptQuery {
    ReceiptQuery {
        since,
        until,
        ..ReceiptQuery::default()
    }
}

fn page(limit: u32, offset: u32) -> ReceiptQuery {
    ReceiptQuery {
        limit,
        offset,
        ..ReceiptQuery::default()
    }
}
