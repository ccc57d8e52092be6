use std::collections::HashSet;

use ::http::HeaderName;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sfv::visitor::{DictionaryVisitor, EntryVisitor};
use sfv::{BareItem, Dictionary, InnerList, Item, KeyRef, ListEntry, ListSerializer, Parser};

use super::super::{AuthError, AuthErrorKind};

/// Longest `Signature-Input` and `Signature`, in bytes.
const MAX_HEADER: usize = 4096;

/// Most members of a dictionary: proxies may add signatures of theirs.
const MAX_MEMBERS: usize = 8;

/// Most components one signature may cover.
const MAX_COMPONENTS: usize = 32;

/// Something that a signature covers (RFC 9421, section 2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Component {
    Method,
    TargetUri,
    Authority,
    Scheme,
    RequestTarget,
    Path,
    Query,
    QueryParam(Box<str>),
    Field(HeaderName),
}

/// One signature and what it says of itself (RFC 9421, section 2.3).
#[derive(Debug)]
pub(super) struct Input {
    pub(super) components: Vec<Component>,
    /// The list and its parameters, as they are signed.
    pub(super) params: String,
    pub(super) created: Option<i64>,
    pub(super) expires: Option<i64>,
    pub(super) algorithm: Option<Box<str>>,
    pub(super) key_id: Option<Box<str>>,
    pub(super) signature: Vec<u8>,
}

/// Reads the signature of `label`, or the only one where that is `None`.
pub(super) fn parse(input: &str, signature: &str, label: Option<&str>) -> Result<Input, AuthError> {
    let malformed = AuthErrorKind::MalformedHeader;
    let (inputs, signatures) = (dictionary(input)?, dictionary(signature)?);
    let (label, entry) = match label {
        Some(label) => (
            label,
            inputs.get(label).ok_or(AuthErrorKind::MissingHeader)?,
        ),
        // Which of several to believe is not for the sender to say.
        None if inputs.len() == 1 => {
            let (label, entry) = inputs.first().ok_or(malformed)?;
            (label.as_str(), entry)
        }
        None => return Err(malformed.into()),
    };
    let ListEntry::InnerList(list) = entry else {
        return Err(malformed.into());
    };
    let Some(ListEntry::Item(item)) = signatures.get(label) else {
        return Err(malformed.into());
    };
    let bytes = item.bare_item.as_byte_sequence().ok_or(malformed)?;
    // Structured fields let a last character spell the same bytes in several ways; we do not.
    if !signature.contains(&format!(":{}:", STANDARD.encode(bytes))) {
        return Err(malformed.into());
    }
    let text = |name| list.params.get(name).map(string);
    let text = |name| text(name).transpose();
    let time = |name| list.params.get(name).map(seconds).transpose();
    Ok(Input {
        components: components(list)?,
        params: serialize(list)?,
        created: time("created")?,
        expires: time("expires")?,
        algorithm: text("alg")?,
        key_id: text("keyid")?,
        signature: bytes.to_vec(),
    })
}

/// A dictionary in which no member comes twice: which of the two would be meant?
pub(super) fn dictionary(text: &str) -> Result<Dictionary, AuthError> {
    let malformed = AuthErrorKind::MalformedHeader;
    if text.len() > MAX_HEADER {
        return Err(malformed.into());
    }
    Parser::new(text)
        .parse_dictionary_with_visitor(Strict(Dictionary::new()))
        .map_err(|_| malformed.into())
}

struct Strict(Dictionary);

impl<'de> DictionaryVisitor<'de> for Strict {
    type Out = Dictionary;
    type Error = AuthError;

