//! What schemes keep in the payload: ids, types, times, signatures.

use serde_json::{Map, Value};

/// The payload as an object; `None` where it is none.
pub(super) fn object(body: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(body).ok()
}

/// Writes `value` under the keys of `path`, where nothing stands there or `over` says so.
///
/// The payload is serialised anew; one that is no JSON object stays as it is.
pub(super) fn put(body: &mut Vec<u8>, path: &[&str], value: &Value, over: bool) {
    let Some(mut root) = object(body) else {
        return;
    };
    if put_in(&mut root, path, value, over) {
        *body = Value::Object(root).to_string().into();
    }
}

fn put_in(object: &mut Map<String, Value>, path: &[&str], value: &Value, over: bool) -> bool {
    let [key, rest @ ..] = path else {
        return false;
    };
    if rest.is_empty() {
        let is_new = over || !object.contains_key(*key);
        if is_new {
            object.insert((*key).into(), value.clone());
        }
        return is_new;
    }
    let inner = object
        .entry(*key)
        .or_insert_with(|| Value::Object(Map::new()));
    inner
        .as_object_mut()
        .is_some_and(|inner| put_in(inner, rest, value, over))
}

/// Whether the payload is JSON by its looks.
pub(super) fn looks_like_json(body: &[u8]) -> bool {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'['))
}
