use serde_json::{Map, Value, json};

use super::definitions::Definitions;
use super::entry::{DIALECT, generator};
use super::{Catalogue, Entry};

/// The version of OpenAPI: the first that describes webhooks, and whose schemas are JSON Schema, is 3.1.
pub(crate) const OPENAPI: &str = "3.1.1";

impl Catalogue {
    /// All schemas in one document of JSON Schema 2020-12. Under `$defs` each event has a definition by its name, with
    /// `_` and its version behind it where it has one.
    #[must_use]
    pub fn json_schema(&self) -> Value {
        let Definitions { definitions, .. } = self.define(generator("/$defs"));
        json!({ "$schema": DIALECT, "title": self.title, "$defs": definitions })
    }

    /// An OpenAPI 3.1 document with an entry of `webhooks` for each event. What its receivers are to answer is in it;
    /// how deliveries are signed is not.
    #[must_use]
    pub fn openapi(&self) -> Value {
        let defined = self.define(generator("/components/schemas"));
        json!({
            "openapi": OPENAPI,
            "info": { "title": self.title, "version": self.version },
            "webhooks": defined.webhooks(),
            "components": { "schemas": defined.definitions },
        })
    }
}

impl Definitions<'_> {
    /// The `webhooks` of a document that has the definitions under `components`.
    pub(crate) fn webhooks(&self) -> Map<String, Value> {
        let webhook = |(name, entry): &(String, &Entry)| (name.clone(), webhook(name, entry));
        self.events.iter().map(webhook).collect()
    }
}

fn webhook(name: &str, entry: &Entry) -> Value {
    let schema = format!("#/components/schemas/{name}");
    let version = entry.version.as_ref().map(|version| {
        json!({
            "name": "webhook-api-version",
            "in": "header",
            "required": true,
            "schema": { "type": "string", "const": version },
        })
    });
    let parameters: Vec<_> = version.into_iter().collect();
    json!({
        "post": {
            "operationId": name,
            "summary": entry.name,
            "description": entry.description,
            "parameters": parameters,
            "requestBody": {
                "required": true,
                "content": { "application/json": { "schema": { "$ref": schema } } },
            },
            "responses": {
                "2XX": { "description": "Taken: it is not sent again." },
                "default": { "description": "Not taken: it may be sent again." },
            },
        },
    })
}
