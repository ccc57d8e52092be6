//! All schemas of a catalogue in one document.

use schemars::SchemaGenerator;
use serde_json::{Map, Value};

use super::entry::Payload;
use super::{Catalogue, Entry, raw};

/// The definitions of a document.
pub(crate) struct Definitions<'c> {
    /// The events, each with the name of its definition.
    pub(crate) events: Vec<(String, &'c Entry)>,
    /// What is defined, the events among it.
    pub(crate) definitions: Map<String, Value>,
}

impl Catalogue {
    /// Defines each event under its name, and the types that are part of them once, beside what `generator` has
    /// defined already.
    pub(crate) fn define(&self, mut generator: SchemaGenerator) -> Definitions<'_> {
        // Types first: a name that is taken gets a number behind it, and events are looked for by theirs.
        let written = self.entries.iter().map(|entry| match &entry.payload {
            Payload::Typed {
                schema,
                is_standard,
            } => (
                entry,
                entry.in_its_form(schema(&mut generator), *is_standard),
            ),
            Payload::Raw(schema) => (entry, schema.clone()),
        });
        let written: Vec<_> = written.collect();
        let path = generator.settings().definitions_path.to_string();
        let mut definitions = generator.take_definitions(true);
        let mut events = Vec::new();
        for (entry, schema) in written {
            let name = free(&definitions, &name(entry));
            let schema = match entry.payload {
                Payload::Typed { .. } => schema,
                Payload::Raw(_) => raw::moved(schema, &path, &name, &mut definitions),
            };
            definitions.insert(name.clone(), described(schema, entry));
            events.push((name, entry));
        }
        Definitions {
            events,
            definitions,
        }
    }
}

/// Names of definitions are letters, digits, dots, `-` and `_` in OpenAPI.
fn name(entry: &Entry) -> String {
    let Some(version) = &entry.version else {
        return entry.name.clone();
    };
    format!("{}_{}", entry.name, raw::plain(version))
}

/// The name, or the first one like it that is not taken.
pub(super) fn free(definitions: &Map<String, Value>, name: &str) -> String {
    let mut free = name.to_owned();
    let mut number = 2;
    while definitions.contains_key(&free) {
        free = format!("{name}_{number}");
        number += 1;
    }
    free
}

fn described(mut schema: Value, entry: &Entry) -> Value {
    if let Some(object) = schema.as_object_mut()
        && !entry.description.is_empty()
    {
        object.insert("description".to_owned(), entry.description.clone().into());
    }
    schema
}
