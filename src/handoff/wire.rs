use std::borrow::Cow;
use std::num::NonZeroU64;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use super::Job;
use crate::store::Fence;

/// What this code writes, and all that it reads.
const VERSION: u8 = 1;

/// The form of a [`Job`] outside the process.
#[derive(serde::Deserialize, serde::Serialize)]
struct Wire<'j> {
    v: u8,
    key: Cow<'j, str>,
    connection: Cow<'j, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delivery_id: Option<Cow<'j, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_type: Option<Cow<'j, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<Cow<'j, str>>,
    payload: Cow<'j, str>,
    fence: u64,
    accepted_at: i64,
}

impl Serialize for Job {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = Wire {
            v: VERSION,
            key: Cow::Borrowed(&self.key),
            connection: Cow::Borrowed(&self.connection),
            delivery_id: self.delivery_id.as_deref().map(Cow::Borrowed),
            event_type: self.event_type.as_deref().map(Cow::Borrowed),
            content_type: self.content_type.as_deref().map(Cow::Borrowed),
            payload: STANDARD.encode(&self.payload).into(),
            fence: self.fence.get(),
            accepted_at: self.accepted_at,
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Job {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        if wire.v != VERSION {
            return Err(D::Error::custom("a job of another version"));
        }
        let payload = STANDARD.decode(&*wire.payload);
        let fence = NonZeroU64::new(wire.fence).map(Fence::new);
        Ok(Self {
            key: wire.key.into(),
            connection: wire.connection.into(),
            delivery_id: wire.delivery_id.map(Into::into),
            event_type: wire.event_type.map(Into::into),
            content_type: wire.content_type.map(Into::into),
            payload: payload
                .map_err(|_| D::Error::custom("a payload that is not base64"))?
                .into(),
            fence: fence.ok_or_else(|| D::Error::custom("a fence of zero"))?,
            accepted_at: wire.accepted_at,
        })
    }
}
