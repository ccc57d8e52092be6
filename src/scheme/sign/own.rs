//! Signers of the schemes that are no recipes.

use ::http::HeaderName;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::payload::{looks_like_json, object, put};
use super::text::encode;
use super::{Draft, FORM, JSON, Signed, SigningKey};
use crate::scheme::recipe::Algorithm;
use crate::scheme::signature::Encoding;
use crate::scheme::{PublicUrl, TokenScheme, adyen, twilio};

/// Sends the token along, and what the scheme reads beside it.
pub(super) fn token(scheme: &TokenScheme, mut draft: Draft) -> Signed {
    let profile = crate::scheme::Scheme::profile(scheme);
    for (field, text) in [
        (profile.id(), &draft.id),
        (profile.event_type(), &draft.event_type),
    ] {
        if let (Some(field), Some(text)) = (field, text) {
            put(&mut draft.body, field.path, &text.as_str().into(), false);
        }
    }
    let (id, event_type) = (draft.id.take(), draft.event_type.take());
    let mut signed = draft.sealed(JSON);
    for (names, text) in [(&scheme.id, id), (&scheme.event_type, event_type)] {
        if let (Some(name), Some(text)) = (names.first(), text) {
            signed.write(name, &text);
        }
    }
    signed.signature = scheme.written();
    let value = format!("{}{}", scheme.prefix, signed.signature);
    signed.write(&scheme.header, &value);
    signed.holder = Some(scheme.header.clone());
    signed
}

/// What Twilio signs, and with which key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Twilio {
    Form,
    Hashed,
    SharedKey,
}

/// Signs the URL and the fields of the form, or the URL with the hash of the body.
pub(super) fn twilio(variant: Twilio, key: &SigningKey, mut draft: Draft) -> Signed {
    let is_hashed = variant == Twilio::Hashed || looks_like_json(&draft.body);
    let mut content = String::new();
    if is_hashed {
        let url = draft.url.as_str();
        let joint = if url.contains('?') { '&' } else { '?' };
        let hash = const_hex::encode(Sha256::digest(&draft.body));
        let url = format!("{url}{joint}bodySHA256={hash}");
        draft.url = PublicUrl::new(&url).expect("a longer query is one too");
    } else {
        // A form that nobody can read is signed as if it were empty: the receiver refuses it.
        content = twilio::sorted(&draft.body).unwrap_or_default();
    }
    let algorithm = match variant {
        Twilio::SharedKey => Algorithm::HmacSha256,
        Twilio::Form | Twilio::Hashed => Algorithm::HmacSha1,
    };
    let content = format!("{}{content}", draft.url.as_str());
    let media = if looks_like_json(&draft.body) {
        JSON
    } else {
        FORM
    };
    let id = draft.id.take();
    let mut signed = draft.sealed(media);
    signed.signature = encode(&key.sign(algorithm, content.as_bytes()), Encoding::Base64);
    let header = |name| HeaderName::from_static(name);
    if let Some(id) = id {
        signed.write(&header("i-twilio-idempotency-token"), &id);
    }
    if variant == Twilio::SharedKey {
        let settings = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256";
        signed.write(&header("x-twilio-webhooks-signature-settings"), settings);
    }
    let holder = header("x-twilio-signature");
    let signature = signed.signature.clone();
    signed.write(&holder, &signature);
    signed.holder = Some(holder);
    signed
}

/// Signs time and token, and writes all three into the payload.
pub(super) fn mailgun_json(key: &SigningKey, mut draft: Draft) -> Signed {
    let (time, token, signature) = mailgun(key, &draft);
    let signed = json!({ "timestamp": time, "token": token, "signature": signature });
    put(&mut draft.body, &["signature"], &signed, true);
    if let Some(name) = &draft.event_type {
        let path = ["event-data", "event"];
        put(&mut draft.body, &path, &name.as_str().into(), false);
    }
    let mut signed = draft.sealed(JSON);
    signed.signature = signature;
    signed
}

