use http::{HeaderValue, StatusCode};

use super::{Case, StoredAnswer, Suite, Testbed, another, answer};

pub(super) async fn run<T: Testbed>(suite: &mut Suite<'_, T>) {
    suite
        .fact(
            "a duplicate hears the whole answer, every byte of it",
            async |case| {
                let fence = case.fence().await;
                case.complete(fence, &answer()).await;
                case.is_done(&answer()).await;
            },
        )
        .await;
    suite
        .fact("an answer without body or type stays one", async |case| {
            let fence = case.fence().await;
            case.complete(fence, &another()).await;
            case.is_done(&another()).await;
        })
        .await;
    suite
        .fact(
            "a body of 1,024 bytes of every value is kept",
            async |case| {
                let body: Vec<u8> = (0..=255).cycle().take(1024).collect();
                comes_back(&case, &another().with_body(body.into(), None)).await;
            },
        )
        .await;
    suite
        .fact("a type without a body is kept", async |case| {
            let kind = HeaderValue::from_static("text/plain");
            let answer = another().with_body(bytes::Bytes::new(), Some(kind));
            comes_back(&case, &answer).await;
        })
        .await;
    suite
        .fact("a type of letters beyond ASCII is kept", async |case| {
            let kind = HeaderValue::from_bytes(b"text/plain; title=\"\xe9\"").ok();
            comes_back(&case, &another().with_body((&b"a"[..]).into(), kind)).await;
        })
        .await;
    suite
        .fact("each status is kept", async |case| {
            for status in [200, 202, 204, 299, 400, 422, 499] {
                let status = StatusCode::from_u16(status).expect("a status");
                let answer = StoredAnswer::new(status, 1);
                comes_back(&case.beside(status.as_str()), &answer).await;
            }
        })
        .await;
    suite
        .fact(
            "the time of acceptance is kept to the second",
            async |case| {
                // The last is no double.
                for accepted_at in [-1, 0, 4_294_967_296, 9_007_199_254_740_993] {
                    let answer = StoredAnswer::new(StatusCode::OK, accepted_at);
                    comes_back(&case.beside(&accepted_at.to_string()), &answer).await;
                }
            },
        )
        .await;
    suite
        .fact("two keys have two answers", async |case| {
            let (fence, beside) = (case.fence().await, case.beside("other"));
            case.complete(fence, &answer()).await;
            comes_back(&beside, &another()).await;
            case.is_done(&answer()).await;
        })
        .await;
}

async fn comes_back<T: Testbed>(case: &Case<'_, T>, answer: &StoredAnswer) {
    let fence = case.fence().await;
    case.complete(fence, answer).await;
    case.is_done(answer).await;
}
