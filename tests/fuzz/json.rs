//! JSON as a tree that forgets nothing: members in their order, those that come twice included.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Object(Vec<(String, Self)>),
    Array,
    Text(String),
    /// A number without a fraction, as its digits.
    Whole(String),
    Other,
}

impl Node {
    /// All values under `path`, an object at each step.
    pub(crate) fn under<'n>(&'n self, path: &[&str]) -> Vec<&'n Self> {
        let Some((name, rest)) = path.split_first() else {
            return vec![self];
        };
        let Self::Object(members) = self else {
            return Vec::new();
        };
        let named = members.iter().filter(|(member, _)| member == name);
        named.flat_map(|(_, value)| value.under(rest)).collect()
    }

    /// Whether an object on the way of `path` has its next name twice.
    pub(crate) fn doubles(&self, path: &[&str]) -> bool {
        let (Self::Object(members), Some((name, rest))) = (self, path.split_first()) else {
            return false;
        };
        let named = members.iter().filter(|(member, _)| member == name);
        named.clone().count() > 1 || named.into_iter().any(|(_, value)| value.doubles(rest))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        while seq.next_element::<Node>()?.is_some() {}
        Ok(Node::Array)
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Whole(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Whole(number.to_string()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Other)
    }
}
