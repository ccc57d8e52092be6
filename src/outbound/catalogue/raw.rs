//! Schemas that were written to stand by themselves, made part of a document.

use serde_json::{Map, Value};

use super::definitions::free;

/// Where a schema keeps what it defines: today, and before 2019-09.
const DEFINED: [&str; 2] = ["$defs", "definitions"];
/// What holds examples and values, no schemas.
const VALUES: [&str; 4] = ["const", "default", "enum", "examples"];

/// Makes `schema` the definition `name` under `path`: what it defines is moved beside it, and what refers to itself
/// refers to where that is now.
pub(super) fn moved(
    mut schema: Value,
    path: &str,
    name: &str,
    definitions: &mut Map<String, Value>,
) -> Value {
    let Some(root) = schema.as_object_mut() else {
        return schema;
    };
    // It is no document any more, so it has no address and no dialect of its own.
    root.remove("$schema");
    root.remove("$id");
    let mut moves = Vec::new();
    let mut parts = Vec::new();
    for place in DEFINED {
        let Some(Value::Object(defined)) = root.remove(place) else {
            continue;
        };
        for (key, part) in defined {
            let to = free(definitions, &format!("{name}.{}", plain(&key)));
            definitions.insert(to.clone(), Value::Null);
            let from = format!("#/{place}/{}", pointer(&key));
            moves.push((from, format!("#{path}/{to}")));
            parts.push((to, part));
        }
    }
    // All the rest is below the definition itself.
    moves.push(("#".to_owned(), format!("#{path}/{name}")));
    for (to, mut part) in parts {
        redirect(&mut part, &moves);
        definitions.insert(to, part);
    }
    redirect(&mut schema, &moves);
    schema
}

/// Rewrites references into the document that it was.
fn redirect(schema: &mut Value, moves: &[(String, String)]) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(|one| redirect(one, moves)),
        // What has an address of its own is what its references mean.
        Value::Object(object) if object.contains_key("$id") => {}
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(target) if key == "$ref" => {
                        if let Some(moved) = redirected(target, moves) {
                            *target = moved;
                        }
                    }
                    value if !VALUES.contains(&key.as_str()) => redirect(value, moves),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn redirected(target: &str, moves: &[(String, String)]) -> Option<String> {
    moves.iter().find_map(|(from, to)| {
        let rest = target.strip_prefix(from.as_str())?;
        // An anchor, `#item`, is found wherever it is.
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
    })
}

/// A key, as a JSON pointer in a reference writes it.
fn pointer(key: &str) -> String {
    let key = key.replace('~', "~0").replace('/', "~1");
    percent_encoding::utf8_percent_encode(&key, FRAGMENT).to_string()
}

/// RFC 3986, section 3.5: what a fragment cannot hold as it is.
const FRAGMENT: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A text that can name a definition of an OpenAPI document.
pub(super) fn plain(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    let plain = |letter| if is_plain(letter) { letter } else { '_' };
    text.chars().map(plain).collect()
}
