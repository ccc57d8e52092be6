use super::{NOW, State, Suite, Transition, new, path, step};
use crate::receipt::{Acknowledged, Reason, ReceiptId, ReceiptStore};

const HANDLED: State = State::Acknowledged(Acknowledged::Handled);

pub(super) async fn run<S: ReceiptStore>(suite: &mut Suite<impl AsyncFn() -> S>) {
    suite
        .fact(
            "every state is reached by its path, and read as written",
            async |case| {
                for state in State::ALL {
                    let id = case.receive(&state.to_string(), NOW).await;
                    for step in path(state) {
                        case.that(case.step(id, step, None, NOW + 1).await);
                        case.is(case.row(id).await.state, step.to());
                    }
                    case.is(case.row(id).await.state, state);
                }
            },
        )
        .await;
    suite
        .fact(
            "what was dispatched ends in every way it can",
            async |case| {
                for state in State::ALL {
                    let Some(last) = Transition::new(State::Dispatched, state) else {
                        continue;
                    };
                    let id = case
                        .received(&state.to_string(), State::Dispatched, NOW)
                        .await;
                    case.that(case.step(id, last, None, NOW).await);
                    case.is(case.row(id).await.state, state);
                }
            },
        )
        .await;
    suite
        .fact(
            "a step says when, and leaves the time it came",
            async |case| {
                let id = case.receive("{}", NOW).await;
                case.is(case.row(id).await.changed_at, NOW);
                case.go(id, State::Dispatched, NOW + 7).await;
                let row = case.row(id).await;
                case.is((row.received_at, row.changed_at), (NOW, NOW + 7));
            },
        )
        .await;
    suite
        .fact(
            "a step from another state is refused, and changes nothing",
            async |case| {
                for state in State::ALL {
                    let id = case.received(&state.to_string(), state, NOW).await;
                    let before = case.row(id).await;
                    for from in State::ALL.into_iter().filter(|from| *from != state) {
                        for to in State::ALL {
                            if let Some(step) = Transition::new(from, to) {
                                case.that(!case.step(id, step, Some("key"), NOW + 9).await);
                            }
                        }
                    }
                    case.is(case.row(id).await, before);
                }
            },
        )
        .await;
    suite
        .fact("a step is made once", async |case| {
            let id = case.receive("{}", NOW).await;
            case.that(case.step(id, Transition::DISPATCH, None, NOW).await);
            case.that(!case.step(id, Transition::DISPATCH, None, NOW).await);
            let last = step(State::Dispatched, HANDLED);
            case.that(case.step(id, last, None, NOW).await);
            case.that(!case.step(id, last, None, NOW).await);
        })
        .await;
    suite
        .fact("an id that nobody wrote takes no step", async |case| {
            case.receive("{}", NOW).await;
            let id = ReceiptId::unique();
            case.that(!case.step(id, Transition::DISPATCH, None, NOW).await);
            case.is(case.all().await.len(), 1);
        })
        .await;
    suite
        .fact(
            "a step is of one receipt, also among attempts at one payload",
            async |case| {
                let one = case.receive("{}", NOW).await;
                let two = case.receive("{}", NOW).await;
                case.go(one, State::Duplicate, NOW).await;
                case.is(case.row(one).await.state, State::Duplicate);
                case.is(case.row(two).await.state, State::Received);
            },
        )
        .await;
    suite
        .fact(
            "the key is noted with a step, and stays where the next has none",
            async |case| {
                let id = case.receive("{}", NOW).await;
                case.is(case.row(id).await.key, None);
                case.that(
                    case.step(id, Transition::DISPATCH, Some("a:b:1"), NOW)
                        .await,
                );
                case.is(case.row(id).await.key.as_deref(), Some("a:b:1"));
                case.that(
                    case.step(id, step(State::Dispatched, HANDLED), None, NOW)
                        .await,
                );
                case.is(case.row(id).await.key.as_deref(), Some("a:b:1"));
            },
        )
        .await;
    suite
        .fact("the key may come with the last step", async |case| {
            let id = case.receive("{}", NOW).await;
            let refuse = step(State::Received, State::Rejected(Reason::Fingerprint));
            case.that(case.step(id, refuse, Some("a:b:1"), NOW).await);
            case.is(case.row(id).await.key.as_deref(), Some("a:b:1"));
        })
        .await;
    suite
        .fact("a receipt that is written twice is one", async |case| {
            let new = new("{}", NOW);
            case.write(new.clone()).await;
            let id = case.write(new).await;
            case.is(case.all().await.len(), 1);
            case.go(id, State::Dispatched, NOW).await;
            case.is(case.row(id).await.state, State::Dispatched);
        })
        .await;
}
