//! What is done with deliveries.

use http::StatusCode;

use super::answer::{Answer, json};
use super::call::{Call, page};
use super::problem::Problem;
use super::read;
use super::request::{DeadLettersQuery, DeliveriesQuery, NothingBody, ReplayBody, State, limit};
use super::view::{DeliveryView, ReplayedView, SendingView};
use crate::outbound::event::EventId;
use crate::outbound::store::{DeliveryId, DeliveryQuery, DeliveryState};
use crate::outbound::{OutboundStore, Replay};
use crate::time::rfc3339;

impl<S: OutboundStore> Call<'_, S> {
    pub(super) async fn deliveries(self) -> Answer {
        let asked: DeliveriesQuery = read::query(self.head.uri.query())?;
        let state = asked.state.map(State::name);
        let query: Vec<_> = state.map(|state| ("state", state)).into_iter().collect();
        self.told(limit(asked.limit)?, state, asked.before, &query)
            .await
    }

    pub(super) async fn dead_letters(self) -> Answer {
        let asked: DeadLettersQuery = read::query(self.head.uri.query())?;
        let state = Some(State::Dead.name());
        self.told(limit(asked.limit)?, state, asked.before, &[])
            .await
    }

    async fn told(
        self,
        limit: u32,
        state: Option<&str>,
        before: Option<String>,
        query: &[(&str, &str)],
    ) -> Answer {
        let before = before.map(|before| before.parse().map(DeliveryId));
        let before = before.transpose();
        let before = before.map_err(|_| Problem::PARAMETER.of("before", "is no delivery"))?;
        let asked = DeliveryQuery {
            state: state.map(str::to_owned),
            before,
            limit: limit + 1,
            ..DeliveryQuery::new(self.endpoint().await?.endpoint.id)
        };
        let audited = self.sender.deliveries(&asked).await?;
        let found = audited.into_iter().map(|audited| {
            let cursor = audited.delivery.id.0.to_string();
            (cursor, DeliveryView::from(audited))
        });
        Ok(page(found.collect(), limit, "before", query))
    }

    pub(super) async fn retry(self) -> Answer {
        let id = self.active_endpoint().await?;
        let event = self.parameters.get(1).cloned().unwrap_or_default();
        let event = EventId::new(event).map_err(|_| Problem::NOT_FOUND)?;
        let NothingBody {} = read::json_or_nothing(&self.body)?;
        let query = DeliveryQuery {
            event: Some(event.clone()),
            limit: 1,
            ..DeliveryQuery::new(id.clone())
        };
        let known = self.sender.store().deliveries(&query).await;
        let known = known.map_err(crate::outbound::OutboundError::from)?;
        match known.first().map(|delivery| &delivery.state) {
            None => return Err(Problem::NOT_FOUND),
            Some(DeliveryState::Pending { .. }) => return Err(Problem::PENDING),
            Some(_) => {}
        }
        self.sender.retry(&id, &event).await?;
        Ok(sending(&event))
    }

    pub(super) async fn test(self) -> Answer {
        let id = self.active_endpoint().await?;
        let NothingBody {} = read::json_or_nothing(&self.body)?;
        Ok(sending(&self.sender.test(&id).await?))
    }

    pub(super) async fn replay(self) -> Answer {
        let id = self.active_endpoint().await?;
        let asked: ReplayBody = read::json(&self.body)?;
        let since = rfc3339(&asked.since).ok_or_else(|| {
            let detail = "must be an RFC 3339 time in UTC, such as 2026-11-25T08:00:00Z";
            Problem::INVALID.of("since", detail)
        })?;
        let mut replay = Replay::since(since.saturating_mul(1000));
        if asked.delivered {
            replay = replay.and_delivered();
        }
        let deliveries = self.sender.replay(&id, replay).await?;
        Ok(json(StatusCode::ACCEPTED, &ReplayedView { deliveries }))
    }
}

fn sending(event: &EventId) -> http::Response<super::AdminBody> {
    let event_id = event.as_str();
    json(StatusCode::ACCEPTED, &SendingView { event_id })
}
