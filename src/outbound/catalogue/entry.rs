use std::fmt;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::EventType;

/// An event of a catalogue.
#[derive(Clone)]
pub struct Entry {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) description: String,
    pub(super) payload: Payload,
}

#[derive(Clone)]
pub(super) enum Payload {
    /// A type, by what writes its schema.
    Typed {
        schema: fn(&mut SchemaGenerator) -> Value,
        is_standard: bool,
    },
    /// A schema that stands by itself.
    Raw(Value),
}

impl Entry {
    pub(super) fn typed<T: EventType>() -> Self {
        Self {
            name: T::NAME.to_owned(),
            version: T::VERSION.map(str::to_owned),
            description: T::DESCRIPTION.to_owned(),
            payload: Payload::Typed {
                schema: schema_of::<T>,
                is_standard: T::STANDARD,
            },
        }
    }

    /// The type of the event.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version of its payload.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// What happened.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The schema of what is sent, which refers to nothing outside itself: JSON Schema 2020-12, unless the catalogue
    /// was given another one.
    #[must_use]
    pub fn schema(&self) -> Value {
        let (schema, is_standard) = match &self.payload {
            Payload::Raw(schema) => return schema.clone(),
            Payload::Typed {
                schema,
                is_standard,
            } => (schema, *is_standard),
        };
        let mut generator = generator("/$defs");
        let mut root = self.in_its_form(schema(&mut generator), is_standard);
        let definitions = generator.take_definitions(true);
        if let Some(object) = root.as_object_mut() {
            object.insert("$schema".to_owned(), DIALECT.into());
            object.insert("$defs".to_owned(), Value::Object(definitions));
        }
        root
    }

    /// The schema of what is sent, of that of the payload.
    pub(super) fn in_its_form(&self, payload: Value, is_standard: bool) -> Value {
        if !is_standard {
            return payload;
        }
        json!({
            "type": "object",
            "required": ["type", "timestamp", "data"],
            "properties": {
                "type": { "type": "string", "const": self.name },
                "timestamp": {
                    "type": "string",
                    "format": "date-time",
                    "description": "When it happened."
                },
                "data": payload,
            },
        })
    }
}

/// The dialect of what is generated.
pub(super) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Writes schemas of what is serialised, their definitions under a path of the document.
pub(crate) fn generator(path: &'static str) -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let at = |settings: &mut SchemaSettings| settings.definitions_path = path.into();
    settings.with(at).into_generator()
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
