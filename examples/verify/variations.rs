//! Requests that are nearly the one that came.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use tower_webhook::scheme::catalog::{SecretFormat, SecretText};
use tower_webhook::secret::Secret;
use tower_webhook::testing::Delivery;

use crate::json_text::{Style, escaped, restyle, unescaped};
use crate::request::Capture;

/// What would have been another way, and the request that has it so.
pub(crate) type Variation = (String, Capture);

/// Bodies that whoever stands between sender and receiver makes of one.
pub(crate) fn bodies(capture: &Capture) -> Vec<Variation> {
    let body = &capture.body;
    let mut all: Vec<(&str, Vec<u8>)> = vec![
        (
            "a line break at the end of the body (LF)",
            [body, &b"\n"[..]].concat(),
        ),
        (
            "a line break at the end of the body (CRLF)",
            [body, &b"\r\n"[..]].concat(),
        ),
        (
            "no body at all: it was read before it was verified, or never sent",
            Vec::new(),
        ),
        (
            "no white space around the body: a line break was added at its end",
            body.trim_ascii().into(),
        ),
    ];
    if let Ok(bytes) = STANDARD.decode(body.trim_ascii()) {
        all.push(("the body decoded from base64: a gateway encoded it", bytes));
    }
    if let Ok(text) = std::str::from_utf8(body) {
        let mut put = |what, text: String| all.push((what, text.into_bytes()));
        put(
            "LF for CRLF in the body: line breaks were changed",
            text.replace("\r\n", "\n"),
        );
        let lines = text.replace("\r\n", "\n").replace('\n', "\r\n");
        put("CRLF for LF in the body: line breaks were changed", lines);
        if let Some(rest) = text.strip_prefix('\u{feff}') {
            put("no byte order mark before the body", rest.into());
        }
        for (style, what) in [
            (
                Style::Compact,
                "JSON without white space: it was serialised anew, with some",
            ),
            (
                Style::Spaced,
                "JSON with a space after each comma and colon: it was serialised anew",
            ),
            (
                Style::Pretty(2),
                "JSON indented by 2: it was serialised anew",
            ),
            (
                Style::Pretty(4),
                "JSON indented by 4: it was serialised anew",
            ),
        ] {
            let text = restyle(text, style);
            put(what, escaped(&text));
            put(what, unescaped(&text));
            put(what, text.replace('/', "\\/"));
            put(what, text);
        }
        put(
            "`\\u` escapes in the body: it was decoded and encoded again",
            escaped(text),
        );
        put(
            "no `\\u` escapes in the body: it was decoded and encoded again",
            unescaped(text),
        );
        put(
            "`\\/` for `/` in the body: PHP encoded it",
            text.replace('/', "\\/"),
        );
        put(
            "`/` for `\\/` in the body: PHP encoded it first",
            text.replace("\\/", "/"),
        );
        put(
            "`%20` for `+` in the form: it was encoded anew",
            text.replace('+', "%20"),
        );
        put(
            "`+` for `%20` in the form: it was encoded anew",
            text.replace("%20", "+"),
        );
        let latin: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(char).ok()).collect();
        let latin = latin.filter(|latin| latin != body);
        all.extend(latin.map(|latin| ("the body not decoded as Latin-1 on its way", latin)));
    }
    all.retain(|(_, other)| other != body);
    let with = |(what, body): (&str, Vec<u8>)| {
        (
            what.to_owned(),
            Capture {
                body,
                ..capture.clone()
            },
        )
    };
    all.into_iter().map(with).collect()
}

/// Other readings of the secrets.
pub(crate) fn keys(capture: &Capture) -> Vec<Variation> {
    let mut all = Vec::new();
    for (name, text) in &capture.secrets {
        let trimmed = text.trim().trim_matches(['"', '\'']);
        let bare = ["whsec_", "whsk_", "whpk_"]
            .iter()
            .find_map(|it| trimmed.strip_prefix(it));
        let mut put = |what: &str, key: Option<Vec<u8>>| {
            let key = key.and_then(|key| Secret::dangerous_any_length(key).ok());
            if let Some(key) = key {
                let keys = Some(vec![SecretText::from(key)]);
                all.push((
                    format!("{name} {what}"),
                    Capture {
                        keys,
                        ..capture.clone()
                    },
                ));
            }
        };
        let decoded = |text: &str| STANDARD.decode(text).ok();
        if trimmed != text {
            put(
                "without the white space or quotes around it",
                Some(trimmed.into()),
            );
        }
        if let Some(bare) = bare {
            put("without its prefix, not decoded", Some(bare.into()));
            put("without its prefix, decoded from base64", decoded(bare));
        }
        put(
            "with `whsec_` before it",
            Some(format!("whsec_{trimmed}").into()),
        );
        put("decoded from base64", decoded(trimmed));
        put("decoded from hex digits", const_hex::decode(trimmed).ok());
        if capture.entry.secret != SecretFormat::Text {
            put("as it is, not decoded", Some(trimmed.into()));
        }
    }
    all
}

