use ::http::HeaderName;
use serde_json::Value;

use super::payload::{looks_like_json, put};
use super::text::{encode, lay_out, write_time};
use super::{Draft, FORM, JSON, Signed, SigningKey};
use crate::scheme::Shape;
use crate::scheme::recipe::{Names, Part, Recipe, Time};

/// Signs by a recipe.
pub(super) fn sign(recipe: &Recipe, key: &SigningKey, mut draft: Draft) -> Signed {
    let time = write_time(recipe.time, draft.unix_seconds);
    complete(recipe, &mut draft, &time);
    let signs_id = recipe.content.contains(&Part::Id);
    let id = draft.id();
    let mut content = Vec::new();
    for part in recipe.content {
        match part {
            Part::Literal(text) => content.extend_from_slice(text.as_bytes()),
            Part::Timestamp => content.extend_from_slice(time.as_bytes()),
            Part::Id => content.extend_from_slice(id.as_bytes()),
            Part::Body => content.extend_from_slice(&draft.body),
            Part::Method => content.extend_from_slice(draft.method.as_str().as_bytes()),
            Part::Url => content.extend_from_slice(draft.url.signed(recipe.url).as_bytes()),
        }
    }
    let signature = encode(&key.sign(recipe.algorithm, &content), recipe.encoding);

    let is_form = matches!(recipe.facts.shape, Shape::Form | Shape::ObjectOrForm)
        && !looks_like_json(&draft.body);
    let (given_id, event_type) = (draft.id.take(), draft.event_type.take());
    let mut signed = draft.sealed(if is_form { FORM } else { JSON });
    let mut write = |names: Names, value: Option<&str>| {
        if let (Some(name), Some(value)) = (names.first(), value) {
            signed.write(&HeaderName::from_static(name), value);
        }
    };
    write(recipe.id, given_id.as_deref().or(signs_id.then_some(&*id)));
    write(recipe.event_type, event_type.as_deref());
    if let Time::Header(names, _) = recipe.time {
        write(names, Some(&time));
    }
    let header = lay_out(recipe.layout, recipe.time, &time, [&*signature]);
    write(recipe.signature, Some(&header));
    signed.signature = signature;
    signed.holder = recipe
        .signature
        .first()
        .map(|name| HeaderName::from_static(name));
    signed
}

/// Writes into the payload what the scheme keeps there.
fn complete(recipe: &Recipe, draft: &mut Draft, time: &str) {
    let body = &mut draft.body;
    if let (Some(field), Some(id)) = (recipe.facts.id, &draft.id) {
        put(body, field.path, &id.as_str().into(), false);
    }
    if let (Some(field), Some(name)) = (recipe.facts.event_type, &draft.event_type) {
        put(body, field.path, &name.as_str().into(), false);
    }
    if let Time::Payload(path, _) = recipe.time {
        let number = time.parse().map_or(Value::Null, |time: i64| time.into());
        put(body, path, &number, true);
    }
}
