//! What is written down of deliveries.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use tower_webhook::BoxError;
use tower_webhook::outbound::Audited;
use tower_webhook::outbound::endpoint::EndpointId;
use tower_webhook::outbound::event::EventId;
use tower_webhook::outbound::store::{Attempt, Delivery, DeliveryQuery, DeliveryState};

use crate::Shop;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);

async fn find(shop: &Shop, id: &EndpointId, event: &EventId) -> Result<Option<Audited>, BoxError> {
    let mut query = DeliveryQuery::new(id.clone());
    query.event = Some(event.clone());
    Ok(shop.deliveries(&query).await?.pop())
}

/// Waits until a delivery is in a state that is wanted.
async fn wait(
    shop: &Shop,
    id: &EndpointId,
    event: &EventId,
    is_wanted: impl Fn(&DeliveryState) -> bool,
) -> Result<Delivery, BoxError> {
    let wanted = async {
        loop {
            let found = find(shop, id, event).await?.ok_or("no such delivery")?;
            if is_wanted(&found.delivery.state) {
                return Ok(found.delivery);
            }
            sleep(PAUSE).await;
        }
    };
    timeout(PATIENCE, wanted).await?
}

/// How a delivery ended, once it has.
pub(crate) async fn settled(
    shop: &Shop,
    id: &EndpointId,
    event: &EventId,
) -> Result<&'static str, BoxError> {
    let is_over = |state: &DeliveryState| state.name() != "pending";
    Ok(wait(shop, id, event, is_over).await?.state.name())
}

/// Waits until an attempt at a delivery has begun.
pub(crate) async fn underway(
    shop: &Shop,
    id: &EndpointId,
    event: &EventId,
) -> Result<(), BoxError> {
    let is_held =
        |state: &DeliveryState| matches!(state, DeliveryState::Pending { leased: true, .. });
    wait(shop, id, event, is_held).await.map(drop)
}

/// The attempts at a delivery; none where there is no such delivery.
pub(crate) async fn attempts(
    shop: &Shop,
    id: &EndpointId,
    event: &EventId,
) -> Result<Vec<Attempt>, BoxError> {
    let found = find(shop, id, event).await?;
    Ok(found.map_or_else(Vec::new, |audited| audited.attempts))
}

/// The audit log of an endpoint as a table, the oldest delivery first.
pub(crate) async fn show(shop: &Shop, id: &EndpointId) -> Result<(), BoxError> {
    let mut all = shop.deliveries(&DeliveryQuery::new(id.clone())).await?;
    all.reverse();
    println!(
        "{:<14} {:<10} {:>3}  {:>7}  answer",
        "event", "state", "try", "took"
    );
    for Audited {
        delivery, attempts, ..
    } in &all
    {
        for attempt in attempts {
            let answer = match (&attempt.error, attempt.status) {
                (Some(error), _) => error.code.clone(),
                (None, status) => status.map_or_else(String::new, |status| status.to_string()),
            };
            println!(
                "{:<14} {:<10} {:>3}  {:>4} ms  {answer}",
                delivery.event_type,
                delivery.state.name(),
                attempt.number,
                attempt.took
            );
        }
    }
    let counts: Vec<_> = all.iter().map(|audited| audited.attempts.len()).collect();
    // Orders 2, 3, 4 with its replay, the test, orders 5, 6 and 7.
    assert_eq!(counts, [1, 4, 5, 1, 1, 1, 1]);
    let states = all.iter().map(|audited| audited.delivery.state.name());
    assert!(states.into_iter().all(|state| state == "delivered"));
    Ok(())
}