/// Other headers, and other ways to write the signature.
pub(crate) fn headers(capture: &Capture) -> Vec<Variation> {
    const PREFIXES: &[&str] = &[
        "", "sha256=", "sha1=", "v0=", "v1=", "v1,", "v1a,", "h1=", "Bearer ",
    ];
    let mut all = Vec::new();
    let holder = holder(capture);
    for (index, (name, value)) in capture.headers.iter().enumerate() {
        let Ok(text) = value.to_str() else { continue };
        let put = |what: String, name: &HeaderName, value: &str, all: &mut Vec<Variation>| {
            if let Ok(value) = HeaderValue::from_str(value) {
                let mut other = capture.clone();
                // The renamed one takes the place of whatever stood there.
                other.headers[index] = (name.clone(), value);
                let mut count = 0;
                other.headers.retain(|(other, _)| {
                    count += 1;
                    other != name || count == index + 1
                });
                all.push((what, other));
            }
        };
        let is_same = Some(name) == holder.as_ref();
        let trimmed = text.trim_matches(['"', '\'', ' ']);
        put(
            format!("`{name}` once: it came twice or in quotes"),
            name,
            trimmed,
            &mut all,
        );
        if let Some((first, _)) = text.split_once(", ") {
            put(
                format!("the first of the two values of `{name}`"),
                name,
                first,
                &mut all,
            );
        }
        for (what, text) in times(text) {
            put(format!("{what} in `{name}`"), name, &text, &mut all);
        }
        let Some(signature) = signature(text) else {
            continue;
        };
        let Some(holder) = &holder else { continue };
        for (encoding, signature) in encodings(signature) {
            for prefix in PREFIXES {
                let value = format!("{prefix}{signature}");
                if is_same && value == text {
                    continue;
                }
                let start = match *prefix {
                    "" => "nothing".to_owned(),
                    prefix => format!("`{prefix}`"),
                };
                let what = match (is_same, encoding) {
                    (true, "") => format!("{start} before the signature in `{name}`"),
                    (true, _) => format!("the signature in `{name}` {encoding}"),
                    (false, _) => {
                        format!("`{name}` renamed to `{holder}`, {start} before the signature")
                    }
                };
                put(what, holder, &value, &mut all);
            }
        }
    }
    all
}

/// The text with each time in it in the other unit.
pub(crate) fn times(text: &str) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for run in text.split(|char: char| !char.is_ascii_digit()) {
        match run.len() {
            13 => all.push((
                "seconds for milliseconds",
                text.replacen(run, &run[..10], 1),
            )),
            10 => {
                let millis = format!("{run}000");
                all.push(("milliseconds for seconds", text.replacen(run, &millis, 1)));
            }
            _ => {}
        }
    }
    all
}

/// The header that holds the signature by this scheme.
pub(crate) fn holder(capture: &Capture) -> Option<HeaderName> {
    let entry = capture.entry;
    let text = match entry.secret {
        // Deliveries of the others cannot be made here.
        SecretFormat::None | SecretFormat::Pem | SecretFormat::Jwk | SecretFormat::Base64 => {
            return None;
        }
        _ if entry.id == "meta.handshake" => return None,
        SecretFormat::Whsec => "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        _ => "0101010101010101010101010101010101010101010101010101010101010101",
    };
    let doubled = Delivery::of(entry.id, text).doubled().request();
    let twice = |name: &&HeaderName| doubled.headers().get_all(*name).iter().count() > 1;
    doubled.headers().keys().find(twice).cloned()
}

/// The last thing in a header that looks like a signature.
fn signature(text: &str) -> Option<&str> {
    let padding = text.trim_end_matches('=').len();
    let start = text[..padding]
        .rfind(['=', ',', ' '])
        .map_or(0, |at| at + 1);
    let signature = &text[start..];
    (signature.len() >= 28).then_some(signature)
}

/// The signature as it is, and in the other encoding.
fn encodings(signature: &str) -> Vec<(&'static str, String)> {
    let mut all = vec![("", signature.to_owned())];
    if let Ok(bytes) = const_hex::decode(signature) {
        all.push((
            "in base64, where it is in hex digits",
            STANDARD.encode(&bytes),
        ));
    }
    if let Ok(bytes) = STANDARD.decode(signature) {
        // Some encode the hex digits once more.
        if let Ok(digits) = String::from_utf8(bytes.clone()) {
            all.push(("decoded from base64 once", digits));
        }
        all.push((
            "in hex digits, where it is in base64",
            const_hex::encode(bytes),
        ));
    }
    all
}

/// Other URLs that the provider may have been given.
pub(crate) fn urls(capture: &Capture) -> Vec<Variation> {
    let Some(url) = &capture.url else {
        return Vec::new();
    };
    let bare = url.split('?').next().unwrap_or_default();
    let mut all = vec![
        url.replacen("https://", "http://", 1),
        url.replacen("http://", "https://", 1),
    ];
    all.extend([
        bare.to_owned(),
        format!("{bare}/"),
        bare.trim_end_matches('/').to_owned(),
    ]);
    if let (Some(host), Some((scheme, rest))) = (capture.host(), url.split_once("://")) {
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        all.push(format!("{scheme}://{host}{path}"));
    }
    all.retain(|other| other != url);
    let with = |url: String| {
        let what = format!("the URL {url}");
        (
            what,
            Capture {
                uri: url.clone(),
                url: Some(url),
                ..capture.clone()
            },
        )
    };
    all.into_iter().map(with).collect()
}