    fn entry(&mut self, key: &'de KeyRef) -> Result<impl EntryVisitor<'de>, AuthError> {
        if self.0.contains_key(key.as_str()) || self.0.len() >= MAX_MEMBERS {
            return Err(AuthErrorKind::MalformedHeader.into());
        }
        DictionaryVisitor::entry(&mut self.0, key).map_err(|never| match never {})
    }

    fn finish(self) -> Result<Dictionary, AuthError> {
        Ok(self.0)
    }
}

fn components(list: &InnerList) -> Result<Vec<Component>, AuthError> {
    let mut seen = HashSet::new();
    let components: Result<Vec<_>, _> = list.items.iter().map(component).collect();
    let components = components?;
    let distinct = components.iter().all(|component| seen.insert(component));
    if components.len() > MAX_COMPONENTS || !distinct {
        return Err(AuthErrorKind::MalformedHeader.into());
    }
    Ok(components)
}

fn component(item: &Item) -> Result<Component, AuthError> {
    let name = string(&item.bare_item)?;
    if &*name == "@query-param" {
        let name = item.params.get("name").filter(|_| item.params.len() == 1);
        let name = string(name.ok_or(AuthErrorKind::MalformedHeader)?)?;
        return Ok(Component::QueryParam(name));
    }
    // Parameters change what a component means; those of RFC 9421 beside `name` are not ours.
    if !item.params.is_empty() {
        return Err(AuthErrorKind::UnsupportedVersion.into());
    }
    Component::from_name(&name).ok_or_else(|| AuthErrorKind::MalformedHeader.into())
}

impl Component {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "@method" => Self::Method,
            "@target-uri" => Self::TargetUri,
            "@authority" => Self::Authority,
            "@scheme" => Self::Scheme,
            "@request-target" => Self::RequestTarget,
            "@path" => Self::Path,
            "@query" => Self::Query,
            // `@` is no letter of a header's name.
            name => Self::Field(HeaderName::from_lowercase(name.as_bytes()).ok()?),
        })
    }
}

fn string(value: &BareItem) -> Result<Box<str>, AuthError> {
    let text = value.as_string().map(|text| text.as_str().into());
    text.ok_or_else(|| AuthErrorKind::MalformedHeader.into())
}

/// Unix seconds; structured fields allow 15 digits.
fn seconds(value: &BareItem) -> Result<i64, AuthError> {
    let time = value.as_integer().map(i64::from);
    time.filter(|time| *time > 0)
        .ok_or_else(|| AuthErrorKind::MalformedTimestamp.into())
}

/// The list in its one canonical form, whatever spaces it came with.
pub(super) fn serialize(list: &InnerList) -> Result<String, AuthError> {
    let mut text = ListSerializer::new();
    let mut inner = text.inner_list();
    inner.items(&list.items);
    inner.finish().parameters(&list.params);
    text.finish()
        .ok_or_else(|| AuthErrorKind::MalformedHeader.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_more_than_4096_bytes_is_not_read() {
        let read = |length: usize| dictionary(&format!("a=\"{}\"", "b".repeat(length - 4)));
        assert_eq!(read(MAX_HEADER).unwrap().len(), 1);
        assert!(read(MAX_HEADER + 1).is_err());
        assert!(read(MAX_HEADER + 2).is_err());
    }

    #[test]
    fn a_signature_covers_32_components_at_most() {
        let read = |count: usize| {
            let names: Vec<_> = (0..count).map(|name| format!("\"x-{name}\"")).collect();
            let read = dictionary(&format!("sig=({})", names.join(" "))).unwrap();
            let Some(ListEntry::InnerList(list)) = read.get("sig") else {
                panic!("it is a list");
            };
            components(list).map(|components| components.len())
        };
        assert_eq!(read(MAX_COMPONENTS).unwrap(), MAX_COMPONENTS);
        assert!(read(MAX_COMPONENTS + 1).is_err());
    }

    #[test]
    fn a_time_is_a_whole_number_above_zero() {
        let read = |text: &str| {
            let read = dictionary(&format!("a={text}")).unwrap();
            let Some(ListEntry::Item(item)) = read.get("a") else {
                panic!("it is an item");
            };
            seconds(&item.bare_item).ok()
        };
        assert_eq!(read("1"), Some(1));
        for text in ["0", "-1", "1.0", "\"1\""] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
