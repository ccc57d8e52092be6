use std::borrow::Cow;
use std::sync::Arc;

use ::http::HeaderName;
use ::http::request::Parts;
use smallvec::SmallVec;

use super::head::{first, maybe, seconds};
use super::recipe::{Names, Part, Recipe, Time};
use super::signature::{Candidates, parse};
use super::{AuthError, AuthErrorKind, Profile, PublicUrl};
use crate::delivery::{Delivery, DeliveryId};
use crate::scan::scan;
use crate::scheme::{Field, Shape};

/// A recipe made ready, and what one receiver has of its own.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) recipe: Recipe,
    pub(super) content: Cow<'static, [Part]>,
    pub(super) signature: Vec<HeaderName>,
    pub(super) timestamp: Vec<HeaderName>,
    pub(super) id: Vec<HeaderName>,
    pub(super) event_type: Vec<HeaderName>,
    pub(super) url: Option<PublicUrl>,
    pub(super) profile: Arc<Profile>,
}

/// What the head of a request says.
pub(super) struct Reading {
    pub(super) candidates: Candidates,
    /// What is signed before the body, once for each form that the URL may have.
    pub(super) before: SmallVec<[Vec<u8>; 1]>,
    /// What is signed after the body.
    pub(super) after: Vec<u8>,
    pub(super) delivery: Delivery,
}

fn names(names: Names) -> Vec<HeaderName> {
    names
        .iter()
        .map(|name| HeaderName::from_static(name))
        .collect()
}

impl Plan {
    pub(super) fn of(recipe: &Recipe) -> Self {
        let timestamp = match recipe.time {
            Time::Header(header, _) => names(header),
            _ => Vec::new(),
        };
        let plan = Self {
            recipe: *recipe,
            content: recipe.content.into(),
            signature: names(recipe.signature),
            timestamp,
            id: names(recipe.id),
            event_type: names(recipe.event_type),
            url: None,
            profile: Arc::new(Profile::of(recipe.facts)),
        };
        plan.settle()
    }

    /// Whether the time is signed follows from what is signed.
    pub(super) fn settle(mut self) -> Self {
        let signs_time =
            self.signs(Part::Timestamp) || matches!(self.recipe.time, Time::Payload(..));
        Arc::make_mut(&mut self.profile).set_signs_time(signs_time);
        self
    }

    pub(super) fn signs(&self, part: Part) -> bool {
        self.content.contains(&part)
    }

    pub(super) fn read(&self, head: &Parts) -> Result<Reading, AuthError> {
        let Recipe {
            layout,
            encoding,
            algorithm,
            time,
            url,
            ..
        } = self.recipe;
        let clock = match time {
            Time::Signature(key, _) => key,
            _ => "",
        };
        let text = first(&head.headers, &self.signature)?;
        let parsed = parse(text, layout, encoding, clock, algorithm.tag_len())?;
        // An unsigned time says nothing about freshness, so it is not read at all.
        let (time_text, timestamp) = match time {
            Time::Header(_, unit) if self.signs(Part::Timestamp) => {
                let text = first(&head.headers, &self.timestamp)?;
                (text, Some(seconds(text, unit)?))
            }
            Time::Signature(_, unit) => {
                let text = parsed.timestamp.ok_or(AuthErrorKind::MalformedHeader)?;
                (text, Some(seconds(text, unit)?))
            }
            _ if self.signs(Part::Timestamp) => return Err(AuthErrorKind::MissingHeader.into()),
            _ => ("", None),
        };
        let (id, id_text) = self.id(head)?;
        let mut delivery = Delivery::new(id, 0);
        delivery.timestamp = timestamp;
        delivery.event_type = maybe(&head.headers, &self.event_type)?;

        let mut after = Vec::new();
        let mut before = SmallVec::new();
        let mut write = |form: &str| {
            let mut text = Vec::new();
            for part in &*self.content {
                text.extend_from_slice(match part {
                    Part::Literal(text) => text.as_bytes(),
                    Part::Timestamp => time_text.as_bytes(),
                    Part::Id => id_text.as_bytes(),
                    Part::Method => head.method.as_str().as_bytes(),
                    Part::Url => form.as_bytes(),
                    Part::Body => {
                        before.push(std::mem::take(&mut text));
                        continue;
                    }
                });
            }
            after = text;
        };
        match &self.url {
            Some(public) => public.forms(head, url).iter().for_each(|form| write(form)),
            None => write(""),
        }
        Ok(Reading {
            candidates: parsed.candidates,
            before,
            after,
            delivery,
        })
    }

    fn id<'h>(&self, head: &'h Parts) -> Result<(DeliveryId, &'h str), AuthError> {
        if !self.signs(Part::Id) {
            let id = maybe(&head.headers, &self.id)?;
            return Ok((id.map_or(DeliveryId::Digest, DeliveryId::Unsigned), ""));
        }
        let text = first(&head.headers, &self.id)?;
        if text.is_empty() {
            return Err(AuthErrorKind::MalformedHeader.into());
        }
        // A separator inside the id would let two contents share one signature.
        if text.contains('.') {
            return Err(AuthErrorKind::Mismatch.into());
        }
        Ok((DeliveryId::Signed(text.into()), text))
    }

    /// Reads the time that stands in the payload. Called after the signature matched.
    pub(super) fn read_payload(
        &self,
        body: &[u8],
        delivery: &mut Delivery,
    ) -> Result<(), AuthError> {
        if let Time::Payload(path, unit) = self.recipe.time {
            let field = Field {
                path,
                required: true,
                number: true,
            };
            let malformed = AuthErrorKind::MalformedTimestamp;
            let [time] = scan(body, Shape::Object, [Some(field)]).map_err(|_| malformed)?;
            delivery.timestamp = Some(seconds(&time.ok_or(malformed)?, unit)?);
        }
        Ok(())
    }
}
