//! One pass over the payload that keeps nothing but the texts it was sent for.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, de};

use crate::rejection::Rejection;
use crate::scheme::{Field, Shape};

/// Finds the texts of `fields` in a payload of `shape`. Whole numbers are given as their digits.
///
/// # Errors
///
/// Returns where the payload is not of its shape, or lacks a field that its scheme promises.
pub(crate) fn scan<const N: usize>(
    bytes: &[u8],
    shape: Shape,
    fields: [Option<Field>; N],
) -> Result<[Option<Box<str>>; N], Rejection> {
    let mut wants = fields.map(Want::new);
    match shape {
        Shape::Opaque => return Ok(wants.map(|want| want.text)),
        Shape::Form => read_form(bytes, &mut wants)?,
        Shape::Array => read_json(bytes, Array)?,
        // Which of the two it is, the media type has said by now.
        Shape::Object | Shape::ObjectOrForm => {
            read_json(
                bytes,
                Object {
                    wants: &mut wants,
                    depth: 0,
                    asked: u8::MAX,
                },
            )?;
        }
    }
    if wants.iter().any(Want::is_missing) {
        return Err(Rejection::Malformed { line: 1, column: 0 });
    }
    Ok(wants.map(|want| want.text))
}

fn read_json(bytes: &[u8], root: impl for<'de> Visitor<'de, Value = ()>) -> Result<(), Rejection> {
    // JSON is UTF-8 throughout, also where a scan would skip it.
    let text = std::str::from_utf8(bytes).map_err(|err| at(bytes, err.valid_up_to()))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let read = json.deserialize_any(root).and_then(|()| json.end());
    read.map_err(|err| Rejection::Malformed {
        line: u32::try_from(err.line()).unwrap_or(u32::MAX),
        column: u32::try_from(err.column()).unwrap_or(u32::MAX),
    })
}

fn read_form(bytes: &[u8], wants: &mut [Want]) -> Result<(), Rejection> {
    std::str::from_utf8(bytes).map_err(|err| at(bytes, err.valid_up_to()))?;
    for (name, value) in form_urlencoded::parse(bytes) {
        let asked = |want: &&mut Want| want.path() == [&*name];
        for want in wants.iter_mut().filter(asked) {
            if want.seen {
                return Err(Rejection::Malformed { line: 1, column: 0 });
            }
            want.take(&value);
        }
    }
    Ok(())
}

/// The position of the byte at `offset`.
fn at(bytes: &[u8], offset: usize) -> Rejection {
    let before = &bytes[..offset.min(bytes.len())];
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = 1 + before
        .iter()
        .rev()
        .take_while(|byte| **byte != b'\n')
        .count();
    Rejection::Malformed {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}

/// A text that is looked for.
struct Want {
    field: Option<Field>,
    text: Option<Box<str>>,
    seen: bool,
}

impl Want {
    fn new(field: Option<Field>) -> Self {
        Self {
            field,
            text: None,
            seen: false,
        }
    }

    fn path(&self) -> &'static [&'static str] {
        self.field.map_or(&[], |field| field.path)
    }

    fn take(&mut self, text: &str) {
        self.seen = true;
        let wanted = !text.is_empty() && self.field.is_some_and(|field| !field.number);
        self.text = wanted.then(|| text.into());
    }

    fn take_number(&mut self, digits: &str) {
        self.seen = true;
        self.text = Some(digits.into());
    }

    fn is_missing(&self) -> bool {
        self.text.is_none() && self.field.is_some_and(|field| field.required)
    }
}

/// A JSON object at `depth` keys below the root.
struct Object<'w> {
    wants: &'w mut [Want],
    depth: usize,
    // The paths that lead here, one bit each.
    asked: u8,
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self {
            wants,
            depth,
            asked: open,
        } = self;
        // A key on the way that comes twice would hide which of the two is meant.
        let mut entered = 0_u8;
        while let Some(asked) = map.next_key_seed(Key {
            wants: &*wants,
            depth,
            open,
        })? {
            if asked == 0 {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if entered & asked != 0 {
                return Err(A::Error::custom("a key came twice"));
            }
            entered |= asked;
            map.next_value_seed(Below {
                wants: &mut *wants,
                depth,
                asked,
            })?;
        }
        Ok(())
    }
}

/// Which of the `open` paths go through a key.
struct Key<'w> {
    wants: &'w [Want],
    depth: usize,
    open: u8,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = u8;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<u8, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = u8;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<u8, E> {
        let goes = |want: &Want| want.path().get(self.depth) == Some(&key);
        let bits = self.wants.iter().enumerate().filter(|(_, want)| goes(want));
        Ok(self.open & bits.fold(0, |bits, (index, _)| bits | 1 << index))
    }
}

/// The value of a key that was asked for: a text at the end of a path, an object on the way.
struct Below<'w> {
    wants: &'w mut [Want],
    depth: usize,
    asked: u8,
}

impl<'w> Below<'w> {
    /// What was looked for here, not further down.
    fn ends(self) -> impl Iterator<Item = &'w mut Want> {
        let Self {
            wants,
            depth,
            asked,
        } = self;
        let wants = wants.iter_mut().enumerate();
        wants
            .filter(move |(index, want)| asked & 1 << index != 0 && want.path().len() == depth + 1)
            .map(|(_, want)| want)
    }
}

impl<'de> DeserializeSeed<'de> for Below<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Below<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.ends().for_each(|want| want.take(text));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self {
            wants,
            depth,
            asked,
        } = self;
        let depth = depth + 1;
        Object {
            wants,
            depth,
            asked,
        }
        .visit_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<(), E> {
        let mut digits = None;
        self.ends()
            .for_each(|want| want.take_number(digits.get_or_insert_with(|| number.to_string())));
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<(), E> {
        let mut digits = None;
        self.ends()
            .for_each(|want| want.take_number(digits.get_or_insert_with(|| number.to_string())));
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A JSON array of anything.
struct Array;

impl<'de> Visitor<'de> for Array {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
