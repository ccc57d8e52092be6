//! Keys of deliveries: two that differ have keys that differ.
//!
//! Input: text, cut in three twice by its first four bytes.

use tower_webhook::store::IdemKey;

use crate::sign::{hex, sha256};

/// Longest key that is text, in characters.
const MAX: usize = 255;

/// A key is read back into the parts it was made of, is short, and has nothing in it that a store would
/// choke on.
pub fn key(data: &[u8]) {
    let Some((cuts, text)) = data.split_first_chunk::<4>() else {
        return;
    };
    let text = String::from_utf8_lossy(text);
    let [a, b, c, d] = cuts.map(|cut| place(&text, cut));
    // The same text in other parts: what joins them without a mark makes them the same.
    let one = parts(&text, a, b);
    let other = parts(&text, c, d);
    let keys = [one, other].map(|[connection, event_type, nonce]| {
        let key = IdemKey::compose(connection, Some(event_type), nonce);
        check(key.as_str(), [connection, event_type, nonce]);
        // No event type is as good as one without a name.
        if event_type.is_empty() {
            assert_eq!(key, IdemKey::compose(connection, None, nonce));
        }
        key
    });
    assert_eq!(keys[0] == keys[1], one == other, "{one:?} {other:?}");
}

fn place(text: &str, cut: u8) -> usize {
    let places: Vec<_> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    places[usize::from(cut) * (places.len() - 1) / 255]
}

fn parts(text: &str, one: usize, other: usize) -> [&str; 3] {
    let (first, second) = (one.min(other), one.max(other));
    [&text[..first], &text[first..second], &text[second..]]
}

fn check(key: &str, parts: [&str; 3]) {
    assert!(key.chars().count() <= MAX, "{key}");
    assert!(!key.chars().any(char::is_control), "{key:?}");
    let long = parts.map(escape).join(":");
    if long.chars().count() > MAX {
        assert_eq!(key, hex(&sha256(long.as_bytes())));
        return;
    }
    let read: Vec<_> = key.split(':').map(unescape).collect();
    assert_eq!(read, parts, "{key}");
}

/// As the key has it, written anew: a control character by the bytes that it has in UTF-8.
fn escape(part: &str) -> String {
    let escape = |char: char| match char {
        '%' | ':' => format!("%{:02X}", u32::from(char)),
        '\0'..='\x1f' | '\x7f' => format!("%{:02X}", u32::from(char)),
        // The bytes of U+0080 to U+009F.
        '\u{80}'..='\u{9f}' => format!("%C2%{:02X}", u32::from(char)),
        other => other.to_string(),
    };
    part.chars().map(escape).collect()
}

fn unescape(part: &str) -> String {
    let mut bytes = part.bytes();
    let mut read = Vec::new();
    while let Some(byte) = bytes.next() {
        read.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next().expect("a digit")).to_digit(16);
                let (high, low) = (digit().expect("a digit"), digit().expect("a digit"));
                u8::try_from(high * 16 + low).expect("two digits are a byte")
            }
            other => other,
        });
    }
    String::from_utf8(read).expect("what was text is text")
}