/// As [`mailgun_json`], in a form.
pub(super) fn mailgun_form(key: &SigningKey, mut draft: Draft) -> Signed {
    let (time, token, signature) = mailgun(key, &draft);
    let mut fields = form_urlencoded::Serializer::new(String::new());
    fields
        .append_pair("timestamp", &time)
        .append_pair("token", &token)
        .append_pair("signature", &signature);
    if let Some(name) = &draft.event_type {
        fields.append_pair("event", name);
    }
    if !draft.body.is_empty() {
        draft.body.push(b'&');
    }
    draft.body.extend_from_slice(fields.finish().as_bytes());
    let mut signed = draft.sealed(FORM);
    signed.signature = signature;
    signed
}

fn mailgun(key: &SigningKey, draft: &Draft) -> (String, String, String) {
    let (time, token) = (draft.unix_seconds.to_string(), draft.id());
    let content = format!("{time}{token}");
    let signature = key.sign(Algorithm::HmacSha256, content.as_bytes());
    (time, token, encode(&signature, Encoding::Hex))
}

/// Signs some fields of the payload, those that are missing filled in, and writes the signature beside
/// them.
pub(super) fn adyen(key: &SigningKey, mut draft: Draft) -> Signed {
    let given = object(&draft.body).unwrap_or_default();
    let item = given
        .get("notificationItems")
        .and_then(|items| items.get(0));
    let item = item.and_then(|item| item.get("NotificationRequestItem"));
    let item = item.and_then(Value::as_object).cloned();
    let mut item = Value::Object(item.unwrap_or_default());
    let defaults = json!({
        "pspReference": draft.id(),
        "merchantAccountCode": "TestMerchant",
        "merchantReference": "reference-1",
        "amount": { "value": 1000, "currency": "EUR" },
        "eventCode": draft.event_type.as_deref().unwrap_or("AUTHORISATION"),
        "success": "true",
        "additionalData": {},
    });
    for (name, value) in defaults.as_object().into_iter().flatten() {
        // What is an object in the example must be one here too.
        let told = item.get(name);
        if told.is_none_or(|told| told.is_object() != value.is_object()) {
            item[name] = value.clone();
        }
    }
    let signature = adyen::content(&item).map(|content| {
        let signature = key.sign(Algorithm::HmacSha256, content.as_bytes());
        encode(&signature, Encoding::Base64)
    });
    // Fields that nobody can read are not signed: the receiver refuses them.
    let signature = signature.unwrap_or_default();
    item["additionalData"]["hmacSignature"] = Value::from(signature.clone());
    let mut payload = Value::Object(given);
    payload["notificationItems"] = json!([{ "NotificationRequestItem": item }]);
    draft.body = payload.to_string().into();
    let mut signed = draft.sealed(JSON);
    signed.signature = signature;
    signed
}

/// Signs the method, the URL and a digest of the body.
#[cfg(feature = "rfc9421")]
pub(super) fn rfc9421(key: &SigningKey, draft: Draft) -> Option<Signed> {
    use crate::scheme::Rfc9421Signer;
    let signer = match key {
        SigningKey::Secret(secret) => Rfc9421Signer::hmac_sha256("key-1", secret),
        #[cfg(feature = "ed25519")]
        SigningKey::Ed25519(key) => Rfc9421Signer::ed25519("key-1", &key.to_bytes()),
        #[cfg(feature = "ecdsa")]
        SigningKey::P256(_) => return None,
    };
    let time = draft.unix_seconds;
    let mut signed = draft.sealed(JSON);
    let mut request = ::http::Request::new(std::mem::take(&mut signed.body));
    *request.method_mut() = signed.method.clone();
    *request.uri_mut() = signed.url.parse().ok()?;
    *request.headers_mut() = std::mem::take(&mut signed.headers);
    signer.sign(&mut request, time).ok()?;
    let (head, body) = request.into_parts();
    let holder = HeaderName::from_static("signature");
    let value = head.headers.get(&holder)?.to_str().ok()?;
    signed.signature = value.trim_start_matches("sig1=").trim_matches(':').into();
    signed.holder = Some(holder);
    signed.headers = head.headers;
    signed.body = body;
    Some(signed)
}
