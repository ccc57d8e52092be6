//! Times as four kinds of providers write them, signed, before every clock and under every window.
//!
//! Input: lines: the text of the time, the clock, the window, the skew.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use tower::{ServiceBuilder, service_fn};
use tower_webhook::limit::BodyLimitLayer;
use tower_webhook::replay::{FreshBody, ReplayWindowLayer};
use tower_webhook::scheme::{AnyScheme, HmacScheme};
use tower_webhook::verify::{Verified as _, VerifyLayer};

use crate::NOW;
use crate::run::{At, ask};
use crate::sign::{hex, mac, secret};

/// Where a time stands and how it is written.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Slack: seconds in a header.
    Seconds,
    /// `WorkOS`: milliseconds beside the signature.
    Millis,
    /// Twitch: RFC 3339 in a header.
    Rfc3339,
    /// Linear: milliseconds in the payload.
    Payload,
}

/// A time is read as it is written, and is accepted if and only if it is inside the window.
pub fn timestamp(data: &[u8]) {
    let lines: Vec<_> = data.splitn(4, |byte| *byte == b'\n').collect();
    let text = lines[0];
    let number = |line: usize| {
        let text = std::str::from_utf8(lines.get(line)?).ok()?;
        text.trim().parse::<i128>().ok()
    };
    let now = number(1)
        .and_then(|now| i64::try_from(now).ok())
        .unwrap_or(NOW);
    let past = number(2)
        .and_then(|past| u64::try_from(past).ok())
        .unwrap_or(300);
    let future = number(3)
        .and_then(|skew| u64::try_from(skew).ok())
        .unwrap_or(60);
    for place in [
        Place::Seconds,
        Place::Millis,
        Place::Rfc3339,
        Place::Payload,
    ] {
        let Some(status) = place.ask(text, now, past, future) else {
            continue;
        };
        let read = std::str::from_utf8(text)
            .ok()
            .and_then(|text| place.read(text));
        let expected = match read.map(|time| i128::from(now) - time) {
            None => 401,
            Some(age) if age > i128::from(past) || -age > i128::from(future) => 409,
            Some(_) => 200,
        };
        assert_eq!(
            status,
            expected,
            "{place:?} {} {now} {past} {future}",
            text.escape_ascii()
        );
    }
}

impl Place {
    /// The time that `text` says, in seconds, by the grammar alone.
    fn read(self, text: &str) -> Option<i128> {
        let digits = |text: &str, count: usize| {
            let fits = text.len() == count && !text.starts_with('0');
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            (fits && digits).then(|| text.parse::<i128>().expect("digits are a number"))
        };
        match self {
            Self::Seconds => digits(text, 10),
            Self::Millis => digits(text, 13).map(|millis| millis / 1000),
            // Space around a value is no part of it.
            Self::Payload => {
                digits(text.trim_matches([' ', '\t', '\n', '\r']), 13).map(|millis| millis / 1000)
            }
            Self::Rfc3339 => rfc3339(text),
        }
    }

    /// The status of the answer to a delivery that is signed with this text in it.
    fn ask(self, text: &[u8], now: i64, past: u64, future: u64) -> Option<u16> {
        let (mut head, ()) = Request::post("/").body(()).ok()?.into_parts();
        let mut put = |name: &'static str, value: &[u8]| {
            head.headers
                .insert(name, HeaderValue::from_bytes(value).ok()?);
            Some(())
        };
        let mut body = b"{}".to_vec();
        let scheme = match self {
            Self::Seconds => {
                put("x-slack-request-timestamp", text)?;
                let mac = mac(&[b"v0:", text, b":", &body]);
                put("x-slack-signature", format!("v0={}", hex(&mac)).as_bytes())?;
                AnyScheme::new(HmacScheme::slack(secret()))
            }
            Self::Millis => {
                // Between the signs of the header there is no text with such a sign.
                if text.contains(&b',') {
                    return None;
                }
                let mac = mac(&[text, b".", &body]);
                let value = [b"t=", text, b", v1=", hex(&mac).as_bytes()].concat();
                put("workos-signature", &value)?;
                AnyScheme::new(HmacScheme::workos(secret()))
            }
            Self::Rfc3339 => {
                put("twitch-eventsub-message-id", b"id-1")?;
                put("twitch-eventsub-message-timestamp", text)?;
                let mac = mac(&[b"id-1", text, &body]);
                let value = format!("sha256={}", hex(&mac));
                put("twitch-eventsub-message-signature", value.as_bytes())?;
                AnyScheme::new(HmacScheme::twitch(secret()))
            }
            Self::Payload => {
                // What holds more than a number, or none, says more than a time.
                if text.iter().any(|byte| b",{}[]\"".contains(byte)) {
                    return None;
                }
                body = [br#"{"webhookTimestamp":"#, text, b"}"].concat();
                put("linear-signature", hex(&mac(&[&body])).as_bytes())?;
                AnyScheme::new(HmacScheme::linear(secret()))
            }
        };
        let handler = service_fn(|request: Request<FreshBody>| async move {
            assert!(request.body().delivery().timestamp.is_some());
            Ok::<_, Infallible>(Response::new(()))
        });
        let window = ReplayWindowLayer::new(Duration::from_secs(past)).with_clock(At(now));
        let window = window
            .dangerous()
            .with_future_skew(Duration::from_secs(future));
        let stack = ServiceBuilder::new()
            .layer(BodyLimitLayer::new(1 << 20))
            .layer(VerifyLayer::new(scheme))
            .layer(window)
            .service(handler);
        Some(ask(stack, head, Bytes::from(body)).status().as_u16())
    }
}

/// RFC 3339 in UTC, of 1970 and later, by days counted one year after the other.
fn rfc3339(text: &str) -> Option<i128> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str, count: usize| {
        let fits = text.len() == count && digits(text);
        fits.then(|| text.parse::<i128>().expect("digits are a number"))
    };
    let [year, month, day] = date.split('-').collect::<Vec<_>>().try_into().ok()?;
    let [hour, minute, second] = time.split(':').collect::<Vec<_>>().try_into().ok()?;
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    let is_leap = |year: i128| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if is_leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = usize::try_from(month - 1).ok()?;
    let is_time = hour < 24 && minute < 60 && second <= 60 && digits(fraction);
    if year < 1970 || day < 1 || day > *months.get(before)? || !is_time {
        return None;
    }
    let years: i128 = (1970..year)
        .map(|year| if is_leap(year) { 366 } else { 365 })
        .sum();
    let days = years + months[..before].iter().sum::<i128>() + day - 1;
    // A leap second is the second before it.
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second.min(59))
}
