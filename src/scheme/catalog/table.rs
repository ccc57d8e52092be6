use std::fmt::Write as _;

use super::entry::{Entry, Kind};
use crate::scheme::profile::Field;
use crate::scheme::recipe::{Algorithm, Part, Recipe, Time, Unit};
use crate::scheme::signature::Layout;

/// The table of providers in Markdown, as the documentation has it.
#[must_use]
pub fn table() -> String {
    let mut table = String::from(
        "| scheme | provider | signature | signed | delivery id | event type | time signed | \
         tolerance | note |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut entries: Vec<_> = super::all().collect();
    entries.sort_unstable_by_key(|entry| entry.id);
    for entry in entries {
        let row = Row::of(entry);
        let tolerance = entry.tolerance.map_or("–".into(), |age| format!("{age} s"));
        writeln!(
            table,
            "| `{}` | [{}]({}) | {} | {} | {} | {} | {} | {tolerance} | {} |",
            entry.id,
            entry.name,
            entry.docs,
            row.signature,
            row.signed,
            row.id,
            row.event_type,
            row.time,
            entry.note
        )
        .expect("a `String` takes everything");
    }
    table
}

struct Row {
    signature: String,
    signed: String,
    id: String,
    event_type: String,
    time: &'static str,
}

impl Row {
    fn of(entry: &Entry) -> Self {
        match entry.kind {
            Kind::Hmac(recipe) | Kind::Ed25519(recipe) | Kind::Ecdsa(recipe) => Self::cook(recipe),
            Kind::Own(own) => Self {
                signature: own.signature.into(),
                signed: own.signed.into(),
                id: own.id.into(),
                event_type: "–".into(),
                time: own.time,
            },
        }
    }

    fn cook(recipe: &Recipe) -> Self {
        let signs = |part| recipe.content.contains(&part);
        let algorithm = match recipe.algorithm {
            Algorithm::HmacSha1 => "HMAC-SHA1",
            Algorithm::HmacSha256 => "HMAC-SHA256",
            Algorithm::Sha256 => "SHA-256 after the key",
            Algorithm::Ed25519 => "Ed25519",
            Algorithm::EcdsaP256 => "ECDSA P-256",
        };
        let form = match recipe.layout {
            Layout::Whole { prefix: "" } => String::new(),
            Layout::Whole { prefix } => format!(" after `{prefix}`"),
            Layout::Pairs { version, .. } => format!(" after `{version}=`"),
            Layout::List { version } => format!(" after `{version},`"),
        };
        let encoding = format!("{:?}", recipe.encoding).to_lowercase();
        let signature = format!("`{}`: {algorithm}, {encoding}{form}", recipe.signature[0]);
        let signed: String = recipe.content.iter().map(part).collect();
        let time = match recipe.time {
            Time::Unsigned => "no",
            Time::Header(_, unit) | Time::Signature(_, unit) | Time::Payload(_, unit) => match unit
            {
                Unit::Seconds => "s",
                Unit::Millis => "ms",
                Unit::Rfc3339 => "RFC 3339",
            },
        };
        let place = |names: &[&str], field: Option<Field>, signed: bool| match (names, field) {
            ([name, ..], _) if signed => format!("`{name}`, signed"),
            ([name, ..], _) => format!("`{name}`, unsigned"),
            (_, Some(field)) => format!("body `{}`, signed", field.path.join(".")),
            _ => "–".into(),
        };
        Self {
            signature,
            signed: format!("`{signed}`"),
            id: place(recipe.id, recipe.facts.id, signs(Part::Id)),
            event_type: place(recipe.event_type, recipe.facts.event_type, false),
            time,
        }
    }
}

fn part(part: &Part) -> &'static str {
    match part {
        Part::Literal(text) => text,
        Part::Timestamp => "{time}",
        Part::Id => "{id}",
        Part::Body => "{body}",
        Part::Method => "{method}",
        Part::Url => "{url}",
    }
}
